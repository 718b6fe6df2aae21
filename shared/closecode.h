/*
 * Gateway close codes: what each means for the session.  One table.
 *
 * Source: Discord's gateway documentation and the practice of its clients; codes that
 * are not in the table are resumable (a resume of a dead session costs nothing).
 */
#ifndef GWBOT_CLOSECODE_H
#define GWBOT_CLOSECODE_H

/* What to do after a close.  X(name, word, text) */
#define CLOSECODE_CURE_TABLE(X)                                                      \
	X(RESUME, "resume", "resumes the session: nothing is lost")                  \
	X(RESUME_ONCE, "resume_once", "tries one resume, then begins a new session") \
	X(IDENTIFY, "identify", "begins a new session: the old one is gone")         \
	X(STOP, "stop", "ends with status 77: Discord refuses the bot")

enum closecode_cure {
#define CLOSECODE_CURE_ENUM(name, word, text) CLOSECODE_##name,
	CLOSECODE_CURE_TABLE(CLOSECODE_CURE_ENUM)
#undef CLOSECODE_CURE_ENUM
};

/* What a close frame may carry. */
#define CLOSECODE_MIN 1000
#define CLOSECODE_MAX 4999

/* The code for "no close frame came", as RFC 6455 7.1.5 numbers it. */
#define CLOSECODE_NONE 1005

/* What we send where the session is to be resumed: any code but 1000 and 1001. */
#define CLOSECODE_KEEP 4000

/* What we send where the session shall end at once. */
#define CLOSECODE_DONE 1000

/* Discord: more than 120 sends in 60 s. */
#define CLOSECODE_TOO_FAST 4008

/* A shard has more guilds than Discord allows it. */
#define CLOSECODE_TOO_FEW_SHARDS 4011

struct closecode {
	unsigned code;
	enum closecode_cure cure;
	const char *text;   /* what it means */
	const char *remedy; /* for STOP: what the operator must do; else NULL */
};

/** The row of a code; never NULL (unknown codes have a row of their own, code 0). */
const struct closecode *closecode_find(unsigned code);

/** "resume", and what gwbotd does then as a sentence without its subject. */
const char *closecode_cure_word(enum closecode_cure cure);
const char *closecode_cure_text(enum closecode_cure cure);

#endif
