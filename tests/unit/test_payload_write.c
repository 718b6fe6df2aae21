/* Payload: the JSON that gwbotd sends. */
#include "payload_fixture.h"

static void
assert_written(const char *out, size_t size, const char *text)
{
	if (size != strlen(text) || memcmp(out, text, size) != 0) {
		fail_msg("%.*s is not %s", (int)size, out, text);
	}
}

static void
writes_heartbeats(void **state)
{
	char out[64] = "";

	(void)state;
	assert_written(out, payload_write_heartbeat(out, sizeof out, false, 5),
	    "{\"op\":1,\"d\":null}");
	assert_written(out, payload_write_heartbeat(out, sizeof out, true, 0),
	    "{\"op\":1,\"d\":0}");
	assert_written(out, payload_write_heartbeat(out, sizeof out, true, INT64_MAX),
	    "{\"op\":1,\"d\":9223372036854775807}");
}

static void
writes_identify_and_resume_as_discord_wants_them(void **state)
{
	struct payload_identify identify = {
	    .token = "a.b-c_d",
	    .intents = 33281,
	    .shard_id = 0,
	    .shard_count = 1,
	};
	char out[PAYLOAD_SEND_BYTES] = "";

	(void)state;
	assert_written(out, payload_write_identify(out, sizeof out, &identify),
	    "{\"op\":2,\"d\":{\"token\":\"a.b-c_d\",\"intents\":33281,\"properties\":"
	    "{\"os\":\"linux\",\"browser\":\"gwbotd\",\"device\":\"gwbotd\"},"
	    "\"shard\":[0,1]}}");
	identify.intents = UINT64_MAX;
	identify.shard_id = 15;
	identify.shard_count = 16;
	identify.presence = "{\"since\":null,\"activities\":[],\"status\":\"online\","
			    "\"afk\":false}";
	assert_written(out, payload_write_identify(out, sizeof out, &identify),
	    "{\"op\":2,\"d\":{\"token\":\"a.b-c_d\",\"intents\":18446744073709551615,"
	    "\"properties\":{\"os\":\"linux\",\"browser\":\"gwbotd\",\"device\":"
	    "\"gwbotd\"},\"shard\":[15,16],\"presence\":{\"since\":null,"
	    "\"activities\":[],\"status\":\"online\",\"afk\":false}}}");
	assert_written(out,
	    payload_write_resume(out, sizeof out, "a.b", "30f32c5d", 1337),
	    "{\"op\":6,\"d\":{\"token\":\"a.b\",\"session_id\":\"30f32c5d\","
	    "\"seq\":1337}}");
	assert_written(out,
	    payload_write_probe(out, sizeof out, "41771983444115456",
		"80351110224678912", "alive-1"),
	    "{\"op\":8,\"d\":{\"guild_id\":\"41771983444115456\",\"user_ids\":["
	    "\"80351110224678912\"],\"limit\":0,\"nonce\":\"alive-1\"}}");
}

static void
escapes_what_it_writes(void **state)
{
	char out[256] = "";

	(void)state;
	assert_written(out,
	    payload_write_resume(out, sizeof out, "a\"\\\x01\n\x1f\x7f/",
		"\xc3\xa9\xff\xf0\x9f\x98\x80", 0),
	    "{\"op\":6,\"d\":{\"token\":\"a\\u0022\\u005c\\u0001\\u000a\\u001f\x7f/\","
	    "\"session_id\":\"\xc3\xa9\\ufffd\xf0\x9f\x98\x80\",\"seq\":0}}");
}

static void
writes_the_whole_or_nothing(void **state)
{
	char out[256] = "";
	size_t size = payload_write_resume(out, sizeof out, "token", "id", 12);

	(void)state;
	for (size_t room = 0; room < size; room++) {
		char *exact = malloc(room ? room : 1);

		assert_non_null(exact);
		assert_int_equal(payload_write_resume(exact, room, "token", "id", 12),
		    0);
		free(exact);
	}
	assert_int_equal(payload_write_resume(out, size, "token", "id", 12), size);
}

static void
never_writes_more_than_discord_takes(void **state)
{
	char out[PAYLOAD_SEND_BYTES + 100];
	char session_id[PAYLOAD_SEND_BYTES];
	size_t frame = payload_write_resume(out, sizeof out, "token", "", 12);

	(void)state;
	memset(session_id, 'x', sizeof session_id);
	session_id[PAYLOAD_SEND_BYTES - frame] = '\0';
	assert_int_equal(payload_write_resume(out, sizeof out, "token", session_id, 12),
	    PAYLOAD_SEND_BYTES);
	assert_int_equal(payload_write_resume(out, sizeof out, "token2", session_id,
			     12),
	    0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(writes_heartbeats),
	    cmocka_unit_test(writes_identify_and_resume_as_discord_wants_them),
	    cmocka_unit_test(escapes_what_it_writes),
	    cmocka_unit_test(writes_the_whole_or_nothing),
	    cmocka_unit_test(never_writes_more_than_discord_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
