/*
 * `gwbotd --sim`: finds or starts gwsim, Discord on loopback.
 *
 * Runs before the loop, so it may wait.  A gwsim that an earlier gwbotd left behind
 * (kill -9, reboot) is used again: it still holds the session, so the new process
 * resumes.
 */
#ifndef GWBOTD_SIMCHILD_H
#define GWBOTD_SIMCHILD_H

#include <stddef.h>

#include "err.h"
#include "secret.h"
#include "spawner.h"

struct simchild {
	char api_base[256];
	char ca_file[512];
	char control[108]; /* its control socket */
};

/**
 * Has a gwsim ready whose files lie in dir (made where it is missing).
 *
 * On an error why (room bytes) says in one line what to do.  gwsim ends by itself when
 * nobody has talked to it for a minute.
 */
enum gw_err simchild_start(const struct spawner *spawner, const char *dir,
    struct simchild *out, char *why, size_t room);

/** Asks it to end, and does not wait for it: the loop may call this. */
void simchild_quit(const struct simchild *child);

/** A token that gwsim takes and Discord does not. */
struct secret *simchild_token(void);

#endif
