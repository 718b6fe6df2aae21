/* Buffers and slices, mostly at their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"

static void
assert_content(const struct buf *buf, const char *text)
{
	assert_int_equal(buf->size, strlen(text));
	assert_true(slice_equal(buf_slice(buf), slice_of(text)));
}

static void
an_empty_buffer_owns_nothing(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 10);
	assert_null(buf.data);
	assert_int_equal(buf.size, 0);
	assert_int_equal(buf_reserve(&buf, 0), GW_OK);
	assert_int_equal(buf_append(&buf, NULL, 0), GW_OK);
	assert_int_equal(buf_printf(&buf, "%s", ""), GW_OK);
	buf_consume(&buf, 0);
	buf_clear(&buf);
	buf_shrink(&buf, 0);
	assert_true(slice_equal(buf_slice(&buf), slice_of(NULL)));
	buf_fini(&buf);
	buf_fini(&buf);
	assert_int_equal(buf.max_bytes, 10);
}

static void
takes_the_limit_and_not_a_byte_more(void **state)
{
	static const size_t limits[] = {1, 2, 255, 256, 257, 511, 512, 513, 5000};
	char bytes[5001];

	(void)state;
	memset(bytes, 'x', sizeof bytes);
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		struct buf buf;

		buf_init(&buf, limits[i]);
		assert_int_equal(buf_append(&buf, bytes, limits[i] + 1),
		    GW_ERR_TOO_LARGE);
		assert_int_equal(buf.size, 0);
		assert_int_equal(buf_append(&buf, bytes, limits[i] - 1), GW_OK);
		assert_int_equal(buf_append(&buf, bytes, 2), GW_ERR_TOO_LARGE);
		assert_int_equal(buf_append(&buf, bytes, 1), GW_OK);
		assert_int_equal(buf_append(&buf, bytes, 1), GW_ERR_TOO_LARGE);
		assert_int_equal(buf_reserve(&buf, SIZE_MAX), GW_ERR_TOO_LARGE);
		assert_int_equal(buf.size, limits[i]);
		buf_fini(&buf);
	}
}

static void
printing_fills_to_the_limit(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 300);
	assert_int_equal(buf_printf(&buf, "%0256d", 7), GW_OK);
	assert_int_equal(buf_printf(&buf, "%045d", 7), GW_ERR_TOO_LARGE);
	assert_int_equal(buf.size, 256);
	assert_int_equal(buf_printf(&buf, "%044d", 7), GW_OK);
	assert_int_equal(buf.size, 300);
	assert_int_equal(buf.data[299], '7');
	assert_int_equal(buf_printf(&buf, "x"), GW_ERR_TOO_LARGE);
	buf_fini(&buf);
	buf_init(&buf, 5);
	assert_int_equal(buf_printf(&buf, "hello!"), GW_ERR_TOO_LARGE);
	assert_int_equal(buf_printf(&buf, "hello"), GW_OK);
	assert_content(&buf, "hello");
	buf_fini(&buf);
}

static void
a_limit_past_all_memory_is_refused_not_wrapped(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, SIZE_MAX);
	assert_int_equal(buf_append(&buf, "x", 1), GW_OK);
	assert_int_equal(buf_reserve(&buf, SIZE_MAX), GW_ERR_TOO_LARGE);
	assert_int_equal(buf_reserve(&buf, SIZE_MAX - 1), GW_ERR_TOO_LARGE);
	assert_content(&buf, "x");
	buf_fini(&buf);
}

static void
consuming_drops_the_front(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 100);
	assert_int_equal(buf_append(&buf, "hello world", 11), GW_OK);
	buf_consume(&buf, 6);
	assert_content(&buf, "world");
	assert_int_equal(buf_append(&buf, "!", 1), GW_OK);
	assert_content(&buf, "world!");
	buf_consume(&buf, 6);
	assert_content(&buf, "");
	buf_fini(&buf);
}

static void
memory_is_given_back_only_when_empty_and_large(void **state)
{
	struct buf buf;
	char bytes[1000] = {0};

	(void)state;
	buf_init(&buf, 10000);
	assert_int_equal(buf_append(&buf, bytes, sizeof bytes), GW_OK);
	char *data = buf.data;

	buf_shrink(&buf, 0);
	assert_ptr_equal(buf.data, data);
	buf_clear(&buf);
	assert_ptr_equal(buf.data, data);
	buf_shrink(&buf, buf.room);
	assert_ptr_equal(buf.data, data);
	buf_shrink(&buf, buf.room - 1);
	assert_null(buf.data);
	assert_int_equal(buf.room, 0);
	assert_int_equal(buf_append(&buf, "x", 1), GW_OK);
	assert_content(&buf, "x");
	buf_fini(&buf);
}

static void
slices_are_equal_by_their_bytes(void **state)
{
	(void)state;
	assert_true(slice_equal(SLICE_LITERAL("abc"), slice_of("abc")));
	assert_false(slice_equal(SLICE_LITERAL("abc"), slice_of("abd")));
	assert_false(slice_equal(SLICE_LITERAL("abc"), slice_of("ab")));
	assert_false(slice_equal(SLICE_LITERAL("a\0b"), SLICE_LITERAL("a\0c")));
	assert_true(slice_equal(slice_of(NULL), slice_of("")));
}

static void
copying_tells_when_it_cuts(void **state)
{
	char out[4] = "???";

	(void)state;
	assert_true(slice_copy(slice_of("abc"), out, sizeof out));
	assert_string_equal(out, "abc");
	assert_false(slice_copy(slice_of("abcd"), out, sizeof out));
	assert_string_equal(out, "abc");
	assert_false(slice_copy(SLICE_LITERAL("a\0b"), out, sizeof out));
	assert_true(slice_copy(slice_of(NULL), out, sizeof out));
	assert_string_equal(out, "");
	assert_false(slice_copy(slice_of("a"), out, 1));
	assert_string_equal(out, "");
	assert_false(slice_copy(slice_of(""), NULL, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_buffer_owns_nothing),
	    cmocka_unit_test(takes_the_limit_and_not_a_byte_more),
	    cmocka_unit_test(printing_fills_to_the_limit),
	    cmocka_unit_test(a_limit_past_all_memory_is_refused_not_wrapped),
	    cmocka_unit_test(consuming_drops_the_front),
	    cmocka_unit_test(memory_is_given_back_only_when_empty_and_large),
	    cmocka_unit_test(slices_are_equal_by_their_bytes),
	    cmocka_unit_test(copying_tells_when_it_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
