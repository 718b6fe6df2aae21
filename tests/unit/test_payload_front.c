/* Payload: a dispatch read from its front, beside what the full pass says of it. */
#include "payload_fixture.h"

/* Peeks and skims a copy that ends where its memory ends. */
static bool
front_exact(const char *text, size_t size, int64_t *seq, char type[64])
{
	struct payload payload;
	char *copy = malloc(size ? size : 1);

	assert_non_null(copy);
	if (size > 0) {
		memcpy(copy, text, size);
	}
	bool found = payload_peek((struct slice){copy, size}, &payload) &&
	    payload_skim((struct slice){copy, size}, &payload);

	if (found) {
		assert_int_equal(payload.op, 0);
		assert_true(payload.has_seq);
		assert_int_equal(payload.data.size, 0);
		*seq = payload.seq;
		assert_true(slice_copy(payload.type, type, 64));
	}
	free(copy);
	return found;
}

/* What is found at the front is what the full pass finds. */
static bool
front(const char *text)
{
	char type[64];
	int64_t seq = -1;

	if (!front_exact(text, strlen(text), &seq, type)) {
		return false;
	}
	struct payload whole;

	if (payload_parse(slice_of(text), &whole) == GW_OK) {
		assert_int_equal(whole.op, 0);
		assert_true(whole.has_seq);
		assert_int_equal(whole.seq, seq);
		assert_slice(whole.type, type);
	}
	return true;
}

static void
three_keys_in_any_order_in_front_of_d_are_the_front(void **state)
{
	static const char *const members[] = {"\"t\":\"MESSAGE_CREATE\"", "\"s\":42",
	    "\"op\":0", "\"d\":{\"x\":[1]}"};
	unsigned found = 0;
	unsigned orders = 0;

	(void)state;
	for (unsigned order = 0; order < 256; order++) {
		unsigned a = order & 3U;
		unsigned b = order >> 2 & 3U;
		unsigned c = order >> 4 & 3U;
		unsigned d = order >> 6 & 3U;
		char text[256];

		if ((1U << a | 1U << b | 1U << c | 1U << d) != 15U) {
			continue;
		}
		(void)snprintf(text, sizeof text, "{%s,%s,%s,%s}", members[a],
		    members[b], members[c], members[d]);
		orders++;
		if (front(text)) {
			found++;
			assert_int_equal(d, 3);
		}
		/* Whatever the order is, the full pass knows. */
		assert_int_equal(parse(text).seq, 42);
		assert_slice(parse(text).data, "{\"x\":[1]}");
	}
	assert_int_equal(orders, 24);
	assert_int_equal(found, 6);
}

static void
what_discord_does_not_write_is_left_to_the_full_pass(void **state)
{
	static const char *const texts[] = {
	    "",
	    "{",
	    "{}",
	    "[]",
	    "{\"t\":\"A\",\"s\":1,\"op\":0}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\"",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":{}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":{}}x",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":{}{}}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":{} {}}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":{}}}x",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":[{}}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":[]}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":\"x\"}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\": {}}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":nul}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":01}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":1 2}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":1",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":\"\x80\"}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":1,\"s\":2}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"x\":0,\"d\":{}}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":{},\"x\":0}",
	    "{\"s\":1,\"op\":0,\"d\":{}}",
	    "{\"t\":\"A\",\"op\":0,\"d\":{}}",
	    "{\"t\":\"A\",\"s\":1,\"d\":{}}",
	    "{\"t\":null,\"s\":1,\"op\":0,\"d\":{}}",
	    "{\"t\":\"\",\"s\":1,\"op\":0,\"d\":{}}",
	    "{\"t\":\"A\\\",\"s\":1,\"op\":0,\"d\":{}}",
	    "{\"t\":\"A\n\",\"s\":1,\"op\":0,\"d\":{}}",
	    "{\"t\":\"\x80\",\"s\":1,\"op\":0,\"d\":{}}",
	    "{\"t\":\"A",
	    "{\"t\":\"A,\"s\":1,\"op\":0,\"d\":{}}",
	    "{\"t\":A,\"s\":1,\"op\":0,\"d\":{}}",
	    "{\"t\":\"A\",\"s\":null,\"op\":0,\"d\":{}}",
	    "{\"t\":\"A\",\"s\":01,\"op\":0,\"d\":{}}",
	    "{\"t\":\"A\",\"s\":-1,\"op\":0,\"d\":{}}",
	    "{\"t\":\"A\",\"s\":1.0,\"op\":0,\"d\":{}}",
	    "{\"t\":\"A\",\"s\":\"1\",\"op\":0,\"d\":{}}",
	    "{\"t\":\"A\",\"s\":,\"op\":0,\"d\":{}}",
	    "{\"t\":\"A\",\"s\":1000000000000000000,\"op\":0,\"d\":{}}",
	    "{\"t\":\"A\",\"s\":1,\"op\":1,\"d\":{}}",
	    "{\"t\":\"A\",\"s\":1,\"op\":00,\"d\":{}}",
	    "{\"t\":\"A\",\"s\":1,\"op\":null,\"d\":{}}",
	    "{\"t\":\"A\",\"s\":1,\"s\":2,\"op\":0,\"d\":{}}",
	    "{\"t\":\"A\",\"t\":\"B\",\"s\":1,\"op\":0,\"d\":{}}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"op\":0,\"d\":{}}",
	    " {\"t\":\"A\",\"s\":1,\"op\":0,\"d\":{}}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":{}} ",
	    "{ \"t\":\"A\",\"s\":1,\"op\":0,\"d\":{}}",
	    "{\"t\" :\"A\",\"s\":1,\"op\":0,\"d\":{}}",
	    "{\"t\":\"A\", \"s\":1,\"op\":0,\"d\":{}}",
	    "{\"t\":\"A\",\"s\": 1,\"op\":0,\"d\":{}}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0;\"d\":{}}",
	    "{\"t\":\"A\";\"s\":1,\"op\":0,\"d\":{}}",
	    "{\"T\":\"A\",\"s\":1,\"op\":0,\"d\":{}}",
	    "{\"\\u0074\":\"A\",\"s\":1,\"op\":0,\"d\":{}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		if (front(texts[i])) {
			fail_msg("%s", texts[i]);
		}
	}
	assert_true(front("{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":{}}"));
	assert_true(front("{\"t\":\"a\",\"s\":1,\"op\":0,\"d\":{}}"));
	assert_true(front("{\"t\":\"A\\u0042\",\"s\":1,\"op\":0,\"d\":{}}"));
	assert_true(front("{\"t\":\"A_1\",\"s\":0,\"op\":0,\"d\":{}}"));
	assert_true(front("{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":0}"));
	assert_true(front("{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":true}"));
	assert_true(front("{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":false}"));
	assert_true(front("{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":null}"));
	assert_true(front("{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":123456}"));
	assert_true(front("{\"t\":\"A\",\"s\":999999999999999999,\"op\":0,\"d\":{}}"));
}

/* Where a second payload may begin the first one's end is not guessed. */
static void
two_payloads_in_a_row_are_left_to_the_full_pass(void **state)
{
	static const char *const between[] = {"", " ", "\n", "\r\n", "\t", "  "};

	(void)state;
	for (size_t i = 0; i < COUNT(between); i++) {
		for (size_t fill = 0; fill < 40; fill++) {
			char text[256];

			(void)snprintf(text, sizeof text,
			    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":{\"x\":\"%.*s\"}}%s"
			    "{\"t\":\"B\",\"s\":2,\"op\":0,\"d\":{}}",
			    (int)fill, "........................................",
			    between[i]);
			assert_false(front(text));
		}
	}
}

/* Each byte value at each place of a string in d. */
static void
skims_each_byte_at_each_place(void **state)
{
	(void)state;
	for (size_t place = 0; place < 40; place++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			char text[128] =
			    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":{\"x\":\"";
			size_t size = strlen(text);
			char type[64];
			int64_t seq = -1;

			memset(text + size, 'a', 40);
			text[size + place] = (char)byte;
			memcpy(text + size + 40, "\"}}", 4);
			bool good = byte >= ' ' && byte < 0x80;

			if (front_exact(text, size + 43, &seq, type) != good) {
				fail_msg("byte %02x at %zu", byte, place);
			}
		}
	}
}

static void
skims_utf8_as_the_full_pass_reads_it(void **state)
{
	static const char *const good[] = {"\xc3\xa9", "\xe2\x82\xac",
	    "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80",
	    "\xe2\x82", "\xed\xa0\x80", "\xf0\x9f\x98", "\xf4\x90\x80\x80", "\xff",
	    "\xc3}", "\xf0}}}"};

	(void)state;
	for (size_t fill = 0; fill < 40; fill++) {
		char text[128];

		for (size_t i = 0; i < COUNT(good) + COUNT(bad); i++) {
			bool is_good = i < COUNT(good);

			(void)snprintf(text, sizeof text,
			    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":{\"x\":\"%.*s%s\"}}",
			    (int)fill, "........................................",
			    is_good ? good[i] : bad[i - COUNT(good)]);
			assert_int_equal(front(text), is_good);
		}
		(void)snprintf(text, sizeof text,
		    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":{\"x\":\"%.*s\xe2\x82",
		    (int)fill, "........................................");
		assert_false(front(text));
	}
}

/* What the front does not tell: this is the price, and it is written down. */
static void
damage_inside_of_d_is_not_seen(void **state)
{
	static const char *const texts[] = {
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":{x}}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":{\"x\":01}}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":{\"x\":[}}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":{\"x\":\"\\x41\"}}",
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":{}}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct payload payload;

		assert_true(front(texts[i]));
		assert_int_equal(payload_parse(slice_of(texts[i]), &payload),
		    GW_ERR_SYNTAX);
	}
	/* A key that comes once more. */
	char type[64];
	int64_t seq = -1;
	static const char again[] =
	    "{\"t\":\"A\",\"s\":1,\"op\":0,\"d\":{},\"s\":2,\"x\":{}}";

	assert_true(front_exact(again, sizeof again - 1, &seq, type));
	assert_int_equal(seq, 1);
	assert_int_equal(parse(again).seq, 2);
}

static void
every_prefix_of_a_message_is_refused(void **state)
{
	static const char message[] =
	    "{\"t\":\"MESSAGE_CREATE\",\"s\":42,\"op\":0,\"d\":{\"type\":0,\"tts\":"
	    "false,\"content\":\"caf\xc3\xa9 \xe2\x82\xac\",\"author\":{\"id\":\"1\"}"
	    ",\"n\":[1,2]}}";
	char type[64];
	int64_t seq = -1;

	(void)state;
	for (size_t size = 0; size < sizeof message - 1; size++) {
		assert_false(front_exact(message, size, &seq, type));
	}
	assert_true(front_exact(message, sizeof message - 1, &seq, type));
	assert_int_equal(seq, 42);
	assert_string_equal(type, "MESSAGE_CREATE");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(three_keys_in_any_order_in_front_of_d_are_the_front),
	    cmocka_unit_test(what_discord_does_not_write_is_left_to_the_full_pass),
	    cmocka_unit_test(two_payloads_in_a_row_are_left_to_the_full_pass),
	    cmocka_unit_test(skims_each_byte_at_each_place),
	    cmocka_unit_test(skims_utf8_as_the_full_pass_reads_it),
	    cmocka_unit_test(damage_inside_of_d_is_not_seen),
	    cmocka_unit_test(every_prefix_of_a_message_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
