/* A Google sheet: what is asked, and what is made of the answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "sheet.h"

#define CASES(cases) (sizeof(cases) / sizeof(cases)[0])
#define ROOM         ((size_t)8192)

#define EMAIL        "bot@project.iam.gserviceaccount.com"

/* 1 November 2026, 12:00:00 UTC. */
#define NOW_S INT64_C(1793534400)
#define NOW   "Sun, 01 Nov 2026 12:00:00 GMT"

static const char account_json[] =
    "{\"type\":\"service_account\",\"project_id\":\"project\","
    "\"private_key_id\":\"k1\",\"client_email\":\"" EMAIL "\","
    "\"private_key\":\"-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE "
    "KEY-----\\n\",\"token_uri\":\"https://oauth2.googleapis.com/token\"}";

static const struct sheet_asked by_account = {"Roster", EMAIL, "project"};
static const struct sheet_asked by_key = {"Roster", "", ""};

/* ---- what is asked ---- */

static void
expect_base64url(const char *bytes, size_t size, const char *wanted)
{
	struct buf out;

	buf_init(&out, ROOM);
	assert_int_equal(sheet_put_base64url((struct slice){bytes, size}, &out), GW_OK);
	assert_true(slice_equal(buf_slice(&out), slice_of(wanted)));
	buf_fini(&out);
}

static void
base64url_is_that_of_the_standards(void **state)
{
	/* RFC 7515, appendices A.1.1 and C; RFC 4648, section 10. */
	static const char header[] = "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}";
	static const char bytes[] = {3, (char)236, (char)255, (char)224, (char)193};

	(void)state;
	expect_base64url(header, sizeof header - 1,
	    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9");
	expect_base64url(bytes, sizeof bytes, "A-z_4ME");
	expect_base64url("", 0, "");
	expect_base64url("f", 1, "Zg");
	expect_base64url("fo", 2, "Zm8");
	expect_base64url("foo", 3, "Zm9v");
	expect_base64url("foobar", 6, "Zm9vYmFy");
}

static void
a_key_file_is_read(void **state)
{
	struct sheet_account account;

	(void)state;
	assert_null(sheet_account_read(slice_of(account_json), &account));
	assert_string_equal(account.email, EMAIL);
	assert_string_equal(account.project, "project");
	assert_string_equal(account.key_id, "k1");
	assert_string_equal(account.token_uri, "https://oauth2.googleapis.com/token");
	assert_string_equal(secret_reveal(account.key),
	    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
	sheet_account_fini(&account);
	assert_null(account.key);
}

static void
a_key_file_that_is_none_is_refused_in_words(void **state)
{
#define KEY(type, email, key, uri)                                                   \
	"{\"type\":\"" type "\",\"client_email\":\"" email "\",\"private_key\":" key \
	",\"token_uri\":\"" uri "\"}"
#define PEM "\"-----BEGIN X-----\""
	static const struct {
		const char *json;
		const char *why;
	} cases[] = {
	    {"", "it is not the JSON of a key"},
	    {"[]", "it is not the JSON of a key"},
	    {"{\"type\":1}", "it is no service account's key"},
	    {KEY("authorized_user", "a@b", PEM, "https://h/"), "(\"type\" is another)"},
	    {KEY("service_account", "a", PEM, "https://h/"), "\"client_email\""},
	    {KEY("service_account", "a@b\\nX: y", PEM, "https://h/"),
		"\"client_email\""},
	    {KEY("service_account", "a@b", PEM, "http://h/"), "\"token_uri\""},
	    {KEY("service_account", "a@b", PEM, "wss://h/"), "\"token_uri\""},
	    {KEY("service_account", "a@b", PEM, "https://u@h/"), "\"token_uri\""},
	    {KEY("service_account", "a@b", "\"x\"", "https://h/"), "\"private_key\""},
	    {KEY("service_account", "a@b", "7", "https://h/"), "\"private_key\""},
	};
	struct sheet_account account;

	(void)state;
	for (size_t i = 0; i < CASES(cases); i++) {
		const char *why = sheet_account_read(slice_of(cases[i].json), &account);

		assert_non_null(why);
		assert_non_null(strstr(why, cases[i].why));
		assert_null(account.key);
	}
	assert_null(sheet_account_read(slice_of(KEY("service_account", "a@b", PEM,
					   "http://127.0.0.1:8/t")),
	    &account));
	assert_string_equal(account.project, "");
	sheet_account_fini(&account);
}

static void
a_grant_has_the_claims_of_an_hour(void **state)
{
	static const char header[] =
	    "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k1\"}";
	static const char claims[] =
	    "{\"iss\":\"" EMAIL "\",\"scope\":\"https://www.googleapis.com/auth/"
	    "spreadsheets.readonly\",\"aud\":\"https://oauth2.googleapis.com/token\","
	    "\"iat\":1793534400,\"exp\":1793538000}";
	struct sheet_account account;
	struct buf wanted;
	struct buf grant;

	(void)state;
	buf_init(&wanted, ROOM);
	buf_init(&grant, ROOM);
	assert_null(sheet_account_read(slice_of(account_json), &account));
	assert_int_equal(sheet_put_grant(&account, NOW_S, &grant), GW_OK);
	(void)sheet_put_base64url(SLICE_LITERAL(header), &wanted);
	(void)buf_append(&wanted, ".", 1);
	(void)sheet_put_base64url(SLICE_LITERAL(claims), &wanted);
	assert_true(slice_equal(buf_slice(&grant), buf_slice(&wanted)));

	buf_clear(&wanted);
	assert_int_equal(sheet_put_form(SLICE_LITERAL("a.b"), SLICE_LITERAL("foobar"),
			     &wanted),
	    GW_OK);
	assert_true(slice_equal(buf_slice(&wanted),
	    SLICE_LITERAL("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3A"
			  "jwt-bearer&assertion=a.b.Zm9vYmFy")));
	sheet_account_fini(&account);
	buf_fini(&wanted);
	buf_fini(&grant);
}

static void
any_name_of_a_tab_is_one_segment_of_the_url(void **state)
{
	static const struct {
		const char *worksheet;
		const char *escaped;
	} cases[] = {
	    {"Roster", "%27Roster%27%211%3A1"},
	    {"A1", "%27A1%27%211%3A1"},
	    {"It's 50/50?", "%27It%27%27s%2050%2F50%3F%27%211%3A1"},
	    {"\xc3\xbc#&", "%27%C3%BC%23%26%27%211%3A1"},
	    {"../..", "%27..%2F..%27%211%3A1"},
	};
	struct secret *key = secret_new("AIza&x", 6);
	struct buf url;
	struct buf wanted;

	(void)state;
	buf_init(&url, ROOM);
	buf_init(&wanted, ROOM);
	for (size_t i = 0; i < CASES(cases); i++) {
		buf_clear(&url);
		buf_clear(&wanted);
		assert_int_equal(sheet_put_url("https://h", "id-1", cases[i].worksheet,
				     i % 2 ? key : NULL, &url),
		    GW_OK);
		(void)buf_printf(&wanted,
		    "https://h/v4/spreadsheets/id-1/values/%s?majorDimension=ROWS%s",
		    cases[i].escaped, i % 2 ? "&key=AIza%26x" : "");
		assert_true(slice_equal(buf_slice(&url), buf_slice(&wanted)));
	}
	secret_free(key);
	buf_fini(&url);
	buf_fini(&wanted);
}

static void
blanks_around_an_api_key_are_dropped(void **state)
{
	struct slice good = SLICE_LITERAL(" \tAIza1\r\n");
	struct slice inner = SLICE_LITERAL("AI za");
	struct slice none = SLICE_LITERAL("\n");

	(void)state;
	assert_true(sheet_trim_key(&good));
	assert_true(slice_equal(good, SLICE_LITERAL("AIza1")));
	assert_false(sheet_trim_key(&inner));
	assert_false(sheet_trim_key(&none));
}

/* ---- what is answered ---- */

static struct sheet_answer
answer_of(unsigned status, const char *body)
{
	return (struct sheet_answer){
	    .status = status,
	    .body = slice_of(body),
	    .date = NOW,
	    .now_s = NOW_S,
	};
}

static void
a_token_is_taken_with_its_lifetime(void **state)
{
	static const struct {
		const char *body;
		mono_ns lifetime; /* 0: no token */
	} cases[] = {
	    {"{\"access_token\":\"ya29.x\",\"expires_in\":3599}", CLOCK_S(3599)},
	    {"{\"access_token\":\"ya29.x\"}", CLOCK_S(3600)},
	    {"{\"access_token\":\"ya29.x\",\"expires_in\":1e9}", CLOCK_S(86400)},
	    {"{\"access_token\":\"ya29.x\",\"expires_in\":0}", 0},
	    {"{\"access_token\":\"ya29.x\",\"expires_in\":-5}", 0},
	    {"{\"access_token\":\"a\\r\\nX: y\",\"expires_in\":9}", 0},
	    {"{\"access_token\":\"\",\"expires_in\":9}", 0},
	    {"{\"access_token\":7,\"expires_in\":9}", 0},
	    {"<html>", 0},
	    {"", 0},
	};

	(void)state;
	for (size_t i = 0; i < CASES(cases); i++) {
		struct sheet_answer answer = answer_of(200, cases[i].body);
		struct sheet_finding finding;
		struct sheet_token token;
		bool taken = sheet_read_token(&by_account, &answer, &token, &finding);

		assert_int_equal(taken, cases[i].lifetime != 0);
		if (taken) {
			assert_string_equal(secret_reveal(token.access), "ya29.x");
			assert_int_equal(token.lifetime, cases[i].lifetime);
		} else {
			assert_null(token.access);
			assert_int_equal(finding.verdict, PROBE_BAD);
			assert_non_null(strstr(finding.reason, "does a proxy answer"));
		}
		secret_free(token.access);
	}
}

static void
the_clock_is_judged_by_the_date_of_the_answer(void **state)
{
	static const struct {
		const char *date;
		int64_t now_s;
		const char *words;
	} cases[] = {
	    {NOW, NOW_S + 312, "wrong by 312 s (ahead of Google's): set it, with NTP"},
	    {NOW, NOW_S - 7200, "wrong by 7200 s (behind Google's)"},
	    {NOW, NOW_S + 30, "though the clocks agree"},
	    {NULL, NOW_S, "is the clock of this host right?"},
	    {"yesterday", NOW_S, "is the clock of this host right?"},
	    {NOW " ", NOW_S, "is the clock of this host right?"},
	};

	(void)state;
	for (size_t i = 0; i < CASES(cases); i++) {
		struct sheet_answer answer = answer_of(400,
		    "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT: "
		    "Token must be a short-lived token (60 minutes) and in a "
		    "reasonable timeframe.\"}");
		struct sheet_finding finding;
		struct sheet_token token;

		answer.date = cases[i].date;
		answer.now_s = cases[i].now_s;
		assert_false(sheet_read_token(&by_account, &answer, &token, &finding));
		assert_non_null(strstr(finding.reason, cases[i].words));
	}
}

static void
what_the_token_endpoint_refuses_is_told(void **state)
{
#define REFUSED(error, text) \
	"{\"error\":\"" error "\",\"error_description\":\"" text "\"}"
	static const struct {
		const char *body;
		const char *words;
		unsigned status;
		bool transient;
	} cases[] = {
	    {REFUSED("invalid_grant", "Invalid JWT Signature."),
		"Google refuses the signature of " EMAIL, 400, false},
	    {REFUSED("invalid_grant", "Invalid grant: account not found"),
		"Google knows no service account " EMAIL, 400, false},
	    {REFUSED("invalid_grant", "Not a valid email or user ID."),
		"Google knows no service account", 400, false},
	    {REFUSED("invalid_grant", "who knows"), "(invalid_grant): who knows", 400,
		false},
	    {REFUSED("invalid_scope", ""), "(invalid_scope)", 400, false},
	    {REFUSED("disabled_client", ""), "is disabled", 401, false},
	    {REFUSED("teapot", "short and stout"),
		"answers 418 (teapot): short and stout", 418, false},
	    {"not found", "answers 404 without Google's JSON", 404, false},
	    {"", "answers 503: trouble at Google", 503, true},
	};

	(void)state;
	for (size_t i = 0; i < CASES(cases); i++) {
		struct sheet_answer answer = answer_of(cases[i].status, cases[i].body);
		struct sheet_finding finding;
		struct sheet_token token;

		assert_false(sheet_read_token(&by_account, &answer, &token, &finding));
		assert_int_equal(finding.verdict, PROBE_BAD);
		assert_int_equal(finding.transient, cases[i].transient);
		assert_non_null(strstr(finding.reason, cases[i].words));
	}
}

static void
the_title_is_that_of_the_answer(void **state)
{
#define RANGE(range) "{\"range\":\"" range "\",\"majorDimension\":\"ROWS\"}"
	static const struct {
		const char *body;
		const char *reason; /* NULL: no title */
	} cases[] = {
	    {RANGE("Roster!A1:Z1"), "Roster"},
	    {RANGE("'It''s 50/50'!A1:Z1"), "It's 50/50"},
	    {RANGE("'a!b'!A1:B1"), "a!b"},
	    {RANGE("'''x'''!A1"), "'x'"},
	    {RANGE("'tick ` tock'!A1"), "tick ' tock"},
	    {RANGE("'\\u001b[2J\\u202e'!A1"), "\xef\xbf\xbd[2J\xef\xbf\xbd"},
	    {"{\"range\":\"R!A1\",\"values\":[[\"a\",7,null]]}", "R"},
	    {RANGE("Roster"), NULL},
	    {RANGE("!A1"), NULL},
	    {RANGE("'!A1"), NULL},
	    {RANGE("''!A1"), NULL},
	    {RANGE("'x!A1"), NULL},
	    {"{}", NULL},
	    {"{\"range\":7}", NULL},
	    {"<html>", NULL},
	};

	(void)state;
	for (size_t i = 0; i < CASES(cases); i++) {
		struct sheet_answer answer = answer_of(200, cases[i].body);
		struct sheet_finding finding;

		sheet_read_row(&by_account, &answer, &finding);
		assert_int_equal(finding.verdict,
		    cases[i].reason ? PROBE_GOOD : PROBE_BAD);
		if (cases[i].reason) {
			assert_string_equal(finding.reason, cases[i].reason);
		}
	}
}

static void
what_the_sheets_api_refuses_is_told(void **state)
{
#define ERROR(message) "{\"error\":{\"message\":\"" message "\"}}"
#define DETAIL(reason)                                                               \
	"{\"error\":{\"message\":\"x\",\"details\":[{\"a\":1},{\"reason\":\"" reason \
	"\"}]}}"
	static const struct {
		bool key;
		unsigned status;
		const char *body;
		const char *words;
	} cases[] = {
	    {false, 400, ERROR("Unable to parse range: 'Roster'!1:1"),
		"the sheet has no tab \"Roster\""},
	    {true, 400, DETAIL("API_KEY_INVALID"), "does not know this API key"},
	    {true, 400, ERROR("API key expired. Renew it."), "has it expired?"},
	    {false, 400, ERROR("This operation is not supported for this document"),
		"is no Google sheet"},
	    {false, 400, ERROR("else\\n"), "answers 400: else\xef\xbf\xbd"},
	    {false, 401, ERROR("x"), "refuses the access token, even a new one"},
	    {true, 401, ERROR("x"), "refuses the API key (401): x"},
	    {false, 403, ERROR("The caller does not have permission"),
		"share the sheet with " EMAIL " (viewer is enough)"},
	    {false, 403, DETAIL("SERVICE_DISABLED"),
		"the Sheets API is off in this project, project: switch it on"},
	    {true, 403, DETAIL("SERVICE_DISABLED"), "is off in this project: switch"},
	    {false, 403, ERROR("Request had insufficient authentication scopes."),
		"may not read sheets"},
	    {true, 403, ERROR("The caller does not have permission"),
		"the sheet is private"},
	    {true, 403, ERROR("Requests from referer are blocked."),
		"change the key's restrictions"},
	    {true, 403, ERROR("The request is missing a valid API key."),
		"saw no API key"},
	    {false, 404, ERROR("Requested entity was not found."),
		"there is no spreadsheet with this id"},
	    {false, 405, ERROR("no"), "the Sheets API answers 405: no"},
	    {false, 403, "<html>", "answers 403 without Google's JSON"},
	    {false, 302, "", "answers 302 without Google's JSON"},
	    {false, 500, "", "answers 500: trouble at Google, which passes"},
	};

	(void)state;
	for (size_t i = 0; i < CASES(cases); i++) {
		struct sheet_answer answer = answer_of(cases[i].status, cases[i].body);
		struct sheet_finding finding;

		sheet_read_row(cases[i].key ? &by_key : &by_account, &answer, &finding);
		assert_int_equal(finding.verdict, PROBE_BAD);
		assert_int_equal(finding.refused, cases[i].status == 401);
		assert_int_equal(finding.transient, cases[i].status == 500);
		assert_non_null(strstr(finding.reason, cases[i].words));
	}
}

static void
the_quota_settles_nothing_and_asks_for_a_pause(void **state)
{
	static const struct {
		const char *retry_after;
		int64_t wait_s;
	} cases[] = {{NULL, 60}, {"5", 60}, {"90", 90}, {"999999", 3600}, {"x", 60},
	    {"99999999999999999999", 60}, {"-1", 60}};

	(void)state;
	for (size_t i = 0; i < CASES(cases); i++) {
		struct sheet_answer answer = answer_of(429, "");
		struct sheet_finding finding;
		struct sheet_token token;

		answer.retry_after = cases[i].retry_after;
		sheet_read_row(&by_account, &answer, &finding);
		assert_int_equal(finding.verdict, PROBE_UNSETTLED);
		assert_int_equal(finding.wait, CLOCK_S(cases[i].wait_s));
		assert_false(sheet_read_token(&by_account, &answer, &token, &finding));
		assert_int_equal(finding.verdict, PROBE_UNSETTLED);
		assert_int_equal(finding.wait, CLOCK_S(cases[i].wait_s));
	}
}

static void
what_others_say_is_cut_between_characters(void **state)
{
	struct sheet_finding finding;
	struct buf body;

	(void)state;
	buf_init(&body, ROOM);
	(void)buf_printf(&body, "{\"error\":{\"message\":\"");
	for (int i = 0; i < 300; i++) {
		(void)buf_printf(&body, "\xe2\x82\xac");
	}
	(void)buf_append(&body, "\"}}", 4);
	struct sheet_answer answer = answer_of(405, body.data);

	sheet_read_row(&by_account, &answer, &finding);
	size_t size = strlen(finding.reason);

	assert_true(size < PROBE_REASON_ROOM);
	assert_string_equal(finding.reason + size - 3, "\xe2\x82\xac");
	buf_fini(&body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(base64url_is_that_of_the_standards),
	    cmocka_unit_test(a_key_file_is_read),
	    cmocka_unit_test(a_key_file_that_is_none_is_refused_in_words),
	    cmocka_unit_test(a_grant_has_the_claims_of_an_hour),
	    cmocka_unit_test(any_name_of_a_tab_is_one_segment_of_the_url),
	    cmocka_unit_test(blanks_around_an_api_key_are_dropped),
	    cmocka_unit_test(a_token_is_taken_with_its_lifetime),
	    cmocka_unit_test(the_clock_is_judged_by_the_date_of_the_answer),
	    cmocka_unit_test(what_the_token_endpoint_refuses_is_told),
	    cmocka_unit_test(the_title_is_that_of_the_answer),
	    cmocka_unit_test(what_the_sheets_api_refuses_is_told),
	    cmocka_unit_test(the_quota_settles_nothing_and_asks_for_a_pause),
	    cmocka_unit_test(what_others_say_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
