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
	struct watchdog_limits limits = visit_limits(visit);
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
	json_add_seconds(latency, "max_latency_seconds", limits.max_latency);
	json_add_int(latency, "window", LATENCY_WINDOW);
	visit_answer_shards(visit, latency, &selection, methods_json_latency);
}
