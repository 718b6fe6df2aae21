/*
 * What a shard says of its connection: in the log, and as the reason in a snapshot.
 */
#ifndef GWBOTD_SHARD_LOG_H
#define GWBOTD_SHARD_LOG_H

#include <stddef.h>

#include "inflate.h"
#include "secret.h"
#include "session.h"
#include "ws.h"

/** What ended a connection, in one line; the token is masked, should the peer quote it.
 */
void shard_log_describe(const struct ws_end *end, const struct secret *token, char *out,
    size_t room);

/** Neither a resume nor a new session brought an answer to the proof of life. */
void shard_log_deaf(const struct session *session);

/** The server ignored the compression that was asked for. */
void shard_log_plain(const struct session *session, enum inflate_kind asked);

/** Nothing that was compressed could be read, for this reason: connections ask for no
 * compression for so long. */
void shard_log_fallback(const struct session *session, enum inflate_kind asked,
    const char *reason, mono_ns period);

/** One address of a host did not take the connection; another one is tried. */
void shard_log_address(const struct session *session, const char *host,
    const char *reason);

/** A session's own URL, of which this is a part to show, is not used, and why. */
void shard_log_refused_url(const struct session *session, const char *url,
    const char *reason);

/** READY came: warns where it names another shard or version than was asked for. */
void shard_log_ready(const struct session *session);

/** Logs a SESSION_CHANGED that an event brought; host is where the shard is or was
 * connected. */
void shard_log_change(const struct session *session, const char *host,
    const struct session_action *action, const struct session_event *event,
    mono_ns now);

/** Logs where a payload moved the sequence from before (-1: none) past missing ones. */
void shard_log_gap(const struct session *session, int64_t before);

#endif
