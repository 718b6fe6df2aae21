#include "closecode.h"

#include <stddef.h>

static const struct closecode table[] = {
    {1000, CLOSECODE_RESUME_ONCE, "normal closure", NULL},
    {1001, CLOSECODE_RESUME, "going away", NULL},
    {1002, CLOSECODE_RESUME, "protocol error", NULL},
    {1003, CLOSECODE_RESUME, "unsupported data", NULL},
    {1005, CLOSECODE_RESUME, "connection lost without a close code", NULL},
    {1006, CLOSECODE_RESUME, "connection lost", NULL},
    {1007, CLOSECODE_RESUME, "invalid payload", NULL},
    {1008, CLOSECODE_RESUME, "policy violation", NULL},
    {1009, CLOSECODE_RESUME, "message too big", NULL},
    {1010, CLOSECODE_RESUME, "extension missing", NULL},
    {1011, CLOSECODE_RESUME, "server error", NULL},
    {1012, CLOSECODE_RESUME, "service restart", NULL},
    {1013, CLOSECODE_RESUME, "try again later", NULL},
    {1014, CLOSECODE_RESUME, "bad gateway", NULL},
    {1015, CLOSECODE_RESUME, "TLS failure", NULL},
    {4000, CLOSECODE_RESUME, "unknown error", NULL},
    {4001, CLOSECODE_IDENTIFY, "unknown opcode or bad body for an opcode", NULL},
    {4002, CLOSECODE_RESUME, "payload could not be decoded", NULL},
    {4003, CLOSECODE_IDENTIFY, "not authenticated", NULL},
    {4004, CLOSECODE_STOP, "authentication failed",
	"the token is wrong or was reset: set a new discord.token"},
    {4005, CLOSECODE_RESUME_ONCE, "identified twice", NULL},
    {4006, CLOSECODE_IDENTIFY, "session is not valid any more", NULL},
    {4007, CLOSECODE_IDENTIFY, "sequence in RESUME is not valid", NULL},
    {4008, CLOSECODE_RESUME, "too many sends", NULL},
    {4009, CLOSECODE_IDENTIFY, "session timed out", NULL},
    {4010, CLOSECODE_STOP, "invalid shard", "correct discord.shards"},
    {4011, CLOSECODE_STOP, "sharding required",
	"the bot is in too many guilds for its shards: raise discord.shards; \"auto\" "
	"does at the next start"},
    {4012, CLOSECODE_STOP, "API version not valid",
	"this gwbotd is too old for Discord: install a newer one"},
    {4013, CLOSECODE_STOP, "invalid intents", "correct discord.intents"},
    {4014, CLOSECODE_STOP, "intents not allowed",
	"switch the privileged intents on in the developer portal, or remove them "
	"from discord.intents"},
};

static const struct closecode unknown = {0, CLOSECODE_RESUME, "unknown close code",
    NULL};

const struct closecode *
closecode_find(unsigned code)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		if (table[i].code == code) {
			return &table[i];
		}
	}
	return &unknown;
}

static const struct {
	const char *word;
	const char *text;
} cures[] = {
#define CLOSECODE_CURE_ROW(name, word, text) [CLOSECODE_##name] = {word, text},
    CLOSECODE_CURE_TABLE(CLOSECODE_CURE_ROW)
#undef CLOSECODE_CURE_ROW
};

const char *
closecode_cure_word(enum closecode_cure cure)
{
	return cures[cure].word;
}

const char *
closecode_cure_text(enum closecode_cure cure)
{
	return cures[cure].text;
}
