/* Rate limits: what an answer says, who has to wait, and a server that checks it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ratelimit.h"
#include "retry.h"
#include "rng.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NOW             CLOCK_S(100000)
#define WALL            INT64_C(1700000000000)
#define MARGIN          RATELIMIT_MARGIN
#define API             .via = "1.1 google"

static struct ratelimit limits;

static int
forget_all(void **state)
{
	(void)state;
	memset(&limits, 0, sizeof limits);
	return 0;
}

/* ---- what an answer says ---- */

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

/* ---- who belongs together ---- */

static void
a_call_knows_what_its_limits_count_for(void **state)
{
	static const char messages[] = "/channels/{channel}/messages";
	struct ratelimit_call one =
	    ratelimit_call_of("GET", messages, "/channels/1/messages?limit=5");
	struct ratelimit_call same =
	    ratelimit_call_of("GET", messages, "/channels/1/messages");
	struct ratelimit_call other =
	    ratelimit_call_of("GET", messages, "/channels/2/messages");
	struct ratelimit_call post =
	    ratelimit_call_of("POST", messages, "/channels/1/messages");

	(void)state;
	assert_true(one.route == same.route && one.top == same.top);
	assert_true(one.route == other.route && one.top != other.top);
	assert_true(one.route != post.route && one.top == post.top);
	assert_true(one.with_token && !one.interaction);

	struct ratelimit_call answer =
	    ratelimit_call_of("POST", "/interactions/{interaction}/{token}/callback",
		"/interactions/5/abc/callback?with_response=true");

	assert_true(answer.interaction && !answer.with_token);
	struct ratelimit_call edit = ratelimit_call_of("PATCH",
	    "/webhooks/{application}/{token}/messages/@original",
	    "/webhooks/9/tok/messages/@original");
	struct ratelimit_call next = ratelimit_call_of("POST",
	    "/webhooks/{application}/{token}", "/webhooks/9/tok?wait=true");
	struct ratelimit_call stranger = ratelimit_call_of("POST",
	    "/webhooks/{application}/{token}", "/webhooks/9/toc");

	assert_true(!edit.interaction && !edit.with_token);
	assert_true(edit.top == next.top && next.top != stranger.top);
	assert_false(next.with_token);
	/* Without a token in its path only the bot's own can authorize it. */
	assert_true(
	    ratelimit_call_of("GET", "/webhooks/{webhook}", "/webhooks/9").with_token);
	assert_true(ratelimit_call_of("GET", "/webhooks/{webhook}", "/webhooks/9?a=/b")
			.with_token);
	assert_true(
	    ratelimit_call_of("GET", "/gateway/bot", "/gateway/bot").with_token);
}

/* ---- asking and being answered ---- */

static const char routes[][40] = {"/channels/{channel}/messages",
    "/channels/{channel}/typing", "/channels/{channel}/pins"};

static struct ratelimit_call
call_to(unsigned route, unsigned channel)
{
	char path[64];

	(void)snprintf(path, sizeof path, "/channels/%u/x", channel);
	return ratelimit_call_of("POST", routes[route], path);
}

static enum ratelimit_say
ask(const struct ratelimit_call *call, mono_ns now, unsigned *slot, mono_ns *retry_at)
{
	return ratelimit_ask(&limits, call, now, slot, retry_at);
}

static void
must_go(const struct ratelimit_call *call, mono_ns now, unsigned *slot)
{
	mono_ns retry_at;

	assert_int_equal(ask(call, now, slot, &retry_at), RATELIMIT_GO);
}

static void
must_wait(const struct ratelimit_call *call, mono_ns now, mono_ns until)
{
	mono_ns retry_at;
	unsigned slot;

	assert_int_equal(ask(call, now, &slot, &retry_at), RATELIMIT_WAIT);
	assert_int_equal(retry_at, until);
}

/* Sends one at now and has it answered at once. */
static mono_ns
send_answered(const struct ratelimit_call *call, struct ratelimit_told told,
    mono_ns now)
{
	unsigned slot;

	must_go(call, now, &slot);
	return ratelimit_answered(&limits, call, slot, &told, 1, now);
}

static struct ratelimit_told
answer_of(unsigned status)
{
	return (struct ratelimit_told){.status = status,
	    .remaining = -1,
	    .reset_after = RATELIMIT_UNTOLD,
	    .retry_after = RATELIMIT_UNTOLD};
}

static void
one_request_is_on_its_way_per_bucket(void **state)
{
	struct ratelimit_call one = call_to(0, 1);
	struct ratelimit_call other = call_to(0, 2);
	struct ratelimit_told told = answer_of(200);
	unsigned slot;
	unsigned second;

	(void)state;
	must_go(&one, NOW, &slot);
	must_wait(&one, NOW, CLOCK_NEVER);
	must_go(&other, NOW, &second);
	(void)ratelimit_answered(&limits, &one, slot, &told, 1, NOW);
	must_go(&one, NOW, &slot);
	ratelimit_dropped(&limits, slot);
	must_go(&one, NOW, &slot);
}

static void
a_request_on_its_way_counts_in_the_bucket_that_its_route_moves_to(void **state)
{
	struct ratelimit_call one = call_to(0, 1);
	struct ratelimit_call other = call_to(0, 2);
	struct ratelimit_call typing = call_to(1, 2);
	struct ratelimit_told told = answer_of(200);
	unsigned slot;
	unsigned second;

	(void)state;
	told.bucket = 77;
	(void)send_answered(&typing, told, NOW);
	must_go(&one, NOW, &slot);
	must_go(&other, NOW, &second);
	(void)ratelimit_answered(&limits, &one, slot, &told, 1, NOW);
	/* other left before anybody knew, and is in bucket 77 all the same. */
	must_wait(&other, NOW, CLOCK_NEVER);
	must_wait(&typing, NOW, CLOCK_NEVER);
	(void)ratelimit_answered(&limits, &other, second, &told, 1, NOW);
	must_go(&typing, NOW, &slot);
}

static void
more_flights_than_places_wait(void **state)
{
	unsigned slot = 0;

	(void)state;
	for (unsigned i = 0; i < RATELIMIT_FLIGHTS; i++) {
		struct ratelimit_call call = call_to(0, i);

		must_go(&call, NOW + CLOCK_MS(30) * i, &slot);
	}
	struct ratelimit_call late = call_to(0, 999);

	must_wait(&late, NOW + CLOCK_S(9), CLOCK_NEVER);
	ratelimit_dropped(&limits, slot);
	must_go(&late, NOW + CLOCK_S(9), &slot);
}

static void
nothing_left_waits_for_the_reset(void **state)
{
	struct ratelimit_call one = call_to(0, 1);
	struct ratelimit_told told = answer_of(200);
	unsigned slot;

	(void)state;
	told.remaining = 1;
	told.reset_after = CLOCK_S(9);
	(void)send_answered(&one, told, NOW);
	told.remaining = 0;
	told.reset_after = CLOCK_MS(1500);
	(void)send_answered(&one, told, NOW);
	must_wait(&one, NOW, NOW + CLOCK_MS(1500) + MARGIN);
	must_wait(&one, NOW + CLOCK_MS(1549), NOW + CLOCK_MS(1550));
	must_go(&one, NOW + CLOCK_MS(1550), &slot);
	struct ratelimit_call other = call_to(1, 1);

	told.reset_after = RATELIMIT_UNTOLD;
	(void)send_answered(&other, told, NOW);
	must_wait(&other, NOW, NOW + RATELIMIT_WAIT_DEFAULT + MARGIN);
}

static void
routes_of_one_bucket_wait_together_and_follow_a_change(void **state)
{
	struct ratelimit_call message = call_to(0, 1);
	struct ratelimit_call typing = call_to(1, 1);
	struct ratelimit_call elsewhere = call_to(1, 2);
	struct ratelimit_told told = answer_of(200);
	unsigned slot;

	(void)state;
	told.bucket = 77;
	told.remaining = 5;
	(void)send_answered(&message, told, NOW);
	told.remaining = 0;
	told.reset_after = CLOCK_S(3);
	(void)send_answered(&typing, told, NOW);
	must_wait(&message, NOW, NOW + CLOCK_S(3) + MARGIN);
	must_wait(&typing, NOW, NOW + CLOCK_S(3) + MARGIN);
	/* Known for the route, counted for each channel. */
	must_go(&elsewhere, NOW, &slot);
	told.bucket = 78;
	told.remaining = 4;
	(void)ratelimit_answered(&limits, &elsewhere, slot, &told, 1, NOW);
	/* The route is in another bucket now, which nobody has used up. */
	must_go(&typing, NOW, &slot);
	must_wait(&message, NOW, NOW + CLOCK_S(3) + MARGIN);
}

static void
a_429_makes_wait_whom_it_means(void **state)
{
	struct ratelimit_call one = call_to(0, 1);
	struct ratelimit_call other = call_to(0, 2);
	struct ratelimit_call answer = ratelimit_call_of("POST",
	    "/interactions/i/t/callback", "/interactions/1/t/callback");
	struct ratelimit_told told = answer_of(429);
	unsigned slot;

	(void)state;
	told.retry_after = CLOCK_S(2);
	assert_int_equal(send_answered(&one, told, NOW), CLOCK_S(2) + MARGIN);
	must_wait(&one, NOW, NOW + CLOCK_S(2) + MARGIN);
	(void)send_answered(&other, answer_of(200), NOW);

	/* Something is left: a limit below the bucket's, of that request alone. */
	(void)forget_all(NULL);
	told.remaining = 3;
	assert_int_equal(send_answered(&one, told, NOW), CLOCK_S(2) + MARGIN);
	(void)send_answered(&one, answer_of(200), NOW);

	(void)forget_all(NULL);
	told.global = true;
	(void)send_answered(&one, told, NOW);
	must_wait(&other, NOW, NOW + CLOCK_S(2) + MARGIN);
	assert_int_equal(ratelimit_all_until(&limits), NOW + CLOCK_S(2) + MARGIN);
	must_go(&answer, NOW, &slot);
	must_go(&other, NOW + CLOCK_S(2) + MARGIN, &slot);
}

static void
a_429_without_a_time_waits_longer_each_time(void **state)
{
	static const unsigned seconds[] = {1, 2, 4, 8, 16, 32, 64, 64};
	struct ratelimit_call one = call_to(0, 1);
	struct ratelimit_told told = answer_of(429);
	mono_ns now = NOW;

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(seconds); i++) {
		unsigned slot;

		must_go(&one, now, &slot);
		mono_ns wait =
		    ratelimit_answered(&limits, &one, slot, &told, i + 1, now);

		assert_int_equal(wait, CLOCK_S(seconds[i]));
		must_wait(&one, now, now + wait);
		now += wait;
	}
}

static void
a_ban_of_cloudflare_stops_all_and_doubles(void **state)
{
	static const unsigned seconds[] = {60, 120, 240, 480, 900, 900};
	struct ratelimit_call one = call_to(0, 1);
	struct ratelimit_call answer = ratelimit_call_of("POST",
	    "/interactions/i/t/callback", "/interactions/1/t/callback");
	struct ratelimit_told told = answer_of(429);
	mono_ns now = NOW;

	(void)state;
	told.edge = true;
	for (unsigned i = 0; i < COUNT_OF(seconds); i++) {
		(void)send_answered(&one, told, now);
		must_wait(&one, now, now + CLOCK_S(seconds[i]));
		must_wait(&answer, now, now + CLOCK_S(seconds[i]));
		now += CLOCK_S(seconds[i]);
	}
	told.retry_after = CLOCK_S(30);
	(void)send_answered(&one, told, now);
	must_wait(&one, now, now + CLOCK_S(30));
	now += CLOCK_S(30);
	told.retry_after = 0; /* no ban ends at once */
	(void)send_answered(&one, told, now);
	must_wait(&one, now, now + CLOCK_S(1));
	now += CLOCK_S(1);
	/* A good answer in between: it begins anew. */
	(void)send_answered(&one, answer_of(200), now);
	told.retry_after = RATELIMIT_UNTOLD;
	(void)send_answered(&one, told, now);
	must_wait(&one, now, now + CLOCK_S(60));
}

static void
no_second_has_more_than_45_requests(void **state)
{
	struct ratelimit_call answer = ratelimit_call_of("POST",
	    "/interactions/i/t/callback", "/interactions/1/t/callback");
	unsigned slot;

	(void)state;
	for (unsigned i = 0; i < RATELIMIT_GLOBAL; i++) {
		struct ratelimit_call call = call_to(0, i);

		must_go(&call, NOW + CLOCK_MS(i), &slot);
	}
	struct ratelimit_call late = call_to(0, 99);

	must_wait(&late, NOW + CLOCK_MS(44), NOW + CLOCK_S(1));
	must_go(&answer, NOW + CLOCK_MS(44), &slot);
	must_go(&late, NOW + CLOCK_S(1), &slot);
	late = call_to(0, 100);
	must_wait(&late, NOW + CLOCK_S(1), NOW + CLOCK_MS(1001));
}

static void
a_401_of_the_token_stops_everything(void **state)
{
	struct ratelimit_call one = call_to(0, 1);
	struct ratelimit_call hook =
	    ratelimit_call_of("POST", "/webhooks/{a}/{t}", "/webhooks/1/t");
	mono_ns retry_at;
	unsigned slot;

	(void)state;
	(void)send_answered(&hook, answer_of(401), NOW);
	(void)send_answered(&one, answer_of(403), NOW);
	(void)send_answered(&one, answer_of(401), NOW);
	assert_int_equal(ask(&one, NOW, &slot, &retry_at), RATELIMIT_STOPPED);
	assert_int_equal(ask(&hook, NOW + CLOCK_S(99999), &slot, &retry_at),
	    RATELIMIT_STOPPED);
}

static void
refused_requests_count_for_10_minutes_and_brake(void **state)
{
	struct ratelimit_call one = call_to(0, 1);
	struct ratelimit_call vital = call_to(1, 1);
	struct ratelimit_told told = answer_of(403);
	mono_ns now = NOW;
	mono_ns retry_at;
	unsigned slot;

	(void)state;
	vital.vital = true;
	for (unsigned i = 0; i < RATELIMIT_INVALID_BRAKE; i++) {
		assert_int_equal(ratelimit_invalid(&limits, now), i);
		(void)send_answered(&one, told, now);
		now += CLOCK_MS(100);
	}
	assert_int_equal(ask(&one, now, &slot, &retry_at), RATELIMIT_BRAKED);
	must_go(&vital, now, &slot);
	/* All within 200 s: the last is forgotten 600 to 610 s after it. */
	assert_int_equal(ratelimit_invalid(&limits, NOW + CLOCK_S(599)),
	    RATELIMIT_INVALID_BRAKE);
	assert_true(ratelimit_invalid(&limits, now + CLOCK_S(590)) > 0);
	assert_int_equal(ratelimit_invalid(&limits, now + CLOCK_S(611)), 0);
	must_go(&one, now + CLOCK_S(611), &slot);
	/* However long nobody asked, and for the very first instants of a boot. */
	assert_int_equal(ratelimit_invalid(&limits, CLOCK_NEVER), 0);
	(void)forget_all(NULL);
	(void)send_answered(&vital, told, 0);
	assert_int_equal(ratelimit_invalid(&limits, 5), 1);
}

static void
only_what_counts_against_us_is_counted(void **state)
{
	static const unsigned statuses[] = {200, 204, 304, 400, 404, 500, 502, 429};
	struct ratelimit_call one = call_to(0, 1);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(statuses); i++) {
		struct ratelimit_told told = answer_of(statuses[i]);

		told.shared = statuses[i] == 429;
		(void)send_answered(&one, told, NOW);
	}
	assert_int_equal(ratelimit_invalid(&limits, NOW), 0);
	struct ratelimit_told told = answer_of(429);
	struct ratelimit_call other = call_to(0, 2);

	(void)send_answered(&other, told, NOW);
	assert_int_equal(ratelimit_invalid(&limits, NOW), 1);
}

static void
a_full_table_forgets_no_wait(void **state)
{
	struct ratelimit_told told = answer_of(200);
	mono_ns now = NOW;
	unsigned slot;

	(void)state;
	told.remaining = 0;
	told.reset_after = CLOCK_S(600);
	for (unsigned i = 0; i < RATELIMIT_BUCKETS; i++) {
		struct ratelimit_call call = call_to(0, i);

		now += CLOCK_MS(30);
		(void)send_answered(&call, told, now);
	}
	struct ratelimit_call fresh = call_to(0, 9999);
	mono_ns first = NOW + CLOCK_MS(30) + CLOCK_S(600) + MARGIN;

	must_wait(&fresh, now, first);
	for (unsigned i = 0; i < RATELIMIT_BUCKETS; i++) {
		struct ratelimit_call call = call_to(0, i);

		must_wait(&call, now, first + CLOCK_MS(30) * i);
	}
	must_go(&fresh, first, &slot);
	assert_int_equal(ratelimit_until(&limits),
	    first + CLOCK_MS(30) * (RATELIMIT_BUCKETS - 1));
}

static void
more_routes_than_the_table_holds_drop_the_oldest(void **state)
{
	struct ratelimit_told told = answer_of(200);
	char route[40];
	unsigned slot;

	(void)state;
	told.remaining = 0;
	told.reset_after = CLOCK_S(60);
	for (unsigned i = 0; i < 10 * RATELIMIT_ROUTES; i++) {
		(void)snprintf(route, sizeof route, "/guilds/{guild}/%u", i);
		struct ratelimit_call call =
		    ratelimit_call_of("GET", route, "/guilds/1/x");

		told.bucket = 1000 + i;
		(void)send_answered(&call, told, NOW + CLOCK_S(i));
	}
	/* The latest are remembered. */
	struct ratelimit_call last = ratelimit_call_of("GET", route, "/guilds/1/x");
	mono_ns now = NOW + CLOCK_S(10 * RATELIMIT_ROUTES);

	must_wait(&last, now, now - CLOCK_S(1) + CLOCK_S(60) + MARGIN);
	must_go(&last, now + CLOCK_S(60), &slot);
}

/* ---- may it be sent again? ---- */

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

/* ---- against a server ---- */

#define SIM_CHANNELS 6
#define SIM_ROUTES   COUNT_OF(routes)
#define SIM_BUCKETS  4
#define SIM_REQUESTS 400
#define SIM_FLIGHTS  16
#define SIM_STEPS    400000

/* A bucket of the server, for one channel. */
struct sim_bucket {
	unsigned used;
	mono_ns resets_at;
};

struct sim_request {
	struct ratelimit_call call;
	unsigned route;
	unsigned channel;
	unsigned bucket; /* the server's, when it arrived */
	unsigned slot;
	unsigned tries;
	bool flies;
	bool done;
	mono_ns not_before;
	mono_ns answer_at;
	struct ratelimit_told told;
};

struct sim {
	struct rng rng;
	mono_ns now;
	struct sim_request requests[SIM_REQUESTS];
	struct sim_bucket buckets[SIM_BUCKETS][SIM_CHANNELS];
	unsigned bucket_of[SIM_ROUTES]; /* changes midway */
	unsigned known_of[SIM_ROUTES];  /* + 1: as the client was last told */
	mono_ns closed_until[SIM_BUCKETS][SIM_CHANNELS]; /* as the client was told */
	mono_ns sent[SIM_REQUESTS * 20];
	unsigned sent_count;
	unsigned flights;
	unsigned refused;
};

static uint64_t
sim_pick(struct sim *sim, uint64_t count)
{
	return rng_next(&sim->rng) % count;
}

/* The request arrives: counted, or refused where its window is used up. */
static void
sim_receive(struct sim *sim, struct sim_request *request)
{
	unsigned number = sim->bucket_of[request->route];
	struct sim_bucket *bucket = &sim->buckets[number][request->channel];
	unsigned limit = number + 1; /* 1 to 4 in a window of 1 to 4 s */

	if (sim->now >= bucket->resets_at) {
		*bucket = (struct sim_bucket){0, sim->now + CLOCK_S(number + 1)};
	}
	bool over = bucket->used >= limit;

	bucket->used += !over;
	request->bucket = number;
	request->told = (struct ratelimit_told){
	    .status = over ? 429 : 200,
	    .bucket = 1000 + number,
	    .remaining = limit - bucket->used,
	    .reset_after = bucket->resets_at - sim->now,
	    .retry_after = over ? bucket->resets_at - sim->now : RATELIMIT_UNTOLD,
	};
	sim->refused += over;
}

static void
sim_check_send(struct sim *sim, const struct sim_request *request)
{
	unsigned known = sim->known_of[request->route];

	/* Never into a window that an answer said was used up. */
	if (known != 0 && sim->now < sim->closed_until[known - 1][request->channel]) {
		fail_msg("sent into a closed window");
	}
	assert_true(sim->sent_count < COUNT_OF(sim->sent));
	sim->sent[sim->sent_count++] = sim->now;
	if (sim->sent_count > RATELIMIT_GLOBAL) {
		mono_ns before = sim->sent[sim->sent_count - 1 - RATELIMIT_GLOBAL];

		assert_true(sim->now - before >= RATELIMIT_SECOND);
	}
	/* One at a time for each route, and for each bucket as far as it is known. */
	for (unsigned i = 0; i < SIM_REQUESTS; i++) {
		const struct sim_request *other = &sim->requests[i];
		bool same = other->route == request->route ||
		    (known != 0 && sim->known_of[other->route] == known);

		assert_false(other != request && other->flies && same &&
		    other->channel == request->channel);
	}
}

static void
sim_deliver(struct sim *sim, struct sim_request *request)
{
	const struct ratelimit_told *told = &request->told;
	mono_ns *closed = &sim->closed_until[request->bucket][request->channel];
	/* As it left the server; the client may only learn it now. */
	mono_ns until = sim->now + told->reset_after;

	request->flies = false;
	sim->flights--;
	sim->known_of[request->route] = request->bucket + 1;
	if (told->remaining == 0 && until > *closed) {
		*closed = until;
	}
	mono_ns wait = ratelimit_answered(&limits, &request->call, request->slot, told,
	    request->tries, sim->now);

	request->done = told->status == 200;
	request->not_before = sim->now + wait;
}

/* The client's turn: all that may go, oldest first.  When it wants the next one. */
static mono_ns
sim_send_all(struct sim *sim)
{
	mono_ns next = CLOCK_NEVER;

	for (unsigned i = 0; i < SIM_REQUESTS; i++) {
		struct sim_request *request = &sim->requests[i];
		mono_ns at = request->not_before;

		if (request->done || request->flies || sim->flights >= SIM_FLIGHTS) {
			continue;
		}
		if (sim->now >= at &&
		    ask(&request->call, sim->now, &request->slot, &at) ==
			RATELIMIT_GO) {
			request->tries++;
			request->flies = true;
			sim->flights++;
			sim_receive(sim, request);
			sim_check_send(sim, request);
			request->answer_at =
			    sim->now + CLOCK_MS(20 + sim_pick(sim, 400));
			continue;
		}
		next = at < next ? at : next;
	}
	return next;
}

/* To the next answer or wake-up; false: all is done. */
static bool
sim_step(struct sim *sim)
{
	mono_ns next = sim_send_all(sim);
	bool left = false;

	for (unsigned i = 0; i < SIM_REQUESTS; i++) {
		struct sim_request *request = &sim->requests[i];

		left = left || !request->done;
		if (request->flies && request->answer_at < next) {
			next = request->answer_at;
		}
	}
	if (!left) {
		return false;
	}
	assert_true(next != CLOCK_NEVER); /* else it would wait for ever */
	sim->now = next > sim->now ? next : sim->now;
	for (unsigned i = 0; i < SIM_REQUESTS; i++) {
		if (sim->requests[i].flies && sim->requests[i].answer_at <= sim->now) {
			sim_deliver(sim, &sim->requests[i]);
		}
	}
	return true;
}

static unsigned
simulate(uint64_t seed)
{
	static struct sim sim;

	memset(&sim, 0, sizeof sim);
	(void)forget_all(NULL);
	sim.rng.state = seed;
	sim.now = NOW;
	for (unsigned i = 0; i < SIM_ROUTES; i++) {
		sim.bucket_of[i] = (unsigned)sim_pick(&sim, SIM_BUCKETS);
	}
	for (unsigned i = 0; i < SIM_REQUESTS; i++) {
		struct sim_request *request = &sim.requests[i];

		request->route = (unsigned)sim_pick(&sim, SIM_ROUTES);
		request->channel = (unsigned)sim_pick(&sim, SIM_CHANNELS);
		request->call = call_to(request->route, request->channel);
	}
	for (unsigned step = 0; sim_step(&sim); step++) {
		assert_true(step < SIM_STEPS);
		if (step == SIM_REQUESTS / 2) {
			sim.bucket_of[0] = (unsigned)sim_pick(&sim, SIM_BUCKETS);
		}
	}
	for (unsigned i = 0; i < SIM_REQUESTS; i++) {
		assert_true(sim.requests[i].done && !sim.requests[i].flies);
	}
	/* Each window lets one through in a second: nobody waited without need. */
	assert_true(sim.now - NOW < CLOCK_S(300));
	return sim.refused;
}

static void
no_request_is_lost_and_no_told_limit_passed(void **state)
{
	unsigned refused = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		refused += simulate(seed);
	}
	/* Of 12,000: first meetings of routes that share a bucket, and changes. */
	assert_in_range(refused, 1, 600);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, forget_all)
	const struct CMUnitTest tests[] = {
	    TEST(seconds_are_read_whatever_the_peer_writes),
	    TEST(dates_are_read_as_http_writes_them),
	    TEST(the_wait_of_a_429_is_what_is_meant),
	    TEST(the_api_and_cloudflare_are_told_apart),
	    TEST(scope_is_read_from_headers_and_body),
	    TEST(hostile_headers_stay_in_bounds),
	    TEST(a_call_knows_what_its_limits_count_for),
	    TEST(one_request_is_on_its_way_per_bucket),
	    TEST(a_request_on_its_way_counts_in_the_bucket_that_its_route_moves_to),
	    TEST(more_flights_than_places_wait),
	    TEST(nothing_left_waits_for_the_reset),
	    TEST(routes_of_one_bucket_wait_together_and_follow_a_change),
	    TEST(a_429_makes_wait_whom_it_means),
	    TEST(a_429_without_a_time_waits_longer_each_time),
	    TEST(a_ban_of_cloudflare_stops_all_and_doubles),
	    TEST(no_second_has_more_than_45_requests),
	    TEST(a_401_of_the_token_stops_everything),
	    TEST(refused_requests_count_for_10_minutes_and_brake),
	    TEST(only_what_counts_against_us_is_counted),
	    TEST(a_full_table_forgets_no_wait),
	    TEST(more_routes_than_the_table_holds_drop_the_oldest),
	    TEST(the_rules_of_repetition),
	    TEST(the_backoff_doubles_with_jitter_and_is_bounded),
	    TEST(no_request_is_lost_and_no_told_limit_passed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
