/* The present view of a session, for those who look from outside. */
#include <string.h>

#include "session_parts.h"

static mono_ns
age(mono_ns since, mono_ns now)
{
	return since == CLOCK_NEVER ? SNAPSHOT_NONE : now - since;
}

/* Readers take snapshots of hundreds of shards at a time: no printf here. */
static void
shorten(const char *id, char out[12])
{
	static const char dots[] = "...";
	size_t size = strnlen(id, 8);

	out[0] = '\0';
	if (size > 0) {
		memcpy(out, id, size);
		memcpy(out + size, dots, sizeof dots);
	}
}

/* What was measured before the last value went stale says nothing of the present. */
static void
view_latencies(const struct session *session, struct snapshot *out)
{
	static const struct latency_window none = {.count = 0};
	bool known = out->latency != SNAPSHOT_NONE;

	out->latency_stats = latency_read(known ? &session->latencies : &none);
	out->latency_sum = session->latencies.sum;
	memcpy(out->latency_classes, session->latencies.classes,
	    sizeof out->latency_classes);
}

void
session_snapshot(const struct session *session, mono_ns now, struct snapshot *out)
{
	bool ready = session->state == SNAPSHOT_READY;
	bool waits = session->state == SNAPSHOT_BACKOFF;
	enum snapshot_cure cure = session_cure(session);

	*out = (struct snapshot){
	    .shard_id = session->config.shard_id,
	    .shard_count = session->config.shard_count,
	    .state = session->state,
	    .connected = ready,
	    .ready = ready,
	    .uptime = ready ? now - session->last_ready_at : SNAPSHOT_NONE,
	    .last_event_age = age(session->last_event_at, now),
	    .last_dispatch_age = age(session->last_dispatch_at, now),
	    .last_ready_age = age(session->last_ready_at, now),
	    .disconnect_age = ready ? SNAPSHOT_NONE : age(session->down_since, now),
	    .latency = session_beat_latency(session, now),
	    .heartbeat_interval = session->interval,
	    .cure = cure,
	    .probes = session->probes,
	    .cure_tries = cure == SNAPSHOT_CURE_NONE ? 0 : session->cure_tries,
	    .next_try_in = waits ? session->retry_at - now : SNAPSHOT_NONE,
	    .seq = session->saved.seq,
	    .dispatches = session->dispatches,
	    .events = session->events,
	    .seq_gaps = session->seq_gaps,
	    .heartbeats = session->heartbeats,
	    .acks = session->acks,
	    .zombies = session->zombies,
	    .attempts = session->attempts,
	    .reconnects = session->connections > 0 ? session->connections - 1 : 0,
	    .resumes = session->resumes,
	    .resumed = session->resumed,
	    .identifies = session->identifies,
	    .identifies_refused = session->identifies_refused,
	    .resumes_refused = session->resumes_refused,
	    .beats_missed = session->beats_missed,
	    .last_ack_age = age(session->last_ack_at, now),
	    .last_close_code = session->last_close_code,
	    .guilds = session->saved.guilds,
	};
	if (waits && out->next_try_in < 0) {
		out->next_try_in = 0;
	}
	memcpy(out->failed_at, session->failed_at, sizeof out->failed_at);
	memcpy(out->closes, session->closes, sizeof out->closes);
	view_latencies(session, out);
	shorten(session->saved.id, out->session_id);
	memcpy(out->user_id, session->saved.user_id, sizeof out->user_id);
	memcpy(out->user_name, session->saved.user_name, sizeof out->user_name);
	memcpy(out->reason, session->reason, sizeof out->reason);
}
