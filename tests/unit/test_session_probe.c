/* Session: proof of life, and the guild in which it is asked for. */
#include "session_rig.h"

#define AFTER    CLOCK_S(300)
#define PATIENCE CLOCK_S(20)

#define GUILD_CREATE(id) \
	"{\"op\":0,\"t\":\"GUILD_CREATE\",\"d\":{\"name\":\"x\",\"id\":\"" id "\"}}"
#define GUILD_DELETE(rest) "{\"op\":0,\"t\":\"GUILD_DELETE\",\"d\":{\"id\":" rest "}}"
#define CHUNK              "{\"op\":0,\"t\":\"GUILD_MEMBERS_CHUNK\",\"d\":{\"members\":[]}}"

static void
login(struct rig *rig, mono_ns probe_after)
{
	rig_init(rig, NULL, 1);
	rig->session.config.probe_after = probe_after;
	rig_do(rig, SESSION_START);
	rig_do(rig, SESSION_SLOT);
	rig_open(rig);
	rig_say(rig, READY);
}

/* Lives on with answered beats until a probe goes out or limit has passed; true: one
 * went out. */
static bool
quiet_until_probe(struct rig *rig, mono_ns limit)
{
	mono_ns end = rig->now + limit;

	while (session_wake_at(&rig->session) <= end) {
		(void)rig_wake(rig);
		if (rig_did(rig, SESSION_PROBE)) {
			return true;
		}
		if (rig_did(rig, SESSION_HEARTBEAT)) {
			rig_say(rig, ACK);
		}
	}
	rig->now = end;
	return false;
}

/* Lives on with answered beats, and nothing else, until it is not READY or rests. */
static void
stay_deaf(struct rig *rig)
{
	do {
		(void)rig_wake(rig);
		if (rig_did(rig, SESSION_HEARTBEAT)) {
			rig_say(rig, ACK);
		}
	} while (rig->session.state == SNAPSHOT_READY && !rig_did(rig, SESSION_DEAF));
}

static void
resume(struct rig *rig)
{
	(void)rig_sit_out(rig);
	rig_open(rig);
	assert_true(rig_did(rig, SESSION_RESUME));
	rig_resumed(rig, rig->session.saved.seq + 1);
}

static void
login_again(struct rig *rig)
{
	(void)rig_sit_out(rig);
	assert_int_equal(rig->session.state, SNAPSHOT_WAIT_SLOT);
	rig_do(rig, SESSION_SLOT);
	rig_open(rig);
	assert_true(rig_did(rig, SESSION_IDENTIFY));
	rig_say(rig, READY);
}

/* ---- when it is asked for ---- */

static void
it_is_asked_for_after_exactly_so_much_silence(void **state)
{
	struct rig rig;

	(void)state;
	login(&rig, AFTER);

	mono_ns ready_at = rig.now;

	assert_true(quiet_until_probe(&rig, CLOCK_S(86400)));
	assert_int_equal(rig.now - ready_at, AFTER);
	assert_int_equal(rig_snapshot(&rig).probes, 1);
	assert_string_equal(rig.session.saved.guild_id, "1");
	assert_string_equal(rig.session.saved.user_id, "42");
	rig_say(&rig, CHUNK);

	mono_ns answered_at = rig.now;

	assert_true(quiet_until_probe(&rig, CLOCK_S(86400)));
	assert_int_equal(rig.now - answered_at, AFTER);
}

static void
any_dispatch_puts_it_off(void **state)
{
	struct rig rig;

	(void)state;
	login(&rig, AFTER);
	for (int64_t seq = 2; seq < 30; seq++) {
		assert_false(quiet_until_probe(&rig, AFTER - 1));
		rig_dispatch(&rig, seq % 3 == 0 ? 1 : seq); /* even an old one */
	}
	assert_true(quiet_until_probe(&rig, AFTER));
}

static void
nobody_is_asked_without_need_or_way(void **state)
{
	static const struct {
		const char *name;
		mono_ns after;
		const char *ready;
	} cases[] = {
	    {"off", 0, READY},
	    {"no guild", AFTER,
		"{\"op\":0,\"t\":\"READY\",\"s\":1,\"d\":{\"session_id\":\"a\","
		"\"user\":{\"id\":\"42\"},\"guilds\":[]}}"},
	    {"no guild with an id", AFTER,
		"{\"op\":0,\"t\":\"READY\",\"s\":1,\"d\":{\"session_id\":\"a\","
		"\"user\":{\"id\":\"42\"},\"guilds\":[{},null,7,{\"id\":true}]}}"},
	    {"no user", AFTER,
		"{\"op\":0,\"t\":\"READY\",\"s\":1,\"d\":{\"session_id\":\"a\","
		"\"guilds\":[{\"id\":\"5\"}]}}"},
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		rig_init(&rig, NULL, 1);
		rig.session.config.probe_after = cases[i].after;
		rig_do(&rig, SESSION_START);
		rig_do(&rig, SESSION_SLOT);
		rig_open(&rig);
		rig_say(&rig, cases[i].ready);
		if (quiet_until_probe(&rig, 5 * AFTER) ||
		    rig.session.state != SNAPSHOT_READY) {
			fail_msg("%s", cases[i].name);
		}
	}
}

static void
a_shorter_silence_than_a_second_is_none(void **state)
{
	struct rig rig;

	(void)state;
	login(&rig, 1);

	mono_ns ready_at = rig.now;

	assert_true(quiet_until_probe(&rig, CLOCK_S(60)));
	assert_int_equal(rig.now - ready_at, CLOCK_S(1));
}

static void
it_waits_for_room_among_the_ordinary_sends(void **state)
{
	struct rig rig;

	(void)state;
	login(&rig, AFTER);
	rig.session.sends.ordinary = 20;
	assert_false(quiet_until_probe(&rig, AFTER - 1));
	while (send_budget_take(&rig.session.sends, rig.now, false)) {
	}
	mono_ns full_at = rig.now;

	assert_true(quiet_until_probe(&rig, CLOCK_S(86400)));
	assert_in_range(rig.now - full_at, CLOCK_S(50), CLOCK_S(62));
}

static void
each_probe_has_a_nonce_of_its_own(void **state)
{
	char before[SESSION_NONCE_BYTES] = "";
	struct rig rig;

	(void)state;
	login(&rig, AFTER);
	for (int i = 0; i < 100; i++) {
		assert_true(quiet_until_probe(&rig, CLOCK_S(86400)));
		assert_string_not_equal(rig.session.probe.nonce, before);
		assert_in_range(strlen(rig.session.probe.nonce), 16, 32);
		memcpy(before, rig.session.probe.nonce, sizeof before);
		rig_say(&rig, CHUNK);
	}
}

static void
it_can_be_switched_on_and_off_while_it_runs(void **state)
{
	struct rig rig;

	(void)state;
	login(&rig, 0);
	assert_false(quiet_until_probe(&rig, CLOCK_S(3600)));
	session_set_probe_after(&rig.session, AFTER, rig.now);

	mono_ns set_at = rig.now;

	assert_true(quiet_until_probe(&rig, CLOCK_S(3600)));
	assert_int_equal(rig.now - set_at, AFTER);
	session_set_probe_after(&rig.session, 0, rig.now);
	assert_false(quiet_until_probe(&rig, CLOCK_S(3600)));
	assert_int_equal(rig.session.state, SNAPSHOT_READY);
}

/* ---- what comes of it ---- */

static void
a_quiet_server_that_answers_lives_for_ever(void **state)
{
	struct rig rig;

	(void)state;
	login(&rig, AFTER);
	for (int i = 0; i < 300; i++) {
		assert_true(quiet_until_probe(&rig, CLOCK_S(86400)));
		assert_false(
		    quiet_until_probe(&rig, i % 2 == 0 ? CLOCK_MS(50) : PATIENCE - 1));
		rig_say(&rig, CHUNK);
		assert_int_equal(rig.session.state, SNAPSHOT_READY);
	}
	assert_int_equal(rig.session.zombies, 0);
	assert_int_equal(rig.session.attempts, 1);
}

static void
no_answer_is_death_and_a_resume(void **state)
{
	struct rig rig;

	(void)state;
	login(&rig, AFTER);
	rig.now += CLOCK_S(1);
	assert_true(quiet_until_probe(&rig, CLOCK_S(86400)));

	mono_ns asked_at = rig.now;

	stay_deaf(&rig);
	assert_int_equal(rig.now - asked_at, PATIENCE);
	assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
	assert_string_equal(rig_host(&rig), RESUME_URL);
	assert_int_equal(rig_snapshot(&rig).zombies, 1);
	assert_string_equal(rig.session.reason, "zombie: proof of life unanswered");
}

static void
a_deaf_session_is_resumed_then_renewed_then_left_alone_for_an_hour(void **state)
{
	struct rig rig;

	(void)state;
	login(&rig, AFTER);
	stay_deaf(&rig);
	resume(&rig);
	stay_deaf(&rig);
	assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
	assert_true(rig_did(&rig, SESSION_FORGET));
	login_again(&rig);
	for (int guild = 0; guild < 5; guild++) {
		rig_say(&rig, GUILD_CREATE("7")); /* the beginning proves nothing */
	}
	stay_deaf(&rig);
	assert_true(rig_did(&rig, SESSION_DEAF));
	assert_int_equal(rig.session.state, SNAPSHOT_READY);

	mono_ns told_at = rig.now;

	assert_true(quiet_until_probe(&rig, CLOCK_S(86400)));
	assert_int_equal(rig.now - told_at, CLOCK_S(3600));

	/* A resume is free; another new session is not tried before an answer came. */
	stay_deaf(&rig);
	resume(&rig);
	stay_deaf(&rig);
	assert_true(rig_did(&rig, SESSION_DEAF));
	assert_int_equal(rig.session.identifies, 2);
	assert_int_equal(rig.session.zombies, 3);

	assert_true(quiet_until_probe(&rig, CLOCK_S(86400)));
	rig_say(&rig, CHUNK);
	stay_deaf(&rig);
	resume(&rig);
	stay_deaf(&rig);
	login_again(&rig);
	assert_int_equal(rig.session.identifies, 3);
}

static void
a_resume_that_becomes_a_new_session_was_the_new_session(void **state)
{
	struct rig rig;

	(void)state;
	login(&rig, AFTER);
	stay_deaf(&rig);
	(void)rig_sit_out(&rig);
	rig_open(&rig);
	rig_say(&rig, OP9);
	login_again(&rig);
	stay_deaf(&rig);
	assert_true(rig_did(&rig, SESSION_DEAF));
	assert_int_equal(rig.session.identifies, 2);
}

static void
a_replay_proves_nothing_and_what_comes_later_does(void **state)
{
	static const struct {
		const char *name;
		mono_ns later;
		bool renewed;
	} cases[] = {
	    {"right behind RESUMED", 0, true},
	    {"a moment before a minute", CLOCK_S(60) - 1, true},
	    {"a minute later", CLOCK_S(60), false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rig rig;

		login(&rig, AFTER);
		stay_deaf(&rig);
		(void)rig_sit_out(&rig);
		rig_open(&rig);
		rig_dispatch(&rig, 2);
		rig_dispatch(&rig, 3);
		rig_resumed(&rig, 4);
		(void)quiet_until_probe(&rig, cases[i].later);
		rig_dispatch(&rig, 5);
		stay_deaf(&rig);
		if ((rig.session.saved.id[0] == '\0') != cases[i].renewed) {
			fail_msg("%s", cases[i].name);
		}
	}
}

static void
a_late_verdict_is_put_off_once(void **state)
{
	static const struct {
		const char *name;
		bool answered;
	} cases[] = {{"answered", true}, {"silent", false}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rig rig;

		login(&rig, AFTER);
		rig.session.interval = CLOCK_S(600);
		rig.session.beat_due = rig.now + CLOCK_S(600);
		assert_true(quiet_until_probe(&rig, AFTER));
		rig.now += PATIENCE + CLOCK_S(2);
		rig_do(&rig, SESSION_TIMEOUT);
		assert_int_equal(rig.session.state, SNAPSHOT_READY);
		if (cases[i].answered) {
			rig_say(&rig, CHUNK);
		}
		rig.now += CLOCK_S(2);
		rig_do(&rig, SESSION_TIMEOUT);
		if ((rig.session.zombies == 0) != cases[i].answered) {
			fail_msg("%s", cases[i].name);
		}
	}
}

static void
an_open_probe_dies_with_its_connection(void **state)
{
	struct rig rig;

	(void)state;
	login(&rig, AFTER);
	assert_true(quiet_until_probe(&rig, AFTER));
	rig.now += PATIENCE - CLOCK_S(1);
	rig_lose(&rig, 1006);
	resume(&rig);
	assert_false(quiet_until_probe(&rig, AFTER - 1));
	assert_int_equal(rig.session.zombies, 0);
}

/* ---- where it is asked ---- */

static void
the_guild_is_dropped_when_it_goes_and_another_takes_its_place(void **state)
{
	static const struct {
		const char *say;
		const char *known; /* after it */
		bool saved;
	} steps[] = {
	    {GUILD_CREATE("9"), "1", false},
	    {GUILD_DELETE("\"2\""), "1", false},
	    {GUILD_DELETE("[]"), "1", false},
	    {"{\"op\":0,\"t\":\"GUILD_DELETE\",\"d\":null}", "1", false},
	    {"{\"op\":0,\"t\":\"GUILD_DELETE\"}", "1", false},
	    {GUILD_DELETE("\"1\""), "", true},
	    {"{\"op\":0,\"t\":\"GUILD_CREATE\",\"d\":{\"id\":{}}}", "", false},
	    {"{\"op\":0,\"t\":\"GUILD_CREATE\",\"d\":{\"id\":\"8\","
	     "\"unavailable\":true}}",
		"", false},
	    {GUILD_CREATE("9"), "9", true},
	    {GUILD_DELETE("\"9\",\"unavailable\":true"), "", true},
	    {GUILD_CREATE("9"), "9", true},
	    {GUILD_DELETE("9"), "", true},
	};
	struct rig rig;

	(void)state;
	login(&rig, AFTER);
	assert_string_equal(rig.session.saved.guild_id, "1");
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		rig_say(&rig, steps[i].say);
		if (strcmp(rig.session.saved.guild_id, steps[i].known) != 0 ||
		    rig_did(&rig, SESSION_SAVE) != steps[i].saved) {
			fail_msg("%s: %s", steps[i].say, rig.session.saved.guild_id);
		}
	}
	assert_false(quiet_until_probe(&rig, 3 * AFTER));
	rig_say(&rig, GUILD_CREATE("4"));
	assert_true(quiet_until_probe(&rig, AFTER));
}

static void
a_stored_guild_is_asked_after_a_resume(void **state)
{
	struct session_saved saved = rig_saved;
	struct rig rig;

	(void)state;
	(void)strcpy(saved.guild_id, "77");
	(void)strcpy(saved.user_id, "42");
	rig_init(&rig, &saved, 1);
	rig.session.config.probe_after = AFTER;
	rig_do(&rig, SESSION_START);
	rig_open(&rig);
	rig_resumed(&rig, 8);
	assert_true(quiet_until_probe(&rig, AFTER));
	assert_string_equal(rig.session.saved.guild_id, "77");
}

static void
the_guild_goes_with_its_session(void **state)
{
	struct rig rig;

	(void)state;
	login(&rig, AFTER);
	rig_say(&rig, OP9);
	assert_string_equal(rig.session.saved.guild_id, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_is_asked_for_after_exactly_so_much_silence),
	    cmocka_unit_test(any_dispatch_puts_it_off),
	    cmocka_unit_test(nobody_is_asked_without_need_or_way),
	    cmocka_unit_test(a_shorter_silence_than_a_second_is_none),
	    cmocka_unit_test(it_waits_for_room_among_the_ordinary_sends),
	    cmocka_unit_test(each_probe_has_a_nonce_of_its_own),
	    cmocka_unit_test(it_can_be_switched_on_and_off_while_it_runs),
	    cmocka_unit_test(a_quiet_server_that_answers_lives_for_ever),
	    cmocka_unit_test(no_answer_is_death_and_a_resume),
	    cmocka_unit_test(
		a_deaf_session_is_resumed_then_renewed_then_left_alone_for_an_hour),
	    cmocka_unit_test(a_resume_that_becomes_a_new_session_was_the_new_session),
	    cmocka_unit_test(a_replay_proves_nothing_and_what_comes_later_does),
	    cmocka_unit_test(a_late_verdict_is_put_off_once),
	    cmocka_unit_test(an_open_probe_dies_with_its_connection),
	    cmocka_unit_test(
		the_guild_is_dropped_when_it_goes_and_another_takes_its_place),
	    cmocka_unit_test(a_stored_guild_is_asked_after_a_resume),
	    cmocka_unit_test(the_guild_goes_with_its_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
