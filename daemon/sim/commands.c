#include "commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway.h"
#include "log.h"
#include "server.h"
#include "who.h"
#include "xalloc.h"

static command_fn command_help;
static command_fn command_quit;

static const struct command_row rows[] = {
    {"help", "", "this list", false, command_help},
    {"info", "", "where it listens, as told at start", false, command_info},
    {"stats", "", "counters, sessions and what the client did wrong", false,
	command_stats},
    {"drop", "", "FIN without a close frame", false, command_drop},
    {"rst", "", "TCP reset", false, command_rst},
    {"freeze", "", "no byte in or out, sockets stay open; new connections too", false,
	command_freeze},
    {"thaw", "", "end of freeze", false, command_thaw},
    {"blackhole", "on|off",
	"swallow all input, never answer; off resets those who lost bytes", false,
	command_blackhole},
    {"close", "CODE|none|short [REASON]",
	"close frame: with a code, without a body, with one byte", true, command_close},
    {"reconnect", "", "op 7; closes by itself 5 s later", false, command_reconnect},
    {"invalid", "true|false", "op 9; false ends the session", false, command_invalid},
    {"garbage", "[BYTES]", "random bytes where frames should be (256)", false,
	command_garbage},
    {"corrupt", "", "random bytes under TLS: a record that cannot be", false,
	command_corrupt},
    {"slow", "BYTES_PER_S|off", "drip", false, command_slow},
    {"acks", "on|off", "answer heartbeats", false, command_acks},
    {"events", "on|off", "let things happen by themselves", false, command_events},
    {"deaf", "on|off", "dispatch nothing but READY and RESUMED; beats are answered",
	false, command_deaf},
    {"rate", "N", "events per second of each session", false, command_rate},
    {"beat", "[COUNT]", "op 1: ask for a heartbeat", false, command_beat},
    {"refuse-resume", "on|off|silent", "op 9 false on RESUME, or no answer at all",
	false, command_refuse_resume},
    {"no-hello", "on|off", "say nothing after the upgrade", false, command_no_hello},
    {"no-ready", "on|off", "take IDENTIFY and say nothing", false, command_no_ready},
    {"upgrade", "STATUS [RETRY_AFTER]|off", "answer upgrades with this status", false,
	command_upgrade},
    {"rest",
	"STATUS|drop|stall|off [COUNT] [retry_after=S|absent] "
	"[scope=user|global|shared] "
	"[html]",
	"what REST answers; drop and stall do what was asked for but do not answer",
	false, command_rest},
    {"cdn", "STATUS|drop|stall|large|html|damaged|bomb|off [COUNT]",
	"what the CDN answers instead of an emoji", false, command_cdn},
    {"sheet",
	"400|401|403|404|429|5XX|api_off|key_blocked|quote|drop|stall|html|off [COUNT]",
	"what Google's Sheets API answers instead of the row", false, command_sheet},
    {"token", "invalid_grant|...|rate_limited|5XX|drop|stall|html|off [COUNT]",
	"what Google's token endpoint answers instead of a token", false,
	command_token},
    {"google-key", "FILE EMAIL",
	"public key (PEM) of a service account; others are not known", false,
	command_google_key},
    {"google-clock", "SECONDS", "Google's clock is so far ahead, or behind (-N)", false,
	command_google_clock},
    {"google-tokens", "SECONDS|revoke",
	"lifetime of new access tokens (3600), or end of the present ones", false,
	command_google_tokens},
    {"refuse", "on|off", "close the listening sockets", false, command_refuse},
    {"flood", "N", "N events as fast as they are read", false, command_flood},
    {"prepare", "N [mixed|tiny|deep|late|guild]",
	"make N events in the connections' own compression, to be sent by release",
	false, command_prepare},
    {"release", "[RATE]",
	"send what was prepared, as fast as it is read or RATE events a second", false,
	command_release},
    {"big", "BYTES", "a GUILD_CREATE of this size", false, command_big},
    {"outage", "on|off", "GUILD_DELETE unavailable of all guilds, and back", false,
	command_outage},
    {"send", "JSON", "dispatch {\"t\":..,\"d\":..} with the next s", true,
	command_send},
    {"raw", "TEXT", "this payload as it is, not remembered", true, command_raw},
    {"frame", "HEX", "these bytes in the stream, no frame around them", false,
	command_frame},
    {"split", "N|off", "each message in fragments of N bytes", false, command_split},
    {"codec", "plain|zlib-stream|zstd-stream|asked",
	"compression of new connections, whatever they asked for", false,
	command_codec},
    {"cut", "N [next]",
	"FIN after N more bytes (next: of the next connection, from its 101 on)", false,
	command_cut},
    {"message", "TEXT", "someone writes TEXT; a last word @NAME says who", true,
	command_message},
    {"say", "[KEY=VALUE..] TEXT",
	"someone writes TEXT; " WHO_USAGE
	" [bot] [webhook=ID] [type=N] [reply=ID|last] "
	"[age=14d] [pinned] [count=N] [quiet] [edit=ID|last] [--]",
	true, command_say},
    {"join", WHO_USAGE " [announce]",
	"someone becomes a member; announce: a message of type 7 says so", true,
	command_join},
    {"interact", "[KEY=VALUE..] NAME [OPTION=VALUE..]",
	"someone uses the bot's slash command NAME; " WHO_USAGE " [admin] [age=4s]",
	true, command_interact},
    {"right", "CHANNEL|all NAME on|off",
	"what the bot may do: view, send, send_in_threads, history, react, pin, "
	"manage_messages, manage_threads",
	false, command_right},
    {"calls", "[N]", "the last calls of REST (20), oldest first", false, command_calls},
    {"tls", "good|bad-name|expired|not-yet|self-signed|other-ca|ip-only|tls11",
	"certificate or version from the next connection on", false, command_tls},
    {"rekey", "", "new keys for TLS 1.3, and the client is to make new ones, too",
	false, command_rekey},
    {"budget", "REMAINING [RESET_AFTER_MS]",
	"identifies left today; the token is good again", false, command_budget},
    {"kill-session", "", "RESUME of the present sessions will fail", false,
	command_kill_session},
    {"calm", "", "end of all lasting faults", false, command_calm},
    {"quit", "", "exit", false, command_quit},
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])

static void
command_help(struct command *command)
{
	command->answered = true;
	jsonw_raw(command->answer, "{\"ok\":true,\"commands\":[");
	for (size_t i = 0; i < ROW_COUNT; i++) {
		jsonw_raw(command->answer, i > 0 ? ",{\"name\":" : "{\"name\":");
		jsonw_string(command->answer, slice_of(rows[i].name), false);
		jsonw_raw(command->answer, ",\"arguments\":");
		jsonw_string(command->answer, slice_of(rows[i].usage), false);
		jsonw_raw(command->answer, ",\"help\":");
		jsonw_string(command->answer, slice_of(rows[i].help), false);
		jsonw_raw(command->answer, "}");
	}
	jsonw_raw(command->answer,
	    "],\"note\":\"shard=K after the name: only that shard; without it all, and "
	    "connections that have not told their shard\"}");
}

static void
command_quit(struct command *command)
{
	command->sim->quitting = true;
}

bool
command_number(const char *word, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end = NULL;

	if (!word || *word < '0' || *word > '9') {
		return false;
	}
	errno = 0;
	uint64_t value = strtoull(word, &end, 10);

	if (errno != 0 || *end != '\0' || value < min || value > max) {
		return false;
	}
	*out = value;
	return true;
}

void
command_each_gate(struct command *command, void (*run)(struct gate *, void *),
    void *context)
{
	struct conn *conn = server_conns(command->sim->server);

	/* Nothing is taken out of the list before the turn is over. */
	for (; conn; conn = conn->next) {
		struct gate *gate = gateway_of(conn);

		if (gate && conn->phase == CONN_OPEN && gate->state != GATE_CLOSING &&
		    (command->shard == FAULT_NO_SHARD ||
			command->shard == conn->shard)) {
			command->affected++;
			run(gate, context);
		}
	}
}

void
command_each_session(struct command *command,
    void (*run)(struct command *, struct session *, void *), void *context)
{
	for (struct session *at = command->sim->sessions; at; at = at->next) {
		if (command->shard == FAULT_NO_SHARD ||
		    (uint64_t)command->shard == at->view.shard) {
			command->affected++;
			run(command, at, context);
		}
	}
}

/* Takes a word off the front of *text; "" at its end. */
static char *
take_word(char **text)
{
	char *word = *text + strspn(*text, " \t");
	size_t size = strcspn(word, " \t");

	*text = word + size;
	if (**text != '\0') {
		**text = '\0';
		(*text)++;
	}
	return word;
}

static bool
read_shard(const char *word, int *shard)
{
	uint64_t number = 0;

	if (strncmp(word, "shard=", 6) != 0 ||
	    !command_number(word + 6, 0, ARGV_MAX_SHARDS - 1, &number)) {
		return false;
	}
	*shard = (int)number;
	return true;
}

/* shard=K in front of the rest of the line. */
static void
take_shard(struct command *command)
{
	char *ahead = command->text + strspn(command->text, " \t");
	size_t size = strcspn(ahead, " \t");
	char *word = xstrndup(ahead, size);

	if (read_shard(word, &command->shard)) {
		ahead += size;
		command->text = ahead + strspn(ahead, " \t");
	} else {
		command->text = ahead;
	}
	free(word);
}

static void
split_words(struct command *command, char *copy)
{
	while (command->word_count < COMMAND_MAX_WORDS) {
		char *word = take_word(&copy);

		if (*word == '\0') {
			return;
		}
		if (!read_shard(word, &command->shard)) {
			command->words[command->word_count++] = word;
		}
	}
	command->error = "too many words";
}

static const struct command_row *
find(const char *name)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (strcmp(rows[i].name, name) == 0) {
			return &rows[i];
		}
	}
	return NULL;
}

static void
put_answer(const struct command *command, const struct command_row *row)
{
	struct jsonw *answer = command->answer;

	if (command->error) {
		jsonw_raw(answer, "{\"ok\":false,\"error\":");
		jsonw_string(answer, slice_of(command->error), false);
		if (row) {
			char usage[192];

			(void)snprintf(usage, sizeof usage, "%s %s", row->name,
			    row->usage);
			jsonw_raw(answer, ",\"usage\":");
			jsonw_string(answer, slice_of(usage), false);
		}
		jsonw_raw(answer, "}");
	} else if (!command->answered) {
		jsonw_fmt(answer, "{\"ok\":true,\"affected\":%" PRIu64 "}",
		    command->affected);
	}
}

static void
log_command(const struct command *command, const struct command_row *row)
{
	log_info("command", KV("name", row->name), KV("text", command->text));
}

static void
run(struct command *command, const struct command_row *row)
{
	char *copy = NULL;

	take_shard(command);
	copy = xstrdup(command->text);
	if (!row->raw) {
		split_words(command, copy);
	}
	log_command(command, row);
	if (!command->error) {
		row->run(command);
	}
	free(copy);
}

void
commands_run(struct sim *sim, const char *line, struct jsonw *answer)
{
	char *text = xstrdup(line);
	struct command command = {.sim = sim,
	    .shard = FAULT_NO_SHARD,
	    .text = text,
	    .answer = answer};
	const char *name = take_word(&command.text);
	const struct command_row *row = find(name);

	if (row) {
		run(&command, row);
	} else {
		command.error = "no such command: try help";
	}
	put_answer(&command, row);
	free(text);
}
