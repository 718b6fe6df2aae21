#include "render_events.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "format.h"
#include "local_time.h"

#define LEVEL_COLUMN   14 /* behind "15:44:19.002" */
#define WHO_COLUMN     23 /* behind "warning" */
#define TEXT_COLUMN    34 /* behind "shard 499" */

#define TEXT_MAX_BYTES ((size_t)64 * 1024)

struct events_screen
events_screen_today(void)
{
	struct events_screen screen = {""};
	time_t now = time(NULL);
	struct tm local;

	if (localtime_r(&now, &local)) {
		(void)strftime(screen.day, sizeof screen.day, "%Y-%m-%d", &local);
	}
	return screen;
}

static void
render_time(struct writer *writer, struct events_screen *screen, const char *text)
{
	struct tm local;
	const char *fraction;
	char day[sizeof screen->day];
	char clock[16];

	if (!local_time_read(text, &local, &fraction) || *fraction != '.' ||
	    strlen(fraction) < 4) {
		writer_put(writer, STYLE_DIM, text);
		return;
	}
	(void)strftime(day, sizeof day, "%Y-%m-%d", &local);
	(void)strftime(clock, sizeof clock, "%H:%M:%S", &local);
	if (strcmp(day, screen->day) != 0) {
		(void)snprintf(screen->day, sizeof screen->day, "%s", day);
		writer_put(writer, STYLE_BOLD, day);
		writer_newline(writer);
	}
	writer_printf(writer, STYLE_DIM, "%s%.4s", clock, fraction);
}

static enum writer_style
style_of(const char *level)
{
	if (strcmp(level, "error") == 0) {
		return STYLE_RED;
	}
	return strcmp(level, "warning") == 0 ? STYLE_YELLOW : STYLE_PLAIN;
}

/* "shard 0", or the part that tells: "watchdog" of "watchdog.late". */
static void
render_who(struct writer *writer, const struct json *event, const char *type)
{
	const struct json *shard = json_get(event, "shard");

	if (json_kind(shard) == JSON_NUMBER) {
		writer_printf(writer, STYLE_PLAIN, "shard %s",
		    format_json_scalar(shard).text);
	} else {
		writer_printf(writer, STYLE_PLAIN, "%.*s", (int)strcspn(type, "."),
		    type);
	}
}

/* With the instants in it as local ones, too. */
static void
put_text(struct writer *writer, enum writer_style style, const char *text)
{
	struct buf local;

	buf_init(&local, TEXT_MAX_BYTES);
	local_time_put(text, &local);
	(void)buf_append(&local, "", 1);
	if (writer->fits) {
		writer_text(writer, style, local.data);
	} else {
		writer_put(writer, style, local.data); /* a line each, for grep */
	}
	buf_fini(&local);
}

void
render_event(struct writer *writer, struct events_screen *screen,
    const struct json *event)
{
	static const char dispatch[] = "dispatch.";
	const char *type = json_text_or(json_get(event, "type"), "-");
	const char *level = json_text_or(json_get(event, "level"), "-");
	const char *text = json_text_or(json_get(event, "text"), "");

	render_time(writer, screen, json_text_or(json_get(event, "time"), "-"));
	writer_tab(writer, LEVEL_COLUMN);
	writer_put(writer, style_of(level), level);
	writer_tab(writer, WHO_COLUMN);
	render_who(writer, event, type);
	writer_tab(writer, TEXT_COLUMN);
	if (strncmp(type, dispatch, sizeof dispatch - 1) == 0) {
		writer_printf(writer, STYLE_BOLD, "%s", type + sizeof dispatch - 1);
		writer_printf(writer, STYLE_DIM, "  %s", text);
	} else {
		put_text(writer, style_of(level), text);
	}
	writer_newline(writer);
}

void
render_events_screen(struct writer *writer, const struct json *result)
{
	struct events_screen screen = events_screen_today();
	const struct json *event = json_first(json_get(result, "events"));

	if (!event) {
		writer_put(writer, STYLE_DIM, "nothing has happened that fits");
		writer_newline(writer);
	}
	for (; event; event = json_next(event)) {
		render_event(writer, &screen, event);
	}
}
