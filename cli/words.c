#include "words.h"

#include <string.h>

/* Where each word begins in the text, which may move while it grows. */
struct scan {
	struct words *words;
	struct slice rest;
	size_t starts[WORDS_MAX];
	char quote;   /* inside of it */
	bool in_word; /* quotes make a word, even an empty one */
};

void
words_init(struct words *words)
{
	*words = (struct words){.count = 0};
	/* Each byte makes at most itself and the NUL behind a word. */
	buf_init(&words->text, 2 * WORDS_LINE_MAX_BYTES);
}

void
words_fini(struct words *words)
{
	buf_fini(&words->text);
	words_init(words);
}

static bool
is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' ||
	    byte == '\v' || byte == '\f';
}

static enum gw_err
begin_word(struct scan *scan)
{
	if (scan->in_word) {
		return GW_OK;
	}
	if (scan->words->count == WORDS_MAX) {
		return GW_ERR_TOO_LARGE;
	}
	scan->starts[scan->words->count++] = scan->words->text.size;
	scan->in_word = true;
	return GW_OK;
}

static enum gw_err
end_word(struct scan *scan)
{
	if (!scan->in_word) {
		return GW_OK;
	}
	scan->in_word = false;
	return buf_append(&scan->words->text, "", 1);
}

static enum gw_err
put(struct scan *scan, char byte)
{
	enum gw_err err = begin_word(scan);

	return err == GW_OK ? buf_append(&scan->words->text, &byte, 1) : err;
}

static char
take(struct scan *scan)
{
	char byte = scan->rest.data[0];

	scan->rest.data++;
	scan->rest.size--;
	return byte;
}

/* The byte behind a backslash; in double quotes most backslashes stand for themselves.
 */
static enum gw_err
take_escaped(struct scan *scan)
{
	if (scan->rest.size == 0) {
		scan->words->open_quote = '\\';
		return begin_word(scan);
	}
	char byte = take(scan);

	if (scan->quote == '"' && !strchr("\"\\$`", byte)) {
		enum gw_err err = put(scan, '\\');

		return err == GW_OK ? put(scan, byte) : err;
	}
	return put(scan, byte);
}

static enum gw_err
take_quoted(struct scan *scan, char byte)
{
	if (byte == scan->quote) {
		scan->quote = '\0';
		return GW_OK;
	}
	return byte == '\\' && scan->quote == '"' ? take_escaped(scan) :
						    put(scan, byte);
}

static void
skip_comment(struct scan *scan)
{
	const char *end = memchr(scan->rest.data, '\n', scan->rest.size);
	size_t size = end ? (size_t)(end - scan->rest.data) : scan->rest.size;

	scan->words->open_comment = !end;
	scan->rest = (struct slice){scan->rest.data + size, scan->rest.size - size};
}

/* Outside of quotes. */
static enum gw_err
take_plain(struct scan *scan, char byte)
{
	if (is_blank(byte)) {
		return end_word(scan);
	}
	switch (byte) {
	case '\'':
	case '"':
		scan->quote = byte;
		return begin_word(scan);
	case '\\':
		return take_escaped(scan);
	case '#':
		if (!scan->in_word) {
			skip_comment(scan);
			return GW_OK;
		}
		break;
	default:
		break;
	}
	return put(scan, byte);
}

static enum gw_err
scan_command(struct scan *scan)
{
	enum gw_err err = GW_OK;

	while (err == GW_OK && scan->rest.size > 0) {
		char byte = take(scan);

		if (byte == '\0') {
			return GW_ERR_SYNTAX;
		}
		if (scan->quote) {
			err = take_quoted(scan, byte);
		} else if (byte == ';') {
			return end_word(scan);
		} else {
			err = take_plain(scan, byte);
		}
	}
	if (scan->quote) {
		scan->words->open_quote = scan->quote;
	}
	scan->words->open_word = scan->in_word;
	return err == GW_OK ? end_word(scan) : err;
}

enum gw_err
words_take(struct words *words, struct slice *line)
{
	struct scan scan = {.words = words, .rest = *line};

	words->count = 0;
	words->open_quote = '\0';
	words->open_word = false;
	words->open_comment = false;
	buf_clear(&words->text);
	if (line->size > WORDS_LINE_MAX_BYTES) {
		*line = (struct slice){line->data + line->size, 0};
		words->list[0] = NULL;
		return GW_ERR_TOO_LARGE;
	}
	enum gw_err err = scan_command(&scan);

	*line = scan.rest;
	words->count = err == GW_OK ? words->count : 0;
	for (size_t i = 0; i < words->count; i++) {
		words->list[i] = words->text.data + scan.starts[i];
	}
	words->list[words->count] = NULL;
	return err;
}

const char *
words_problem(const struct words *words, enum gw_err err)
{
	if (err == GW_ERR_SYNTAX) {
		return "the line holds a NUL byte";
	}
	if (err != GW_OK) {
		return "the line is too long";
	}
	switch (words->open_quote) {
	case '\'':
		return "a ' is not closed";
	case '"':
		return "a \" is not closed";
	case '\\':
		return "nothing follows the backslash at the end of the line";
	default:
		return NULL;
	}
}
