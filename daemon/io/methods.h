/*
 * The function behind each row of commands.def, and hello.
 *
 * Answers are JSON with the schema "gwctl/1"; gwctl makes screens of them.
 */
#ifndef GWBOTD_METHODS_H
#define GWBOTD_METHODS_H

#include <stdint.h>

#include "clock.h"
#include "commands.h"
#include "config.h"
#include "control.h"
#include "doctor.h"
#include "events.h"
#include "gateway.h"
#include "health.h"
#include "histogram.h"
#include "job.h"
#include "loop.h"
#include "metrics_text.h"
#include "override.h"
#include "probe.h"
#include "rest.h"
#include "snapshot.h"
#include "watchdog.h"

struct methods;

struct methods_process {
	int64_t pid;
	uint64_t rss_bytes; /* resident; 0 when unknown */
};

/* A reload that is wanted. */
struct methods_reload_ask {
	mono_ns span; /* how long it lasts unless it is kept; CLOCK_NEVER: it stays */
	struct override_caller by;
};

/* What became of the last reload. */
struct methods_reload {
	bool on_trial; /* it goes back at reverts_at */
	bool set_back; /* what ran before it runs again, whatever the files say */
	mono_ns since; /* either */
	mono_ns reverts_at;
	struct override_caller by; /* who put it on trial */
};

/*
 * What the methods ask main.c for.  Borrowed: its members may change between two calls
 * (a reload), the texts must live until they are replaced.
 */
struct methods_source {
	void *ctx;               /* for all of the functions */
	const char *bot_name;    /* bot.name */
	const char *bot_version; /* bot.version; NULL: none */
	const char *profile;     /* "prod" */
	const char *version;     /* gwbotd's own */
	mono_ns started_at;      /* the process */
	int64_t started_wall_ms; /* the same by the wall clock, since 1970 */
	const char *sim_control; /* the control socket of gwsim; NULL without --sim */

	struct events *events; /* the feed; borrowed */

	/** All shards as they are at now, borrowed until the next call. */
	const struct snapshot *(*snapshots)(void *ctx, mono_ns now, uint32_t *count);
	/** The session behind the snapshot at index, borrowed for this call. */
	const struct session *(*session)(void *ctx, uint32_t index, mono_ns now);
	/** When the watchdog looks next. */
	mono_ns (*check_at)(void *ctx, mono_ns now);
	/** One word for the whole, as health_state() has them. */
	const char *(*state)(void *ctx, mono_ns now);
	/** Why this process does not act and can be told nothing but to end; NULL: it
	 * acts.  Without the function it always does. */
	const char *(*yielded)(void *ctx);
	/** What the health paths and /metrics are made of; snapshots() as above. */
	void (*health)(void *ctx, mono_ns now, struct health_input *out);
	void (*metrics)(void *ctx, mono_ns now, struct metrics_input *out);
	/** What the doctor looks at; texts are borrowed until the next call. */
	void (*doctor_facts)(void *ctx, mono_ns now, struct doctor_facts *out);
	void (*limits)(void *ctx, struct watchdog_limits *out);
	void (*process)(void *ctx, struct methods_process *out);
	struct loop_stats (*loop)(void *ctx);
	/**
	 * Gives a shard, or all with -1, a fresh connection; fresh: and a new session.
	 * Returns how many were asked; 0 where the IDENTIFYs left would not do.
	 */
	uint32_t (*reconnect)(void *ctx, int64_t shard_id, bool fresh, mono_ns now);
	void (*budget)(void *ctx, struct gateway_budget *out);
	struct rest_stats (*rest)(void *ctx, mono_ns now);
	/** How late heartbeats were sent; NULL: not measured. */
	const struct histogram *(*beats)(void *ctx);
	/** What runs, and what was read last (options that wait for a restart). */
	const struct config *(*config)(void *ctx);
	const struct config *(*loaded)(void *ctx);
	/**
	 * What the files, the environment and the command line say now: *fresh; and
	 * what would run with them (*preview), which differs where gwctl set values.
	 * Both are the caller's to free; false with both NULL where report has errors.
	 */
	bool (*read_config)(void *ctx, struct config_report *report,
	    struct config **fresh, struct config **preview);
	/** Has the parts take what the files say now; as app_reload(). */
	bool (*reload)(void *ctx, const struct methods_reload_ask *ask, mono_ns now,
	    struct config_report *report, struct config_changes *changes);
	/** The one on trial stays, as app_reload_keep(); what ran before the last one
	 * comes back, as app_reload_undo().  False where there is none. */
	bool (*reload_keep)(void *ctx);
	bool (*reload_undo)(void *ctx, mono_ns now, struct config_changes *changes);
	/** What became of the last one; NULL: not known. */
	struct methods_reload (*reload_state)(void *ctx);
	/** Sets an option over all that was read; as app_override(). */
	enum gw_err (*override)(void *ctx, const struct override_ask *ask, mono_ns now,
	    struct config_changes *changes, char *why, size_t room);
	/** Takes such values back; as app_take_back(). */
	unsigned (*take_back)(void *ctx, const bool wanted[CONFIG_ID_COUNT],
	    mono_ns now, struct config_changes *changes);
	const struct overrides *(*overrides)(void *ctx);
	/** The dependency probes as they are; how many, borrowed until the next call.
	 */
	size_t (*probes)(void *ctx, const struct probe_view **out);
	/** The jobs as they are, likewise. */
	size_t (*jobs)(void *ctx, const struct job_view **out);
	/** As jobs_run(). */
	enum gw_err (*run_job)(void *ctx, const char *name, mono_ns now);
	/** Ask for the end of the process with status 0, to be started again or for
	 * good.  May be called again. */
	void (*reboot)(void *ctx);
	void (*stop)(void *ctx);
};

/* Commands by command_id, those of unknown names last; hello is none. */
#define METHODS_PLACES (COMMAND_COUNT + 1)

struct methods_counts {
	uint64_t commands[METHODS_PLACES];
	uint64_t failures[METHODS_PLACES]; /* of these, answered with an error */
};

/** Since the start; borrowed. */
const struct methods_counts *methods_counts(const struct methods *methods);

/** source is borrowed while the methods live. */
struct methods *methods_new(const struct methods_source *source);
void methods_free(struct methods *owned_methods);

/** Serves one call; ctx is the struct methods.  For control_options.request. */
void methods_serve(void *ctx, struct control_call *owned_call, mono_ns now);

/** The facts of this process, for methods_source.process; ctx is ignored. */
void methods_process_self(void *ctx, struct methods_process *out);

#endif
