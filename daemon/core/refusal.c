#include "refusal.h"

#include <inttypes.h>
#include <stdio.h>

/* discord-protocol, 10.2 and 10.7 */
#define CODE_UNKNOWN_CHANNEL 10003
#define CODE_UNKNOWN_MESSAGE 10008
#define CODE_UNKNOWN_EMOJI   10014
#define CODE_TOO_LATE        10062
#define CODE_ANSWERED        40060
#define CODE_NO_ACCESS       50001
#define CODE_NO_RIGHT        50013
#define CODE_ARCHIVED        50083
#define CODE_BLOCKED         90001
#define CODE_NO_HISTORY      160002
#define CODE_AUTOMOD         200000

static const char *const rights[] = {
    [REFUSAL_SEND] = "Send Messages (in threads: Send Messages in Threads)",
    [REFUSAL_REPLY] = "Send Messages and Read Message History",
    [REFUSAL_REACT] = "Add Reactions and Read Message History",
    [REFUSAL_DELETE] = "Manage Messages",
    [REFUSAL_READ] = "View Channel and Read Message History",
    [REFUSAL_HISTORY] = "Read Message History, without which the channel looks empty",
    [REFUSAL_THREADS] = "Manage Threads",
    [REFUSAL_COMMANDS] = "the scope applications.commands of its invitation",
    [REFUSAL_ANSWER] = "to answer here",
};

/* What a code says by itself; NULL: nothing better than the API's text. */
static const char *
plain_words(int64_t code)
{
	switch (code) {
	case CODE_UNKNOWN_CHANNEL:
		return "there is no such channel, or the bot is not on its server";
	case CODE_UNKNOWN_MESSAGE:
		return "the message is gone";
	case CODE_UNKNOWN_EMOJI:
		return "there is no such emoji: write it itself, or name:id";
	case CODE_TOO_LATE:
		return "the answer came too late: Discord waits for 3 s";
	case CODE_ANSWERED:
		return "it was answered already: does another process use the token?";
	case CODE_ARCHIVED:
		return "the thread is archived";
	case CODE_BLOCKED:
		return "the person has blocked the bot";
	case CODE_AUTOMOD:
		return "the server's AutoMod blocks the text";
	default:
		return NULL;
	}
}

void
refusal_words(enum refusal_deed deed, unsigned status, int64_t code, const char *error,
    char *out, size_t room)
{
	const char *plain = plain_words(code);
	bool hidden = code == CODE_NO_ACCESS && deed != REFUSAL_HISTORY;

	if (hidden) {
		(void)snprintf(out, room,
		    "the bot may not see the channel: give it View Channel (%" PRId64
		    ")",
		    code);
	} else if (code == CODE_NO_RIGHT || code == CODE_NO_HISTORY ||
	    code == CODE_NO_ACCESS) {
		(void)snprintf(out, room,
		    "the bot lacks a right there: give it %s (%" PRId64 ")",
		    rights[deed], code);
	} else if (plain) {
		(void)snprintf(out, room, "%s (%" PRId64 ")", plain, code);
	} else if (status == 403) {
		(void)snprintf(out, room, "%s; what it needs: %s", error, rights[deed]);
	} else {
		(void)snprintf(out, room, "%s", error);
	}
}

static uint64_t
mix(uint64_t hash, uint64_t value)
{
	/* SplitMix64's finalizer spreads what ids have in common. */
	hash ^= value + UINT64_C(0x9E3779B97F4A7C15);
	hash = (hash ^ (hash >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	hash = (hash ^ (hash >> 27)) * UINT64_C(0x94D049BB133111EB);
	return hash ^ (hash >> 31);
}

bool
refusals_are_new(struct refusals *refusals, enum refusal_deed deed, uint64_t place,
    unsigned status, int64_t code, mono_ns now)
{
	uint64_t cause =
	    mix(mix(mix(mix(1, (uint64_t)deed), place), status), (uint64_t)code);

	cause += cause == 0 ? 1 : 0;
	for (size_t i = 0; i < REFUSALS_MAX; i++) {
		if (refusals->at[i].cause == cause) {
			bool again = now - refusals->at[i].told_at >= REFUSAL_AGAIN;

			refusals->at[i].told_at = again ? now : refusals->at[i].told_at;
			return again;
		}
	}
	refusals->at[refusals->next].cause = cause;
	refusals->at[refusals->next].told_at = now;
	refusals->next = (refusals->next + 1) % REFUSALS_MAX;
	return true;
}
