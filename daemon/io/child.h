/*
 * Programs that run beside the daemon: no shell, a deadline, bounded output.
 *
 * Started by the spawner, read and reaped on a helper thread each, so that neither a
 * slow exec nor a program that hangs holds up the loop.  A program gets /dev/null as
 * its input, a session of its own, PATH and LANG, and no descriptor of ours; once it
 * has ended or its time is over, what is left of its process group is killed.
 */
#ifndef GWBOTD_CHILD_H
#define GWBOTD_CHILD_H

#include <stdbool.h>

#include "buf.h"
#include "clock.h"
#include "config.h"
#include "loop.h"
#include "spawner.h"

#define CHILD_OUTPUT_BYTES 2048 /* the last ones are kept */
#define CHILD_REASON_ROOM  128

struct children;
struct child;

struct child_result {
	bool good;                      /* it ran, and ended with status 0 */
	char reason[CHILD_REASON_ROOM]; /* why it is not good; else empty */
	const char *output;             /* standard output and error; printable lines */
	mono_ns took;
};

/** spawner is borrowed. */
struct children *children_new(struct loop *loop, const struct spawner *spawner);

/** After the loop; what still runs is left to end by itself.  NULL is allowed. */
void children_free(struct children *owned_children);

/** Kills all programs, which end as others do, and starts none any more. */
void children_stop(struct children *children);

/** Programs that have not been reaped yet, those that were killed included. */
unsigned children_count(const struct children *children);

/**
 * Starts a program; argv is copied.  fn is called exactly once, later, on the loop.
 * Free with child_cancel() only.
 */
struct child *child_start(struct children *children, const struct config_list *argv,
    mono_ns timeout,
    void (*fn)(void *ctx, const struct child_result *result, mono_ns now), void *ctx);

/** fn will not be called any more, and the program is killed. */
void child_cancel(struct child *owned_child);

#endif
