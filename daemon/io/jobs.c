#include "jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "duration.h"
#include "log.h"
#include "template.h"
#include "xalloc.h"

/* How often the wall clock is looked at: it may have been set. */
#define LOOK_EVERY CLOCK_S(20)

#define REFRESH    "refresh"

#define BOT_ROOM   512 /* of bot.name and bot.version */

/* In the order of the words of lists.def. */
static const struct job_action *const actions[] = {&job_probe, &job_exec, &job_post,
    &job_cleanup, &job_threads};

struct job {
	struct job_task task; /* first: a task is its job */
	struct jobs *jobs;
	struct config_job *config; /* own copy */
	bool standard;
	bool gone; /* of no configuration any more; ends with its run */
	struct schedule schedule;
	uint64_t key; /* of its last run */
	struct schedule_policy policy;
	struct schedule_run run;
	struct zone *zone;               /* NULL: it knows none */
	char *file;                      /* what its file says; NULL: it has none */
	const struct job_action *action; /* of the run under way; NULL: none */
	mono_ns begun_at;
	wall_us begun_wall;
	wall_us good_wall; /* 0: never */
	uint64_t runs;
	uint64_t failures;
	uint64_t missed;
	bool ended;
	bool good;
	mono_ns took;
	char result[JOB_RESULT_ROOM];
	char output[CHILD_OUTPUT_BYTES + 1];
};

struct jobs {
	struct jobs_options options;
	struct job_tools tools;
	char bot[BOT_ROOM]; /* for the tools */
	char version[BOT_ROOM];
	struct rng rng;
	struct loop_timer *timer;
	/* Those of the configuration in its order, then those that only end. */
	struct job **at;
	size_t count; /* of the first */
	size_t total;
	bool halted;
};

static wall_us
wall_now(const struct jobs *jobs)
{
	struct timespec now;

	if (jobs->options.wall) {
		return jobs->options.wall();
	}
	(void)clock_gettime(CLOCK_REALTIME, &now);
	return SCHEDULE_S(now.tv_sec) + now.tv_nsec / 1000;
}

static const struct config_rows *
rows(void)
{
	return config_rows(config_option(CONFIG_ID_jobs));
}

/* ---- ends ---- */

static void
free_job(struct job *job)
{
	if (job->action) {
		job->action->cancel(&job->task);
	}
	config_group_free(rows(), &job->config->group);
	free(job->zone);
	free(job->file);
	free(job);
}

static void
remove_job(struct jobs *jobs, const struct job *job)
{
	size_t kept = 0;

	for (size_t i = 0; i < jobs->total; i++) {
		if (jobs->at[i] != job) {
			jobs->at[kept++] = jobs->at[i];
		}
	}
	jobs->total = kept;
}

static void
log_end(const struct job *job)
{
	struct log_kv pairs[] = {
	    KV("job", (const char *)job->config->name),
	    KV("result", (const char *)job->result),
	    KV("took_s", clock_seconds(job->took)),
	};

	log_write(job->good ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
	    job->good ? "job_done" : "job_failed", pairs,
	    sizeof pairs / sizeof pairs[0]);
}

static void
end(struct job *job, const struct job_outcome *outcome, mono_ns now)
{
	job->action = NULL;
	job->ended = true;
	job->good = outcome->good;
	if (outcome->good && !outcome->cut) {
		job->good_wall = wall_now(job->jobs);
	}
	job->failures += outcome->good ? 0 : 1;
	job->took = now - job->begun_at;
	(void)slice_copy(slice_of(outcome->result), job->result, sizeof job->result);
	(void)slice_copy(slice_of(outcome->output), job->output, sizeof job->output);
	log_end(job);
}

static void
on_done(struct job_task *task, const struct job_outcome *outcome, mono_ns now)
{
	struct job *job = (struct job *)task;

	end(job, outcome, now);
	if (job->gone) {
		remove_job(job->jobs, job);
		free_job(job);
	}
}

/* ---- begins ---- */

static void
begin(struct job *job, const char *why, uint64_t cause, mono_ns now)
{
	job->begun_at = now;
	job->begun_wall = wall_now(job->jobs);
	job->runs++;
	log_info("job_started", KV("job", (const char *)job->config->name),
	    KV("why", why));
	job->task.file = job->file;
	job->task.wall_ms = job->begun_wall / 1000;
	job->task.cause = cause;
	job->task.over = false;
	job->action = actions[job->config->action];
	const char *refused = job->action->start(&job->task, job->config, now);

	if (refused) {
		end(job, &(struct job_outcome){.result = refused, .output = ""}, now);
	}
}

static void
miss(struct job *job, const char *reason)
{
	job->missed++;
	log_warning("job_missed", KV("job", (const char *)job->config->name),
	    KV("reason", reason));
}

/* The time of the job has come; what runs on request does not count. */
static void
keep_last(struct job *job, wall_us wall)
{
	const struct jobs_options *options = &job->jobs->options;

	if (options->lastrun && job->schedule.kind != SCHEDULE_EVERY) {
		lastrun_write(options->lastrun, job->key, wall);
		options->kept(options->ctx);
	}
}

/* What came while no process ran is made up for once. */
static void
make_up(struct job *job, wall_us wall)
{
	const struct jobs_options *options = &job->jobs->options;
	wall_us last = 0;

	if (!options->lastrun || job->schedule.kind == SCHEDULE_EVERY) {
		return;
	}
	if (!lastrun_read(options->lastrun, job->key, &last)) {
		keep_last(job, wall);
	} else if (schedule_was_missed(&job->schedule, last, wall)) {
		if (job->policy.run_missed) {
			schedule_make_up(&job->run, wall);
		} else {
			miss(job, "no process ran at its time");
			keep_last(job, wall);
		}
	}
}

static void
step(struct job *job, wall_us wall, mono_ns now)
{
	/* The same in every process that has this job, whatever their jitter. */
	const uint64_t cause[] = {job->key, (uint64_t)job->run.planned};
	enum schedule_verdict verdict = schedule_step(&job->run, &job->schedule,
	    &job->policy, wall, &job->jobs->rng);

	if (verdict != SCHEDULE_WAIT) {
		keep_last(job, wall);
	}
	switch (verdict) {
	case SCHEDULE_WAIT:
		return;
	case SCHEDULE_MISSED:
		miss(job, "nothing could run at its time");
		return;
	case SCHEDULE_RUN:
		if (job->action) {
			miss(job, "its last run has not ended");
		} else {
			begin(job, "schedule",
			    nonce_mix(cause, sizeof cause / sizeof *cause), now);
		}
		return;
	}
}

static void
arm(struct jobs *jobs, wall_us wall, mono_ns now)
{
	mono_ns wait = LOOK_EVERY;

	for (size_t i = 0; i < jobs->count; i++) {
		wall_us left = jobs->at[i]->run.due - wall;

		/* A little later than the instant, never before it. */
		if (left < wait / 1000) {
			wait = left > 0 ? left * 1000 + CLOCK_MS(1) : 0;
		}
	}
	loop_timer_arm(jobs->timer,
	    jobs->count > 0 && !jobs->halted ? now + wait : CLOCK_NEVER);
}

static void
on_timer(void *ctx, mono_ns now)
{
	struct jobs *jobs = ctx;
	wall_us wall = wall_now(jobs);

	for (size_t i = 0; i < jobs->count; i++) {
		step(jobs->at[i], wall, now);
	}
	arm(jobs, wall, now);
}

/* ---- the list ---- */

/* Whether the job writes what the clock says. */
static bool
has_texts(const struct config_job *config)
{
	return actions[config->action] == &job_post ||
	    actions[config->action] == &job_threads;
}

/* What the file of a job says; what cannot be read now leaves what was read before. */
static void
read_file(struct job *job)
{
	const char *path = job->config->file;
	char why[256] = "";
	struct buf text;

	if (path[0] == '\0') {
		free(job->file);
		job->file = NULL;
		return;
	}
	buf_init(&text, CONFIG_TEMPLATE_MAX_BYTES);
	if (config_read_template(path, TEMPLATE_POST, &text, why) == GW_OK) {
		free(job->file);
		job->file = xstrndup(text.data ? text.data : "", text.size);
	} else {
		/* It was good when the configuration was checked: this instant. */
		log_warning("job_file_unreadable",
		    KV("job", (const char *)job->config->name),
		    KV("reason", (const char *)why),
		    KV("effect",
			job->file ? "what was read before is used" : "it is left out"));
	}
	buf_fini(&text);
}

static void
set_schedule(struct job *job, const struct config *config)
{
	const struct config_job *from = job->config;
	struct schedule *schedule = &job->schedule;
	const char *zone = from->zone[0] ? from->zone : config->schedule_timezone;
	char why[256];

	*schedule = (struct schedule){.kind = SCHEDULE_EVERY};
	if (from->every > 0) {
		schedule->every = from->every / 1000;
	} else if (from->cron[0]) {
		schedule->kind = SCHEDULE_CRON;
		(void)cron_parse(from->cron, &schedule->cron, why, sizeof why);
	} else {
		schedule->kind = SCHEDULE_AT;
		(void)cron_times_parse(from->at, &schedule->times, why, sizeof why);
	}
	free(job->zone);
	job->zone = NULL;
	if (schedule->kind != SCHEDULE_EVERY || has_texts(from)) {
		job->zone = xzalloc(sizeof *job->zone);
		/* It was read when the configuration was checked: this instant. */
		if (zone_read(zone, job->zone, why, sizeof why) != GW_OK) {
			log_error("zone_lost", KV("job", (const char *)from->name),
			    KV("reason", (const char *)why),
			    KV("effect", "UTC is used"));
			memset(job->zone, 0, sizeof *job->zone);
			(void)slice_copy(slice_of("UTC"), job->zone->name,
			    sizeof job->zone->name);
		}
		schedule->zone = job->zone;
	}
	job->task.zone = job->zone; /* of a run under way as well */
	job->policy = (struct schedule_policy){
	    .jitter = from->jitter / 1000,
	    .run_missed = from->missed == 0,
	};
}

static bool
same_zone(const struct job *job, const struct config *config)
{
	return !job->zone || job->config->zone[0] ||
	    strcmp(job->zone->name, config->schedule_timezone) == 0;
}

static void
take_times(struct config_job *job, const struct config_job *from)
{
	job->at = from->at;
	job->every = from->every;
	job->cron = from->cron;
	job->zone = from->zone;
	job->jitter = from->jitter;
	job->missed = from->missed;
}

/* True where both do the same, whenever that is. */
static bool
same_deed(const struct config_job *a, const struct config_job *b)
{
	struct config_job like = *a; /* borrows all */

	take_times(&like, b);
	return config_group_same(rows(), &like.group, &b->group);
}

/* Takes the job of that name out of the old ones, or makes one. */
static struct job *
take_job(struct jobs *jobs, const char *name)
{
	for (size_t i = 0; i < jobs->total; i++) {
		struct job *job = jobs->at[i];

		if (job && strcmp(job->config->name, name) == 0) {
			jobs->at[i] = NULL;
			return job;
		}
	}
	struct job *job = xzalloc(sizeof *job);

	job->jobs = jobs;
	job->task = (struct job_task){.tools = &jobs->tools, .done = on_done};
	return job;
}

static struct job *
adopt(struct jobs *jobs, const struct config_job *from, const struct config *config,
    wall_us wall)
{
	struct job *job = take_job(jobs, from->name);
	bool same = job->config && !job->gone &&
	    config_group_same(rows(), &from->group, &job->config->group) &&
	    same_zone(job, config);

	if (job->config) {
		job->task.over = job->task.over || !same_deed(from, job->config);
		config_group_free(rows(), &job->config->group);
	}
	job->config = (struct config_job *)config_group_copy(rows(), &from->group);
	job->gone = false;
	job->standard = false;
	read_file(job);
	if (!same) {
		set_schedule(job, config);
		schedule_start(&job->run, &job->schedule, &job->policy, wall,
		    &jobs->rng);
		job->key = lastrun_key(slice_of(from->name),
		    slice_of(from->cron[0] ? from->cron : from->at),
		    slice_of(job->zone ? job->zone->name : ""));
		make_up(job, wall);
	}
	return job;
}

/* The refresh of the original bots: REFRESH_TIMES and TIMEZONE. */
static struct config_job *
standard_job(const struct config *config)
{
	struct config_job *job = (struct config_job *)config_group_new(rows());
	const struct config_groups *groups = &config->jobs;

	if (config->probes.count == 0 || config->schedule_refresh_times[0] == '\0' ||
	    config_groups_find(rows(), groups, REFRESH)) {
		config_group_free(rows(), &job->group);
		return NULL;
	}
	free(job->name);
	free(job->at);
	job->name = xstrdup(REFRESH);
	job->at = xstrdup(config->schedule_refresh_times);
	return job;
}

/* What is in no list any more lives until its run has ended. */
static void
drop_old(struct jobs *jobs, struct job **fresh, size_t *count)
{
	for (size_t i = 0; i < jobs->total; i++) {
		struct job *job = jobs->at[i];

		if (job && job->action) {
			job->gone = true;
			job->task.over = true;
			fresh[(*count)++] = job;
		} else if (job) {
			free_job(job);
		}
	}
}

/* From the end: a run that ends may take its job out of the list. */
static void
stop_those_over(struct jobs *jobs, mono_ns now)
{
	for (size_t i = jobs->total; i-- > 0;) {
		struct job *job = jobs->at[i];

		if (job->action && job->task.over && job->action->stop) {
			job->action->stop(&job->task, now);
		}
	}
}

void
jobs_configure(struct jobs *jobs, const struct config *config, mono_ns now)
{
	size_t room = config->jobs.count + 1 + jobs->total;
	struct job **fresh = xzalloc(room * sizeof(struct job *));
	struct config_job *standard = standard_job(config);
	wall_us wall = wall_now(jobs);
	size_t count = 0;

	(void)slice_copy(slice_of(config->bot_name), jobs->bot, sizeof jobs->bot);
	(void)slice_copy(slice_of(config->bot_version), jobs->version,
	    sizeof jobs->version);
	if (standard) {
		fresh[count] = adopt(jobs, standard, config, wall);
		fresh[count++]->standard = true;
		config_group_free(rows(), &standard->group);
	}
	for (size_t i = 0; i < config->jobs.count; i++) {
		fresh[count++] = adopt(jobs, config_job(config, i), config, wall);
	}
	size_t total = count;

	drop_old(jobs, fresh, &total);
	free(jobs->at);
	jobs->at = fresh;
	jobs->count = count;
	jobs->total = total;
	stop_those_over(jobs, now);
	arm(jobs, wall, now);
}

void
jobs_halt(struct jobs *jobs)
{
	jobs->halted = true;
	loop_timer_arm(jobs->timer, CLOCK_NEVER);
}

/* ---- readers ---- */

static void
put_words(const struct job *job, char out[JOB_WORDS_ROOM])
{
	const struct config_job *config = job->config;

	if (config->every > 0) {
		char text[DURATION_TEXT_ROOM];

		duration_format(config->every, text, sizeof text);
		(void)snprintf(out, JOB_WORDS_ROOM, "every %s", text);
	} else if (config->cron[0]) {
		(void)snprintf(out, JOB_WORDS_ROOM, "cron %s", config->cron);
	} else {
		(void)snprintf(out, JOB_WORDS_ROOM, "at %s", config->at);
	}
}

static void
view_of(const struct job *job, struct job_view *out)
{
	bool timed = job->schedule.kind != SCHEDULE_EVERY && job->zone;

	*out = (struct job_view){
	    .name = job->config->name,
	    .zone = timed ? job->zone->name : NULL,
	    .standard = job->standard,
	    .running = job->action != NULL,
	    .begun_at = job->begun_at,
	    .begun_wall = job->begun_wall,
	    .good_wall = job->good_wall,
	    .next = job->gone ? SCHEDULE_NEVER : job->run.due,
	    .runs = job->runs,
	    .failures = job->failures,
	    .missed = job->missed,
	    .ended = job->ended,
	    .good = job->good,
	    .took = job->took,
	    .result = job->result,
	    .output = job->output,
	};
	(void)slice_copy(config_group_kind(rows(), &job->config->group), out->action,
	    sizeof out->action);
	put_words(job, out->schedule);
	if (timed && out->next != SCHEDULE_NEVER) {
		out->next_offset = zone_offset(job->zone, out->next / SCHEDULE_S(1));
	}
}

size_t
jobs_count(const struct jobs *jobs)
{
	return jobs->count;
}

void
jobs_view(const struct jobs *jobs, size_t index, struct job_view *out)
{
	view_of(jobs->at[index], out);
}

static bool
find(const struct jobs *jobs, const char *name, size_t *index)
{
	for (size_t i = 0; i < jobs->count; i++) {
		if (strcmp(jobs->at[i]->config->name, name) == 0) {
			*index = i;
			return true;
		}
	}
	return false;
}

enum gw_err
jobs_run(struct jobs *jobs, const char *name, mono_ns now)
{
	size_t index = 0;

	if (!find(jobs, name, &index)) {
		return GW_ERR_NOT_FOUND;
	}
	if (jobs->at[index]->action) {
		return GW_ERR_BUSY;
	}
	begin(jobs->at[index], "gwctl", rng_next(&jobs->rng), now);
	return GW_OK;
}

struct jobs *
jobs_new(const struct jobs_options *options)
{
	struct jobs *jobs = xzalloc(sizeof *jobs);

	jobs->options = *options;
	jobs->tools = (struct job_tools){
	    .children = options->children,
	    .probes = options->probes,
	    .rest = options->rest,
	    .bot = jobs->bot,
	    .version = jobs->version,
	    .started_at = options->started_at,
	};
	jobs->rng.state = options->seed;
	jobs->timer = loop_timer_new(options->loop, on_timer, jobs);
	return jobs;
}

void
jobs_free(struct jobs *owned_jobs)
{
	if (!owned_jobs) {
		return;
	}
	for (size_t i = 0; i < owned_jobs->total; i++) {
		free_job(owned_jobs->at[i]);
	}
	free(owned_jobs->at);
	loop_timer_free(owned_jobs->timer);
	free(owned_jobs);
}
