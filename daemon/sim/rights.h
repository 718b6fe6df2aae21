/*
 * Rights: what the bot may not do, everywhere or in single channels.
 */
#ifndef GWSIM_RIGHTS_H
#define GWSIM_RIGHTS_H

#include <stdbool.h>
#include <stdint.h>

#include "jsonw.h"

/* As Discord numbers their bits. */
enum right {
	RIGHT_REACT = 6,
	RIGHT_VIEW = 10,
	RIGHT_SEND = 11,
	RIGHT_MANAGE_MESSAGES = 13,
	RIGHT_HISTORY = 16,
	RIGHT_MANAGE_THREADS = 34,
	RIGHT_SEND_IN_THREADS = 38,
	RIGHT_PIN = 51,
};

/* Everywhere instead of a channel. */
#define RIGHTS_ANYWHERE UINT64_C(0)

struct rights;

struct rights *rights_new(void);

void rights_free(struct rights *owned_rights);

/** The right of that name; false: there is none. */
bool rights_find(const char *name, enum right *out);

/** Takes a right away or gives it back; false where too many channels differ. */
bool rights_set(struct rights *rights, uint64_t channel_id, enum right right, bool on);

/** Gives all back. */
void rights_clear(struct rights *rights);

/** True where it was taken away there, in the channel of a thread, or everywhere. */
bool rights_lack(const struct rights *rights, uint64_t channel_id, enum right right);

/** What the bot may do in a channel, as a number of bits. */
uint64_t rights_bits(const struct rights *rights, uint64_t channel_id);

#endif
