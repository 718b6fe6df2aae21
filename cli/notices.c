#include "notices.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
notices_add(struct notices *notices, enum writer_style style, const char *format, ...)
{
	va_list args;

	if (notices->count == NOTICES_MAX) {
		notices->left_out++;
		return;
	}
	struct notice *notice = &notices->waiting[notices->count++];

	notice->style = style;
	va_start(args, format);
	(void)vsnprintf(notice->text, sizeof notice->text, format, args);
	va_end(args);
}

void
notices_drop(struct notices *notices)
{
	notices->count = 0;
	notices->left_out = 0;
}

/* The second that began with the first notice is over. */
static void
begin_window(struct notices *notices, mono_ns now)
{
	if (now - notices->window_at >= CLOCK_S(1)) {
		notices->window_at = now;
		notices->shown = 0;
	}
}

bool
notices_show(struct notices *notices, mono_ns now, struct writer *writer)
{
	size_t taken = 0;

	begin_window(notices, now);
	while (taken < notices->count && notices->shown < NOTICES_MAX) {
		const struct notice *notice = &notices->waiting[taken++];

		writer_put(writer, notice->style, notice->text);
		writer_newline(writer);
		notices->shown++;
	}
	notices->count -= taken;
	memmove(notices->waiting, notices->waiting + taken,
	    notices->count * sizeof notices->waiting[0]);
	/* Said once there is room again, so that the count is whole. */
	if (notices->left_out > 0 && notices->count == 0 &&
	    notices->shown < NOTICES_MAX) {
		writer_printf(writer, STYLE_DIM, "and %zu more: events",
		    notices->left_out);
		writer_newline(writer);
		notices->left_out = 0;
		notices->shown++;
		taken++;
	}
	return taken > 0;
}
