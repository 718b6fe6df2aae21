/* Log: what repeats without end is cut and counted, and who gets through all the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

static int ends[2]; /* the log's pipe */
static char text[256 * 1024];

static int
open_pipe(void **state)
{
	(void)state;
	if (pipe2(ends, O_CLOEXEC) != 0) {
		return -1;
	}
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	/* For all that a test writes before it reads. */
	return fcntl(ends[1], F_SETPIPE_SZ, 256 * 1024) > 0 ? 0 : -1;
}

static int
close_pipe(void **state)
{
	(void)state;
	log_set_alarm(NULL, NULL);
	log_open(STDERR_FILENO, LOG_FORMAT_LOGFMT, LOG_LEVEL_INFO);
	(void)close(ends[0]);
	(void)close(ends[1]);
	return 0;
}

/* What was logged since the last call, into text. */
static void
read_log(void)
{
	size_t size = 0;
	ssize_t got;

	while ((got = read(ends[0], text + size, sizeof text - 1 - size)) > 0) {
		size += (size_t)got;
	}
	text[size] = '\0';
}

static void
fill_pipe(void)
{
	static const char page[4096];

	(void)fcntl(ends[1], F_SETFL, O_NONBLOCK);
	while (write(ends[1], page, sizeof page) > 0) {
	}
	(void)fcntl(ends[1], F_SETFL, 0);
}

static unsigned
count_of(const char *what)
{
	unsigned count = 0;

	for (const char *at = text; (at = strstr(at, what)); at += strlen(what)) {
		count++;
	}
	return count;
}

static mono_ns asked_for;

static void
note_alarm(void *ctx, mono_ns at)
{
	(void)ctx;
	asked_for = at;
}

static void
a_crowd_of_one_event_is_cut_and_counted(void **state)
{
	uint64_t suppressed = log_suppressed();
	uint64_t messages = log_messages(LOG_LEVEL_WARNING);

	(void)state;
	log_open(ends[1], LOG_FORMAT_LOGFMT, LOG_LEVEL_INFO);
	log_set_alarm(note_alarm, NULL);
	for (int i = 0; i < 300; i++) {
		log_warning("crowd", KV("n", i));
		log_change("change", KV("n", i));
		log_record("record", KV("n", i));
	}
	log_warning("alone", KV("n", 1));
	read_log();
	/* A test that is held up for seconds would see a few more. */
	unsigned out = count_of("event=crowd ");

	assert_in_range(out, 50, 60);
	assert_int_equal(count_of("event=change "), 300);
	assert_int_equal(count_of("event=record "), 300);
	assert_int_equal(count_of("event=alone "), 1);
	assert_int_equal(count_of("event=log_suppressed "), 0);
	assert_int_equal(log_suppressed() - suppressed, 300 - out);
	assert_int_equal(log_messages(LOG_LEVEL_WARNING) - messages, out + 1);
	/* Told when its time has come, and not twice. */
	assert_true(asked_for > clock_now());
	assert_true(log_settle(asked_for, false) == CLOCK_NEVER);
	char wanted[32];

	(void)snprintf(wanted, sizeof wanted, " lines=%u ", 300 - out);
	read_log();
	const char *line = strstr(text, "level=");

	assert_non_null(line);
	assert_int_equal(count_of("\n"), 1);
	assert_memory_equal(line, "level=warning event=log_suppressed like=crowd ", 46);
	assert_non_null(strstr(line, wanted));
	assert_non_null(strstr(line, " in_the_last_s=30.0"));
	assert_true(log_settle(asked_for, true) == CLOCK_NEVER);
	read_log();
	assert_string_equal(text, "");
	log_set_alarm(NULL, NULL);
}

static void
another_threads_last_words_get_out_at_any_level(void **state)
{
	const struct log_kv pair = KV("handler", "a\nb");

	(void)state;
	log_open(ends[1], LOG_FORMAT_JSON, LOG_LEVEL_ERROR);
	log_write_aside(LOG_LEVEL_INFO, "stuck", &pair, 1);
	read_log();
	assert_non_null(strstr(text,
	    "\"level\":\"info\",\"event\":\"stuck\","
	    "\"handler\":\"a\\nb\"}\n"));
	fill_pipe();
	(void)alarm(5);
	log_write_aside(LOG_LEVEL_INFO, "stuck", &pair, 1);
	(void)alarm(0);
}

#define LOG_TEST(function) \
	cmocka_unit_test_setup_teardown(function, open_pipe, close_pipe)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LOG_TEST(a_crowd_of_one_event_is_cut_and_counted),
	    LOG_TEST(another_threads_last_words_get_out_at_any_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
