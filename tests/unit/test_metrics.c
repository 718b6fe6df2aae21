/* /metrics: every row of the table, as a strict reader of the format takes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "commands.h"
#include "metrics.h"
#include "metrics_text.h"

#define DOCUMENT_MAX (8U << 20)
#define WALL         INT64_C(1700000000123)

static struct histogram lags, turns, beats, renders;
static const uint64_t rejects[EMOJI_REJECTS] = {[EMOJI_REJECT_TYPE] = 4};
static struct dispatch_counts dispatched;
static struct tally_routes routes, handlers;
static struct tally_times lookups;
static const uint64_t scopes[RATELIMIT_SCOPES] = {[RATELIMIT_SCOPE_GLOBAL] = 3};
static const uint64_t commands[COMMAND_COUNT + 1] =
    {[COMMAND_status] = 8, [COMMAND_COUNT] = 2};
static const uint64_t failures[COMMAND_COUNT + 1] = {[COMMAND_COUNT] = 1};
static struct buf document;

static const struct probe_view probes[] = {
    {.name = "db",
	.required = true,
	.probe = {.state = PROBE_DOWN,
	    .runs = 9,
	    .failures = 4,
	    .last_at = CLOCK_S(40),
	    .last_took = CLOCK_MS(250)}},
    {.name = "site", .probe = {.state = PROBE_UP, .runs = 1}},
    {.name = "new"},
};

static const struct job_view jobs[] = {
    {.name = "refresh",
	.begun_wall = SCHEDULE_S(1600000000),
	.good_wall = SCHEDULE_S(1600000100),
	.next = SCHEDULE_S(1700003600),
	.runs = 12,
	.failures = 3,
	.missed = 2,
	.took = CLOCK_MS(1500)},
    {.name = "never", .next = SCHEDULE_NEVER},
};

static struct metrics_input
input_of(const struct snapshot *shards, uint32_t count)
{
	return (struct metrics_input){
	    .shards = shards,
	    .count = count,
	    .limits = {CLOCK_S(60), CLOCK_S(210), CLOCK_MS(210500), CLOCK_S(10)},
	    .wall_ms = WALL,
	    .started_wall_ms = WALL - 5000,
	    .version = "1.2\"3\\\n",
	    .profile = "prod",
	    .check_age = CLOCK_MS(1500),
	    .identifies_left = 940,
	    .identifies_total = 1000,
	    .identifies_used = 10,
	    .beats = &beats,
	    .dispatched = &dispatched,
	    .life = {7, {1, 2, 3}, LIFE_END_KILLED, LIFE_NO_CODE},
	    .rest = {.scopes = scopes, .routes = &routes, .invalid_total = 12},
	    .http = {.handlers = &handlers},
	    .dns = {5, 1, &lookups},
	    .commands = commands,
	    .command_failures = failures,
	    .log_messages = {1, 2, 3, 4},
	    .loop = {7, 1, CLOCK_US(2500), &turns, &lags},
	    .probes = probes,
	    .probe_count = sizeof probes / sizeof probes[0],
	    .jobs = jobs,
	    .job_count = sizeof jobs / sizeof jobs[0],
	    .now = CLOCK_S(50),
	    .emoji = {30, 20, 9, rejects, &renders, 1234, 2},
	};
}

static const char *
render(const struct metrics_input *input)
{
	buf_clear(&document);
	assert_int_equal(metrics_render(input, &document), GW_OK);
	assert_int_equal(buf_append(&document, "", 1), GW_OK);
	return document.data;
}

static void
expect_line(const char *text, const char *line)
{
	char wanted[512];

	(void)snprintf(wanted, sizeof wanted, "\n%s\n", line);
	if (!strstr(text, wanted)) {
		fail_msg("no line: %s", line);
	}
}

static const struct snapshot ready = {
    .shard_id = 3,
    .state = SNAPSHOT_READY,
    .connected = true,
    .last_ready_age = CLOCK_MS(1123),
    .last_event_age = CLOCK_MS(123),
    .last_dispatch_age = SNAPSHOT_NONE,
    .disconnect_age = SNAPSHOT_NONE,
    .heartbeat_interval = CLOCK_MS(41250),
    .latency_classes = {1, 0, 2},
    .latency_sum = CLOCK_US(99500),
    .dispatches = UINT64_MAX,
    .resumes_refused = 2,
    .beats_missed = 3,
    .last_ack_age = CLOCK_MS(123),
    .failed_at = {[SNAPSHOT_STAGE_TLS] = 4},
    .closes = {[SNAPSHOT_CLOSES - 1] = 5},
    .bytes_in = 100,
    .bytes_out = 900,
};

static void
values_are_exact_and_labels_escaped(void **state)
{
	struct metrics_input input = input_of(&ready, 1);
	const char *text = render(&input);

	(void)state;
	expect_line(text,
	    "gwbotd_build_info{version=\"1.2\\\"3\\\\\\n\",profile=\"prod\"} 1");
	expect_line(text, "gwbotd_shard_up{shard=\"3\"} 1");
	expect_line(text,
	    "gwbotd_shard_connected_timestamp_seconds{shard=\"3\"} 1699999999");
	expect_line(text,
	    "gwbotd_shard_last_event_timestamp_seconds{shard=\"3\"} 1700000000");
	expect_line(text,
	    "gwbotd_shard_last_dispatch_timestamp_seconds{shard=\"3\"} 0");
	expect_line(text, "gwbotd_shard_heartbeat_interval_seconds{shard=\"3\"} 41.25");
	expect_line(text,
	    "gwbotd_shard_dispatches_total{shard=\"3\"} 18446744073709551615");
	expect_line(text,
	    "gwbotd_watchdog_threshold_seconds{kind=\"disconnect_grace\"} 210.5");
	expect_line(text, "gwbotd_event_loop_turn_max_seconds 0.0025");
	expect_line(text, "process_start_time_seconds 1699999995.123");
	expect_line(text, "gwbotd_emoji_requests_total 30");
	expect_line(text, "gwbotd_emoji_cache_hits_total 20");
	expect_line(text, "gwbotd_emoji_fetches_total 9");
	expect_line(text, "gwbotd_emoji_rejects_total{reason=\"type\"} 4");
	expect_line(text, "gwbotd_emoji_rejects_total{reason=\"busy\"} 0");
	expect_line(text, "gwbotd_emoji_render_duration_seconds_count 0");
	expect_line(text, "gwbotd_emoji_queued 2");
	expect_line(text, "gwbotd_emoji_cache_bytes 1234");
	expect_line(text, "gwbotd_shard_state{shard=\"3\",state=\"ready\"} 1");
	expect_line(text, "gwbotd_shard_state{shard=\"3\",state=\"wait_hello\"} 0");
}

static void
labelled_families_have_every_series(void **state)
{
	struct metrics_input input = input_of(&ready, 1);

	(void)state;
	tally_routes_add(&routes, tally_routes_place(&routes, "/gateway/bot"), 200,
	    CLOCK_MS(30));
	tally_routes_add(&handlers, tally_routes_place(&handlers, "/healthz"), 503, 0);
	dispatches_count(&dispatched, DISPATCH_NAME_TYPING_START);
	dispatches_count(&dispatched, DISPATCH_NAME_OTHER);
	tally_times_add(&lookups, CLOCK_MS(20));
	const char *text = render(&input);

	expect_line(text, "gwbotd_starts_total 7");
	expect_line(text,
	    "gwbotd_last_exit_info{reason=\"killed\",code=\"unknown\"} 1");
	expect_line(text, "gwbotd_watchdog_trips_total{reason=\"stale\"} 1");
	expect_line(text, "gwbotd_watchdog_trips_total{reason=\"loop\"} 3");
	expect_line(text,
	    "gwbotd_shard_connect_failures_total{shard=\"3\",stage=\"tls\"} 4");
	expect_line(text,
	    "gwbotd_shard_connect_failures_total{shard=\"3\",stage=\"auth\"} 0");
	expect_line(text,
	    "gwbotd_shard_disconnects_total{shard=\"3\",code=\"1006\"} 0");
	expect_line(text,
	    "gwbotd_shard_disconnects_total{shard=\"3\",code=\"other\"} 5");
	expect_line(text, "gwbotd_shard_resume_failures_total{shard=\"3\"} 2");
	expect_line(text, "gwbotd_shard_heartbeats_missed_total{shard=\"3\"} 3");
	expect_line(text,
	    "gwbotd_shard_last_heartbeat_ack_timestamp_seconds{shard=\"3\"} "
	    "1700000000");
	expect_line(text, "gwbotd_shard_received_bytes_total{shard=\"3\"} 100");
	expect_line(text, "gwbotd_shard_inflated_bytes_total{shard=\"3\"} 900");
	expect_line(text, "gwbotd_dispatches_total{event=\"TYPING_START\"} 1");
	expect_line(text, "gwbotd_dispatches_total{event=\"READY\"} 0");
	expect_line(text, "gwbotd_dispatches_total{event=\"other\"} 1");
	expect_line(text,
	    "gwbotd_rest_requests_total{route=\"/gateway/bot\",code=\"200\"} 1");
	expect_line(text,
	    "gwbotd_rest_requests_total{route=\"other\",code=\"none\"} 0");
	expect_line(text,
	    "gwbotd_rest_request_duration_seconds_bucket{route=\"/gateway/"
	    "bot\",le=\"0.05\"} 1");
	expect_line(text, "gwbotd_rest_rate_limited_total{scope=\"global\"} 3");
	expect_line(text, "gwbotd_rest_invalid_requests_total 12");
	expect_line(text,
	    "gwbotd_http_requests_total{handler=\"/healthz\",code=\"503\"} 1");
	expect_line(text,
	    "gwbotd_http_request_duration_seconds_count{handler=\"/healthz\"} 1");
	expect_line(text, "gwbotd_dns_lookups_total 5");
	expect_line(text, "gwbotd_dns_lookup_failures_total 1");
	expect_line(text, "gwbotd_dns_lookup_duration_seconds_sum 0.02");
	expect_line(text, "gwbotd_control_commands_total{command=\"status\"} 8");
	expect_line(text, "gwbotd_control_commands_total{command=\"other\"} 2");
	expect_line(text, "gwbotd_control_command_failures_total{command=\"other\"} 1");
	expect_line(text, "gwbotd_log_messages_total{level=\"error\"} 1");
	expect_line(text, "gwbotd_log_messages_total{level=\"debug\"} 4");
}

static void
histograms_are_cumulative_and_end_in_infinity(void **state)
{
	struct metrics_input input = input_of(&ready, 1);

	(void)state;
	memset(&lags, 0, sizeof lags);
	histogram_add(&lags, CLOCK_US(200));
	histogram_add(&lags, CLOCK_MS(7));
	histogram_add(&lags, CLOCK_S(9));
	const char *text = render(&input);

	expect_line(text,
	    "gwbotd_shard_heartbeat_latency_seconds_bucket{shard=\"3\",le=\"0.01\"} 1");
	expect_line(text,
	    "gwbotd_shard_heartbeat_latency_seconds_bucket{shard=\"3\",le=\"0.05\"} 3");
	expect_line(text,
	    "gwbotd_shard_heartbeat_latency_seconds_bucket{shard=\"3\",le=\"+Inf\"} 3");
	expect_line(text,
	    "gwbotd_shard_heartbeat_latency_seconds_sum{shard=\"3\"} 0.0995");
	expect_line(text,
	    "gwbotd_shard_heartbeat_latency_seconds_count{shard=\"3\"} 3");
	expect_line(text, "gwbotd_event_loop_lag_seconds_bucket{le=\"0.001\"} 1");
	expect_line(text, "gwbotd_event_loop_lag_seconds_bucket{le=\"0.01\"} 2");
	expect_line(text, "gwbotd_event_loop_lag_seconds_bucket{le=\"5\"} 2");
	expect_line(text, "gwbotd_event_loop_lag_seconds_bucket{le=\"+Inf\"} 3");
	expect_line(text, "gwbotd_event_loop_lag_seconds_sum 9.0072");
	expect_line(text, "gwbotd_event_loop_lag_seconds_count 3");
}

static void
probes_and_jobs_have_a_sample_each(void **state)
{
	struct metrics_input input = input_of(&ready, 1);
	const char *text = render(&input);

	(void)state;
	expect_line(text, "gwbotd_probe_up{probe=\"db\"} 0");
	expect_line(text, "gwbotd_probe_up{probe=\"site\"} 1");
	expect_line(text, "gwbotd_probe_up{probe=\"new\"} 0");
	expect_line(text, "gwbotd_probe_required{probe=\"db\"} 1");
	expect_line(text, "gwbotd_probe_runs_total{probe=\"db\"} 9");
	expect_line(text, "gwbotd_probe_failures_total{probe=\"db\"} 4");
	expect_line(text, "gwbotd_probe_duration_seconds{probe=\"db\"} 0.25");
	expect_line(text,
	    "gwbotd_probe_last_run_timestamp_seconds{probe=\"db\"} 1699999990.123");
	expect_line(text, "gwbotd_probe_last_run_timestamp_seconds{probe=\"new\"} 0");
	expect_line(text, "gwbotd_job_runs_total{job=\"refresh\"} 12");
	expect_line(text, "gwbotd_job_failures_total{job=\"refresh\"} 3");
	expect_line(text, "gwbotd_job_missed_total{job=\"refresh\"} 2");
	expect_line(text, "gwbotd_job_duration_seconds{job=\"refresh\"} 1.5");
	expect_line(text,
	    "gwbotd_job_last_run_timestamp_seconds{job=\"refresh\"} 1600000000");
	expect_line(text,
	    "gwbotd_job_next_run_timestamp_seconds{job=\"refresh\"} 1700003600");
	expect_line(text, "gwbotd_job_next_run_timestamp_seconds{job=\"never\"} 0");
	expect_line(text,
	    "gwbotd_job_last_success_timestamp_seconds{job=\"refresh\"} 1600000100");
}

/* A name that is declared once, right before its samples. */
static void
each_row_is_there_once_with_help_and_type(void **state)
{
	struct metrics_input input = input_of(&ready, 1);
	const char *text = render(&input);

	(void)state;
	for (size_t i = 0; i < metrics_count(); i++) {
		const struct metric *metric = metrics_at(i);
		char line[512];

		(void)snprintf(line, sizeof line, "# TYPE %s %s\n%s", metric->name,
		    metric->type, metric->name);
		const char *at = strstr(text, line);

		if (!at) {
			fail_msg("no samples of %s", metric->name);
			return;
		}
		assert_null(strstr(at + 1, line));
		assert_ptr_equal(metrics_find(metric->name), metric);
	}
	assert_null(metrics_find("gwbotd_nothing"));
}

static void
latencies_of_many_shards_are_counted_together(void **state)
{
	static struct snapshot many[1000];
	struct metrics_input input = input_of(many, 1000);

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		many[i] = ready;
		many[i].shard_id = i;
	}
	const char *text = render(&input);

	expect_line(text, "gwbotd_shard_up{shard=\"999\"} 1");
	expect_line(text,
	    "gwbotd_shard_heartbeat_latency_seconds_count{shard=\"all\"} 3000");
	assert_null(strstr(text, "latency_seconds_count{shard=\"999\"}"));
	expect_line(text,
	    "gwbotd_shard_connect_failures_total{shard=\"all\",stage=\"tls\"} 4000");
	expect_line(text,
	    "gwbotd_shard_disconnects_total{shard=\"all\",code=\"other\"} 5000");
	/* What an answer of the health server and of gwctl may have. */
	assert_in_range(strlen(text), 1000000, 3U << 20);
}

static void
a_document_that_does_not_fit_is_an_error(void **state)
{
	struct metrics_input input = input_of(&ready, 1);
	struct buf small;

	(void)state;
	for (size_t room = 0; room < 4000; room += 37) {
		buf_init(&small, room);
		assert_int_not_equal(metrics_render(&input, &small), GW_OK);
		buf_fini(&small);
	}
}

/* gwctl gets the page in rows. */
static void
the_rows_one_by_one_are_the_document(void **state)
{
	struct metrics_input input = input_of(&ready, 1);
	struct buf rows;

	(void)state;
	buf_init(&rows, DOCUMENT_MAX);
	for (size_t i = 0; i < metrics_count(); i++) {
		size_t before = rows.size;
		char head[160];

		assert_int_equal(metrics_render_row(&input, i, &rows), GW_OK);
		(void)snprintf(head, sizeof head, "# HELP %s ", metrics_at(i)->name);
		assert_memory_equal(rows.data + before, head, strlen(head));
	}
	size_t all = rows.size;

	assert_int_equal(metrics_render_row(&input, metrics_count(), &rows), GW_OK);
	assert_int_equal(rows.size, all);
	assert_int_equal(buf_append(&rows, "", 1), GW_OK);
	assert_string_equal(rows.data, render(&input));
	buf_fini(&rows);
}

static size_t
count_fitting(const char *glob)
{
	size_t count = 0;

	for (size_t i = 0; i < metrics_count(); i++) {
		count += metrics_fit(i, glob) ? 1 : 0;
	}
	return count;
}

static void
names_are_found_by_globs(void **state)
{
	(void)state;
	assert_int_equal(count_fitting("*"), metrics_count());
	assert_int_equal(count_fitting("gwbotd_shard_up"), 1);
	assert_int_equal(count_fitting("shard_up"), 1);
	assert_int_equal(count_fitting("process_*"), 7);
	assert_int_equal(count_fitting("shard_u?"), 1);
	assert_int_equal(count_fitting("shard"), 0);
	assert_int_equal(count_fitting("process_cpu"), 0);
	assert_int_equal(count_fitting(""), 0);
}

static int
begin(void **state)
{
	(void)state;
	buf_init(&document, DOCUMENT_MAX);
	dispatches_init(&dispatched);
	tally_routes_init(&routes);
	tally_routes_init(&handlers);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	buf_fini(&document);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_are_exact_and_labels_escaped),
	    cmocka_unit_test(labelled_families_have_every_series),
	    cmocka_unit_test(histograms_are_cumulative_and_end_in_infinity),
	    cmocka_unit_test(probes_and_jobs_have_a_sample_each),
	    cmocka_unit_test(each_row_is_there_once_with_help_and_type),
	    cmocka_unit_test(latencies_of_many_shards_are_counted_together),
	    cmocka_unit_test(a_document_that_does_not_fit_is_an_error),
	    cmocka_unit_test(the_rows_one_by_one_are_the_document),
	    cmocka_unit_test(names_are_found_by_globs),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
