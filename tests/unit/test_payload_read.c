/* Payload: what gwbotd itself reads of the data. */
#include "payload_fixture.h"

static void
reads_hello(void **state)
{
	static const struct {
		const char *data;
		int64_t interval_ms; /* -1: refused */
	} cases[] = {
	    {"{\"heartbeat_interval\":41250,\"_trace\":[\"[\\\"gateway\\\"]\"]}",
		41250},
	    {"{\"heartbeat_interval\":1,\"heartbeat_interval\":2}", 2},
	    {"{\"heartbeat_interval\":0}", 0},
	    {"{\"heartbeat_interval\":-5}", -1},
	    {"{\"heartbeat_interval\":41250.5}", -1},
	    {"{\"heartbeat_interval\":\"41250\"}", -1},
	    {"{\"heartbeat_interval\":null}", -1},
	    {"{\"x\":{\"heartbeat_interval\":1}}", -1},
	    {"{}", -1},
	    {"null", -1},
	    {"[41250]", -1},
	    {"", -1},
	    {"{\"heartbeat_interval\":1", -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t interval_ms = 77;
		bool good = payload_read_hello(slice_of(cases[i].data), &interval_ms);

		if (good != (cases[i].interval_ms >= 0) ||
		    interval_ms != (good ? cases[i].interval_ms : 77)) {
			fail_msg("%s", cases[i].data);
		}
	}
}

static void
only_the_literal_true_is_resumable(void **state)
{
	static const char *const others[] = {"false", "null", "1", "\"true\"", "[true]",
	    "", "True", "truee", "{}"};

	(void)state;
	assert_true(payload_read_resumable(parse("{\"op\":9,\"d\": true }").data));
	for (size_t i = 0; i < COUNT(others); i++) {
		assert_false(payload_read_resumable(slice_of(others[i])));
	}
	assert_false(payload_read_resumable(parse("{\"op\":9}").data));
}

static void
reads_ready(void **state)
{
	struct payload_ready ready;

	(void)state;
	assert_int_equal(
	    payload_read_ready(
		SLICE_LITERAL(
		    "{\"v\":10,\"user_settings\":{},\"user\":{\"verified\":true,"
		    "\"username\":\"Jos\\u00e9 \\ud83d\\ude00 \xd0\x96\",\"id\":"
		    "\"80351110224678912\"},\"session_id\":\"30f32c5d54ae86130fc"
		    "4a215c7474263\",\"resume_gateway_url\":\"wss:\\/\\/gateway"
		    "-us-east1-b.discord.gg\",\"guilds\":[{\"id\":\"1\"},null,"
		    "{\"id\":\"2\",\"unavailable\":true}],\"shard\":[3,16],"
		    "\"application\":{\"id\":\"99\",\"flags\":565248},\"x\":[]}"),
		&ready),
	    GW_OK);
	assert_int_equal(ready.version, 10);
	assert_string_equal(ready.user_id, "80351110224678912");
	assert_string_equal(ready.user_name, "Jos\xc3\xa9 \xf0\x9f\x98\x80 \xd0\x96");
	assert_string_equal(ready.session_id, "30f32c5d54ae86130fc4a215c7474263");
	assert_string_equal(ready.resume_url, "wss://gateway-us-east1-b.discord.gg");
	assert_string_equal(ready.application_id, "99");
	assert_int_equal(ready.guilds, 3);
	assert_string_equal(ready.guild_id, "1");
	assert_int_equal(ready.shard_id, 3);
	assert_int_equal(ready.shard_count, 16);
}

static void
a_bad_member_of_ready_spoils_no_other(void **state)
{
	struct payload_ready ready;

	(void)state;
	assert_int_equal(
	    payload_read_ready(SLICE_LITERAL(
				   "{\"v\":\"10\",\"user\":[],\"session_id\":5,"
				   "\"resume_gateway_url\":null,\"guilds\":{},"
				   "\"shard\":[0],\"application\":{\"id\":99}}"),
		&ready),
	    GW_OK);
	assert_int_equal(ready.version, 0);
	assert_string_equal(ready.user_id, "");
	assert_string_equal(ready.session_id, "");
	assert_string_equal(ready.resume_url, "");
	assert_string_equal(ready.application_id, "99");
	assert_int_equal(ready.guilds, 0);
	assert_int_equal(ready.shard_id, -1);
	assert_int_equal(ready.shard_count, 0);
	assert_int_equal(payload_read_ready(SLICE_LITERAL("[]"), &ready),
	    GW_ERR_SYNTAX);
	assert_int_equal(payload_read_ready(SLICE_LITERAL(""), &ready), GW_ERR_SYNTAX);
	assert_int_equal(payload_read_ready(SLICE_LITERAL("{}"), &ready), GW_OK);
	assert_int_equal(ready.shard_id, -1);
}

static void
a_resume_url_that_cannot_be_kept_says_why(void **state)
{
	static const struct {
		const char *value;
		int repeated;      /* it is this many u between quotes; 0: value */
		const char *fault; /* a part of it; NULL: none */
		size_t kept;
	} cases[] = {
	    {"null", 0, NULL, 0},
	    {"\"\"", 0, NULL, 0},
	    {"\"wss://a\"", 0, NULL, 7},
	    {"\"wss://a\\u0000b\"", 0, "NUL", 0},
	    {"\"\\u0000\"", 0, "NUL", 0},
	    {"{\"a\":1}", 0, "no string", 0},
	    {"7", 0, "no string", 0},
	    {NULL, 255, NULL, 255},
	    {NULL, 256, "longer", 0},
	    {NULL, 400, "longer", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char many[512] = "\"";
		char json[600];
		struct payload_ready ready;
		size_t repeated = (size_t)cases[i].repeated;

		memset(many + 1, 'u', repeated);
		many[1 + repeated] = '"';
		(void)snprintf(json, sizeof json, "{\"resume_gateway_url\":%s}",
		    repeated > 0 ? many : cases[i].value);
		assert_int_equal(payload_read_ready(slice_of(json), &ready), GW_OK);

		const char *fault = ready.resume_url_fault;

		if ((fault != NULL) != (cases[i].fault != NULL) ||
		    (fault && !strstr(fault, cases[i].fault))) {
			fail_msg("%s: %s", json, fault ? fault : "no fault");
		}
		assert_int_equal(strlen(ready.resume_url), cases[i].kept);
	}
}

static void
reads_a_guild_of_ready_that_has_an_id(void **state)
{
	static const struct {
		const char *guilds;
		uint32_t count;
		const char *id;
	} cases[] = {
	    {"[]", 0, ""},
	    {"[null,{},{\"id\":[]},{\"id\":\"\"},{\"id\":\"7\"},{\"id\":\"8\"}]", 6,
		"7"},
	    {"[{\"id\":9}]", 1, "9"},
	    {"[{\"id\":\"1234567890123456789012345\"},{\"id\":\"3\"}]", 2, "3"},
	    {"null", 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct payload_ready ready;
		char data[160];

		(void)snprintf(data, sizeof data, "{\"guilds\":%s}", cases[i].guilds);
		assert_int_equal(payload_read_ready(slice_of(data), &ready), GW_OK);
		assert_int_equal(ready.guilds, cases[i].count);
		assert_string_equal(ready.guild_id, cases[i].id);
	}
}

static void
reads_a_guild_and_its_outage(void **state)
{
	static const struct {
		const char *data;
		const char *id;
		bool unavailable;
	} cases[] = {
	    {"{\"unavailable\":true,\"id\":\"5\"}", "5", true},
	    {"{\"id\":\"5\",\"unavailable\":false}", "5", false},
	    {"{\"id\":\"5\",\"unavailable\":\"true\"}", "5", false},
	    {"{\"id\":5}", "5", false},
	    {"{\"id\":null}", "", false},
	    {"[]", "", false},
	    {"", "", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct payload_guild guild;

		payload_read_guild(slice_of(cases[i].data), &guild);
		assert_string_equal(guild.id, cases[i].id);
		assert_int_equal(guild.unavailable, cases[i].unavailable);
	}
}

static void
read_session(const char *text, size_t size, const char *end,
    struct payload_ready *ready)
{
	struct buf data;

	buf_init(&data, 1024);
	assert_int_equal(buf_printf(&data, "{\"session_id\":\"%.*s%s\"}", (int)size,
			     text, end),
	    GW_OK);
	assert_int_equal(payload_read_ready(buf_slice(&data), ready), GW_OK);
	buf_fini(&data);
}

static void
text_that_does_not_fit_or_holds_nul_is_refused(void **state)
{
	struct payload_ready ready;
	char text[200];

	(void)state;
	memset(text, 'x', sizeof text);
	read_session(text, sizeof ready.session_id - 1, "", &ready);
	assert_int_equal(strlen(ready.session_id), sizeof ready.session_id - 1);
	read_session(text, sizeof ready.session_id, "", &ready);
	assert_string_equal(ready.session_id, "");
	read_session(text, sizeof ready.session_id - 2, "\\u00e9", &ready);
	assert_string_equal(ready.session_id, "");
	read_session(text, sizeof ready.session_id - 3, "\\u00e9", &ready);
	assert_int_equal(strlen(ready.session_id), sizeof ready.session_id - 1);
	read_session(text, 3, "\\u0000", &ready);
	assert_string_equal(ready.session_id, "");
	read_session(text, 3, "\\\"\\\\\\/\\b\\f\\n\\r\\t", &ready);
	assert_string_equal(ready.session_id, "xxx\"\\/\b\f\n\r\t");
}

static void
surrogates_are_paired_or_replaced(void **state)
{
	static const struct {
		const char *written;
		const char *read;
	} cases[] = {
	    {"\\ud83d\\ude00", "\xf0\x9f\x98\x80"},
	    {"\\uD83D\\uDE00", "\xf0\x9f\x98\x80"},
	    {"\\ud800\\udc00", "\xf0\x90\x80\x80"},
	    {"\\udbff\\udfff", "\xf4\x8f\xbf\xbf"},
	    {"\\ud800", "\xef\xbf\xbd"},
	    {"\\ud800x", "\xef\xbf\xbdx"},
	    {"\\udc00", "\xef\xbf\xbd"},
	    {"\\udc00\\ud800", "\xef\xbf\xbd\xef\xbf\xbd"},
	    {"\\ud800\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
	    {"\\ud800\\u0041", "\xef\xbf\xbd\x41"},
	    {"\\ud800\\n", "\xef\xbf\xbd\n"},
	    {"\\u007f\\u0080\\u07ff\\u0800\\uffff",
		"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"},
	};
	struct payload_ready ready;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		read_session(cases[i].written, strlen(cases[i].written), "", &ready);
		assert_string_equal(ready.session_id, cases[i].read);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_hello),
	    cmocka_unit_test(only_the_literal_true_is_resumable),
	    cmocka_unit_test(reads_ready),
	    cmocka_unit_test(a_bad_member_of_ready_spoils_no_other),
	    cmocka_unit_test(a_resume_url_that_cannot_be_kept_says_why),
	    cmocka_unit_test(reads_a_guild_of_ready_that_has_an_id),
	    cmocka_unit_test(reads_a_guild_and_its_outage),
	    cmocka_unit_test(text_that_does_not_fit_or_holds_nul_is_refused),
	    cmocka_unit_test(surrogates_are_paired_or_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
