/* Rate limits: what an answer says. */
#include "ratelimit_fixture.h"

static void
seconds_are_read_whatever_the_peer_writes(void **state)
{
	static const struct {
		const char *text;
		mono_ns wait; /* -1: not a number of seconds */
	} cases[] = {
	    {"0", 0},
	    {"1", CLOCK_S(1)},
	    {"1.5", CLOCK_MS(1500)},
	    {" 64.57 ", CLOCK_MS(64570)},
	    {"0.000000001", 1},
	    {"0.0000000009", 0},
	    {"0.123456789123456789123456789", 123456789},
	    {"00000000000000000000000000000000001", CLOCK_S(1)},
	    {"1.00000000000000000000000000000000000000001", CLOCK_S(1)},
	    {"5.0e-5", CLOCK_US(50)},
	    {"1e3", CLOCK_S(1000)},
	    {"1E+1", CLOCK_S(10)},
	    {"3600", RATELIMIT_WAIT_MAX},
	    {"3599.999", RATELIMIT_WAIT_MAX - CLOCK_MS(1)},
	    {"3601", RATELIMIT_WAIT_MAX},
	    {"99999999999999999999999999999999999999999", RATELIMIT_WAIT_MAX},
	    {"1e308", RATELIMIT_WAIT_MAX},
	    {"1e99999999999999999999", RATELIMIT_WAIT_MAX},
	    {"1e-99999999999999999999", 0},
	    {"0e999999999", 0},
	    {NULL, -1},
	    {"", -1},
	    {" ", -1},
	    {"-1", -1},
	    {"+1", -1},
	    {"-0", -1},
	    {"1,5", -1},
	    {".5", -1},
	    {"5.", -1},
	    {"1e", -1},
	    {"1e+", -1},
	    {"0x10", -1},
	    {"1 2", -1},
	    {"NaN", -1},
	    {"inf", -1},
	    {"1s", -1},
	    {"Wed, 21 Oct 2015 07:28:00 GMT", -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		mono_ns wait = -1;
		bool read = ratelimit_seconds(cases[i].text, &wait);

		if (read != (cases[i].wait >= 0) || wait != cases[i].wait) {
			fail_msg("\"%s\" was read as %lld", cases[i].text,
			    (long long)wait);
		}
	}
}

static void
dates_are_read_as_http_writes_them(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: none */
	} cases[] = {
	    {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
	    {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
	    {"Tue, 29 Feb 2000 12:00:00 GMT", 951825600},
	    {"Fri, 31 Dec 1999 23:59:59 GMT", 946684799},
	    {"Mon, 01 Mar 2100 00:00:00 GMT", 4107542400},
	    {"Fri, 31 Dec 9999 23:59:60 GMT", 253402300800},
	    {NULL, -1},
	    {"", -1},
	    {"Sun, 06 Nov 1994 08:49:37 UTC", -1},
	    {"Sun, 06 nov 1994 08:49:37 GMT", -1},
	    {"Sunday, 06-Nov-94 08:49:37 GMT", -1},
	    {"Sun Nov  6 08:49:37 1994     ", -1},
	    {"Sun, 00 Nov 1994 08:49:37 GMT", -1},
	    {"Sun, 32 Nov 1994 08:49:37 GMT", -1},
	    {"Sun, 06 Nov 1994 24:49:37 GMT", -1},
	    {"Sun, 06 Nov 1969 08:49:37 GMT", -1},
	    {"Sun, x6 Nov 1994 08:49:37 GMT", -1},
	    {"Sun, 06 Nov 1994 08:49:3x GMT", -1},
	    {"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t seconds = -1;

		if (ratelimit_date(cases[i].text, &seconds) !=
			(cases[i].seconds >= 0) ||
		    seconds != cases[i].seconds) {
			fail_msg("\"%s\" was read as %lld", cases[i].text,
			    (long long)seconds);
		}
	}
}

static struct ratelimit_told
read_429(struct ratelimit_head head, const char *body)
{
	struct ratelimit_told told;

	ratelimit_told_read(429, &head, slice_of(body), true, WALL, &told);
	return told;
}

static void
the_wait_of_a_429_is_what_is_meant(void **state)
{
	static const struct {
		const char *header;
		const char *date;
		const char *body;
		mono_ns wait;
	} cases[] = {
	    {"2", NULL, "{\"retry_after\":1.25}", CLOCK_MS(1250)},
	    {NULL, NULL, "{\"retry_after\":1.25}", CLOCK_MS(1250)},
	    {"2", NULL, "{}", CLOCK_S(2)},
	    {"2.5", NULL, "{\"retry_after\":\"1\"}", CLOCK_MS(2500)},
	    {"2", NULL, "{\"retry_after\":-1}", CLOCK_S(2)},
	    {"2", NULL, "{\"retry_after\":null}", CLOCK_S(2)},
	    {"2", NULL, "{\"retry_after\":1e308}", RATELIMIT_WAIT_MAX},
	    {"2", NULL, "{\"retry_after\":1e400}", CLOCK_S(2)},
	    {"2", NULL, "{\"retry_after\":0}", 0},
	    {"0", NULL, "{}", 0},
	    {"-5", NULL, "{}", RATELIMIT_UNTOLD},
	    {NULL, NULL, "{}", RATELIMIT_UNTOLD},
	    {"nan", NULL, "[1,", RATELIMIT_UNTOLD},
	    {"999999999999999999999", NULL, "", RATELIMIT_WAIT_MAX},
	    /* 7 s behind the answer's own date; the local clock says 2023 */
	    {"Wed, 21 Oct 2015 07:28:07 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", "{}",
		CLOCK_S(7)},
	    {"Wed, 21 Oct 2015 07:28:07 GMT", "rubbish", "{}", 0},
	    {"Tue, 14 Nov 2023 22:13:32 GMT", NULL, "{}", CLOCK_S(12)},
	    {"Fri, 31 Dec 9999 23:59:59 GMT", NULL, "{}", RATELIMIT_WAIT_MAX},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct ratelimit_told told =
		    read_429((struct ratelimit_head){.retry_after = cases[i].header,
				 .date = cases[i].date,
				 API},
			cases[i].body);

		if (told.retry_after != cases[i].wait) {
			fail_msg("%s %s: %lld", cases[i].header, cases[i].body,
			    (long long)told.retry_after);
		}
	}
}

static void
the_api_and_cloudflare_are_told_apart(void **state)
{
	static const struct ratelimit_head api = {API};
	static const struct ratelimit_head none = {.via = NULL};
	struct ratelimit_told told;

	(void)state;
	assert_false(read_429(api, "{\"retry_after\":1}").edge);
	assert_true(read_429(none, "{\"retry_after\":1}").edge);
	assert_true(read_429(api, "<html>").edge);
	assert_true(read_429(api, "").edge);
	assert_true(read_429(api, "[]").edge);
	/* Half a body says nothing about who sent it. */
	ratelimit_told_read(429, &api, slice_of("{\"retry"), false, WALL, &told);
	assert_false(told.edge);
	ratelimit_told_read(403, &none, slice_of("<html>"), true, WALL, &told);
	assert_false(told.edge);
}

static void
scope_is_read_from_headers_and_body(void **state)
{
	(void)state;
	assert_true(read_429((struct ratelimit_head){API}, "{\"global\":true}").global);
	assert_false(read_429((struct ratelimit_head){API}, "{\"global\":1}").global);
	assert_true(
	    read_429((struct ratelimit_head){API, .global = "true"}, "{}").global);
	assert_true(
	    read_429((struct ratelimit_head){API, .scope = "global"}, "{}").global);
	assert_true(
	    read_429((struct ratelimit_head){API, .scope = "shared"}, "{}").shared);
	assert_false(
	    read_429((struct ratelimit_head){API, .scope = "user"}, "{}").shared);
}

static void
hostile_headers_stay_in_bounds(void **state)
{
	static const struct {
		const char *remaining;
		const char *reset_after;
		int64_t left;
		mono_ns wait;
	} cases[] = {
	    {"5", "1.2", 5, CLOCK_MS(1200)},
	    {"0", "0", 0, 0},
	    {"-3", "-3", 0, RATELIMIT_UNTOLD},
	    {"nan", "NaN", -1, RATELIMIT_UNTOLD},
	    {"1.5", "1e308", -1, RATELIMIT_WAIT_MAX},
	    {"", "", -1, RATELIMIT_UNTOLD},
	    {NULL, NULL, -1, RATELIMIT_UNTOLD},
	};
	struct ratelimit_told told;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct ratelimit_head head = {.remaining = cases[i].remaining,
		    .reset_after = cases[i].reset_after};

		ratelimit_told_read(200, &head, slice_of(""), true, WALL, &told);
		assert_int_equal(told.remaining, cases[i].left);
		assert_int_equal(told.reset_after, cases[i].wait);
	}
	struct ratelimit_head huge = {.remaining = "99999999999999999999999"};

	ratelimit_told_read(200, &huge, slice_of(""), true, WALL, &told);
	assert_true(told.remaining > 1000000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(seconds_are_read_whatever_the_peer_writes),
	    TEST(dates_are_read_as_http_writes_them),
	    TEST(the_wait_of_a_429_is_what_is_meant),
	    TEST(the_api_and_cloudflare_are_told_apart),
	    TEST(scope_is_read_from_headers_and_body),
	    TEST(hostile_headers_stay_in_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
