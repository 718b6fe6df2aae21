#include "shard_log.h"

#include <stdio.h>
#include <string.h>

#include "closecode.h"
#include "log.h"

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
shard_log_change(const struct session *session, const char *host,
    const struct session_action *action)
{
	const char *reason = session->reason[0] != '\0' ? session->reason : NULL;
	struct log_kv pairs[] = {
	    KV("shard", session->config.shard_id),
	    KV("from", snapshot_state_text(action->old_state)),
	    KV("to", snapshot_state_text(action->new_state)),
	    KV("host", host),
	    KV("seq", session->saved.seq),
	    KV("attempts", session->attempts),
	    KV("reason", reason),
	};
	enum log_level level = LOG_LEVEL_DEBUG;

	if (action->new_state == SNAPSHOT_READY ||
	    action->new_state == SNAPSHOT_STOPPED) {
		level = LOG_LEVEL_INFO;
	} else if (action->new_state == SNAPSHOT_FATAL) {
		level = LOG_LEVEL_ERROR;
	} else if (action->old_state == SNAPSHOT_READY ||
	    action->new_state == SNAPSHOT_BACKOFF) {
		level = LOG_LEVEL_WARNING;
	}
	log_write(level, "shard_state", pairs,
	    sizeof pairs / sizeof pairs[0] - (reason ? 0 : 1));
}
