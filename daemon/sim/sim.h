/*
 * The whole of gwsim: one value that every module gets.
 */
#ifndef GWSIM_SIM_H
#define GWSIM_SIM_H

#include "argv.h"
#include "clock.h"
#include "fault.h"
#include "loop.h"
#include "session.h"
#include "stats.h"
#include "world.h"

struct budget {
	uint64_t remaining;
	mono_ns resets_at;    /* the daily count starts anew */
	bool token_reset;     /* spent: Discord has reset the token */
	mono_ns *identify_at; /* last good one of each key; 0: none */
};

struct sim {
	struct argv argv;
	struct loop loop;
	mono_ns now; /* of this turn of the loop */
	mono_ns active_at;
	bool quitting;
	struct world world;
	struct stats stats;
	struct fault_table faults;
	struct budget budget;
	struct session *sessions;
	struct server *server;
	struct rest *rest;
	struct messages *messages;
	struct calllog *calllog;
	struct appcommands *appcommands;
	struct interactions *interactions;
	struct rights *rights;
	struct google *google;
	struct control *control;
	struct tls *tls; /* NULL without --tls */
	char api_base[96];
	char gateway_url[96];
};

/** What is being done to a shard, or to connections without one. */
static inline struct fault *
sim_fault(struct sim *sim, int shard)
{
	return shard == FAULT_NO_SHARD ? &sim->faults.fresh :
					 &sim->faults.shards[shard];
}

/** True where this token is the bot's; the word Bot must be gone. */
bool sim_token_is_good(const struct sim *sim, struct slice token);

#endif
