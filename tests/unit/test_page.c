/* The status page: nothing from outside becomes markup; words and bars for each state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "html.h"
#include "page.h"
#include "xalloc.h"

static const struct snapshot up = {
    .shard_id = 0,
    .shard_count = 2,
    .state = SNAPSHOT_READY,
    .connected = true,
    .ready = true,
    .uptime = CLOCK_S(100),
    .last_event_age = CLOCK_MS(400),
    .last_dispatch_age = CLOCK_S(1),
    .last_ready_age = CLOCK_S(100),
    .disconnect_age = SNAPSHOT_NONE,
    .latency = CLOCK_MS(41),
    .next_try_in = SNAPSHOT_NONE,
    .resumes = 7,
    .last_close_code = 4000,
    .closes = {2, 1, 3},
};

static const struct snapshot down = {
    .shard_id = 1,
    .shard_count = 2,
    .state = SNAPSHOT_BACKOFF,
    .uptime = SNAPSHOT_NONE,
    .last_event_age = CLOCK_S(20),
    .last_dispatch_age = CLOCK_S(20),
    .last_ready_age = CLOCK_S(100),
    .disconnect_age = CLOCK_S(20),
    .latency = SNAPSHOT_NONE,
    .cure = SNAPSHOT_CURE_RESUME,
    .next_try_in = CLOCK_MS(3200),
    .reason = "refused by <script>alert(1)</script>",
};

static const struct watchdog_limits limits = {
    .keepalive = CLOCK_S(360),
    .stall = CLOCK_S(1110),
    .disconnect_grace = CLOCK_S(60),
    .max_latency = CLOCK_S(10),
};

#define NOW CLOCK_S(100000)

/* A session at rest: what a snapshot above does not say, the outlook finds there. */
static struct session *sessions;

static const struct session *
session_of(void *ctx, uint32_t index)
{
	(void)ctx;
	return &sessions[index];
}

/* Sessions that stand where the snapshots say. */
static void
stage(const struct snapshot *shards, uint32_t count)
{
	free(sessions);
	sessions = xzalloc(count * sizeof *sessions);
	for (uint32_t i = 0; i < count; i++) {
		const struct session_config config = {.shard_id = shards[i].shard_id,
		    .shard_count = count,
		    .connect_timeout = CLOCK_S(10),
		    .hello_timeout = CLOCK_S(10),
		    .ready_timeout = CLOCK_S(15)};
		struct session *session = &sessions[i];

		session_init(session, &config, NULL);
		session->state = shards[i].state;
		session->last_event_at = NOW - shards[i].last_event_age;
		session->last_ready_at = NOW - shards[i].last_ready_age;
		if (!shards[i].connected) {
			session->down_since = NOW - shards[i].disconnect_age;
			session->retry_at = NOW + shards[i].next_try_in;
			(void)strcpy(session->saved.id, "session");
			session->saved.seq = 5;
		} else {
			session->interval = CLOCK_S(41);
			session->beat_due = NOW + CLOCK_S(20);
			session->last_frame_at = session->last_event_at;
		}
	}
}

/* The page of some shards as one text. */
static void
render(struct buf *out, const struct snapshot *shards, uint32_t count, bool live)
{
	const struct health_input health = {
	    .shards = shards,
	    .count = count,
	    .limits = limits,
	    .bot = "a <b> & \"c\"",
	    .env = "prod",
	    .identifies_left = 949,
	    .identify_reserve = 50,
	};
	const struct page_input input = {
	    .health = &health,
	    .session = session_of,
	    .now = NOW,
	    .check_at = NOW + CLOCK_S(12),
	    .wall_ms = INT64_C(1790000000000),
	    .started_wall_ms = INT64_C(1789999900000),
	    .gwbotd = "0.1.0",
	    .identifies_total = 1000,
	    .identifies_used = 1,
	};

	stage(shards, count);
	buf_init(out, 1U << 20);
	assert_int_equal(page_render(&input, live, out), GW_OK);
	assert_int_equal(buf_append(out, "", 1), GW_OK);
}

static void
assert_has(const struct buf *page, const char *text)
{
	if (!strstr(page->data, text)) {
		fail_msg("no \"%s\" in:\n%s", text, page->data);
	}
}

static void
assert_lacks(const struct buf *page, const char *text)
{
	if (strstr(page->data, text)) {
		fail_msg("\"%s\" in:\n%s", text, page->data);
	}
}

static void
texts_from_outside_are_never_markup(void **state)
{
	static const struct {
		const char *text, *html;
	} cases[] = {
	    {"plain", "plain"},
	    {"<a href='x'>&\"", "&lt;a href=&#39;x&#39;&gt;&amp;&quot;"},
	    {"a\033[31m\n", "a\xef\xbf\xbd[31m\xef\xbf\xbd"},
	    {"\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd"},
	    {"a\xe2\x80\xae", "a\xef\xbf\xbd"}, /* right-to-left override */
	    {"\xe4\xb8\xad\xc3\xa9", "\xe4\xb8\xad\xc3\xa9"},
	    {NULL, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf out;
		struct html html = {.out = &out};

		buf_init(&out, 1024);
		html_text(&html, cases[i].text);
		assert_true(html_ok(&html));
		assert_int_equal(buf_append(&out, "", 1), GW_OK);
		assert_string_equal(out.data, cases[i].html);
		buf_fini(&out);
	}
}

static void
figures_are_words(void **state)
{
	struct buf out;
	struct html html = {.out = &out};

	(void)state;
	buf_init(&out, 1024);
	html_span(&html, CLOCK_MS(400));
	html_put(&html, "|");
	html_span(&html, CLOCK_S(200));
	html_put(&html, "|");
	html_span(&html, CLOCK_S(90000));
	html_put(&html, "|");
	html_span(&html, -1);
	html_put(&html, "|");
	html_latency(&html, CLOCK_US(1500));
	html_put(&html, "|");
	html_latency(&html, CLOCK_MS(250));
	html_put(&html, "|");
	html_latency(&html, -1);
	html_put(&html, "|");
	html_time(&html, 0);
	assert_int_equal(buf_append(&out, "", 1), GW_OK);
	assert_string_equal(out.data,
	    "0.4 s|3 min 20 s|1 d 1 h|never|1.5 ms|250 ms|unknown|"
	    "<time datetime=\"1970-01-01T00:00:00Z\">1970-01-01 00:00:00 UTC</time>");
	buf_fini(&out);
}

static void
a_document_without_room_is_an_error(void **state)
{
	struct buf out;
	struct html html = {.out = &out};

	(void)state;
	buf_init(&out, 4);
	html_put(&html, "abcd");
	assert_true(html_ok(&html));
	html_text(&html, "e");
	assert_false(html_ok(&html));
	buf_fini(&out);
}

static void
a_ready_shard_reads_well(void **state)
{
	struct buf page;

	(void)state;
	render(&page, &up, 1, false);
	assert_has(&page, "<!doctype html>");
	assert_has(&page, "<title>a &lt;b&gt; &amp; &quot;c&quot;: ready</title>");
	assert_has(&page, "1 of 1 shard ready");
	assert_has(&page, "0.4 s of 18 min 30 s");
	assert_has(&page, "<dt>latency</dt><dd>41 ms</dd>");
	assert_has(&page, "<dt>resumes</dt><dd>7</dd>");
	assert_has(&page, "<dt>closes</dt><dd>6</dd>");
	assert_has(&page, "<dd>4000, ");
	assert_has(&page, "No shard is near a limit. It looks again in 12 s.");
	assert_has(&page, "</html>\n");
	buf_fini(&page);
}

static void
trouble_comes_first_and_says_what_is_next(void **state)
{
	const struct snapshot both[] = {up, down};
	struct buf page;

	(void)state;
	render(&page, both, 2, true);
	assert_lacks(&page, "<!doctype");
	assert_lacks(&page, "<script>");
	assert_has(&page, "refused by &lt;script&gt;");
	assert_has(&page, "1 of 2 shards ready");
	assert_true(strstr(page.data, "Shard 1") < strstr(page.data, "Shard 0"));
	assert_has(&page, "<li>in 3.2 s: connects to the general gateway and resumes");
	/* Down for 20 s of 60 s: over it first at the check in 12 + 360 s. */
	assert_has(&page,
	    "Because of shard 1 the process ends with status 1 in 6 min 12 s");
	assert_has(&page, "<li>in 6 min 12 s: the watchdog ends the process");
	buf_fini(&page);
}

/* Whatever else there is to say of a bot, a stranger is not told. */
static void
strangers_see_state_name_and_version(void **state)
{
	const struct health_input health = {
	    .shards = &down,
	    .count = 1,
	    .limits = limits,
	    .bot = "a <b>",
	    .env = "prod",
	    .version = "2.4<",
	};
	const struct page_input input = {
	    .health = &health,
	    .session = session_of,
	    .now = NOW,
	    .check_at = NOW,
	    .gwbotd = "0.1.0",
	    .pid = 4711,
	    .brief = true,
	};

	(void)state;
	stage(&down, 1);
	for (int live = 0; live < 2; live++) {
		struct buf page;

		buf_init(&page, 1U << 20);
		assert_int_equal(page_render(&input, live == 1, &page), GW_OK);
		assert_int_equal(buf_append(&page, "", 1), GW_OK);
		assert_has(&page, "a &lt;b&gt;");
		assert_has(&page, "version 2.4&lt; · gwbotd 0.1.0");
		assert_has(&page, "reconnecting");
		assert_lacks(&page, "4711");
		assert_lacks(&page, "Shard");
		assert_lacks(&page, "refused by");
		assert_lacks(&page, "prod");
		assert_lacks(&page, "IDENTIFY");
		assert_lacks(&page, "<a href");
		buf_fini(&page);
	}
}

static void
lives_and_limits_are_told(void **state)
{
	const struct health_input health = {.shards = &up,
	    .count = 1,
	    .limits = limits,
	    .bot = "b"};
	struct page_input input = {
	    .health = &health,
	    .session = session_of,
	    .now = NOW,
	    .check_at = NOW,
	    .life = {12, {1, 0, 1}, LIFE_END_KILLED, LIFE_NO_CODE},
	    .rest = {.queued = 1, .invalid_10min = 7, .limited_for = CLOCK_S(5)},
	};
	struct buf page;

	(void)state;
	stage(&up, 1);
	buf_init(&page, 1U << 20);
	assert_int_equal(page_render(&input, true, &page), GW_OK);
	input.rest.limited_for = 0;
	input.life = (struct life){.starts = 1};
	assert_int_equal(page_render(&input, true, &page), GW_OK);
	assert_int_equal(buf_append(&page, "", 1), GW_OK);
	assert_has(&page,
	    "start 12 · the process before: killed · ended by the watchdog: 2 times<");
	assert_has(&page, "start 1 · ended by the watchdog: 0 times<");
	assert_has(&page,
	    "Rate limited for 5.0 s; 1 request waiting or on the way, 7 refused");
	assert_has(&page, "No rate limit in force");
	buf_fini(&page);
}

static void
a_loss_past_the_grace_ends_at_the_next_check(void **state)
{
	struct snapshot shard = down;
	struct buf page;

	(void)state;
	shard.disconnect_age = CLOCK_S(61);
	render(&page, &shard, 1, true);
	assert_has(&page, "Because of shard 1 the process ends with status 1 in 12 s");
	buf_fini(&page);
}

static void
many_shards_are_a_screenful_and_a_count(void **state)
{
	static struct snapshot many[PAGE_TILES_MAX + 36];
	struct buf page;
	unsigned tiles = 0;

	(void)state;
	for (uint32_t i = 0; i < PAGE_TILES_MAX + 36; i++) {
		many[i] = up;
		many[i].shard_id = i;
	}
	many[99] = down;
	many[99].shard_id = 99;
	render(&page, many, PAGE_TILES_MAX + 36, true);
	for (const char *at = page.data; (at = strstr(at, "class=\"tile\"")); at++) {
		tiles++;
	}
	assert_int_equal(tiles, PAGE_TILES_MAX);
	assert_has(&page, "Shard 99: ");
	assert_has(&page, "and 36 more");
	buf_fini(&page);
}

static void
latencies_are_a_line_in_the_order_of_their_arrival(void **state)
{
	const struct health_input health = {.shards = &up,
	    .count = 1,
	    .limits = limits,
	    .bot = "b"};
	const struct page_input input = {.health = &health,
	    .session = session_of,
	    .now = NOW,
	    .check_at = NOW};
	struct buf out;

	(void)state;
	stage(&up, 1);
	latency_add(&sessions[0].latencies, CLOCK_MS(10));
	latency_add(&sessions[0].latencies, CLOCK_MS(40));
	latency_add(&sessions[0].latencies, CLOCK_MS(20));
	buf_init(&out, 1U << 20);
	assert_int_equal(page_render(&input, true, &out), GW_OK);
	assert_int_equal(buf_append(&out, "", 1), GW_OK);
	assert_has(&out, "latency of the last 3 heartbeats, from 10 ms to 40 ms");
	assert_has(&out, "points=\"0.0,23.5 120.0,1.0 240.0,16.0\"");
	buf_fini(&out);
}

static void
probes_and_jobs_are_tables_where_there_are_any(void **state)
{
	static const struct probe_view probes[] = {
	    {.name = "db",
		.kind = "tcp",
		.required = true,
		.probe = {.state = PROBE_DOWN,
		    .since = NOW - CLOCK_S(30),
		    .runs = 3,
		    .last_at = NOW - CLOCK_S(5),
		    .last_took = CLOCK_MS(12),
		    .reason = "refused by <b>"}},
	    {.name = "api", .kind = "http"},
	};
	static const struct job_view jobs[] = {
	    {.name = "report",
		.action = "exec",
		.schedule = "every 3h",
		.next = SCHEDULE_NEVER,
		.begun_wall = INT64_C(1790000000000000),
		.took = CLOCK_MS(1500),
		.result = "status 3",
		.ended = true},
	};
	const struct health_input health = {.shards = &up,
	    .count = 1,
	    .limits = limits,
	    .bot = "b",
	    .probes = probes,
	    .probe_count = 2,
	    .now = NOW};
	const struct page_input input = {.health = &health,
	    .session = session_of,
	    .now = NOW,
	    .check_at = NOW,
	    .jobs = jobs,
	    .job_count = 1};
	struct buf out;

	(void)state;
	stage(&up, 1);
	buf_init(&out, 1U << 20);
	assert_int_equal(page_render(&input, true, &out), GW_OK);
	assert_int_equal(buf_append(&out, "", 1), GW_OK);
	assert_has(&out, "<span class=\"warn\">degraded</span>");
	assert_has(&out, "<li>probe db: refused by &lt;b&gt;</li>");
	assert_has(&out,
	    "db</th><td>tcp, required</td><td class=\"bad\">down for 30 s</td>"
	    "<td>5.0 s ago, took 12 ms</td><td>refused by &lt;b&gt;</td>");
	assert_has(&out,
	    "api</th><td>http</td><td class=\"soft\">unknown</td>"
	    "<td>not yet</td>");
	assert_has(&out,
	    "report</th><td>exec, every 3h</td><td data-column=\"Next\">never</td>"
	    "<td data-column=\"Last\"><time datetime=\"2026-09-21T14:13:20Z\">");
	assert_has(&out, "<td class=\"bad\">status 3, took 1.5 s</td>");
	buf_fini(&out);
}

static void
what_happened_stands_newest_first_and_is_bounded(void **state)
{
	static _Alignas(max_align_t) char bytes[8192];
	struct feed_queue history;
	const struct health_input health = {.shards = &up,
	    .count = 1,
	    .limits = limits,
	    .bot = "b"};
	const struct page_input input = {.health = &health,
	    .session = session_of,
	    .now = NOW,
	    .check_at = NOW,
	    .history = &history};
	struct buf out;
	unsigned rows = 0;

	(void)state;
	feed_queue_init(&history, bytes, sizeof bytes, 100);
	for (unsigned i = 0; i < PAGE_EVENTS_MAX + 5; i++) {
		char text[64];

		(void)snprintf(text, sizeof text, "<event %u>", i);
		const struct feed_entry entry = {.level = LOG_LEVEL_WARNING,
		    .wall_ms = INT64_C(1000) * i,
		    .shard = 3,
		    .type = slice_of("shard.lost"),
		    .text = slice_of(text)};

		assert_true(feed_queue_push(&history, &entry));
	}
	stage(&up, 1);
	buf_init(&out, 1U << 20);
	assert_int_equal(page_render(&input, true, &out), GW_OK);
	assert_int_equal(buf_append(&out, "", 1), GW_OK);
	assert_has(&out,
	    "<td class=\"warn\">warning</td><td>shard 3</td><td>&lt;event 24&gt;");
	assert_true(strstr(out.data, "event 24&") < strstr(out.data, "event 5&"));
	assert_lacks(&out, "event 4&");
	for (const char *at = out.data; (at = strstr(at, ";event ")); at++) {
		rows++;
	}
	assert_int_equal(rows, PAGE_EVENTS_MAX);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(texts_from_outside_are_never_markup),
	    cmocka_unit_test(figures_are_words),
	    cmocka_unit_test(a_document_without_room_is_an_error),
	    cmocka_unit_test(a_ready_shard_reads_well),
	    cmocka_unit_test(trouble_comes_first_and_says_what_is_next),
	    cmocka_unit_test(strangers_see_state_name_and_version),
	    cmocka_unit_test(lives_and_limits_are_told),
	    cmocka_unit_test(a_loss_past_the_grace_ends_at_the_next_check),
	    cmocka_unit_test(many_shards_are_a_screenful_and_a_count),
	    cmocka_unit_test(probes_and_jobs_are_tables_where_there_are_any),
	    cmocka_unit_test(what_happened_stands_newest_first_and_is_bounded),
	    cmocka_unit_test(latencies_are_a_line_in_the_order_of_their_arrival),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
