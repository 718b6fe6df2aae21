/* The feed: bounds of history and queues, what is dropped and told, filters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed.h"
#include "rng.h"

/* Storage of the sizes that the daemon gives. */
static _Alignas(max_align_t) char history_bytes[FEED_HISTORY_MAX_BYTES];
static _Alignas(max_align_t) char inbox_bytes[FEED_QUEUE_MAX_BYTES];

static const struct feed_filter all = {.first_shard = -1, .last_shard = -1};

static struct feed_entry
change(const char *type, int64_t shard, struct slice text)
{
	return (struct feed_entry){
	    .kind = FEED_CHANGE,
	    .level = LOG_LEVEL_WARNING,
	    .wall_ms = INT64_C(1700000000123),
	    .shard = shard,
	    .seq = -1,
	    .type = slice_of(type),
	    .text = text,
	    .fields = SLICE_LITERAL("{\"a\":1}"),
	};
}

static struct feed_entry
dispatch(const char *type, int64_t seq)
{
	return (struct feed_entry){
	    .kind = FEED_DISPATCH,
	    .level = LOG_LEVEL_INFO,
	    .wall_ms = 1000 + seq,
	    .shard = 3,
	    .seq = seq,
	    .amount = 77,
	    .type = slice_of(type),
	};
}

/* ---- the queue ---- */

static void
what_goes_in_comes_out(void **state)
{
	struct feed_queue queue;
	struct feed_entry in = change("shard.lost", 7, slice_of("a text"));
	struct feed_entry out;

	(void)state;
	in.number = 12;
	in.amount = 5;
	feed_queue_init(&queue, inbox_bytes, sizeof inbox_bytes, 10);
	assert_false(feed_queue_peek(&queue, &out));
	feed_queue_pop(&queue);
	assert_true(feed_queue_push(&queue, &in));
	assert_true(feed_queue_peek(&queue, &out));
	assert_int_equal(out.kind, in.kind);
	assert_int_equal(out.level, in.level);
	assert_int_equal(out.number, 12);
	assert_int_equal(out.wall_ms, in.wall_ms);
	assert_int_equal(out.shard, 7);
	assert_int_equal(out.seq, -1);
	assert_int_equal(out.amount, 5);
	assert_true(slice_equal(out.type, in.type));
	assert_true(slice_equal(out.text, in.text));
	assert_true(slice_equal(out.fields, in.fields));
	feed_queue_pop(&queue);
	assert_int_equal(queue.count, 0);
	assert_int_equal(queue.used, 0);
}

static void
texts_fit_at_their_largest_size_and_not_one_above(void **state)
{
	static char long_text[FEED_FIELDS_MAX_BYTES + 1];
	struct feed_entry entry = change("x", 0, slice_of(""));
	struct {
		struct slice *part;
		size_t most;
	} parts[] = {
	    {&entry.type, FEED_TYPE_MAX_BYTES},
	    {&entry.text, FEED_TEXT_MAX_BYTES},
	    {&entry.fields, FEED_FIELDS_MAX_BYTES},
	};
	struct feed_queue queue;

	(void)state;
	memset(long_text, 'x', sizeof long_text);
	feed_queue_init(&queue, inbox_bytes, sizeof inbox_bytes, 100);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		*parts[i].part = (struct slice){long_text, parts[i].most};
		assert_true(feed_queue_push(&queue, &entry));
		*parts[i].part = (struct slice){long_text, parts[i].most + 1};
		assert_false(feed_queue_push(&queue, &entry));
		*parts[i].part = (struct slice){long_text, 1};
	}
}

static void
a_full_queue_takes_no_more_and_one_that_was_read_does(void **state)
{
	struct feed_entry entry = change("t", 0, slice_of("0123456789"));
	size_t size = feed_queue_size_of(&entry);
	struct feed_queue queue;

	(void)state;
	feed_queue_init(&queue, inbox_bytes, 4 * size, 100);
	for (int i = 0; i < 4; i++) {
		assert_true(feed_queue_push(&queue, &entry));
	}
	assert_false(feed_queue_push(&queue, &entry));
	feed_queue_pop(&queue);
	assert_true(feed_queue_push(&queue, &entry));
	assert_false(feed_queue_push(&queue, &entry));
	assert_int_equal(queue.used, 4 * size);
	/* By count, too. */
	feed_queue_init(&queue, inbox_bytes, sizeof inbox_bytes, 2);
	assert_true(feed_queue_push(&queue, &entry));
	assert_true(feed_queue_push(&queue, &entry));
	assert_false(feed_queue_push(&queue, &entry));
}

/* Against a plain list, at all sizes and fillings: order, content, count and bytes. */
static void
a_long_walk_keeps_order_and_content(void **state)
{
	enum { ROUNDS = 200000, MODEL = 64 };
	static _Alignas(max_align_t) char bytes[4096];
	static char filler[FEED_TEXT_MAX_BYTES];
	struct rng rng = {.state = 42};
	struct feed_queue queue;
	struct feed_entry entry;
	uint64_t first = 0; /* numbers of those that are in it */
	uint64_t next = 0;
	size_t sizes[MODEL] = {0};
	size_t refused = 0;

	(void)state;
	memset(filler, 'f', sizeof filler);
	feed_queue_init(&queue, bytes, sizeof bytes, MODEL);
	for (int round = 0; round < ROUNDS; round++) {
		size_t size = (size_t)rng_between(&rng, 0, FEED_TEXT_MAX_BYTES + 1);

		if (rng_between(&rng, 0, 2) == 0) {
			entry = change("t", 0, (struct slice){filler, size});
			entry.number = next;
			if (feed_queue_push(&queue, &entry)) {
				sizes[next++ % MODEL] = size;
			} else {
				refused++;
			}
		} else if (feed_queue_peek(&queue, &entry)) {
			assert_int_equal(entry.number, first);
			assert_int_equal(entry.text.size, sizes[first % MODEL]);
			assert_memory_equal(entry.text.data, filler, entry.text.size);
			first++;
			feed_queue_pop(&queue);
		}
		assert_int_equal(queue.count, next - first);
		assert_in_range(queue.used, 0, sizeof bytes);
		struct feed_walk walk = feed_walk_of(&queue);

		for (uint64_t number = first; number < next; number++) {
			assert_true(feed_walk_next(&walk, &entry));
			assert_int_equal(entry.number, number);
		}
		assert_false(feed_walk_next(&walk, &entry));
	}
	assert_true(next > 1000 && refused > 1000);
}

/* ---- the history ---- */

static void
the_history_keeps_so_many_and_the_oldest_go(void **state)
{
	struct feed_history history;
	struct feed_entry entry;

	(void)state;
	feed_history_init(&history, history_bytes);
	for (int i = 0; i < FEED_HISTORY_MAX; i++) {
		entry = change("shard.ready", 0, slice_of("short"));
		feed_history_add(&history, &entry);
		assert_int_equal(entry.number, i + 1);
	}
	assert_int_equal(history.queue.count, FEED_HISTORY_MAX);
	assert_true(feed_queue_peek(&history.queue, &entry));
	assert_int_equal(entry.number, 1);
	entry = change("shard.ready", 0, slice_of("one more"));
	feed_history_add(&history, &entry);
	assert_int_equal(history.queue.count, FEED_HISTORY_MAX);
	assert_true(feed_queue_peek(&history.queue, &entry));
	assert_int_equal(entry.number, 2);
}

static void
long_texts_make_the_history_shorter_and_never_larger(void **state)
{
	static char text[FEED_TEXT_MAX_BYTES];
	struct feed_history history;
	struct feed_entry entry;
	struct feed_entry last = {.number = 0};

	(void)state;
	memset(text, 'x', sizeof text);
	feed_history_init(&history, history_bytes);
	for (int i = 0; i < 3 * FEED_HISTORY_MAX; i++) {
		entry = change("config.message", -1,
		    (struct slice){text, (size_t)(i % FEED_TEXT_MAX_BYTES)});
		feed_history_add(&history, &entry);
		assert_true(history.queue.used <= FEED_HISTORY_MAX_BYTES);
	}
	assert_in_range(history.queue.count, 200, FEED_HISTORY_MAX - 1);
	struct feed_walk walk = feed_walk_of(&history.queue);

	while (feed_walk_next(&walk, &entry)) {
		assert_true(last.number == 0 || entry.number == last.number + 1);
		last = entry;
	}
	assert_int_equal(last.number, 3 * FEED_HISTORY_MAX);
}

/* ---- a reader ---- */

/* Offers dispatches until one is dropped; returns how many were kept. */
static int64_t
fill(struct feed_inbox *inbox, int64_t seq)
{
	int64_t begin = seq;

	while (inbox->dropped == 0) {
		struct feed_entry entry = dispatch("dispatch.MESSAGE_CREATE", seq++);

		assert_true(feed_inbox_offer(inbox, &entry));
	}
	return seq - begin - 1;
}

static void
a_reader_that_keeps_up_misses_nothing(void **state)
{
	struct feed_inbox inbox;
	struct feed_entry entry;

	(void)state;
	feed_inbox_init(&inbox, &all, inbox_bytes);
	assert_false(feed_inbox_take(&inbox, &entry));
	for (int64_t i = 0; i < 100000; i++) {
		entry = dispatch("dispatch.TYPING_START", i);
		assert_true(feed_inbox_offer(&inbox, &entry));
		if (i % 3 == 0) {
			continue; /* it takes several at a time */
		}
		while (feed_inbox_take(&inbox, &entry)) {
			assert_int_equal(entry.kind, FEED_DISPATCH);
		}
		assert_int_equal(entry.seq, i);
	}
	assert_int_equal(inbox.dropped_total, 0);
}

static void
what_a_slow_reader_loses_is_counted_and_told_in_its_place(void **state)
{
	struct feed_inbox inbox;
	struct feed_entry entry;
	int64_t taken = 0;

	(void)state;
	feed_inbox_init(&inbox, &all, inbox_bytes);
	int64_t kept = fill(&inbox, 0);

	assert_in_range(kept, 500, 100000);
	for (int64_t i = 1; i < 1000; i++) {
		entry = dispatch("dispatch.MESSAGE_CREATE", kept + i);
		assert_true(feed_inbox_offer(&inbox, &entry));
	}
	assert_int_equal(inbox.dropped, 1000);
	/* Half of it is taken: then there is room again, behind the gap. */
	while (taken < kept * 2 / 3) {
		assert_true(feed_inbox_take(&inbox, &entry));
		assert_int_equal(entry.seq, taken++);
	}
	entry = dispatch("dispatch.MESSAGE_CREATE", kept + 1000);
	assert_true(feed_inbox_offer(&inbox, &entry));
	assert_int_equal(inbox.dropped, 0);
	assert_int_equal(inbox.dropped_total, 1000);
	while (taken < kept) {
		assert_true(feed_inbox_take(&inbox, &entry));
		assert_int_equal(entry.seq, taken++);
	}
	assert_true(feed_inbox_take(&inbox, &entry));
	assert_int_equal(entry.kind, FEED_DROPPED);
	assert_int_equal(entry.amount, 1000);
	assert_int_equal(entry.wall_ms, 1000 + kept + 999);
	assert_int_equal(entry.level, LOG_LEVEL_WARNING);
	assert_true(feed_inbox_take(&inbox, &entry));
	assert_int_equal(entry.seq, kept + 1000);
	assert_false(feed_inbox_take(&inbox, &entry));
}

static void
a_gap_at_the_end_is_told_once_the_rest_is_taken(void **state)
{
	struct feed_inbox inbox;
	struct feed_entry entry;

	(void)state;
	feed_inbox_init(&inbox, &all, inbox_bytes);
	int64_t kept = fill(&inbox, 0);

	for (int64_t i = 0; i < kept; i++) {
		assert_true(feed_inbox_take(&inbox, &entry));
		assert_int_equal(entry.kind, FEED_DISPATCH);
	}
	assert_true(feed_inbox_take(&inbox, &entry));
	assert_int_equal(entry.kind, FEED_DROPPED);
	assert_int_equal(entry.amount, 1);
	assert_false(feed_inbox_take(&inbox, &entry));
}

static void
a_flood_of_dispatches_leaves_room_for_changes(void **state)
{
	struct feed_inbox inbox;
	struct feed_entry entry = change("shard.lost", 3, slice_of("lost"));
	int64_t kept;

	(void)state;
	feed_inbox_init(&inbox, &all, inbox_bytes);
	kept = fill(&inbox, 0);
	assert_true(feed_inbox_offer(&inbox, &entry));
	assert_int_equal(inbox.dropped_total, 1);
	for (int64_t i = 0; i < kept; i++) {
		assert_true(feed_inbox_take(&inbox, &entry));
	}
	assert_true(feed_inbox_take(&inbox, &entry));
	assert_int_equal(entry.kind, FEED_DROPPED);
	assert_true(feed_inbox_take(&inbox, &entry));
	assert_true(slice_equal(entry.type, slice_of("shard.lost")));
	/* Changes without end are dropped as well. */
	for (int i = 0; i < 10000; i++) {
		entry = change("shard.lost", 3, slice_of("lost"));
		assert_true(feed_inbox_offer(&inbox, &entry));
		assert_true(inbox.queue.used <= FEED_QUEUE_MAX_BYTES);
	}
	assert_true(inbox.dropped_total > 5000);
}

struct tally {
	struct feed_inbox inbox;
	int64_t offered;
	int64_t taken;
	int64_t told;
};

/* A change now and then among dispatches. */
static void
offer_some(struct tally *tally, struct rng *rng)
{
	int64_t burst = rng_between(rng, 0, 400);

	for (int64_t i = 0; i < burst; i++) {
		struct feed_entry entry =
		    dispatch("dispatch.PRESENCE_UPDATE", tally->offered++);

		if (rng_between(rng, 0, 50) == 0) {
			entry.kind = FEED_CHANGE;
		}
		assert_true(feed_inbox_offer(&tally->inbox, &entry));
	}
}

/* What is told as lost stands where it is missing. */
static void
take_some(struct tally *tally, int64_t most)
{
	struct feed_entry entry;

	for (int64_t i = 0; i < most && feed_inbox_take(&tally->inbox, &entry); i++) {
		if (entry.kind == FEED_DROPPED) {
			tally->told += (int64_t)entry.amount;
		} else {
			assert_int_equal(entry.seq, tally->taken + tally->told);
			tally->taken++;
		}
	}
}

/* Whatever the reader does: taken + told as dropped = offered. */
static void
the_count_is_right_at_any_pace(void **state)
{
	struct rng rng = {.state = 7};

	(void)state;
	for (int run = 0; run < 20; run++) {
		struct tally tally = {.offered = 0};

		feed_inbox_init(&tally.inbox, &all, inbox_bytes);
		for (int round = 0; round < 300; round++) {
			offer_some(&tally, &rng);
			take_some(&tally, rng_between(&rng, 0, 400));
		}
		take_some(&tally, INT64_MAX);
		assert_int_equal(tally.taken + tally.told, tally.offered);
		assert_int_equal(tally.told, tally.inbox.dropped_total);
		assert_true(tally.told > 0);
	}
}

/* ---- filters ---- */

static void
globs(void **state)
{
	static const struct {
		const char *glob;
		const char *name;
		bool matches;
	} cases[] = {
	    {"shard.lost", "shard.lost", true},
	    {"shard.lost", "shard.lost2", false},
	    {"shard.lost2", "shard.lost", false},
	    {"SHARD.Lost", "shard.lost", true},
	    {"*", "", true},
	    {"*", "anything", true},
	    {"**", "x", true},
	    {"?", "x", true},
	    {"?", "", false},
	    {"?", "xy", false},
	    {"shard.*", "shard.ready", true},
	    {"shard.*", "shard.", true},
	    {"shard.*", "shards.x", false},
	    {"*.re*y", "shard.ready", true},
	    {"*a*b*c*", "xaxxbxc", true},
	    {"*a*b*c*", "xaxxcxb", false},
	    {"*ab", "aab", true},
	    {"*aab", "aaaab", true},
	    {"a*a", "a", false},
	    {"!shard.*", "shard.lost", false},
	    {"!shard.*", "config.reloaded", true},
	    {"!*", "x", false},
	    {"!", "", false},
	    {"!", "x", true},
	    {"", "", true},
	    {"", "x", false},
	    {"[a]", "a", false},
	    {"[a]", "[A]", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (feed_glob(slice_of(cases[i].glob), slice_of(cases[i].name)) !=
		    cases[i].matches) {
			fail_msg("\"%s\" against \"%s\"", cases[i].glob, cases[i].name);
		}
	}
}

static void
a_glob_of_stars_takes_no_time(void **state)
{
	char glob[FEED_TYPE_MAX_BYTES];
	char name[FEED_TYPE_MAX_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof glob; i++) {
		glob[i] = i % 2 ? 'a' : '*';
		name[i] = 'a';
	}
	glob[sizeof glob - 1] = 'b';
	for (int i = 0; i < 10000; i++) {
		assert_false(feed_glob((struct slice){glob, sizeof glob},
		    (struct slice){name, sizeof name}));
	}
}

static void
filters_by_type_and_shard(void **state)
{
	static const struct {
		const char *glob;
		int64_t first;
		int64_t last;
		bool ready;    /* shard.ready of shard 3 */
		bool reloaded; /* config.reloaded of no shard */
		bool message;  /* dispatch.MESSAGE_CREATE of shard 3 */
	} cases[] = {
	    {"", -1, -1, true, true, true},
	    {"", 3, 3, true, false, true},
	    {"", 0, 2, false, false, false},
	    {"", 4, 9, false, false, false},
	    {"", 0, 15, true, false, true},
	    {"shard.*", -1, -1, true, false, false},
	    {"MESSAGE_*", -1, -1, false, false, true},
	    {"message_create", -1, -1, false, false, true},
	    {"dispatch.*", -1, -1, false, false, true},
	    {"dispatch.MESSAGE_*", 4, 4, false, false, false},
	    {"*", -1, -1, true, true, true},
	    {"!dispatch.*", -1, -1, true, true, false},
	    {"!MESSAGE_*", -1, -1, true, true, false},
	    {"!shard.*", -1, -1, false, true, true},
	    {"!shard.*", 3, 3, false, false, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct feed_filter filter = {
		    .first_shard = cases[i].first,
		    .last_shard = cases[i].last,
		};
		struct feed_entry ready = change("shard.ready", 3, slice_of(""));
		struct feed_entry reloaded =
		    change("config.reloaded", -1, slice_of(""));
		struct feed_entry message = dispatch("dispatch.MESSAGE_CREATE", 1);

		(void)snprintf(filter.type, sizeof filter.type, "%s", cases[i].glob);
		if (feed_filter_wants(&filter, &ready) != cases[i].ready ||
		    feed_filter_wants(&filter, &reloaded) != cases[i].reloaded ||
		    feed_filter_wants(&filter, &message) != cases[i].message) {
			fail_msg("case %zu: \"%s\"", i, cases[i].glob);
		}
	}
}

static void
what_a_reader_does_not_want_is_not_dropped_for_it(void **state)
{
	struct feed_filter filter = {.type = "shard.*", .first_shard = -1};
	struct feed_inbox inbox;
	struct feed_entry entry;

	(void)state;
	feed_inbox_init(&inbox, &filter, inbox_bytes);
	for (int64_t i = 0; i < 100000; i++) {
		entry = dispatch("dispatch.MESSAGE_CREATE", i);
		assert_false(feed_inbox_offer(&inbox, &entry));
	}
	assert_false(feed_inbox_take(&inbox, &entry));
	assert_int_equal(inbox.dropped_total, 0);
}

static bool
wants(const char *type, enum dispatch_name name)
{
	struct feed_filter filter = {.first_shard = 3, .last_shard = 3};
	struct dispatch_set set = {{0}};

	(void)snprintf(filter.type, sizeof filter.type, "%s", type);
	feed_filter_add_wants(&filter, &set);
	return dispatch_set_has(&set, name);
}

/* Dispatches that no reader wants are not even read whole. */
static void
a_filter_names_the_dispatches_that_it_wants(void **state)
{
	(void)state;
	assert_true(wants("", DISPATCH_NAME_TYPING_START));
	assert_true(wants("*", DISPATCH_NAME_TYPING_START));
	assert_true(wants("typing_*", DISPATCH_NAME_TYPING_START));
	assert_true(wants("dispatch.TYPING*", DISPATCH_NAME_TYPING_START));
	assert_false(wants("typing_*", DISPATCH_NAME_MESSAGE_CREATE));
	assert_false(wants("shard_*", DISPATCH_NAME_TYPING_START));
	assert_false(wants("!dispatch.*", DISPATCH_NAME_TYPING_START));
	assert_false(wants("!TYPING_START", DISPATCH_NAME_TYPING_START));
	assert_true(wants("!TYPING_START", DISPATCH_NAME_MESSAGE_CREATE));
	/* Nobody knows what comes. */
	assert_true(wants("shard_*", DISPATCH_NAME_OTHER));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_goes_in_comes_out),
	    cmocka_unit_test(texts_fit_at_their_largest_size_and_not_one_above),
	    cmocka_unit_test(a_full_queue_takes_no_more_and_one_that_was_read_does),
	    cmocka_unit_test(a_long_walk_keeps_order_and_content),
	    cmocka_unit_test(the_history_keeps_so_many_and_the_oldest_go),
	    cmocka_unit_test(long_texts_make_the_history_shorter_and_never_larger),
	    cmocka_unit_test(a_reader_that_keeps_up_misses_nothing),
	    cmocka_unit_test(what_a_slow_reader_loses_is_counted_and_told_in_its_place),
	    cmocka_unit_test(a_gap_at_the_end_is_told_once_the_rest_is_taken),
	    cmocka_unit_test(a_flood_of_dispatches_leaves_room_for_changes),
	    cmocka_unit_test(the_count_is_right_at_any_pace),
	    cmocka_unit_test(globs),
	    cmocka_unit_test(a_glob_of_stars_takes_no_time),
	    cmocka_unit_test(filters_by_type_and_shard),
	    cmocka_unit_test(what_a_reader_does_not_want_is_not_dropped_for_it),
	    cmocka_unit_test(a_filter_names_the_dispatches_that_it_wants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
