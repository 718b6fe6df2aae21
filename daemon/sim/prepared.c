#include "prepared.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gateway.h"
#include "sim.h"
#include "vary.h"
#include "xalloc.h"

#define PREPARED_MAX_BYTES ((size_t)1 << 30)

/* Different events; those of more bytes than any decompressor looks back come round
 * again without being a match. */
#define POOL_EVENTS 4096

/* gwbotd reads so many levels; the payload itself is one. */
#define DEEP_LEVELS 16383

#define LATE_BYTES  ((uint64_t)64 << 10)
#define GUILD_BYTES ((uint64_t)5 << 20)

/* At a rate: how often something is sent. */
#define PACE_EVERY CLOCK_MS(1)

struct prepared {
	struct buf bytes;
	struct buf ends; /* size_t each: where a message ends in bytes */
	size_t messages; /* in all */
	size_t sent;     /* of them */
	bool released;
	uint64_t rate;
	mono_ns began_at; /* it was released */
};

/* Making one event after the other. */
struct maker {
	struct gate *gate;
	enum prepared_mix mix;
	struct event *pool[POOL_EVENTS];
	uint64_t pool_count;
	struct buf payload;
	struct buf packed;
};

static const char *const mixes[] = {
    [PREPARED_MIXED] = "mixed",
    [PREPARED_TINY] = "tiny",
    [PREPARED_DEEP] = "deep",
    [PREPARED_LATE] = "late",
    [PREPARED_GUILD] = "guild",
};

bool
prepared_find(const char *name, enum prepared_mix *mix)
{
	for (size_t i = 0; i < sizeof mixes / sizeof mixes[0]; i++) {
		if (strcmp(name, mixes[i]) == 0) {
			*mix = (enum prepared_mix)i;
			return true;
		}
	}
	return false;
}

void
prepared_free(struct prepared *owned_prepared)
{
	if (owned_prepared) {
		buf_fini(&owned_prepared->bytes);
		buf_fini(&owned_prepared->ends);
		free(owned_prepared);
	}
}

/* ---- the events ---- */

static struct event *
make_deep(void)
{
	static const char *const opens[] = {"[", "{\"a\":"};
	static const char *const closes[] = {"]", "}"};
	struct jsonw out;

	jsonw_init(&out, EVENT_MAX_BYTES);
	for (unsigned i = 0; i < DEEP_LEVELS; i++) {
		jsonw_raw(&out, opens[i % 2]);
	}
	jsonw_raw(&out, "0");
	for (unsigned i = DEEP_LEVELS; i > 0; i--) {
		jsonw_raw(&out, closes[(i - 1) % 2]);
	}
	return event_take("BENCH_DEEP", &out, 0);
}

static struct event *
make_event(const struct maker *maker)
{
	struct session *session = maker->gate->session;
	struct sim *sim = maker->gate->conn->sim;

	switch (maker->mix) {
	case PREPARED_MIXED:
		return vary_event(session_make_random(sim, session), &session->rng);
	case PREPARED_TINY:
		return event_new("A", SLICE_LITERAL("0"), 0);
	case PREPARED_DEEP:
		return make_deep();
	case PREPARED_LATE:
	case PREPARED_GUILD:
		return world_guild_create(&sim->world, 0, session->view.intents,
		    maker->mix == PREPARED_LATE ? LATE_BYTES : GUILD_BYTES);
	}
	return NULL;
}

static void
drop_pool(struct maker *maker)
{
	for (uint64_t i = 0; i < maker->pool_count; i++) {
		event_unref(maker->pool[i]);
	}
}

static bool
fill_pool(struct maker *maker, uint64_t count)
{
	uint64_t most = maker->mix == PREPARED_MIXED ? POOL_EVENTS : 1;

	most = count < most ? count : most;
	while (maker->pool_count < most) {
		struct event *event = make_event(maker);

		if (!event) {
			return false;
		}
		maker->pool[maker->pool_count++] = event;
	}
	return true;
}

/* Discord's key order, or the one that tells the sequence number last. */
static enum gw_err
write_payload(struct maker *maker, const struct event *event, uint64_t seq, uint64_t id)
{
	struct buf *out = &maker->payload;

	buf_clear(out);
	if (maker->mix == PREPARED_LATE) {
		enum gw_err err = buf_reserve(out, event->size + event->name_size + 64);

		if (err != GW_OK) {
			return err;
		}
		(void)buf_append(out, "{\"d\":", 5);
		(void)buf_append(out, event->bytes + event->name_size, event->size);
		return buf_printf(out, ",\"t\":\"%.*s\",\"s\":%" PRIu64 ",\"op\":0}",
		    (int)event->name_size, event->bytes, seq);
	}
	size_t size = event_wire_size(event, seq);
	enum gw_err err = buf_reserve(out, size);

	if (err == GW_OK) {
		event_write(event, seq, id, out->data);
		out->size = size;
	}
	return err;
}

/* ---- the stream ---- */

/* One message more; on an error the stream may hold a part of it. */
static enum gw_err
append(struct prepared *prepared, struct gate *gate, struct slice message)
{
	const struct fault *fault = sim_fault(gate->conn->sim, gate->conn->shard);
	enum gw_err err = frame_append(&prepared->bytes,
	    gate->codec ? FRAME_BINARY : FRAME_TEXT, message, fault->split_bytes);

	if (err == GW_OK) {
		err = buf_append(&prepared->ends, &prepared->bytes.size,
		    sizeof prepared->bytes.size);
	}
	prepared->messages += err == GW_OK;
	return err;
}

static enum gw_err
pack_and_append(struct prepared *prepared, struct gate *gate, struct slice payload,
    struct buf *packed)
{
	if (!gate->codec) {
		return append(prepared, gate, payload);
	}
	buf_clear(packed);
	enum gw_err err = codec_pack(gate->codec, payload, packed);

	return err == GW_OK ? append(prepared, gate, buf_slice(packed)) : err;
}

static enum gw_err
make_all(struct maker *maker, struct prepared *prepared, uint64_t count,
    struct prepared_size *size)
{
	struct gate *gate = maker->gate;
	struct world *world = &gate->conn->sim->world;

	if (!fill_pool(maker, count)) {
		return GW_ERR_NOMEM;
	}
	for (uint64_t i = 0; i < count; i++) {
		const struct event *event = maker->pool[i % maker->pool_count];
		enum gw_err err = write_payload(maker, event,
		    gate->session->seq + 1 + i, ++world->last_id);

		if (err == GW_OK) {
			err = pack_and_append(prepared, gate,
			    buf_slice(&maker->payload), &maker->packed);
		}
		if (err != GW_OK) {
			return err;
		}
		size->payload_bytes += maker->payload.size;
	}
	size->wire_bytes += prepared->bytes.size;
	return GW_OK;
}

const char *
prepared_make(struct gate *gate, enum prepared_mix mix, uint64_t count,
    struct prepared_size *size)
{
	struct session *session = gate->session;
	struct maker maker = {.gate = gate, .mix = mix};
	const char *error = NULL;

	if (gate->state != GATE_LIVE || gate->cursor <= session->seq ||
	    session->guilds_left > 0 || session->flood_left > 0 || gate->prepared) {
		return "its client must have read all events";
	}
	struct prepared *prepared = xzalloc(sizeof *prepared);

	buf_init(&prepared->bytes, PREPARED_MAX_BYTES);
	buf_init(&prepared->ends, PREPARED_MAX_BYTES);
	buf_init(&maker.payload, EVENT_MAX_BYTES);
	buf_init(&maker.packed, EVENT_MAX_BYTES);
	if (make_all(&maker, prepared, count, size) == GW_OK) {
		session_skip(gate->conn->sim, session, count);
		gate->cursor = session->seq + 1;
		gate->prepared = prepared;
		size->last_seq = session->seq;
	} else {
		/* The codec is ahead of what was sent: the connection is no good. */
		prepared_free(prepared);
		conn_drop(gate->conn);
		error = "more than 1 GiB, or no memory: the connection was dropped";
	}
	drop_pool(&maker);
	buf_fini(&maker.payload);
	buf_fini(&maker.packed);
	return error;
}

bool
prepared_takes(struct gate *gate, struct slice payload)
{
	struct buf packed;

	if (!gate->prepared || !gate->codec) {
		return false;
	}
	buf_init(&packed, EVENT_MAX_BYTES);
	if (pack_and_append(gate->prepared, gate, payload, &packed) != GW_OK) {
		conn_reset(gate->conn);
	}
	buf_fini(&packed);
	return true;
}

/* ---- sending ---- */

void
prepared_release(struct gate *gate, uint64_t rate)
{
	if (gate->prepared) {
		gate->prepared->released = true;
		gate->prepared->rate = rate;
		gate->prepared->began_at = gate->conn->sim->now;
	}
}

static size_t
end_of(const struct prepared *prepared, size_t messages)
{
	size_t end = 0;

	if (messages > 0) {
		memcpy(&end, prepared->ends.data + (messages - 1) * sizeof end,
		    sizeof end);
	}
	return end;
}

/* The messages that may be sent by now. */
static size_t
allowed(const struct prepared *prepared, mono_ns now)
{
	if (!prepared->released) {
		return 0;
	}
	if (prepared->rate == 0) {
		return prepared->messages;
	}
	double due = clock_seconds(now - prepared->began_at) * (double)prepared->rate;

	return due < (double)prepared->messages ? (size_t)due : prepared->messages;
}

bool
prepared_refill(struct gate *gate)
{
	struct prepared *prepared = gate->prepared;
	struct conn *conn = gate->conn;

	if (!prepared) {
		return false;
	}
	size_t most = allowed(prepared, conn->sim->now);
	size_t from = end_of(prepared, prepared->sent);
	size_t room = conn_queued(conn) < CONN_HIGH_WATER ?
	    CONN_HIGH_WATER - conn_queued(conn) :
	    0;

	/* The last message may pass the mark. */
	while (
	    prepared->sent < most && end_of(prepared, prepared->sent) - from < room) {
		prepared->sent++;
	}
	size_t size = end_of(prepared, prepared->sent) - from;

	if (size > 0 &&
	    buf_append(&conn->out, prepared->bytes.data + from, size) != GW_OK) {
		conn_reset(conn);
		return true;
	}
	if (prepared->sent < prepared->messages) {
		return true;
	}
	prepared_free(prepared);
	gate->prepared = NULL;
	return false;
}

mono_ns
prepared_wake_at(const struct gate *gate)
{
	const struct prepared *prepared = gate->prepared;

	/* A stream without a rate goes by the reader's pace alone. */
	return prepared && prepared->released && prepared->rate > 0 ?
	    gate->conn->sim->now + PACE_EVERY :
	    CLOCK_NEVER;
}
