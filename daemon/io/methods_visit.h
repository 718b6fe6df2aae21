/*
 * One call on its way through the methods: its arguments, and the ways to end it.
 */
#ifndef GWBOTD_METHODS_VISIT_H
#define GWBOTD_METHODS_VISIT_H

#include "commands.h"
#include "control.h"
#include "methods.h"
#include "methods_arguments.h"
#include "snapshot.h"

/* What a method works on: one call, at one instant. */
struct visit {
	const struct methods_source *source;
	const struct command *command; /* NULL: hello, or nothing we know */
	const struct rpc_request *request;
	const struct methods_arguments *arguments;
	struct control_call *call;
	bool *rebooting; /* a reboot was asked for before */
	struct methods_counts *counts;
	mono_ns now;
};

/* Which shards a method speaks of: all of them, or those asked for. */
struct visit_shards {
	const struct snapshot *shards;
	uint32_t count;
	bool all;
};

/** The begin of every answer: schema, command, time. */
struct json *visit_new_answer(const char *command);

/** Its place in counts. */
size_t visit_place(const struct visit *visit);

/** Ends the call with an error, and counts it. */
void visit_fail(const struct visit *visit, const struct rpc_failure *failure);

/** Ends the call. */
void visit_answer(const struct visit *visit, struct json *owned_answer);
void visit_refuse(const struct visit *visit, enum rpc_error error, const char *hint,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/** Ends the call for a name that is no command, with the nearest ones. */
void visit_refuse_unknown(const struct visit *visit, const char *name);

/** Ends the call: the command is one that gwctl does itself. */
void visit_refuse_client(const struct visit *visit);

/** The argument at index, flags left out; NULL where there are fewer. */
const struct json *visit_argument(const struct visit *visit, size_t index);

/** True where the flag "--NAME" was given. */
bool visit_flag(const struct visit *visit, const char *name);

/** The value of the flag "--NAME"; NULL where it was not given, or without one. */
const char *visit_option(const struct visit *visit, const char *name);

/** True where the call changes something. */
bool visit_changes(const struct visit *visit);

/** The shards that the first argument chooses; false: the call has ended. */
bool visit_select_shards(const struct visit *visit, struct visit_shards *out);

/** Reads a shard or a range of them; false, and the call has ended, where text is none
 * or this process has not got them. */
bool visit_read_shards(const struct visit *visit, const char *text, int64_t *first,
    int64_t *last);

/** Ends the call: shards first to last are not, or not all, in this process. */
void visit_refuse_shard(const struct visit *visit, int64_t first, int64_t last);

/** What --for says, CLOCK_NEVER without it; false: the call has ended. */
bool visit_read_span(const struct visit *visit, mono_ns *span);

/** The watchdog's limits as they are now. */
struct watchdog_limits visit_limits(const struct visit *visit);

/** Adds "heartbeat_lateness": how late heartbeats were sent, null without a measure. */
void visit_add_beats(const struct visit *visit, struct json *answer);

/* One shard as an element of an answer. */
typedef struct json *visit_describe(const struct snapshot *shard,
    const struct watchdog_limits *limits);

/** Ends the call with owned_answer and its last member, "shards": one each. */
void visit_answer_shards(const struct visit *visit, struct json *owned_answer,
    const struct visit_shards *selection, visit_describe *describe);

/** Logs a command that changes something, with its arguments and its caller. */
void visit_log(const struct visit *visit);

#endif
