#include "herald.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "template.h"
#include "xalloc.h"

#define WINDOW   CLOCK_S(60)
#define ELLIPSIS "\xe2\x80\xa6"

/* What somebody should look at.  The line of a start comes from whoever sees READY. */
static const char *const wanted[] = {
    "watchdog.zombie",
    "watchdog.down",
    "probe.changed",
    "job.failed",
    "daemon.refused",
    "config.refused",
    "config.reverted",
};

bool
herald_wants(const char *type)
{
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		if (strcmp(wanted[i], type) == 0) {
			return true;
		}
	}
	return false;
}

/* ---- in ---- */

/* FNV-1a; never 0. */
static uint64_t
hash_of(struct slice text)
{
	uint64_t hash = UINT64_C(0xCBF29CE484222325);

	for (size_t i = 0; i < text.size; i++) {
		hash = (hash ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001B3);
	}
	return hash == 0 ? 1 : hash;
}

/* Whether the text was told within HERALD_AGAIN; notes that it is now. */
static bool
is_again(struct herald *herald, struct slice text, mono_ns now)
{
	uint64_t hash = hash_of(text);

	for (size_t i = 0; i < HERALD_SEEN_MAX; i++) {
		if (herald->seen[i].hash == hash) {
			bool again = now - herald->seen[i].at < HERALD_AGAIN;

			herald->seen[i].at = again ? herald->seen[i].at : now;
			return again;
		}
	}
	herald->seen[herald->seen_next].hash = hash;
	herald->seen[herald->seen_next].at = now;
	herald->seen_next = (herald->seen_next + 1) % HERALD_SEEN_MAX;
	return false;
}

static bool
is_over(const struct herald *herald, mono_ns now)
{
	return !herald->counting || now - herald->window_at >= WINDOW;
}

static char *
make_line(struct slice text)
{
	struct buf line;

	buf_init(&line, (size_t)2 * HERALD_LINE_BYTES);
	/* Where it does not fit, the line ends before it. */
	(void)template_escape(text, &line);
	size_t size = message_fit(buf_slice(&line), HERALD_MAX_CHARACTERS);

	if (size < line.size) {
		line.size = message_fit(buf_slice(&line), HERALD_MAX_CHARACTERS - 1);
		(void)buf_append(&line, ELLIPSIS, strlen(ELLIPSIS));
	}
	char *made = xstrndup(line.size > 0 ? line.data : "", line.size);

	buf_fini(&line);
	return made;
}

void
herald_offer(struct herald *herald, struct slice text, mono_ns now)
{
	if (text.size == 0 || is_again(herald, text, now)) {
		return;
	}
	if (is_over(herald, now)) {
		herald->counting = true;
		herald->window_at = now;
		herald->in_window = 0;
	}
	if (herald->in_window == HERALD_PER_MINUTE ||
	    herald->count == HERALD_QUEUE_MAX) {
		herald->suppressed++;
		return;
	}
	herald->in_window++;
	herald->lines[(herald->first + herald->count) % HERALD_QUEUE_MAX] =
	    make_line(text);
	herald->count++;
}

/* ---- out ---- */

/* How many characters, as message_fit() counts them. */
static bool
fits(struct slice text)
{
	return message_fit(text, HERALD_MAX_CHARACTERS) == text.size;
}

/* Moves the first line behind what is there; false where it does not fit any more. */
static bool
move_line(struct herald *herald, struct buf *out, size_t begin)
{
	char *line = herald->lines[herald->first];
	size_t before = out->size;
	enum gw_err err = buf_printf(out, "%s%s", before > begin ? "\n" : "", line);
	struct slice all = {out->data ? out->data + begin : "", out->size - begin};

	if (before > begin && (err != GW_OK || !fits(all))) {
		out->size = before;
		return false;
	}
	free(line);
	herald->first = (herald->first + 1) % HERALD_QUEUE_MAX;
	herald->count--;
	return true;
}

bool
herald_take(struct herald *herald, mono_ns now, struct buf *out)
{
	size_t begin = out->size;

	while (herald->count > 0 && move_line(herald, out, begin)) {
	}
	if (herald->count == 0 && herald->suppressed > 0 && is_over(herald, now)) {
		(void)buf_printf(out, "%s%u more line%s left out",
		    out->size > begin ? "\n" : "", herald->suppressed,
		    herald->suppressed == 1 ? " was" : "s were");
		herald->suppressed = 0;
	}
	return out->size > begin;
}

mono_ns
herald_wake(const struct herald *herald, mono_ns now)
{
	if (herald->count > 0) {
		return now;
	}
	if (herald->suppressed > 0) {
		return is_over(herald, now) ? now : herald->window_at + WINDOW;
	}
	return CLOCK_NEVER;
}

void
herald_clear(struct herald *herald)
{
	while (herald->count > 0) {
		free(herald->lines[herald->first]);
		herald->first = (herald->first + 1) % HERALD_QUEUE_MAX;
		herald->count--;
	}
	herald->suppressed = 0;
}
