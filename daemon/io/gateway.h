/*
 * All shards of this process, and what they share: where the general gateway is, and
 * who may identify when.
 */
#ifndef GWBOTD_GATEWAY_H
#define GWBOTD_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>

#include "dispatches.h"
#include "histogram.h"
#include "inflate.h"
#include "loop.h"
#include "resolver.h"
#include "rest.h"
#include "secret.h"
#include "session.h"
#include "snapshot.h"
#include "store.h"
#include "ws.h"

struct gateway;

/* What may change while it runs.  Texts are borrowed. */
struct gateway_settings {
	uint64_t intents;           /* of the next session */
	const char *presence;       /* JSON, or empty: shown at once */
	mono_ns probe_after;        /* 0: no proof of life; at once */
	enum inflate_kind compress; /* this and the rest: of the next connection */
	mono_ns connect_timeout;
	mono_ns hello_timeout;
	mono_ns ready_timeout;
	const char *url; /* of the general gateway; empty: ask the API */
};

struct gateway_options {
	struct loop *loop;
	struct resolver *resolver;
	struct store *store;
	struct rest *rest;
	const struct ws_tls *tls;
	const struct secret *token;
	bool shards_auto;           /* as many as Discord recommends */
	struct store_shards shards; /* without shards_auto */
	uint32_t shards_max;        /* that this process has descriptors for */
	struct gateway_settings settings;
	const char *api_base; /* names a host that may be resumed at */
	const char *fallback; /* where the API does not answer; NULL: nowhere */
	const char *user_agent;
	const struct dispatch *dispatch; /* where dispatches go; borrowed */
	/** Discord refuses the bot: the process must end with 77. */
	void (*fatal)(void *ctx, const char *reason);
	/** A shard has become ready, or has ceased to be. */
	void (*turned)(void *ctx);
	/** There are more shards than this process can hold: it must end with 78. */
	void (*unfit)(void *ctx, const char *reason);
	void *ctx;
};

/** The shards at rest.  Everything in options is borrowed while the gateway lives. */
struct gateway *gateway_new(const struct gateway_options *options);
void gateway_free(struct gateway *owned_gateway);

void gateway_start(struct gateway *gateway, mono_ns now);

/** Closes all connections so that their sessions can be resumed. */
void gateway_stop(struct gateway *gateway, mono_ns now);

/** Takes new settings; texts of the old ones are not used any more. */
void gateway_configure(struct gateway *gateway, const struct gateway_settings *settings,
    mono_ns now);

/** How many snapshots there are: one that stands for all until `auto` knows how many.
 */
uint32_t gateway_shard_count(const struct gateway *gateway);

/** Fills out[gateway_shard_count()]. */
void gateway_snapshots(struct gateway *gateway, mono_ns now, struct snapshot *out);

/** The session behind the snapshot at index, borrowed for the present turn. */
const struct session *gateway_session(const struct gateway *gateway, uint32_t index);

/** The watchdog looks: shards that never connected count as down from the first look.
 */
void gateway_note_check(struct gateway *gateway, mono_ns now);

/**
 * Gives shards a fresh connection: shard_id, or all of this process where it is -1.
 *
 * fresh drops their sessions as well, which costs an IDENTIFY each.  Returns how many
 * shards were asked: 0 where there is no such shard, and where fresh wants more
 * IDENTIFYs than are left before the reserve (no session is dropped then).
 */
uint32_t gateway_reconnect(struct gateway *gateway, int64_t shard_id, bool fresh,
    mono_ns now);

/* The IDENTIFYs of the day. */
struct gateway_budget {
	int64_t total;      /* in 24 h, as Discord says; before that, as usual */
	int64_t used_today; /* by this process and those before it, in the last 24 h */
	int64_t left;       /* may still be sent before the reserve */
	int64_t reserve;    /* kept for a human: never used */
	int64_t told_remaining;     /* as Discord last said, less those sent since;
	                               counts the reserve; -1: not known */
	int64_t release_at_wall_ms; /* none is left until then; 0: some are */
	bool low;                   /* few are left: worth a warning */
};

void gateway_identify_budget(struct gateway *gateway, struct gateway_budget *out);

/** How late regular heartbeats of all shards were sent, since the start; borrowed. */
const struct histogram *gateway_beat_lateness(const struct gateway *gateway);

/** Dispatches of all shards by name, since the start; borrowed. */
const struct dispatch_counts *gateway_dispatched(const struct gateway *gateway);

#endif
