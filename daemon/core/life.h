/*
 * The lives of the daemon: how often it was started, how often its watchdog ended it,
 * and how the last life ended; bytes <-> struct.
 *
 * LIFE_BYTES of a file: two slots, written in turn, each with a generation and a
 * checksum, so that a torn write leaves the other one.  While a process runs the file
 * says so: the next start that finds it takes the end for a kill.  The sentinel, which
 * ends a process whose loop is stuck, sets one word of its own by a single store.
 *
 * Version 1, little endian.  Pure: store maps and syncs the bytes.
 */
#ifndef GWBOTD_LIFE_H
#define GWBOTD_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#define LIFE_BYTES 1536

/* Why the watchdog ended a process.  X(name, word) */
#define LIFE_TRIP_TABLE(X)              \
	X(STALE, "stale")               \
	X(DISCONNECTED, "disconnected") \
	X(LOOP, "loop")

enum life_trip {
#define LIFE_TRIP_ENUM(name, word) LIFE_TRIP_##name,
	LIFE_TRIP_TABLE(LIFE_TRIP_ENUM)
#undef LIFE_TRIP_ENUM
	    LIFE_TRIPS,
};

/* How a life ended.  X(name, word); written down as numbers: add at the end only. */
#define LIFE_END_TABLE(X)                                                \
	X(UNKNOWN, "unknown")   /* the first start, or a damaged file */ \
	X(KILLED, "killed")     /* it wrote down no end of its own */    \
	X(STOPPED, "stopped")   /* asked to */                           \
	X(WATCHDOG, "watchdog") /* stale or disconnected */              \
	X(LOOP, "loop")         /* its loop was stuck */                 \
	X(REFUSED, "refused")   /* by Discord */                         \
	X(CONFIG, "config")     /* a start that failed */                \
	X(INTERNAL, "internal")

enum life_end {
#define LIFE_END_ENUM(name, word) LIFE_END_##name,
	LIFE_END_TABLE(LIFE_END_ENUM)
#undef LIFE_END_ENUM
	    LIFE_ENDS,
};

/* The code of an end that has none. */
#define LIFE_NO_CODE (-1)

struct life {
	uint64_t starts; /* this one included */
	uint64_t trips[LIFE_TRIPS];
	enum life_end last_end; /* of the life before */
	int last_code;          /* exit status, or LIFE_NO_CODE */
};

enum life_verdict {
	LIFE_FRESH,   /* nothing was ever stored */
	LIFE_FOUND,   /* out is filled */
	LIFE_NEWER,   /* written by a newer version: not used */
	LIFE_DAMAGED, /* no slot is whole: not used */
};

/**
 * A process begins: reads what the one before left, counts this start, writes it.
 *
 * file is aligned to 8 bytes, as in all calls.  Unless the verdict is FOUND the counts
 * begin anew.
 */
enum life_verdict life_begin(uint8_t file[LIFE_BYTES], struct life *out);

/** The watchdog has ended this life: counts and writes it. */
void life_trip(uint8_t file[LIFE_BYTES], struct life *life, enum life_trip trip);

/** The loop is stuck: one store, from any thread.  The next life_begin() counts it. */
void life_trip_loop(uint8_t file[LIFE_BYTES]);

/** This life ends: writes how. */
void life_end(uint8_t file[LIFE_BYTES], const struct life *life, enum life_end end,
    int code);

/** The end that an exit status stands for. */
enum life_end life_end_of(int exit_status);

/** The words of labels. */
const char *life_trip_word(enum life_trip trip);
const char *life_end_word(enum life_end end);

#endif
