/*
 * Deleting old messages, as a machine: which call comes next, and what its answer
 * means.  Pure.
 *
 * A channel is read page by page, newest first, from the instant on before which
 * messages are old.  What is young enough for a bulk delete goes in groups, the rest
 * one by one; pinned ones stay.  A run is bounded: the next one goes on where this one
 * stopped, since what was deleted is gone.
 *
 * Without Read Message History Discord answers with an empty page, not with an error.
 * So where the first one is empty the channel's last message is asked for by its id:
 * that is refused then.
 */
#ifndef GWBOTD_CLEANUP_H
#define GWBOTD_CLEANUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "json.h"

#define CLEANUP_CHANNELS_MAX 32

/* Discord: messages of a page, and of a bulk delete, which wants at least 2. */
#define CLEANUP_PAGE 100

/* Of one run. */
#define CLEANUP_DELETES_MAX 1000
#define CLEANUP_PAGES_MAX   200

enum cleanup_step {
	CLEANUP_LIST,   /* a page of channel, of what is older than before */
	CLEANUP_BULK,   /* delete ids, count of them */
	CLEANUP_DELETE, /* delete ids[0] */
	CLEANUP_LOOK,   /* the channel itself */
	CLEANUP_TRY,    /* message ids[0], to see whether it may be read */
	CLEANUP_DONE,
};

struct cleanup_call {
	enum cleanup_step step;
	uint64_t channel;
	uint64_t before;
	const uint64_t *ids; /* borrowed until the answer is told */
	size_t count;
};

struct cleanup {
	uint64_t channels[CLEANUP_CHANNELS_MAX];
	size_t channel_count;
	size_t channel;          /* that is cleaned now */
	uint64_t limit;          /* the id that the first young message could have */
	uint64_t before;         /* of the next page */
	bool last_page;          /* the channel has no older one */
	bool one_by_one;         /* a bulk delete of this page was refused */
	enum cleanup_step doubt; /* LOOK or TRY comes next; else LIST: none */
	uint64_t ids[CLEANUP_PAGE];
	size_t id_count;
	size_t id_next;
	size_t under_way;
	unsigned pages;
	unsigned refused_in_row;
	/* For the result. */
	unsigned deleted;
	unsigned failed;
	unsigned pinned;
	bool unfinished; /* a bound was reached */
};

/** The first id that a message of this instant can have; 0 before Discord's epoch. */
uint64_t cleanup_snowflake(int64_t wall_ms);

/** Begins a run over count <= CLEANUP_CHANNELS_MAX channels. */
void cleanup_begin(struct cleanup *cleanup, const uint64_t *channels, size_t count,
    int64_t wall_ms, mono_ns older_than);

/** What to call at wall_ms; CLEANUP_DONE at the end.  Each call's answer is told by one
 * of the next five before it is asked again. */
struct cleanup_call cleanup_next(struct cleanup *cleanup, int64_t wall_ms);

/** A page came; false where it is none, which counts as a refusal. */
bool cleanup_take_page(struct cleanup *cleanup, const struct json *page);

void cleanup_take_deleted(struct cleanup *cleanup);

/** The channel came; whatever it is, NULL too. */
void cleanup_take_channel(struct cleanup *cleanup, const struct json *channel);

/** The message came: the channel's history may be read. */
void cleanup_take_message(struct cleanup *cleanup);

/**
 * The call was refused with this status (0: no answer) and code of Discord.
 *
 * False where that is no failure: the message had gone, a group is tried one by one, or
 * nothing is known of a channel that seems empty.
 */
bool cleanup_take_refusal(struct cleanup *cleanup, unsigned status, int64_t code);

/** Writes "deleted 57 messages in 2 channels, kept 3 pinned". */
void cleanup_words(const struct cleanup *cleanup, char *out, size_t room);

#endif
