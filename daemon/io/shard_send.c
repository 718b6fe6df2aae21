#include "shard_send.h"

#include <stdio.h>
#include <string.h>

#include "payload.h"

/* The query of the gateway's URL is ours: what it came with is not kept. */
void
shard_path(enum inflate_kind kind, char *out, size_t room)
{
	(void)snprintf(out, room, "/?v=10&encoding=json%s%s",
	    kind == INFLATE_NONE ? "" : "&compress=",
	    kind == INFLATE_NONE ? "" : inflate_name(kind));
}

static void
send_text(struct ws *ws, const char *text, size_t size)
{
	if (ws && size > 0) {
		(void)ws_send_text(ws, text, size);
	}
}

void
shard_send_heartbeat(struct ws *ws, const struct session *session)
{
	char text[64];
	int64_t seq = session->saved.seq;

	send_text(ws, text, payload_write_heartbeat(text, sizeof text, seq >= 0, seq));
}

void
shard_send_identify(struct ws *ws, const struct shard_options *options)
{
	char text[PAYLOAD_SEND_BYTES];
	struct payload_identify identify = {
	    .token = secret_reveal(options->token),
	    .intents = options->intents,
	    .shard_id = options->session.shard_id,
	    .shard_count = options->session.shard_count,
	    .presence = options->presence,
	};

	send_text(ws, text, payload_write_identify(text, sizeof text, &identify));
	explicit_bzero(text, sizeof text);
}

void
shard_send_resume(struct ws *ws, const struct shard_options *options,
    const struct session *session)
{
	char text[PAYLOAD_SEND_BYTES];

	send_text(ws, text,
	    payload_write_resume(text, sizeof text, secret_reveal(options->token),
		session->saved.id, session->saved.seq));
	explicit_bzero(text, sizeof text);
}

void
shard_send_probe(struct ws *ws, const struct session *session)
{
	char text[256];

	send_text(ws, text,
	    payload_write_probe(text, sizeof text, session->saved.guild_id,
		session->saved.user_id, session->probe.nonce));
}

void
shard_send_presence(struct ws *ws, const struct shard_options *options)
{
	char text[PAYLOAD_SEND_BYTES];

	send_text(ws, text,
	    payload_write_presence(text, sizeof text, options->presence));
}
