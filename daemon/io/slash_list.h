/*
 * Keeps the list of slash commands at Discord as the configuration has it: asks once
 * after the start and after each change of it, and replaces it where it differs.
 *
 * Only the process that holds shard 0 does so.  What fails is tried again, ever later;
 * nothing here is in the way of the gateway or of commands.
 */
#ifndef GWBOTD_SLASH_LIST_H
#define GWBOTD_SLASH_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bot.h"
#include "clock.h"
#include "config.h"
#include "loop.h"
#include "rest.h"

struct slash_list;

/** All is borrowed while the list lives. */
struct slash_list *slash_list_new(struct loop *loop, struct rest *rest,
    const struct bot *bot);

/** Ends what is under way.  NULL is allowed. */
void slash_list_free(struct slash_list *owned_list);

/** Takes over a configuration that bot has already taken. */
void slash_list_configure(struct slash_list *list, const struct config *config,
    mono_ns now);

/** Shard 0 is ready; application 0: not known, the API is asked. */
void slash_list_connected(struct slash_list *list, uint64_t application, mono_ns now);

/* How it stands. */
struct slash_list_view {
	bool wanted;         /* slash.register */
	bool connected;      /* shard 0 was ready once: it is this process's task */
	bool kept;           /* Discord has the list as it is here */
	size_t commands;     /* in it */
	uint64_t puts;       /* times that it was replaced */
	uint64_t failures;   /* calls for it that failed */
	const char *problem; /* of the last call; NULL: none.  Borrowed */
};

struct slash_list_view slash_list_view(const struct slash_list *list);

#endif
