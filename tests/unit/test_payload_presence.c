/* Presence: what people configure becomes what Discord takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "payload.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define PLAIN                                             \
	"{\"since\":null,\"activities\":[],\"status\":\"" \
	"online\",\"afk\":false}"

static void
missing_keys_are_filled_in_and_others_left_out(void **state)
{
	static const struct {
		const char *json;
		const char *complete;
	} cases[] = {
	    {"", PLAIN},
	    {"{}", PLAIN},
	    {PLAIN, PLAIN},
	    {" { \"status\" : \"dnd\" } ",
		"{\"since\":null,\"activities\":[],\"status\":\"dnd\",\"afk\":false}"},
	    {"{\"afk\":true,\"since\":91879201,\"game\":{\"name\":\"x\"}}",
		"{\"since\":91879201,\"activities\":[],\"status\":\"online\","
		"\"afk\":true}"},
	    {"{\"activities\":[{\"name\":\"Go\",\"type\":0,\"url\":\"x\"}]}",
		"{\"since\":null,\"activities\":[{\"name\":\"Go\",\"type\":0,"
		"\"url\":\"x\"}],\"status\":\"online\",\"afk\":false}"},
	    {"{\"status\":\"idle\",\"status\":\"invisible\"}",
		"{\"since\":null,\"activities\":[],\"status\":\"invisible\","
		"\"afk\":false}"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char out[PAYLOAD_PRESENCE_BYTES];
		const char *wrong =
		    payload_complete_presence(slice_of(cases[i].json), out);

		if (wrong || strcmp(out, cases[i].complete) != 0) {
			fail_msg("%s: %s: %s", cases[i].json, wrong ? wrong : "", out);
		}
	}
}

static void
what_discord_would_refuse_is_replaced(void **state)
{
	static const struct {
		const char *json;
		const char *wrong;
	} cases[] = {
	    {"[]", "not a JSON object"},
	    {"\"online\"", "not a JSON object"},
	    {"{\"status\":\"dnd\"", "not a JSON object"},
	    {"{\"status\":\"dnd\"} x", "not a JSON object"},
	    {"{\"status\":\"busy\"}", "status"},
	    {"{\"status\":null}", "status"},
	    {"{\"since\":\"now\"}", "since"},
	    {"{\"since\":-1}", "since"},
	    {"{\"since\":1.5}", "since"},
	    {"{\"afk\":0}", "afk"},
	    {"{\"afk\":null}", "afk"},
	    {"{\"activities\":null}", "activities"},
	    {"{\"activities\":{}}", "activities"},
	    {"{\"activities\":[7]}", "name"},
	    {"{\"activities\":[{\"type\":0}]}", "name"},
	    {"{\"activities\":[{\"name\":\"\",\"type\":0}]}", "name"},
	    {"{\"activities\":[{\"name\":5,\"type\":0}]}", "name"},
	    {"{\"activities\":[{\"name\":\"x\"}]}", "type"},
	    {"{\"activities\":[{\"name\":\"x\",\"type\":\"0\"}]}", "type"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char out[PAYLOAD_PRESENCE_BYTES];
		const char *wrong =
		    payload_complete_presence(slice_of(cases[i].json), out);

		if (!wrong || !strstr(wrong, cases[i].wrong) ||
		    strcmp(out, PLAIN) != 0) {
			fail_msg("%s: %s", cases[i].json, wrong ? wrong : "taken");
		}
	}
}

/* An activity's name of so many bytes. */
static const char *
complete_with_name(size_t size, char out[PAYLOAD_PRESENCE_BYTES])
{
	static char json[2 * PAYLOAD_PRESENCE_BYTES];
	static char name[PAYLOAD_PRESENCE_BYTES + 1];

	memset(name, 'x', size);
	name[size] = '\0';
	(void)snprintf(json, sizeof json,
	    "{\"activities\":[{\"name\":\"%s\",\"type\":0}]}", name);
	return payload_complete_presence(slice_of(json), out);
}

static void
what_does_not_fit_is_replaced_as_a_whole(void **state)
{
	char out[PAYLOAD_PRESENCE_BYTES];
	size_t frame = sizeof PLAIN - 1 + sizeof "{\"name\":\"\",\"type\":0}" - 1;
	size_t most = PAYLOAD_PRESENCE_BYTES - 1 - frame;

	(void)state;
	assert_null(complete_with_name(most, out));
	assert_int_equal(strlen(out), PAYLOAD_PRESENCE_BYTES - 1);
	assert_non_null(complete_with_name(most + 1, out));
	assert_string_equal(out, PLAIN);
}

static void
the_largest_one_fits_a_send(void **state)
{
	char presence[PAYLOAD_PRESENCE_BYTES];
	char text[PAYLOAD_SEND_BYTES];

	(void)state;
	assert_null(complete_with_name(2048, presence));
	assert_int_equal(payload_write_presence(text, sizeof text, presence),
	    strlen(presence) + strlen("{\"op\":3,\"d\":}"));
	text[payload_write_presence(text, sizeof text, PLAIN)] = '\0';
	assert_string_equal(text, "{\"op\":3,\"d\":" PLAIN "}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(missing_keys_are_filled_in_and_others_left_out),
	    cmocka_unit_test(what_discord_would_refuse_is_replaced),
	    cmocka_unit_test(what_does_not_fit_is_replaced_as_a_whole),
	    cmocka_unit_test(the_largest_one_fits_a_send),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
