/* Rate limits: who has to wait. */
#include "ratelimit_fixture.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
