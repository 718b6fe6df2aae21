/* The methods that change something. */
#include "methods_rows.h"

/* The answer is in the kernel's hands before the end of the process is asked for. */
void
methods_reboot(const struct visit *visit)
{
	const struct methods_source *source = visit->source;
	struct methods_process process;
	struct visit_shards selection;
	uint32_t resumable = 0;

	if (!visit_select_shards(visit, &selection)) {
		return;
	}
	for (uint32_t i = 0; i < selection.count; i++) {
		resumable += selection.shards[i].session_id[0] ? 1 : 0;
	}
	struct json *reboot = visit_new_answer("reboot");

	source->process(source->ctx, &process);
	json_add_bool(reboot, "accepted", true);
	json_add_bool(reboot, "already_asked", *visit->rebooting);
	json_add_int(reboot, "pid", process.pid);
	json_add_int(reboot, "exit_status", 0);
	json_add_int(reboot, "shards", selection.count);
	json_add_int(reboot, "resumable", resumable);
	*visit->rebooting = true;
	visit_answer(visit, reboot);
	source->reboot(source->ctx);
}
