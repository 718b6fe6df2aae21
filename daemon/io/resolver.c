#include "resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "log.h"
#include "xalloc.h"

#define NAME_MAX_BYTES 253 /* RFC 1035, section 2.3.4 */
#define CACHE_NAMES    64
#define CACHE_MAX_AGE  CLOCK_S(600)

/* getaddrinfo() cannot be interrupted, and with silent name servers each call takes 10
 * to 28 s.  So few of them run at once, one a name, and further lookups wait for them.
 */
#define JOBS_MAX 4

/* What crosses to the thread and back; may outlive the resolver. */
struct job {
	LIST_ENTRY(job) link;
	struct resolver *resolver; /* NULL: it is gone.  For the loop's thread only */
	char name[NAME_MAX_BYTES + 1];
	int error; /* of getaddrinfo() */
	struct resolver_answer answer;
};

/* Somebody who waits. */
struct lookup {
	TAILQ_ENTRY(lookup) link;
	uint64_t id;
	mono_ns deadline;
	void (*fn)(void *ctx, const struct resolver_answer *answer, mono_ns now);
	void *ctx;
	char name[NAME_MAX_BYTES + 1];
	mono_ns began;
	bool asked;    /* somebody, so that it counts */
	bool answered; /* to be told in the next turn */
	struct resolver_answer answer;
};

struct cached {
	char name[NAME_MAX_BYTES + 1];
	mono_ns at;
	struct resolver_answer answer;
};

struct resolver {
	struct loop *loop;
	struct worker *worker;
	struct loop_timer *timer;
	uint64_t last_id;
	TAILQ_HEAD(lookup_list, lookup) lookups;
	LIST_HEAD(job_list, job) jobs;
	unsigned job_count;
	struct cached cache[CACHE_NAMES];
	unsigned cache_count;
	struct resolver_stats counts;
	struct tally_times times;
};

/* ---- addresses ---- */

static void
add_address(struct resolver_answer *answer, const struct addrinfo *info)
{
	if (answer->count < RESOLVER_ADDRESSES_MAX &&
	    getnameinfo(info->ai_addr, info->ai_addrlen,
		answer->addresses[answer->count], RESOLVER_ADDRESS_BYTES, NULL, 0,
		NI_NUMERICHOST) == 0) {
		answer->count++;
	}
}

static const struct addrinfo *
skip_to_family(const struct addrinfo *info, int family)
{
	while (info && info->ai_family != family) {
		info = info->ai_next;
	}
	return info;
}

/*
 * The host's order, its two families in turn (RFC 8305, section 4): where one of them
 * leads nowhere, the second attempt finds out.
 */
static void
add_interleaved(struct resolver_answer *answer, const struct addrinfo *list)
{
	int family = list->ai_family;
	int other_family = family == AF_INET ? AF_INET6 : AF_INET;
	const struct addrinfo *info = list;
	const struct addrinfo *other = skip_to_family(list, other_family);

	while (info || other) {
		if (info) {
			add_address(answer, info);
			info = skip_to_family(info->ai_next, family);
		}
		if (other) {
			add_address(answer, other);
			other = skip_to_family(other->ai_next, other_family);
		}
	}
}

/* On the helper thread; also on the loop for AI_NUMERICHOST, which asks nobody. */
static int
resolve(const char *name, int flags, struct resolver_answer *answer)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
	struct addrinfo *list = NULL;
	int error = getaddrinfo(name, NULL, &hints, &list);

	if (error != 0) {
		return error;
	}
	add_interleaved(answer, list);
	freeaddrinfo(list);
	return answer->count > 0 ? 0 : EAI_NONAME;
}

static void
job_work(void *ctx)
{
	struct job *job = ctx;

	job->error = resolve(job->name, 0, &job->answer);
}

/* ---- the last good answers ---- */

static struct cached *
cache_find(struct resolver *resolver, const char *name)
{
	for (unsigned i = 0; i < resolver->cache_count; i++) {
		if (strcmp(resolver->cache[i].name, name) == 0) {
			return &resolver->cache[i];
		}
	}
	return NULL;
}

static struct cached *
cache_make_place(struct resolver *resolver)
{
	struct cached *oldest = &resolver->cache[0];

	if (resolver->cache_count < CACHE_NAMES) {
		return &resolver->cache[resolver->cache_count++];
	}
	for (unsigned i = 1; i < CACHE_NAMES; i++) {
		if (resolver->cache[i].at < oldest->at) {
			oldest = &resolver->cache[i];
		}
	}
	return oldest;
}

static void
cache_keep(struct resolver *resolver, const struct job *job, mono_ns now)
{
	struct cached *place = cache_find(resolver, job->name);

	if (!place) {
		place = cache_make_place(resolver);
	}
	memcpy(place->name, job->name, sizeof place->name);
	place->at = now;
	place->answer = job->answer;
}

/* ---- lookups ---- */

static void
lookup_answer(struct resolver *resolver, struct lookup *lookup,
    const struct resolver_answer *answer, mono_ns now)
{
	if (lookup->asked) {
		tally_times_add(&resolver->times, now - lookup->began);
	}
	lookup->answered = true;
	lookup->answer = *answer;
}

/* The last good answer where there is one that is young enough, else why not. */
static void
lookup_fail(struct resolver *resolver, struct lookup *lookup, const char *error,
    mono_ns now)
{
	struct cached *cached = cache_find(resolver, lookup->name);
	struct resolver_answer answer = {.error = error};

	resolver->counts.failures += lookup->asked ? 1 : 0;
	if (!cached || now - cached->at > CACHE_MAX_AGE) {
		lookup_answer(resolver, lookup, &answer, now);
		return;
	}
	log_warning("lookup_failed_old_answer_used", KV("host", lookup->name),
	    KV("reason", error), KV("age_s", clock_seconds(now - cached->at)));
	lookup_answer(resolver, lookup, &cached->answer, now);
}

static struct lookup *
find_answered(struct resolver *resolver)
{
	struct lookup *lookup = NULL;

	TAILQ_FOREACH(lookup, &resolver->lookups, link)
	{
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): TAILQ_REMOVE */
		if (lookup->answered) {
			return lookup;
		}
	}
	return NULL;
}

/* Whoever is told may look up, cancel, and be told again: so from the front each time.
 */
static void
tell_answered(struct resolver *resolver, mono_ns now)
{
	struct lookup *lookup = NULL;

	while ((lookup = find_answered(resolver))) {
		TAILQ_REMOVE(&resolver->lookups, lookup, link);
		lookup->fn(lookup->ctx, &lookup->answer, now);
		free(lookup);
	}
}

static void
arm(struct resolver *resolver, mono_ns now)
{
	mono_ns at = CLOCK_NEVER;
	struct lookup *lookup = NULL;

	TAILQ_FOREACH(lookup, &resolver->lookups, link)
	{
		mono_ns due = lookup->answered ? now : lookup->deadline;

		at = due < at ? due : at;
	}
	loop_timer_arm(resolver->timer, at);
}

/* ---- jobs ---- */

static void job_done(void *ctx);

static bool
job_runs_for(const struct resolver *resolver, const char *name)
{
	struct job *job = NULL;

	LIST_FOREACH(job, &resolver->jobs, link)
	{
		if (strcmp(job->name, name) == 0) {
			return true;
		}
	}
	return false;
}

static const char *
job_start(struct resolver *resolver, const char *name)
{
	struct job *job = xzalloc(sizeof *job);

	job->resolver = resolver;
	(void)slice_copy(slice_of(name), job->name, sizeof job->name);
	enum gw_err err = worker_submit(resolver->worker, job_work, job_done, job);

	if (err != GW_OK) {
		free(job);
		return err == GW_ERR_FULL ? "too many lookups wait" :
					    "no thread for the lookup";
	}
	LIST_INSERT_HEAD(&resolver->jobs, job, link);
	resolver->job_count++;
	return NULL;
}

static void
start_jobs(struct resolver *resolver, mono_ns now)
{
	struct lookup *lookup = NULL;

	TAILQ_FOREACH(lookup, &resolver->lookups, link)
	{
		if (resolver->job_count >= JOBS_MAX) {
			return;
		}
		if (lookup->answered || job_runs_for(resolver, lookup->name)) {
			continue;
		}
		const char *error = job_start(resolver, lookup->name);

		if (error) {
			lookup_fail(resolver, lookup, error, now);
		}
	}
}

static void
job_done(void *ctx)
{
	struct job *job = ctx;
	struct resolver *resolver = job->resolver;
	mono_ns now = clock_now();
	struct lookup *lookup = NULL;

	if (!resolver) {
		free(job);
		return;
	}
	LIST_REMOVE(job, link);
	resolver->job_count--;
	if (job->error == 0) {
		cache_keep(resolver, job, now);
	}
	TAILQ_FOREACH(lookup, &resolver->lookups, link)
	{
		if (lookup->answered || strcmp(lookup->name, job->name) != 0) {
			continue;
		}
		if (job->error == 0) {
			lookup_answer(resolver, lookup, &job->answer, now);
		} else {
			lookup_fail(resolver, lookup, gai_strerror(job->error), now);
		}
	}
	free(job);
	start_jobs(resolver, now);
	arm(resolver, now);
}

static void
on_timer(void *ctx, mono_ns now)
{
	struct resolver *resolver = ctx;
	struct lookup *lookup = NULL;

	TAILQ_FOREACH(lookup, &resolver->lookups, link)
	{
		if (!lookup->answered && lookup->deadline <= now) {
			lookup_fail(resolver, lookup, "timed out", now);
		}
	}
	tell_answered(resolver, now);
	arm(resolver, now);
}

/* ---- the interface ---- */

struct resolver_stats
resolver_stats(const struct resolver *resolver)
{
	struct resolver_stats stats = resolver->counts;

	stats.times = &resolver->times;
	return stats;
}

struct resolver *
resolver_new(struct loop *loop, struct worker *worker)
{
	struct resolver *resolver = xzalloc(sizeof *resolver);

	resolver->loop = loop;
	resolver->worker = worker;
	resolver->timer = loop_timer_new(loop, on_timer, resolver);
	TAILQ_INIT(&resolver->lookups);
	LIST_INIT(&resolver->jobs);
	return resolver;
}

void
resolver_free(struct resolver *owned_resolver)
{
	struct lookup *lookup = NULL;
	struct job *job = NULL;

	if (!owned_resolver) {
		return;
	}
	while ((lookup = TAILQ_FIRST(&owned_resolver->lookups))) {
		TAILQ_REMOVE(&owned_resolver->lookups, lookup, link);
		free(lookup);
	}
	LIST_FOREACH(job, &owned_resolver->jobs, link)
	{
		job->resolver = NULL;
	}
	loop_timer_free(owned_resolver->timer);
	free(owned_resolver);
}

/* Copies the name without the brackets of an IPv6 literal; false where it is none. */
static bool
take_name(const char *host, char *name, size_t room)
{
	struct slice text = slice_of(host);

	if (text.size >= 2 && host[0] == '[' && host[text.size - 1] == ']') {
		text = (struct slice){host + 1, text.size - 2};
	}
	bool whole = slice_copy(text, name, room);

	/* What is no name would be searched for in the local domains. */
	return whole && text.size > 0 && strpbrk(name, " \t\r\n/@[]") == NULL;
}

uint64_t
resolver_lookup(struct resolver *resolver, const char *host, mono_ns deadline,
    void (*fn)(void *ctx, const struct resolver_answer *answer, mono_ns now), void *ctx)
{
	struct lookup *lookup = xzalloc(sizeof *lookup);
	mono_ns now = clock_now();

	lookup->id = ++resolver->last_id;
	lookup->deadline = clock_add(now, deadline);
	lookup->fn = fn;
	lookup->ctx = ctx;
	TAILQ_INSERT_TAIL(&resolver->lookups, lookup, link);
	if (!take_name(host, lookup->name, sizeof lookup->name)) {
		lookup->answered = true;
		lookup->answer.error = "not a host name";
	} else if (resolve(lookup->name, AI_NUMERICHOST, &lookup->answer) == 0) {
		lookup->answered = true;
	} else {
		lookup->asked = true;
		lookup->began = now;
		resolver->counts.lookups++;
		start_jobs(resolver, now);
	}
	arm(resolver, now);
	return lookup->id;
}

void
resolver_cancel(struct resolver *resolver, uint64_t id)
{
	struct lookup *lookup = NULL;

	TAILQ_FOREACH(lookup, &resolver->lookups, link)
	{
		if (lookup->id == id) {
			TAILQ_REMOVE(&resolver->lookups, lookup, link);
			free(lookup);
			return;
		}
	}
}
