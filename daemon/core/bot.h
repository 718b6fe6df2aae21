/*
 * The bot's own surface: what it answers to people who ask.
 *
 * One definition serves the commands in messages ("!ping") and those of Discord's menu
 * ("/ping"): bot_judge() says what a request gets.  Pure: what is asked comes as
 * struct bot_request (incoming.h reads it off a dispatch), what is to be done goes out
 * as struct bot_answer; io/bot.c and io/slash.c do it.
 */
#ifndef GWBOTD_BOT_H
#define GWBOTD_BOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"
#include "config.h"
#include "probe.h"
#include "template.h"

/* Commands of gwbotd itself; every other one is in the configuration. */
enum bot_command {
	BOT_COMMAND_PING,
	BOT_COMMAND_HEALTH, /* and its other name, status */
	BOT_COMMAND_REBOOT,
	BOT_COMMAND_CUSTOM, /* one of config.commands */
	BOT_COMMAND_NONE,   /* there is none of that name, or it is switched off */
};

enum bot_way { BOT_BY_MESSAGE, BOT_BY_SLASH };

/* Who asks for what; all is borrowed. */
struct bot_request {
	enum bot_way way;
	struct slice name;      /* as typed, without prefix or slash */
	struct slice arguments; /* behind it */
	uint64_t user;
	struct slice user_name;
	uint64_t guild; /* 0: a direct message */
	uint64_t channel;
	uint64_t message;      /* that asks; 0 of a slash command */
	const uint64_t *roles; /* of the member */
	size_t role_count;
	bool administrator;  /* of the guild, by right or as its owner */
	struct slice server; /* its name; empty: unknown */
	int64_t members;     /* -1: unknown */
};

/* What the answers say of the daemon. */
struct bot_facts {
	bool connected;
	mono_ns latency;        /* SNAPSHOT_NONE: none */
	mono_ns last_event_age; /* the same */
	mono_ns uptime;         /* of the process */
	const struct probe_view *probes;
	size_t probe_count;
	uint64_t own_user; /* the bot's id; 0: unknown */
	int64_t wall_ms;
	mono_ns now;
};

enum bot_verdict {
	BOT_IGNORE,
	BOT_ANSWER,
	BOT_REFUSE, /* as an answer: text says why not */
};

struct bot_answer {
	enum bot_verdict verdict;
	enum bot_command command;
	const char *reaction; /* for the request; NULL: none; borrowed */
	struct buf *text;     /* the caller's; empty: none */
	bool private;         /* of a slash command: only the asker sees it */
	bool remove;          /* the message that asked is deleted afterwards */
	bool reboot;          /* the process ends a second later */
	bool ping_user;       /* the mention in text may notify the asker */
};

/* An answer's buffer holds this at most: the message is cut to Discord's limit later.
 */
#define BOT_TEXT_MAX_BYTES ((size_t)16 * 1024)

/* People whose refusals are remembered, and how long each gets no other one. */
#define BOT_REFUSED_MAX   64
#define BOT_REFUSED_AGAIN CLOCK_S(30)

/* The right of a role or member that Discord calls ADMINISTRATOR. */
#define BOT_RIGHT_ADMINISTRATOR (UINT64_C(1) << 3)

struct bot;

/** Nothing is configured yet: every request is ignored. */
struct bot *bot_new(void);
void bot_free(struct bot *owned_bot);

/**
 * Takes over what a configuration says of commands; it must live until the next call.
 *
 * Files of answers are read here: problem (room bytes, empty where all is well) says
 * what is wrong with one, which keeps the text that it had.
 */
void bot_configure(struct bot *bot, const struct config *config, char *problem,
    size_t room);

/** Which command a name is; no matter whether in capitals. */
enum bot_command bot_find(const struct bot *bot, struct slice name);

/**
 * Says what a request gets.  answer->text must be empty and hold BOT_TEXT_MAX_BYTES.
 *
 * A refusal in a message is told each person once within BOT_REFUSED_AGAIN, and
 * BOT_REFUSED_MAX people in that time; others are ignored.  That of a slash command is
 * always told: only who asked sees it.
 */
void bot_judge(struct bot *bot, const struct bot_request *request,
    const struct bot_facts *facts, struct bot_answer *answer);

/** True where it takes the server to say what a request gets: who administers it, what
 * it is called. */
bool bot_needs_guild(const struct bot *bot, const struct bot_request *request);

/** Greetings (on = "join") that are configured. */
size_t bot_greetings(const struct bot *bot);

/**
 * What the greeting at index < bot_greetings() says to who joined, and where: request
 * has the person, the server and no more.  answer is as of bot_judge().
 */
void bot_greet(const struct bot *bot, size_t index, const struct bot_request *request,
    const struct bot_facts *facts, struct bot_answer *answer, uint64_t *channel);

/** The name of a command for logs and metrics: "ping", "custom". */
const char *bot_command_word(enum bot_command command);

/* One command as Discord's menu shows it. */
struct bot_menu_entry {
	const char *name;
	const char *help;
	bool takes_text; /* has {args}: an optional argument "text" */
	bool admins_only;
};

/** The commands that are switched on, for the menu; at most room. */
size_t bot_menu(const struct bot *bot, struct bot_menu_entry *out, size_t room);

/** gwbotd's own commands, switched on or not: to know a list of them again. */
size_t bot_menu_own(struct bot_menu_entry *out, size_t room);

#endif
