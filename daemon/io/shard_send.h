/*
 * What a shard sends: the path of its upgrade, then payloads of its session.
 *
 * ws may be NULL: nothing is sent then.  A send that does not fit the connection's
 * queue ends the connection, which reports it.
 */
#ifndef GWBOTD_SHARD_SEND_H
#define GWBOTD_SHARD_SEND_H

#include "session.h"
#include "shard.h"
#include "ws.h"

/** The path that the upgrade asks for: version, encoding, compression. */
void shard_path(enum inflate_kind kind, char *out, size_t room);

void shard_send_heartbeat(struct ws *ws, const struct session *session);
void shard_send_identify(struct ws *ws, const struct shard_options *options);
void shard_send_presence(struct ws *ws, const struct shard_options *options);
void shard_send_probe(struct ws *ws, const struct session *session);
void shard_send_resume(struct ws *ws, const struct shard_options *options,
    const struct session *session);

#endif
