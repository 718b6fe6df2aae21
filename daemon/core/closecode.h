/*
 * Gateway close codes: what each means for the session.  One table.
 *
 * Source: Discord's gateway documentation and the practice of its clients; codes that
 * are not in the table are resumable (a resume of a dead session costs nothing).
 */
#ifndef GWBOTD_CLOSECODE_H
#define GWBOTD_CLOSECODE_H

/* What to do after a close. */
enum closecode_cure {
	CLOSECODE_RESUME,      /* the session lives: resume */
	CLOSECODE_RESUME_ONCE, /* doubtful: one resume, then a new session */
	CLOSECODE_IDENTIFY,    /* the session is gone: a new one */
	CLOSECODE_STOP,        /* Discord refuses this bot: exit 77 */
};

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

/** The row of a code; never NULL (unknown codes have a row of their own). */
const struct closecode *closecode_find(unsigned code);

#endif
