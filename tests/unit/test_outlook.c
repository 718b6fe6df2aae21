/* The outlook: what acts next, and when, in each state and on both sides of a limit. */
#include <ctype.h>

#include "outlook.h"
#include "session_rig.h"

#define KEEPALIVE CLOCK_S(60)

static const struct watchdog_limits limits = {
    .keepalive = KEEPALIVE,
    .stall = CLOCK_S(210),
    .disconnect_grace = CLOCK_S(180),
    .max_latency = CLOCK_S(10),
};

static struct rig rig;
static struct outlook outlook;

/* The outlook with the watchdog's next check so far off. */
static void
look_with(const struct watchdog_limits *with, const struct snapshot *snap,
    mono_ns check_in)
{
	const struct outlook_input input = {
	    .session = &rig.session,
	    .snap = snap,
	    .limits = *with,
	    .check_at = rig.now + check_in,
	    .now = rig.now,
	    .crowd = rig.crowd,
	};

	outlook_take(&input, &outlook);
	assert_true(outlook.count >= 1 && outlook.count <= OUTLOOK_MAX);
}

static void
look(mono_ns check_in)
{
	struct snapshot snap = rig_snapshot(&rig);

	look_with(&limits, &snap, check_in);
}

static void
expect_entry(unsigned index, enum outlook_rule rule, mono_ns in)
{
	assert_true(index < outlook.count);
	assert_string_equal(outlook_rule_name(outlook.list[index].rule),
	    outlook_rule_name(rule));
	assert_int_equal(outlook.list[index].in, in);
}

static void
expect_count(unsigned count)
{
	assert_int_equal(outlook.count, count);
}

/* ---- ready ---- */

static void
a_ready_shard_beats_then_is_a_zombie_then_the_process_ends(void **state)
{
	(void)state;
	rig_login(&rig, 1);
	mono_ns beat = rig.session.beat_due - rig.now;

	look(CLOCK_S(30));
	expect_entry(0, OUTLOOK_HEARTBEAT, beat);
	expect_entry(1, OUTLOOK_SILENT, beat + INTERVAL);
	assert_int_equal(outlook.list[1].follow, OUTLOOK_FOLLOW_RESUME);
	/* Down from the zombie on: over the grace at the first check behind it. */
	mono_ns over = beat + INTERVAL + limits.disconnect_grace;
	mono_ns check = CLOCK_S(30);

	while (check <= over) {
		check += KEEPALIVE;
	}
	expect_entry(2, OUTLOOK_WATCHDOG_DOWN, check);
	expect_count(3);
}

static void
frames_without_an_answer_put_the_verdict_off(void **state)
{
	(void)state;
	rig_login(&rig, 1);
	(void)rig_wake(&rig);
	look(CLOCK_S(1));
	expect_entry(0, OUTLOOK_SILENT, INTERVAL);
	rig.now += CLOCK_S(1);
	rig_do(&rig, SESSION_FRAME);
	look(CLOCK_S(1));
	expect_entry(0, OUTLOOK_HEARTBEAT, INTERVAL - CLOCK_S(1));
	/* Nothing comes behind that beat: it is the silent one. */
	expect_entry(1, OUTLOOK_SILENT, 2 * INTERVAL - CLOCK_S(1));
	rig.now = rig.session.beat_due - 1;
	rig_do(&rig, SESSION_FRAME);
	(void)rig_wake(&rig);
	rig.now += CLOCK_S(1);
	rig_do(&rig, SESSION_FRAME);
	look(CLOCK_S(1));
	expect_entry(0, OUTLOOK_UNANSWERED, INTERVAL - CLOCK_S(1));
}

static void
a_stopped_process_gives_the_connection_up(void **state)
{
	(void)state;
	rig_login(&rig, 1);
	rig.now = rig.session.beat_due + 2 * INTERVAL;
	look(CLOCK_S(1));
	expect_entry(0, OUTLOOK_STOOD_STILL, 0);
}

static void
a_late_verdict_is_put_off_as_the_session_does(void **state)
{
	(void)state;
	rig_login(&rig, 1);
	(void)rig_wake(&rig);
	rig.now = rig.session.beat_due + CLOCK_S(2);
	look(CLOCK_S(1));
	expect_entry(0, OUTLOOK_SILENT, CLOCK_MS(500));
}

static void
a_proof_of_life_and_its_silence(void **state)
{
	(void)state;
	rig_login(&rig, 1);
	session_set_probe_after(&rig.session, CLOCK_S(300), rig.now);
	rig_live(&rig, CLOCK_S(290));
	mono_ns due = rig.session.probe.due - rig.now;

	look(CLOCK_S(1));
	bool beat_first = rig.session.beat_due < rig.session.probe.due;

	expect_entry(beat_first ? 1 : 0, OUTLOOK_PROBE, due);
	rig.now = rig.session.probe.due;
	rig_do(&rig, SESSION_TIMEOUT);
	assert_true(rig_did(&rig, SESSION_PROBE));
	rig_say(&rig, ACK);
	look(CLOCK_S(1));
	bool deaf = false;

	for (unsigned i = 0; i < outlook.count; i++) {
		deaf = deaf || outlook.list[i].rule == OUTLOOK_DEAF;
	}
	assert_true(deaf);
	assert_int_equal(outlook_give_up_in(&outlook), CLOCK_S(20));
}

/* ---- the watchdog over a connected shard ---- */

/* Silent, with the last payload and a good latency at an instant of ours. */
static void
fall_silent(void)
{
	rig_login(&rig, 1);
	rig_beat(&rig);
}

static void
silence_of_exactly_stall_is_not_over_it(void **state)
{
	const struct watchdog_limits short_stall = {
	    .keepalive = CLOCK_S(5),
	    .stall = CLOCK_S(10),
	    .disconnect_grace = CLOCK_S(180),
	    .max_latency = CLOCK_MS(1),
	};

	(void)state;
	fall_silent();
	struct snapshot snap = rig_snapshot(&rig);

	/* Checks at 5 s, 10 s, 15 s: at 10 s the silence is exactly the limit. */
	look_with(&short_stall, &snap, CLOCK_S(5));
	expect_entry(0, OUTLOOK_WATCHDOG_ZOMBIE, CLOCK_S(15));
	expect_count(1);
	look_with(&short_stall, &snap, CLOCK_S(5) + 1);
	expect_entry(0, OUTLOOK_WATCHDOG_ZOMBIE, CLOCK_S(10) + 1);
}

static void
a_good_latency_turns_the_exit_into_a_warning(void **state)
{
	const struct watchdog_limits short_stall = {
	    .keepalive = CLOCK_S(5),
	    .stall = CLOCK_S(10),
	    .disconnect_grace = CLOCK_S(180),
	    .max_latency = CLOCK_S(10),
	};

	(void)state;
	fall_silent();
	struct snapshot snap = rig_snapshot(&rig);
	mono_ns beat = rig.session.beat_due - rig.now;

	look_with(&short_stall, &snap, CLOCK_S(5));
	expect_entry(0, OUTLOOK_WATCHDOG_STALE, CLOCK_S(15));
	expect_entry(1, OUTLOOK_HEARTBEAT, beat);
	/* The open beat's age is the latency: bad when it is over ten seconds old. */
	mono_ns check = CLOCK_S(5);

	while (check <= beat + CLOCK_S(10)) {
		check += CLOCK_S(5);
	}
	expect_entry(2, OUTLOOK_WATCHDOG_ZOMBIE, check);
	expect_count(3);
}

static void
a_check_at_the_instant_of_a_heartbeat_counts(void **state)
{
	const struct watchdog_limits seldom = {
	    .keepalive = CLOCK_S(1000),
	    .stall = CLOCK_S(10),
	    .disconnect_grace = CLOCK_S(180),
	    .max_latency = CLOCK_MS(1),
	};

	(void)state;
	fall_silent();
	struct snapshot snap = rig_snapshot(&rig);
	mono_ns beat = rig.session.beat_due - rig.now;

	look_with(&seldom, &snap, beat);
	expect_entry(0, OUTLOOK_HEARTBEAT, beat);
	expect_entry(1, OUTLOOK_WATCHDOG_ZOMBIE, beat);
	expect_count(2);
}

/* ---- not connected ---- */

/* Lost so often that it backs off. */
static void
fall_back_off(void)
{
	rig_begin_resume(&rig, 5);
	for (int i = 0; i < 3; i++) {
		rig_lose(&rig, 1006);
		(void)rig_sit_out(&rig);
	}
	while (rig.session.state != SNAPSHOT_BACKOFF) {
		rig_lose(&rig, 1006);
	}
}

static void
a_shard_that_backs_off_tries_again_then_the_grace_counts(void **state)
{
	(void)state;
	fall_back_off();
	rig.session.down_since = rig.now;
	look(CLOCK_S(30));
	expect_entry(0, OUTLOOK_RETRY_GENERAL, rig.session.retry_at - rig.now);
	expect_entry(1, OUTLOOK_WATCHDOG_DOWN, CLOCK_S(210));
	expect_count(2);
}

static void
down_for_exactly_the_grace_is_not_over_it(void **state)
{
	(void)state;
	fall_back_off();
	rig.session.down_since = rig.now;
	/* A check at 180 s, which is the grace: the one behind it ends the process. */
	look(CLOCK_S(60));
	assert_int_equal(outlook_exit_in(&outlook), CLOCK_S(240));
	look(CLOCK_S(60) + 1);
	assert_int_equal(outlook_exit_in(&outlook), CLOCK_S(180) + 1);
	look(CLOCK_S(60) - 1);
	assert_int_equal(outlook_exit_in(&outlook), CLOCK_S(240) - 1);
}

static void
a_check_that_is_due_ends_the_process_now(void **state)
{
	(void)state;
	fall_back_off();
	rig.session.down_since = rig.now - CLOCK_S(181);
	look(0);
	expect_entry(0, OUTLOOK_WATCHDOG_DOWN, 0);
	expect_count(1);
	look(-CLOCK_S(5));
	expect_entry(0, OUTLOOK_WATCHDOG_DOWN, 0);
}

static void
a_shard_that_never_connected_counts_from_the_first_check(void **state)
{
	(void)state;
	rig_init(&rig, NULL, 1);
	rig_do(&rig, SESSION_START);
	look(CLOCK_S(20));
	/* Down since the check at 20 s; over 180 s at the fourth one behind it. */
	assert_int_equal(outlook_exit_in(&outlook), CLOCK_S(20 + 240));
}

static void
each_step_of_a_connection_has_its_deadline(void **state)
{
	(void)state;
	rig_init(&rig, &rig_saved, 1);
	rig_do(&rig, SESSION_START);
	look(CLOCK_S(30));
	expect_entry(0, OUTLOOK_CONNECT_DEADLINE, CONNECT_TIMEOUT);
	assert_int_equal(outlook.list[0].follow, OUTLOOK_FOLLOW_RESUME);
	rig_do(&rig, SESSION_OPENED);
	look(CLOCK_S(30));
	expect_entry(0, OUTLOOK_HELLO_DEADLINE, HELLO_TIMEOUT);
	rig_say(&rig, HELLO);
	look(CLOCK_S(30));
	assert_int_equal(outlook_give_up_in(&outlook), READY_TIMEOUT);
	unsigned last = outlook.count - 2; /* the end of the process stands behind */

	expect_entry(last, OUTLOOK_RESUMED_DEADLINE, READY_TIMEOUT);
}

static void
a_crowd_comes_back_after_a_wait(void **state)
{
	(void)state;
	rig_login(&rig, 1);
	rig.crowd = 50;
	look(CLOCK_S(30));
	assert_int_equal(outlook.list[1].follow, OUTLOOK_FOLLOW_RESUME_LATER);
}

/* ---- the identify gate ---- */

static void
what_a_shard_at_the_gate_waits_for_is_told(void **state)
{
	static const struct {
		enum snapshot_hold hold;
		mono_ns wait;
		enum outlook_rule rule;
		enum outlook_doubt doubt;
	} cases[] = {
	    {SNAPSHOT_HOLD_NONE, 0, OUTLOOK_SLOT, OUTLOOK_DOUBT_NONE},
	    {SNAPSHOT_HOLD_SPACING, CLOCK_S(3), OUTLOOK_SLOT_SPACING,
		OUTLOOK_DOUBT_NONE},
	    {SNAPSHOT_HOLD_QUEUE, CLOCK_S(11), OUTLOOK_SLOT_QUEUE,
		OUTLOOK_DOUBT_ESTIMATE},
	    {SNAPSHOT_HOLD_BUDGET, CLOCK_S(100), OUTLOOK_SLOT_BUDGET,
		OUTLOOK_DOUBT_NONE},
	    {SNAPSHOT_HOLD_DISK, 0, OUTLOOK_SLOT_DISK, OUTLOOK_DOUBT_NONE},
	    {SNAPSHOT_HOLD_API, SNAPSHOT_NONE, OUTLOOK_SLOT_API, OUTLOOK_DOUBT_API},
	    {SNAPSHOT_HOLD_BLIND, CLOCK_S(90), OUTLOOK_SLOT_BLIND,
		OUTLOOK_DOUBT_LATEST},
	};

	(void)state;
	rig_init(&rig, NULL, 1);
	rig_do(&rig, SESSION_START);
	assert_int_equal(rig.session.state, SNAPSHOT_WAIT_SLOT);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct snapshot snap = rig_snapshot(&rig);

		snap.hold = cases[i].hold;
		snap.next_try_in = cases[i].wait;
		look_with(&limits, &snap, CLOCK_S(30));
		expect_entry(0, cases[i].rule, cases[i].wait);
		assert_int_equal(outlook.list[0].doubt, cases[i].doubt);
		assert_int_equal(outlook.list[1].rule, OUTLOOK_WATCHDOG_DOWN);
	}
}

static void
a_budget_that_comes_back_after_the_grace_is_not_waited_for(void **state)
{
	(void)state;
	rig_init(&rig, NULL, 1);
	rig_do(&rig, SESSION_START);
	struct snapshot snap = rig_snapshot(&rig);

	snap.hold = SNAPSHOT_HOLD_BUDGET;
	snap.next_try_in = CLOCK_S(7200);
	look_with(&limits, &snap, CLOCK_S(30));
	expect_entry(0, OUTLOOK_WATCHDOG_DOWN, CLOCK_S(30 + 240));
	expect_count(1);
}

static void
what_is_not_known_says_so(void **state)
{
	(void)state;
	rig_init(&rig, NULL, 1);
	look(CLOCK_S(30));
	expect_entry(0, OUTLOOK_START, SNAPSHOT_NONE);
	assert_int_equal(outlook.list[0].doubt, OUTLOOK_DOUBT_TURN);
	struct snapshot snap = rig_snapshot(&rig);

	snap.hold = SNAPSHOT_HOLD_COUNT;
	look_with(&limits, &snap, CLOCK_S(30));
	expect_entry(0, OUTLOOK_COUNT_ASKED, SNAPSHOT_NONE);
	assert_int_equal(outlook.list[0].doubt, OUTLOOK_DOUBT_API);
	snap.next_try_in = CLOCK_S(4);
	look_with(&limits, &snap, CLOCK_S(30));
	expect_entry(0, OUTLOOK_COUNT, CLOCK_S(4));
	expect_entry(1, OUTLOOK_WATCHDOG_DOWN, CLOCK_S(30 + 240));
}

/* ---- over ---- */

static void
a_session_that_is_over_has_no_future(void **state)
{
	(void)state;
	rig_login(&rig, 1);
	rig_lose(&rig, 4004);
	look(CLOCK_S(30));
	expect_entry(0, OUTLOOK_REFUSED, 0);
	expect_count(1);
	rig_login(&rig, 1);
	rig_do(&rig, SESSION_STOP_ASKED);
	look(CLOCK_S(30));
	expect_entry(0, OUTLOOK_STOPPED, 0);
	expect_count(1);
	assert_int_equal(outlook_exit_in(&outlook), SNAPSHOT_NONE);
	assert_int_equal(outlook_give_up_in(&outlook), SNAPSHOT_NONE);
}

static void
the_session_itself_is_left_alone(void **state)
{
	struct session before;

	(void)state;
	rig_login(&rig, 1);
	before = rig.session;
	look(CLOCK_S(30));
	assert_memory_equal(&before, &rig.session, sizeof before);
}

/* ---- the table ---- */

static void
expect_phrase(const char *text)
{
	size_t size = strlen(text);

	assert_true(size > 0 && size < 160);
	assert_true(text[size - 1] != '.' && text[size - 1] != ' ');
}

static void
every_rule_has_its_words(void **state)
{
	static const enum outlook_rule rules[] = {
#define RULE(id, action, text, prevented) OUTLOOK_##id,
#include "outlook.def"
#undef RULE
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		expect_phrase(outlook_rule_text(rules[i]));
		expect_phrase(outlook_rule_prevented(rules[i]));
		assert_true(islower((unsigned char)outlook_action_word(
				outlook_action(rules[i]))[0]) != 0);
	}
	assert_string_equal(outlook_follow_text(OUTLOOK_FOLLOW_NOTHING), "");
	assert_string_equal(outlook_doubt_text(OUTLOOK_DOUBT_NONE), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_ready_shard_beats_then_is_a_zombie_then_the_process_ends),
	    cmocka_unit_test(frames_without_an_answer_put_the_verdict_off),
	    cmocka_unit_test(a_stopped_process_gives_the_connection_up),
	    cmocka_unit_test(a_late_verdict_is_put_off_as_the_session_does),
	    cmocka_unit_test(a_proof_of_life_and_its_silence),
	    cmocka_unit_test(silence_of_exactly_stall_is_not_over_it),
	    cmocka_unit_test(a_good_latency_turns_the_exit_into_a_warning),
	    cmocka_unit_test(a_check_at_the_instant_of_a_heartbeat_counts),
	    cmocka_unit_test(a_shard_that_backs_off_tries_again_then_the_grace_counts),
	    cmocka_unit_test(down_for_exactly_the_grace_is_not_over_it),
	    cmocka_unit_test(a_check_that_is_due_ends_the_process_now),
	    cmocka_unit_test(a_shard_that_never_connected_counts_from_the_first_check),
	    cmocka_unit_test(each_step_of_a_connection_has_its_deadline),
	    cmocka_unit_test(a_crowd_comes_back_after_a_wait),
	    cmocka_unit_test(what_a_shard_at_the_gate_waits_for_is_told),
	    cmocka_unit_test(
		a_budget_that_comes_back_after_the_grace_is_not_waited_for),
	    cmocka_unit_test(what_is_not_known_says_so),
	    cmocka_unit_test(a_session_that_is_over_has_no_future),
	    cmocka_unit_test(the_session_itself_is_left_alone),
	    cmocka_unit_test(every_rule_has_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
