/*
 * All shards of this process, and what they share: where the general gateway is, and
 * who may identify when.
 */
#ifndef GWBOTD_GATEWAY_H
#define GWBOTD_GATEWAY_H

#include <stdint.h>

#include "inflate.h"
#include "loop.h"
#include "resolver.h"
#include "rest.h"
#include "secret.h"
#include "snapshot.h"
#include "store.h"
#include "ws.h"

struct gateway;

struct gateway_options {
	struct loop *loop;
	struct resolver *resolver;
	struct store *store;
	struct rest *rest;
	const struct ws_tls *tls;
	const struct secret *token;
	uint64_t intents;
	const char *presence; /* JSON, or empty */
	enum inflate_kind compress;
	uint32_t shard_count;
	mono_ns connect_timeout;
	mono_ns hello_timeout;
	mono_ns ready_timeout;
	const char *api_base; /* names a host that may be resumed at */
	const char *url;      /* of the general gateway; empty: ask the API */
	const char *fallback; /* where the API does not answer; NULL: nowhere */
	const char *user_agent;
	/** Discord refuses the bot: the process must end with 77. */
	void (*fatal)(void *ctx, const char *reason);
	void *ctx;
};

/** The shards at rest.  Everything in options is borrowed while the gateway lives. */
struct gateway *gateway_new(const struct gateway_options *options);
void gateway_free(struct gateway *owned_gateway);

void gateway_start(struct gateway *gateway, mono_ns now);

/** Closes all connections so that their sessions can be resumed. */
void gateway_stop(struct gateway *gateway, mono_ns now);

uint32_t gateway_shard_count(const struct gateway *gateway);

/** Fills out[gateway_shard_count()]. */
void gateway_snapshots(struct gateway *gateway, mono_ns now, struct snapshot *out);

/** The watchdog looks: shards that never connected count as down from the first look.
 */
void gateway_note_check(struct gateway *gateway, mono_ns now);

/** IDENTIFYs left today before the reserve. */
int64_t gateway_identifies_left(struct gateway *gateway);

#endif
