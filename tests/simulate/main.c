/*
 * simulate [--seeds N] [--first S] [--jobs J] [--supervisor]
 * simulate --seed S [--trace] [--supervisor]
 * simulate --explain STATES [--first S]
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "simulate.h"

#define JOBS_MAX 64

struct options {
	uint64_t seeds, first;
	uint64_t states; /* --explain; 0: another mode */
	unsigned jobs;
	bool trace, supervisor;
};

static double
seconds_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- one worker: every jobs-th seed ---- */

static void
play(const struct options *options, unsigned job, struct totals *totals)
{
	for (uint64_t i = job; i < options->seeds; i += options->jobs) {
		uint64_t seed = options->first + i;

		(void)(options->supervisor ? supervisor_play : life_play)(seed,
		    options->trace, totals);
	}
}

static bool
write_all(int fd, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0) {
		ssize_t done = write(fd, at, size);

		if (done <= 0) {
			return false;
		}
		at += done;
		size -= (size_t)done;
	}
	return true;
}

static bool
read_all(int fd, void *bytes, size_t size)
{
	char *at = bytes;

	while (size > 0) {
		ssize_t done = read(fd, at, size);

		if (done <= 0) {
			return false;
		}
		at += done;
		size -= (size_t)done;
	}
	return true;
}

static int
start_worker(const struct options *options, unsigned job)
{
	int ends[2];

	if (pipe(ends) != 0) {
		return -1;
	}
	(void)fflush(NULL);
	pid_t pid = fork();

	if (pid == 0) {
		struct totals totals = {.seeds = 0};

		play(options, job, &totals);
		_exit(write_all(ends[1], &totals, sizeof totals) ? 0 : 1);
	}
	(void)close(ends[1]);
	return pid > 0 ? ends[0] : -1;
}

/* ---- the sum ---- */

static void
add(struct totals *sum, const struct totals *part)
{
	sum->seeds += part->seeds;
	sum->steps += part->steps;
	sum->events += part->events;
	sum->broken += part->broken;
	sum->shard_days += part->shard_days;
	for (int i = 0; i < FAULT_COUNT; i++) {
		sum->faults[i] += part->faults[i];
	}
	sum->connects += part->connects;
	sum->probes += part->probes;
	sum->identifies += part->identifies;
	sum->resumes += part->resumes;
	sum->resumed += part->resumed;
	sum->heartbeats += part->heartbeats;
	sum->zombies += part->zombies;
	sum->starts += part->starts;
	sum->exits_watchdog += part->exits_watchdog;
	sum->exits_refused += part->exits_refused;
	sum->delivered += part->delivered;
	sum->checks += part->checks;
	if (part->worst_healing > sum->worst_healing) {
		sum->worst_healing = part->worst_healing;
		sum->worst_healing_seed = part->worst_healing_seed;
	}
	if (part->most_identifies > sum->most_identifies) {
		sum->most_identifies = part->most_identifies;
	}
}

static void
print_faults(const struct totals *totals)
{
	uint64_t all = 0;

	for (int i = 0; i < FAULT_COUNT; i++) {
		all += totals->faults[i];
		if (totals->faults[i] > 0) {
			printf("  %-34s %12" PRIu64 "\n", fault_name((enum fault)i),
			    totals->faults[i]);
		}
	}
	printf("faults           %14" PRIu64 "\n", all);
}

static void
print_totals(const struct totals *totals, double seconds)
{
	print_faults(totals);
	printf("process starts   %14" PRIu64 "  (%" PRIu64 " after exit 1, %" PRIu64
	       " after exit 77)\n",
	    totals->starts, totals->exits_watchdog, totals->exits_refused);
	printf("connects         %14" PRIu64 "\n", totals->connects);
	printf("resumes          %14" PRIu64 "  (%" PRIu64 " resumed)\n",
	    totals->resumes, totals->resumed);
	printf("identifies       %14" PRIu64 "  (at most %" PRIu32 " in 24 h, of %d)\n",
	    totals->identifies, totals->most_identifies, IDENTIFIES_PER_DAY);
	printf("heartbeats       %14" PRIu64 "\n", totals->heartbeats);
	printf("proofs of life   %14" PRIu64 "\n", totals->probes);
	printf("dead peers       %14" PRIu64 "\n", totals->zombies);
	printf("events delivered %14" PRIu64 "\n", totals->delivered);
	printf("longest healing  %14.1f s after the last fault, seed %" PRIu64 "\n",
	    clock_seconds(totals->worst_healing), totals->worst_healing_seed);
	printf("%" PRIu64 " seeds, %.0f shard-days, %" PRIu64 " steps, %" PRIu64
	       " broken invariants, %.1f s\n",
	    totals->seeds, totals->shard_days, totals->steps, totals->broken, seconds);
}

static bool
run(const struct options *options)
{
	struct totals sum = {.seeds = 0};
	double start = seconds_now();
	int fds[JOBS_MAX];
	bool whole = true;

	if (options->jobs <= 1) {
		play(options, 0, &sum);
	}
	for (unsigned i = 0; options->jobs > 1 && i < options->jobs; i++) {
		fds[i] = start_worker(options, i);
	}
	for (unsigned i = 0; options->jobs > 1 && i < options->jobs; i++) {
		struct totals part;

		if (fds[i] >= 0 && read_all(fds[i], &part, sizeof part)) {
			add(&sum, &part);
		} else {
			(void)fprintf(stderr, "simulate: worker %u was lost\n", i);
			whole = false;
		}
		if (fds[i] >= 0) {
			(void)close(fds[i]);
		}
	}
	while (wait(NULL) > 0) {
	}
	print_totals(&sum, seconds_now() - start);
	return whole && sum.broken == 0 && sum.seeds == options->seeds;
}

/* ---- argv ---- */

static int
usage(void)
{
	(void)fprintf(stderr,
	    "usage: simulate [--supervisor] [--seeds N] [--first S] [--jobs J]\n"
	    "       simulate [--supervisor] --seed S [--trace]\n"
	    "       simulate --explain STATES [--first S]\n");
	return 64;
}

static bool
take_number(const char *text, uint64_t *out)
{
	char *end = NULL;

	*out = text ? strtoull(text, &end, 10) : 0;
	return text && *text != '\0' && *end == '\0';
}

/* Arguments consumed; 0 where it is not understood. */
static int
take_option(char *const *argv, struct options *options)
{
	uint64_t number = 0;

	if (strcmp(argv[0], "--trace") == 0) {
		options->trace = true;
		return 1;
	}
	if (strcmp(argv[0], "--supervisor") == 0) {
		options->supervisor = true;
		return 1;
	}
	if (!take_number(argv[1], &number)) {
		return 0;
	}
	if (strcmp(argv[0], "--seeds") == 0) {
		options->seeds = number;
	} else if (strcmp(argv[0], "--first") == 0) {
		options->first = number;
	} else if (strcmp(argv[0], "--explain") == 0 && number <= 100000) {
		options->states = number;
	} else if (strcmp(argv[0], "--seed") == 0) {
		options->first = number;
		options->seeds = 1;
		options->jobs = 1;
	} else if (strcmp(argv[0], "--jobs") == 0 && number >= 1 &&
	    number <= JOBS_MAX) {
		options->jobs = (unsigned)number;
	} else {
		return 0;
	}
	return 2;
}

int
main(int argc, char **argv)
{
	struct options options = {.seeds = 1000, .jobs = 1};

	for (int i = 1; i < argc;) {
		int taken = take_option(&argv[i], &options);

		if (taken == 0) {
			return usage();
		}
		i += taken;
	}
	if (options.states > 0) {
		return foresight_run(options.first, (unsigned)options.states) ? 0 : 1;
	}
	return run(&options) ? 0 : 1;
}
