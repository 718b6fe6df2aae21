/* Padded emoji that are kept: which, how many, and which one goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "emoji_cache.h"
#include "rng.h"

static char pixels[4096];

static struct emoji_ask
ask_of(unsigned number)
{
	struct emoji_ask ask = {.side = 256, .box = 850};

	(void)snprintf(ask.url, sizeof ask.url, "https://x/emojis/%u.png", number);
	return ask;
}

static void
put(struct emoji_cache *cache, unsigned number, size_t size)
{
	struct emoji_ask ask = ask_of(number);
	struct emoji_image image = {.png = {pixels, size}};

	emoji_etag(image.png, image.etag);
	emoji_cache_put(cache, &ask, &image);
}

static bool
has(struct emoji_cache *cache, unsigned number)
{
	struct emoji_ask ask = ask_of(number);

	return emoji_cache_find(cache, &ask) != NULL;
}

/* What one image of this size takes. */
static size_t
cost_of(size_t size)
{
	struct emoji_cache *cache = emoji_cache_new(1U << 20);

	put(cache, 1, size);
	size_t cost = emoji_cache_bytes(cache);

	emoji_cache_free(cache);
	return cost;
}

static void
what_was_put_is_found_with_its_bytes(void **state)
{
	struct emoji_cache *cache = emoji_cache_new(1U << 20);
	struct emoji_ask ask = ask_of(7);
	struct emoji_image image = {.png = SLICE_LITERAL("a\0b")};

	(void)state;
	emoji_etag(image.png, image.etag);
	assert_null(emoji_cache_find(cache, &ask));
	emoji_cache_put(cache, &ask, &image);
	const struct emoji_image *found = emoji_cache_find(cache, &ask);

	assert_non_null(found);
	assert_true(slice_equal(found->png, image.png));
	assert_string_equal(found->etag, image.etag);
	ask.box++;
	assert_null(emoji_cache_find(cache, &ask));
	emoji_cache_free(cache);
}

static void
the_one_asked_for_longest_ago_goes_first(void **state)
{
	struct emoji_cache *cache = emoji_cache_new(3 * cost_of(100));

	(void)state;
	for (unsigned i = 1; i <= 3; i++) {
		put(cache, i, 100);
	}
	assert_true(has(cache, 1));
	put(cache, 4, 100);
	assert_true(has(cache, 1));
	assert_false(has(cache, 2));
	assert_true(has(cache, 3));
	assert_true(has(cache, 4));
	assert_int_equal(emoji_cache_bytes(cache), 3 * cost_of(100));
	emoji_cache_free(cache);
}

static void
one_that_is_over_the_limit_drives_nobody_out(void **state)
{
	struct emoji_cache *cache = emoji_cache_new(cost_of(100));

	(void)state;
	put(cache, 1, 100);
	put(cache, 2, 101);
	assert_true(has(cache, 1));
	assert_false(has(cache, 2));
	put(cache, 3, 100);
	assert_false(has(cache, 1));
	assert_true(has(cache, 3));
	emoji_cache_free(cache);
}

static void
a_lower_limit_acts_at_once_and_zero_keeps_nothing(void **state)
{
	struct emoji_cache *cache = emoji_cache_new(1U << 20);

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		put(cache, i, 100);
	}
	emoji_cache_limit(cache, 4 * cost_of(100));
	assert_int_equal(emoji_cache_bytes(cache), 4 * cost_of(100));
	assert_true(has(cache, 9));
	assert_false(has(cache, 5));
	emoji_cache_limit(cache, 0);
	assert_int_equal(emoji_cache_bytes(cache), 0);
	put(cache, 1, 0);
	assert_false(has(cache, 1));
	emoji_cache_free(cache);
	emoji_cache_free(NULL);
}

static void
putting_the_same_again_changes_nothing(void **state)
{
	struct emoji_cache *cache = emoji_cache_new(1U << 20);

	(void)state;
	put(cache, 1, 100);
	put(cache, 1, 200);
	assert_int_equal(emoji_cache_bytes(cache), cost_of(100));
	emoji_cache_free(cache);
}

static void
a_long_walk_never_passes_the_limit_and_counts_right(void **state)
{
	const size_t limit = 50 * cost_of(0);
	struct emoji_cache *cache = emoji_cache_new(limit);
	struct rng rng;

	(void)state;
	rng.state = 1;
	for (unsigned i = 0; i < 20000; i++) {
		unsigned number = (unsigned)(rng_next(&rng) % 3000);

		if (!has(cache, number)) {
			put(cache, number, rng_next(&rng) % sizeof pixels);
		}
		assert_true(emoji_cache_bytes(cache) <= limit);
	}
	emoji_cache_limit(cache, 0);
	assert_int_equal(emoji_cache_bytes(cache), 0);
	emoji_cache_free(cache);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_put_is_found_with_its_bytes),
	    cmocka_unit_test(the_one_asked_for_longest_ago_goes_first),
	    cmocka_unit_test(one_that_is_over_the_limit_drives_nobody_out),
	    cmocka_unit_test(a_lower_limit_acts_at_once_and_zero_keeps_nothing),
	    cmocka_unit_test(putting_the_same_again_changes_nothing),
	    cmocka_unit_test(a_long_walk_never_passes_the_limit_and_counts_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
