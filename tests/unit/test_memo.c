/* What Discord said last, through torn writes, damage and another token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "memo.h"

static const uint8_t owner[MEMO_FINGERPRINT_BYTES] = "the bot's token";
static const uint8_t other[MEMO_FINGERPRINT_BYTES] = "another token..";

static struct memo
said(int64_t remaining)
{
	struct memo memo = {
	    .shards = 16,
	    .recommended = 20,
	    .max_concurrency = 2,
	    .total = 1000,
	    .remaining = remaining,
	    .reset_ms = INT64_C(1700000000000),
	};

	(void)snprintf(memo.url, sizeof memo.url, "wss://gateway.discord.gg/");
	return memo;
}

static void
what_was_written_is_read_back(void **state)
{
	struct memo_file file = {.slots = {{.generation = 0}}};
	struct memo memo;

	(void)state;
	assert_false(memo_read(&file, owner, &memo));
	assert_int_equal(memo.remaining, -1);
	assert_int_equal(memo.total, -1);
	for (int64_t i = 0; i < 5; i++) {
		struct memo fresh = said(100 - i);

		memo_write(&file, owner, &fresh);
		assert_true(memo_read(&file, owner, &memo));
		assert_memory_equal(&memo, &fresh, sizeof memo);
	}
}

static void
another_token_has_another_budget(void **state)
{
	struct memo_file file = {.slots = {{.generation = 0}}};
	struct memo fresh = said(7);
	struct memo memo;

	(void)state;
	memo_write(&file, owner, &fresh);
	assert_false(memo_read(&file, other, &memo));
	assert_int_equal(memo.remaining, -1);
}

static void
a_write_that_is_cut_anywhere_leaves_the_one_before(void **state)
{
	struct memo_file before = {.slots = {{.generation = 0}}};
	struct memo first = said(1);
	struct memo second = said(2);
	struct memo third = said(3);
	struct memo memo;

	(void)state;
	memo_write(&before, owner, &first);
	memo_write(&before, owner, &second);
	struct memo_file after = before;

	memo_write(&after, owner, &third);
	for (size_t cut = 0; cut <= sizeof before; cut++) {
		struct memo_file torn = before;

		memcpy(&torn, &after, cut);
		assert_true(memo_read(&torn, owner, &memo));
		assert_true(memo.remaining == 2 || memo.remaining == 3);
	}
}

static void
each_damaged_bit_is_noticed(void **state)
{
	struct memo_file good = {.slots = {{.generation = 0}}};
	struct memo fresh = said(1);
	struct memo memo;

	(void)state;
	memo_write(&good, owner, &fresh);
	for (size_t i = 0; i < sizeof good.slots[0] * 8; i++) {
		struct memo_file bad = good;

		((uint8_t *)&bad)[i / 8] ^= (uint8_t)(1U << (i % 8));
		assert_false(memo_read(&bad, owner, &memo));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_written_is_read_back),
	    cmocka_unit_test(another_token_has_another_budget),
	    cmocka_unit_test(a_write_that_is_cut_anywhere_leaves_the_one_before),
	    cmocka_unit_test(each_damaged_bit_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
