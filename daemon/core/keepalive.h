/*
 * Keeping threads open, as a machine: which call comes next, and what its answer means.
 * Pure.
 *
 * First it is found out which threads there are: each that was named, and those of each
 * named channel, active and archived.  Then each that is archived is opened, and each
 * whose last message is too old gets one.
 */
#ifndef GWBOTD_KEEPALIVE_H
#define GWBOTD_KEEPALIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "json.h"

#define KEEPALIVE_PLACES_MAX  32  /* channels, and threads, of the configuration */
#define KEEPALIVE_THREADS_MAX 256 /* of one run */
#define KEEPALIVE_PAGES_MAX   8   /* of archived threads, of one channel */
#define KEEPALIVE_BEFORE_ROOM 48

enum keepalive_step {
	KEEPALIVE_LOOK,     /* at a thread */
	KEEPALIVE_SERVER,   /* look at a channel, for the server that it is of */
	KEEPALIVE_ACTIVE,   /* active threads of a server */
	KEEPALIVE_ARCHIVED, /* a page of a channel's archived ones */
	KEEPALIVE_OPEN,     /* a thread */
	KEEPALIVE_POST,     /* into a thread */
	KEEPALIVE_DONE,
};

struct keepalive_call {
	enum keepalive_step step;
	uint64_t id;        /* of the thread, channel or server */
	const char *before; /* ARCHIVED: an instant as Discord wrote it; empty: none */
};

struct keepalive_thread {
	uint64_t id;
	int64_t last_ms; /* of its last message, or of its birth */
	bool archived;
	bool locked;
};

struct keepalive {
	uint64_t named[KEEPALIVE_PLACES_MAX];
	size_t named_count;
	uint64_t channels[KEEPALIVE_PLACES_MAX];
	size_t channel_count;
	int64_t now_ms;
	int64_t idle_ms;

	size_t named_next;
	size_t channel; /* that is looked at */
	enum keepalive_step look;
	uint64_t server; /* of the channel */
	unsigned pages;
	char before[KEEPALIVE_BEFORE_ROOM];

	struct keepalive_thread threads[KEEPALIVE_THREADS_MAX];
	size_t thread_count;
	size_t thread; /* that is touched */
	bool opened;   /* it was */

	/* For the result. */
	unsigned touched;
	unsigned skipped;
	unsigned locked;
	unsigned not_threads;
	unsigned gone;    /* 404 */
	unsigned refused; /* 403 */
	unsigned failed;  /* any other answer, or none */
	bool too_many;
};

/** Begins a run; each count is at most KEEPALIVE_PLACES_MAX. */
void keepalive_begin(struct keepalive *keepalive, const uint64_t *threads,
    size_t thread_count, const uint64_t *channels, size_t channel_count, int64_t now_ms,
    mono_ns idle);

/** What to call; KEEPALIVE_DONE at the end.  Each call's answer is told by one of the
 * next two before it is asked again. */
struct keepalive_call keepalive_next(struct keepalive *keepalive);

/** The call was good; body is its answer, NULL where nothing of it matters. */
void keepalive_take(struct keepalive *keepalive, const struct json *body);

/** The call was refused with this status; 0: no answer. */
void keepalive_take_refusal(struct keepalive *keepalive, unsigned status);

/** True where nothing went wrong. */
bool keepalive_is_good(const struct keepalive *keepalive);

/** Writes "touched 3 threads, skipped 2, 1 locked, 1 without the right". */
void keepalive_words(const struct keepalive *keepalive, char *out, size_t room);

#endif
