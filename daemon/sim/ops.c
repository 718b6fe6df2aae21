#include "ops.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "budget.h"
#include "log.h"
#include "sim.h"

#define SEND_WINDOW CLOCK_S(60)

/* A guild limit of Discord's: more on one shard is refused with 4011. */
#define GUILDS_PER_SHARD 2500

enum op {
	OP_HEARTBEAT = 1,
	OP_IDENTIFY = 2,
	OP_PRESENCE = 3,
	OP_VOICE_STATE = 4,
	OP_RESUME = 6,
	OP_MEMBERS = 8,
	OP_SOUNDS = 31,
	OP_CHANNEL_INFO = 43,
};

/* A whole number that JSON's double holds exactly. */
static bool
get_natural(const cJSON *item, uint64_t *out)
{
	if (!cJSON_IsNumber(item) || item->valuedouble < 0 ||
	    item->valuedouble > 9007199254740991.0 ||
	    item->valuedouble != (double)(uint64_t)item->valuedouble) {
		return false;
	}
	*out = (uint64_t)item->valuedouble;
	return true;
}

static const cJSON *
member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* Discord counts every send; false where this one was too many. */
static bool
count_send(struct gate *gate)
{
	mono_ns now = gate->conn->sim->now;
	mono_ns *slot = &gate->sends[gate->send_count % GATEWAY_SENDS];
	bool good = gate->send_count < GATEWAY_SENDS || now - *slot >= SEND_WINDOW;

	*slot = now;
	gate->send_count++;
	return good;
}

static void
handle_heartbeat(struct gate *gate, const cJSON *d)
{
	struct sim *sim = gate->conn->sim;
	struct session *session = gate->session;
	uint64_t seq = 0;
	bool number = get_natural(d, &seq);

	if (!number && !cJSON_IsNull(d)) {
		gateway_fail(gate, 4002, "Error while decoding payload.");
		return;
	}
	gate->beat_at = sim->now;
	sim->stats.heartbeats++;
	if (session) {
		session->heartbeats++;
		session->last_beat = number ? seq : UINT64_MAX;
		if (number) {
			session_mark(session, seq, false);
		}
		if (number && seq > session->last_sent) {
			stats_client_error(&sim->stats,
			    "heartbeat d %" PRIu64
			    " is above the last seq sent %" PRIu64,
			    seq, session->last_sent);
		}
	}
	if (!sim_fault(sim, gate->conn->shard)->no_ack) {
		gateway_send(gate,
		    SLICE_LITERAL("{\"t\":null,\"s\":null,\"op\":11,\"d\":null}"));
	}
}

static bool
read_shard(const cJSON *shard, struct world_view *view)
{
	view->shard = 0;
	view->shard_count = 1;
	if (!shard || cJSON_IsNull(shard)) {
		return true;
	}
	return cJSON_IsArray(shard) && cJSON_GetArraySize(shard) == 2 &&
	    get_natural(cJSON_GetArrayItem(shard, 0), &view->shard) &&
	    get_natural(cJSON_GetArrayItem(shard, 1), &view->shard_count) &&
	    view->shard < view->shard_count && view->shard < ARGV_MAX_SHARDS;
}

/* 0, or the close code and why. */
static int
check_identify(struct sim *sim, const cJSON *d, struct world_view *view,
    const char **why)
{
	const cJSON *properties = member(d, "properties");
	const cJSON *threshold = member(d, "large_threshold");
	uint64_t intents = 0;
	uint64_t large = 50;

	*why = "Error while decoding payload.";
	if (!cJSON_IsObject(d) || !cJSON_IsString(member(d, "token")) ||
	    !cJSON_IsObject(properties)) {
		return 4002;
	}
	if (threshold &&
	    (!get_natural(threshold, &large) || large < 50 || large > 250)) {
		return 4002;
	}
	*why = "Authentication failed.";
	if (!sim_token_is_good(sim, slice_of(member(d, "token")->valuestring))) {
		return 4004;
	}
	*why = "Invalid shard.";
	if (!read_shard(member(d, "shard"), view)) {
		return 4010;
	}
	*why = "Sharding required.";
	if (world_shard_guilds(&sim->world, view) > GUILDS_PER_SHARD) {
		return 4011;
	}
	*why = "Invalid intent(s).";
	if (!get_natural(member(d, "intents"), &intents) ||
	    (intents & ~(uint64_t)INTENTS_ALL) != 0) {
		return 4013;
	}
	*why = "Disallowed intent(s).";
	if (!sim->argv.privileged && (intents & INTENTS_PRIVILEGED) != 0) {
		return 4014;
	}
	view->intents = (uint32_t)intents;
	return 0;
}

static struct event *
make_ready(const struct sim *sim, const struct session *session)
{
	struct jsonw out;
	uint64_t count = world_shard_guilds(&sim->world, &session->view);

	jsonw_init(&out, EVENT_MAX_BYTES);
	jsonw_raw(&out, "{\"v\":10,\"user_settings\":{},\"user\":");
	world_put_user(&sim->world, &out, WORLD_BOT, true);
	jsonw_fmt(&out,
	    ",\"shard\":[%" PRIu64 ",%" PRIu64 "],\"session_type\":\"normal\","
	    "\"session_id\":\"%s\",\"resume_gateway_url\":\"%s\",",
	    session->view.shard, session->view.shard_count, session->id,
	    sim->gateway_url);
	jsonw_raw(&out,
	    "\"relationships\":[],\"private_channels\":[],\"presences\":[],"
	    "\"guilds\":[");
	for (uint64_t i = 0; i < count; i++) {
		jsonw_raw(&out,
		    i > 0 ? ",{\"unavailable\":true,\"id\":" :
			    "{\"unavailable\":true,\"id\":");
		jsonw_id(&out, world_guild_id(world_shard_guild(&session->view, i)));
		jsonw_raw(&out, "}");
	}
	jsonw_raw(&out,
	    "],\"guild_join_requests\":[],\"geo_ordered_rtc_regions\":[],"
	    "\"auth\":{},\"application\":{\"id\":");
	jsonw_id(&out, world_bot_id());
	jsonw_raw(&out, ",\"flags\":565248},\"_trace\":[]}");
	return event_take("READY", &out, 0);
}

/* The last identify of the day was spent before: the bot's owner gets a mail. */
static void
reset_token(struct gate *gate)
{
	struct sim *sim = gate->conn->sim;

	sim->budget.token_reset = true;
	log_warning("token_reset", KV("identifies", sim->stats.identifies));
	gateway_fail(gate, 4004, "Authentication failed.");
	for (struct session *at = sim->sessions, *next = NULL; at; at = next) {
		next = at->next;
		if (at->gate) {
			gateway_close(at->gate, GATEWAY_CLOSE_CODE, 4004,
			    "Authentication failed.");
		} else {
			session_end(sim, at);
		}
	}
}

static void
start_session(struct gate *gate, const struct world_view *view)
{
	struct sim *sim = gate->conn->sim;

	if (sim_fault(sim, gate->conn->shard)->no_ready) {
		gate->state = GATE_MUTE;
		return;
	}
	struct session *session = session_new(sim, view);

	if (!session) {
		gateway_send_invalid(gate, false);
		return;
	}
	gateway_attach(gate, session, 1);
	session_push(sim, session, make_ready(sim, session), 0);
	sim->stats.readies++;
	log_info("ready", KV("shard", view->shard), KV("session", session->id),
	    KV("intents", view->intents));
}

static void
handle_identify(struct gate *gate, const cJSON *d)
{
	struct sim *sim = gate->conn->sim;
	struct world_view view = {0};
	const char *why = NULL;

	if (gate->state != GATE_NEW) {
		gateway_fail(gate, 4005, "Already authenticated.");
		return;
	}
	sim->stats.identifies++;
	int code = check_identify(sim, d, &view, &why);

	if (code != 0) {
		sim->stats.identifies_refused++;
		gateway_fail(gate, code, why);
		return;
	}
	gateway_set_shard(gate, view.shard);
	switch (budget_take(sim, view.shard)) {
	case BUDGET_OK:
		start_session(gate, &view);
		return;
	case BUDGET_TOO_SOON:
		sim->stats.identifies_refused++;
		stats_client_error(&sim->stats,
		    "identify of shard %" PRIu64 " too soon after another of its key",
		    view.shard);
		gateway_send_invalid(gate, false);
		return;
	case BUDGET_SPENT:
		sim->stats.identifies_refused++;
		reset_token(gate);
		return;
	}
}

static void
resume_session(struct gate *gate, struct session *session, uint64_t seq)
{
	struct sim *sim = gate->conn->sim;
	struct jsonw out;

	session->resumes++;
	session->replays += seq < session->seq ? 1 : 0;
	gateway_attach(gate, session, seq + 1);
	gate->replay_end = session->seq + 1;
	jsonw_init(&out, EVENT_MAX_BYTES);
	jsonw_raw(&out, "{\"_trace\":[\"gateway-prd-gwsim-1\"]}");
	session_push(sim, session, event_take("RESUMED", &out, 0), 0);
	sim->stats.resumed++;
	log_info("resumed", KV("shard", session->view.shard),
	    KV("session", session->id), KV("seq", seq),
	    KV("replays", gate->replay_end - seq - 1));
}

static void
handle_resume(struct gate *gate, const cJSON *d)
{
	struct sim *sim = gate->conn->sim;
	const cJSON *token = member(d, "token");
	const cJSON *id = member(d, "session_id");
	uint64_t seq = 0;

	sim->stats.resumes++;
	if (gate->state != GATE_NEW) {
		gateway_fail(gate, 4005, "Already authenticated.");
		return;
	}
	if (!cJSON_IsString(token) || !cJSON_IsString(id) ||
	    !get_natural(member(d, "seq"), &seq)) {
		gateway_fail(gate, 4002, "Error while decoding payload.");
		return;
	}
	if (!sim_token_is_good(sim, slice_of(token->valuestring))) {
		gateway_fail(gate, 4004, "Authentication failed.");
		return;
	}
	struct session *session = session_find(sim, slice_of(id->valuestring));

	if (session) {
		gateway_set_shard(gate, session->view.shard);
		session_mark(session, seq, true);
	}
	const struct fault *fault = sim_fault(sim, gate->conn->shard);

	if (fault->resume == FAULT_RESUME_SILENT) {
		gate->state = GATE_MUTE;
	} else if (!session || fault->resume == FAULT_RESUME_REFUSE) {
		sim->stats.resumes_refused++;
		gateway_send_invalid(gate, false);
	} else if (seq > session->seq) {
		sim->stats.resumes_refused++;
		gateway_fail(gate, 4007, "Invalid seq.");
	} else if (seq + 1 < session->first) {
		/* The buffer does not reach back so far. */
		sim->stats.resumes_refused++;
		session_end(sim, session);
		gateway_send_invalid(gate, false);
	} else {
		resume_session(gate, session, seq);
	}
}

/* Leaving a key out closes with 4001, as measured (discord/discord-api-docs#2226). */
static bool
has_keys(const cJSON *d, const char *const *keys, size_t count)
{
	if (!cJSON_IsObject(d)) {
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (!member(d, keys[i])) {
			return false;
		}
	}
	return true;
}

static void
handle_sounds(struct gate *gate, const cJSON *d)
{
	const cJSON *id = NULL;
	struct sim *sim = gate->conn->sim;

	cJSON_ArrayForEach(id, member(d, "guild_ids"))
	{
		if (!cJSON_IsString(id)) {
			continue;
		}
		struct jsonw out;

		jsonw_init(&out, EVENT_MAX_BYTES);
		jsonw_raw(&out, "{\"soundboard_sounds\":[],\"guild_id\":");
		jsonw_string(&out, slice_of(id->valuestring), false);
		jsonw_raw(&out, "}");
		session_push(sim, gate->session,
		    event_take("SOUNDBOARD_SOUNDS", &out, 0), 0);
	}
}

static void
handle_known(struct gate *gate, enum op op, const cJSON *d)
{
	static const char *const presence[] = {"since", "activities", "status", "afk"};
	static const char *const voice[] = {"guild_id", "channel_id", "self_mute",
	    "self_deaf"};
	static const char *const sounds[] = {"guild_ids"};
	static const char *const info[] = {"guild_id", "fields"};
	bool good = true;

	switch (op) {
	case OP_HEARTBEAT:
		handle_heartbeat(gate, d);
		return;
	case OP_IDENTIFY:
		handle_identify(gate, d);
		return;
	case OP_RESUME:
		handle_resume(gate, d);
		return;
	case OP_PRESENCE:
		good = has_keys(d, presence, 4);
		break;
	case OP_VOICE_STATE:
		good = has_keys(d, voice, 4);
		break;
	case OP_SOUNDS:
		good = has_keys(d, sounds, 1);
		break;
	case OP_CHANNEL_INFO:
		good = has_keys(d, info, 2);
		break;
	case OP_MEMBERS:
		good = cJSON_IsObject(d);
		break;
	}
	if (gate->state == GATE_NEW) {
		gateway_fail(gate, 4003, "Not authenticated.");
	} else if (!good) {
		gateway_fail(gate, 4001, "Unknown opcode or bad body for it.");
	} else if (op == OP_PRESENCE) {
		gate->conn->sim->stats.presences++;
	} else if (op == OP_MEMBERS && gate->session) {
		ops_members(gate, d);
	} else if (op == OP_SOUNDS && gate->session) {
		handle_sounds(gate, d);
	}
}

static bool
op_is_known(uint64_t op)
{
	static const enum op known[] = {OP_HEARTBEAT, OP_IDENTIFY, OP_PRESENCE,
	    OP_VOICE_STATE, OP_RESUME, OP_MEMBERS, OP_SOUNDS, OP_CHANNEL_INFO};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if ((uint64_t)known[i] == op) {
			return true;
		}
	}
	return false;
}

static bool
is_utf8(struct slice text)
{
	while (text.size > 0) {
		size_t length = jsonw_utf8_length(text);

		if (length == 0) {
			return false;
		}
		text.data += length;
		text.size -= length;
	}
	return true;
}

void
ops_handle(struct gate *gate, struct slice message)
{
	char text[FRAME_MAX_CLIENT_BYTES + 1];
	uint64_t op = 0;

	if (!count_send(gate)) {
		gateway_fail(gate, 4008, "You are being rate limited.");
		return;
	}
	bool clean = slice_copy(message, text, sizeof text) && is_utf8(message);
	/* Nothing may follow the value. */
	cJSON *payload = clean ? cJSON_ParseWithOpts(text, NULL, true) : NULL;

	if (!cJSON_IsObject(payload) || !get_natural(member(payload, "op"), &op)) {
		gateway_fail(gate, 4002, "Error while decoding payload.");
	} else if (!op_is_known(op)) {
		gateway_fail(gate, 4001, "Unknown opcode.");
	} else {
		handle_known(gate, (enum op)op, member(payload, "d"));
	}
	cJSON_Delete(payload);
}
