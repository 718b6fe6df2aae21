/*
 * What can follow on a line of the prompt, out of the tables.
 *
 * Pure but for the values that only a daemon knows, which it asks a function for.
 */
#ifndef GWCTL_COMPLETE_H
#define GWCTL_COMPLETE_H

#include <stdbool.h>
#include <stddef.h>

#include "words.h"

#define COMPLETE_MAX        1100 /* a daemon holds up to 1000 shards */
#define COMPLETE_TEXT_BYTES 96
#define COMPLETE_HELP_BYTES 160

struct complete_entry {
	bool typed; /* false: text only names what stands here, e.g. "DURATION" */
	char text[COMPLETE_TEXT_BYTES];
	char help[COMPLETE_HELP_BYTES];
};

struct complete_list {
	struct complete_entry *entries;
	size_t count;
	size_t room;
	const char *prefix; /* entries to type begin with it; borrowed from the words */
};

/** Adds what may stand for a value, "SHARD" of "reconnect", with complete_add(). */
typedef void (*complete_live)(void *context, const char *command, const char *value,
    struct complete_list *list);

/**
 * Fills list with what can stand at the end of words, in the order of the tables; what
 * does not begin as the open word does is left out.
 *
 * words ends where the cursor stands.  live may be NULL.  Free list with
 * complete_fini().
 */
void complete_words(const struct words *words, complete_live live, void *context,
    struct complete_list *list);
void complete_fini(struct complete_list *list);

/** Adds a text to type, unless it is there or does not fit the prefix. */
void complete_add(struct complete_list *list, const char *text, const char *help);

/** The help of an entry; NULL where there is no such one. */
const char *complete_help(const struct complete_list *list, const char *text);

/**
 * True where TAB may put the entry on the line.
 *
 * Not a flag for an empty word where something else could stand: nobody asked for it.
 */
bool complete_offers(const struct complete_list *list,
    const struct complete_entry *entry);

/** The text that all entries on offer begin with, into out; their number. */
size_t complete_common(const struct complete_list *list, char *out, size_t room);

#endif
