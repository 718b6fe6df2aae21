#include "notify_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Text that grows in a room; what does not fit is cut. */
struct text {
	char *at;
	size_t room;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static void
put(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int size =
	    vsnprintf(text->at + text->size, text->room - text->size, format, args);
	va_end(args);
	if (size > 0) {
		size_t left = text->room - text->size - 1;

		text->size += (size_t)size < left ? (size_t)size : left;
	}
}

/* ---- the state line ---- */

static void
put_latency(struct text *text, mono_ns latency)
{
	if (latency == SNAPSHOT_NONE) {
		return;
	}
	if (latency < CLOCK_MS(1)) {
		put(text, ", latency below 1 ms");
		return;
	}
	put(text, ", latency %" PRId64 " ms", latency / CLOCK_MS(1));
}

/* The first that is not connected: the others are in the log. */
static void
put_trouble(struct text *text, const struct health_input *input)
{
	const char *state = health_state(input);

	if (strcmp(state, "ready") == 0) {
		return;
	}
	put(text, "; %s", state);
	for (uint32_t i = 0; i < input->count && !input->stopping; i++) {
		const struct snapshot *shard = &input->shards[i];

		if (!shard->connected) {
			put(text, ": shard %" PRIu32 " %s", shard->shard_id,
			    snapshot_state_text(shard->state));
			return;
		}
	}
}

void
notify_line(const struct health_input *input, char out[NOTIFY_LINE_ROOM])
{
	struct snapshot_total total = snapshot_aggregate(input->shards, input->count);
	struct text text = {.at = out, .room = NOTIFY_LINE_ROOM};

	out[0] = '\0';
	put(&text, "%" PRIu32 "/%" PRIu32 " ready", total.connected, total.shards);
	put_latency(&text, total.latency);
	put_trouble(&text, input);
}

/* ---- the datagram ---- */

size_t
notify_text(const struct notify_news *news, char out[NOTIFY_TEXT_ROOM])
{
	struct text text = {.at = out, .room = NOTIFY_TEXT_ROOM};

	out[0] = '\0';
	switch (news->phase) {
	case NOTIFY_SAME:
		break;
	case NOTIFY_READY:
		put(&text, "READY=1\n");
		break;
	case NOTIFY_RELOADING:
		/* sd_notify(3): the instant tells this reload from an earlier one. */
		put(&text, "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\n",
		    news->awake / CLOCK_US(1));
		break;
	case NOTIFY_STOPPING:
		put(&text, "STOPPING=1\n");
		break;
	}
	if (news->line) {
		put(&text, "STATUS=%s\n", news->line);
	}
	if (news->alive) {
		put(&text, "WATCHDOG=1\n");
	}
	return text.size;
}
