#include "shard_log.h"

#include <stdio.h>
#include <string.h>

#include "closecode.h"
#include "log.h"

/* As shard_path() asks for. */
#define API_VERSION 10

/* The pairs of a shard_state line. */
#define PAIRS_MAX 11

void
shard_log_describe(const struct ws_end *end, const struct secret *token, char *out,
    size_t room)
{
	if (end->cause == WS_CAUSE_CLOSED && end->code != WS_CODE_NONE) {
		(void)snprintf(out, room, "%s (%s)", end->text,
		    closecode_find(end->code)->text);
	} else if (end->text[0] != '\0') {
		(void)snprintf(out, room, "%s", end->text);
	} else {
		(void)snprintf(out, room, "connection lost");
	}
	/* A peer may quote what we sent. */
	secret_scrub(token, out, strlen(out));
}

void
shard_log_deaf(const struct session *session)
{
	log_warning("proof_of_life_unanswered", KV("shard", session->config.shard_id),
	    KV("guild", (const char *)session->saved.guild_id),
	    KV("probes", session->probes),
	    KV("effect", "a new session did not help: no probe for an hour"));
}

void
shard_log_plain(const struct session *session, enum inflate_kind asked)
{
	log_warning("compression_ignored", KV("shard", session->config.shard_id),
	    KV("asked", inflate_name(asked)),
	    KV("effect", "the gateway sends plain text"));
}

void
shard_log_fallback(const struct session *session, enum inflate_kind asked,
    const char *reason, mono_ns period)
{
	log_warning("compression_given_up", KV("shard", session->config.shard_id),
	    KV("asked", inflate_name(asked)), KV("reason", reason),
	    KV("effect", "connections ask for no compression"),
	    KV("for_s", clock_seconds(period)));
}

void
shard_log_address(const struct session *session, const char *host, const char *reason)
{
	log_debug("address_failed", KV("shard", session->config.shard_id),
	    KV("host", host), KV("reason", reason));
}

void
shard_log_refused_url(const struct session *session, const char *url,
    const char *reason)
{
	log_warning("resume_url_refused", KV("shard", session->config.shard_id),
	    KV("url", url), KV("reason", reason),
	    KV("effect", "resuming at the general gateway"));
}

void
shard_log_ready(const struct session *session)
{
	const struct session_config *config = &session->config;
	bool other_shard = session->ready_shard_id >= 0 &&
	    (session->ready_shard_id != config->shard_id ||
		session->ready_shard_count != config->shard_count);

	if (other_shard) {
		log_warning("ready_of_another_shard", KV("shard", config->shard_id),
		    KV("shards", config->shard_count),
		    KV("told_shard", session->ready_shard_id),
		    KV("told_shards", session->ready_shard_count));
	}
	if (session->ready_version != 0 && session->ready_version != API_VERSION) {
		log_warning("ready_of_another_version", KV("shard", config->shard_id),
		    KV("asked", API_VERSION), KV("told", session->ready_version));
	}
}

static enum log_level
level_of(const struct session_action *action)
{
	if (action->new_state == SNAPSHOT_READY ||
	    action->new_state == SNAPSHOT_STOPPED) {
		return LOG_LEVEL_INFO;
	}
	if (action->new_state == SNAPSHOT_FATAL) {
		return LOG_LEVEL_ERROR;
	}
	/* From IDLE it only waits for its turn among many that start. */
	bool falls = action->old_state == SNAPSHOT_READY ||
	    (action->new_state == SNAPSHOT_BACKOFF &&
		action->old_state != SNAPSHOT_IDLE);

	return falls ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG;
}

/* It works all the same; what it cannot do then is worth a word. */
static void
tell_incomplete(const struct session *session)
{
	bool nameless = session->saved.id[0] == '\0';

	bool known = session->saved.resume_url[0] != '\0' || session->ready_url_fault;

	if (!nameless && known) {
		return;
	}
	log_warning("ready_incomplete", KV("shard", session->config.shard_id),
	    KV("missing", nameless ? "session_id" : "resume_gateway_url"),
	    KV("effect",
		nameless ? "after a loss only a new session helps" :
			   "resuming at the general gateway"));
}

void
shard_log_gap(const struct session *session, int64_t before)
{
	log_warning("sequence_gap", KV("shard", session->config.shard_id),
	    KV("after", before), KV("next", session->saved.seq),
	    KV("gaps", session->seq_gaps),
	    KV("effect", "what lies between is lost, unless a resume repeats it"));
}

/* True where an attempt or a connection is over. */
static bool
is_loss(const struct session_action *action)
{
	switch (action->new_state) {
	case SNAPSHOT_BACKOFF:
	case SNAPSHOT_WAIT_SLOT:
	case SNAPSHOT_CONNECTING:
	case SNAPSHOT_FATAL:
		return action->old_state != SNAPSHOT_IDLE &&
		    action->old_state != SNAPSHOT_BACKOFF &&
		    action->old_state != SNAPSHOT_WAIT_SLOT;
	case SNAPSHOT_IDLE:
	case SNAPSHOT_RESOLVING:
	case SNAPSHOT_WAIT_HELLO:
	case SNAPSHOT_IDENTIFYING:
	case SNAPSHOT_RESUMING:
	case SNAPSHOT_READY:
	case SNAPSHOT_STOPPED:
		return false;
	}
	return false;
}

static const char *
cause_of_payload(const struct session_event *event)
{
	switch (event->payload ? event->payload->op : -1) {
	case PAYLOAD_RECONNECT:
		return "op7";
	case PAYLOAD_INVALID_SESSION:
		return "op9";
	default:
		return "payload";
	}
}

/* What brought a loss, in one word. */
static const char *
cause_of(const struct session_action *action, const struct session_event *event)
{
	switch (event->kind) {
	case SESSION_PAYLOAD:
		return cause_of_payload(event);
	case SESSION_LOST:
		return event->code != CLOSECODE_NONE ? "closed" : "broken";
	case SESSION_TIMEOUT:
		return action->old_state == SNAPSHOT_READY ? "zombie" : "timeout";
	case SESSION_UNREADABLE:
		return "unreadable";
	case SESSION_SLEPT:
		return "slept";
	case SESSION_RECONNECT:
		return "asked";
	case SESSION_REFUSED:
		return "refused";
	case SESSION_START:
	case SESSION_OPENED:
	case SESSION_FRAME:
	case SESSION_SLOT:
	case SESSION_STOP_ASKED:
	case SESSION_PRESENCE:
		return "other";
	}
	return "other";
}

void
shard_log_change(const struct session *session, const char *host,
    const struct session_action *action, const struct session_event *event, mono_ns now)
{
	struct log_kv pairs[PAIRS_MAX] = {
	    KV("shard", session->config.shard_id),
	    KV("from", snapshot_state_text(action->old_state)),
	    KV("to", snapshot_state_text(action->new_state)),
	    KV("host", host),
	    KV("seq", session->saved.seq),
	    KV("attempts", session->attempts),
	};
	size_t count = 6;
	bool waits = action->new_state == SNAPSHOT_BACKOFF;

	if (waits || action->old_state == SNAPSHOT_READY) {
		pairs[count++] = KV("cure", snapshot_cure_text(session_cure(session)));
	}
	if (waits) {
		pairs[count++] =
		    KV("next_try_s", clock_seconds(session->retry_at - now));
	}
	if (is_loss(action)) {
		pairs[count++] = KV("cause", cause_of(action, event));
	}
	if (is_loss(action) && event->kind == SESSION_LOST &&
	    event->code != CLOSECODE_NONE) {
		pairs[count++] = KV("code", event->code);
	}
	if (session->reason[0] != '\0') {
		pairs[count++] = KV("reason", (const char *)session->reason);
	}
	log_write_change(level_of(action), "shard_state", pairs, count);
	if (action->new_state == SNAPSHOT_READY) {
		tell_incomplete(session);
	}
}
