/*
 * What a shard keeps on disk to resume after the process: bytes <-> struct.
 *
 * A file of RECORD_FILE_BYTES: two slots for the session, written in turn, each with a
 * generation and a checksum, so that a torn write leaves the other one; and one 64-bit
 * word for the sequence, which moves with every dispatch by a single store (so kill -9
 * never leaves half of it).  The word carries 16 bits of its session's tag: a word of
 * another session is not believed.
 *
 * Behind each slot lies what was added since, by itself whole or not there: a record of
 * an older release is read without it, and older releases read a newer one.
 *
 * Version 1, little endian.  Pure: store maps and syncs the bytes.
 */
#ifndef GWBOTD_RECORD_H
#define GWBOTD_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "session.h"

#define RECORD_FILE_BYTES        4096
#define RECORD_FINGERPRINT_BYTES 16

/* The session that a record belongs to.  All of it must fit, else the record is not
 * used. */
struct record_owner {
	uint8_t
	    fingerprint[RECORD_FINGERPRINT_BYTES]; /* of the token, not reversible */
	uint32_t shard_id;
	uint32_t shard_count;
	uint64_t intents;
};

enum record_verdict {
	RECORD_FRESH,   /* nothing was ever stored */
	RECORD_FOUND,   /* out is filled */
	RECORD_EMPTY,   /* stored, and says that there is no session */
	RECORD_FOREIGN, /* of another token, shard or intents: not used */
	RECORD_NEWER,   /* written by a newer version: not used */
	RECORD_DAMAGED, /* no slot is whole: not used */
};

/** Reads a file's bytes.  Every field is checked; hostile bytes cost a new session. */
enum record_verdict record_read(const uint8_t file[RECORD_FILE_BYTES],
    const struct record_owner *owner, struct session_saved *out);

/**
 * Writes saved into the older slot and its sequence into the word.
 *
 * saved with an empty id writes "no session".  saved_wall_ms is for people.  What its
 * reader would refuse is left out: returns NULL, or what that was and what it costs, in
 * words (a constant).
 */
const char *record_write(uint8_t file[RECORD_FILE_BYTES],
    const struct record_owner *owner, const struct session_saved *saved,
    int64_t saved_wall_ms);

/**
 * Moves the stored sequence of the session last written forward: one 64-bit store.
 *
 * A sequence that is not beyond the stored one changes nothing, nor does a file without
 * a record.  file is aligned to 8 bytes (also for record_write()).
 */
void record_write_seq(uint8_t file[RECORD_FILE_BYTES], int64_t seq);

/**
 * Ties the word to the newest slot, where a kill came between the writes of the two.
 *
 * To be called for a record that was found, before record_write_seq(): that would move
 * a word which its reader does not take for this session's.
 */
void record_mend(uint8_t file[RECORD_FILE_BYTES]);

/** What a verdict means, in words. */
const char *record_verdict_text(enum record_verdict verdict);

#endif
