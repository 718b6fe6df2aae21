/* What people get who ask the bot: who may, what it says, and how often. */
#include "config_fixture.h"

#include "bot.h"
#include "snapshot.h"

#define PADDLE "\xf0\x9f\x8f\x93"
#define BOSS   UINT64_C(80351110224678912)
#define ROLE   UINT64_C(41771983423143936)
#define FAN    UINT64_C(41771983423143937)
#define NOBODY UINT64_C(90000000000000001)

struct rig {
	struct fixture fixture;
	struct bot *bot;
	struct buf text;
	struct bot_facts facts;
	struct bot_request request;
	struct bot_answer answer;
};

static const char base[] =
    "bot: { name = \"gw\"; version = \"1.2\"; admins = [ \"80351110224678912\" ];\n"
    "  admin_roles = [ \"41771983423143936\" ]; };\n"
    "schedule: { timezone = \"UTC\"; };\n"
    "commands = (\n"
    "  { name = \"hello\"; reply = \"Hi {user} {user_name}: {args} ({server}, "
    "{members}) {bot} {version} {uptime} {date} {time} {channel}\"; ping = true; },\n"
    "  { name = \"fans\"; reply = \"psst\"; private = true; remove = true;\n"
    "    roles = [ \"41771983423143937\" ]; },\n"
    "  { name = \"mods\"; reaction = \"party:123\"; admins = true;\n"
    "    roles = [ \"41771983423143937\" ]; },\n"
    "  { name = \"welcome\"; on = \"join\"; reply = \"Hello {user} in {channel}\";\n"
    "    channel = \"80351110224670555\"; ping = true; reaction = \"x\"; },\n"
    "  { name = \"paper\"; file = \"%s/answer\"; }\n"
    ");\n";

static void
write_answer(struct rig *rig, const char *text)
{
	fixture_write(&rig->fixture, "answer", slice_of(text));
}

static void
load(struct rig *rig, const char *more)
{
	char text[4096];
	char problem[256];
	size_t size = (size_t)snprintf(text, sizeof text, base, rig->fixture.folder);

	(void)snprintf(text + size, sizeof text - size, "%s", more);
	fixture_load_text(&rig->fixture, text);
	assert_string_equal(rig->fixture.messages.data, "");
	assert_non_null(rig->fixture.config);
	bot_configure(rig->bot, rig->fixture.config, problem, sizeof problem);
	assert_string_equal(problem, "");
}

static int
set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof *rig);

	assert_non_null(rig);
	fixture_init(&rig->fixture);
	rig->fixture.file = "gwbot.conf";
	rig->bot = bot_new();
	buf_init(&rig->text, BOT_TEXT_MAX_BYTES);
	rig->facts = (struct bot_facts){
	    .connected = true,
	    .latency = CLOCK_MS(42),
	    .last_event_age = CLOCK_MS(3999),
	    .uptime = CLOCK_S(100 * 3600 + 61),
	    .wall_ms = INT64_C(1767139500000), /* 2025-12-31 00:05 UTC */
	    .now = CLOCK_S(1000),
	};
	rig->request = (struct bot_request){
	    .user = NOBODY,
	    .user_name = slice_of("A*b"),
	    .guild = 1,
	    .channel = 7,
	    .message = 9,
	    .members = -1,
	};
	write_answer(rig, "on paper: {args}\r\n\n");
	load(rig, "");
	*state = rig;
	return 0;
}

static int
tear_down(void **state)
{
	struct rig *rig = *state;

	bot_free(rig->bot);
	buf_fini(&rig->text);
	fixture_remove(&rig->fixture, "answer");
	fixture_fini(&rig->fixture);
	free(rig);
	return 0;
}

/* The text of the answer, "" where there is none. */
static const char *
ask(struct rig *rig, const char *name)
{
	rig->text.size = 0;
	rig->request.name = slice_of(name);
	rig->answer.text = &rig->text;
	bot_judge(rig->bot, &rig->request, &rig->facts, &rig->answer);
	assert_int_equal(buf_append(&rig->text, "", 1), GW_OK);
	rig->text.size--;
	return rig->text.data;
}

static void
ping_is_a_reaction_for_everybody(void **state)
{
	struct rig *rig = *state;

	assert_string_equal(ask(rig, "PiNg"), "");
	assert_int_equal(rig->answer.verdict, BOT_ANSWER);
	assert_string_equal(rig->answer.reaction, PADDLE);
	assert_false(rig->answer.remove || rig->answer.reboot);

	rig->request.way = BOT_BY_SLASH;
	assert_string_equal(ask(rig, "ping"), PADDLE " Pong");
	assert_null(rig->answer.reaction);
}

static void
health_says_how_it_does(void **state)
{
	struct rig *rig = *state;
	struct probe_view probes[] = {
	    {.name = "book",
		.kind = "google-sheet",
		.probe = {.state = PROBE_UP, .last_good = true, .reason = "My `1`"}},
	    {.name = "gone",
		.kind = "google-sheet",
		.probe = {.state = PROBE_DOWN, .reason = "no_access @here"}},
	    {.name = "db", .kind = "tcp", .probe = {.state = PROBE_UP}},
	    {.name = "web", .kind = "http"},
	};

	rig->request.user = BOSS;
	assert_string_equal(ask(rig, "health"),
	    "\xf0\x9f\x9f\xa2 connected | Latency: 42 ms | Uptime: 100:01:01 | Last "
	    "event age: 3s");
	assert_true(rig->answer.remove);

	rig->facts.probes = probes;
	rig->facts.probe_count = 4;
	assert_string_equal(ask(rig, "status"),
	    "\xf0\x9f\x9f\xa2 connected | Latency: 42 ms | Sheets: OK (`My '1'`) | "
	    "Sheets: ERROR: no\\_access @\xe2\x80\x8bhere | db: OK | web: not known "
	    "yet | Uptime: 100:01:01 | Last event age: 3s");

	rig->facts.connected = false;
	rig->facts.latency = SNAPSHOT_NONE;
	rig->facts.last_event_age = SNAPSHOT_NONE;
	rig->facts.probe_count = 0;
	assert_string_equal(ask(rig, "health"),
	    "\xf0\x9f\x94\xb4 disconnected | Latency: not known | Uptime: 100:01:01 | "
	    "Last event age: none yet");
}

static void
health_of_many_probes_fits_a_message(void **state)
{
	struct rig *rig = *state;
	static struct probe_view probes[64];

	for (size_t i = 0; i < 64; i++) {
		probes[i] = (struct probe_view){.name = "abc", .kind = "tcp"};
		probes[i].probe.state = PROBE_DOWN;
		memset(probes[i].probe.reason, '_', PROBE_REASON_ROOM - 1);
	}
	rig->request.user = BOSS;
	rig->facts.probes = probes;
	rig->facts.probe_count = 64;
	const char *text = ask(rig, "health");

	assert_in_range(strlen(text), 1000, 2000);
	assert_non_null(strstr(text, " more probes | Uptime: "));
}

static void
admins_are_known_by_id_by_role_and_by_right(void **state)
{
	struct rig *rig = *state;
	const uint64_t roles[] = {5, ROLE};

	assert_string_equal(ask(rig, "reboot"), "Only admins may use this command.");
	assert_int_equal(rig->answer.verdict, BOT_REFUSE);
	assert_false(rig->answer.reboot || rig->answer.remove);

	rig->request.user = BOSS;
	assert_string_equal(ask(rig, "reboot"), "Rebooting\xe2\x80\xa6");
	assert_true(rig->answer.reboot);

	rig->request.user = NOBODY + 1;
	rig->request.roles = roles;
	rig->request.role_count = 1;
	(void)ask(rig, "reboot");
	assert_int_equal(rig->answer.verdict, BOT_REFUSE);
	rig->request.role_count = 2;
	(void)ask(rig, "reboot");
	assert_true(rig->answer.reboot);

	rig->request.role_count = 0;
	rig->request.administrator = true;
	(void)ask(rig, "reboot");
	assert_true(rig->answer.reboot);
}

static void
a_person_is_refused_once_in_a_while(void **state)
{
	struct rig *rig = *state;

	(void)ask(rig, "health");
	assert_int_equal(rig->answer.verdict, BOT_REFUSE);
	rig->facts.now += BOT_REFUSED_AGAIN - 1;
	assert_string_equal(ask(rig, "reboot"), "");
	assert_int_equal(rig->answer.verdict, BOT_IGNORE);
	rig->facts.now++;
	(void)ask(rig, "health");
	assert_int_equal(rig->answer.verdict, BOT_REFUSE);

	rig->request.way = BOT_BY_SLASH;
	(void)ask(rig, "health");
	assert_int_equal(rig->answer.verdict, BOT_REFUSE);
	assert_true(rig->answer.private);
}

static void
a_crowd_is_refused_a_bounded_number_of_times(void **state)
{
	struct rig *rig = *state;
	size_t told = 0;

	for (uint64_t i = 0; i < 1000; i++) {
		rig->request.user = NOBODY + i;
		(void)ask(rig, "health");
		told += rig->answer.verdict == BOT_REFUSE ? 1 : 0;
	}
	assert_int_equal(told, BOT_REFUSED_MAX);
	rig->facts.now += BOT_REFUSED_AGAIN;
	(void)ask(rig, "health");
	assert_int_equal(rig->answer.verdict, BOT_REFUSE);
}

static void
custom_commands_fill_in_their_placeholders(void **state)
{
	struct rig *rig = *state;

	rig->request.arguments = slice_of("*x* @everyone");
	rig->request.server = slice_of("S_1");
	rig->request.members = 12;
	assert_string_equal(ask(rig, "hello"),
	    "Hi <@90000000000000001> A\\*b: \\*x\\* @\xe2\x80\x8b"
	    "everyone (S\\_1, 12) gw 1.2 100:01:01 2025-12-31 00:05 <#7>");
	assert_int_equal(rig->answer.command, BOT_COMMAND_CUSTOM);
	assert_true(rig->answer.ping_user);
	assert_string_equal(ask(rig, "nothing"), "");
	assert_int_equal(rig->answer.verdict, BOT_IGNORE);
	assert_int_equal(rig->answer.command, BOT_COMMAND_NONE);
	(void)ask(rig, "welcome");
	assert_int_equal(rig->answer.verdict, BOT_IGNORE);
}

static void
custom_commands_are_for_whom_they_name(void **state)
{
	struct rig *rig = *state;
	const uint64_t roles[] = {FAN};

	(void)ask(rig, "fans");
	assert_int_equal(rig->answer.verdict, BOT_REFUSE);
	rig->request.roles = roles;
	rig->request.role_count = 1;
	assert_string_equal(ask(rig, "fans"), "psst");
	assert_true(rig->answer.private && rig->answer.remove);
	assert_false(rig->answer.ping_user);
	/* Only for admins: its roles are of no help. */
	rig->request.user++;
	(void)ask(rig, "mods");
	assert_int_equal(rig->answer.verdict, BOT_REFUSE);
	rig->request.role_count = 0;
	rig->request.user = BOSS;
	(void)ask(rig, "fans");
	assert_int_equal(rig->answer.verdict, BOT_ANSWER);
	(void)ask(rig, "mods");
	assert_string_equal(rig->answer.reaction, "party:123");
	rig->request.way = BOT_BY_SLASH;
	assert_string_equal(ask(rig, "mods"), "<:party:123>");
}

static void
what_is_switched_off_is_no_command(void **state)
{
	struct rig *rig = *state;
	struct bot_menu_entry menu[8];

	assert_int_equal(bot_menu(rig->bot, menu, 8), 7);
	assert_string_equal(menu[0].name, "ping");
	assert_true(menu[1].admins_only && menu[2].admins_only);
	assert_string_equal(menu[3].name, "hello");
	assert_true(menu[3].takes_text);
	assert_false(menu[4].takes_text);
	assert_string_equal(menu[6].name, "paper");
	assert_true(menu[6].takes_text);
	assert_int_equal(bot_menu(rig->bot, menu, 2), 2);
	load(rig, "chat: { ping = false; health = false; reboot = false; };");
	assert_int_equal(bot_menu(rig->bot, menu, 8), 4);
	assert_int_equal(bot_find(rig->bot, slice_of("ping")), BOT_COMMAND_NONE);
	assert_int_equal(bot_find(rig->bot, slice_of("status")), BOT_COMMAND_NONE);
	assert_int_equal(bot_find(rig->bot, slice_of("reboot")), BOT_COMMAND_NONE);
	assert_int_equal(bot_menu_own(menu, 8), 3);
}

static void
before_its_configuration_it_knows_nothing(void **state)
{
	struct bot *bot = bot_new();
	struct bot_menu_entry menu[8];

	(void)state;
	assert_int_equal(bot_find(bot, slice_of("ping")), BOT_COMMAND_NONE);
	assert_int_equal(bot_menu(bot, menu, 8), 0);
	assert_int_equal(bot_greetings(bot), 0);
	bot_free(bot);
}

static void
a_file_is_read_anew_and_a_bad_one_keeps_its_text(void **state)
{
	struct rig *rig = *state;
	char problem[256];

	rig->request.arguments = slice_of("x");
	assert_string_equal(ask(rig, "paper"), "on paper: x");
	write_answer(rig, "other");
	bot_configure(rig->bot, rig->fixture.config, problem, sizeof problem);
	assert_string_equal(ask(rig, "paper"), "other");

	static const struct {
		const char *text;
		const char *why;
	} bad[] = {
	    {"a {", "command \"paper\": its file: a brace without its partner"},
	    {"{usr}", "command \"paper\": its file: {usr} is no placeholder here"},
	    {"\n", "command \"paper\": its file: is empty"},
	    {"\xff", "command \"paper\": its file: is no text in UTF-8"},
	};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		write_answer(rig, bad[i].text);
		bot_configure(rig->bot, rig->fixture.config, problem, sizeof problem);
		assert_non_null(strstr(problem, bad[i].why));
		assert_string_equal(ask(rig, "paper"), "other");
	}
}

static void
who_joins_is_greeted_in_the_channel_of_the_greeting(void **state)
{
	struct rig *rig = *state;
	uint64_t channel = 0;

	assert_int_equal(bot_greetings(rig->bot), 1);
	rig->answer.text = &rig->text;
	rig->text.size = 0;
	bot_greet(rig->bot, 0, &rig->request, &rig->facts, &rig->answer, &channel);
	assert_true(channel == UINT64_C(80351110224670555));
	assert_true(slice_equal(buf_slice(&rig->text),
	    slice_of("Hello <@90000000000000001> in <#80351110224670555>")));
	assert_true(rig->answer.ping_user);
	assert_string_equal(rig->answer.reaction, "x");
	bot_greet(rig->bot, 1, &rig->request, &rig->facts, &rig->answer, &channel);
	assert_int_equal(rig->answer.verdict, BOT_IGNORE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(ping_is_a_reaction_for_everybody),
	    TEST(health_says_how_it_does),
	    TEST(health_of_many_probes_fits_a_message),
	    TEST(admins_are_known_by_id_by_role_and_by_right),
	    TEST(a_person_is_refused_once_in_a_while),
	    TEST(a_crowd_is_refused_a_bounded_number_of_times),
	    TEST(custom_commands_fill_in_their_placeholders),
	    TEST(custom_commands_are_for_whom_they_name),
	    TEST(what_is_switched_off_is_no_command),
	    TEST(before_its_configuration_it_knows_nothing),
	    TEST(a_file_is_read_anew_and_a_bad_one_keeps_its_text),
	    TEST(who_joins_is_greeted_in_the_channel_of_the_greeting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
