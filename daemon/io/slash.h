/*
 * Slash commands: takes INTERACTION_CREATE off the dispatches, has bot_judge() say what
 * each use of a command gets, and answers it within the 3 s that Discord waits.
 *
 * What takes longer (the probes are run anew for `health`) is announced at once and
 * follows.  slash_list.h keeps the list of commands at Discord.
 */
#ifndef GWBOTD_SLASH_H
#define GWBOTD_SLASH_H

#include "bot.h"
#include "dispatch.h"
#include "guilds.h"
#include "probes.h"
#include "slash_list.h"

struct slash;

/* All is borrowed while it lives. */
struct slash_options {
	struct loop *loop;
	struct rest *rest;
	struct dispatch *dispatch;
	struct probes *probes;
	struct bot *bot;
	/** What the answers say of the daemon. */
	void (*facts)(void *ctx, mono_ns now, struct bot_facts *out);
	/** A server, borrowed until the next call; NULL: nothing is known of it. */
	const struct guild *(*guild)(void *ctx, uint64_t id);
	/** An admin asked for it, and was told: ends the process a second later. */
	void (*reboot)(void *ctx, mono_ns now);
	void *ctx;
};

struct slash *slash_new(const struct slash_options *options);

/** Forgets what is not answered yet.  NULL is allowed. */
void slash_free(struct slash *owned_slash);

/** Takes over a configuration that bot has already taken. */
void slash_configure(struct slash *slash, const struct config *config, mono_ns now);

struct slash_stats {
	struct slash_list_view list;
	uint64_t uses;       /* of commands, that came in */
	uint64_t unanswered; /* of these: too late, or Discord refused the answer */
};

struct slash_stats slash_stats(const struct slash *slash);

#endif
