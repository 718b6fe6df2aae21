#include "probe.h"

#include "buf.h"

const char *
probe_state_text(enum probe_state state)
{
	switch (state) {
	case PROBE_UNKNOWN:
		return "unknown";
	case PROBE_UP:
		return "up";
	case PROBE_DOWN:
		return "down";
	}
	return "unknown";
}

bool
probe_note(struct probe *probe, const struct probe_limits *limits,
    const struct probe_result *result, mono_ns now)
{
	bool good = result->verdict == PROBE_GOOD;
	bool same = probe->streak > 0 && probe->last_good == good;
	unsigned needed = good ? limits->pass_after : limits->fail_after;
	enum probe_state wanted = good ? PROBE_UP : PROBE_DOWN;

	probe->runs++;
	probe->last_at = now;
	probe->last_took = result->took;
	(void)slice_copy(slice_of(result->reason), probe->reason, sizeof probe->reason);
	if (result->verdict == PROBE_UNSETTLED) {
		return false;
	}
	probe->streak = same ? probe->streak + 1 : 1;
	probe->failures += good ? 0 : 1;
	probe->last_good = good;
	if (probe->state == wanted || probe->streak < needed) {
		return false;
	}
	probe->state = wanted;
	probe->since = now;
	return true;
}
