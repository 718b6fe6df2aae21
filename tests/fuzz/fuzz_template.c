/*
 * Templates: what was checked can be sent, and nothing that a person wrote has an
 * effect in it.
 *
 * Input: a byte for the place, the template, and behind a zero byte what people wrote.
 */
#include <stdbool.h>
#include <string.h>

#include "must.h"
#include "template.h"
#include "utf8.h"

#define OUT_BYTES 65536

static bool
is_text(struct slice text)
{
	for (size_t i = 0; i < text.size;) {
		size_t length =
		    utf8_length((const unsigned char *)text.data + i, text.size - i);

		if (length == 0) {
			return false;
		}
		i += length;
	}
	return true;
}

/* Behind an "@" or "<" stands U+200B, and a mark of Markdown has its backslash. */
static void
check_tame(struct slice text)
{
	static const char gap[] = "\xE2\x80\x8B";

	for (size_t i = 0; i < text.size; i++) {
		char at = text.data[i];

		if (at == '\\') {
			i++; /* whatever follows is meant as itself */
			MUST(i < text.size);
			continue;
		}
		MUST(at == '\0' || !strchr("*_~`|", at));
		if (at == '@' || at == '<') {
			MUST(i + sizeof gap - 1 < text.size);
			MUST(memcmp(text.data + i + 1, gap, sizeof gap - 1) == 0);
		}
	}
}

static void
check_escape(struct slice people)
{
	struct buf out;

	buf_init(&out, OUT_BYTES);
	if (template_escape(people, &out) == GW_OK) {
		MUST(!is_text(people) || is_text(buf_slice(&out)));
		check_tame(buf_slice(&out));
	}
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char places[] = {TEMPLATE_COMMAND, TEMPLATE_JOIN, TEMPLATE_POST};
	struct template_values values = {0};
	char reason[200] = "";
	struct buf out;

	if (size == 0) {
		return 0;
	}
	char where = places[data[0] % sizeof places];
	const uint8_t *end = memchr(data + 1, 0, size - 1);
	struct slice text = {(const char *)data + 1,
	    end ? (size_t)(end - data - 1) : size - 1};
	struct slice people = {NULL, 0};

	if (end) {
		people = (struct slice){(const char *)end + 1, size - text.size - 2};
	}
	for (size_t i = 0; i < TEMPLATE_COUNT; i++) {
		values.at[i] = people;
	}
	buf_init(&out, OUT_BYTES);
	enum gw_err checked = template_check(text, where, reason, sizeof reason);
	enum gw_err sent = template_expand(text, where, &values, &out);

	MUST((checked == GW_OK) == (reason[0] == '\0'));
	MUST(sent == checked || sent == GW_ERR_TOO_LARGE);
	MUST(checked != GW_OK ||
	    template_check(text, 0, reason, sizeof reason) == GW_OK);
	buf_fini(&out);
	check_escape(people);
	return 0;
}
