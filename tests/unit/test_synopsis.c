/* The synopsis of a command: its grammar, spelled out into flat forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "commands.h"
#include "synopsis.h"

#define TEXT_ROOM 512

static void
put_item(struct buf *out, const struct synopsis_item *item)
{
	static const char kinds[] = {'w', 'v', 'f'};

	(void)buf_printf(out, " %c:%.*s", kinds[item->kind], (int)item->name.size,
	    item->name.data);
	if (item->value.size > 0) {
		(void)buf_printf(out, "%s%.*s", item->attached ? "=" : "<",
		    (int)item->value.size, item->value.data);
	}
	(void)buf_printf(out, "%s%s", item->many ? "+" : "", item->optional ? "?" : "");
}

/* The forms as a line: " w:set v:KEY f:--for<D? /" */
static void
assert_forms(const char *text, const char *expected)
{
	struct synopsis synopsis;
	struct buf out;

	assert_true(synopsis_parse(text, &synopsis));
	buf_init(&out, TEXT_ROOM);
	for (size_t i = 0; i < synopsis.count; i++) {
		for (size_t j = 0; j < synopsis.forms[i].count; j++) {
			put_item(&out, &synopsis.forms[i].items[j]);
		}
		(void)buf_printf(&out, " /");
	}
	assert_int_equal(buf_append(&out, "", 1), GW_OK);
	assert_string_equal(out.data, expected);
	buf_fini(&out);
}

static void
every_kind_of_word_is_known(void **state)
{
	(void)state;
	assert_forms("", " /");
	assert_forms("SHARD", " v:SHARD /");
	assert_forms("[SHARD]", " v:SHARD? /");
	assert_forms("FAULT [ARG...]", " v:FAULT v:ARG+? /");
	assert_forms("ID...", " v:ID+ /");
	assert_forms("on|off", " w:on|off /");
	assert_forms("[SHARD] [--fresh]", " v:SHARD? f:--fresh? /");
	assert_forms("  list   KEY ", " w:list v:KEY /");
	assert_forms("KEY|CODE", " v:KEY|CODE /");
}

static void
flags_take_the_value_behind_them(void **state)
{
	(void)state;
	assert_forms("[-f] [--type GLOB] [--shard N]",
	    " f:-f? f:--type<GLOB? f:--shard<N? /");
	assert_forms("[--watch=[S]] [--for=D]", " f:--watch=S? f:--for<D? /");
	assert_forms("LEVEL [--for D]", " v:LEVEL f:--for<D? /");
	assert_forms("--all list", " f:--all w:list /");
}

static void
choices_are_spelled_out(void **state)
{
	(void)state;
	assert_forms("[set KEY VALUE [--for D] | reset [KEY]]",
	    " / w:set v:KEY v:VALUE f:--for<D? / w:reset v:KEY? /");
	assert_forms("run NAME | list", " w:run v:NAME / w:list /");
	assert_forms("A [B C] [D E]",
	    " v:A / v:A v:D v:E / v:A v:B v:C / v:A v:B v:C v:D v:E /");
}

static void
what_breaks_the_grammar_is_refused(void **state)
{
	static const char *const texts[] = {"[SHARD", "SHARD]", "[]", "-",
	    "--x=", "[A]B", "A B C D E F G H I J K L M", "[a b] [c d] [e f] [g h]",
	    "[[[[[A B]]]]]", "a...b"};
	struct synopsis synopsis;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		assert_false(synopsis_parse(texts[i], &synopsis));
	}
}

static void
a_choice_of_words_is_each_of_them(void **state)
{
	const struct synopsis_item item = {.kind = SYNOPSIS_WORD,
	    .name = SLICE_LITERAL("on|off")};
	struct slice word;

	(void)state;
	assert_true(synopsis_choice(item.name, 1, &word));
	assert_true(slice_equal(word, SLICE_LITERAL("off")));
	assert_false(synopsis_choice(item.name, 2, &word));
	assert_true(synopsis_is_word(&item, SLICE_LITERAL("on")));
	assert_false(synopsis_is_word(&item, SLICE_LITERAL("o")));
	assert_false(synopsis_is_word(&item, SLICE_LITERAL("on|off")));
	assert_false(synopsis_is_word(&item, SLICE_LITERAL("")));
}

static void
the_synopsis_of_every_command_can_be_read(void **state)
{
	struct synopsis synopsis;

	(void)state;
	for (size_t i = 0; i < commands_count(); i++) {
		assert_true(synopsis_parse(commands_at(i)->synopsis, &synopsis));
		assert_true(synopsis.count > 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind_of_word_is_known),
	    cmocka_unit_test(flags_take_the_value_behind_them),
	    cmocka_unit_test(choices_are_spelled_out),
	    cmocka_unit_test(what_breaks_the_grammar_is_refused),
	    cmocka_unit_test(a_choice_of_words_is_each_of_them),
	    cmocka_unit_test(the_synopsis_of_every_command_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
