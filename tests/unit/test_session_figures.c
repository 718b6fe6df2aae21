/* What a session counts for /metrics: where attempts fail, how connections end. */
#include "session_rig.h"

static uint64_t
closes(const struct rig *rig, const char *word)
{
	for (size_t i = 0; i < SNAPSHOT_CLOSES; i++) {
		if (strcmp(snapshot_close_word(i), word) == 0) {
			return rig->session.closes[i];
		}
	}
	fail_msg("no class %s", word);
	return 0;
}

static uint64_t
all_closes(const struct rig *rig)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < SNAPSHOT_CLOSES; i++) {
		sum += rig->session.closes[i];
	}
	return sum;
}

static uint64_t
all_failures(const struct rig *rig)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < SNAPSHOT_STAGES; i++) {
		sum += rig->session.failed_at[i];
	}
	return sum;
}

/* To the state in which the next attempt is on its way. */
static void
come_again(struct rig *rig)
{
	for (unsigned i = 0; i < 8 && rig->session.state != SNAPSHOT_CONNECTING; i++) {
		if (rig->session.state == SNAPSHOT_WAIT_SLOT) {
			rig_do(rig, SESSION_SLOT);
		} else {
			rig->now = session_wake_at(&rig->session);
			rig_do(rig, SESSION_TIMEOUT);
		}
	}
	assert_int_equal(rig->session.state, SNAPSHOT_CONNECTING);
}

static struct rig
ready_rig(void)
{
	struct rig rig = {.now = CLOCK_S(1000)};

	session_init(&rig.session, &rig_config, &rig_saved);
	rig_do(&rig, SESSION_START);
	rig_do(&rig, SESSION_OPENED);
	rig_say(&rig, HELLO);
	rig_resumed(&rig, 8);
	assert_int_equal(rig.session.state, SNAPSHOT_READY);
	return rig;
}

static void
an_attempt_fails_at_its_stage(void **state)
{
	struct rig rig = ready_rig();
	static const enum snapshot_stage stages[] = {SNAPSHOT_STAGE_API,
	    SNAPSHOT_STAGE_DNS, SNAPSHOT_STAGE_TCP, SNAPSHOT_STAGE_TLS,
	    SNAPSHOT_STAGE_UPGRADE};

	(void)state;
	rig_lose(&rig, 4000);
	for (size_t i = 0; i < COUNT_OF(stages); i++) {
		come_again(&rig);
		rig_step(&rig,
		    &(struct session_event){.kind = SESSION_LOST,
			.code = CLOSECODE_NONE,
			.abrupt = true,
			.stage = stages[i]});
		assert_int_equal(rig.session.failed_at[stages[i]], 1);
	}
	/* The loss of what was ready is no failed attempt; attempts have no close. */
	assert_int_equal(all_failures(&rig), COUNT_OF(stages));
	assert_int_equal(all_closes(&rig), 1);
}

static void
hello_and_login_are_stages(void **state)
{
	struct rig rig = ready_rig();

	(void)state;
	rig_lose(&rig, 4000);
	come_again(&rig);
	rig_do(&rig, SESSION_OPENED);
	rig.now += HELLO_TIMEOUT;
	rig_do(&rig, SESSION_TIMEOUT);
	assert_int_equal(rig.session.failed_at[SNAPSHOT_STAGE_HELLO], 1);
	come_again(&rig);
	rig_do(&rig, SESSION_OPENED);
	rig_say(&rig, HELLO);
	rig_say(&rig, OP9TRUE);
	assert_int_equal(rig.session.failed_at[SNAPSHOT_STAGE_AUTH], 1);
	assert_int_equal(rig.session.resumes_refused, 1);
	assert_int_equal(rig.session.identifies_refused, 0);
	come_again(&rig);
	rig_do(&rig, SESSION_OPENED);
	rig_say(&rig, HELLO);
	rig_lose(&rig, 4004);
	assert_int_equal(rig.session.state, SNAPSHOT_FATAL);
	assert_int_equal(rig.session.failed_at[SNAPSHOT_STAGE_AUTH], 2);
	assert_int_equal(all_failures(&rig), 3);
	assert_int_equal(closes(&rig, "4004"), 1);
}

static void
ends_are_counted_by_code(void **state)
{
	static const struct {
		unsigned code;
		bool abrupt;
		const char *word;
	} cases[] = {
	    {1000, false, "1000"},
	    {1001, false, "1001"},
	    {4009, false, "4009"},
	    {CLOSECODE_NONE, true, "1006"},
	    {CLOSECODE_NONE, false, "none"},
	    {1012, false, "other"},
	    {4999, false, "other"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rig rig = ready_rig();
		struct snapshot snap;

		rig_step(&rig,
		    &(struct session_event){.kind = SESSION_LOST,
			.code = cases[i].code,
			.abrupt = cases[i].abrupt});
		assert_int_equal(closes(&rig, cases[i].word), 1);
		assert_int_equal(all_closes(&rig), 1);
		session_snapshot(&rig.session, rig.now, &snap);
		assert_memory_equal(snap.closes, rig.session.closes,
		    sizeof snap.closes);
	}
}

static void
beats_that_stay_open_are_missed(void **state)
{
	struct rig rig = ready_rig();
	struct snapshot snap;

	(void)state;
	session_snapshot(&rig.session, rig.now, &snap);
	assert_int_equal(snap.last_ack_age, SNAPSHOT_NONE);
	rig.now = rig.session.beat_due;
	rig_do(&rig, SESSION_TIMEOUT);
	rig.now += CLOCK_S(1);
	rig_say(&rig, ACK);
	rig.now = rig.session.beat_due;
	rig_do(&rig, SESSION_TIMEOUT);
	assert_int_equal(rig.session.beats_missed, 0);
	rig.now += CLOCK_S(20);
	rig_dispatch(&rig, 9); /* alive, but without an answer */
	rig.now = rig.session.beat_due;
	rig_do(&rig, SESSION_TIMEOUT);
	assert_int_equal(rig.session.beats_missed, 1);
	session_snapshot(&rig.session, rig.now, &snap);
	assert_int_equal(snap.beats_missed, 1);
	assert_int_equal(snap.last_ack_age, 2 * INTERVAL - CLOCK_S(1));
	/* Two intervals without an answer: that is the end, and the second one. */
	rig.now = rig.session.beat_due;
	rig_do(&rig, SESSION_TIMEOUT);
	assert_int_equal(rig.session.beats_missed, 2);
	assert_int_equal(rig.session.zombies, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_attempt_fails_at_its_stage),
	    cmocka_unit_test(hello_and_login_are_stages),
	    cmocka_unit_test(ends_are_counted_by_code),
	    cmocka_unit_test(beats_that_stay_open_are_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
