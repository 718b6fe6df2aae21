/*
 * A consumer of dispatches that a kill cannot make forget: linked into a gwbotd of its
 * own (gwbotd_witness), it docks as any consumer does and writes each dispatch that is
 * handed to it behind the others in the file that GWBOT_WITNESS names.
 *
 * What write() took outlives the process, so the file is what a consumer that does its
 * work at once has done.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <fcntl.h>
#include <unistd.h>

#include "dispatch.h"
#include "events.h"

/* The linker's --wrap=events_new: calls of it come here, and from here to itself. */
struct events *real_events_new(struct dispatch *dispatch,
    const struct secret *secret) __asm__("__real_events_new");
struct events *witness_events_new(struct dispatch *dispatch,
    const struct secret *secret) __asm__("__wrap_events_new");

static int file = -1;

static void
write_down(void *ctx, const struct dispatch_event *event)
{
	char type[64];
	char line[128];

	(void)ctx;
	(void)slice_copy(event->type, type, sizeof type);
	int size = snprintf(line, sizeof line, "%" PRId64 " %s\n", event->seq, type);

	if (write(file, line, (size_t)size) != size) {
		abort(); /* a witness that forgets is none */
	}
}

struct events *
witness_events_new(struct dispatch *dispatch, const struct secret *secret)
{
	static struct dispatch_consumer witness = {.take = write_down};
	const char *path = getenv("GWBOT_WITNESS");

	file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (file < 0) {
		abort();
	}
	witness.wants = dispatch_set_all();
	dispatch_dock(dispatch, &witness);
	return real_events_new(dispatch, secret);
}
