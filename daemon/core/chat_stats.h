/*
 * How commands in messages and greetings ended, as counts.
 */
#ifndef GWBOTD_CHAT_STATS_H
#define GWBOTD_CHAT_STATS_H

#include <stdint.h>

#include "bot.h"

/* How a command ended: CHAT_RESULT_TABLE(X) with X(id, label). */
#define CHAT_RESULT_TABLE(X)    \
	X(ANSWERED, "answered") \
	X(REFUSED, "refused")   \
	X(IGNORED, "ignored")   \
	X(DROPPED, "dropped")   \
	X(FAILED, "failed")

enum chat_result {
#define CHAT_RESULT_ENUM(id, label) CHAT_##id,
	CHAT_RESULT_TABLE(CHAT_RESULT_ENUM)
#undef CHAT_RESULT_ENUM
	    CHAT_RESULTS,
};

struct chat_stats {
	uint64_t commands[BOT_COMMAND_NONE][CHAT_RESULTS];
	uint64_t greetings[CHAT_RESULTS];
	unsigned calls; /* under way */
};

#endif
