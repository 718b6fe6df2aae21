/*
 * A line of the prompt or of a script: any bytes, taken apart and completed.
 *
 * What the words say, quoted again, must read the same way.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "complete.h"
#include "words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds) {
		abort();
	}
}

/* 'word', with its own quotes outside of them. */
static void
quote(const char *word, struct buf *out)
{
	check(buf_append(out, "'", 1) == GW_OK);
	for (; *word != '\0'; word++) {
		if (*word == '\'') {
			check(buf_append(out, "'\\''", 4) == GW_OK);
		} else {
			check(buf_append(out, word, 1) == GW_OK);
		}
	}
	check(buf_append(out, "' ", 2) == GW_OK);
}

static void
read_again(const struct words *words)
{
	struct words again;
	struct buf line;

	words_init(&again);
	buf_init(&line, 5 * WORDS_LINE_MAX_BYTES);
	for (size_t i = 0; i < words->count; i++) {
		quote(words->list[i], &line);
	}
	struct slice rest = buf_slice(&line);

	if (rest.size <= WORDS_LINE_MAX_BYTES) {
		check(words_take(&again, &rest) == GW_OK);
		check(rest.size == 0 && again.count == words->count);
		for (size_t i = 0; i < words->count; i++) {
			check(strcmp(words->list[i], again.list[i]) == 0);
		}
	}
	buf_fini(&line);
	words_fini(&again);
}

static void
complete(const struct words *words)
{
	char common[COMPLETE_TEXT_BYTES];
	struct complete_list list;

	complete_words(words, NULL, NULL, &list);
	(void)complete_common(&list, common, sizeof common);
	for (size_t i = 0; i < list.count; i++) {
		const struct complete_entry *entry = &list.entries[i];

		check(complete_help(&list, entry->text) == entry->help);
		check(!complete_offers(&list, entry) ||
		    strncmp(entry->text, common, strlen(common)) == 0);
	}
	complete_fini(&list);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = {(const char *)data, size};
	struct words words;

	words_init(&words);
	do {
		size_t before = rest.size;
		enum gw_err err = words_take(&words, &rest);

		check(rest.size < before || before == 0);
		check(!words.list[words.count]);
		if (err == GW_OK) {
			read_again(&words);
			complete(&words);
		}
	} while (rest.size > 0);
	words_fini(&words);
	return 0;
}
