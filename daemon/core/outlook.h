/*
 * What acts next on a shard, in how long, and what would prevent it.
 *
 * Pure.  No rule is told twice: a copy of the session is played ahead as if nothing
 * more came from the network, and the watchdog judges it at the instants of its own
 * checks. So the first entry is what acts next, and those behind it are what follows
 * from silence, up to the end of the process.
 */
#ifndef GWBOTD_OUTLOOK_H
#define GWBOTD_OUTLOOK_H

#include "session.h"
#include "snapshot.h"
#include "watchdog.h"

enum outlook_action {
#define ACTION(id, word) OUTLOOK_ACTION_##id,
#include "outlook.def"
#undef ACTION
};

enum outlook_rule {
#define RULE(id, action, text, prevented) OUTLOOK_##id,
#include "outlook.def"
#undef RULE
};

/* What a rule that gives a connection up is followed by.  X(name, text) */
#define OUTLOOK_FOLLOW_TABLE(X)                                          \
	X(NOTHING, "")                                                   \
	X(RESUME, "then a resume at the resume host")                    \
	X(GENERAL, "then a resume at the general gateway")               \
	X(IDENTIFY, "then a new session")                                \
	X(RESUME_LATER, "after a wait a resume at the resume host")      \
	X(GENERAL_LATER, "after a wait a resume at the general gateway") \
	X(IDENTIFY_LATER, "after a wait a new session")

enum outlook_follow {
#define OUTLOOK_FOLLOW_ENUM(name, text) OUTLOOK_FOLLOW_##name,
	OUTLOOK_FOLLOW_TABLE(OUTLOOK_FOLLOW_ENUM)
#undef OUTLOOK_FOLLOW_ENUM
};

/* How sure an instant is.  X(name, text) */
#define OUTLOOK_DOUBT_TABLE(X)                                        \
	X(NONE, "")                                                   \
	X(ESTIMATE, "about: it depends on other shards")              \
	X(LATEST, "at the latest: an answer of Discord's API counts") \
	X(API, "not known: Discord's API has not answered yet")       \
	X(TURN, "not known: the shards begin in turn, soon")

enum outlook_doubt {
#define OUTLOOK_DOUBT_ENUM(name, text) OUTLOOK_DOUBT_##name,
	OUTLOOK_DOUBT_TABLE(OUTLOOK_DOUBT_ENUM)
#undef OUTLOOK_DOUBT_ENUM
};

struct outlook_entry {
	enum outlook_rule rule;
	mono_ns in; /* from now; SNAPSHOT_NONE: not known, and doubt says why */
	enum outlook_doubt doubt;
	enum outlook_follow follow;
};

#define OUTLOOK_MAX 8

struct outlook {
	unsigned count; /* at least 1 */
	struct outlook_entry list[OUTLOOK_MAX];
};

/* Borrowed for the call. */
struct outlook_input {
	const struct session *session;
	const struct snapshot *snap; /* of it: what it waits for at the identify gate */
	struct watchdog_limits limits;
	mono_ns check_at; /* the watchdog's next look */
	mono_ns now;
	uint32_t crowd; /* other shards of this process that are not ready */
};

/** Cannot fail. */
void outlook_take(const struct outlook_input *in, struct outlook *out);

/** When the watchdog would end the process, from now; SNAPSHOT_NONE: it would not. */
mono_ns outlook_exit_in(const struct outlook *outlook);

/** When the connection would be given up, from now; SNAPSHOT_NONE: never. */
mono_ns outlook_give_up_in(const struct outlook *outlook);

/** The row of a rule: "heartbeat" ... */
enum outlook_action outlook_action(enum outlook_rule rule);
const char *outlook_action_word(enum outlook_action action);
const char *outlook_rule_name(enum outlook_rule rule); /* "RETRY_RESUME" */
const char *outlook_rule_text(enum outlook_rule rule);
const char *outlook_rule_prevented(enum outlook_rule rule);
const char *outlook_follow_text(enum outlook_follow follow);
const char *outlook_doubt_text(enum outlook_doubt doubt);

/** Where the session stands, its snapshot in this state: a sentence without its subject
 * and full stop. */
const char *outlook_state_text(const struct session *session,
    enum snapshot_state state);

#endif
