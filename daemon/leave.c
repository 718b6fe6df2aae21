#include "leave.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app.h"
#include "exits.h"
#include "log_journal.h"

/* One that a fresh process heals is no error: nobody must act. */
static enum log_level
level_of(int exit_status)
{
	switch (exit_status) {
	case APP_EXIT_STOPPED:
		return LOG_LEVEL_INFO;
	case APP_EXIT_WATCHDOG:
		return LOG_LEVEL_WARNING;
	default:
		return LOG_LEVEL_ERROR;
	}
}

static void
tell(void (*write)(enum log_level level, const char *event, const struct log_kv *pairs,
	 size_t count),
    int exit_status, const char *reason)
{
	const struct log_kv pairs[] = {
	    KV("exit_status", exit_status),
	    KV("reason", reason),
	    KV("next", exits_next(exit_status)),
	};

	write(level_of(exit_status), "stopped", pairs, sizeof pairs / sizeof pairs[0]);
}

void
leave_logged(int exit_status, const char *reason)
{
	(void)log_settle(clock_now(), true);
	tell(log_write_record, exit_status, reason);
}

void
leave_aside(int exit_status, const char *reason)
{
	tell(log_write_aside, exit_status, reason);
}

/* "<3>" for an error, as syslog(3) counts. */
static const char *
mark_of(enum log_level level)
{
	return level == LOG_LEVEL_ERROR ? "<3>" :
	    level == LOG_LEVEL_WARNING  ? "<4>" :
					  "";
}

void
leave_lines(enum log_level level, struct slice lines)
{
	bool marked = log_journal_reads(STDERR_FILENO, getenv("JOURNAL_STREAM"));
	const char *mark = marked ? mark_of(level) : "";

	while (lines.size > 0) {
		const char *end = memchr(lines.data, '\n', lines.size);
		size_t size = end ? (size_t)(end - lines.data) + 1 : lines.size;

		(void)fprintf(stderr, "%s%.*s", mark, (int)size, lines.data);
		lines.data += size;
		lines.size -= size;
	}
}

void
leave_plain(int exit_status, const char *reason)
{
	char shown[256] = "";

	(void)snprintf(shown, sizeof shown, "%s", reason);
	/* A word of the command line may hold what a terminal obeys. */
	for (char *at = shown; *at != '\0'; at++) {
		*at = (char)(*at >= ' ' && *at <= '~' ? *at : '?');
	}
	char line[600];

	(void)snprintf(line, sizeof line, "gwbotd: %s; %s (exit status %d)\n", shown,
	    exits_next(exit_status), exit_status);
	leave_lines(level_of(exit_status), slice_of(line));
}
