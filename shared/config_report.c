/* What was found while reading: messages, and text that is safe to show. */
#include "config_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#define MESSAGES_MAX     100
#define MESSAGE_MAX_SIZE 1024
#define SECRET_RUN_BYTES 40

void
config_printable(const char *text, char *out, size_t room)
{
	size_t size = 0;

	for (; *text != '\0' && size < room - 4; text++) {
		bool printable = *text >= ' ' && *text <= '~';

		/* A file may hold escape sequences, and the reader is at a terminal. */
		out[size] = '?';
		if (printable) {
			out[size] = *text;
		}
		size++;
	}
	if (*text != '\0') {
		memcpy(out + size, "...", 3);
		size += 3;
	}
	out[size] = '\0';
}

static bool
is_token_char(char c)
{
	static const char marks[] = "._-+=";

	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z') || (c != '\0' && strchr(marks, c) != NULL);
}

/* A long run of what tokens are made of may be one that was put in the wrong place. */
void
config_mask(char *text)
{
	while (*text != '\0') {
		size_t run = 0;

		while (is_token_char(text[run])) {
			run++;
		}
		if (run >= SECRET_RUN_BYTES) {
			memset(text, '*', run);
		}
		text += run > 0 ? run : 1;
	}
}

void
config_shown(const char *text, char out[CONFIG_SHOWN_ROOM])
{
	config_printable(text, out, CONFIG_SHOWN_ROOM);
	config_mask(out);
}

static void
append(struct config_report *report, enum config_severity severity, const char *where,
    const char *text)
{
	size_t bytes = (report->count + 1) * sizeof *report->messages;
	struct config_message *messages = xzalloc(bytes);

	if (report->count > 0) {
		memcpy(messages, report->messages,
		    report->count * sizeof *report->messages);
	}
	free(report->messages);
	messages[report->count] = (struct config_message){
	    .severity = severity,
	    .where = xstrdup(where),
	    .text = xstrdup(text),
	};
	report->messages = messages;
	report->count++;
}

void
config_report_add(struct config_report *report, enum config_severity severity,
    const char *where, const char *format, ...)
{
	char text[MESSAGE_MAX_SIZE];
	char place[MESSAGE_MAX_SIZE];
	va_list args;

	if (severity == CONFIG_ERROR) {
		report->errors++;
	}
	if (report->count > MESSAGES_MAX) {
		return;
	}
	if (report->count == MESSAGES_MAX) {
		append(report, severity, "", "and more, not shown");
		return;
	}
	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	config_printable(where, place, sizeof place);
	append(report, severity, place, text);
}

void
config_report_show(struct config_report *report, size_t index, uint64_t rank,
    const char *excerpt)
{
	if (index < report->count && index < MESSAGES_MAX) {
		struct config_message *message = &report->messages[index];

		free(message->excerpt);
		message->excerpt = excerpt ? xstrdup(excerpt) : NULL;
		message->rank = rank;
	}
}

/* A message without a place stays where it is: at most a hundred are there. */
void
config_report_sort(struct config_report *report)
{
	for (size_t end = report->count; end > 1; end--) {
		struct config_message *last = NULL;

		for (size_t i = 0; i < end; i++) {
			struct config_message *message = &report->messages[i];

			if (message->rank == 0) {
				continue;
			}
			if (last && last->rank > message->rank) {
				struct config_message other = *last;

				*last = *message;
				*message = other;
			}
			last = message;
		}
	}
}

void
config_report_free(struct config_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		free(report->messages[i].where);
		free(report->messages[i].text);
		free(report->messages[i].excerpt);
	}
	free(report->messages);
	*report = (struct config_report){NULL, 0, 0};
}

const char *
config_severity_word(enum config_severity severity)
{
	return severity == CONFIG_ERROR ? "error" : "warning";
}

void
config_report_print(const struct config_report *report, struct buf *out)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct config_message *message = &report->messages[i];

		/* A full buffer cuts the list; there is nobody else to tell. */
		(void)buf_printf(out, "%s%s%s: %s\n%s", message->where,
		    message->where[0] ? ": " : "",
		    config_severity_word(message->severity), message->text,
		    message->excerpt ? message->excerpt : "");
	}
}
