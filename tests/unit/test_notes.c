/* From events of the log to the lines of the feed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json.h"
#include "notes.h"

/* The linker's --wrap=realloc: how often it works before it fails; -1: always. */
static int reallocs_left = -1;

void *real_realloc(void *old, size_t size) __asm__("__real_realloc");
void *counted_realloc(void *old, size_t size) __asm__("__wrap_realloc");

void *
counted_realloc(void *old, size_t size)
{
	if (reallocs_left == 0) {
		return NULL;
	}
	reallocs_left -= reallocs_left > 0 ? 1 : 0;
	return real_realloc(old, size);
}

#define MAKE(out, level, name, ...)                                  \
	note_make(&(struct log_event){level, name,                   \
		      (const struct log_kv[]){__VA_ARGS__},          \
		      sizeof((const struct log_kv[]){__VA_ARGS__}) / \
			  sizeof(struct log_kv)},                    \
	    NULL, out)

static void
an_event_without_a_row_is_none_of_the_feed(void **state)
{
	struct note note;

	(void)state;
	assert_false(MAKE(&note, LOG_LEVEL_INFO, "status", KV("shard", 0)));
	assert_false(MAKE(&note, LOG_LEVEL_ERROR, "", KV("shard", 0)));
}

static void
values_stand_in_the_text_and_in_the_fields(void **state)
{
	struct note note;

	(void)state;
	assert_true(MAKE(&note, LOG_LEVEL_WARNING, "host_slept", KV("seconds", 35.25)));
	assert_string_equal(note.type, "host.slept");
	assert_int_equal(note.level, LOG_LEVEL_WARNING);
	assert_int_equal(note.shard, -1);
	assert_string_equal(note.text,
	    "the host slept for 35 s: every connection is made anew");
	assert_string_equal(note.fields, "{\"seconds\":35.25}");
}

static void
a_shard_is_a_member_of_its_own(void **state)
{
	struct note note;

	(void)state;
	assert_true(MAKE(&note, LOG_LEVEL_INFO, "identify", KV("shard", 7U),
	    KV("left_today", 42)));
	assert_int_equal(note.shard, 7);
	assert_string_equal(note.fields, "{\"left_today\":42}");
}

static void
without_memory_a_line_loses_its_text_and_fields(void **state)
{
	struct note note;

	(void)state;
	for (reallocs_left = 0; reallocs_left < 3; reallocs_left++) {
		int left = reallocs_left;

		assert_true(MAKE(&note, LOG_LEVEL_INFO, "identify", KV("shard", 7U),
		    KV("left_today", 42)));
		assert_int_equal(note.shard, 7);
		if (left == 0) {
			assert_string_equal(note.text, "");
			assert_string_equal(note.fields, "{}");
		}
		reallocs_left = left;
	}
	reallocs_left = -1;
}

static void
brackets_are_left_out_where_something_is_missing(void **state)
{
	struct note note;

	(void)state;
	assert_true(MAKE(&note, LOG_LEVEL_WARNING, "shard_state", KV("shard", 0),
	    KV("from", "ready"), KV("to", "backing off"), KV("cure", "new session"),
	    KV("next_try_s", 1.5), KV("cause", "closed"), KV("code", 4009),
	    KV("reason", "session timed out")));
	assert_string_equal(note.type, "shard.lost");
	assert_string_equal(note.text,
	    "lost: session timed out; cure: new session, in 1.5 s");
	assert_non_null(strstr(note.fields, "\"code\":4009"));
	assert_true(MAKE(&note, LOG_LEVEL_WARNING, "shard_state", KV("shard", 0),
	    KV("from", "ready"), KV("to", "connecting"), KV("cause", "asked"),
	    KV("reason", "a fresh connection was asked for")));
	assert_string_equal(note.text, "lost: a fresh connection was asked for");
	assert_true(MAKE(&note, LOG_LEVEL_INFO, "control_command",
	    KV("command", "reload"), KV("args", ""), KV("uid", 1000), KV("pid", 12)));
	assert_string_equal(note.text, "reload, by uid 1000, pid 12");
}

static void
the_first_row_that_fits_counts(void **state)
{
	static const struct {
		const char *from;
		const char *to;
		const char *cause; /* NULL: none */
		const char *type;
	} cases[] = {
	    {"idle", "waiting for an identify slot", NULL, "shard.waiting"},
	    {"idle", "backing off", NULL, "shard.backoff"},
	    {"backing off", "connecting", NULL, "shard.connecting"},
	    {"connecting", "waiting for hello", NULL, "shard.opened"},
	    {"waiting for hello", "identifying", NULL, "shard.identifying"},
	    {"waiting for hello", "resuming", NULL, "shard.resuming"},
	    {"identifying", "ready", NULL, "shard.ready"},
	    {"resuming", "ready", NULL, "shard.resumed"},
	    {"ready", "backing off", "closed", "shard.lost"},
	    {"ready", "connecting", "broken", "shard.lost"},
	    {"ready", "connecting", "op7", "shard.op7"},
	    {"ready", "waiting for an identify slot", "op9", "shard.op9"},
	    {"resuming", "backing off", "op9", "shard.op9"},
	    {"ready", "backing off", "zombie", "shard.zombie"},
	    {"resuming", "backing off", "timeout", "shard.failed"},
	    {"connecting", "connecting", "broken", "shard.failed"},
	    {"ready", "stopped", NULL, "shard.stopped"},
	    {"identifying", "refused by Discord", "closed", "shard.refused"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct log_kv pairs[] = {
		    KV("shard", 1),
		    KV("from", cases[i].from),
		    KV("to", cases[i].to),
		    KV("host", "h"),
		    KV("seq", 5),
		    KV("reason", "r"),
		    KV("cause", cases[i].cause),
		};
		struct log_event event = {LOG_LEVEL_DEBUG, "shard_state", pairs,
		    cases[i].cause ? 7 : 6};
		struct note note;

		assert_true(note_make(&event, NULL, &note));
		assert_string_equal(note.type, cases[i].type);
		assert_int_equal(note.level, LOG_LEVEL_INFO);
		assert_true(note.text[0] != '\0');
	}
}

/* Every row, with every key that it names and with none of them. */
static void
rows_are_well_formed(void **state)
{
	static const struct {
		const char *event;
		const char *type;
		const char *text;
	} rows[] = {
#define NOTE(event, when, type, text) {event, type, text},
#include "notes.def"
#undef NOTE
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *text = rows[i].text;
		bool open = false;
		bool key = false;

		assert_true(strlen(rows[i].type) <= FEED_TYPE_MAX_BYTES);
		assert_non_null(strchr(rows[i].type, '.'));
		for (const char *c = rows[i].type; *c; c++) {
			assert_true((*c >= 'a' && *c <= 'z') ||
			    (*c >= '0' && *c <= '9') || *c == '.');
		}
		for (; *text; text++) {
			assert_false(*text == '[' && open);
			assert_false(*text == ']' && !open);
			assert_false(*text == '{' && key);
			assert_false(*text == '}' && !key);
			open = (open || *text == '[') && *text != ']';
			key = (key || *text == '{') && *text != '}';
		}
		assert_false(open || key);
		struct log_event bare = {LOG_LEVEL_INFO, rows[i].event, NULL, 0};
		struct note note;

		(void)note_make(&bare, NULL, &note);
	}
}

static void
what_peers_say_cannot_forge_a_line(void **state)
{
	struct note note;
	struct json *fields;

	(void)state;
	assert_true(MAKE(&note, LOG_LEVEL_ERROR, "gateway_not_found",
	    KV("reason", "a\nb\033[31m\"c\\ \xff")));
	assert_null(strchr(note.text, '\n'));
	assert_null(strchr(note.text, '\033'));
	assert_int_equal(json_parse(slice_of(note.fields), sizeof note.fields, &fields),
	    GW_OK);
	json_free(fields);
}

static void
long_values_are_cut_and_the_fields_stay_json(void **state)
{
	static char quotes[4000];
	struct log_kv pairs[12];
	struct note note;
	struct json *fields;

	(void)state;
	memset(quotes, '\001', sizeof quotes - 1);
	for (size_t i = 0; i < 12; i++) {
		static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g",
		    "h", "i", "j", "k", "reason"};

		pairs[i] = log_kv_text(keys[i], quotes);
	}
	const struct log_event event = {LOG_LEVEL_INFO, "gateway_not_found", pairs, 12};

	assert_true(note_make(&event, NULL, &note));
	assert_in_range(strlen(note.text), 400, FEED_TEXT_MAX_BYTES);
	assert_int_equal(json_parse(slice_of(note.fields), sizeof note.fields, &fields),
	    GW_OK);
	assert_in_range(json_count(fields), 1, 11);
	json_free(fields);
}

static void
a_secret_is_masked_wherever_a_text_is_cut(void **state)
{
	static const char token[] =
	    "MTAwMDAwMDAwMDAwMDAwMDAw.CANARY.token-that-must-never-be-printed-anywhere";
	struct secret *secret = secret_new(token, sizeof token - 1);
	char value[2048];

	(void)state;
	for (size_t before = 0; before < 1200; before++) {
		struct log_kv pair;
		struct log_event event = {LOG_LEVEL_INFO, "gateway_not_found", &pair,
		    1};
		struct note note;

		memset(value, 'x', before);
		(void)snprintf(value + before, sizeof value - before, "%s and more",
		    token);
		pair = log_kv_text("reason", value);
		assert_true(note_make(&event, secret, &note));
		assert_null(strstr(note.text, "MTAwMDAw"));
		assert_null(strstr(note.fields, "MTAwMDAw"));
	}
	secret_free(secret);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_event_without_a_row_is_none_of_the_feed),
	    cmocka_unit_test(values_stand_in_the_text_and_in_the_fields),
	    cmocka_unit_test(a_shard_is_a_member_of_its_own),
	    cmocka_unit_test(without_memory_a_line_loses_its_text_and_fields),
	    cmocka_unit_test(brackets_are_left_out_where_something_is_missing),
	    cmocka_unit_test(the_first_row_that_fits_counts),
	    cmocka_unit_test(rows_are_well_formed),
	    cmocka_unit_test(what_peers_say_cannot_forge_a_line),
	    cmocka_unit_test(long_values_are_cut_and_the_fields_stay_json),
	    cmocka_unit_test(a_secret_is_masked_wherever_a_text_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
