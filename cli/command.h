/*
 * What the commands of gwctl are made of: ask the daemon, show the answer.
 */
#ifndef GWCTL_COMMAND_H
#define GWCTL_COMMAND_H

#include <stdbool.h>

#include "client.h"
#include "failure.h"
#include "json.h"
#include "options.h"
#include "writer.h"

/** A document with schema, command and time, as --json prints it; the caller's. */
struct json *command_document(const char *command);

/** Connects, says hello and asks for options->command; a copy of the result, the
 * caller's, or NULL with failure filled.  client stays connected. */
struct json *command_ask(const struct options *options, struct client *client,
    struct failure *failure);

/** The same of another method, without arguments. */
struct json *command_ask_for(const struct options *options, const char *method,
    struct client *client, struct failure *failure);

/** Writes a result to stdout as --output says: a document, lines, or a screen. */
void command_show(const struct options *options, bool colour,
    const struct json *result);

/** Writes what the writer holds to stdout, a long screen through a pager; empties it.
 */
void command_flush(struct writer *writer);

/** Asks and shows.  Returns the exit status, with a failure printed. */
int command_run_plain(const struct options *options, bool colour,
    struct failure *failure);

/** Sleeps for a span. */
void command_pause(mono_ns span);

/* ---- commands that are more than that; all return the exit status ---- */

int command_run_events(const struct options *options, bool colour,
    struct failure *failure);
int command_run_help(const struct options *options, bool colour,
    struct failure *failure);
int command_run_job(const struct options *options, bool colour,
    struct failure *failure);
int command_run_reboot(const struct options *options, bool colour,
    struct failure *failure);
int command_run_reconnect(const struct options *options, bool colour,
    struct failure *failure);
int command_run_stop(const struct options *options, bool colour,
    struct failure *failure);
int command_run_check(const struct options *options, bool colour,
    struct failure *failure);
int command_run_wait(const struct options *options, bool colour,
    struct failure *failure);
int command_run_doctor(const struct options *options, bool colour,
    struct failure *failure);
int command_run_version(const struct options *options, bool colour,
    struct failure *failure);
int command_run_explain(const struct options *options, bool colour,
    struct failure *failure);
int command_run_sim(const struct options *options, bool colour,
    struct failure *failure);

/** Ends a line of check that is wrong: a plugin says so on stdout, with status 3. */
int command_check_usage(bool json, struct failure *failure);

/** The help of one command (NULL: of all), whatever the command on the line. */
int command_help_of(const struct options *options, const struct command *only,
    bool colour);

#endif
