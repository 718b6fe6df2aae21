/* Op 8, Request Guild Members: the members asked for come back as dispatches. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ops.h"
#include "sim.h"

#define USER_IDS_MAX     100
#define QUERY_MAX        100
#define ALL_MEMBERS_WAIT CLOCK_S(30)
#define NONCE_MAX_BYTES  32

static const cJSON *
member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

struct chunk {
	const struct world *world;
	struct jsonw members;
	struct jsonw not_found;
	uint64_t guild;
	int count;
};

static void
add_member(struct chunk *chunk, int user)
{
	jsonw_raw(&chunk->members, chunk->count++ > 0 ? "," : "");
	world_put_member(chunk->world, &chunk->members, chunk->guild, user, true);
}

static void
add_by_id(struct chunk *chunk, const cJSON *id)
{
	int user = WORLD_BOT;

	if (!cJSON_IsString(id)) {
		return;
	}
	if (strtoull(id->valuestring, NULL, 10) == world_bot_id() ||
	    world_find_user(chunk->world, id->valuestring, &user)) {
		add_member(chunk, user);
		return;
	}
	jsonw_raw(&chunk->not_found, chunk->not_found.buf.size > 0 ? "," : "");
	jsonw_string(&chunk->not_found, slice_of(id->valuestring), false);
}

static void
add_by_query(struct chunk *chunk, const char *query, int limit)
{
	if (strncasecmp("gwsim", query, strlen(query)) == 0) {
		add_member(chunk, WORLD_BOT);
	}
	for (int user = 0; user < WORLD_USERS && chunk->count < limit; user++) {
		struct jsonw text;

		/* The user name is the first field of a user. */
		jsonw_init(&text, 4096);
		world_put_user(chunk->world, &text, user, false);
		const char *name = text.buf.data + strlen("{\"username\":\"");

		if (strncasecmp(name, query, strlen(query)) == 0) {
			add_member(chunk, user);
		}
		jsonw_fini(&text);
	}
}

static void
put_nonce(struct jsonw *out, const cJSON *d)
{
	const cJSON *nonce = member(d, "nonce");

	if (cJSON_IsString(nonce) && strlen(nonce->valuestring) <= NONCE_MAX_BYTES) {
		jsonw_raw(out, ",\"nonce\":");
		jsonw_string(out, slice_of(nonce->valuestring), false);
	}
}

static struct event *
finish_chunk(struct chunk *chunk, const cJSON *d)
{
	struct jsonw out;

	jsonw_init(&out, EVENT_MAX_BYTES);
	jsonw_raw(&out, "{\"not_found\":[");
	out.err = out.err == GW_OK ?
	    buf_append(&out.buf, chunk->not_found.buf.data, chunk->not_found.buf.size) :
	    out.err;
	jsonw_raw(&out, "],\"members\":[");
	out.err = out.err == GW_OK ?
	    buf_append(&out.buf, chunk->members.buf.data, chunk->members.buf.size) :
	    out.err;
	jsonw_raw(&out, "],\"guild_id\":");
	jsonw_id(&out, world_guild_id(chunk->guild));
	put_nonce(&out, d);
	jsonw_raw(&out, ",\"chunk_index\":0,\"chunk_count\":1}");
	return event_take("GUILD_MEMBERS_CHUNK", &out, 0);
}

static struct event *
make_rate_limited(const struct chunk *chunk, const cJSON *d, mono_ns wait)
{
	struct jsonw out;

	jsonw_init(&out, EVENT_MAX_BYTES);
	jsonw_fmt(&out, "{\"opcode\":8,\"retry_after\":%.3f,\"meta\":{\"guild_id\":",
	    clock_seconds(wait));
	jsonw_id(&out, world_guild_id(chunk->guild));
	put_nonce(&out, d);
	jsonw_raw(&out, "}}");
	return event_take("RATE_LIMITED", &out, 0);
}

/* All members of a guild: one request in 30 s, and only with the intent. */
static struct event *
make_all(struct gate *gate, struct chunk *chunk, const cJSON *d)
{
	mono_ns now = gate->conn->sim->now;
	mono_ns free_at = gate->all_members_at + ALL_MEMBERS_WAIT;

	if (gate->all_members_at != 0 && now < free_at) {
		return make_rate_limited(chunk, d, free_at - now);
	}
	gate->all_members_at = now;
	add_by_query(chunk, "", WORLD_USERS + 1);
	return finish_chunk(chunk, d);
}

static struct event *
make_answer(struct gate *gate, struct chunk *chunk, const cJSON *d)
{
	const cJSON *ids = member(d, "user_ids");
	const cJSON *query = member(d, "query");
	const cJSON *limit = member(d, "limit");
	const cJSON *id = NULL;
	bool all = cJSON_IsString(query) && query->valuestring[0] == '\0' &&
	    cJSON_IsNumber(limit) && limit->valuedouble == 0;

	if (all) {
		return make_all(gate, chunk, d);
	}
	if (cJSON_IsString(query)) {
		int most = cJSON_IsNumber(limit) && limit->valuedouble >= 1 &&
			limit->valuedouble < QUERY_MAX ?
		    limit->valueint :
		    QUERY_MAX;

		add_by_query(chunk, query->valuestring, most);
	} else if (cJSON_IsString(ids)) {
		add_by_id(chunk, ids);
	} else {
		cJSON_ArrayForEach(id, ids)
		{
			add_by_id(chunk, id);
		}
	}
	return finish_chunk(chunk, d);
}

void
ops_members(struct gate *gate, const cJSON *d)
{
	struct sim *sim = gate->conn->sim;
	const cJSON *guild_id = member(d, "guild_id");
	const cJSON *query = member(d, "query");
	const cJSON *ids = member(d, "user_ids");
	struct chunk chunk = {.world = &sim->world};

	if (cJSON_IsArray(guild_id) && cJSON_GetArraySize(guild_id) == 1) {
		guild_id = guild_id->child;
	}
	bool all = cJSON_IsString(query) && query->valuestring[0] == '\0';

	if (!cJSON_IsString(guild_id) || (!query && !ids) ||
	    cJSON_GetArraySize(ids) > USER_IDS_MAX) {
		gateway_fail(gate, 4002, "Error while decoding payload.");
		return;
	}
	if (all && (gate->session->view.intents & INTENT_MEMBERS) == 0) {
		gateway_fail(gate, 4014, "Disallowed intent(s).");
		return;
	}
	if (!world_find_guild(&sim->world, strtoull(guild_id->valuestring, NULL, 10),
		&chunk.guild)) {
		/* Discord says nothing to a guild the bot is not in. */
		return;
	}
	jsonw_init(&chunk.members, EVENT_MAX_BYTES);
	jsonw_init(&chunk.not_found, EVENT_MAX_BYTES);
	session_push(sim, gate->session, make_answer(gate, &chunk, d), 0);
	jsonw_fini(&chunk.members);
	jsonw_fini(&chunk.not_found);
}
