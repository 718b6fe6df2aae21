/*
 * One gateway payload <-> struct.
 *
 * Reading finds op, s, t and the extent of d in one validating pass over the bytes and
 * allocates nothing; only the few payloads that gwbotd itself needs are read further.
 * A dispatch that nobody needs is read at its front only.
 * Writing makes the JSON that the gateway wants.  Facts: Discord gateway v10.
 */
#ifndef GWBOTD_PAYLOAD_H
#define GWBOTD_PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

/* inflated; Discord states no limit */
#define PAYLOAD_MAX_BYTES  ((size_t)64 * 1024 * 1024)

#define PAYLOAD_MAX_DEPTH  16384 /* nested objects and arrays; a bit each */
#define PAYLOAD_NAME_BYTES 136   /* Discord: 32 characters, of 4 bytes at most */
#define PAYLOAD_SEND_BYTES 4096  /* Discord: larger sends close with 4002 */

enum payload_op {
	PAYLOAD_DISPATCH = 0,
	PAYLOAD_HEARTBEAT = 1,
	PAYLOAD_IDENTIFY = 2,
	PAYLOAD_RESUME = 6,
	PAYLOAD_RECONNECT = 7,
	PAYLOAD_INVALID_SESSION = 9,
	PAYLOAD_HELLO = 10,
	PAYLOAD_HEARTBEAT_ACK = 11,
};

/* The envelope.  Slices borrow from the parsed bytes. */
struct payload {
	int64_t op;   /* -1 where it is missing */
	bool has_seq; /* s is a natural number below 2^63 */
	int64_t seq;
	struct slice
	    type; /* t without quotes, as written (event names need no escapes) */
	struct slice data; /* d as JSON text; empty where it is missing */
};

/**
 * Reads one payload; keys in any order, unknown ones skipped, of doubled ones the last.
 *
 * GW_ERR_SYNTAX where the bytes are not one JSON object (UTF-8, RFC 8259),
 * GW_ERR_TOO_LARGE past PAYLOAD_MAX_DEPTH.  An s or t of a wrong type counts as
 * missing; an op of a wrong type is -1.  out is filled on GW_OK only.
 */
enum gw_err payload_parse(struct slice bytes, struct payload *out);

/**
 * As payload_parse() of the first of some payloads in a row: on GW_OK *bytes is what
 * follows it, empty behind the last one.
 */
enum gw_err payload_take(struct slice *bytes, struct payload *out);

/**
 * Reads a dispatch from its front: true for one as Discord's own writer makes it, with
 * t, s and op (0) once each in front of d and no white space.
 *
 * Nothing is known then of what follows: out->data is all of it, from the value of d to
 * the end of bytes.  False, and out undefined, for everything else: payload_take()
 * knows.
 */
bool payload_peek(struct slice bytes, struct payload *out);

/**
 * Looks at the bytes that payload_peek() has read from the front, the same ones,
 * without walking through them, and leaves data empty.
 *
 * True: they are UTF-8 without control characters, d begins with a brace and the bytes
 * end with that and their own, and no second payload begins in them.  Where d ends,
 * whether it is JSON at all, how deep it nests and whether a key comes once more behind
 * it is not known, nor whether t is a string of JSON.  Or d is a word or a number, and
 * their own brace follows.  False: payload_take() must look.
 */
bool payload_skim(struct slice bytes, struct payload *peeked);

/** heartbeat_interval of HELLO in ms; false where it is missing or no integer. */
bool payload_read_hello(struct slice data, int64_t *interval_ms);

/** d of INVALID_SESSION: only the literal true is true. */
bool payload_read_resumable(struct slice data);

/* What READY says; text is copied, cut values are refused (empty). */
struct payload_ready {
	int64_t version; /* v; 0 where missing */
	char session_id[128];
	char resume_url[256];
	const char *resume_url_fault; /* it was there and is refused; NULL: not so */
	char user_id[24];
	char user_name[PAYLOAD_NAME_BYTES]; /* UTF-8, unescaped */
	char application_id[24];
	uint32_t guilds;     /* length of the guild list */
	char guild_id[24];   /* the first of it that has an id */
	int64_t shard_id;    /* -1 where shard is missing */
	int64_t shard_count; /* 0 where shard is missing */
};

/** GW_ERR_SYNTAX where data is no object; missing members are empty, never an error. */
enum gw_err payload_read_ready(struct slice data, struct payload_ready *out);

/* What GUILD_CREATE and GUILD_DELETE say; members that are missing are empty. */
struct payload_guild {
	char id[24];
	bool
	    unavailable; /* an outage; a GUILD_DELETE without it: the bot was removed */
};

/** Never fails: data that is no object is a guild without an id. */
void payload_read_guild(struct slice data, struct payload_guild *out);

/* ---- writing: each into out (room bytes); the size, or 0 where it does not fit ----
 */

struct payload_identify {
	const char *token; /* bare, without "Bot " */
	uint64_t intents;
	uint32_t shard_id;
	uint32_t shard_count;
	const char *presence; /* as payload_complete_presence() made it, or NULL */
};

/* A presence of the largest configured size, completed. */
#define PAYLOAD_PRESENCE_BYTES 2200

/**
 * Makes op 3's d of a presence as people write it: all four keys, which Discord demands
 * (it closes with 4001 where one is missing), and no others.
 *
 * Missing ones get the values of a bot that is simply online; an empty json is all of
 * them.  NULL, or what is wrong with it: then out is that default.
 */
const char *payload_complete_presence(struct slice json,
    char out[PAYLOAD_PRESENCE_BYTES]);

/** op 3; presence is what payload_complete_presence() made. */
size_t payload_write_presence(char *out, size_t room, const char *presence);

size_t payload_write_heartbeat(char *out, size_t room, bool has_seq, int64_t seq);
size_t payload_write_identify(char *out, size_t room,
    const struct payload_identify *identify);
/** op 8: the one member user_id of guild_id; at most 32 bytes of nonce. */
size_t payload_write_probe(char *out, size_t room, const char *guild_id,
    const char *user_id, const char *nonce);

size_t payload_write_resume(char *out, size_t room, const char *token,
    const char *session_id, int64_t seq);

#endif
