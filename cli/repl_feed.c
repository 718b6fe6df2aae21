#include "repl_feed.h"

#include <string.h>

#include "local_time.h"

#define OPEN_TIME CLOCK_MS(200) /* nobody who types notices that */

void
repl_feed_open(struct feed_reader *reader)
{
	struct failure failure = {.exit = EXIT_DONE};
	struct json *params = json_new_array();
	struct json *answer = NULL;

	/* Not the dispatches: a gateway sends them by the thousand. */
	json_append(params, json_new_text("--type=!dispatch.*"));
	json_append(params, json_new_text("--last=1"));
	(void)feed_reader_open(reader, OPEN_TIME, params, &answer, &failure);
	json_free(answer);
	json_free(failure.details);
}

/* What is no warning and yet worth a line: the good news after a bad one. */
static bool
is_news(const char *type)
{
	static const char *const types[] = {"shard.ready", "shard.resumed",
	    "config.reloaded", "config.trial"};

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		if (strcmp(types[i], type) == 0) {
			return true;
		}
	}
	return false;
}

static const char *
text_of(const struct json *event, const char *name)
{
	const char *text = json_text(json_get(event, name));

	return text ? text : "";
}

static void
consider(const struct json *event, struct notices *notices)
{
	const char *level = text_of(event, "level");
	enum writer_style style = STYLE_PLAIN;
	struct buf text;
	int64_t shard;

	if (strcmp(level, "error") == 0) {
		style = STYLE_RED;
	} else if (strcmp(level, "warning") == 0) {
		style = STYLE_YELLOW;
	} else if (!is_news(text_of(event, "type"))) {
		return;
	}
	buf_init(&text, NOTICE_BYTES);
	local_time_put(text_of(event, "text"), &text);
	(void)buf_append(&text, "", 1);
	if (json_int(json_get(event, "shard"), &shard)) {
		notices_add(notices, style, "shard %lld: %s", (long long)shard,
		    text.data);
	} else {
		notices_add(notices, style, "%s", text.data);
	}
	buf_fini(&text);
}

bool
repl_feed_step(struct feed_reader *reader, struct notices *notices)
{
	struct json *event;
	enum feed_state state;
	bool any = false;

	if (feed_reader_fd(reader) < 0) {
		return false;
	}
	while ((state = feed_reader_take(reader, &event)) == FEED_EVENT) {
		consider(event, notices);
		json_free(event);
		any = true;
	}
	if (state == FEED_ENDED) {
		feed_reader_fini(reader);
	}
	return any;
}
