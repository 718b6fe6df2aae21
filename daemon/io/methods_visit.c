#include "methods_visit.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duration.h"
#include "log.h"
#include "methods_json.h"
#include "xalloc.h"

#define SCHEMA "gwctl/1"
/* Of what reverts by itself. */
#define SPAN_MIN        CLOCK_S(1)
#define SPAN_MAX        CLOCK_S(2592000)
#define RANGE_MAX_BYTES 15 /* "1234567-1234567" */

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

size_t
visit_place(const struct visit *visit)
{
	return visit->command ? (size_t)visit->command->id : COMMAND_COUNT;
}

void
visit_fail(const struct visit *visit, const struct rpc_failure *failure)
{
	if (strcmp(visit->request->method, "hello") != 0) {
		visit->counts->failures[visit_place(visit)]++;
	}
	control_call_fail(visit->call, failure);
}

void
visit_refuse(const struct visit *visit, enum rpc_error error, const char *hint,
    const char *format, ...)
{
	char text[320];
	const struct rpc_failure failure = {.error = error, .text = text, .hint = hint};
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	visit_fail(visit, &failure);
}

void
visit_refuse_unknown(const struct visit *visit, const char *name)
{
	char text[256];

	commands_explain_unknown(name, text, sizeof text);
	visit_refuse(visit, RPC_ERR_METHOD, "all commands: help", "%s", text);
}

bool
visit_flag(const struct visit *visit, const char *name)
{
	return methods_arguments_flag(visit->arguments, name) != NULL;
}

const char *
visit_option(const struct visit *visit, const char *name)
{
	const struct methods_flag *flag =
	    methods_arguments_flag(visit->arguments, name);

	return flag ? flag->value : NULL;
}

const struct json *
visit_argument(const struct visit *visit, size_t index)
{
	return index < visit->arguments->count ? visit->arguments->words[index] : NULL;
}

bool
visit_changes(const struct visit *visit)
{
	return commands_changes(visit->command, visit->arguments->count);
}

void
visit_refuse_client(const struct visit *visit)
{
	visit_refuse(visit, RPC_ERR_REFUSED, "see gwctl(1)",
	    "%s is what gwctl does itself: gwctl %s", visit->command->name,
	    visit->command->name);
}

/* A run of shards: from first to last, both included. */
struct id_range {
	int64_t first;
	int64_t last;
};

/* "17" or "0-15", as plain commands and gwctl send it, or a number. */
static bool
read_range_text(const char *text, struct id_range *out)
{
	char *end = NULL;

	if (!isdigit((unsigned char)text[0]) || strlen(text) > RANGE_MAX_BYTES) {
		return false;
	}
	out->first = strtol(text, &end, 10);
	out->last = out->first;
	if (end[0] == '-' && isdigit((unsigned char)end[1])) {
		out->last = strtol(end + 1, &end, 10);
	}
	return *end == '\0' && out->last >= out->first;
}

static bool
read_range(const struct json *value, struct id_range *out)
{
	const char *text = json_text(value);

	if (text) {
		return read_range_text(text, out);
	}
	out->last = json_int(value, &out->first) ? out->first : -1;
	return out->last >= 0;
}

/* Shards stand in the order of their ids, without gaps. */
static bool
cut_selection(struct visit_shards *selection, const struct id_range *wanted)
{
	int64_t first = selection->count > 0 ? selection->shards[0].shard_id : 0;
	int64_t last = first + selection->count - 1;

	if (wanted->first < first || wanted->last > last) {
		return false;
	}
	selection->shards += wanted->first - first;
	selection->count = (uint32_t)(wanted->last - wanted->first + 1);
	return true;
}

/* "shards 0-15 of 64", or of a single one "shard 0 of 1". */
static void
name_range(const struct visit_shards *all, char *out, size_t room)
{
	const struct snapshot *first = all->shards;

	if (all->count == 0) {
		(void)snprintf(out, room, "no shards");
	} else if (all->count == 1) {
		(void)snprintf(out, room, "shard %" PRIu32 " of %" PRIu32,
		    first->shard_id, first->shard_count);
	} else {
		(void)snprintf(out, room, "shards %" PRIu32 "-%" PRIu32 " of %" PRIu32,
		    first->shard_id, first->shard_id + all->count - 1,
		    first->shard_count);
	}
}

void
visit_refuse_shard(const struct visit *visit, int64_t first, int64_t last)
{
	struct visit_shards all = {.all = true};
	char here[64];

	all.shards =
	    visit->source->snapshots(visit->source->ctx, visit->now, &all.count);
	name_range(&all, here, sizeof here);
	if (first == last) {
		visit_refuse(visit, RPC_ERR_REFUSED, "all of them: shards",
		    "there is no shard %" PRId64 "; this process has %s", first, here);
	} else {
		visit_refuse(visit, RPC_ERR_REFUSED, "all of them: shards",
		    "there are no shards %" PRId64 "-%" PRId64 "; this process has %s",
		    first, last, here);
	}
}

bool
visit_select_shards(const struct visit *visit, struct visit_shards *out)
{
	const struct methods_source *source = visit->source;
	const struct json *wanted = visit_argument(visit, 0);
	struct id_range range;

	out->shards = source->snapshots(source->ctx, visit->now, &out->count);
	out->all = json_kind(wanted) == JSON_NONE || json_kind(wanted) == JSON_NULL;
	if (out->all) {
		return true;
	}
	if (!read_range(wanted, &range)) {
		visit_refuse(visit, RPC_ERR_PARAMS, NULL,
		    "SHARD must be a number or a range, as in: %s 0, %s 0-15",
		    visit->command->name, visit->command->name);
		return false;
	}
	if (!cut_selection(out, &range)) {
		visit_refuse_shard(visit, range.first, range.last);
		return false;
	}
	return true;
}

bool
visit_read_shards(const struct visit *visit, const char *text, int64_t *first,
    int64_t *last)
{
	const struct methods_source *source = visit->source;
	struct visit_shards all = {.all = true};
	struct id_range range;

	if (!read_range_text(text, &range)) {
		visit_refuse(visit, RPC_ERR_PARAMS, NULL,
		    "--shard wants a number or a range, as in: --shard 0, --shard "
		    "0-15");
		return false;
	}
	all.shards = source->snapshots(source->ctx, visit->now, &all.count);
	if (!cut_selection(&all, &range)) {
		visit_refuse_shard(visit, range.first, range.last);
		return false;
	}
	*first = range.first;
	*last = range.last;
	return true;
}

bool
visit_read_span(const struct visit *visit, mono_ns *span)
{
	const char *text = visit_option(visit, "for");

	*span = CLOCK_NEVER;
	if (!text) {
		return true;
	}
	if (duration_parse(text, span) == GW_OK && *span >= SPAN_MIN &&
	    *span <= SPAN_MAX) {
		return true;
	}
	visit_refuse(visit, RPC_ERR_PARAMS, NULL,
	    "--for wants a duration from 1s to 30d, such as 10min or 1h, not "
	    "\"%.40s\"",
	    text);
	return false;
}

struct watchdog_limits
visit_limits(const struct visit *visit)
{
	struct watchdog_limits limits;

	visit->source->limits(visit->source->ctx, &limits);
	return limits;
}

void
visit_add_beats(const struct visit *visit, struct json *answer)
{
	const struct methods_source *source = visit->source;
	const struct histogram *beats =
	    source->beats ? source->beats(source->ctx) : NULL;

	json_add(answer, "heartbeat_lateness",
	    beats ? methods_json_quantiles(beats) : json_new_text(NULL));
}

/* The shards of an answer, as they were when it was asked for. */
struct shard_list {
	visit_describe *describe;
	struct watchdog_limits limits;
	struct snapshot shards[];
};

static struct json *
describe_element(void *ctx, size_t index)
{
	const struct shard_list *list = ctx;

	return list->describe(&list->shards[index], &list->limits);
}

void
visit_answer_shards(const struct visit *visit, struct json *owned_answer,
    const struct visit_shards *selection, visit_describe *describe)
{
	size_t size = selection->count * sizeof *selection->shards;
	struct shard_list *list = xzalloc(sizeof *list + size);

	list->describe = describe;
	list->limits = visit_limits(visit);
	if (size > 0) {
		memcpy(list->shards, selection->shards, size);
	}
	const struct control_series series = {.name = "shards",
	    .count = selection->count,
	    .element = describe_element,
	    .done = free,
	    .ctx = list};

	control_call_answer_series(visit->call, owned_answer, &series);
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
	log_record("control_command", KV("command", visit->command->name),
	    KV("args", buf_slice(&args)), KV("uid", caller.uid), KV("gid", caller.gid),
	    KV("pid", caller.pid));
	buf_fini(&args);
}
