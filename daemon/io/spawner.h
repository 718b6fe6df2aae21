/*
 * Starts programs for a daemon that may not do so itself.
 *
 * A small process, forked before there is a thread, a socket or a token's page that it
 * could see.  Behind it hardening_forbid_programs() takes fork and exec from the
 * daemon: who takes over the process that talks to the network can start nothing but
 * what this one is willing to start, which is the helpers of gwbot by name, and the
 * programs that the configuration names, word for word as this process has read it
 * itself.
 *
 * What it starts is the daemon's own child, to be waited for and killed as any other.
 */
#ifndef GWBOTD_SPAWNER_H
#define GWBOTD_SPAWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "clock.h"

enum spawner_kind {
	/* argv[0] is its path.  PATH and LANG, a session of its own, /dev/null as its
	 * input; fds: its output and error. */
	SPAWNER_PROGRAM,
	/* gwbot-emoji.  No environment; fds: its input, its output. */
	SPAWNER_EMOJI,
	/* gwsim, that outlives us.  No environment, a session of its own; fds: its
	 * error, its descriptor 3. */
	SPAWNER_SIM,
};

struct spawner;

struct spawner_options {
	/* In the spawner: may this program be started?  NULL: each may. */
	bool (*allows)(void *ctx, char *const *argv);
	/* In the spawner: spawner_learn() was called.  NULL: nothing. */
	void (*learn)(void *ctx);
	void *ctx; /* as it was when the spawner was forked */
};

/**
 * Forks it.  Before threads, and before anything is open that programs must not have.
 *
 * NULL where there are no processes left; errno says why.
 */
struct spawner *spawner_new(const struct spawner_options *options);

/**
 * False where this kernel cannot do it: then the daemon starts programs itself, any
 * that it is told, and must not forbid itself to.
 */
bool spawner_is_apart(const struct spawner *spawner);

/** It ends by itself then; NULL is allowed. */
void spawner_free(struct spawner *owned_spawner);

/**
 * Starts a program with the descriptors that its kind asks for; they stay the caller's.
 *
 * Any thread.  Waits until the program runs, or deadline.  Returns its process, or -1
 * with errno: EACCES where the spawner is not willing, ENOENT, ETIMEDOUT, EPIPE where
 * it is gone and so on.  One of SPAWNER_SIM is nobody's to wait for.
 */
pid_t spawner_start(const struct spawner *spawner, enum spawner_kind kind,
    char *const *argv, const int *fds, mono_ns deadline);

/** Has it look again what may be started, before whatever is asked of it next. */
void spawner_learn(const struct spawner *spawner);

#endif
