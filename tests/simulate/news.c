/* What arrives from the network, in the session's words. */
#include <inttypes.h>
#include <stdio.h>

#include "simulate.h"

static void
take_payload(struct sim *sim, const struct note *note, struct payload payload)
{
	host_step(sim, note->lane,
	    &(struct session_event){.kind = SESSION_PAYLOAD, .payload = &payload},
	    note);
}

static void
take_hello(struct sim *sim, const struct note *note)
{
	static const char *const hostile[] = {"null", "{}",
	    "{\"heartbeat_interval\":-5}", "{\"heartbeat_interval\":1}",
	    "{\"heartbeat_interval\":1000000000000}",
	    "{\"heartbeat_interval\":\"41250\"}"};
	char data[64];

	if (note->value < 0) {
		(void)snprintf(data, sizeof data, "%s", hostile[-1 - note->value]);
	} else {
		(void)snprintf(data, sizeof data,
		    "{\"heartbeat_interval\":%" PRId64 "}", note->value);
	}
	take_payload(sim, note,
	    (struct payload){.op = PAYLOAD_HELLO, .data = slice_of(data)});
}

static void
take_dispatch(struct sim *sim, const struct note *note, const char *type,
    const char *data, int64_t seq)
{
	take_payload(sim, note,
	    (struct payload){
		.op = PAYLOAD_DISPATCH,
		.has_seq = true,
		.seq = seq,
		.type = slice_of(type),
		.data = slice_of(data),
	    });
}

static void
take_ready(struct sim *sim, const struct note *note)
{
	char data[160] = "{}";

	if (note->value > 0) {
		(void)snprintf(data, sizeof data,
		    "{\"session_id\":\"s%" PRId64 "\",\"resume_gateway_url\":"
		    "\"wss://r%" PRId64 ".discord.gg\",\"user\":{\"id\":\"42\"},"
		    "\"guilds\":[{\"id\":\"1\"}]}",
		    note->value, note->value % 7);
	}
	take_dispatch(sim, note, "READY", data, 1);
}

static void
take_lost(struct sim *sim, const struct note *note)
{
	host_step(sim, note->lane,
	    &(struct session_event){
		.kind = SESSION_LOST,
		.code = (unsigned)note->value,
		.retry_after = note->more,
	    },
	    note);
}

void
host_take_event(struct sim *sim, const struct note *note, enum session_event_kind kind)
{
	host_step(sim, note->lane,
	    &(struct session_event){
		.kind = kind,
		.code = CLOSECODE_NONE,
		.text = kind == SESSION_UNREADABLE ? "not JSON" : NULL,
		.drop_session = kind == SESSION_RECONNECT && note->value != 0,
	    },
	    note);
}

bool
host_take_news(struct sim *sim, const struct note *note)
{
	switch ((int)note->kind) {
	case NOTE_OPENED:
		discord_opened(sim, note->lane);
		host_take_event(sim, note, SESSION_OPENED);
		return true;
	case NOTE_HELLO:
		take_hello(sim, note);
		return true;
	case NOTE_READY:
		take_ready(sim, note);
		return true;
	case NOTE_RESUMED:
		take_dispatch(sim, note, "RESUMED", "{}", note->value);
		return true;
	case NOTE_DISPATCH:
	case NOTE_REPEAT:
	case NOTE_GAP:
		take_dispatch(sim, note, "MESSAGE_CREATE", "{}", note->value);
		return true;
	case NOTE_ACK:
		take_payload(sim, note, (struct payload){.op = PAYLOAD_HEARTBEAT_ACK});
		return true;
	case NOTE_BEAT_ASKED:
		take_payload(sim, note, (struct payload){.op = PAYLOAD_HEARTBEAT});
		return true;
	case NOTE_OP7:
		take_payload(sim, note, (struct payload){.op = PAYLOAD_RECONNECT});
		return true;
	case NOTE_OP9_TRUE:
	case NOTE_OP9_FALSE:
		take_payload(sim, note,
		    (struct payload){
			.op = PAYLOAD_INVALID_SESSION,
			.data =
			    slice_of(note->kind == NOTE_OP9_TRUE ? "true" : "false"),
		    });
		return true;
	case NOTE_UNREADABLE:
		host_take_event(sim, note, SESSION_UNREADABLE);
		return true;
	case NOTE_FRAME:
		host_take_event(sim, note, SESSION_FRAME);
		return true;
	case NOTE_LOST:
		take_lost(sim, note);
		return true;
	default:
		return false;
	}
}
