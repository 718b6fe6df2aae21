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

/* Dispatches that nobody looks into take a shorter way, to the same place. */
static void
a_dispatch_that_is_passed_leaves_the_session_as_one_that_is_stepped(void **state)
{
	static const char *const texts[] = {
	    "{\"op\":0,\"t\":\"TYPING_START\",\"s\":2,\"d\":{}}",
	    "{\"op\":0,\"t\":\"TYPING_START\",\"s\":2,\"d\":{}}",
	    "{\"op\":0,\"t\":\"NEW_THING\",\"s\":9,\"d\":{}}",
	    "{\"op\":0,\"t\":\"TYPING_START\",\"s\":1,\"d\":{}}",
	    "{\"op\":0,\"t\":\"TYPING_START\",\"s\":999999999999999999,\"d\":{}}",
	    "{\"op\":0,\"t\":\"TYPING_START\",\"s\":10,\"d\":{}}",
	};

	(void)state;
	for (int probed = 0; probed < 2; probed++) {
		struct rig stepped;

		memset(&stepped, 0, sizeof stepped); /* they are compared whole */
		rig_login(&stepped, 1);
		rig_live(&stepped, CLOCK_S(120));
		if (probed) {
			stepped.session.probe.answer_by = stepped.now + CLOCK_S(9);
			stepped.session.probe.misses = 1;
			stepped.session.config.probe_after = CLOCK_S(300);
		}
		struct rig passed = stepped;

		for (size_t i = 0; i < COUNT_OF(texts); i++) {
			struct payload payload;

			stepped.now += CLOCK_MS(7);
			passed.now = stepped.now;
			rig_say(&stepped, texts[i]);
			assert_int_equal(payload_parse(slice_of(texts[i]), &payload),
			    GW_OK);
			bool is_new =
			    session_pass(&passed.session, &payload, passed.now);

			assert_int_equal(is_new, rig_did(&stepped, SESSION_DISPATCH));
			assert_memory_equal(&passed.session, &stepped.session,
			    sizeof passed.session);
		}
		assert_int_equal(passed.session.saved.seq, 10);
	}
}

static void
the_session_reads_what_it_learns_from(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, NULL, 1);
	assert_true(session_reads(&rig.session, DISPATCH_NAME_TYPING_START));
	rig_login(&rig, 1);
	assert_true(session_reads(&rig.session, DISPATCH_NAME_READY));
	assert_false(session_reads(&rig.session, DISPATCH_NAME_TYPING_START));
	assert_false(session_reads(&rig.session, DISPATCH_NAME_OTHER));
	/* A guild to ask in is known, until it is left. */
	assert_false(session_reads(&rig.session, DISPATCH_NAME_GUILD_CREATE));
	assert_true(session_reads(&rig.session, DISPATCH_NAME_GUILD_DELETE));
	rig.session.saved.guild_id[0] = '\0';
	assert_true(session_reads(&rig.session, DISPATCH_NAME_GUILD_CREATE));
	assert_false(session_reads(&rig.session, DISPATCH_NAME_GUILD_DELETE));
	rig_lose(&rig, 1001);
	assert_true(session_reads(&rig.session, DISPATCH_NAME_TYPING_START));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_attempt_fails_at_its_stage),
	    cmocka_unit_test(hello_and_login_are_stages),
	    cmocka_unit_test(ends_are_counted_by_code),
	    cmocka_unit_test(beats_that_stay_open_are_missed),
	    cmocka_unit_test(
		a_dispatch_that_is_passed_leaves_the_session_as_one_that_is_stepped),
	    cmocka_unit_test(the_session_reads_what_it_learns_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
