/* events: the history, and with --follow what happens from then on. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "methods_rows.h"
#include "xalloc.h"

#define LAST_DEFAULT 20

/* ---- one event ---- */

static struct json *
fields_of(const struct feed_entry *entry)
{
	struct json *fields = NULL;

	if (json_parse(entry->fields, FEED_FIELDS_MAX_BYTES, &fields) != GW_OK) {
		fields = json_new_object();
	}
	if (entry->kind == FEED_DISPATCH) {
		if (entry->seq < 0) {
			json_add_null(fields, "seq");
		} else {
			json_add_int(fields, "seq", entry->seq);
		}
		json_add_int(fields, "size_bytes", (int64_t)entry->amount);
	} else if (entry->kind == FEED_DROPPED) {
		json_add_int(fields, "dropped", (int64_t)entry->amount);
	}
	return fields;
}

static void
write_text(const struct feed_entry *entry, char out[FEED_TEXT_MAX_BYTES + 1])
{
	size_t room = FEED_TEXT_MAX_BYTES + 1;

	switch (entry->kind) {
	case FEED_CHANGE:
		(void)slice_copy(entry->text, out, room);
		return;
	case FEED_DISPATCH:
		if (entry->seq < 0) {
			(void)snprintf(out, room, "no sequence, %" PRIu64 " bytes",
			    entry->amount);
			return;
		}
		(void)snprintf(out, room, "seq %" PRId64 ", %" PRIu64 " bytes",
		    entry->seq, entry->amount);
		return;
	case FEED_DROPPED:
		(void)snprintf(out, room,
		    "%" PRIu64 " events are missing here: they came faster than this "
		    "client reads",
		    entry->amount);
		return;
	}
}

static struct json *
describe(const struct feed_entry *entry)
{
	struct json *event = json_new_object();
	char type[FEED_TYPE_MAX_BYTES + 1];
	char text[FEED_TEXT_MAX_BYTES + 1] = "";

	(void)slice_copy(entry->type, type, sizeof type);
	write_text(entry, text);
	if (entry->number > 0) {
		json_add_int(event, "number", (int64_t)entry->number);
	} else {
		json_add_null(event, "number");
	}
	json_add_time(event, "time", entry->wall_ms);
	json_add_text(event, "level", log_level_name(entry->level));
	json_add_text(event, "type", type);
	if (entry->shard >= 0) {
		json_add_int(event, "shard", entry->shard);
	} else {
		json_add_null(event, "shard");
	}
	json_add_text(event, "text", text);
	json_add(event, "fields", fields_of(entry));
	return event;
}

/* The same as one line, for plain commands. */
static struct json *
describe_line(const struct feed_entry *entry)
{
	struct json *event = describe(entry);
	char shard[32] = "";
	char line[FEED_TEXT_MAX_BYTES + FEED_TYPE_MAX_BYTES + 128];

	if (entry->shard >= 0) {
		(void)snprintf(shard, sizeof shard, "shard %" PRId64 " ", entry->shard);
	}
	(void)snprintf(line, sizeof line, "%s %s %s%s %s",
	    json_text(json_get(event, "time")), json_text(json_get(event, "level")),
	    shard, json_text(json_get(event, "type")),
	    json_text(json_get(event, "text")));
	json_free(event);
	return json_new_text(line);
}

/* ---- one call ---- */

/* What an answer needs until its end. */
struct telling {
	bool plain;
	struct events_follower *follower; /* NULL: the history only */
	struct control_call *call;
	struct feed_queue queue; /* the history's part that was asked for */
	struct feed_walk walk;
	char bytes[];
};

static struct json *
tell(const struct telling *telling, const struct feed_entry *entry)
{
	return telling->plain ? describe_line(entry) : describe(entry);
}

static struct json *
tell_history(void *ctx, size_t index)
{
	struct telling *telling = ctx;
	struct feed_entry entry;

	(void)index; /* they are asked for in order */
	return feed_walk_next(&telling->walk, &entry) ? tell(telling, &entry) :
							json_new_object();
}

static struct json *
tell_next(void *ctx)
{
	struct telling *telling = ctx;
	struct feed_entry entry;

	return events_take(telling->follower, &entry) ? tell(telling, &entry) : NULL;
}

static void
wake(void *ctx)
{
	const struct telling *telling = ctx;

	control_call_wake(telling->call);
}

static void
end_telling(void *ctx)
{
	struct telling *telling = ctx;

	if (telling->follower) {
		events_unfollow(telling->follower);
	}
	free(telling);
}

/* Copies the last ones of the history that the filter wants: it may move on before they
 * are all told. */
static struct telling *
begin_telling(const struct feed_queue *history, const struct feed_filter *filter,
    size_t last)
{
	struct feed_walk walk = feed_walk_of(history);
	struct feed_entry entry;
	size_t wanted = 0;
	size_t room = 0;

	while (feed_walk_next(&walk, &entry)) {
		if (feed_filter_wants(filter, &entry)) {
			wanted++;
			room += feed_queue_size_of(&entry);
		}
	}
	struct telling *telling = xzalloc(sizeof *telling + room);
	size_t skipped = wanted > last ? wanted - last : 0;

	feed_queue_init(&telling->queue, telling->bytes, room, SIZE_MAX);
	walk = feed_walk_of(history);
	while (feed_walk_next(&walk, &entry)) {
		if (!feed_filter_wants(filter, &entry)) {
			continue;
		}
		if (skipped > 0) {
			skipped--;
			continue;
		}
		(void)feed_queue_push(&telling->queue, &entry);
	}
	telling->walk = feed_walk_of(&telling->queue);
	return telling;
}

/* ---- the arguments ---- */

static bool
read_last(const struct visit *visit, size_t *out)
{
	const char *text = visit_option(visit, "last");
	char *end = NULL;

	*out = LAST_DEFAULT;
	if (!text) {
		return true;
	}
	unsigned long value = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' ||
	    value > FEED_HISTORY_MAX) {
		visit_refuse(visit, RPC_ERR_PARAMS, NULL,
		    "--last wants a number from 0 to %d, not \"%.40s\"",
		    FEED_HISTORY_MAX, text);
		return false;
	}
	*out = value;
	return true;
}

static bool
read_filter(const struct visit *visit, struct feed_filter *out)
{
	const char *type = visit_option(visit, "type");
	const char *shard = visit_option(visit, "shard");

	*out = (struct feed_filter){.first_shard = -1, .last_shard = -1};
	if (type && (type[0] == '\0' || strlen(type) >= sizeof out->type)) {
		visit_refuse(visit, RPC_ERR_PARAMS, NULL,
		    "--type wants a pattern of 1 to %zu letters, such as 'shard.*' or "
		    "'MESSAGE_*'",
		    sizeof out->type - 1);
		return false;
	}
	(void)snprintf(out->type, sizeof out->type, "%s", type ? type : "");
	return !shard ||
	    visit_read_shards(visit, shard, &out->first_shard, &out->last_shard);
}

static bool
may_follow(const struct visit *visit)
{
	if (visit->request->notification) {
		visit_refuse(visit, RPC_ERR_PARAMS, NULL,
		    "--follow needs a request with an id");
		return false;
	}
	if (!control_call_may_follow(visit->call, visit->now)) {
		visit_refuse(visit, RPC_ERR_BUSY,
		    "end one of them; without --follow it is answered",
		    "%d clients follow the events already", CONTROL_FOLLOWERS_MAX);
		return false;
	}
	return true;
}

void
methods_events(const struct visit *visit)
{
	struct events *events = visit->source->events;
	bool follow = visit_flag(visit, "follow");
	struct feed_filter filter;
	size_t last;

	if (!read_last(visit, &last) || !read_filter(visit, &filter) ||
	    (follow && !may_follow(visit))) {
		return;
	}
	struct telling *telling = begin_telling(events_history(events), &filter, last);
	struct json *answer = visit_new_answer("events");

	telling->plain = visit->request->plain;
	telling->call = visit->call;
	if (follow) {
		telling->follower = events_follow(events, &filter, wake, telling);
	}
	json_add_bool(answer, "following", follow);
	const struct control_series series = {
	    .name = "events",
	    .count = telling->queue.count,
	    .element = tell_history,
	    .next = follow ? tell_next : NULL,
	    .method = "event",
	    .done = end_telling,
	    .ctx = telling,
	};

	control_call_answer_series(visit->call, answer, &series);
}
