#include "gateway.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "ops.h"
#include "prepared.h"
#include "sim.h"
#include "xalloc.h"

#define CLOSE_WITHIN CLOCK_S(1)
#define LEAVE_AFTER  CLOCK_S(5)

/* Events that are made at once for a connection that has caught up. */
#define OWED_BATCH 64

/* Events sent before the others get their turn: compressing them takes 5 ms. */
#define REFILL_EVENTS 256

static void on_input(struct conn *conn);
static void on_refill(struct conn *conn);
static mono_ns on_tick(struct conn *conn);
static void on_gone(struct conn *conn);

static const struct conn_user user = {.input = on_input,
    .refill = on_refill,
    .tick = on_tick,
    .gone = on_gone};

static const struct fault *
fault_of(const struct gate *gate)
{
	return sim_fault(gate->conn->sim, gate->conn->shard);
}

struct gate *
gateway_of(const struct conn *conn)
{
	return conn->user == &user && conn->phase != CONN_DEAD ? conn->owner : NULL;
}

void
gateway_open(struct conn *conn, enum codec_kind kind)
{
	struct sim *sim = conn->sim;
	struct gate *gate = xzalloc(sizeof *gate);
	const struct fault *fault = sim_fault(sim, conn->shard);

	*gate = (struct gate){.conn = conn,
	    .kind = fault->codec_forced ? fault->codec : kind,
	    .opened_at = sim->now,
	    .beat_at = sim->now,
	    .leave_at = CLOCK_NEVER};
	gate->codec = codec_new(gate->kind);
	buf_init(&gate->message, FRAME_MAX_CLIENT_BYTES);
	conn->user = &user;
	conn->owner = gate;
	sim->stats.upgrades++;
	log_info("upgraded", KV("compress", codec_name(gate->kind)));
	if (!fault->no_hello) {
		gateway_send_hello(gate);
	}
}

static void
frame_out(struct gate *gate, enum frame_opcode opcode, struct slice message)
{
	struct conn *conn = gate->conn;

	if (frame_append(&conn->out, opcode, message, fault_of(gate)->split_bytes) !=
	    GW_OK) {
		/* It reads nothing and has made us queue all that fits. */
		conn_reset(conn);
	}
}

void
gateway_send(struct gate *gate, struct slice payload)
{
	struct buf packed;

	if (prepared_takes(gate, payload)) {
		return;
	}
	if (!gate->codec) {
		frame_out(gate, FRAME_TEXT, payload);
		return;
	}
	buf_init(&packed, EVENT_MAX_BYTES);
	if (codec_pack(gate->codec, payload, &packed) == GW_OK) {
		frame_out(gate, FRAME_BINARY, buf_slice(&packed));
	} else {
		conn_reset(gate->conn);
	}
	buf_fini(&packed);
}

/* The way of a flood: straight into the queue. */
static bool
send_event_plain(struct gate *gate, const struct session_slot *slot, uint64_t seq,
    size_t size)
{
	struct buf *out = &gate->conn->out;

	if (buf_reserve(out, FRAME_MAX_HEAD + size) != GW_OK) {
		return false;
	}
	out->size += frame_write_head(out->data + out->size, true, FRAME_TEXT, size);
	event_write(slot->event, seq, slot->id, out->data + out->size);
	out->size += size;
	return true;
}

static void
send_event(struct gate *gate, const struct session_slot *slot, uint64_t seq)
{
	size_t size = event_wire_size(slot->event, seq);

	if (!gate->codec && fault_of(gate)->split_bytes == 0) {
		if (!send_event_plain(gate, slot, seq, size)) {
			conn_reset(gate->conn);
		}
		return;
	}
	struct buf payload;

	buf_init(&payload, EVENT_MAX_BYTES);
	if (buf_reserve(&payload, size) == GW_OK) {
		event_write(slot->event, seq, slot->id, payload.data);
		gateway_send(gate, (struct slice){payload.data, size});
	} else {
		conn_reset(gate->conn);
	}
	buf_fini(&payload);
}

/* It reads more slowly than things happen: what it should get next is gone. */
static void
drop_laggard(struct gate *gate)
{
	stats_client_error(&gate->conn->sim->stats,
	    "reads too slowly: event %" PRIu64 " is gone", gate->cursor);
	conn_drop(gate->conn);
}

/* Its session has said READY or RESUMED and is to say nothing more. */
static bool
is_deaf(const struct gate *gate)
{
	uint64_t login = gate->replay_end > 0 ? gate->replay_end : 1;

	return gate->cursor > login &&
	    sim_fault(gate->conn->sim, gate->conn->shard)->deaf;
}

static void
on_refill(struct conn *conn)
{
	struct gate *gate = conn->owner;

	if (prepared_refill(gate)) {
		return;
	}
	for (int i = 0; i < REFILL_EVENTS && gate->state == GATE_LIVE &&
	     conn->phase == CONN_OPEN && conn_queued(conn) < CONN_HIGH_WATER;
	     i++) {
		struct session *session = gate->session;

		if (is_deaf(gate)) {
			return;
		}
		if (gate->cursor > session->seq) {
			if (session_make_owed(conn->sim, session, OWED_BATCH) == 0) {
				return;
			}
			continue;
		}
		const struct session_slot *slot =
		    session_slot_at(conn->sim, session, gate->cursor);

		if (!slot) {
			drop_laggard(gate);
			return;
		}
		uint64_t seq = gate->cursor++;

		session->last_sent =
		    seq > session->last_sent ? seq : session->last_sent;
		if (seq < gate->replay_end) {
			session->replayed++;
			conn->sim->stats.replayed++;
		}
		/* Last: it may end the connection, and the gate with it. */
		send_event(gate, slot, seq);
		if (conn->phase == CONN_DEAD) {
			return;
		}
	}
}

void
gateway_wake(struct gate *gate)
{
	conn_flush(gate->conn);
}

void
gateway_forget_session(struct gate *gate)
{
	gate->session = NULL;
	if (gate->state == GATE_LIVE) {
		gate->state = GATE_NEW;
		gate->opened_at = gate->conn->sim->now;
	}
}

void
gateway_attach(struct gate *gate, struct session *session, uint64_t cursor)
{
	if (session->gate) {
		struct gate *old = session->gate;

		/* The newer connection has it; the older one is of no use any more. */
		old->session = NULL;
		old->state = GATE_NEW;
		gateway_close(old, GATEWAY_CLOSE_CODE, 4000, "Session taken over.");
	}
	session->gate = gate;
	session->expires_at = CLOCK_NEVER;
	gate->session = session;
	gate->cursor = cursor;
	gate->state = GATE_LIVE;
}

void
gateway_set_shard(struct gate *gate, uint64_t shard)
{
	gate->conn->shard = (int)shard;
}

void
gateway_send_hello(struct gate *gate)
{
	char text[160];
	int size = snprintf(text, sizeof text,
	    "{\"t\":null,\"s\":null,\"op\":10,\"d\":{\"heartbeat_interval\":%" PRId64
	    ",\"_trace\":[\"[\\\"gateway-prd-gwsim-1\\\",{\\\"micros\\\":0.0}]\"]}}",
	    gate->conn->sim->argv.heartbeat_interval_ms);

	gate->told_hello = true;
	gate->beat_at = gate->conn->sim->now;
	gateway_send(gate, (struct slice){text, (size_t)size});
}

void
gateway_send_reconnect(struct gate *gate)
{
	gateway_send(gate,
	    SLICE_LITERAL("{\"t\":null,\"s\":null,\"op\":7,\"d\":null}"));
	gate->leave_at = gate->conn->sim->now + LEAVE_AFTER;
}

void
gateway_send_invalid(struct gate *gate, bool resumable)
{
	struct sim *sim = gate->conn->sim;
	struct session *session = gate->session;

	if (session) {
		gateway_forget_session(gate);
		session_detach(sim, session);
		if (!resumable) {
			session_end(sim, session);
		}
	}
	gate->state = GATE_NEW;
	gate->opened_at = sim->now;
	gateway_send(gate,
	    resumable ? SLICE_LITERAL("{\"t\":null,\"s\":null,\"op\":9,\"d\":true}") :
			SLICE_LITERAL("{\"t\":null,\"s\":null,\"op\":9,\"d\":false}"));
}

/* Codes after which the session cannot be resumed. */
static bool
code_ends_session(int code)
{
	return code == 4001 || code == 4003 || code == 4004 || code == 4006 ||
	    code == 4007 || (code >= 4009 && code <= 4014);
}

static void
leave_session(struct gate *gate, bool end)
{
	struct session *session = gate->session;

	if (!session) {
		return;
	}
	gate->session = NULL;
	session_detach(gate->conn->sim, session);
	if (end) {
		session_end(gate->conn->sim, session);
	}
}

void
gateway_close(struct gate *gate, enum gateway_close_form form, int code,
    const char *reason)
{
	char body[125];
	size_t size = form == GATEWAY_CLOSE_EMPTY ? 0 : 1;

	if (gate->state == GATE_CLOSING) {
		return;
	}
	body[0] = (char)(code >> 8 & 0xFF);
	if (form == GATEWAY_CLOSE_CODE) {
		body[1] = (char)(code & 0xFF);
		(void)slice_copy(slice_of(reason), body + 2, sizeof body - 2);
		size = 2 + strlen(body + 2);
	}
	log_info("closing", KV("code", code), KV("reason", reason));
	leave_session(gate, form == GATEWAY_CLOSE_CODE && code_ends_session(code));
	gate->state = GATE_CLOSING;
	gate->leave_at = gate->conn->sim->now + CLOSE_WITHIN;
	/* Control frames are never split. */
	if (frame_append(&gate->conn->out, FRAME_CLOSE, (struct slice){body, size},
		0) != GW_OK) {
		conn_reset(gate->conn);
		return;
	}
	conn_flush(gate->conn);
}

void
gateway_fail(struct gate *gate, int code, const char *reason)
{
	stats_client_error(&gate->conn->sim->stats, "%d %s", code, reason);
	gateway_close(gate, GATEWAY_CLOSE_CODE, code, reason);
}

/* The client's close frame: 1000 and 1001 end the session, all else leaves it. */
static void
on_close_frame(struct gate *gate, struct slice body)
{
	struct conn *conn = gate->conn;
	int code = 1005;

	if (body.size >= 2) {
		code = (unsigned char)body.data[0] << 8 | (unsigned char)body.data[1];
	}
	conn->sim->stats.closes_by_client++;
	conn->sim->stats.last_client_close_code = (uint64_t)code;
	if (gate->state != GATE_CLOSING) {
		log_info("closed_by_client", KV("code", code));
		leave_session(gate, code == 1000 || code == 1001);
		gate->state = GATE_CLOSING;
		body.size = body.size >= 2 ? 2 : 0;
		(void)frame_append(&conn->out, FRAME_CLOSE, body, 0);
	}
	conn_finish(conn);
}

static void
on_text(struct gate *gate, const struct frame *frame)
{
	bool first = frame->opcode == FRAME_TEXT;

	if (first == gate->in_message) {
		gateway_fail(gate, 1002, "Fragments out of order.");
		return;
	}
	if (buf_append(&gate->message, frame->payload.data, frame->payload.size) !=
	    GW_OK) {
		gateway_fail(gate, 4002, "Payload over 4096 bytes.");
		return;
	}
	gate->in_message = !frame->fin;
	if (frame->fin) {
		/* Handling may end the gate: nothing of it is used after. */
		char text[FRAME_MAX_CLIENT_BYTES];
		size_t size = gate->message.size;

		memcpy(text, gate->message.data ? gate->message.data : "", size);
		buf_clear(&gate->message);
		ops_handle(gate, (struct slice){text, size});
	}
}

static void
on_frame(struct gate *gate, const struct frame *frame)
{
	switch (frame->opcode) {
	case FRAME_CLOSE:
		on_close_frame(gate, frame->payload);
		return;
	case FRAME_PING:
		/* Those who ping without reading get no pongs. */
		if (conn_queued(gate->conn) < CONN_HIGH_WATER) {
			(void)frame_append(&gate->conn->out, FRAME_PONG, frame->payload,
			    0);
		}
		return;
	case FRAME_PONG:
		return;
	case FRAME_BINARY:
		gateway_fail(gate, 4002, "Binary frame under encoding=json.");
		return;
	case FRAME_TEXT:
	case FRAME_CONTINUATION:
		if (gate->state != GATE_CLOSING) {
			on_text(gate, frame);
		}
		return;
	}
}

static void
on_bad_frame(struct gate *gate, enum frame_result result)
{
	/* Failing may end the gate. */
	struct conn *conn = gate->conn;

	if (gate->state == GATE_CLOSING) {
		conn_finish(conn);
		return;
	}
	switch (result) {
	case FRAME_UNMASKED:
		gateway_fail(gate, 4002, "Frame without a mask.");
		break;
	case FRAME_LARGE:
		gateway_fail(gate, 4002, "Payload over 4096 bytes.");
		break;
	case FRAME_BAD:
		gateway_fail(gate, 1002, "Frame against RFC 6455.");
		break;
	case FRAME_MORE:
	case FRAME_DONE:
		break;
	}
	/* What follows cannot be read: only its end is awaited. */
	conn_finish(conn);
}

static void
on_input(struct conn *conn)
{
	size_t used = 0;

	while (conn->phase == CONN_OPEN) {
		struct gate *gate = conn->owner;
		struct frame frame;
		enum frame_result result =
		    frame_parse(conn->in.data + used, conn->in.size - used, &frame);

		if (result == FRAME_MORE) {
			break;
		}
		if (result != FRAME_DONE) {
			used = conn->in.size;
			on_bad_frame(gate, result);
			break;
		}
		used += frame.size;
		on_frame(gate, &frame);
	}
	if (conn->phase == CONN_DEAD) {
		return;
	}
	buf_consume(&conn->in, conn->phase == CONN_OPEN ? used : conn->in.size);
	if (conn->peer_fin) {
		conn_drop(conn);
	}
}

static mono_ns
on_tick(struct conn *conn)
{
	struct gate *gate = conn->owner;
	struct sim *sim = conn->sim;
	mono_ns patience = CLOCK_MS(sim->argv.heartbeat_interval_ms * 3 / 2);
	mono_ns beat_by = gate->told_hello ? gate->beat_at + patience : CLOCK_NEVER;
	mono_ns session_by = gate->state == GATE_NEW ?
	    gate->opened_at + sim->argv.identify_within :
	    CLOCK_NEVER;

	if (sim->now >= gate->leave_at) {
		if (gate->state == GATE_CLOSING) {
			conn_finish(conn);
			return CLOCK_NEVER;
		}
		gateway_close(gate, GATEWAY_CLOSE_CODE, 4000, "Reconnect was asked.");
		return sim->now + CLOSE_WITHIN;
	}
	if (gate->state == GATE_CLOSING) {
		return gate->leave_at;
	}
	if (gate->session && gate->cursor < gate->session->first) {
		drop_laggard(gate);
		return CLOCK_NEVER;
	}
	if (sim->now >= beat_by) {
		gateway_fail(gate, 4000, "Heartbeat missing.");
		return sim->now + CLOSE_WITHIN;
	}
	if (sim->now >= session_by) {
		gateway_fail(gate, 4009, "Session timed out.");
		return sim->now + CLOSE_WITHIN;
	}
	mono_ns wake_at = beat_by < session_by ? beat_by : session_by;
	mono_ns pace_at = prepared_wake_at(gate);

	if (pace_at != CLOCK_NEVER) {
		/* It may end the connection, and the gate with it. */
		conn_flush(conn);
		return conn->phase == CONN_DEAD ? CLOCK_NEVER : pace_at;
	}

	return gate->leave_at < wake_at ? gate->leave_at : wake_at;
}

static void
on_gone(struct conn *conn)
{
	struct gate *gate = conn->owner;

	leave_session(gate, false);
	codec_free(gate->codec);
	prepared_free(gate->prepared);
	buf_fini(&gate->message);
	free(gate);
	conn->owner = NULL;
}
