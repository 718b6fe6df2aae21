/* The daemon's findings about itself: each check on both sides of what it looks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "doctor.h"

static struct snapshot shards[2];
static struct histogram turns, beats;
static struct doctor_facts facts;

/* A daemon that is well: every check has something to say of it. */
static int
begin_well(void **state)
{
	(void)state;
	memset(&turns, 0, sizeof turns);
	memset(&beats, 0, sizeof beats);
	histogram_add(&turns, CLOCK_MS(2));
	histogram_add(&beats, CLOCK_MS(1));
	for (uint32_t i = 0; i < 2; i++) {
		shards[i] = (struct snapshot){
		    .shard_id = i,
		    .shard_count = 2,
		    .state = SNAPSHOT_READY,
		    .connected = true,
		    .disconnect_age = SNAPSHOT_NONE,
		    .heartbeat_interval = CLOCK_MS(41250),
		    .host = "gateway.discord.gg",
		};
	}
	facts = (struct doctor_facts){
	    .shards = shards,
	    .count = 2,
	    .limits = {CLOCK_S(60), CLOCK_S(210), CLOCK_S(210), CLOCK_S(10)},
	    .config = {.profile = "prod",
		.profile_known = true,
		.file = "/etc/gwbot.conf",
		.files = 1},
	    .token = {.size = 72, .source = "env:DISCORD_TOKEN"},
	    .state = {.dir = "/var/lib/gwbot"},
	    .identify = {.left = 994, .total = 1000, .reserve = 50},
	    .api = {.requests = 3},
	    .chat = {.commands = true, .guild_messages = true, .message_content = true},
	    .slash = {.wanted = true, .connected = true, .kept = true, .commands = 3},
	    .trust = {.place = "/usr/lib/ssl/certs"},
	    .clock = {.known = true, .ahead = CLOCK_S(2), .age = CLOCK_S(60)},
	    .http = {.port = 10000, .most = 256},
	    .process = {.open_fds = 81, .max_fds = 102, .resident_bytes = 79U << 20},
	    .memory_limit = UINT64_C(100) << 20,
	    .turns = &turns,
	    .beats = &beats,
	    .turn_max = CLOCK_S(2),
	    .host = {.uid = 997, .filtered = true, .supervisor = "systemd"},
	};
	return 0;
}

static struct doctor_finding
run(const char *name)
{
	struct doctor_finding finding = {.level = DOCTOR_SILENT};

	for (size_t i = 0; i < doctor_count(); i++) {
		if (strcmp(doctor_name(i), name) == 0) {
			doctor_check(i, &facts, &finding);
			return finding;
		}
	}
	fail_msg("no check %s", name);
	return finding;
}

/* The level, words of the text and, where something is wrong, words of the fix. */
static void
expect(const char *name, enum doctor_level level, const char *words, const char *fix)
{
	struct doctor_finding finding = run(name);

	if (finding.level != level || !strstr(finding.text, words) ||
	    !strstr(finding.fix, fix)) {
		fail_msg("%s: %s: %s; fix: %s", name, doctor_level_name(finding.level),
		    finding.text, finding.fix);
	}
}

static void
a_daemon_that_is_well_has_only_good_findings(void **state)
{
	(void)state;
	for (size_t i = 0; i < doctor_count(); i++) {
		struct doctor_finding finding;

		doctor_check(i, &facts, &finding);
		if (finding.level != DOCTOR_OK || finding.text[0] == '\0' ||
		    finding.fix[0] != '\0') {
			fail_msg("%s: %s: %s", doctor_name(i),
			    doctor_level_name(finding.level), finding.text);
		}
	}
}

static void
what_is_not_known_is_left_out(void **state)
{
	static const char *const names[] = {"clock", "files", "memory", "loop",
	    "heartbeats", "tls", "slash"};

	(void)state;
	facts.clock.known = false;
	facts.process = (struct process_figures){0};
	facts.trust.place = NULL;
	facts.slash.kept = false; /* it is asked for */
	memset(&turns, 0, sizeof turns);
	memset(&beats, 0, sizeof beats);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		assert_int_equal(run(names[i]).level, DOCTOR_SILENT);
	}
}

static void
an_unknown_profile_is_named(void **state)
{
	(void)state;
	facts.config.profile = "prd";
	facts.config.profile_known = false;
	expect("profile", DOCTOR_WARN, "\"prd\"", "ENV_NAME");
}

static void
a_configuration_on_disk_that_would_not_start_is_a_failure(void **state)
{
	(void)state;
	facts.config.disk_errors = 2;
	facts.config.reload_failed = true;
	facts.config.disk_differs = 1;
	expect("config", DOCTOR_FAIL, "2 errors: gwbotd would not start",
	    "config diff");
	assert_int_equal(run("changes").level, DOCTOR_SILENT);
	facts.config.disk_errors = 0;
	expect("config", DOCTOR_WARN, "was refused", "gwctl reload");
	facts.config.reload_failed = false;
	facts.config.disk_warnings = 1;
	expect("config", DOCTOR_WARN, "1 warning", "gwbotd --check");
	facts.config.disk_warnings = 0;
	facts.config.files = 3;
	expect("config", DOCTOR_OK, "/etc/gwbot.conf and 2 more", "");
	facts.config.files = 0;
	facts.config.file = NULL;
	expect("config", DOCTOR_OK, "no file", "");
}

static void
settings_that_do_not_run_yet_and_those_that_gwctl_set_are_told(void **state)
{
	(void)state;
	facts.config.disk_differs = 2;
	expect("changes", DOCTOR_WARN, "2 settings differ on disk", "gwctl reload");
	facts.config.restart_waits = 1;
	expect("changes", DOCTOR_WARN, "1 setting waits for a restart", "gwctl reboot");
	facts.config.overrides = 1;
	facts.config.overridden = "watchdog.stall";
	expect("overrides", DOCTOR_WARN, "gwctl set watchdog.stall while", "the file");
	facts.config.overrides = 3;
	expect("overrides", DOCTOR_WARN, "watchdog.stall and 2 more", "the file");
}

static void
limits_that_make_no_sense_together(void **state)
{
	(void)state;
	facts.limits.stall = CLOCK_MS(82500);
	expect("watchdog", DOCTOR_OK, "stall 82500ms", "");
	facts.limits.stall -= 1;
	expect("watchdog", DOCTOR_WARN, "less than two heartbeats (82.5 s)",
	    "watchdog.stall to 84 s");
	shards[0].heartbeat_interval = SNAPSHOT_NONE;
	shards[1].heartbeat_interval = SNAPSHOT_NONE;
	expect("watchdog", DOCTOR_WARN, "less than two heartbeats (82.5 s)", "");
	facts.limits.stall = CLOCK_S(210);
	facts.limits.disconnect_grace = CLOCK_S(59);
	expect("watchdog", DOCTOR_WARN,
	    "disconnect_grace is 59s and is checked every 1min",
	    "watchdog.keepalive to 59s");
	facts.limits.disconnect_grace = CLOCK_S(600);
	facts.limits.keepalive = CLOCK_S(300);
	expect("watchdog", DOCTOR_WARN, "stall is 210s and is checked every 5min",
	    "210s");
	facts.limits.keepalive = CLOCK_S(60);
	facts.limits.max_latency = CLOCK_S(60);
	expect("watchdog", DOCTOR_WARN, "no latency is ever too high", "10 s");
	facts.simulated = true; /* whose heartbeats come every few seconds */
	expect("watchdog", DOCTOR_OK, "stall", "");
}

static void
a_token_in_the_configuration_is_told_and_never_shown(void **state)
{
	(void)state;
	facts.token.inlined = true;
	facts.token.source = "/etc/gwbot.conf:3";
	expect("token", DOCTOR_WARN, "(/etc/gwbot.conf:3)", "discord.token_file");
}

static void
what_others_may_read_is_told(void **state)
{
	(void)state;
	facts.token.file = "/etc/gwbot/discord_token";
	facts.token.mode = 0640;
	expect("token", DOCTOR_OK, "72 characters", "");
	facts.token.mode = 0644;
	expect("token", DOCTOR_WARN, "/etc/gwbot/discord_token has mode 0644", "chmod");
	facts.state.mode = 0700;
	expect("state", DOCTOR_OK, "/var/lib/gwbot", "");
	facts.state.mode = 0751;
	expect("state", DOCTOR_WARN, "/var/lib/gwbot has mode 0751", "chmod 0750");
}

static void
a_state_that_is_not_kept_is_a_failure(void **state)
{
	(void)state;
	facts.state.problem = "/var/lib/gwbot cannot be opened: Permission denied";
	expect("state", DOCTOR_FAIL, "cannot be opened", "writable for uid 997");
}

static void
an_instance_that_has_yielded_says_that_and_blames_no_shard(void **state)
{
	(void)state;
	facts.yielded = "yielded to gwbotd 1.0, pid 7 on pod-2";
	facts.state.problem = "a newer instance has the state folder";
	shards[0].connected = false;
	expect("state", DOCTOR_WARN, "does not act: yielded to gwbotd 1.0, pid 7",
	    "the newer one");
	assert_int_equal(run("gateway").level, DOCTOR_SILENT);
}

static void
shards_that_are_not_connected(void **state)
{
	(void)state;
	shards[1].connected = false;
	shards[1].state = SNAPSHOT_BACKOFF;
	shards[1].disconnect_age = CLOCK_S(30) - 1;
	(void)snprintf(shards[1].reason, sizeof shards[1].reason,
	    "gateway.discord.gg has no address");
	expect("gateway", DOCTOR_WARN,
	    "1 of 2 not connected; shard 1: gateway.discord.gg has no address",
	    "getent hosts gateway.discord.gg");
	shards[1].disconnect_age = CLOCK_S(30);
	expect("gateway", DOCTOR_FAIL, "shard 1", "gwctl explain");
	shards[0] = shards[1];
	shards[0].disconnect_age = SNAPSHOT_NONE;
	shards[0].shard_id = 0;
	expect("gateway", DOCTOR_FAIL, "2 of 2 not connected; shard 1", "");
	shards[1].disconnect_age = SNAPSHOT_NONE;
	shards[0].state = SNAPSHOT_FATAL;
	shards[0].reason[0] = '\0';
	expect("gateway", DOCTOR_FAIL, "refused by Discord", "");
}

static void
make_wait(uint32_t shard, mono_ns wait, enum snapshot_hold hold)
{
	shards[shard].connected = false;
	shards[shard].state = SNAPSHOT_WAIT_SLOT;
	shards[shard].next_try_in = wait;
	shards[shard].hold = hold;
}

static void
shards_that_wait_for_their_turn_need_nothing(void **state)
{
	(void)state;
	make_wait(1, CLOCK_MS(5400), SNAPSHOT_HOLD_SPACING);
	shards[1].disconnect_age = CLOCK_S(100);
	expect("gateway", DOCTOR_WARN,
	    "1 of 2 not connected; shard 1 waits for its turn to identify: about 6 s",
	    "nothing to do");
	make_wait(0, CLOCK_S(11), SNAPSHOT_HOLD_QUEUE);
	expect("gateway", DOCTOR_WARN,
	    "2 of 2 not connected; all wait for their turn to identify, shard 0 "
	    "longest: about 11 s",
	    "gwctl wait ready");
	make_wait(0, 0, SNAPSHOT_HOLD_DISK);
	make_wait(1, 0, SNAPSHOT_HOLD_NONE);
	expect("gateway", DOCTOR_WARN, "about 0 s", "nothing to do");
}

/* In its turn, after a wait of 100 s. */
static void
make_turn(uint32_t shard, enum snapshot_state at)
{
	shards[shard].connected = false;
	shards[shard].state = at;
	shards[shard].cure = SNAPSHOT_CURE_IDENTIFY;
	shards[shard].cure_tries = 0;
	shards[shard].disconnect_age = CLOCK_S(100);
	shards[shard].reason[0] = '\0';
}

static void
a_shard_whose_turn_has_come_is_in_no_trouble(void **state)
{
	static const enum snapshot_state steps[] = {SNAPSHOT_RESOLVING,
	    SNAPSHOT_CONNECTING, SNAPSHOT_WAIT_HELLO, SNAPSHOT_IDENTIFYING};

	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		make_turn(1, steps[i]);
		expect("gateway", DOCTOR_WARN, "1 of 2 not connected; shard 1",
		    "gwctl explain");
	}
	make_wait(0, CLOCK_S(5), SNAPSHOT_HOLD_QUEUE);
	expect("gateway", DOCTOR_WARN,
	    "2 of 2 not connected; each identifies in its turn, shard 0 longest: about "
	    "5 s",
	    "nothing to do");
	/* Nor does it hide one that is. */
	shards[0].state = SNAPSHOT_BACKOFF;
	shards[0].disconnect_age = CLOCK_S(30);
	expect("gateway", DOCTOR_FAIL, "2 of 2 not connected; shard 0", "");
	/* What resumes waits for nobody. */
	shards[0].connected = true;
	make_turn(1, SNAPSHOT_CONNECTING);
	shards[1].cure = SNAPSHOT_CURE_GENERAL;
	expect("gateway", DOCTOR_FAIL, "1 of 2 not connected; shard 1", "");
	make_turn(1, SNAPSHOT_RESUMING);
	expect("gateway", DOCTOR_FAIL, "1 of 2 not connected; shard 1", "");
}

static void
a_shard_that_fails_in_its_turn_is_in_trouble_while_it_waits_for_the_next(void **state)
{
	(void)state;
	make_turn(1, SNAPSHOT_IDENTIFYING);
	shards[1].cure_tries = 1;
	expect("gateway", DOCTOR_FAIL, "1 of 2 not connected; shard 1",
	    "gwctl explain");
	make_wait(1, CLOCK_S(4), SNAPSHOT_HOLD_SPACING);
	expect("gateway", DOCTOR_FAIL, "1 of 2 not connected; shard 1",
	    "gwctl explain");
	shards[1].disconnect_age = CLOCK_S(30) - 1;
	expect("gateway", DOCTOR_WARN, "1 of 2 not connected; shard 1",
	    "gwctl explain");
}

static void
a_turn_that_comes_after_the_watchdogs_patience_needs_more_of_it(void **state)
{
	(void)state;
	make_wait(1, CLOCK_S(110), SNAPSHOT_HOLD_QUEUE);
	shards[1].disconnect_age = CLOCK_S(100);
	expect("gateway", DOCTOR_WARN, "about 110 s", "nothing to do");
	shards[1].next_try_in++;
	expect("gateway", DOCTOR_WARN, "about 111 s",
	    "raise watchdog.disconnect_grace, 210s");
	shards[1].disconnect_age = SNAPSHOT_NONE; /* no check has seen it yet */
	expect("gateway", DOCTOR_WARN, "about 111 s", "nothing to do");
	make_wait(0, CLOCK_S(20), SNAPSHOT_HOLD_QUEUE);
	shards[0].disconnect_age = CLOCK_S(200); /* it is not the one that is named */
	expect("gateway", DOCTOR_WARN, "shard 1 longest",
	    "raise watchdog.disconnect_grace");
}

static void
what_is_in_trouble_comes_before_what_waits(void **state)
{
	(void)state;
	make_wait(1, CLOCK_S(5), SNAPSHOT_HOLD_QUEUE);
	shards[1].disconnect_age = CLOCK_S(100);
	shards[0].connected = false;
	shards[0].state = SNAPSHOT_BACKOFF;
	shards[0].disconnect_age = CLOCK_S(3);
	expect("gateway", DOCTOR_WARN, "2 of 2 not connected; shard 0: backing off",
	    "getent hosts");
	make_wait(0, CLOCK_S(3000), SNAPSHOT_HOLD_BUDGET);
	shards[0].disconnect_age = CLOCK_S(30);
	expect("gateway", DOCTOR_FAIL, "2 of 2 not connected; shard 0: waiting for",
	    "\"identify\" says why");
	make_wait(0, SNAPSHOT_NONE, SNAPSHOT_HOLD_API);
	expect("gateway", DOCTOR_FAIL, "shard 0", "getent hosts");
}

static void
the_budget_of_identifies(void **state)
{
	(void)state;
	facts.identify.low = true;
	facts.identify.left = 80;
	expect("identify", DOCTOR_WARN, "80 of 1000 left", "gwctl snapshot");
	facts.identify.held_for = CLOCK_S(5400);
	expect("identify", DOCTOR_FAIL, "new sessions wait 90 min", "resumed");
}

static void
what_the_api_answers(void **state)
{
	(void)state;
	facts.api.last_error = "HTTP status 502";
	facts.api.last_error_age = CLOCK_S(600);
	expect("api", DOCTOR_OK, "none failed lately", "");
	facts.api.last_error_age = CLOCK_S(600) - 1;
	expect("api", DOCTOR_WARN, "HTTP status 502", "443");
	facts.api.invalid_10min = 999;
	expect("api", DOCTOR_WARN, "HTTP status 502", "");
	facts.api.invalid_10min = 1000;
	expect("api", DOCTOR_WARN, "1000 answers of 401", "rest_limited");
	facts.api.braked = true;
	expect("api", DOCTOR_FAIL, "bans this address", "");
	facts.api.unauthorized = true;
	expect("api", DOCTOR_FAIL, "refused the token", "developer portal");
}

static void
what_commands_and_greetings_lack(void **state)
{
	(void)state;
	expect("chat", DOCTOR_OK, "in servers' messages are read", "");
	facts.chat.direct_messages = true;
	expect("chat", DOCTOR_OK, "in all messages are read", "");
	facts.chat.message_content = false;
	expect("chat", DOCTOR_WARN, "need the intent MESSAGE_CONTENT",
	    "Message Content Intent");
	facts.chat.guild_messages = false;
	expect("chat", DOCTOR_WARN, "need the intents GUILD_MESSAGES and",
	    "add them to discord.intents");
	facts.chat.commands = false;
	expect("chat", DOCTOR_OK, "in direct messages are read", "");
	facts.chat.greetings = true;
	expect("chat", DOCTOR_WARN, "nobody is greeted", "Server Members Intent");
	facts.chat.guild_members = true;
	facts.chat.direct_messages = false;
	assert_int_equal(run("chat").level, DOCTOR_SILENT);
}

static void
a_list_of_commands_that_cannot_be_kept(void **state)
{
	(void)state;
	expect("slash", DOCTOR_OK, "3 commands", "");
	facts.slash.commands = 1;
	expect("slash", DOCTOR_OK, "1 command,", "");
	facts.slash.kept = false;
	facts.slash.problem = "HTTP status 403: Missing Access";
	expect("slash", DOCTOR_WARN, "Missing Access", "applications.commands");
	facts.slash.connected = false; /* another process has shard 0 */
	assert_int_equal(run("slash").level, DOCTOR_SILENT);
	facts.slash.connected = true;
	facts.slash.wanted = false;
	assert_int_equal(run("slash").level, DOCTOR_SILENT);
}

static void
no_certificates_and_a_clock_that_is_wrong(void **state)
{
	(void)state;
	facts.trust.empty = true;
	expect("tls", DOCTOR_FAIL, "/usr/lib/ssl/certs", "ca-certificates");
	facts.clock.ahead = CLOCK_S(2) + CLOCK_MS(100);
	expect("clock", DOCTOR_WARN, "2.1 s ahead of Discord's", "chronyd");
	facts.clock.ahead = -CLOCK_S(119);
	expect("clock", DOCTOR_WARN, "119.0 s behind Discord's", "");
	facts.clock.ahead = -CLOCK_S(120);
	expect("clock", DOCTOR_FAIL, "120.0 s behind", "");
}

static void
what_runs_out_is_a_warning_and_then_a_failure(void **state)
{
	(void)state;
	facts.process.open_fds = 82; /* of 102 */
	expect("files", DOCTOR_WARN, "82 of 102", "LimitNOFILE=204");
	facts.process.open_fds = 97;
	expect("files", DOCTOR_FAIL, "97 of 102", "");
	facts.process.resident_bytes = UINT64_C(80) << 20;
	expect("memory", DOCTOR_WARN, "80.0 of 100.0 MiB", "MemoryMax=160M");
	facts.process.resident_bytes = UINT64_C(95) << 20;
	expect("memory", DOCTOR_FAIL, "95.0 of 100.0", "");
	facts.memory_limit = 0;
	expect("memory", DOCTOR_OK, "no limit", "");
	facts.http.refused = 1;
	expect("http", DOCTOR_WARN, "1 connection turned away: all 256",
	    "http.max_connections");
}

static void
a_loop_that_stands_still_and_beats_that_are_late(void **state)
{
	(void)state;
	facts.turn_max = CLOCK_S(2) + 1;
	expect("loop", DOCTOR_WARN, "2.0 s at most", "vmstat");
	facts.turn_max = CLOCK_MS(200);
	histogram_add(&turns, CLOCK_MS(200));
	expect("loop", DOCTOR_WARN, "200 ms (p99.9)", "CPUQuota");
	histogram_add(&beats, CLOCK_MS(700));
	expect("heartbeats", DOCTOR_WARN, "0.7 s late", "vmstat");
}

static void
the_log_and_the_place_where_it_runs(void **state)
{
	(void)state;
	facts.log_dropped = 7;
	expect("log", DOCTOR_WARN, "7 lines dropped", "log.level");
	facts.host.uid = 0;
	expect("user", DOCTOR_WARN, "root", "User=gwbot");
	facts.host.writes_core = true;
	expect("core", DOCTOR_WARN, "hold the token", "LimitCORE=0");
	facts.host.capabilities = 0x400;
	expect("privileges", DOCTOR_WARN, "(400)", "--user gwbot");
	facts.host.may_gain = true;
	expect("privileges", DOCTOR_WARN, "no_new_privs", "NoNewPrivileges");
	facts.host.may_exec = true;
	expect("calls", DOCTOR_WARN, "may start programs itself", "seccomp");
	facts.host.filtered = false;
	expect("calls", DOCTOR_WARN, "no seccomp filter", "seccomp");
	facts.token.swappable = true;
	expect("swap", DOCTOR_WARN, "swapped out", "LimitMEMLOCK");
	facts.host.supervisor = NULL;
	expect("supervisor", DOCTOR_WARN, "nobody starts it again", "Restart=always");
}

static void
texts_of_any_length_are_cut(void **state)
{
	static char text[2000];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	facts.config.profile = text;
	facts.config.profile_known = false;
	facts.config.file = text;
	facts.config.overridden = text;
	facts.config.overrides = 2;
	facts.token.source = text;
	facts.state.problem = text;
	facts.api.last_error = text;
	facts.trust.place = text;
	facts.host.supervisor = text;
	for (size_t i = 0; i < doctor_count(); i++) {
		struct doctor_finding finding;

		doctor_check(i, &facts, &finding);
		assert_true(strlen(finding.text) < sizeof finding.text - 1);
		assert_true(strlen(finding.fix) < sizeof finding.fix - 1);
	}
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, begin_well)
	const struct CMUnitTest tests[] = {
	    CASE(a_daemon_that_is_well_has_only_good_findings),
	    CASE(what_is_not_known_is_left_out),
	    CASE(an_unknown_profile_is_named),
	    CASE(a_configuration_on_disk_that_would_not_start_is_a_failure),
	    CASE(settings_that_do_not_run_yet_and_those_that_gwctl_set_are_told),
	    CASE(limits_that_make_no_sense_together),
	    CASE(a_token_in_the_configuration_is_told_and_never_shown),
	    CASE(what_others_may_read_is_told),
	    CASE(a_state_that_is_not_kept_is_a_failure),
	    CASE(an_instance_that_has_yielded_says_that_and_blames_no_shard),
	    CASE(shards_that_are_not_connected),
	    CASE(shards_that_wait_for_their_turn_need_nothing),
	    CASE(a_shard_whose_turn_has_come_is_in_no_trouble),
	    CASE(
		a_shard_that_fails_in_its_turn_is_in_trouble_while_it_waits_for_the_next),
	    CASE(a_turn_that_comes_after_the_watchdogs_patience_needs_more_of_it),
	    CASE(what_is_in_trouble_comes_before_what_waits),
	    CASE(the_budget_of_identifies),
	    CASE(what_the_api_answers),
	    CASE(what_commands_and_greetings_lack),
	    CASE(a_list_of_commands_that_cannot_be_kept),
	    CASE(no_certificates_and_a_clock_that_is_wrong),
	    CASE(what_runs_out_is_a_warning_and_then_a_failure),
	    CASE(a_loop_that_stands_still_and_beats_that_are_late),
	    CASE(the_log_and_the_place_where_it_runs),
	    CASE(texts_of_any_length_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
