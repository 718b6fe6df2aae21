/*
 * Commands: what one line on the control socket does.
 */
#ifndef GWSIM_COMMANDS_H
#define GWSIM_COMMANDS_H

#include "jsonw.h"
#include "sim.h"

#define COMMAND_MAX_WORDS 8

/* One command, taken apart. */
struct command {
	struct sim *sim;
	int shard;                      /* FAULT_NO_SHARD: all */
	char *text;                     /* all after the name and shard=K; borrowed */
	char *words[COMMAND_MAX_WORDS]; /* of a copy of text */
	int word_count;
	struct jsonw *answer;
	const char *error; /* NULL: done */
	uint64_t affected; /* connections or sessions */
	bool answered;     /* the answer is whole already */
};

typedef void command_fn(struct command *command);

/* A row of the help: with the function behind it. */
struct command_row {
	const char *name;
	const char *usage;
	const char *help;
	bool raw; /* its text is free: shard=K only in front of it */
	command_fn *run;
};

/** Runs a line and writes one JSON object to answer. */
void commands_run(struct sim *sim, const char *line, struct jsonw *answer);

/** A whole number from a word; false where it is none or out of range. */
bool command_number(const char *word, uint64_t min, uint64_t max, uint64_t *out);

/** Calls run for each gateway connection that the command is for, and counts them. */
struct gate;
void command_each_gate(struct command *command, void (*run)(struct gate *, void *),
    void *context);

/** Calls run for each session that the command is for, and counts them. */
void command_each_session(struct command *command,
    void (*run)(struct command *, struct session *, void *), void *context);

/* Connections: connection_commands.c */
command_fn command_drop;
command_fn command_rekey;
command_fn command_rst;
command_fn command_close;
command_fn command_reconnect;
command_fn command_invalid;
command_fn command_garbage;
command_fn command_corrupt;
command_fn command_beat;
command_fn command_raw;
command_fn command_frame;
command_fn command_cut;

/* What is being done from now on: fault_commands.c */
command_fn command_freeze;
command_fn command_thaw;
command_fn command_blackhole;
command_fn command_slow;
command_fn command_acks;
command_fn command_events;
command_fn command_deaf;
command_fn command_rate;
command_fn command_refuse_resume;
command_fn command_no_hello;
command_fn command_no_ready;
command_fn command_split;
command_fn command_codec;
command_fn command_upgrade;
command_fn command_rest;
command_fn command_cdn;
command_fn command_refuse;
command_fn command_tls;
command_fn command_budget;
command_fn command_calm;

/* The world: world_commands.c */
command_fn command_flood;
command_fn command_big;
command_fn command_send;
command_fn command_message;
command_fn command_kill_session;
command_fn command_outage;

/* People: people_commands.c */
command_fn command_say;
command_fn command_join;
command_fn command_right;

/* interaction_commands.c */
command_fn command_interact;
/* Benchmarks: prepare_commands.c */
command_fn command_prepare;
command_fn command_release;

/* Google: google_commands.c */
command_fn command_token;
command_fn command_sheet;
command_fn command_google_key;
command_fn command_google_clock;
command_fn command_google_tokens;

/* report.c */
command_fn command_calls;
command_fn command_info;
command_fn command_stats;

#endif
