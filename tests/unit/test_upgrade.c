/* Upgrade: the request byte by byte, answers right and wrong, cut at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "upgrade.h"

/* The example of RFC 6455 1.3. */
/* A slice for static tables. */
#define BYTES(text)                      \
	{                                \
		(text), sizeof(text) - 1 \
	}

#define KEY      "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT   "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

#define OK_101   "HTTP/1.1 101 Switching Protocols\r\n"
#define OK_NAMES "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define OK_KEY   "Sec-WebSocket-Accept: " ACCEPT "\r\n"
#define OK_ALL   OK_101 OK_NAMES OK_KEY

/* The verdict on an answer that comes in pieces of cut bytes; *left: bytes not taken.
 */
static enum upgrade_verdict
answer(struct upgrade_parser *parser, struct slice text, size_t cut, size_t *left)
{
	enum upgrade_verdict verdict = UPGRADE_MORE;

	upgrade_parser_init(parser, ACCEPT);
	while (verdict == UPGRADE_MORE && text.size > 0) {
		struct slice piece = {text.data, cut < text.size ? cut : text.size};
		size_t before = piece.size;

		verdict = upgrade_step(parser, &piece);
		assert_true(verdict != UPGRADE_MORE || piece.size == 0);
		text.data += before - piece.size;
		text.size -= before - piece.size;
	}
	*left = text.size;
	return verdict;
}

static void
request_is_as_the_rfc_wants_it(void **state)
{
	struct upgrade_request request = {
	    .host = "gateway.test:8443",
	    .path = "/?v=10&encoding=json",
	    .user_agent = "gwbot (test)",
	    .key = KEY,
	};
	char out[512];
	size_t size = upgrade_write(out, sizeof out, &request);

	(void)state;
	assert_int_equal(size, strlen(out));
	assert_string_equal(out,
	    "GET /?v=10&encoding=json HTTP/1.1\r\n"
	    "Host: gateway.test:8443\r\n"
	    "Upgrade: websocket\r\n"
	    "Connection: Upgrade\r\n"
	    "Sec-WebSocket-Key: " KEY "\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "User-Agent: gwbot (test)\r\n\r\n");
	assert_int_equal(upgrade_write(out, size + 1, &request), size);
	assert_int_equal(upgrade_write(out, size, &request), 0);
}

static void
request_with_a_forged_line_is_refused(void **state)
{
	static const struct upgrade_request good = {"host", "/", "agent", KEY};
	static const char *const bad[] = {"", "a\r\nX: 1", "a\nb", "a\x7f", "\xC3\xA9"};
	char out[512];

	(void)state;
	assert_int_not_equal(upgrade_write(out, sizeof out, &good), 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct upgrade_request host = good;
		struct upgrade_request path = good;
		struct upgrade_request agent = good;

		host.host = bad[i];
		path.path = bad[i];
		agent.user_agent = bad[i];
		assert_int_equal(upgrade_write(out, sizeof out, &host), 0);
		assert_int_equal(upgrade_write(out, sizeof out, &path), 0);
		assert_int_equal(upgrade_write(out, sizeof out, &agent), 0);
	}
	struct upgrade_request relative = good;

	relative.path = "gateway";
	assert_int_equal(upgrade_write(out, sizeof out, &relative), 0);
}

static void
answers_cut_anywhere_get_the_same_verdict(void **state)
{
	static const struct {
		const char *name;
		struct slice text;
		enum upgrade_verdict verdict;
		unsigned status;
		unsigned retry_after_s;
		size_t left;
	} cases[] = {
	    {"right", BYTES(OK_ALL "\r\n"), UPGRADE_DONE, 101, 0, 0},
	    {"right, frames behind", BYTES(OK_ALL "\r\n\x81\x00"), UPGRADE_DONE, 101, 0,
		2},
	    {"other case and order",
		BYTES(OK_101 "connection:x ,\tUPGRADE\r\n"
			     "SEC-websocket-ACCEPT:" ACCEPT "\t \r\n"
			     "upgrade: WebSocket\r\n\r\n"),
		UPGRADE_DONE, 101, 0, 0},
	    {"not whole", BYTES(OK_ALL), UPGRADE_MORE, 101, 0, 0},
	    {"429", BYTES("HTTP/1.1 429 No\r\nRetry-After:  12 \r\n\r\nbody"),
		UPGRADE_STATUS, 429, 12, 4},
	    {"a date", BYTES("HTTP/1.0 503\r\nRetry-After: Fri, 31\r\n\r\n"),
		UPGRADE_STATUS, 503, 0, 0},
	    {"no number", BYTES("HTTP/1.1 503 \r\nRetry-After: \r\n\r\n"),
		UPGRADE_STATUS, 503, 0, 0},
	    {"negative", BYTES("HTTP/1.1 503 \r\nRetry-After: -1\r\n\r\n"),
		UPGRADE_STATUS, 503, 0, 0},
	    {"empty line first", BYTES("\r\n" OK_ALL "\r\n"), UPGRADE_INVALID, 0, 0,
		sizeof OK_ALL + 3},
	    {"short status", BYTES("HTTP/1.1 10\r\n"), UPGRADE_INVALID, 0, 0, 0},
	    {"long status", BYTES("HTTP/1.1 1011\r\n"), UPGRADE_INVALID, 0, 0, 0},
	    {"status 099", BYTES("HTTP/1.1 099 x\r\n"), UPGRADE_INVALID, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (size_t cut = 1; cut <= cases[i].text.size; cut++) {
			struct upgrade_parser parser;
			size_t left;
			enum upgrade_verdict verdict =
			    answer(&parser, cases[i].text, cut, &left);

			if (verdict != cases[i].verdict || left != cases[i].left) {
				fail_msg("%s, cut %zu: verdict %d, left %zu",
				    cases[i].name, cut, (int)verdict, left);
			}
			assert_int_equal(parser.retry_after_s, cases[i].retry_after_s);
			if (verdict != UPGRADE_INVALID) {
				assert_int_equal(parser.status, cases[i].status);
			} else {
				assert_non_null(parser.why);
			}
		}
	}
}

static void
wrong_answers_say_why(void **state)
{
	static const struct {
		struct slice text;
		const char *why;
	} cases[] = {
	    {BYTES("SSH-2.0"), "not HTTP"},
	    {BYTES("HTTP/1.0 101 x\r\n"), "another version"},
	    {BYTES(OK_101 OK_KEY "Connection: upgrade\r\n\r\n"), "no Upgrade"},
	    {BYTES(OK_101 OK_KEY "Upgrade: websocket\r\n\r\n"), "no Connection"},
	    {BYTES(OK_101 OK_NAMES "\r\n"), "no Sec-WebSocket-Accept"},
	    {BYTES(OK_ALL OK_KEY "\r\n"), "twice"},
	    {BYTES(OK_101 "Sec-WebSocket-Accept: x\r\n"), "wrong Sec"},
	    {BYTES(OK_101 "Upgrade: h2c\r\n"), "another protocol"},
	    {BYTES(OK_101 "Sec-WebSocket-Extensions:\r\n"), "extension"},
	    {BYTES(OK_101 "Sec-WebSocket-Protocol: a\r\n"), "subprotocol"},
	    {BYTES(OK_101 "X: 1\r\n folded\r\n"), "folded"},
	    {BYTES(OK_101 "X : 1\r\n"), "malformed"},
	    {BYTES(OK_101 ": 1\r\n"), "malformed"},
	    {BYTES(OK_101 "X: a\0b\r\n"), "zero byte"},
	    {BYTES(OK_101 "X: a\x1b[2J\r\n"), "control character"},
	    {BYTES(OK_101 "X: 1\nY: 2\r\n"), "CR LF"},
	    {BYTES(OK_101 "X: 1\rY: 2\r\n"), "CR LF"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct upgrade_parser parser;
		size_t left;

		if (answer(&parser, cases[i].text, 7, &left) != UPGRADE_INVALID ||
		    !strstr(parser.why, cases[i].why)) {
			fail_msg("%s: %s", cases[i].why, parser.why ? parser.why : "-");
		}
	}
}

/* An answer whose headers take exactly size bytes. */
static enum upgrade_verdict
answer_of(size_t size)
{
	static char text[UPGRADE_ANSWER_MAX_BYTES + 16];
	static const char begin[] = OK_ALL "X: ";
	struct upgrade_parser parser;
	size_t left;

	memset(text, 'x', sizeof text);
	memcpy(text, begin, sizeof begin - 1);
	/* Its size goes with it. */
	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
	memcpy(text + size - 4, "\r\n\r\n", 4);
	return answer(&parser, (struct slice){text, size}, 1000, &left);
}

static void
headers_of_8_KiB_fit_and_one_more_byte_does_not(void **state)
{
	(void)state;
	assert_int_equal(answer_of(UPGRADE_ANSWER_MAX_BYTES), UPGRADE_DONE);
	assert_int_equal(answer_of(UPGRADE_ANSWER_MAX_BYTES + 1), UPGRADE_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(request_is_as_the_rfc_wants_it),
	    cmocka_unit_test(request_with_a_forged_line_is_refused),
	    cmocka_unit_test(answers_cut_anywhere_get_the_same_verdict),
	    cmocka_unit_test(wrong_answers_say_why),
	    cmocka_unit_test(headers_of_8_KiB_fit_and_one_more_byte_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
