/*
 * Pieces of the status page: the words for a state, the tile of a shard.
 */
#ifndef GWBOTD_PAGE_PARTS_H
#define GWBOTD_PAGE_PARTS_H

#include "html.h"
#include "page.h"

/* A state as word, shape and class of its colour: never by colour alone. */
struct page_word {
	const char *state; /* as health_state() has it */
	const char *text;
	const char *shape;
	const char *class;
};

/** The row of a state; never NULL. */
const struct page_word *page_state_word(const char *state);

/** True where the shard needs nobody's attention. */
bool page_shard_is_well(const struct snapshot *shard,
    const struct watchdog_limits *limits);

/** The tile of the shard at index. */
void page_put_tile(struct html *html, const struct page_input *input, uint32_t index);

/** What acts next on the shard at index. */
void page_take_outlook(const struct page_input *input, uint32_t index,
    struct outlook *out);

/** The probes and the jobs as tables; nothing where there are none. */
void page_put_probes(struct html *html, const struct page_input *input);
void page_put_jobs(struct html *html, const struct page_input *input);

/** What the watchdog thinks, and when it acts if nothing changes. */
void page_put_verdict(struct html *html, const struct page_input *input);

#endif
