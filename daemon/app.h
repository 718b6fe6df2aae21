/*
 * The parts of the running daemon, and what its pieces do with them.
 *
 * main.c reads argv and the configuration; start.c starts the parts in order and stop.c
 * stops them in reverse, start_bot.c has those of the bot's own surface; greet.c has
 * the first lines of the log and leave.c the last one; present.c puts their present
 * state together and wiring.c is what they ask of each other; watch.c what happens
 * while they run: watchdog, signals; lives.c what outlives the process of it; apply.c
 * gives them another configuration, which reload.c reads; handover.c hands the state
 * folder on; examine.c looks at them for gwctl doctor.
 */
#ifndef GWBOTD_APP_H
#define GWBOTD_APP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "args.h"
#include "bot.h"
#include "chat.h"
#include "config.h"
#include "control.h"
#include "dispatch.h"
#include "emoji.h"
#include "events.h"
#include "fetch.h"
#include "gateway.h"
#include "http.h"
#include "jobs.h"
#include "life.h"
#include "logchannel.h"
#include "loop.h"
#include "methods.h"
#include "notify.h"
#include "override.h"
#include "probes.h"
#include "resolver.h"
#include "rest.h"
#include "simchild.h"
#include "slash.h"
#include "spawner.h"
#include "store.h"
#include "takeover.h"
#include "watchdog.h"
#include "worker.h"
#include "ws.h"

/* contract, section 4 */
enum app_exit {
	APP_EXIT_STOPPED = 0,
	APP_EXIT_WATCHDOG = 1,
	APP_EXIT_USAGE = 64,
	APP_EXIT_INTERNAL = 70,
	APP_EXIT_REFUSED = 77,
	APP_EXIT_CONFIG = 78,
};

/* Of handover.c. */
struct handover {
	enum health_role role;
	char reason[256];           /* why it does not act; empty: it does */
	mono_ns since;              /* it waits or yields */
	struct takeover_plea *plea; /* of one that waits */
	enum gw_err asked; /* GW_OK: the request is there; GW_ERR_BUSY: another's is */
	struct takeover_ear *ear;  /* of one that acts */
	char by[TAKEOVER_BY_ROOM]; /* who asked */
	bool released;             /* the folder was let go */
	unsigned lost;             /* looks at which nobody had it */
};

struct app {
	struct args args;
	struct config_env *env;
	struct config *config; /* as at the start */
	struct config *loaded; /* as last read from all layers; apply.c has it */
	struct config *live;   /* what runs: that under the overrides, see apply.h */
	struct config *before; /* loaded, before the last reload that changed something;
	                          NULL: none, or it is back; reload.c has it */
	struct overrides overrides;   /* what gwctl set over all of it */
	struct methods_reload reload; /* what became of the last one */
	struct secret *token;
	struct simchild sim;
	char sim_host[64]; /* where its CDN is; empty: nowhere */
	mono_ns started_at;

	struct loop *loop;
	struct worker
	    *lookups; /* helper threads of the resolver: each may hang for long */
	struct worker *worker; /* of the disk, and the sentinel */
	struct worker
	    *errands; /* of the probes: a file that hangs holds up no lookup */
	struct resolver *resolver;
	struct ws_tls *tls;
	struct fetch *fetch;
	struct rest *rest;
	struct store *store;
	struct life life;         /* of this process and those before */
	atomic_bool life_ended;   /* how is written down; the sentinel looks */
	struct dispatch dispatch; /* to all that the shards' dispatches go */
	struct events *events;    /* hears the log from the first line on */
	struct gateway *gateway;
	struct spawner *spawner; /* forked first, so that it has nothing of all this */
	struct children *children;
	struct probes *probes;
	struct jobs *jobs;
	struct logchannel *logchannel;
	struct bot *bot; /* what commands get */
	struct chat *chat;
	struct slash *slash;
	struct emoji *emoji;
	struct http *http;
	struct control *control;
	struct notify *notify; /* NULL: nobody is to be told */
	struct methods *methods;
	struct methods_source source;
	struct loop_timer *watchdog_timer;
	struct loop_timer *stop_timer;
	struct loop_timer *reboot_timer;
	struct loop_timer *override_timer;
	struct loop_timer *trial_timer;
	struct loop_timer *log_timer; /* tells what the log left out */
	struct loop_timer *handover_timer;
	struct handover handover;
	struct snapshot *snapshots;
	uint32_t snapshots_room;
	unsigned shard_fds;      /* descriptors that the shards may need */
	char state_problem[256]; /* texts of the last app_doctor_facts() */
	char trust_place[256];
	struct probe_view probe_views[PROBES_MAX]; /* as last asked for */
	struct job_view job_views[JOBS_MAX];

	bool was_late;            /* the last check came too late for a verdict */
	mono_ns checked_at;       /* the watchdog, last; at first the start */
	mono_ns check_at;         /* when it looks next */
	mono_ns stale_logged_at;  /* 0: never */
	bool reload_failed;       /* the configuration on disk was refused last */
	int64_t reloaded_wall_ms; /* when one was taken last; the start counts */
	bool rebooting;           /* asked for in Discord: the answer is on its way */
	bool stopping;
	bool logs; /* the log is open */
	int exit_status;
	char why[256]; /* it ends; empty: it does not yet */
	mono_ns stop_deadline;
};

/** Reads the configuration from all layers; NULL where report has errors. */
struct config *app_load_config(const struct app *app, struct config_report *report);

/**
 * Keeps the signals that end, reload or dump waiting until the loop takes them, so that
 * one during the start is not lost and does not kill; ignores those without a meaning.
 */
void app_hold_signals(void);

/** One step of the start: probes, jobs, log channel and commands; 0. */
int app_start_bot(struct app *app);

/** Starts all parts, runs the loop, stops in reverse; returns the exit status.  The log
 * stays open, with the token as its secret. */
int app_run(struct app *app);

/** The first lines of the log. */
void app_greet(const struct app *app);

/** Why the process will end, for its last line; the first call counts. */
void app_note_why(struct app *app, const char *why);

/**
 * Ends the process soon, with this status and the sessions resumable; the first call
 * counts.
 */
void app_stop(struct app *app, int exit_status, const char *reason);

/** Timers of app: a stop under way looks whether all is done; a reboot that was asked
 * for in Discord, after its second. */
void app_on_stop_timer(void *ctx, mono_ns now);
void app_on_reboot_timer(void *ctx, mono_ns now);

/** Frees all parts; the loop has ended. */
void app_free_parts(struct app *app);

/** Opens the state folder and begins this process's life in it; GW_ERR_BUSY: another
 * one has it. */
enum gw_err app_open_store(struct app *app);

/** Starts all that needs the state folder; 0, or an exit status. */
int app_go(struct app *app);

/** Another process has the state folder: asks for it. */
void app_wait_for_older(struct app *app);

/** A newer process asks for the state folder: yields; ctx is the app. */
void app_on_asked(void *ctx, const char *by, mono_ns now);

/** The timer of a process that does not act; ctx is the app. */
void app_on_handover(void *ctx, mono_ns now);

/** This process begins: counts it, and learns how the one before ended. */
void app_begin_life(struct app *app);

/** The watchdog ends this process. */
void app_trip(struct app *app, enum life_trip trip);

/** The loop is stuck in handler, and the process about to end; ctx is the app.  Any
 * thread. */
void app_on_loop_stuck(void *ctx, const char *handler, mono_ns stuck);

/** Writes down how it ends; the first call counts. */
void app_end_life(struct app *app, int exit_status);

/** What of the live configuration the gateway can take while it runs. */
struct gateway_settings app_gateway_settings(const struct app *app);

/** What the answers to commands say of the daemon; borrowed until the next call; ctx is
 * the app. */
void app_bot_facts(void *ctx, mono_ns now, struct bot_facts *out);

/** An admin asked for it in Discord: stops a second later, so that the answer gets
 * there; ctx is the app. */
void app_reboot_soon(void *ctx, mono_ns now);

/** Gives the bot's own surface the live configuration. */
void app_configure_bot(struct app *app, mono_ns now);

/** What of the live configuration /emoji-pad can take while it runs; borrows app. */
struct emoji_settings app_emoji_settings(const struct app *app);

/** All shards as they are at now, borrowed until the next call; ctx is the app. */
const struct snapshot *app_snapshots(void *ctx, mono_ns now, uint32_t *count);

/** What the health server answers; their ctx is the app. */
const struct http_route *app_http_routes(size_t *count);

/** All that the control methods may ask for; its functions borrow app. */
struct methods_source app_methods_source(struct app *app);

/** What gwctl doctor's checks look at; ctx is the app, whose texts are borrowed. */
void app_doctor_facts(void *ctx, mono_ns now, struct doctor_facts *out);

/** The state line for the service manager; ctx is the app. */
void app_notify_line(void *ctx, mono_ns now, char out[NOTIFY_LINE_ROOM]);

/** The watchdog's limits as they are at present. */
struct watchdog_limits app_limits(const struct app *app);

/** Has the watchdog look at this instant. */
void app_arm_watchdog(struct app *app, mono_ns at);

/** The watchdog's timer; ctx is the app. */
void app_on_watchdog(void *ctx, mono_ns now);

/** A signal that loop_watch_signals() watches; ctx is the app. */
void app_on_signal(void *ctx, int number, mono_ns now);

#endif
