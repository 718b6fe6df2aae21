/* Retry: what may be sent again, and when. */
#include "ratelimit_fixture.h"

static void
the_rules_of_repetition(void **state)
{
	static const struct {
		const char *method;
		bool repeatable;
		unsigned status;
		bool whole;
		bool maybe_done;
		enum retry_verdict verdict;
	} cases[] = {
	    {"GET", false, 200, true, false, RETRY_DONE},
	    {"GET", false, 204, true, false, RETRY_DONE},
	    {"GET", false, 301, true, false, RETRY_DONE},
	    {"GET", false, 400, true, false, RETRY_DONE},
	    {"GET", false, 401, true, false, RETRY_DONE},
	    {"GET", false, 401, false, true, RETRY_GIVE_UP},
	    {"GET", false, 403, true, false, RETRY_DONE},
	    {"GET", false, 404, true, false, RETRY_DONE},
	    {"GET", false, 404, false, true, RETRY_GIVE_UP},
	    {"POST", true, 413, true, false, RETRY_DONE},
	    {"GET", false, 501, true, false, RETRY_DONE},
	    {"GET", false, 429, true, false, RETRY_LIMITED},
	    {"POST", false, 429, true, false, RETRY_LIMITED},
	    {"POST", false, 429, false, true, RETRY_LIMITED},
	    {"POST", false, 502, true, false, RETRY_LATER},
	    {"POST", false, 503, true, false, RETRY_LATER},
	    {"PATCH", false, 503, false, true, RETRY_LATER},
	    {"GET", false, 500, true, false, RETRY_LATER},
	    {"HEAD", false, 500, true, false, RETRY_LATER},
	    {"PUT", false, 504, true, false, RETRY_LATER},
	    {"DELETE", false, 520, true, false, RETRY_LATER},
	    {"DELETE", false, 524, true, false, RETRY_LATER},
	    {"DELETE", false, 530, true, false, RETRY_DONE},
	    {"POST", false, 500, true, false, RETRY_DONE},
	    {"POST", true, 500, true, false, RETRY_LATER},
	    {"PATCH", false, 504, true, false, RETRY_DONE},
	    {"PATCH", true, 504, true, false, RETRY_LATER},
	    {"GET", false, 0, false, true, RETRY_LATER},
	    {"POST", false, 0, false, true, RETRY_GIVE_UP},
	    {"POST", true, 0, false, true, RETRY_LATER},
	    {"POST", false, 0, false, false, RETRY_LATER},
	    {"PATCH", false, 0, false, false, RETRY_LATER},
	    {"GET", false, 200, false, true, RETRY_LATER},
	    {"POST", false, 200, false, true, RETRY_GIVE_UP},
	    {"POST", true, 200, false, true, RETRY_LATER},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct retry_case one = {
		    .method = cases[i].method,
		    .repeatable = cases[i].repeatable,
		    .status = cases[i].status,
		    .whole = cases[i].whole,
		    .maybe_done = cases[i].maybe_done,
		    .tries = 4,
		    .tries_max = RETRY_TRIES_MAX,
		};
		enum retry_verdict verdict = retry_judge(&one);

		if (verdict != cases[i].verdict) {
			fail_msg("%s %u whole=%d: %d", one.method, one.status,
			    one.whole, (int)verdict);
		}
		one.tries = RETRY_TRIES_MAX;
		verdict = retry_judge(&one);
		assert_true(verdict == RETRY_DONE || verdict == RETRY_GIVE_UP);
	}
	assert_true(retry_maybe_done(500) && retry_maybe_done(524));
	assert_false(retry_maybe_done(502) || retry_maybe_done(503));
	assert_false(retry_maybe_done(404));
}

static void
the_backoff_doubles_with_jitter_and_is_bounded(void **state)
{
	struct rng rng = {7};

	(void)state;
	for (unsigned tries = 1; tries < 40; tries++) {
		mono_ns most = CLOCK_MS(500) << (tries < 6 ? tries - 1 : 5);
		mono_ns least = CLOCK_S(3600);
		mono_ns longest = 0;

		most = most < CLOCK_S(15) ? most : CLOCK_S(15);
		for (unsigned i = 0; i < 200; i++) {
			mono_ns wait = retry_backoff(tries, &rng);

			least = wait < least ? wait : least;
			longest = wait > longest ? wait : longest;
		}
		assert_true(least >= most / 2 && longest < most);
		assert_true(longest - least > most / 3);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_rules_of_repetition),
	    TEST(the_backoff_doubles_with_jitter_and_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
