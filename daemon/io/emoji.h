/*
 * /emoji-pad: checks what is asked, fetches it, has gwbot-emoji pad it, answers.
 *
 * One fetch a URL at a time: who asks for the same meanwhile waits for the same bytes.
 * A few fetches and programs run at once, some requests wait, all others are told to
 * come back later; what was made is kept as far as there is room.
 */
#ifndef GWBOTD_EMOJI_H
#define GWBOTD_EMOJI_H

#include "config.h"
#include "emoji_ask.h"
#include "fetch.h"
#include "histogram.h"
#include "http.h"
#include "loop.h"
#include "spawner.h"

struct emoji;

struct emoji_settings {
	const struct config_list *hosts; /* copied */
	const char *extra_host;          /* one more; NULL: none */
	size_t cache_bytes;
};

/** loop, fetch and spawner are borrowed. */
struct emoji *emoji_new(struct loop *loop, struct fetch *fetch,
    const struct spawner *spawner, const struct emoji_settings *settings);

/** Owes no answers any more.  After loop_run(), before fetch and http go; NULL is
 * allowed.
 */
void emoji_free(struct emoji *owned_emoji);

/** Other settings, for requests to come. */
void emoji_configure(struct emoji *emoji, const struct emoji_settings *settings);

/** Answers a request of the route, now or later. */
void emoji_answer(struct emoji *emoji, const struct http_request *request,
    struct http_reply *reply);

struct emoji_stats {
	uint64_t requests;
	uint64_t hits;                   /* answered from the cache */
	uint64_t fetches;                /* begun */
	const uint64_t *rejects;         /* EMOJI_REJECTS of them; borrowed */
	unsigned waiting;                /* fetches that wait for their turn */
	unsigned active;                 /* URLs being fetched or padded */
	size_t cache_bytes;              /* held now */
	const struct histogram *renders; /* how long gwbot-emoji took; borrowed */
};

struct emoji_stats emoji_stats(const struct emoji *emoji);

#endif
