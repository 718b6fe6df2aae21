#include "methods_visit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define SCHEMA "gwctl/1"

struct json *
visit_new_answer(const char *command)
{
	struct json *document = json_new_object();

	json_add_text(document, "schema", SCHEMA);
	json_add_text(document, "command", command);
	json_add_time(document, "time", clock_wall_ms());
	return document;
}

void
visit_answer(const struct visit *visit, struct json *owned_answer)
{
	control_call_answer(visit->call, owned_answer);
}

void
visit_refuse(const struct visit *visit, enum rpc_error error, const char *hint,
    const char *format, ...)
{
	char text[320];
	const struct rpc_failure failure = {error, text, hint};
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	control_call_fail(visit->call, &failure);
}

void
visit_refuse_unknown(const struct visit *visit, const char *name)
{
	char text[256];

	commands_explain_unknown(name, text, sizeof text);
	visit_refuse(visit, RPC_ERR_METHOD, "all commands: help", "%s", text);
}

const struct json *
visit_argument(const struct visit *visit, size_t index)
{
	const struct json *params = visit->request->params;
	char name[32];

	if (json_kind(params) == JSON_ARRAY) {
		return json_at(params, index);
	}
	return commands_arg_name(visit->command, index, name, sizeof name) ?
	    json_get(params, name) :
	    NULL;
}

static bool
knows_name(const struct command *command, const char *wanted)
{
	char name[32];

	for (size_t i = 0; commands_arg_name(command, i, name, sizeof name); i++) {
		if (strcmp(name, wanted) == 0) {
			return true;
		}
	}
	return false;
}

bool
visit_arguments_fit(const struct visit *visit)
{
	const struct json *params = visit->request->params;
	const struct command *command = visit->command;
	size_t min;
	size_t max;
	size_t count = json_count(params);

	commands_arity(command, &min, &max);
	for (const struct json *member = json_first(params);
	     member && json_kind(params) == JSON_OBJECT; member = json_next(member)) {
		if (!knows_name(command, json_name(member))) {
			visit_refuse(visit, RPC_ERR_PARAMS, NULL,
			    "%s takes no argument \"%.60s\"", command->name,
			    json_name(member));
			return false;
		}
	}
	if (count < min || count > max) {
		visit_refuse(visit, RPC_ERR_PARAMS, NULL, "usage: %s%s%s",
		    command->name, command->synopsis[0] ? " " : "", command->synopsis);
		return false;
	}
	return true;
}

/* A number, or a string that holds one, as plain commands and gwctl send it. */
static bool
read_shard_id(const struct json *value, int64_t *out)
{
	const char *text = json_text(value);
	char *end = NULL;

	if (!text) {
		return json_int(value, out) && *out >= 0;
	}
	if (text[0] < '0' || text[0] > '9' || strlen(text) > 9) {
		return false;
	}
	*out = strtol(text, &end, 10);
	return *end == '\0';
}

bool
visit_select_shards(const struct visit *visit, struct visit_shards *out)
{
	const struct methods_source *source = visit->source;
	const struct json *wanted = visit_argument(visit, 0);
	int64_t id = -1;

	out->shards = source->snapshots(source->ctx, visit->now, &out->count);
	out->all = json_kind(wanted) == JSON_NONE || json_kind(wanted) == JSON_NULL;
	if (out->all) {
		return true;
	}
	if (!read_shard_id(wanted, &id)) {
		visit_refuse(visit, RPC_ERR_PARAMS, NULL,
		    "SHARD must be a number, as in: %s 0", visit->command->name);
		return false;
	}
	for (uint32_t i = 0; i < out->count; i++) {
		if (out->shards[i].shard_id == id) {
			out->shards += i;
			out->count = 1;
			return true;
		}
	}
	visit_refuse(visit, RPC_ERR_REFUSED,
	    "the shards of this process are in: status",
	    "there is no shard %" PRId64 " here", id);
	return false;
}

/* The arguments as one text for the log. */
static void
join_arguments(const struct json *params, struct buf *out)
{
	for (const struct json *value = json_first(params); value;
	     value = json_next(value)) {
		const char *text = json_text(value);

		if (out->size > 0 && buf_append(out, " ", 1) != GW_OK) {
			return;
		}
		(void)(text ? buf_append(out, text, strlen(text)) :
			      json_print(value, out));
	}
}

void
visit_log(const struct visit *visit)
{
	struct control_caller caller = control_call_caller(visit->call);
	struct buf args;

	buf_init(&args, 512);
	join_arguments(visit->request->params, &args);
	log_info("control_command", KV("command", visit->command->name),
	    KV("args", buf_slice(&args)), KV("uid", caller.uid), KV("gid", caller.gid),
	    KV("pid", caller.pid));
	buf_fini(&args);
}
