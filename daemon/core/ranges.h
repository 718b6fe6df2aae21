/*
 * Numbers as ranges in a short text: "3, 17-40".
 */
#ifndef GWBOTD_RANGES_H
#define GWBOTD_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define RANGES_ROOM 160

/* Zeroes before the first use. */
struct ranges {
	uint32_t begin; /* of the range under way, */
	uint32_t end;   /* behind it; equal: there is none */
	bool full;
	size_t size;
	char text[RANGES_ROOM];
};

/** Takes one more number, larger than all before. */
void ranges_add(struct ranges *ranges, uint32_t number);

/** All of them, borrowed; what does not fit is "...".  data is NULL where there were
 * none.  Nothing may be added behind. */
struct slice ranges_text(struct ranges *ranges);

#endif
