/*
 * Sends entries to systemd's journal in its native protocol; log_line.c words them.
 */
#ifndef GWBOT_LOG_JOURNAL_H
#define GWBOT_LOG_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#define LOG_JOURNAL_SOCKET "/run/systemd/journal/socket"

/** A socket that can send to a journal, whether there is one or not; -1: none can be
 * had.  The caller closes it. */
int log_journal_open(void);

/**
 * Sends one entry to the journal that listens at path.
 *
 * Never blocks.  What is too large for a datagram goes as a sealed file in memory.
 * False where nobody listens, or the journal has no room for it.
 */
bool log_journal_send(int fd, const char *path, const char *entry, size_t size);

/**
 * Whether what is written to fd goes to the journal line by line: systemd says so in
 * JOURNAL_STREAM (systemd.exec(5)), here stream, as DEVICE:INODE.  NULL: it does not.
 */
bool log_journal_reads(int fd, const char *stream);

#endif
