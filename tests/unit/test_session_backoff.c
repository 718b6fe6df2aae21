/* Session: where the next attempt goes, and how long it waits. */
#include "session_rig.h"

/* ---- where the next attempt goes ---- */

static void
a_dead_resume_host_gives_way_to_the_general_one_and_back(void **state)
{
	static const bool general[] = {false, false, true, true, false, false, true};
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_lose(&rig, 1006);
	for (size_t i = 0; i < COUNT_OF(general); i++) {
		if (strcmp(rig_host(&rig), general[i] ? GENERAL : RESUME_URL) != 0) {
			fail_msg("attempt %zu", i);
		}
		if (i % 2 == 0) {
			rig_lose(&rig, CLOSECODE_NONE); /* refused */
		} else {
			rig_do(&rig, SESSION_OPENED); /* silent after the upgrade */
			(void)rig_wake(&rig);
			assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
		}
		(void)rig_sit_out(&rig);
	}
	assert_int_equal(rig.session.identifies, 1);
}

static void
a_session_that_resumed_at_the_general_host_keeps_its_own(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	for (int i = 0; i < 3; i++) {
		rig_lose(&rig, CLOSECODE_NONE);
		(void)rig_sit_out(&rig);
	}
	assert_string_equal(rig_host(&rig), GENERAL);
	rig_open(&rig);
	assert_true(rig_did(&rig, SESSION_RESUME));
	rig_resumed(&rig, 2);
	rig_lose(&rig, 1006);
	(void)rig_sit_out(&rig);
	assert_string_equal(rig_host(&rig), RESUME_URL);
}

static void
a_host_that_said_hello_is_not_in_doubt(void **state)
{
	struct rig rig;

	(void)state;
	rig_begin_resume(&rig, 1);
	rig_lose(&rig, 1006);
	assert_string_equal(rig_host(&rig), RESUME_URL);
	rig_lose(&rig, CLOSECODE_NONE); /* once without HELLO */
	(void)rig_sit_out(&rig);
	rig_open(&rig);
	rig_lose(&rig, 4009);
	assert_int_equal(rig.session.connect_failures, 0);
	assert_false(rig.session.at_general);
}

static void
a_failed_connect_gives_the_slot_back_and_spends_nothing(void **state)
{
	struct rig rig;
	mono_ns last = 0;

	(void)state;
	rig_init(&rig, NULL, 1);
	rig_do(&rig, SESSION_START);
	for (int i = 0; i < 10; i++) {
		rig_do(&rig, SESSION_SLOT);
		assert_string_equal(rig_host(&rig), GENERAL);
		rig_lose(&rig, CLOSECODE_NONE);
		assert_true(rig_did(&rig, SESSION_DROP_SLOT));

		mono_ns waited = rig_sit_out(&rig);

		assert_true(i < 2 || waited >= CLOCK_S(1));
		last = waited;
		assert_true(rig_did(&rig, SESSION_ASK_SLOT));
	}
	assert_true(last >= CLOCK_S(1) && last < CLOCK_S(60));
	assert_int_equal(rig.session.identifies, 0);
}

static void
an_identify_that_went_out_gives_no_slot_back(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, NULL, 1);
	rig_do(&rig, SESSION_START);
	rig_do(&rig, SESSION_SLOT);
	rig_open(&rig);
	rig_lose(&rig, 1006);
	assert_false(rig_did(&rig, SESSION_DROP_SLOT));
}

/* ---- how long it waits ---- */

struct bounds {
	mono_ns least;
	mono_ns most;
};

/* The waits after the nth failure in a row, over many seeds. */
static struct bounds
waits_after(uint32_t failure, uint32_t identify_failures)
{
	struct bounds bounds = {.least = CLOCK_NEVER};
	struct rig rig;

	for (uint64_t seed = 0; seed < 400; seed++) {
		rig_init(&rig, identify_failures > 0 ? NULL : &rig_saved, seed);
		rig_do(&rig, SESSION_START);
		rig_do(&rig, SESSION_SLOT);
		rig.session.failures = failure - 1;
		rig.session.identify_failures = identify_failures;
		rig_lose(&rig, CLOSECODE_NONE);

		mono_ns waited = rig_sit_out(&rig);

		bounds.least = waited < bounds.least ? waited : bounds.least;
		bounds.most = waited > bounds.most ? waited : bounds.most;
	}
	return bounds;
}

static void
the_wait_doubles_under_full_jitter_up_to_its_cap(void **state)
{
	static const struct {
		uint32_t failure;
		mono_ns floor, ceiling;
	} cases[] = {
	    {1, 0, 0},
	    {2, 0, CLOCK_S(1)},
	    {3, CLOCK_S(1), CLOCK_S(2)},
	    {4, CLOCK_S(1), CLOCK_S(4)},
	    {5, CLOCK_S(1), CLOCK_S(8)},
	    {6, CLOCK_S(1), CLOCK_S(16)},
	    {7, CLOCK_S(1), CLOCK_S(32)},
	    {8, CLOCK_S(1), CLOCK_S(60)},
	    {9, CLOCK_S(1), CLOCK_S(60)},
	    {1000, CLOCK_S(1), CLOCK_S(60)},
	    {UINT32_MAX, CLOCK_S(1), CLOCK_S(60)},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct bounds waits = waits_after(cases[i].failure, 0);
		mono_ns width = cases[i].ceiling - cases[i].floor;

		/* Inside the bounds, and spread over all of them. */
		if (waits.least < cases[i].floor ||
		    waits.least > cases[i].floor + width / 20 ||
		    waits.most > cases[i].ceiling ||
		    waits.most < cases[i].ceiling - width / 20) {
			fail_msg("failure %" PRIu32 ": %" PRId64 " to %" PRId64 " ns",
			    cases[i].failure, waits.least, waits.most);
		}
	}
}

static void
what_would_spend_an_identify_waits_longer(void **state)
{
	static const struct {
		uint32_t identify_failures;
		mono_ns ceiling;
	} cases[] = {
	    {1, 0},
	    {2, CLOCK_S(1)},
	    {5, CLOCK_S(8)},
	    {8, CLOCK_S(64)},
	    {10, CLOCK_S(256)},
	    {12, CLOCK_S(600)},
	    {UINT32_MAX, CLOCK_S(600)},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct bounds waits = waits_after(1, cases[i].identify_failures);

		if (waits.most > cases[i].ceiling ||
		    waits.most < cases[i].ceiling - cases[i].ceiling / 20) {
			fail_msg("%" PRIu32 ": up to %" PRId64 " ns",
			    cases[i].identify_failures, waits.most);
		}
	}
}

static void
a_day_of_failing_identifies_stays_far_below_a_thousand(void **state)
{
	struct rig rig;
	mono_ns end = 0;

	(void)state;
	rig_init(&rig, NULL, 9);
	end = rig.now + CLOCK_S(24 * 3600);
	rig_do(&rig, SESSION_START);
	while (rig.now < end) {
		rig_do(&rig, SESSION_SLOT);
		rig_open(&rig);
		rig_lose(&rig, 4003);
		(void)rig_sit_out(&rig);
	}
	assert_in_range(rig.session.identifies, 100, 400);
}

static void
ready_forgives_by_how_long_it_held(void **state)
{
	static const struct {
		const char *name;
		mono_ns held;
		uint32_t failures;
		uint32_t identify_failures;
	} cases[] = {
	    {"lost at once", 0, 7, 1},
	    {"2 s", CLOCK_S(2), 7, 1},
	    {"a moment before the first is forgiven", CLOCK_S(5) - 1, 7, 1},
	    {"the first is forgiven", CLOCK_S(5), 6, 1},
	    {"four are forgiven", CLOCK_S(24), 3, 1},
	    {"all are, the IDENTIFY is not", CLOCK_S(60) - 1, 1, 1},
	    {"stable", CLOCK_S(60), 1, 0},
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		rig_login(&rig, 1);
		rig.session.failures = 6;
		rig.now += cases[i].held;
		rig_lose(&rig, 1006);
		if (rig.session.failures != cases[i].failures ||
		    rig.session.identify_failures != cases[i].identify_failures ||
		    (rig.session.state == SNAPSHOT_BACKOFF) !=
			(cases[i].failures > 1)) {
			fail_msg("%s", cases[i].name);
		}
	}
}

static void
a_resumed_that_held_is_as_good_as_a_ready(void **state)
{
	struct rig rig;

	(void)state;
	rig_begin_resume(&rig, 1);
	rig.session.failures = 6;
	rig_resumed(&rig, 8);
	rig_live(&rig, CLOCK_S(60));
	rig_lose(&rig, 1006);
	assert_int_equal(rig.session.failures, 1);
	assert_true(rig_did(&rig, SESSION_CONNECT));
}

static void
a_server_that_closes_after_each_ready_is_not_hammered(void **state)
{
	struct rig rig;
	unsigned connects = 0;

	(void)state;
	rig_login(&rig, 1);

	mono_ns end = rig.now + CLOCK_S(3600);

	for (int64_t seq = 2; rig.now < end; seq++) {
		rig.now += CLOCK_S(2);
		rig_lose(&rig, 1006);
		(void)rig_sit_out(&rig);
		rig_open(&rig);
		rig_resumed(&rig, seq);
		connects++;
	}
	assert_in_range(connects, 60, 180);
	assert_int_equal(rig.session.identifies, 1);
}

static void
what_the_peer_asks_for_is_waited_for_up_to_a_quarter_of_an_hour(void **state)
{
	static const struct {
		const char *name;
		mono_ns asked;
		mono_ns waited;
	} cases[] = {
	    {"nothing", 0, 0},
	    {"negative", -CLOCK_S(5), 0},
	    {"7 s", CLOCK_S(7), CLOCK_S(7)},
	    {"exactly the cap", CLOCK_S(900), CLOCK_S(900)},
	    {"a day", CLOCK_S(86400), CLOCK_S(900)},
	    {"for ever", INT64_MAX, CLOCK_S(900)},
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		rig_init(&rig, &rig_saved, 1);
		rig_do(&rig, SESSION_START);
		rig_step(&rig,
		    &(struct session_event){.kind = SESSION_LOST,
			.code = CLOSECODE_NONE,
			.retry_after = cases[i].asked,
			.text = "HTTP 429"});
		if (rig_sit_out(&rig) != cases[i].waited) {
			fail_msg("%s", cases[i].name);
		}
	}
}

/* How long the rest after an event takes, over many seeds; crowd shards are down. */
static struct bounds
rests_in_a_crowd(uint32_t crowd, void (*fall)(struct rig *))
{
	struct bounds bounds = {.least = CLOCK_NEVER};

	for (uint64_t seed = 0; seed < 400; seed++) {
		struct rig rig;

		rig_login(&rig, seed);
		rig.session.config.shard_count = 1000;
		rig.crowd = crowd;
		fall(&rig);

		mono_ns waited = rig_sit_out(&rig);

		assert_int_equal(rig.session.state, SNAPSHOT_CONNECTING);
		bounds.least = waited < bounds.least ? waited : bounds.least;
		bounds.most = waited > bounds.most ? waited : bounds.most;
	}
	return bounds;
}

static void
fall_by_op_7(struct rig *rig)
{
	rig->now += CLOCK_S(10);
	rig_say(rig, OP7);
}

static void
fall_by_loss(struct rig *rig)
{
	rig_lose(rig, 1006);
}

static void
fall_by_sleep(struct rig *rig)
{
	rig_do(rig, SESSION_SLEPT);
}

static void
start_again(struct rig *rig)
{
	session_init(&rig->session, &rig_config, &rig_saved);
	rig_do(rig, SESSION_START);
}

static void
shards_come_back_spread_by_how_many_are_down(void **state)
{
	static const struct {
		uint32_t crowd;
		mono_ns spread;
	} cases[] = {
	    {0, 0},
	    {1, CLOCK_MS(50)},
	    {50, CLOCK_MS(2500)},
	    {100, CLOCK_S(5)},
	    {UINT32_MAX, CLOCK_S(5)},
	};
	static void (*const falls[])(
	    struct rig *) = {fall_by_op_7, fall_by_loss, fall_by_sleep, start_again};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases) * COUNT_OF(falls); i++) {
		mono_ns spread = cases[i % COUNT_OF(cases)].spread;
		struct bounds rests = rests_in_a_crowd(cases[i % COUNT_OF(cases)].crowd,
		    falls[i / COUNT_OF(cases)]);

		assert_in_range(rests.least, 0, spread / 20);
		assert_in_range(rests.most, spread - spread / 20, spread);
	}
}

static void
a_start_without_a_session_is_spread_by_the_gate_alone(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, NULL, 1);
	rig.crowd = 499;
	rig_do(&rig, SESSION_START);
	assert_int_equal(rig.session.state, SNAPSHOT_WAIT_SLOT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_dead_resume_host_gives_way_to_the_general_one_and_back),
	    cmocka_unit_test(a_session_that_resumed_at_the_general_host_keeps_its_own),
	    cmocka_unit_test(a_host_that_said_hello_is_not_in_doubt),
	    cmocka_unit_test(a_failed_connect_gives_the_slot_back_and_spends_nothing),
	    cmocka_unit_test(an_identify_that_went_out_gives_no_slot_back),
	    cmocka_unit_test(the_wait_doubles_under_full_jitter_up_to_its_cap),
	    cmocka_unit_test(what_would_spend_an_identify_waits_longer),
	    cmocka_unit_test(a_day_of_failing_identifies_stays_far_below_a_thousand),
	    cmocka_unit_test(ready_forgives_by_how_long_it_held),
	    cmocka_unit_test(a_resumed_that_held_is_as_good_as_a_ready),
	    cmocka_unit_test(a_server_that_closes_after_each_ready_is_not_hammered),
	    cmocka_unit_test(
		what_the_peer_asks_for_is_waited_for_up_to_a_quarter_of_an_hour),
	    cmocka_unit_test(shards_come_back_spread_by_how_many_are_down),
	    cmocka_unit_test(a_start_without_a_session_is_spread_by_the_gate_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
