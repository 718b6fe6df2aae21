#include "comeback.h"

#include <stdio.h>
#include <stdlib.h>

#include "xalloc.h"

static int64_t
int_of(const struct json *row, const char *name)
{
	int64_t number = 0;

	(void)json_int(json_get(row, name), &number);
	return number;
}

static bool
is_connected(const struct json *row)
{
	bool connected = false;

	return json_bool(json_get(row, "connected"), &connected) && connected;
}

void
comeback_begin(struct comeback *comeback, const struct json *answer)
{
	const struct json *shards = json_get(answer, "shards");

	*comeback = (struct comeback){
	    .rows = xzalloc((json_count(shards) + 1) * sizeof *comeback->rows),
	};
	for (const struct json *row = json_first(shards); row; row = json_next(row)) {
		comeback->rows[comeback->count++] = (struct comeback_row){
		    .shard = int_of(row, "shard"),
		    .was_connected = is_connected(row),
		    .reconnects = int_of(row, "reconnects"),
		    .identifies = int_of(row, "identifies"),
		};
	}
}

void
comeback_fini(struct comeback *comeback)
{
	free(comeback->rows);
	*comeback = (struct comeback){.count = 0};
}

void
comeback_restart(struct comeback *comeback)
{
	for (size_t i = 0; i < comeback->count; i++) {
		comeback->rows[i].was_connected = false;
		comeback->rows[i].identifies = 0;
	}
}

static void
look_at(struct comeback_row *row, const struct json *now, double elapsed)
{
	double uptime = 0;

	row->back = is_connected(now) &&
	    (!row->was_connected || int_of(now, "reconnects") > row->reconnects);
	if (!row->back) {
		return;
	}
	(void)json_number(json_get(now, "uptime_seconds"), &uptime);
	row->fresh = int_of(now, "identifies") > row->identifies;
	row->took = elapsed > uptime ? elapsed - uptime : 0;
}

static void
describe(const struct json *row, char *seen, size_t room)
{
	const char *state = json_text(json_get(row, "state_text"));
	const char *reason = json_text(json_get(row, "reason"));

	(void)snprintf(seen, room, "shard %lld is %.40s%s%.160s",
	    (long long)int_of(row, "shard"), state ? state : "in an unknown state",
	    reason ? ": " : "", reason ? reason : "");
}

bool
comeback_look(struct comeback *comeback, const struct json *answer, double elapsed,
    char *seen, size_t room)
{
	const struct json *now = json_first(json_get(answer, "shards"));
	bool all = json_count(json_get(answer, "shards")) == comeback->count;

	(void)snprintf(seen, room, "%s",
	    all ? "" : "it lists other shards than before");
	for (size_t i = 0; i < comeback->count && now; i++, now = json_next(now)) {
		struct comeback_row *row = &comeback->rows[i];

		if (!row->back) {
			look_at(row, now, elapsed);
		}
		if (!row->back && all) {
			describe(now, seen, room);
			all = false;
		}
	}
	return all;
}

struct json *
comeback_list(const struct comeback *comeback)
{
	struct json *list = json_new_array();

	for (size_t i = 0; i < comeback->count; i++) {
		const struct comeback_row *row = &comeback->rows[i];

		if (row->back) {
			struct json *object = json_new_object();

			json_add_int(object, "shard", row->shard);
			json_add_text(object, "session",
			    row->fresh ? "new" : "resumed");
			json_add_number(object, "took_seconds", row->took);
			json_append(list, object);
		}
	}
	return list;
}
