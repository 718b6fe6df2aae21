/*
 * gwctl's command line and the environment that stands in for it.
 */
#ifndef GWCTL_OPTIONS_H
#define GWCTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "clock.h"
#include "commands.h"
#include "failure.h"

/* Options of gwctl itself.  X(name, short, argument, help); short 0: none;
 * argument: none, NAME or [NAME] */
#define OPTIONS_TABLE(X)                                                               \
	X("socket", 's', "PATH", "control socket of the daemon")                       \
	X("host", 'H', "HOST", "first of all: run on that host, by ssh")               \
	X("json", 'j', "", "answer with one JSON document")                            \
	X("output", 'o', "FORM", "human, plain (PATH TAB VALUE), csv or json")         \
	X("timeout", 't', "DURATION",                                                  \
	    "give up after this long (5s, wait: 30s); 0: never")                       \
	X("watch", 'w', "[SECONDS]", "show it again and again (2s)")                   \
	X("count", 'N', "N", "with --watch: show it N times")                          \
	X("no-pager", 'P', "", "no pager for what is longer than the terminal")        \
	X("verbose", 'v', "", "show what is sent and received, on the standard error") \
	X("read-only", 'r', "", "have the daemon refuse what changes something")       \
	X("yes", 'y', "", "confirm what asks for it")                                  \
	X("color", 0, "WHEN", "auto, always or never")                                 \
	X("command", 'c', "LINE", "run this line, as in a script; may be repeated")    \
	X("keep-going", 'k', "", "a script goes on behind a command that failed")      \
	X("help", 'h', "", "show this help, or that of a command")                     \
	X("version", 'V', "", "show the version of gwctl")

/*
 * Flags of commands: which command has which stands in its synopsis (commands.def).
 * X(name, short, argument, to, help); short 0: none; to: SENT to the daemon, or OWN,
 * what gwctl does itself.
 */
#define OPTIONS_FLAGS_TABLE(X)                                                        \
	X("wait", 'W', "[DURATION]", OWN,                                             \
	    "reboot, reconnect: until it is ready (30s); job: until it ends")         \
	X("follow", 'f', "", SENT, "events: go on with what happens from now on")     \
	X("last", 'n', "N", SENT, "events: so many of what happened before (20)")     \
	X("type", 0, "GLOB", SENT, "events: only these, as 'shard.*' or 'MESSAGE_*'") \
	X("shard", 0, "SHARD", SENT, "events: only of this shard, or of a range")     \
	X("fresh", 0, "", SENT, "reconnect: give the session up, begin a new one")    \
	X("for", 0, "DURATION", SENT,                                                 \
	    "thresholds, log, reload: revert by itself after this long")              \
	X("keep", 0, "", SENT, "reload: the one on trial stays")                      \
	X("undo", 0, "", SENT, "reload: back to what ran before the last one")        \
	X("warn-latency", 0, "DURATION", OWN,                                         \
	    "check: warn above it (10 % of --crit-latency)")                          \
	X("crit-latency", 0, "DURATION", OWN,                                         \
	    "check: critical above it (watchdog.max_latency)")                        \
	X("warn-age", 0, "DURATION", OWN,                                             \
	    "check: warn at a longer silence (80 % of --crit-age)")                   \
	X("crit-age", 0, "DURATION", OWN,                                             \
	    "check: critical at a longer silence (watchdog.stall)")

#define OPTIONS_FLAGS_MAX 16
#define OPTIONS_WORDS_MAX 16
#define OPTIONS_LINES_MAX 16

enum options_form {
	OPTIONS_HUMAN,
	OPTIONS_PLAIN,
	OPTIONS_CSV,
};

struct options_flag {
	const char *name;  /* "fresh" */
	const char *value; /* empty: none */
	bool sent;         /* to the daemon */
};

enum options_when {
	OPTIONS_AUTO, /* on a terminal that has it */
	OPTIONS_ALWAYS,
	OPTIONS_NEVER,
};

struct options {
	char socket[4096]; /* empty: none could be found */
	bool json;
	enum options_form form; /* where it is not JSON */
	mono_ns timeout;        /* CLOCK_NEVER: none */
	bool has_timeout;       /* it was said */
	bool watch;
	mono_ns watch_period;
	unsigned long watch_count; /* 0: without end */
	bool no_pager;
	bool verbose;
	bool read_only;
	bool yes;
	enum options_when color;
	bool keep_going;
	const char *lines[OPTIONS_LINES_MAX]; /* of --command */
	size_t line_count;
	bool help;
	bool version;
	const struct command *command; /* NULL: none was given */
	char *const *args;             /* of the command */
	size_t arg_count;
	struct options_flag flags[OPTIONS_FLAGS_MAX]; /* of the command */
	size_t flag_count;
	size_t line; /* of the script that the command stands in; 0: no script */
};

/** What holds before a line is read: defaults, and the environment's socket. */
void options_init(struct options *out);

/**
 * Reads argv on top of base, which options_init() or an earlier call made; what it
 * borrows of argv stays borrowed.  May be called again and again, for lines of a
 * prompt.
 *
 * False with failure filled; options->json is right then, too.
 */
bool options_parse(int argc, char **argv, const struct options *base,
    struct options *out, struct failure *failure);

/** The value of a flag of the command, "" without one; NULL where it was not given. */
const char *options_flag(const struct options *options, const char *name);

/** True on a terminal that cannot go back, as TERM says. */
bool options_dumb_terminal(void);

/** True where the screens have colours: --color, else NO_COLOR, TERM and the terminal
 * decide. */
bool options_colours(const struct options *options);

/** Reads a duration that stands behind --name; false with failure filled. */
bool options_duration(const char *name, const char *text, mono_ns *out,
    struct failure *failure);

#endif
