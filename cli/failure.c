#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "buf.h"
#include "text.h"

#define SCREEN_MAX_BYTES ((size_t)256 * 1024)

#define HINT_COLUMN      7     /* below what stands behind "gwctl: " */
#define HINT_GAP         "   " /* or wider */

bool
failure_set(struct failure *failure, enum failure_exit exit, const char *code,
    const char *format, ...)
{
	va_list args;

	*failure = (struct failure){.exit = exit, .line = failure->line};
	(void)slice_copy(slice_of(code), failure->code, sizeof failure->code);
	va_start(args, format);
	(void)vsnprintf(failure->text, sizeof failure->text, format, args);
	va_end(args);
	return false;
}

void
failure_hint(struct failure *failure, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(failure->hint, sizeof failure->hint, format, args);
	va_end(args);
}

void
failure_hint_line(const struct failure *failure, char *out, size_t room)
{
	size_t used = 0;

	for (const char *at = failure->hint; *at != '\0' && used + 3 < room;) {
		size_t gap = strspn(at, " ");

		if (gap > 2) {
			out[used++] = ';';
		}
		out[used++] = *at;
		at += gap > 1 ? gap : 1;
	}
	out[used] = '\0';
}

void
failure_detail(struct failure *failure, const struct json *details)
{
	json_free(failure->details);
	failure->details = details ? json_copy(details) : NULL;
}

static void
write_json(const struct failure *failure, struct buf *out)
{
	struct json *document = json_new_object();
	struct json *error = json_new_object();

	json_add_text(document, "schema", "gwctl/1");
	json_add_text(error, "code", failure->code);
	json_add_int(error, "exit", (int64_t)failure->exit);
	json_add_text(error, "message", failure->text);
	json_add_text(error, "hint", failure->hint[0] ? failure->hint : NULL);
	if (failure->line > 0) {
		json_add_int(error, "line", (int64_t)failure->line);
	}
	if (failure->details) {
		json_add(error, "details", json_copy(failure->details));
	}
	json_add(document, "error", error);
	(void)json_print(document, out);
	(void)buf_append(out, "\n", 1);
	json_free(document);
}

/* Line by line, since a line end is a control character too. */
static void
write_text(const char *text, struct buf *out)
{
	while (text && *text != '\0') {
		size_t size = strcspn(text, "\n");

		(void)text_clean((struct slice){text, size}, true, out);
		(void)buf_append(out, "\n", 1);
		text += size + (text[size] == '\n' ? 1 : 0);
	}
}

/* A terminal too narrow for all pieces of a hint, which wide gaps part, gets a line
 * each. */
static bool
is_narrow(const char *hint)
{
	struct winsize size;

	return isatty(STDERR_FILENO) && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 &&
	    size.ws_col > 0 && HINT_COLUMN + strlen(hint) > size.ws_col;
}

static void
write_hint(const char *hint, struct buf *out)
{
	bool narrow = is_narrow(hint);

	while (*hint != '\0') {
		const char *gap = narrow ? strstr(hint, HINT_GAP) : NULL;
		size_t size = gap ? (size_t)(gap - hint) : strlen(hint);

		(void)buf_printf(out, "\n%*s", HINT_COLUMN, "");
		(void)text_clean((struct slice){hint, size}, true, out);
		hint += size;
		hint += strspn(hint, " ");
	}
}

/* The daemon's words are quoted here too: nothing in them may move the cursor. */
static void
write_lines(const struct failure *failure, struct buf *out)
{
	for (const struct json *detail = json_first(failure->details); detail;
	     detail = json_next(detail)) {
		write_text(json_text(json_get(detail, "summary")), out);
		write_text(json_text(json_get(detail, "excerpt")), out);
	}
	(void)buf_append(out, "gwctl: ", 7);
	if (failure->line > 0) {
		(void)buf_printf(out, "line %zu: ", failure->line);
	}
	(void)text_clean(slice_of(failure->text), true, out);
	if (failure->hint[0]) {
		write_hint(failure->hint, out);
	}
	(void)buf_append(out, "\n", 1);
}

int
failure_print(struct failure *failure, bool json)
{
	struct buf out;

	buf_init(&out, SCREEN_MAX_BYTES);
	if (json) {
		write_json(failure, &out);
	} else {
		write_lines(failure, &out);
	}
	(void)fflush(stdout); /* what was shown before stands before */
	(void)fwrite(out.data, 1, out.size, stderr);
	buf_fini(&out);
	json_free(failure->details);
	failure->details = NULL;
	return (int)failure->exit;
}
