/*
 * What the files of the prompt share.
 */
#ifndef GWCTL_REPL_PRIVATE_H
#define GWCTL_REPL_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "complete.h"
#include "history.h"
#include "notices.h"
#include "options.h"
#include "repl_link.h"
#include "words.h"
#include "writer.h"

#define REPL_PROMPT_BYTES 512

struct repl {
	struct options session;
	bool colour;
	bool dumb;   /* a terminal that cannot go back */
	int signals; /* signalfd: INT, TERM, HUP, WINCH, TSTP, CHLD */
	struct repl_link link;
	struct notices notices;
	struct history history;
	bool history_told; /* that it is not kept */
	bool prompting;    /* readline has the terminal */
	char prompt[REPL_PROMPT_BYTES];
	char *line; /* that was entered, until it is run */
	bool leaving;
	int ended_by;               /* signal; 0: none */
	struct complete_list shown; /* candidates of the last TAB */
	struct words words;         /* that shown borrows from */
};

/* ---- repl.c ---- */

/** The prompt that runs, for readline's callbacks. */
struct repl *repl_current(void);

/** Takes what came on the signalfd while a command runs, and while none does. */
void repl_take_signal(struct repl *repl, int number);

/** Prints lines below the one under edit, or above the prompt; fill writer between. */
void repl_print_begin(struct repl *repl, struct writer *writer);
void repl_print_end(struct repl *repl, struct writer *writer);

/* ---- repl_prompt.c ---- */

/** The prompt for the link's state, with colours as readline wants them. */
void repl_prompt_text(const struct repl *repl, char *out, size_t room);

/** The line above the first prompt. */
void repl_banner(const struct repl *repl);

/* ---- repl_complete.c ---- */

/** Sets readline's hooks for TAB and "?". */
void repl_complete_install(void);

/* ---- repl_line.c ---- */

/** Runs what stands on the line, command by command. */
void repl_line_run(struct repl *repl, const char *line);

/* ---- repl_child.c ---- */

/** Runs a command in a process of its own until it ends or is interrupted. */
void repl_child_run(struct repl *repl, const struct options *options);

#endif
