/* Log: what a peer says cannot forge or break a line, a full target holds nothing up,
 * the secret never gets out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "log.h"
#include "payload.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static int ends[2]; /* the log's pipe */
static char text[256 * 1024];

/* In C17 the words true and false alone are integers, hence (bool)true below. */

static int
open_pipe(void **state)
{
	(void)state;
	text[0] = '\0';
	return pipe2(ends, O_CLOEXEC);
}

static int
close_pipe(void **state)
{
	(void)state;
	log_set_secret(NULL);
	log_open(STDERR_FILENO, LOG_FORMAT_LOGFMT, LOG_LEVEL_INFO);
	(void)close(ends[0]);
	(void)close(ends[1]);
	return 0;
}

/* What was logged since the last call, as a C string. */
static size_t
read_log(void)
{
	size_t size = 0;

	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	for (;;) {
		ssize_t got = read(ends[0], text + size, sizeof text - 1 - size);

		if (got <= 0) {
			break;
		}
		size += (size_t)got;
	}
	text[size] = '\0';
	return size;
}

/* The line behind its stamp. */
static const char *
read_logfmt(void)
{
	size_t size = read_log();
	const char *level = strstr(text, " level=");

	assert_non_null(level);
	assert_int_equal(text[size - 1], '\n');
	text[size - 1] = '\0';
	assert_null(strchr(text, '\n'));
	return level + 1;
}

/* One line of strict JSON. */
static cJSON *
read_json(void)
{
	struct payload payload;
	size_t size = read_log();

	assert_in_range(size, 1, PIPE_BUF);
	assert_int_equal(text[size - 1], '\n');
	assert_ptr_equal(strchr(text, '\n'), text + size - 1);
	if (payload_parse((struct slice){text, size}, &payload) != GW_OK) {
		fail_msg("%s", text);
	}
	cJSON *json = cJSON_Parse(text);

	assert_non_null(json);
	return json;
}

static const char *
member(const cJSON *json, const char *name)
{
	const char *value =
	    cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

	assert_non_null(value);
	return value;
}

/* ---- form ---- */

static void
logfmt_has_stamp_level_event_and_pairs(void **state)
{
	(void)state;
	log_open(ends[1], LOG_FORMAT_LOGFMT, LOG_LEVEL_INFO);
	log_warning("shard_resumed", KV("shard", 3U), KV("seq", INT64_C(-42)),
	    KV("ok", (bool)true), KV("took_s", 0.25), KV("host", "discord.gg"),
	    KV("none", (const char *)NULL), KV("empty", ""),
	    KV("slice", SLICE_LITERAL("a b")));
	assert_string_equal(read_logfmt(),
	    "level=warning event=shard_resumed shard=3 seq=-42 ok=true took_s=0.250 "
	    "host=discord.gg none=- empty=\"\" slice=\"a b\"");
	/* ts=2026-08-06T12:34:56.789Z */
	assert_memory_equal(text, "ts=2", 4);
	assert_int_equal(text[13], 'T');
	assert_int_equal(text[26], 'Z');
	assert_int_equal(text[27], ' ');
}

static void
json_has_the_same(void **state)
{
	(void)state;
	log_open(ends[1], LOG_FORMAT_JSON, LOG_LEVEL_INFO);
	log_error("shard_resumed", KV("shard", 3U), KV("ok", (bool)false),
	    KV("took_s", -1.5), KV("host", "discord.gg"),
	    KV("none", (const char *)NULL), KV("bad", (double)NAN));
	cJSON *json = read_json();

	assert_string_equal(member(json, "level"), "error");
	assert_string_equal(member(json, "event"), "shard_resumed");
	assert_string_equal(member(json, "host"), "discord.gg");
	assert_int_equal(strlen(member(json, "ts")), 24);
	assert_true(cJSON_IsFalse(cJSON_GetObjectItem(json, "ok")));
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "none")));
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "bad")));
	assert_int_equal(cJSON_GetObjectItem(json, "shard")->valueint, 3);
	assert_non_null(strstr(text, "\"took_s\":-1.500"));
	cJSON_Delete(json);
}

static void
doubles_have_three_decimals_and_a_point(void **state)
{
	static const struct {
		double number;
		const char *text;
	} cases[] = {
	    {0, "0.000"},
	    {-0.0, "0.000"},
	    {-0.0001, "0.000"},
	    {0.0005, "0.001"},
	    {0.9996, "1.000"},
	    {-12.3456, "-12.346"},
	    {123456789012.25, "123456789012.250"},
	    {1e18, "1000000000000000000"},
	    {(double)INFINITY, "null"},
	};

	(void)state;
	/* Where the locale is not installed the C locale stays, which proves less. */
	(void)setlocale(LC_ALL, "de_DE.UTF-8");
	log_open(ends[1], LOG_FORMAT_LOGFMT, LOG_LEVEL_INFO);
	for (size_t i = 0; i < COUNT(cases); i++) {
		log_change("x", KV("n", cases[i].number));
		assert_string_equal(strstr(read_logfmt(), "n=") + 2, cases[i].text);
	}
	(void)setlocale(LC_ALL, "C");
}

static void
numbers_keep_their_whole_range(void **state)
{
	(void)state;
	log_open(ends[1], LOG_FORMAT_LOGFMT, LOG_LEVEL_INFO);
	log_change("x", KV("a", INT64_MIN), KV("b", INT64_MAX), KV("c", UINT64_MAX),
	    KV("d", (unsigned char)255));
	assert_string_equal(read_logfmt(),
	    "level=info event=x a=-9223372036854775808 b=9223372036854775807 "
	    "c=18446744073709551615 d=255");
}

static int
parse_level(const char *name)
{
	enum log_level level = LOG_LEVEL_DEBUG;

	return log_level_parse(name, &level) ? (int)level : -1;
}

static void
levels_above_the_set_one_are_left_out(void **state)
{
	(void)state;
	log_open(ends[1], LOG_FORMAT_LOGFMT, LOG_LEVEL_WARNING);
	log_change("x", KV("n", 1));
	log_debug("x", KV("n", 1));
	assert_int_equal(read_log(), 0);
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("x", KV("n", 1));
	assert_string_equal(read_logfmt(), "level=debug event=x n=1");
	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		assert_int_equal(parse_level(log_level_name((enum log_level)i)), i);
	}
	assert_int_equal(parse_level("WARN"), LOG_LEVEL_WARNING);
	assert_int_equal(parse_level("loud"), -1);
	assert_int_equal(parse_level(""), -1);
}

static void
a_record_is_written_whatever_the_level(void **state)
{
	(void)state;
	log_open(ends[1], LOG_FORMAT_LOGFMT, LOG_LEVEL_ERROR);
	log_warning("x", KV("n", 1));
	log_record("y", KV("n", 2));
	assert_string_equal(read_logfmt(), "level=info event=y n=2");
}

static void
errno_stays_as_it_was(void **state)
{
	(void)state;
	log_open(-1, LOG_FORMAT_LOGFMT, LOG_LEVEL_INFO);
	errno = ENOTTY;
	log_change("x", KV("n", 1));
	assert_int_equal(errno, ENOTTY);
}

/* ---- escaping ---- */

static void
values_are_escaped_in_both_forms(void **state)
{
	static const struct {
		const char *value;
		const char *escaped;
	} cases[] = {
	    {"a\nlevel=error event=forged", "a\\nlevel=error event=forged"},
	    {"a\r\tb", "a\\u000d\\u0009b"},
	    {"\x1b[31mred", "\\u001b[31mred"},
	    {"say \"x\" \\", "say \\\"x\\\" \\\\"},
	    {"\x7f", "\\u007f"},
	    {"\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "\\u0080\\u009b\\u009f\xc2\xa0"},
	    {"\xd8\x9c", "\\u061c"},
	    {"\xe2\x80\x8d\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\x90",
		"\xe2\x80\x8d\\u200e\\u200f\xe2\x80\x90"},
	    {"\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xae\xe2\x80\xaf",
		"\xe2\x80\xa7\\u2028\\u202e\xe2\x80\xaf"},
	    {"\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa",
		"\xe2\x81\xa5\\u2066\\u2069\xe2\x81\xaa"},
	    {"\xef\xbb\xbf", "\\ufeff"},
	    {"caf\xc3\xa9 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xf0\x9f\x98\x80"},
	    {"\xff\xfe x", "\\ufffd\\ufffd x"},
	    {"\xc3( \xe2\x82", "\\ufffd( \\ufffd\\ufffd"},
	    {"\xed\xa0\x80\xc0\x80", "\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd"},
	    {"\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},
	};

	(void)state;
	for (int json = 0; json < 2; json++) {
		log_open(ends[1], json ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT,
		    LOG_LEVEL_INFO);
		for (size_t i = 0; i < COUNT(cases); i++) {
			const char *value = cases[i].value;
			const char *escaped = cases[i].escaped;
			char wanted[128];

			log_change("x", KV("v", value));
			(void)snprintf(wanted, sizeof wanted,
			    json ? "\"v\":\"%s\"}\n" : " v=\"%s\"\n", escaped);
			(void)read_log();
			if (!strstr(text, wanted)) {
				fail_msg("no %s in %s", wanted, text);
			}
		}
	}
}

static void
a_nul_byte_ends_nothing(void **state)
{
	(void)state;
	log_open(ends[1], LOG_FORMAT_LOGFMT, LOG_LEVEL_INFO);
	log_change("x", KV("v", SLICE_LITERAL("a\0b")), KV("n", 1));
	assert_string_equal(read_logfmt(), "level=info event=x v=\"a\\u0000b\" n=1");
}

/* ---- long lines ---- */

static void
long_lines_are_cut_and_stay_json(void **state)
{
	static const char *const fills[] = {"a", "\"", "\n", "\x1b", "\xff",
	    "\xf0\x9f\x98\x80", "\xc3\xa9"};
	char value[6000];

	(void)state;
	log_open(ends[1], LOG_FORMAT_JSON, LOG_LEVEL_INFO);
	for (size_t i = 0; i < COUNT(fills); i++) {
		size_t unit = strlen(fills[i]);

		for (size_t shift = 0; shift < 12; shift++) {
			memset(value, 'x', sizeof value);
			for (size_t at = shift; at + unit <= sizeof value; at += unit) {
				memcpy(value + at, fills[i], unit);
			}
			log_change("x", KV("before", 1),
			    KV("v", ((struct slice){value, sizeof value})),
			    KV("after", "gone"));
			cJSON *json = read_json();
			const char *cut = member(json, "v");

			assert_int_equal(cJSON_GetObjectItem(json, "before")->valueint,
			    1);
			assert_string_equal(cut + strlen(cut) - 3, "...");
			assert_in_range(strlen(text), PIPE_BUF - 16, PIPE_BUF);
			cJSON_Delete(json);
		}
	}
}

static void
pairs_that_do_not_fit_are_left_out_whole(void **state)
{
	char value[PIPE_BUF];

	(void)state;
	log_open(ends[1], LOG_FORMAT_JSON, LOG_LEVEL_INFO);
	memset(value, 'x', sizeof value);
	for (size_t size = PIPE_BUF - 160; size < sizeof value; size++) {
		log_change("x", KV("v", ((struct slice){value, size})),
		    KV("number", UINT64_MAX), KV("flag", (bool)true), KV("f", 1.5),
		    KV("t", "text"));
		cJSON *json = read_json();
		const cJSON *number = cJSON_GetObjectItem(json, "number");

		assert_true(!number || strstr(text, "18446744073709551615"));
		cJSON_Delete(json);
	}
}

static void
long_logfmt_lines_end_well_too(void **state)
{
	char value[6000];

	(void)state;
	log_open(ends[1], LOG_FORMAT_LOGFMT, LOG_LEVEL_INFO);
	memset(value, '"', sizeof value);
	log_change("x", KV("v", ((struct slice){value, sizeof value})), KV("n", 1));
	size_t size = read_log();

	assert_in_range(size, PIPE_BUF - 16, PIPE_BUF);
	assert_string_equal(text + size - 6, "\"...\"\n");
}

/* ---- full targets ---- */

static void
fill_pipe(void)
{
	static const char page[PIPE_BUF];

	(void)fcntl(ends[1], F_SETFL, O_NONBLOCK);
	while (write(ends[1], page, sizeof page) > 0) {
	}
	(void)fcntl(ends[1], F_SETFL, 0);
}

static void
empty_pipe(void)
{
	(void)read_log();
}

static void
a_full_pipe_never_blocks_and_drops_are_counted(void **state)
{
	uint64_t before = log_dropped();

	(void)state;
	log_open(ends[1], LOG_FORMAT_JSON, LOG_LEVEL_INFO);
	fill_pipe();
	(void)alarm(5); /* ends the test where a line blocks */
	for (int i = 0; i < 100; i++) {
		log_change("x", KV("n", i));
	}
	(void)alarm(0);
	assert_int_equal(log_dropped() - before, 100);
	empty_pipe();
	log_info("after", KV("n", 1));
	assert_int_equal(log_dropped() - before, 100);
	(void)read_log();
	const char *told = strstr(text, "\"event\":\"log_dropped\",\"lines\":100}");
	const char *after = strstr(text, "\"event\":\"after\"");

	assert_non_null(told);
	assert_non_null(after);
	assert_true(told < after);
	log_info("again", KV("n", 1));
	(void)read_log();
	assert_null(strstr(text, "log_dropped"));
}

/* Another program with the same pipe must not notice that ours does not block. */
static void
the_given_descriptor_keeps_its_flags(void **state)
{
	(void)state;
	log_open(ends[1], LOG_FORMAT_LOGFMT, LOG_LEVEL_INFO);
	log_change("x", KV("n", 1));
	assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
}

static void
a_full_socket_never_blocks(void **state)
{
	int pair[2];
	char drain[65536];
	uint64_t before = log_dropped();

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	log_open(pair[1], LOG_FORMAT_LOGFMT, LOG_LEVEL_INFO);
	(void)alarm(5);
	for (int i = 0; i < 20000 && log_dropped() == before; i++) {
		log_change("x", KV("n", i));
	}
	(void)alarm(0);
	assert_true(log_dropped() > before);
	(void)fcntl(pair[0], F_SETFL, O_NONBLOCK);
	while (read(pair[0], drain, sizeof drain) > 0) {
	}
	log_info("after", KV("n", 1));
	ssize_t got = read(pair[0], drain, sizeof drain - 1);

	assert_true(got > 0);
	drain[got] = '\0';
	assert_non_null(strstr(drain, "event=log_dropped"));
	assert_non_null(strstr(drain, "event=after"));
	(void)close(pair[0]);
	before = log_dropped();
	log_change("x", KV("n", 1)); /* no SIGPIPE */
	assert_int_equal(log_dropped() - before, 1);
	(void)close(pair[1]);
	log_open(ends[1], LOG_FORMAT_LOGFMT, LOG_LEVEL_INFO);
	log_change("x", KV("n", 1));
	assert_int_equal(log_dropped() - before, 1);
}

/* A terminal hands bytes on in a moment of its own: so long nothing more means none. */
#define QUIET_MS 300

/* Reads until nothing is left; the last byte. */
static char
read_all(int fd, char *bytes, size_t room)
{
	struct pollfd news = {fd, POLLIN, 0};
	char last = '\n';

	while (poll(&news, 1, QUIET_MS) > 0) {
		ssize_t got = read(fd, bytes, room);

		assert_true(got > 0);
		last = bytes[got - 1];
	}
	return last;
}

/* Reads until a word is there, as a C string. */
static void
read_until(int fd, const char *word, char *bytes, size_t room)
{
	struct pollfd news = {fd, POLLIN, 0};
	size_t size = 0;

	bytes[0] = '\0';
	while (!strstr(bytes, word) && poll(&news, 1, 5000) > 0) {
		ssize_t got = read(fd, bytes + size, room - 1 - size);

		assert_true(got > 0);
		size += (size_t)got;
		bytes[size] = '\0';
	}
}

/* The room of a terminal is no multiple of a line, so the last one goes out in part. */
static void
a_terminal_that_nobody_reads_never_blocks(void **state)
{
	static char drain[256 * 1024];
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	uint64_t before = log_dropped();

	(void)state;
	if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) {
		(void)close(master);
		skip(); /* no terminals here */
	}
	int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);

	assert_true(slave >= 0);
	log_open(slave, LOG_FORMAT_LOGFMT, LOG_LEVEL_INFO);
	(void)alarm(5);
	for (int i = 0; i < 20000 && log_dropped() == before; i++) {
		log_change("x", KV("n", i));
	}
	(void)alarm(0);
	assert_true(log_dropped() > before);
	char last = read_all(master, drain, sizeof drain);

	log_info("after", KV("n", 1));
	read_until(master, "event=after", drain, sizeof drain);
	/* What was cut is ended first. */
	assert_true((last != '\n') == (drain[0] == '\r' || drain[0] == '\n'));
	const char *told = strstr(drain, " level=warning event=log_dropped lines=1");

	assert_non_null(told);
	assert_non_null(strstr(told, "event=after"));
	(void)close(slave);
	(void)close(master);
}

static void
regular_files_are_written_at_their_offset(void **state)
{
	char path[] = "/tmp/test_log.XXXXXX";
	int fd = mkstemp(path);
	char got[256] = "";

	(void)state;
	assert_true(fd >= 0);
	(void)unlink(path);
	assert_int_equal(write(fd, "first\n", 6), 6);
	log_open(fd, LOG_FORMAT_LOGFMT, LOG_LEVEL_INFO);
	log_change("x", KV("n", 1));
	assert_int_equal(write(fd, "last\n", 5), 5);
	assert_true(pread(fd, got, sizeof got - 1, 0) > 0);
	assert_memory_equal(got, "first\nts=", 9);
	assert_non_null(strstr(got, "n=1\nlast\n"));
	(void)close(fd);
}

/* ---- secrets ---- */

static void
the_secret_never_gets_out(void **state)
{
	static const char token[] = "MTIz.abc\"def\n.xyz0123456789";
	struct secret *secret = secret_new(token, sizeof token - 1);
	char value[PIPE_BUF];

	(void)state;
	log_set_secret(secret);
	for (int json = 0; json < 2; json++) {
		log_open(ends[1], json ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT,
		    LOG_LEVEL_INFO);
		log_change("x", KV("v", token), KV("w", "a token"));
		(void)read_log();
		assert_non_null(strstr(text, "********"));
		assert_non_null(strstr(text, "a token"));
		assert_null(strstr(text, "MTIz"));
		/* Nor does a part of it where the line is cut. */
		for (size_t at = PIPE_BUF - 140; at < PIPE_BUF - 40; at++) {
			memset(value, 'x', sizeof value);
			memcpy(value + at, token, sizeof token - 1);
			log_change("x", KV("v", ((struct slice){value, sizeof value})));
			(void)read_log();
			assert_null(strchr(text, 'M'));
		}
	}
	log_set_secret(NULL);
	secret_free(secret);
}

static void
hear(void *ctx, const struct log_event *event)
{
	(void)snprintf(ctx, 64, "%d %s %zu", (int)event->level, event->name,
	    event->count);
}

static void
a_listener_hears_what_the_level_leaves_out(void **state)
{
	char heard[64] = "";

	(void)state;
	log_open(ends[1], LOG_FORMAT_LOGFMT, LOG_LEVEL_ERROR);
	log_set_listener(hear, heard);
	log_info("quiet", KV("a", 1), KV("b", 2));
	assert_string_equal(heard, "2 quiet 2");
	log_debug("for debuggers", KV("a", 1));
	assert_string_equal(heard, "2 quiet 2");
	log_error("loud", KV("a", 1));
	assert_string_equal(heard, "0 loud 1");
	log_set_listener(NULL, NULL);
	log_error("unheard", KV("a", 1));
	assert_string_equal(heard, "0 loud 1");
	assert_true(read_log() > 0);
	assert_null(strstr(text, "quiet"));
}

#define LOG_TEST(function) \
	cmocka_unit_test_setup_teardown(function, open_pipe, close_pipe)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LOG_TEST(logfmt_has_stamp_level_event_and_pairs),
	    LOG_TEST(json_has_the_same),
	    LOG_TEST(doubles_have_three_decimals_and_a_point),
	    LOG_TEST(numbers_keep_their_whole_range),
	    LOG_TEST(levels_above_the_set_one_are_left_out),
	    LOG_TEST(a_record_is_written_whatever_the_level),
	    LOG_TEST(errno_stays_as_it_was),
	    LOG_TEST(values_are_escaped_in_both_forms),
	    LOG_TEST(a_nul_byte_ends_nothing),
	    LOG_TEST(long_lines_are_cut_and_stay_json),
	    LOG_TEST(pairs_that_do_not_fit_are_left_out_whole),
	    LOG_TEST(long_logfmt_lines_end_well_too),
	    LOG_TEST(a_full_pipe_never_blocks_and_drops_are_counted),
	    LOG_TEST(the_given_descriptor_keeps_its_flags),
	    LOG_TEST(a_full_socket_never_blocks),
	    LOG_TEST(a_terminal_that_nobody_reads_never_blocks),
	    LOG_TEST(regular_files_are_written_at_their_offset),
	    LOG_TEST(the_secret_never_gets_out),
	    LOG_TEST(a_listener_hears_what_the_level_leaves_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
