#include "render.h"

#include <string.h>

#include "format.h"
#include "render_config.h"
#include "render_events.h"
#include "render_explain.h"
#include "render_health.h"
#include "render_jobs.h"
#include "render_runtime.h"
#include "render_shards.h"
#include "render_status.h"

#define TEXT_OF(value) format_json_scalar(value).text

/* A row of commands.def without its screen does not compile. */
#define COMMAND(id, name, synopsis, access, help) \
	static void render_##id(struct writer *writer, const struct json *result);
#include "commands.def"
#undef COMMAND

static void (*const screens[])(struct writer *writer, const struct json *result) = {
#define COMMAND(id, name, synopsis, access, help) [COMMAND_##id] = render_##id,
#include "commands.def"
#undef COMMAND
};

/* ---- any value, for screens that show every figure ---- */

static bool
ends_with(const char *text, const char *tail)
{
	size_t size = strlen(text);
	size_t tail_size = strlen(tail);

	return size >= tail_size && strcmp(text + size - tail_size, tail) == 0;
}

static void
render_value(struct writer *writer, const char *name, const struct json *value)
{
	const char *text = json_text(value);

	if (text) {
		writer_text(writer, STYLE_PLAIN, text);
	} else if (strstr(name, "latency") && ends_with(name, "_seconds")) {
		writer_put(writer, STYLE_PLAIN, format_json_latency(value).text);
	} else if (ends_with(name, "_seconds")) {
		writer_put(writer, STYLE_PLAIN, format_json_seconds(value).text);
	} else {
		writer_put(writer, STYLE_PLAIN, format_json_scalar(value).text);
	}
}

static size_t
longest_name(const struct json *object)
{
	size_t longest = 0;

	for (const struct json *member = json_first(object); member;
	     member = json_next(member)) {
		size_t width = writer_width(json_name(member));

		longest = width > longest ? width : longest;
	}
	return longest;
}

/* "name" without the unit that its value shows, blanks for underscores. */
static void
render_name(struct writer *writer, const char *name)
{
	size_t size = strlen(name) - (ends_with(name, "_seconds") ? 8 : 0);

	for (size_t i = 0; i < size; i++) {
		writer_printf(writer, STYLE_DIM, "%c", name[i] == '_' ? ' ' : name[i]);
	}
}

static bool
is_container(const struct json *value)
{
	return json_kind(value) == JSON_OBJECT || json_kind(value) == JSON_ARRAY;
}

static void render_container(struct writer *writer, const struct json *container,
    size_t indent);

/* One member or element (which has no name) with all below it. */
static void
render_member(struct writer *writer, const struct json *value, size_t indent,
    size_t column)
{
	const char *name = json_name(value) ? json_name(value) : "-";

	writer_tab(writer, indent);
	render_name(writer, name);
	if (is_container(value) && json_count(value) > 0) {
		writer_newline(writer);
		render_container(writer, value, indent + 2);
		return;
	}
	writer_tab(writer, column);
	render_value(writer, name, value);
	writer_newline(writer);
}

/* The parser, or our own hand, bounds the depth: JSON_MAX_DEPTH. */
static void
render_container(struct writer *writer, const struct json *container, size_t indent)
{
	size_t column = indent + longest_name(container) + 2;

	for (const struct json *value = json_first(container); value;
	     value = json_next(value)) {
		render_member(writer, value, indent, column);
	}
}

/* ---- the rows of commands.def ---- */

static void
render_status(struct writer *writer, const struct json *result)
{
	render_status_screen(writer, result);
}

static void
render_health(struct writer *writer, const struct json *result)
{
	render_health_screen(writer, result);
}

static void
render_check(struct writer *writer, const struct json *result)
{
	render_check_line(writer, result);
}

static void
render_wait(struct writer *writer, const struct json *result)
{
	render_wait_line(writer, result);
}

static void
render_metrics(struct writer *writer, const struct json *result)
{
	render_metrics_text(writer, result);
}

static void
render_doctor(struct writer *writer, const struct json *result)
{
	render_doctor_screen(writer, result);
}

static void
render_snapshot(struct writer *writer, const struct json *result)
{
	const struct json *total = json_get(result, "total");
	const struct json *shard = json_first(json_get(result, "shards"));

	for (; shard; shard = json_next(shard)) {
		writer_printf(writer, STYLE_BOLD, "shard %s of %s",
		    TEXT_OF(json_get(shard, "shard")),
		    TEXT_OF(json_get(shard, "shard_count")));
		writer_newline(writer);
		render_container(writer, shard, 2);
		if (json_next(shard) || total) {
			writer_newline(writer);
		}
	}
	if (total) {
		writer_put(writer, STYLE_BOLD, "all shards");
		writer_newline(writer);
		render_container(writer, total, 2);
	}
	if (json_kind(json_get(result, "heartbeat_lateness")) == JSON_OBJECT) {
		writer_newline(writer);
		writer_put(writer, STYLE_BOLD, "lateness of heartbeats");
		writer_newline(writer);
		render_container(writer, json_get(result, "heartbeat_lateness"), 2);
	}
}

static void
render_shards(struct writer *writer, const struct json *result)
{
	render_shards_screen(writer, result);
}

static void
render_latency(struct writer *writer, const struct json *result)
{
	render_latency_screen(writer, result);
}

static void
render_explain(struct writer *writer, const struct json *result)
{
	render_explain_screen(writer, result);
}

static void
render_events(struct writer *writer, const struct json *result)
{
	render_events_screen(writer, result);
}

static void
render_config(struct writer *writer, const struct json *result)
{
	render_config_screen(writer, result);
}

static void
render_reload(struct writer *writer, const struct json *result)
{
	render_reload_screen(writer, result);
}

static void
render_thresholds(struct writer *writer, const struct json *result)
{
	render_thresholds_screen(writer, result);
}

static void
render_log(struct writer *writer, const struct json *result)
{
	render_log_screen(writer, result);
}

static void
render_stop(struct writer *writer, const struct json *result)
{
	render_stop_screen(writer, result);
}

static void
render_reconnect(struct writer *writer, const struct json *result)
{
	int64_t shards = 0;
	bool fresh = false;

	(void)json_int(json_get(result, "shards"), &shards);
	(void)json_bool(json_get(result, "fresh"), &fresh);
	const char *what = fresh ? "begin a new session: an IDENTIFY each" :
				   "reconnect and resume: nothing is lost";

	if (shards == 1) {
		writer_textf(writer, STYLE_PLAIN, "shard %s asked to %s",
		    TEXT_OF(json_get(result, "first_shard")), what);
	} else {
		writer_textf(writer, STYLE_PLAIN, "%lld shards asked to %s",
		    (long long)shards, what);
	}
	writer_newline(writer);
	writer_put(writer, STYLE_DIM, "how far it is: gwctl shards");
	writer_newline(writer);
}

static void
render_reboot(struct writer *writer, const struct json *result)
{
	bool again = false;

	(void)json_bool(json_get(result, "already_asked"), &again);
	writer_textf(writer, STYLE_PLAIN,
	    "%s: gwbotd (pid %s) exits with status 0; its supervisor starts it again",
	    again ? "already rebooting" : "rebooting",
	    TEXT_OF(json_get(result, "pid")));
	writer_newline(writer);
	writer_printf(writer, STYLE_PLAIN, "%s of %s sessions can be resumed",
	    TEXT_OF(json_get(result, "resumable")),
	    TEXT_OF(json_get(result, "shards")));
	writer_newline(writer);
}

static void
render_program(struct writer *writer, const char *name, const struct json *program)
{
	const struct json *protocol = json_get(program, "protocol");

	if (json_kind(program) != JSON_OBJECT) {
		return;
	}
	writer_put(writer, STYLE_PLAIN, name);
	writer_tab(writer, 8);
	writer_printf(writer, STYLE_PLAIN, "%s  control protocol %s to %s",
	    TEXT_OF(json_get(program, "version")), TEXT_OF(json_at(protocol, 0)),
	    TEXT_OF(json_at(protocol, 1)));
	writer_newline(writer);
}

static void
render_probes(struct writer *writer, const struct json *result)
{
	render_probes_screen(writer, result);
}

static void
render_jobs(struct writer *writer, const struct json *result)
{
	render_jobs_screen(writer, result);
}

static void
render_job(struct writer *writer, const struct json *result)
{
	render_job_screen(writer, result);
}

static void
render_version(struct writer *writer, const struct json *result)
{
	render_program(writer, "gwctl", json_get(result, "gwctl"));
	render_program(writer, "gwbotd", json_get(result, "gwbotd"));
	if (json_text(json_get(result, "hint"))) {
		writer_text(writer, STYLE_YELLOW, json_text(json_get(result, "hint")));
		writer_newline(writer);
	}
}

/* A list of commands, ours or gwsim's: what each takes stands under synopsis. */
static void
render_command(struct writer *writer, const struct json *command, const char *synopsis)
{
	writer_tab(writer, 2);
	writer_put(writer, STYLE_BOLD, json_text_or(json_get(command, "name"), "-"));
	if (synopsis[0]) {
		writer_put(writer, STYLE_PLAIN, " ");
		writer_text(writer, STYLE_PLAIN, synopsis);
	}
	writer_newline(writer);
	writer_tab(writer, 6);
	writer_text(writer, STYLE_PLAIN, json_text_or(json_get(command, "help"), "-"));
	writer_newline(writer);
}

static void
render_sim(struct writer *writer, const struct json *result)
{
	const struct json *answer = json_get(result, "answer");
	const struct json *affected = json_get(answer, "affected");
	const struct json *command = json_first(json_get(answer, "commands"));

	if (json_kind(affected) == JSON_NUMBER) {
		writer_printf(writer, STYLE_PLAIN, "done, %s affected",
		    TEXT_OF(affected));
		writer_newline(writer);
	} else if (command) {
		for (; command; command = json_next(command)) {
			render_command(writer, command,
			    json_text_or(json_get(command, "arguments"), ""));
		}
	} else {
		render_container(writer, answer, 2);
	}
}

static void
render_help(struct writer *writer, const struct json *result)
{
	const struct json *command = json_first(json_get(result, "commands"));

	for (; command; command = json_next(command)) {
		render_command(writer, command,
		    json_text_or(json_get(command, "synopsis"), ""));
	}
}

void
render_result(struct writer *writer, enum command_id command, const struct json *result)
{
	screens[command](writer, result);
}

void
render_back(struct writer *writer, double seconds, const struct json *hello)
{
	writer_printf(writer, STYLE_GREEN, "ready again after %s",
	    format_seconds(seconds).text);
	writer_printf(writer, STYLE_PLAIN, " (pid %s)",
	    TEXT_OF(json_get(hello, "new_pid")));
	writer_newline(writer);
}
