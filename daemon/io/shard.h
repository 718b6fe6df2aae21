/*
 * One shard's connection: runs what its session decides.
 *
 * lookup -> ws -> inflate -> payload -> session_step() -> actions.  What concerns all
 * shards (where the general gateway is, who may identify) goes to the owner by hooks.
 */
#ifndef GWBOTD_SHARD_H
#define GWBOTD_SHARD_H

#include <stdbool.h>
#include <stdint.h>

#include "dispatch.h"
#include "dispatches.h"
#include "histogram.h"
#include "inflate.h"
#include "loop.h"
#include "resolver.h"
#include "rng.h"
#include "secret.h"
#include "session.h"
#include "snapshot.h"
#include "store.h"
#include "url.h"
#include "ws.h"

struct shard;

struct shard_hooks {
	/** Answer with shard_connect() or shard_fail(), now or later. */
	void (*want_general)(void *ctx, struct shard *shard, mono_ns now);
	/** Answer with shard_slot(), later. */
	void (*want_slot)(void *ctx, struct shard *shard, mono_ns now);
	void (*drop_slot)(void *ctx, struct shard *shard);
	/** IDENTIFY goes out when this returns: write it down. */
	void (*identifying)(void *ctx, struct shard *shard, mono_ns now);
	/** A connection to this host never opened. */
	void (*unreachable)(void *ctx, const char *host);
	/** Discord refuses the bot; reason is for a person. */
	void (*fatal)(void *ctx, struct shard *shard, const char *reason);
	/** The shard has become ready, or has ceased to be. */
	void (*turned)(void *ctx, bool ready);
	/** How many shards of this process are not ready now; called with each event.
	 */
	uint32_t (*crowd)(void *ctx);
	/** The shard's timer fired: time to look whether the host slept. */
	void (*tick)(void *ctx, mono_ns now);
};

/* What may change while it runs: intents with the next session, the rest with the next
 * connection. */
struct shard_settings {
	uint64_t intents;
	/* Where not even HELLO could be read with it, connections of the next hour ask
	 * for none; the first one after that asks for it again. */
	enum inflate_kind compress;
	mono_ns connect_timeout;
	mono_ns hello_timeout;
	mono_ns ready_timeout;
};

struct shard_options {
	struct loop *loop;
	struct resolver *resolver;
	struct store *store;
	const struct ws_tls *tls;
	const struct url
	    *trusted; /* whom a resume may go to, besides Discord's own hosts */
	const struct secret *token;
	uint64_t intents;
	const char *presence; /* as payload_complete_presence() makes it, or NULL */
	enum inflate_kind compress;
	struct buf *inflated; /* for inflate_share(); outlives the shard */
	const char *user_agent;
	const struct dispatch *dispatch; /* where its dispatches go */
	struct dispatch_counts *counts;  /* knows and counts their names */
	struct histogram *lateness; /* takes how late regular beats are; NULL: nobody */
	struct session_config session;
	struct rng *rng;
	const struct shard_hooks *hooks;
	void *ctx;
};

/** A shard at rest, with the stored session where there is one.  options: borrowed. */
struct shard *shard_new(const struct shard_options *options);
void shard_free(struct shard *owned_shard);

void shard_start(struct shard *shard, mono_ns now);

/** Closes so that the session can be resumed, and stores it. */
void shard_stop(struct shard *shard, mono_ns now);

/** The general gateway is here: connect.  Nothing happens where it is not wanted any
 * more. */
void shard_connect(struct shard *shard, const struct url *url, mono_ns now);

/** There is no gateway to connect to; the session backs off. */
void shard_fail(struct shard *shard, const char *why, mono_ns retry_after);

/** The identify gate granted the slot. */
void shard_slot(struct shard *shard, mono_ns now);

/** The host slept: whatever connection there is is dead. */
void shard_slept(struct shard *shard, mono_ns now);

/** The operator asks for a fresh connection; drop_session: and for a new session. */
void shard_reconnect(struct shard *shard, bool drop_session, mono_ns now);

/** The token is no good. */
void shard_refuse(struct shard *shard, const char *why, mono_ns now);

/** Shows another presence from now on; borrowed as long as the shard lives. */
void shard_presence(struct shard *shard, const char *presence, mono_ns now);

/** Changes after how much silence a proof of life is asked for; 0: never. */
void shard_set_probe_after(struct shard *shard, mono_ns probe_after, mono_ns now);

/** The watchdog looks (see session_note_check()). */
void shard_note_check(struct shard *shard, mono_ns now);

void shard_configure(struct shard *shard, const struct shard_settings *settings);

uint32_t shard_id(const struct shard *shard);
void shard_snapshot(const struct shard *shard, mono_ns now, struct snapshot *out);

/** Its session as it is now, borrowed until the next event. */
const struct session *shard_session(const struct shard *shard);

#endif
