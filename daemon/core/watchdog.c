#include "watchdog.h"

static bool
latency_is_bad(const struct snapshot *snap, const struct watchdog_limits *limits)
{
	return snap->latency == SNAPSHOT_NONE || snap->latency > limits->max_latency;
}

enum watchdog_verdict
watchdog_decide(const struct snapshot *snap, const struct watchdog_limits *limits)
{
	if (!snap->connected) {
		bool over = snap->disconnect_age > limits->disconnect_grace;

		return over ? WATCHDOG_DOWN : WATCHDOG_OK;
	}
	if (snap->last_event_age <= limits->stall) {
		return WATCHDOG_OK;
	}
	return latency_is_bad(snap, limits) ? WATCHDOG_ZOMBIE : WATCHDOG_STALE;
}

const char *
watchdog_verdict_name(enum watchdog_verdict verdict)
{
	switch (verdict) {
	case WATCHDOG_OK:
		return "ok";
	case WATCHDOG_STALE:
		return "stale";
	case WATCHDOG_ZOMBIE:
		return "zombie";
	case WATCHDOG_DOWN:
		return "down";
	}
	return "unknown";
}
