/*
 * What the process gives up before it reads a configuration or starts a thread: another
 * user's rights, core files, rights that a program could bring, system calls that
 * nothing here needs.  What it starts inherits all of that.
 */
#ifndef GWBOTD_HARDENING_H
#define GWBOTD_HARDENING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/**
 * Becomes this user for good: its groups, no capability, and the folders of the system
 * service are its own.
 *
 * GW_ERR_PERMISSION unless root calls, GW_ERR_NOT_FOUND for nobody's name, GW_ERR_IO;
 * then why says what to do, and the process must not go on.
 */
enum gw_err hardening_become(const char *user, char *why, size_t room);

/**
 * No core file, no new privileges, and EPERM for what only administrators and debuggers
 * call.  What the kernel does not know is left out; hardening_read() tells.
 */
void hardening_apply(void);

/**
 * EPERM for fork and exec from now on, in every thread to come: the spawner is there
 * for programs.  Before the first thread.
 */
void hardening_forbid_programs(void);

/* What of it holds. */
struct hardening {
	bool may_exec; /* this thread could start a program; found out by trying */
	bool no_new_privs;
	bool filtered;         /* by seccomp, ours or another's */
	uint64_t capabilities; /* that it has or may get, as in capabilities(7) */
};

struct hardening hardening_read(void);

#endif
