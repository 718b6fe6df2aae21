/* The methods that show shards one by one. */
#include <stdlib.h>
#include <string.h>

#include "methods_json.h"
#include "methods_rows.h"
#include "xalloc.h"

void
methods_snapshot(const struct visit *visit)
{
	struct visit_shards selection;

	if (!visit_select_shards(visit, &selection)) {
		return;
	}
	struct json *snapshot = visit_new_answer("snapshot");

	if (selection.all) {
		json_add(snapshot, "total",
		    methods_json_total(selection.shards, selection.count));
		visit_add_beats(visit, snapshot);
	}
	visit_answer_shards(visit, snapshot, &selection, methods_json_shard);
}

/* Those of all that are not ready, copied into fresh memory. */
static struct snapshot *
pick_down(struct visit_shards *selection)
{
	struct snapshot *down = xzalloc((selection->count + 1) * sizeof *down);
	uint32_t count = 0;

	for (uint32_t i = 0; i < selection->count; i++) {
		if (!selection->shards[i].ready) {
			down[count++] = selection->shards[i];
		}
	}
	selection->shards = down;
	selection->count = count;
	return down;
}

void
methods_shards(const struct visit *visit)
{
	const char *word = json_text(visit_argument(visit, 0));
	bool down_only = word && strcmp(word, "down") == 0;
	struct visit_shards all = {.all = true};
	struct visit_shards selection;
	struct snapshot *down = NULL;

	all.shards =
	    visit->source->snapshots(visit->source->ctx, visit->now, &all.count);
	selection = all;
	if (!down_only && !visit_select_shards(visit, &selection)) {
		return;
	}
	struct json *shards = visit_new_answer("shards");

	json_add(shards, "total", methods_json_total(all.shards, all.count));
	if (down_only) {
		down = pick_down(&selection);
	}
	visit_answer_shards(visit, shards, &selection, methods_json_row);
	free(down);
}

void
methods_latency(const struct visit *visit)
{
	struct methods_limits limits = visit_limits(visit);
	struct visit_shards selection;

	if (!visit_select_shards(visit, &selection)) {
		return;
	}
	struct json *latency = visit_new_answer("latency");
	mono_ns highest = SNAPSHOT_NONE;

	for (uint32_t i = 0; i < selection.count; i++) {
		mono_ns last = selection.shards[i].latency;

		highest = last > highest ? last : highest;
	}
	json_add_seconds(latency, "highest_seconds", highest);
	json_add_seconds(latency, "max_latency_seconds", limits.values.max_latency);
	json_add_int(latency, "window", LATENCY_WINDOW);
	visit_answer_shards(visit, latency, &selection, methods_json_latency);
}

static void
append_limit(struct json *array, const char *name, mono_ns value, const char *source)
{
	struct json *limit = json_new_object();

	json_add_text(limit, "name", name);
	json_add_seconds(limit, "value_seconds", value);
	json_add_text(limit, "source", source);
	json_append(array, limit);
}

void
methods_thresholds(const struct visit *visit)
{
	struct methods_limits limits = visit_limits(visit);
	const struct watchdog_limits *values = &limits.values;
	struct visit_shards selection;

	if (!visit_select_shards(visit, &selection)) {
		return;
	}
	struct json *thresholds = visit_new_answer("thresholds");
	struct json *rows = json_new_array();

	append_limit(rows, "watchdog.keepalive", values->keepalive,
	    limits.keepalive_from);
	append_limit(rows, "watchdog.stall", values->stall, limits.stall_from);
	append_limit(rows, "watchdog.disconnect_grace", values->disconnect_grace,
	    limits.disconnect_grace_from);
	append_limit(rows, "watchdog.max_latency", values->max_latency,
	    limits.max_latency_from);
	json_add(thresholds, "limits", rows);
	visit_answer_shards(visit, thresholds, &selection, methods_json_margin);
}
