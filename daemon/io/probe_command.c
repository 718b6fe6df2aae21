/* Kind command: does a program end with status 0? */
#include "probe_kinds.h"

#include <stdio.h>
#include <string.h>

#include "probe.h"

#define LINE_ROOM 120 /* of what a program says last */

/* The last line that says something. */
static struct slice
last_line(const char *text)
{
	struct slice found = {"", 0};

	while (*text != '\0') {
		size_t size = strcspn(text, "\n");

		if (strspn(text, " \n") < size) {
			found = (struct slice){text, size};
		}
		text += size + (text[size] == '\0' ? 0 : 1);
	}
	return found;
}

static void
on_done(void *ctx, const struct child_result *result, mono_ns now)
{
	struct probe_task *task = ctx;
	struct slice line = last_line(result->output);
	bool both = line.size > 0 && result->reason[0] != '\0';
	char said[LINE_ROOM];
	char reason[PROBE_REASON_ROOM];

	(void)slice_copy(line, said, sizeof said);
	(void)snprintf(reason, sizeof reason, "%s%s%s", result->reason,
	    both ? ": " : "", said);
	task->work = NULL;
	task->done(task, result->good ? PROBE_GOOD : PROBE_BAD, reason, now);
}

static void
start(struct probe_task *task, mono_ns now)
{
	(void)now;
	task->work = child_start(task->tools->children, &task->config->command,
	    task->config->timeout, on_done, task);
}

static void
cancel(struct probe_task *task)
{
	child_cancel(task->work);
	task->work = NULL;
}

const struct probe_kind probe_command = {.start = start, .cancel = cancel};
