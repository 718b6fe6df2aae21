/* The methods that change something. */
#include <inttypes.h>

#include "methods_rows.h"

/* What both ends of the process answer with. */
static void
answer_end(const struct visit *visit, const char *command,
    const struct visit_shards *selection)
{
	const struct methods_source *source = visit->source;
	struct methods_process process;
	uint32_t resumable = 0;

	for (uint32_t i = 0; i < selection->count; i++) {
		resumable += selection->shards[i].session_id[0] ? 1 : 0;
	}
	struct json *answer = visit_new_answer(command);

	source->process(source->ctx, &process);
	json_add_bool(answer, "accepted", true);
	json_add_bool(answer, "already_asked", *visit->rebooting);
	json_add_int(answer, "pid", process.pid);
	json_add_int(answer, "exit_status", 0);
	json_add_int(answer, "shards", selection->count);
	json_add_int(answer, "resumable", resumable);
	*visit->rebooting = true;
	visit_answer(visit, answer);
}

/* The answer is in the kernel's hands before the end of the process is asked for. */
void
methods_reboot(const struct visit *visit)
{
	struct visit_shards selection;

	if (visit_select_shards(visit, &selection)) {
		answer_end(visit, "reboot", &selection);
		visit->source->reboot(visit->source->ctx);
	}
}

void
methods_stop(const struct visit *visit)
{
	struct visit_shards selection;

	if (visit_select_shards(visit, &selection)) {
		answer_end(visit, "stop", &selection);
		visit->source->stop(visit->source->ctx);
	}
}

/* New sessions must fit into the day as a whole: none is given up for nothing. */
static bool
budget_allows(const struct visit *visit, uint32_t count)
{
	struct gateway_budget budget;

	visit->source->budget(visit->source->ctx, &budget);
	if (budget.left >= count) {
		return true;
	}
	visit_refuse(visit, RPC_ERR_REFUSED,
	    "without --fresh the sessions are resumed, which costs nothing",
	    "this takes %" PRIu32 " IDENTIFY%s and %" PRId64
	    " may be sent today before the reserve of %" PRId64,
	    count, count == 1 ? "" : "s", budget.left, budget.reserve);
	return false;
}

void
methods_reconnect(const struct visit *visit)
{
	const struct methods_source *source = visit->source;
	bool fresh = visit_flag(visit, "fresh");
	struct visit_shards selection;
	uint32_t asked = 0;

	if (!visit_select_shards(visit, &selection) ||
	    (fresh && !budget_allows(visit, selection.count))) {
		return;
	}
	struct json *reconnect = visit_new_answer("reconnect");
	int64_t first = selection.count > 0 ? selection.shards[0].shard_id : 0;

	json_add_bool(reconnect, "fresh", fresh);
	json_add_int(reconnect, "first_shard", first);
	json_add_int(reconnect, "last_shard", first + selection.count - 1);
	if (selection.all) {
		asked = source->reconnect(source->ctx, -1, fresh, visit->now);
	}
	for (uint32_t i = 0; !selection.all && i < selection.count; i++) {
		asked += source->reconnect(source->ctx, first + i, fresh, visit->now);
	}
	json_add_int(reconnect, "shards", asked);
	visit_answer(visit, reconnect);
}
