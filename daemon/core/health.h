/*
 * Health: snapshots -> HTTP status and JSON body.  One truth table; pure.
 */
#ifndef GWBOTD_HEALTH_H
#define GWBOTD_HEALTH_H

#include "buf.h"
#include "probe.h"
#include "snapshot.h"
#include "watchdog.h"

/* A probe path.  X(name, path) */
#define HEALTH_PATH_TABLE(X)   \
	X(ROOT, "/")           \
	X(READY, "/ready")     \
	X(HEALTH, "/health")   \
	X(HEALTHZ, "/healthz") \
	X(LIVEZ, "/livez")     \
	X(READYZ, "/readyz")   \
	X(STARTUPZ, "/startupz")

enum health_path {
#define HEALTH_PATH_ENUM(name, path) HEALTH_PATH_##name,
	HEALTH_PATH_TABLE(HEALTH_PATH_ENUM)
#undef HEALTH_PATH_ENUM
};

/* Of two instances of a bot that share a state folder one acts. */
enum health_role {
	HEALTH_ACTS,
	HEALTH_WAITS,   /* a newer one, before the older yields */
	HEALTH_YIELDED, /* an older one, after that */
};

struct health_input {
	const struct snapshot *shards;
	uint32_t count;
	struct watchdog_limits limits;
	mono_ns uptime;           /* of the process */
	const char *bot;          /* bot.name */
	const char *env;          /* the profile */
	const char *version;      /* bot.version */
	bool budget_low;          /* few identifies are left today: 206 */
	int64_t identifies_left;  /* before the reserve */
	int64_t identify_reserve; /* kept for a human */
	int64_t release_wall_ms;  /* none is left until then; 0: some are */
	bool strict_probe;
	bool stopping; /* a stop was asked for */
	enum health_role role;
	const char *role_reason; /* of a role that does not act; NULL: none */
	const struct probe_view *probes;
	size_t probe_count;
	mono_ns now; /* for the ages of the probes */
};

/* Of more shards than this the document lists only those that are not well, and no more
 * of them than this; `shards_total` and `shards_connected` count all. */
#define HEALTH_SHARDS_LISTED 64

/** The path that equals path exactly; false where there is none. */
bool health_path_find(const char *path, enum health_path *out);

/**
 * The HTTP status of a path: 200, 206 or 503 as section 5 of the contract says.
 *
 * Where body is not NULL, appends the JSON document to it.
 */
unsigned health_render(enum health_path path, const struct health_input *input,
    struct buf *body);

/**
 * The same status, and for people a line a check: "[+]shard ok", "[-]probe db:
 * connection refused", and what all of it comes to.
 */
unsigned health_verbose(enum health_path path, const struct health_input *input,
    struct buf *body);

/** One word for the whole: starting, ready, degraded, reconnecting, down, fatal,
 * waiting, yielded, draining. */
const char *health_state(const struct health_input *input);

/** The text of a path, e.g. "/healthz". */
const char *health_path_text(enum health_path path);

/* Of a reason with its NUL: that of a shard, and what stands before it. */
#define HEALTH_REASON_ROOM 320

/* One reason, borrowed for the call. */
typedef void health_reason(void *ctx, const char *text);

/** Tells why the whole is not ready, one sentence each, as the document lists them. */
void health_reasons(const struct health_input *input, health_reason *each, void *ctx);

/** True for a shard that the document lists, of HEALTH_SHARDS_LISTED at most. */
bool health_lists(const struct health_input *input, const struct snapshot *shard);

/** The silence of the quietest shard, connected or not. */
mono_ns health_last_event_age(const struct health_input *input);

#endif
