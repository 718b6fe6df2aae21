#include "lines.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
on_ready(void *ctx, mono_ns now)
{
	struct lines *lines = ctx;
	struct buf *held = &lines->held;
	char bytes[4096];
	ssize_t got = 0;

	(void)now;
	while ((got = read(STDIN_FILENO, bytes, sizeof bytes)) > 0) {
		if (buf_append(held, bytes, (size_t)got) != GW_OK) {
			abort();
		}
		for (char *end; (end = memchr(held->data, '\n', held->size)) != NULL;) {
			size_t size = (size_t)(end - held->data) + 1;

			*end = '\0';
			lines->line(lines->ctx, held->data);
			buf_consume(held, size);
		}
	}
	if (got == 0) {
		lines->over(lines->ctx);
	}
}

/* The end of a pipe arrives as a hang-up, for which the loop closes. */
static void
on_gone(void *ctx)
{
	struct lines *lines = ctx;

	lines->over(lines->ctx);
}

bool
lines_begin(struct lines *lines, struct loop *loop, size_t max_bytes)
{
	static const struct loop_fd_events events = {.ready = on_ready,
	    .gone = on_gone};
	/* The loop closes its descriptor, and stdin must not become something else. */
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

	buf_init(&lines->held, max_bytes);
	return fd >= 0 && fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) == 0 &&
	    loop_fd_add(loop, fd, &events, lines) != NULL;
}

void
lines_fini(struct lines *lines)
{
	buf_fini(&lines->held);
}
