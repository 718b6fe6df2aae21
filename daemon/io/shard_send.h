/*
 * What a shard sends: payloads of its session, into its connection.
 *
 * ws may be NULL: nothing is sent then.  A send that does not fit the connection's
 * queue ends the connection, which reports it.
 */
#ifndef GWBOTD_SHARD_SEND_H
#define GWBOTD_SHARD_SEND_H

#include "session.h"
#include "shard.h"
#include "ws.h"

void shard_send_heartbeat(struct ws *ws, const struct session *session);
void shard_send_identify(struct ws *ws, const struct shard_options *options);
void shard_send_probe(struct ws *ws, const struct session *session);
void shard_send_resume(struct ws *ws, const struct shard_options *options,
    const struct session *session);

#endif
