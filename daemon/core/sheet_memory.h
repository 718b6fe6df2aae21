/*
 * What a sheet's probe remembers from run to run, and whether it need ask Google.
 *
 * Pure.  Zeroed it remembers nothing.
 */
#ifndef GWBOTD_SHEET_MEMORY_H
#define GWBOTD_SHEET_MEMORY_H

#include <stdbool.h>

#include "sheet.h"

struct sheet_memory {
	struct secret *token; /* NULL: none */
	mono_ns renew_at;
	mono_ns expires_at;
	char email[SHEET_EMAIL_ROOM]; /* of the account that the token is made for */
	char project[SHEET_EMAIL_ROOM];
	bool read_good;                /* the last run that asked */
	mono_ns read_at;               /* when it began */
	char title[PROBE_REASON_ROOM]; /* what it found */
	mono_ns quiet_until;           /* Google said: not before */
};

/** Frees what is held. */
void sheet_memory_fini(struct sheet_memory *memory);

/** True where Google is not to be asked now: reason says why, in a line for a person.
 */
bool sheet_memory_spares(const struct sheet_memory *memory, mono_ns now, char *reason,
    size_t room);

/** Google answered: it may want its peace for a while. */
void sheet_memory_take(struct sheet_memory *memory, const struct sheet_finding *finding,
    mono_ns now);

/** The same of the row itself, by a run that began at begun_at. */
void sheet_memory_take_row(struct sheet_memory *memory,
    const struct sheet_finding *finding, mono_ns begun_at, mono_ns now);

/** A new token came, which is taken over. */
void sheet_memory_take_token(struct sheet_memory *memory, struct sheet_token *token,
    mono_ns now);

/** The token is no good. */
void sheet_memory_drop_token(struct sheet_memory *memory);

/** True while no new token need be asked for. */
bool sheet_memory_is_fresh(const struct sheet_memory *memory, mono_ns now);

/** True while the token may be used where there is no new one. */
bool sheet_memory_is_usable(const struct sheet_memory *memory, mono_ns now);

#endif
