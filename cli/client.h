/*
 * gwctl's end of a control socket: one connection, one request at a time, a deadline.
 */
#ifndef GWCTL_CLIENT_H
#define GWCTL_CLIENT_H

#include <stdbool.h>

#include "clock.h"
#include "failure.h"
#include "json.h"
#include "rpc.h"

struct client {
	int fd;           /* -1: not connected */
	const char *path; /* borrowed */
	mono_ns deadline;
	struct rpc_lines lines;
	int64_t last_id;
	/* what hello said */
	char version[32];
	char start_time[40];
	int64_t pid;
	struct json *capabilities; /* array of method names */
};

/** At rest; path is borrowed. */
void client_init(struct client *client, const char *path);

/** Whether each line that is sent (>) or received (<) is shown on the standard error.
 */
void client_show_lines(bool shown);

/** Whether hello asks to be held to reading, for all clients from now on. */
void client_only_read(bool wanted);

/** Hangs up and frees; may be connected again after it. */
void client_fini(struct client *client);

/**
 * Connects within timeout (CLOCK_NEVER: none), which also bounds all that follows.
 *
 * False with failure filled; the client is at rest then.
 */
bool client_connect(struct client *client, mono_ns timeout, struct failure *failure);

/** Begins a new span of timeout for the next requests. */
void client_extend(struct client *client, mono_ns timeout);

/** Exchanges versions; EXIT_VERSION_SKEW where the protocols do not meet. */
bool client_hello(struct client *client, struct failure *failure);

/** The same in two halves, for a connection that waits for nobody: the parameters of
 * hello, the caller's, and what its result says. */
struct json *client_greeting(void);
bool client_take_greeting(struct client *client, const struct json *result,
    struct failure *failure);

/**
 * Asks, and waits for the result; free *out with rpc_answer_fini().
 *
 * A method that hello did not list is EXIT_VERSION_SKEW.
 */
bool client_request(struct client *client, const char *method,
    struct json *owned_params, struct rpc_answer *out, struct failure *failure);

/** Sends one line and waits for one line back, borrowed until the next call. */
bool client_exchange(struct client *client, struct slice line, struct slice *answer,
    struct failure *failure);

#endif
