/*
 * The control socket alone: control and methods over made-up snapshots, for tests.
 *
 *   control_client [-p PID] [-s SIM_SOCKET] [-d MILLISECONDS] [-e COUNT,BATCH]
 *       [-f MILLISECONDS] SOCKET SCENARIO
 *
 * -d answers every request that much later, through the call's handle.  On SIGUSR1 -e
 * hands on so many dispatches, a batch each 5 ms, with the sequences from 1, and logs
 * burst_done.  -f hangs up on followers that read nothing for so long.  Ends with 0 on
 * SIGTERM and on reboot.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "control_config.h"
#include "control_facts.h"
#include "events.h"
#include "log.h"
#include "methods.h"
#include "xalloc.h"

#define SHARDS_MAX 1000

static const struct snapshot ready = {
    .shard_count = 1,
    .state = SNAPSHOT_READY,
    .connected = true,
    .ready = true,
    .uptime = CLOCK_S(274000),
    .last_event_age = CLOCK_MS(412),
    .last_dispatch_age = CLOCK_S(3),
    .last_ready_age = CLOCK_S(274000),
    .disconnect_age = SNAPSHOT_NONE,
    .latency = CLOCK_US(41234),
    .latency_stats = {128, CLOCK_MS(36), CLOCK_MS(44), CLOCK_MS(41), CLOCK_MS(63),
	CLOCK_MS(71), CLOCK_MS(131), CLOCK_MS(390)},
    .latency_classes = {0, 0, 6200, 400, 38, 4},
    .heartbeat_interval = CLOCK_MS(41250),
    .next_try_in = SNAPSHOT_NONE,
    .seq = 184467,
    .dispatches = 184301,
    .events = 191000,
    .heartbeats = 6642,
    .acks = 6642,
    .attempts = 3,
    .reconnects = 2,
    .resumes = 2,
    .resumed = 2,
    .identifies = 1,
    .last_close_code = 4000,
    .guilds = 12,
    .session_id = "3f2a9c1d...",
    .host = "gateway-us-east1-b.discord.gg",
    .user_id = "1400000000000000000",
    .user_name = "matchmaker",
};

static const struct snapshot never = {
    .cure = SNAPSHOT_CURE_IDENTIFY,
    .latency_stats = {0, -1, -1, -1, -1, -1, -1, -1},
    .shard_count = 1,
    .state = SNAPSHOT_CONNECTING,
    .uptime = SNAPSHOT_NONE,
    .last_event_age = SNAPSHOT_NONE,
    .last_dispatch_age = SNAPSHOT_NONE,
    .last_ready_age = SNAPSHOT_NONE,
    .disconnect_age = SNAPSHOT_NONE,
    .latency = SNAPSHOT_NONE,
    .heartbeat_interval = SNAPSHOT_NONE,
    .next_try_in = SNAPSHOT_NONE,
    .seq = -1,
    .attempts = 1,
    .host = "gateway.discord.gg",
};

static struct snapshot
make_backing_off(void)
{
	struct snapshot shard = ready;

	shard.state = SNAPSHOT_BACKOFF;
	shard.connected = false;
	shard.ready = false;
	shard.uptime = SNAPSHOT_NONE;
	shard.last_event_age = CLOCK_MS(12400);
	shard.disconnect_age = CLOCK_MS(12400);
	shard.latency = SNAPSHOT_NONE;
	shard.latency_stats = latency_read(&(struct latency_window){0});
	shard.next_try_in = CLOCK_MS(3200);
	shard.cure = SNAPSHOT_CURE_RESUME;
	shard.cure_tries = 1;
	/* What a peer says must not reach a terminal as it is. */
	(void)snprintf(shard.reason, sizeof shard.reason,
	    "connection refused by \033[31mgateway\033[0m-us-east1-b.discord.gg:443");
	return shard;
}

static struct snapshot
make_fatal(void)
{
	struct snapshot shard = make_backing_off();

	shard.state = SNAPSHOT_FATAL;
	shard.next_try_in = SNAPSHOT_NONE;
	shard.cure = SNAPSHOT_CURE_NONE;
	shard.cure_tries = 0;
	shard.last_close_code = 4004;
	shard.session_id[0] = '\0';
	(void)snprintf(shard.reason, sizeof shard.reason, "4004: the token is refused");
	return shard;
}

/* A late answer on its way. */
struct late {
	struct late *next;
	struct control_call *call;
	mono_ns at;
};

struct stage {
	struct loop *loop;
	struct methods *methods;
	struct methods_source source;
	struct snapshot *shards;
	uint32_t count;
	const char *state;
	long pid;
	mono_ns delay;
	struct loop_timer *timer;
	struct late *late;
	unsigned reboots;
	struct dispatch dispatch;
	struct loop_timer *burst_timer;
	long burst_count;
	long burst_batch;
	long burst_sent;
	mono_ns follow_time;
};

static const struct snapshot *
stage_snapshots(void *ctx, mono_ns now, uint32_t *count)
{
	struct stage *stage = ctx;

	(void)now;
	*count = stage->count;
	return stage->shards;
}

/* A session whose snapshot would be the one shown, as far as the outlook goes. */
static const struct session *
stage_session(void *ctx, uint32_t index, mono_ns now)
{
	static const struct session_config config = {
	    .connect_timeout = CLOCK_S(10),
	    .hello_timeout = CLOCK_S(10),
	    .ready_timeout = CLOCK_S(15),
	};
	static struct session session;
	const struct stage *stage = ctx;
	const struct snapshot *shard = &stage->shards[index];

	session_init(&session, &config, NULL);
	session.state = shard->state;
	session.last_event_at = now - shard->last_event_age;
	if (shard->session_id[0] != '\0') {
		(void)snprintf(session.saved.id, sizeof session.saved.id, "3f2a9c1d");
		(void)snprintf(session.saved.resume_url,
		    sizeof session.saved.resume_url, "wss://%s", shard->host);
		session.saved.seq = shard->seq;
	}
	if (shard->disconnect_age != SNAPSHOT_NONE) {
		session.down_since = now - shard->disconnect_age;
	}
	if (shard->state == SNAPSHOT_BACKOFF) {
		session.retry_at = now + shard->next_try_in;
	} else if (shard->state == SNAPSHOT_CONNECTING) {
		session.deadline = now + CLOCK_MS(7400);
	} else if (shard->state == SNAPSHOT_READY) {
		session.interval = shard->heartbeat_interval;
		session.last_frame_at = now - shard->last_event_age;
		session.last_ready_at = now - shard->last_ready_age;
		session.beat_due = now + CLOCK_MS(12300);
		session.latency = shard->latency;
		session.latency_at = now - CLOCK_MS(28909);
		if (shard->latency == SNAPSHOT_NONE) {
			session.unacked_since = session.beat_sent_at =
			    session.beat_due - session.interval;
		}
	}
	return &session;
}

static mono_ns
stage_check_at(void *ctx, mono_ns now)
{
	(void)ctx;
	return now + CLOCK_S(17);
}

static const char *
stage_state(void *ctx, mono_ns now)
{
	(void)now;
	return ((struct stage *)ctx)->state;
}

static void
stage_process(void *ctx, struct methods_process *out)
{
	const struct stage *stage = ctx;

	methods_process_self(NULL, out);
	if (stage->pid > 0) {
		*out = (struct methods_process){stage->pid, UINT64_C(12897484)};
	}
}

static struct loop_stats
stage_loop(void *ctx)
{
	(void)ctx;
	static struct histogram turns;

	if (turns.count == 0) {
		histogram_add(&turns, CLOCK_US(120));
		histogram_add(&turns, CLOCK_MS(3));
	}
	return (struct loop_stats){.turns = 123456,
	    .turn_max = CLOCK_MS(3),
	    .turn_times = &turns,
	    .timer_lags = &turns};
}

static const struct histogram *
stage_beats(void *ctx)
{
	return stage_loop(ctx).timer_lags;
}

static struct control_facts
stage_facts(void *ctx)
{
	const struct stage *stage = ctx;

	return (struct control_facts){stage->shards, stage->count,
	    control_config_limits(), stage_loop(ctx)};
}

static void
stage_health(void *ctx, mono_ns now, struct health_input *out)
{
	struct control_facts facts = stage_facts(ctx);

	(void)now;
	*out = control_facts_health(&facts);
}

static void
stage_metrics(void *ctx, mono_ns now, struct metrics_input *out)
{
	struct control_facts facts = stage_facts(ctx);

	(void)now;
	*out = control_facts_metrics(&facts);
}

static void
stage_doctor_facts(void *ctx, mono_ns now, struct doctor_facts *out)
{
	struct control_facts facts = stage_facts(ctx);

	(void)now;
	*out = control_facts_doctor(&facts);
}

static uint32_t
stage_reconnect(void *ctx, int64_t shard_id, bool fresh, mono_ns now)
{
	const struct stage *stage = ctx;

	(void)now;
	log_info("reconnect_asked", KV("shard", shard_id), KV("fresh", fresh));
	return shard_id < 0 ? stage->count : 1;
}

/* 100 are left, which 500 shards do not fit into; a bot without a token has none. */
static void
stage_budget(void *ctx, struct gateway_budget *out)
{
	const struct stage *stage = ctx;
	bool spent = strcmp(stage->state, "fatal") == 0;

	*out = (struct gateway_budget){.total = 1000,
	    .used_today = spent ? 950 : 850,
	    .left = spent ? 0 : 100,
	    .reserve = 50,
	    .told_remaining = spent ? 50 : 150,
	    .release_at_wall_ms = spent ? clock_wall_ms() + INT64_C(7200500) : 0};
}

static struct rest_stats
stage_rest(void *ctx, mono_ns now)
{
	const struct stage *stage = ctx;
	bool refused = strcmp(stage->state, "fatal") == 0;

	return (struct rest_stats){.requests = 42,
	    .retries = 3,
	    .limited = 1,
	    .unauthorized = refused,
	    .last_error = refused ? "401" : NULL,
	    .last_error_at = now - CLOCK_S(12)};
}

static void
stage_stop(void *ctx)
{
	log_info("stop_asked", KV("times", 1));
	loop_stop(((struct stage *)ctx)->loop, 0);
}

static void
stage_reboot(void *ctx)
{
	struct stage *stage = ctx;

	stage->reboots++;
	log_info("reboot_asked", KV("times", stage->reboots));
	loop_stop(stage->loop, 0);
}

/* Count shards of which two are in trouble, the first id being first. */
static void
set_many(struct stage *stage, uint32_t first, uint32_t count, uint32_t shard_count)
{
	stage->count = count;
	stage->state = "degraded";
	for (uint32_t i = 0; i < count; i++) {
		struct snapshot *shard = &stage->shards[i];

		*shard = i == 2 || i == count - 1 ? make_backing_off() : ready;
		shard->shard_id = first + i;
		shard->shard_count = shard_count;
		shard->seq += (int64_t)i * 1000;
	}
	stage->shards[2].cure = SNAPSHOT_CURE_IDENTIFY;
	stage->shards[2].cure_tries = 3;
	stage->shards[2].session_id[0] = '\0';
	stage->shards[2].state = SNAPSHOT_WAIT_SLOT;
	stage->shards[2].hold = SNAPSHOT_HOLD_SPACING;
}

/* Two shards with names that take more, or fewer, columns than characters. */
static void
set_names(struct stage *stage)
{
	static const char host[] = "門e\u0301-🦊.example";

	stage->source.bot_name = "日本語のとても長い名前のボット";
	stage->count = 2;
	for (uint32_t i = 0; i < stage->count; i++) {
		stage->shards[i] = ready;
		stage->shards[i].shard_id = i;
		stage->shards[i].shard_count = stage->count;
	}
	(void)snprintf(stage->shards[1].host, sizeof stage->shards[1].host, "%s", host);
	(void)snprintf(stage->shards[1].user_name, sizeof stage->shards[1].user_name,
	    "cafe\u0301 ☕");
}

/* The stages by name; false where there is none. */
static bool
set_scene(struct stage *stage, const char *name)
{
	stage->count = 1;
	stage->shards[0] = ready;
	stage->state = "ready";
	if (strcmp(name, "two") == 0) {
		stage->count = 2;
		stage->shards[1] = make_backing_off();
		stage->shards[0].shard_count = 2;
		stage->shards[1].shard_count = 2;
		stage->shards[1].shard_id = 1;
		stage->state = "degraded";
	} else if (strcmp(name, "reconnecting") == 0) {
		stage->shards[0] = make_backing_off();
		stage->state = "reconnecting";
	} else if (strcmp(name, "never") == 0) {
		stage->shards[0] = never;
		stage->state = "starting";
	} else if (strcmp(name, "fatal") == 0) {
		stage->shards[0] = make_fatal();
		stage->state = "fatal";
	} else if (strcmp(name, "range") == 0) {
		set_many(stage, 16, 16, 64);
	} else if (strcmp(name, "many") == 0) {
		set_many(stage, 0, 500, 500);
	} else if (strcmp(name, "most") == 0) {
		set_many(stage, 0, SHARDS_MAX, SHARDS_MAX);
	} else if (strcmp(name, "overridden") == 0) {
		control_config_override();
	} else if (strcmp(name, "names") == 0) {
		set_names(stage);
	} else if (strcmp(name, "stale") == 0) {
		stage->shards[0].latency = SNAPSHOT_NONE;
		stage->shards[0].latency_stats =
		    latency_read(&(struct latency_window){0});
	} else {
		return strcmp(name, "ready") == 0;
	}
	return true;
}

static void
on_timer(void *ctx, mono_ns now)
{
	struct stage *stage = ctx;

	while (stage->late && stage->late->at <= now) {
		struct late *late = stage->late;

		stage->late = late->next;
		if (!control_call_alive(late->call)) {
			log_info("peer_gave_up", KV("late", true));
		}
		methods_serve(stage->methods, late->call, now);
		free(late);
	}
	loop_timer_arm(stage->timer, stage->late ? stage->late->at : CLOCK_NEVER);
}

static void
on_request(void *ctx, struct control_call *owned_call, mono_ns now)
{
	struct stage *stage = ctx;
	struct late **link = &stage->late;

	if (stage->delay == 0) {
		methods_serve(stage->methods, owned_call, now);
		return;
	}
	while (*link) {
		link = &(*link)->next;
	}
	*link = xzalloc(sizeof **link);
	(*link)->call = owned_call;
	(*link)->at = now + stage->delay;
	loop_timer_arm(stage->timer, stage->late->at);
}

static void
on_burst(void *ctx, mono_ns now)
{
	static const char data[] = "{\"content\":\"x\"}";
	struct stage *stage = ctx;

	for (long i = 0;
	     i < stage->burst_batch && stage->burst_sent < stage->burst_count; i++) {
		const struct dispatch_event event = {
		    .shard_id = stage->shards[0].shard_id,
		    .seq = ++stage->burst_sent,
		    .type = SLICE_LITERAL("MESSAGE_CREATE"),
		    .name = DISPATCH_NAME_MESSAGE_CREATE,
		    .data = {data, sizeof data - 1},
		    .now = now,
		};

		dispatch_hand_on(&stage->dispatch, &event);
	}
	if (stage->burst_sent < stage->burst_count) {
		loop_timer_arm(stage->burst_timer, now + CLOCK_MS(5));
		return;
	}
	log_warning("host_slept", KV("seconds", 35.0));
	log_info("burst_done", KV("count", stage->burst_sent));
}

static void
on_signal(void *ctx, int signal, mono_ns now)
{
	struct stage *stage = ctx;

	if (signal == SIGUSR1) {
		stage->burst_sent = 0;
		loop_timer_arm(stage->burst_timer, now);
		return;
	}
	loop_stop(stage->loop, 0);
}

static bool
read_burst(const char *text, struct stage *stage)
{
	char *end = NULL;

	stage->burst_count = strtol(text, &end, 10);
	stage->burst_batch = *end == ',' ? strtol(end + 1, &end, 10) : 0;
	return *end == '\0' && stage->burst_batch > 0;
}

static bool
read_arguments(int argc, char **argv, struct stage *stage)
{
	int letter;

	while ((letter = getopt(argc, argv, "p:s:d:e:f:")) != -1) {
		if (letter == 'p') {
			stage->pid = strtol(optarg, NULL, 10);
		} else if (letter == 's') {
			stage->source.sim_control = optarg;
		} else if (letter == 'd') {
			stage->delay = CLOCK_MS(strtol(optarg, NULL, 10));
		} else if (letter == 'f') {
			stage->follow_time = CLOCK_MS(strtol(optarg, NULL, 10));
		} else if (letter != 'e' || !read_burst(optarg, stage)) {
			return false;
		}
	}
	return argc - optind == 2 && set_scene(stage, argv[optind + 1]);
}

/* ---- probes and jobs ---- */

static size_t
stage_probes(void *ctx, const struct probe_view **out)
{
	static struct probe_view views[] = {
	    {.name = "db",
		.kind = "tcp",
		.required = true,
		.interval = CLOCK_S(30),
		.probe = {.state = PROBE_DOWN,
		    .streak = 4,
		    .runs = 900,
		    .failures = 6,
		    .last_took = CLOCK_MS(2),
		    .reason = "10.0.0.5 port 5432: Connection refused"}},
	    {.name = "report-disk",
		.kind = "command",
		.interval = CLOCK_S(60),
		.running = true},
	    {.name = "site",
		.kind = "http",
		.interval = CLOCK_S(60),
		.probe = {.state = PROBE_UP,
		    .streak = 450,
		    .runs = 450,
		    .last_took = CLOCK_MS(41),
		    .last_good = true,
		    .reason = "status 200"}},
	};
	const struct stage *stage = ctx;
	mono_ns now = clock_now();

	for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
		/* Calls count from an instant that is a little before this one. */
		views[i].probe.since =
		    now - CLOCK_S(i == 0 ? 97 : 27000) - CLOCK_MS(400);
		views[i].probe.last_at =
		    now - CLOCK_S(i == 0 ? 17 : 12) - CLOCK_MS(400);
	}
	*out = views;
	return stage->count == 1 ? 0 : sizeof views / sizeof views[0];
}

/* 28 November 2026, 18:00 in Vienna, and what was before it. */
#define SIX_PM SCHEDULE_S(INT64_C(1795885200))

static size_t
stage_jobs(void *ctx, const struct job_view **out)
{
	static struct job_view views[] = {
	    {.name = "refresh",
		.action = "probe",
		.schedule = "at 02:00,10:00,18:00",
		.zone = "Europe/Vienna",
		.standard = true,
		.begun_wall = SIX_PM - SCHEDULE_S(8 * 3600),
		.next = SIX_PM,
		.next_offset = 3600,
		.runs = 9,
		.failures = 2,
		.ended = true,
		.took = CLOCK_MS(2104),
		.result = "1 of 3 probes failed: db",
		.output = ""},
	    {.name = "report",
		.action = "exec",
		.schedule = "cron 30 9 * * mon-fri",
		.zone = "Europe/Vienna",
		.next = SIX_PM + SCHEDULE_S(55800),
		.next_offset = 3600,
		.result = "",
		.output = ""},
	    {.name = "rotate",
		.action = "exec",
		.schedule = "every 3h",
		.running = true,
		.begun_wall = SIX_PM - SCHEDULE_S(60),
		.next = SIX_PM + SCHEDULE_S(3600),
		.runs = 25,
		.missed = 1,
		.ended = true,
		.good = true,
		.took = CLOCK_S(71),
		.result = "exit status 0",
		.output = "rotated 4 files\n"},
	};
	const struct stage *stage = ctx;
	mono_ns now = clock_now();

	views[0].begun_at = now - CLOCK_S(28000);
	views[2].begun_at = now - CLOCK_S(60);
	*out = views;
	return stage->count == 1 ? 0 : sizeof views / sizeof views[0];
}

static enum gw_err
stage_run_job(void *ctx, const char *name, mono_ns now)
{
	(void)ctx;
	(void)now;
	return strcmp(name, "refresh") == 0 ? GW_OK :
	    strcmp(name, "rotate") == 0     ? GW_ERR_BUSY :
					      GW_ERR_NOT_FOUND;
}

static void
fill_source(struct stage *stage)
{
	struct methods_source *source = &stage->source;

	source->ctx = stage;
	source->bot_name = source->bot_name ? source->bot_name : "matchmaker";
	source->bot_version = "2.4.0";
	source->profile = "prod";
	source->version = GWBOT_VERSION;
	source->started_at = clock_now() - CLOCK_S(274375);
	source->started_wall_ms = clock_wall_ms() - INT64_C(274375000);
	source->snapshots = stage_snapshots;
	source->session = stage_session;
	source->check_at = stage_check_at;
	source->state = stage_state;
	source->health = stage_health;
	source->metrics = stage_metrics;
	source->doctor_facts = stage_doctor_facts;
	source->process = stage_process;
	source->loop = stage_loop;
	source->reconnect = stage_reconnect;
	source->budget = stage_budget;
	source->rest = stage_rest;
	source->beats = stage_beats;
	control_config_fill(source);
	source->probes = stage_probes;
	source->jobs = stage_jobs;
	source->run_job = stage_run_job;
	source->reboot = stage_reboot;
	source->stop = stage_stop;
}

/* Serves until the loop ends; the exit status. */
static int
run(struct stage *stage, const char *path)
{
	const struct control_options options = {.loop = stage->loop,
	    .path = path,
	    .request = on_request,
	    .ctx = stage,
	    .follow_time = stage->follow_time};
	struct control *control = NULL;
	char why[320];
	enum gw_err err = control_new(&options, &control, why, sizeof why);

	if (err != GW_OK) {
		(void)fprintf(stderr, "control_client: %s: %s\n", err_text(err), why);
		return err == GW_ERR_BUSY ? 3 : 1;
	}
	log_info("listening", KV("path", path));
	int status = loop_run(stage->loop);

	control_free(control);
	return status;
}

int
main(int argc, char **argv)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGUSR1, 0};
	static struct snapshot shards[SHARDS_MAX];
	struct stage stage = {.source = {0}, .shards = shards};

	control_config_load();
	if (!read_arguments(argc, argv, &stage)) {
		(void)fprintf(stderr,
		    "usage: control_client [-p PID] [-s SIM] [-d MS] [-e COUNT,BATCH] "
		    "[-f MS] SOCKET SCENARIO\n");
		control_config_free();
		return 64;
	}
	fill_source(&stage);
	stage.loop = loop_new();
	if (!stage.loop ||
	    loop_watch_signals(stage.loop, signals, on_signal, &stage) != GW_OK) {
		control_config_free();
		return 70;
	}
	stage.source.events = events_new(&stage.dispatch, NULL);
	stage.burst_timer = loop_timer_new(stage.loop, on_burst, &stage);
	stage.methods = methods_new(&stage.source);
	stage.timer = loop_timer_new(stage.loop, on_timer, &stage);
	int status = run(&stage, argv[optind]);

	on_timer(&stage, CLOCK_NEVER); /* calls whose time did not come */
	loop_timer_free(stage.timer);
	loop_timer_free(stage.burst_timer);
	events_free(stage.source.events);
	methods_free(stage.methods);
	loop_free(stage.loop);
	control_config_free();
	return status;
}
