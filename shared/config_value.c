/* One value: text -> field -> text, by the type of its row. */
#include "config_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "duration.h"
#include "log.h"
#include "xalloc.h"

/* Numbers, words and lists are shorter. */
#define WORD_ROOM 1024
#define NAME_ROOM 32

__attribute__((format(printf, 3, 4))) static enum gw_err
refuse(enum gw_err err, char *reason, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(reason, CONFIG_REASON_ROOM, format, args);
	va_end(args);
	return err;
}

/* ---- text -> field ---- */

static enum gw_err
set_bool(const char *text, bool *out, char *reason)
{
	static const char *const words[][2] = {
	    {"false", "true"},
	    {"0", "1"},
	    {"no", "yes"},
	    {"off", "on"},
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		for (int value = 0; value <= 1; value++) {
			if (strcasecmp(text, words[i][value]) == 0) {
				*out = value == 1;
				return GW_OK;
			}
		}
	}
	return refuse(GW_ERR_SYNTAX, reason, "neither true nor false");
}

static enum gw_err
set_integer(const struct config_option *option, const char *text, int64_t *out,
    char *reason)
{
	char *end;
	const char *digits = text + (*text == '-' || *text == '+' ? 1 : 0);

	if (*digits == '\0' || strspn(digits, "0123456789") != strlen(digits)) {
		return refuse(GW_ERR_SYNTAX, reason, "not a whole number");
	}
	/* Too large a number gives LLONG_MAX, which no range holds. */
	long long number = strtoll(text, &end, 10);

	if (number < option->min || number > option->max) {
		return refuse(GW_ERR_RANGE, reason, "out of range");
	}
	*out = number;
	return GW_OK;
}

static enum gw_err
set_duration(const struct config_option *option, const char *text, mono_ns *out,
    char *reason)
{
	mono_ns duration = 0;
	enum gw_err err = duration_parse(text, &duration);

	if (err == GW_ERR_SYNTAX) {
		return refuse(err, reason, "not a duration");
	}
	if (err != GW_OK || duration < option->min || duration > option->max) {
		return refuse(GW_ERR_RANGE, reason, "out of range");
	}
	*out = duration;
	return GW_OK;
}

/* The word of "a|b|c" that text is, without regard to case; -1 where it is none. */
static int
word_index(const char *words, const char *text)
{
	size_t size = strlen(text);

	for (int index = 0;; index++) {
		size_t word = strcspn(words, "|");

		if (word == size && strncasecmp(words, text, size) == 0) {
			return index;
		}
		if (words[word] == '\0') {
			return -1;
		}
		words += word + 1;
	}
}

struct slice
config_word_at(const char *words, int index)
{
	for (; index > 0; index--) {
		words += strcspn(words, "|") + 1;
	}
	return (struct slice){words, strcspn(words, "|")};
}

static enum gw_err
set_choice(const struct config_option *option, const char *text, int *out, char *reason)
{
	const char *words = option->unit;
	enum log_level level;
	int index = word_index(words, text);

	/* The other names that LOG_LEVEL has in the wild. */
	if (index < 0 && option == config_option(CONFIG_ID_log_level) &&
	    log_level_parse(text, &level)) {
		index = (int)level;
	}
	if (index < 0) {
		struct config_nearest nearest;
		char word[NAME_ROOM];
		char best[NAME_ROOM] = "";

		config_nearest_init(&nearest, text);
		for (const char *at = words; *at != '\0'; at += *at == '|' ? 1 : 0) {
			size_t size = strcspn(at, "|");
			size_t before = nearest.distance;

			(void)slice_copy((struct slice){at, size}, word, sizeof word);
			config_nearest_offer(&nearest, word);
			if (nearest.distance < before) {
				memcpy(best, word, sizeof best);
			}
			at += size;
		}
		return refuse(GW_ERR_UNKNOWN, reason, "none of the allowed words%s%s",
		    best[0] ? "; nearest: " : "", best);
	}
	*out = index;
	return GW_OK;
}

static enum gw_err
set_text(const struct config_option *option, const char *text, char **out, char *reason)
{
	enum gw_err err = config_check_text(option, text, reason);
	size_t size = strlen(text);

	if (err != GW_OK) {
		return err;
	}
	/* So that "BASE/path" never has two slashes. */
	while (option->type == CONFIG_URL && size > 0 && text[size - 1] == '/') {
		size--;
	}
	free(*out);
	*out = xstrndup(text, size);
	return GW_OK;
}

/* Only newlines at the end go: an editor puts them there, and no token has one. */
static enum gw_err
set_secret(const char *text, struct secret **out)
{
	size_t size = strlen(text);

	while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r')) {
		size--;
	}
	secret_free(*out);
	*out = size > 0 ? secret_new(text, size) : NULL;
	return GW_OK;
}

void
config_list_clear(struct config_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i]);
	}
	free(list->items);
	*list = (struct config_list){NULL, 0};
}

static enum gw_err
set_list(const struct config_option *option, const char *text, struct config_list *out,
    char *reason)
{
	/* Of ids people write what a script printed: contract, section 3. */
	const char *separators =
	    strcmp(option->unit, "snowflake") == 0 ? ",;|[] \t" : ", \t";
	size_t max = (size_t)option->max;
	struct config_list list = {xzalloc(max * sizeof *list.items), 0};
	enum gw_err err = GW_OK;

	for (text += strspn(text, separators); *text != '\0' && err == GW_OK;
	     text += strspn(text, separators)) {
		size_t size = strcspn(text, separators);

		if (list.count == max) {
			err = refuse(GW_ERR_RANGE, reason, "more than %zu items", max);
			break;
		}
		list.items[list.count] = xstrndup(text, size);
		err = config_check_item(option, list.items[list.count], reason);
		list.count++;
		text += size;
	}
	if (err == GW_OK && list.count < (size_t)option->min) {
		err = refuse(GW_ERR_RANGE, reason, "empty");
	}
	if (err != GW_OK) {
		config_list_clear(&list);
		return err;
	}
	config_list_clear(out);
	*out = list;
	return GW_OK;
}

/* A text of words with a mark between them, as config_file.c makes it. */
static enum gw_err
set_words(const struct config_option *option, const char *text, struct config_list *out,
    char *reason)
{
	size_t max = (size_t)option->max;
	struct config_list list = {xzalloc(max * sizeof *list.items), 0};
	enum gw_err err = GW_OK;

	/* Behind the last mark there is a word as well, if only an empty one. */
	for (const char *at = text; at && err == GW_OK;) {
		const char *mark = strchr(at, CONFIG_WORDS_MARK);

		if (list.count == max) {
			err = refuse(GW_ERR_RANGE, reason, "more than %zu words", max);
			break;
		}
		list.items[list.count++] =
		    xstrndup(at, mark ? (size_t)(mark - at) : strlen(at));
		at = mark ? mark + 1 : NULL;
	}
	if (err == GW_OK && list.items[0][0] != '/') {
		err = refuse(GW_ERR_SYNTAX, reason,
		    "the first word is no whole path that begins with /");
	}
	if (err != GW_OK) {
		config_list_clear(&list);
		return err;
	}
	config_list_clear(out);
	*out = list;
	return GW_OK;
}

/* A list of groups stands in a file only. */
static enum gw_err
set_groups(const struct config_option *option, const char *text,
    struct config_groups *out, char *reason)
{
	if (*text != '\0') {
		return refuse(GW_ERR_TYPE, reason, "a list stands in a file only");
	}
	config_groups_clear(config_rows(option), out);
	return GW_OK;
}

/* Blanks around a value mean something in texts only. */
static bool
trim(const char *text, char *out, size_t room)
{
	text += strspn(text, " \t\r\n");
	size_t size = strlen(text);

	while (size > 0 && strchr(" \t\r\n", text[size - 1])) {
		size--;
	}
	return slice_copy((struct slice){text, size}, out, room);
}

static bool
is_text(enum config_type type)
{
	return type == CONFIG_TEXT || type == CONFIG_PATH || type == CONFIG_URL ||
	    type == CONFIG_JSON || type == CONFIG_SECRET || type == CONFIG_WORDS;
}

enum gw_err
config_field_set(const struct config_option *option, void *field, const char *text,
    char reason[CONFIG_REASON_ROOM])
{
	char word[WORD_ROOM];

	if (!trim(text, word, sizeof word) && !is_text(option->type)) {
		return refuse(GW_ERR_RANGE, reason, "too long");
	}
	switch (option->type) {
	case CONFIG_BOOL:
		return set_bool(word, field, reason);
	case CONFIG_INTEGER:
		return set_integer(option, word, field, reason);
	case CONFIG_DURATION:
		return set_duration(option, word, field, reason);
	case CONFIG_TEXT:
	case CONFIG_PATH:
	case CONFIG_URL:
	case CONFIG_JSON:
		return set_text(option, text, field, reason);
	case CONFIG_SECRET:
		return set_secret(text, field);
	case CONFIG_CHOICE:
		return set_choice(option, word, field, reason);
	case CONFIG_LIST:
		return set_list(option, word, field, reason);
	case CONFIG_INTENTS:
		return config_parse_intents(option, word, field, reason);
	case CONFIG_SHARDS:
		return config_parse_shards(option, word, field, reason);
	case CONFIG_WORDS:
		return set_words(option, text, field, reason);
	case CONFIG_GROUPS:
		return set_groups(option, word, field, reason);
	}
	return GW_ERR_UNKNOWN;
}

enum gw_err
config_value_set(struct config *config, enum config_id id, const char *text,
    char reason[CONFIG_REASON_ROOM])
{
	return config_field_set(config_option(id), config_field_of(config, id), text,
	    reason);
}

void
config_value_clear(struct config *config, enum config_id id)
{
	config_field_clear(config_option(id), config_field_of(config, id));
}

void
config_field_clear(const struct config_option *option, void *field)
{
	switch (option->type) {
	case CONFIG_TEXT:
	case CONFIG_PATH:
	case CONFIG_URL:
	case CONFIG_JSON:
		free(*(char **)field);
		*(char **)field = NULL;
		return;
	case CONFIG_SECRET:
		secret_free(*(struct secret **)field);
		*(struct secret **)field = NULL;
		return;
	case CONFIG_LIST:
	case CONFIG_WORDS:
		config_list_clear(field);
		return;
	case CONFIG_GROUPS:
		config_groups_clear(config_rows(option), field);
		return;
	case CONFIG_BOOL:
	case CONFIG_INTEGER:
	case CONFIG_DURATION:
	case CONFIG_CHOICE:
	case CONFIG_INTENTS:
	case CONFIG_SHARDS:
		return;
	}
}

/* ---- field -> text ---- */

static enum gw_err
put_list(const struct config_list *list, const char *quote, struct buf *out)
{
	enum gw_err err = GW_OK;

	for (size_t i = 0; i < list->count && err == GW_OK; i++) {
		err = buf_printf(out, "%s%s%s%s", i > 0 ? ", " : "", quote,
		    list->items[i], quote);
	}
	return err;
}

static enum gw_err
put_duration(mono_ns duration, const char *quote, struct buf *out)
{
	char text[DURATION_TEXT_ROOM];

	duration_format(duration, text, sizeof text);
	return buf_printf(out, "%s%s%s", quote, text, quote);
}

static enum gw_err
put_word(const struct config_option *option, int index, const char *quote,
    struct buf *out)
{
	struct slice word = config_word_at(option->unit, index);

	return buf_printf(out, "%s%.*s%s", quote, (int)word.size, word.data, quote);
}

static enum gw_err
put_secret(const struct secret *secret, struct buf *out)
{
	return buf_printf(out, "%s", secret ? "(set)" : "(not set)");
}

/* Only what libconfig reads back: \" \\ \n \t \r, other bytes as they are. */
enum gw_err
config_put_quoted(const char *text, struct buf *out)
{
	enum gw_err err = buf_append(out, "\"", 1);

	for (; *text != '\0' && err == GW_OK; text++) {
		static const char plain[] = "\"\\\n\t\r";
		static const char names[] = "\"\\ntr";
		const char *at = strchr(plain, *text);

		if (at) {
			char pair[2] = {'\\', names[at - plain]};

			err = buf_append(out, pair, sizeof pair);
		} else if ((unsigned char)*text < 0x20) {
			err = buf_printf(out, "\\x%02x", (unsigned)*text);
		} else {
			err = buf_append(out, text, 1);
		}
	}
	return err == GW_OK ? buf_append(out, "\"", 1) : err;
}

static enum gw_err
put_words(const struct config_list *list, bool literal, struct buf *out)
{
	enum gw_err err = literal ? buf_append(out, "[", 1) : GW_OK;

	for (size_t i = 0; i < list->count && err == GW_OK; i++) {
		const char *before = i == 0 ? "" : literal ? ", " : " ";

		err = buf_printf(out, "%s", before);
		if (err == GW_OK) {
			err = literal ? config_put_quoted(list->items[i], out) :
					buf_printf(out, "%s", list->items[i]);
		}
	}
	return err == GW_OK && literal ? buf_append(out, "]", 1) : err;
}

static enum gw_err
put_text(const char *text, bool literal, struct buf *out)
{
	return literal ? config_put_quoted(text, out) : buf_printf(out, "%s", text);
}

static enum gw_err
put_intents(uint32_t intents, bool literal, struct buf *out)
{
	if (intents == 0) {
		return buf_append(out, "0", 1);
	}
	return config_intents_text(intents, literal ? "\"" : "", ", ", out);
}

static enum gw_err
put_value(const struct config_option *option, const void *field, bool literal,
    struct buf *out)
{
	const char *quote = literal ? "\"" : "";

	switch (option->type) {
	case CONFIG_BOOL:
		return buf_printf(out, "%s", *(const bool *)field ? "true" : "false");
	case CONFIG_INTEGER:
		return buf_printf(out, "%" PRId64, *(const int64_t *)field);
	case CONFIG_DURATION:
		return put_duration(*(const mono_ns *)field, quote, out);
	case CONFIG_TEXT:
	case CONFIG_PATH:
	case CONFIG_URL:
	case CONFIG_JSON:
		return put_text(*(char *const *)field, literal, out);
	case CONFIG_SECRET:
		return put_secret(*(struct secret *const *)field, out);
	case CONFIG_CHOICE:
		return put_word(option, *(const int *)field, quote, out);
	case CONFIG_LIST:
		return put_list(field, quote, out);
	case CONFIG_INTENTS:
		return put_intents(*(const uint32_t *)field, literal, out);
	case CONFIG_SHARDS:
		return config_shards_text(field, quote, out);
	case CONFIG_WORDS:
		return put_words(field, literal, out);
	case CONFIG_GROUPS:
		return config_groups_text(config_rows(option), field, out);
	}
	return GW_ERR_UNKNOWN;
}

enum gw_err
config_field_text(const struct config_option *option, const void *field, bool literal,
    struct buf *out)
{
	bool list = option->type == CONFIG_LIST;
	bool some = option->type == CONFIG_INTENTS && *(const uint32_t *)field != 0;
	bool array = literal && (list || some);
	enum gw_err err = array ? buf_append(out, "[", 1) : GW_OK;

	if (err == GW_OK) {
		err = put_value(option, field, literal, out);
	}
	return err == GW_OK && array ? buf_append(out, "]", 1) : err;
}

enum gw_err
config_value_text(const struct config *config, size_t index, struct buf *out)
{
	return config_field_text(config_option(index),
	    config_field_at(config, (enum config_id)index), false, out);
}

enum gw_err
config_value_literal(const struct config *config, enum config_id id, struct buf *out)
{
	return config_field_text(config_option(id), config_field_at(config, id), true,
	    out);
}
