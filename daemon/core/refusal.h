/*
 * What Discord refused, in words that say which right is missing, and each cause once.
 *
 * Pure.
 */
#ifndef GWBOTD_REFUSAL_H
#define GWBOTD_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"

/* Causes that are remembered; the oldest makes room. */
#define REFUSALS_MAX 64

/* The same cause is told again after this. */
#define REFUSAL_AGAIN CLOCK_S(3600)

/* What was tried; each needs other rights. */
enum refusal_deed {
	REFUSAL_SEND,
	REFUSAL_REPLY,
	REFUSAL_REACT,
	REFUSAL_DELETE,
	REFUSAL_READ,     /* the messages of a channel */
	REFUSAL_HISTORY,  /* one of them, where a list of them was not refused */
	REFUSAL_THREADS,  /* list and change threads */
	REFUSAL_COMMANDS, /* register slash commands */
	REFUSAL_ANSWER,   /* an interaction */
};

/**
 * Writes what status and code (Discord's; 0: none) mean for a deed, and what to do,
 * into out: "the bot lacks the right Manage Messages there (50013)".  error is the
 * API's own text, used where nothing better is known.
 */
void refusal_words(enum refusal_deed deed, unsigned status, int64_t code,
    const char *error, char *out, size_t room);

struct refusals {
	struct {
		uint64_t cause;
		mono_ns told_at;
	} at[REFUSALS_MAX];
	size_t next;
};

/** True where this cause (deed, place, status and code) was not told within
 * REFUSAL_AGAIN; notes that it is now. */
bool refusals_are_new(struct refusals *refusals, enum refusal_deed deed, uint64_t place,
    unsigned status, int64_t code, mono_ns now);

#endif
