#include "json_scan.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "json.h"
#include "text.h"

struct scan {
	const char *at;
	const char *end;
	unsigned depth;
};

static enum gw_err scan_value(struct scan *scan);

static bool
next_is(const struct scan *scan, char wanted)
{
	return scan->at < scan->end && *scan->at == wanted;
}

static bool
take(struct scan *scan, char wanted)
{
	bool there = next_is(scan, wanted);

	scan->at += there ? 1 : 0;
	return there;
}

static void
skip_blanks(struct scan *scan)
{
	while (
	    scan->at < scan->end && *scan->at != '\0' && strchr(" \t\r\n", *scan->at)) {
		scan->at++;
	}
}

static size_t
skip_digits(struct scan *scan)
{
	const char *begin = scan->at;

	while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') {
		scan->at++;
	}
	return (size_t)(scan->at - begin);
}

static enum gw_err
scan_number(struct scan *scan)
{
	(void)take(scan, '-');
	if (!take(scan, '0') && skip_digits(scan) == 0) {
		return GW_ERR_SYNTAX;
	}
	if (take(scan, '.') && skip_digits(scan) == 0) {
		return GW_ERR_SYNTAX;
	}
	if (take(scan, 'e') || take(scan, 'E')) {
		if (!take(scan, '+')) {
			(void)take(scan, '-');
		}
		if (skip_digits(scan) == 0) {
			return GW_ERR_SYNTAX;
		}
	}
	return GW_OK;
}

static bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	    (c >= 'A' && c <= 'F');
}

/* Behind the backslash.  Pairs of surrogates are cJSON's to check; U+0000 is refused,
 * because cJSON's strings end there. */
static enum gw_err
scan_escape(struct scan *scan)
{
	if (scan->at == scan->end) {
		return GW_ERR_SYNTAX;
	}
	char kind = *scan->at++;

	if (kind != 'u') {
		return kind != '\0' && strchr("\"\\/bfnrt", kind) ? GW_OK :
								    GW_ERR_SYNTAX;
	}
	if (scan->end - scan->at < 4 || memcmp(scan->at, "0000", 4) == 0) {
		return GW_ERR_SYNTAX;
	}
	for (int i = 0; i < 4; i++) {
		if (!is_hex(*scan->at++)) {
			return GW_ERR_SYNTAX;
		}
	}
	return GW_OK;
}

static enum gw_err
scan_string(struct scan *scan)
{
	enum gw_err err = take(scan, '"') ? GW_OK : GW_ERR_SYNTAX;

	while (err == GW_OK && !take(scan, '"')) {
		uint32_t code = 0;
		size_t size =
		    text_read((struct slice){scan->at, (size_t)(scan->end - scan->at)},
			&code);

		scan->at += size;
		if (size == 0 || code < 0x20) {
			err = GW_ERR_SYNTAX;
		} else if (code == '\\') {
			err = scan_escape(scan);
		}
	}
	return err;
}

static enum gw_err
scan_member(struct scan *scan)
{
	skip_blanks(scan);
	enum gw_err err = scan_string(scan);

	if (err != GW_OK) {
		return err;
	}
	skip_blanks(scan);
	return take(scan, ':') ? scan_value(scan) : GW_ERR_SYNTAX;
}

static enum gw_err
scan_container(struct scan *scan, char close)
{
	if (++scan->depth > JSON_MAX_DEPTH) {
		return GW_ERR_TOO_LARGE;
	}
	skip_blanks(scan);
	if (!take(scan, close)) {
		do {
			enum gw_err err =
			    close == '}' ? scan_member(scan) : scan_value(scan);

			if (err != GW_OK) {
				return err;
			}
		} while (take(scan, ','));
		if (!take(scan, close)) {
			return GW_ERR_SYNTAX;
		}
	}
	scan->depth--;
	return GW_OK;
}

static enum gw_err
scan_word(struct scan *scan)
{
	static const char *const words[] = {"true", "false", "null"};
	size_t left = (size_t)(scan->end - scan->at);

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		size_t size = strlen(words[i]);

		if (left >= size && memcmp(scan->at, words[i], size) == 0) {
			scan->at += size;
			return GW_OK;
		}
	}
	return GW_ERR_SYNTAX;
}

/* One value with the blanks around it; depth is bounded by scan_container(). */
static enum gw_err
scan_value(struct scan *scan)
{
	enum gw_err err;

	skip_blanks(scan);
	if (take(scan, '{')) {
		err = scan_container(scan, '}');
	} else if (take(scan, '[')) {
		err = scan_container(scan, ']');
	} else if (next_is(scan, '"')) {
		err = scan_string(scan);
	} else if (next_is(scan, '-') ||
	    (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')) {
		err = scan_number(scan);
	} else {
		err = scan_word(scan);
	}
	skip_blanks(scan);
	return err;
}

enum gw_err
json_scan(struct slice text)
{
	struct scan scan = {.at = text.data, .end = text.data + text.size};
	enum gw_err err = scan_value(&scan);

	return err == GW_OK && scan.at != scan.end ? GW_ERR_SYNTAX : err;
}
