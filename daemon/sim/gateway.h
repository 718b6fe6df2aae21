/*
 * Gateway: the websocket side of one connection, as Discord plays it.
 */
#ifndef GWSIM_GATEWAY_H
#define GWSIM_GATEWAY_H

#include <cjson/cJSON.h>

#include "codec.h"
#include "conn.h"
#include "frame.h"
#include "session.h"

/* Discord: 120 sends per 60 s per connection. */
#define GATEWAY_SENDS 120

enum gate_state {
	GATE_NEW,     /* neither IDENTIFY nor RESUME was accepted */
	GATE_LIVE,    /* has a session */
	GATE_MUTE,    /* a fault: accepted, but never answered */
	GATE_CLOSING, /* close frame sent, the client's is awaited */
};

struct gate {
	struct conn *conn;
	struct session *session;
	enum gate_state state;
	enum codec_kind kind;
	struct codec *codec;
	struct prepared *prepared; /* goes before all else; NULL: nothing */
	uint64_t cursor;           /* sequence number to be sent next */
	uint64_t replay_end;       /* events up to it are replayed ones */
	struct buf message;        /* fragments of a text message so far */
	bool in_message;
	mono_ns sends[GATEWAY_SENDS]; /* a ring of the last ones */
	uint64_t send_count;
	mono_ns opened_at;
	mono_ns beat_at;        /* the last one, or when it began to count */
	mono_ns leave_at;       /* after op 7: when the server closes by itself */
	mono_ns all_members_at; /* last op 8 for all members */
	bool told_hello;
};

/** Makes a connection a gateway connection: after the 101 was queued. */
void gateway_open(struct conn *conn, enum codec_kind kind);

/** The gate of a connection, NULL where it is not one. */
struct gate *gateway_of(const struct conn *conn);

/** Sends what the session has for it. */
void gateway_wake(struct gate *gate);

/** Its session has ended. */
void gateway_forget_session(struct gate *gate);

/** Queues one payload, compressed and framed as the connection has it. */
void gateway_send(struct gate *gate, struct slice payload);

void gateway_send_hello(struct gate *gate);

/** op 7; the server closes by itself 5 s later. */
void gateway_send_reconnect(struct gate *gate);

/** op 9; the connection is as before IDENTIFY then, false ends the session. */
void gateway_send_invalid(struct gate *gate, bool resumable);

/** Which bodies a close frame can have. */
enum gateway_close_form {
	GATEWAY_CLOSE_CODE,
	GATEWAY_CLOSE_EMPTY, /* no code at all */
	GATEWAY_CLOSE_SHORT, /* one byte: against RFC 6455 */
};

/** Sends a close frame and waits a second for the client's. */
void gateway_close(struct gate *gate, enum gateway_close_form form, int code,
    const char *reason);

/** A client's error: counts it and closes with the code. */
void gateway_fail(struct gate *gate, int code, const char *reason);

/** Puts the session on the connection: from the next event on it is sent. */
void gateway_attach(struct gate *gate, struct session *session, uint64_t cursor);

/** Counts a fault that the shard of a connection decides, now that it is known. */
void gateway_set_shard(struct gate *gate, uint64_t shard);

#endif
