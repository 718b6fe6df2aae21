/*
 * The nonce of a message: a name of what caused it, the same in every process.
 *
 * Discord, with enforce_nonce: a second message of the same bot with the same nonce
 * within minutes is not made, the first is returned.  So where two instances of a bot
 * hear of the same thing, as they do while one deploy overlaps the next, what they say
 * of it is said once.  Pure.
 */
#ifndef GWBOTD_NONCE_H
#define GWBOTD_NONCE_H

#include <stddef.h>
#include <stdint.h>

/* Discord: at most 25 characters. */
#define NONCE_MAX_CHARACTERS 25

/* What a message is; the first character of its nonce. */
enum nonce_kind {
	NONCE_REPLY = 'r',    /* to a message: its id */
	NONCE_GREETING = 'g', /* of who joined: server, person, which greeting */
	NONCE_JOB = 'j',      /* of a run: its cause, channel, which message of it */
};

/* Empty: none. */
struct nonce {
	char text[NONCE_MAX_CHARACTERS + 1];
};

/** The nonce of these causes, in their order. */
struct nonce nonce_of(enum nonce_kind kind, const uint64_t *causes, size_t count);

/** One number for several, for a cause that is made of parts. */
uint64_t nonce_mix(const uint64_t *causes, size_t count);

#endif
