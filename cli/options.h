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

/* X(name, short, argument, help); argument: none, NAME or [NAME] */
#define OPTIONS_TABLE(X)                                                       \
	X("socket", 's', "PATH", "control socket of the daemon")               \
	X("json", 'j', "", "answer with one JSON document")                    \
	X("timeout", 't', "DURATION",                                          \
	    "give up after this long (5s); 0 waits for ever")                  \
	X("watch", 'w', "[SECONDS]", "show it again and again (2s)")           \
	X("wait", 'W', "[DURATION]",                                           \
	    "reboot: return when the new process is ready (30s)")              \
	X("fresh", 'f', "", "reconnect: give the session up, begin a new one") \
	X("yes", 'y', "", "confirm what asks for it")                          \
	X("help", 'h', "", "show this help, or that of a command")             \
	X("version", 'V', "", "show the version of gwctl")

struct options {
	char socket[4096]; /* empty: none could be found */
	bool json;
	mono_ns timeout; /* CLOCK_NEVER: none */
	bool watch;
	mono_ns watch_period;
	bool wait;
	mono_ns wait_time;
	bool fresh;
	bool yes;
	bool help;
	bool version;
	const struct command *command; /* NULL: none was given */
	char *const *args;             /* of the command */
	size_t arg_count;
};

/**
 * Reads argv and the environment ($GWCTL_SOCKET, $GWBOT_CONTROL_SOCKET).
 *
 * False with failure filled; options->json is right then, too.
 */
bool options_parse(int argc, char **argv, struct options *out, struct failure *failure);

#endif
