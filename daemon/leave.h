/*
 * The last line of the process, before every exit: the status, why, and what is to be
 * done.
 *
 * In the log where there is one; before that, or with --check, in plain words on the
 * standard error.  Two ends cannot come here and have fixed texts of their own: no
 * memory (xalloc.c), and a disk that fails under a mapping (store_file.c).
 */
#ifndef GWBOTD_LEAVE_H
#define GWBOTD_LEAVE_H

#include "buf.h"
#include "log.h"

/** Tells the log, in whatever format it is; whatever the level is. */
void leave_logged(int exit_status, const char *reason);

/** The same on a thread that is not the loop's. */
void leave_aside(int exit_status, const char *reason);

/** "gwbotd: REASON; WHAT TO DO (exit status N)" on the standard error. */
void leave_plain(int exit_status, const char *reason);

/**
 * Lines on the standard error as they are; where the journal reads it each with its
 * level in front (sd-daemon(3)), without which an error is taken for information.
 */
void leave_lines(enum log_level level, struct slice lines);

#endif
