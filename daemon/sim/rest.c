#include "rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bucket.h"
#include "calllog.h"
#include "calls.h"
#include "cdn.h"
#include "google.h"
#include "messages.h"
#include "xalloc.h"

#define MAX_SEGMENTS 8
#define PREFIX       "/api/v10"

struct rest {
	struct buckets *buckets;
};

/* What else is true of a route. */
enum route_flags {
	ROUTE_OPEN = 1,      /* without a token */
	ROUTE_UNLIMITED = 2, /* outside the global limit */
	ROUTE_OBJECT = 4,    /* wants a JSON object */
	ROUTE_ARRAY = 8,     /* wants a JSON array */
};

struct route {
	const char *method;
	const char *path; /* {c} channel, {m} message, ..: match_segment() */
	call_fn *run;
	enum bucket_class bucket;
	unsigned flags;
};

/* Interactions: the token in the path is all that is asked for. */
#define ROUTE_TOKEN (ROUTE_OPEN | ROUTE_UNLIMITED)

static const struct route routes[] = {
    {"GET", "/gateway", call_gateway, BUCKET_NONE, ROUTE_OPEN},
    {"GET", "/gateway/bot", call_gateway_bot, BUCKET_NONE, 0},
    {"GET", "/users/@me", call_me, BUCKET_NONE, 0},
    {"GET", "/applications/@me", call_application, BUCKET_NONE, 0},
    {"GET", "/oauth2/applications/@me", call_application, BUCKET_NONE, 0},
    {"GET", "/applications/{a}/commands", call_commands_list, BUCKET_NONE, 0},
    {"PUT", "/applications/{a}/commands", call_commands_set, BUCKET_NONE, ROUTE_ARRAY},
    {"GET", "/applications/{a}/guilds/{g}/commands", call_commands_list, BUCKET_NONE,
	0},
    {"PUT", "/applications/{a}/guilds/{g}/commands", call_commands_set, BUCKET_NONE,
	ROUTE_ARRAY},
    {"POST", "/interactions/{i}/{t}/callback", call_interaction_callback, BUCKET_NONE,
	ROUTE_TOKEN | ROUTE_OBJECT},
    {"POST", "/webhooks/{a}/{t}", call_follow_up, BUCKET_NONE,
	ROUTE_TOKEN | ROUTE_OBJECT},
    {"GET", "/webhooks/{a}/{t}/messages/{o}", call_answer_get, BUCKET_NONE,
	ROUTE_TOKEN},
    {"PATCH", "/webhooks/{a}/{t}/messages/{o}", call_answer_edit, BUCKET_NONE,
	ROUTE_TOKEN | ROUTE_OBJECT},
    {"DELETE", "/webhooks/{a}/{t}/messages/{o}", call_answer_delete, BUCKET_NONE,
	ROUTE_TOKEN},
    {"GET", "/users/{u}", call_user, BUCKET_NONE, 0},
    {"GET", "/guilds/{g}", call_guild, BUCKET_NONE, 0},
    {"GET", "/guilds/{g}/channels", call_guild_channels, BUCKET_NONE, 0},
    {"GET", "/guilds/{g}/roles", call_guild_roles, BUCKET_NONE, 0},
    {"GET", "/guilds/{g}/members/{u}", call_guild_member, BUCKET_NONE, 0},
    {"GET", "/guilds/{g}/threads/active", call_threads_active, BUCKET_NONE, 0},
    {"GET", "/channels/{c}", call_channel, BUCKET_NONE, 0},
    {"PATCH", "/channels/{c}", call_channel_change, BUCKET_CHANNEL, ROUTE_OBJECT},
    {"GET", "/channels/{c}/threads/archived/public", call_threads_archived, BUCKET_NONE,
	0},
    {"GET", "/channels/{c}/messages/pins", call_pins, BUCKET_PINS, 0},
    {"PUT", "/channels/{c}/messages/pins/{m}", call_pin, BUCKET_PINS, 0},
    {"DELETE", "/channels/{c}/messages/pins/{m}", call_unpin, BUCKET_PINS, 0},
    {"GET", "/channels/{c}/pins", call_pins_old, BUCKET_PINS, 0},
    {"PUT", "/channels/{c}/pins/{m}", call_pin, BUCKET_PINS, 0},
    {"DELETE", "/channels/{c}/pins/{m}", call_unpin, BUCKET_PINS, 0},
    {"GET", "/channels/{c}/messages", call_message_list, BUCKET_READ, 0},
    {"POST", "/channels/{c}/messages", call_message_create, BUCKET_MESSAGES,
	ROUTE_OBJECT},
    {"POST", "/channels/{c}/messages/bulk-delete", call_bulk_delete, BUCKET_DELETE,
	ROUTE_OBJECT},
    {"GET", "/channels/{c}/messages/{m}", call_message_get, BUCKET_READ, 0},
    {"PATCH", "/channels/{c}/messages/{m}", call_message_edit, BUCKET_MESSAGES,
	ROUTE_OBJECT},
    {"DELETE", "/channels/{c}/messages/{m}", call_message_delete, BUCKET_DELETE, 0},
    {"PUT", "/channels/{c}/messages/{m}/reactions/{e}/@me", call_reaction_add,
	BUCKET_REACTION, 0},
    {"DELETE", "/channels/{c}/messages/{m}/reactions/{e}/@me", call_reaction_remove,
	BUCKET_REACTION, 0},
    {"POST", "/channels/{c}/typing", call_typing, BUCKET_TYPING, 0},
};

#define ROUTE_COUNT (sizeof routes / sizeof routes[0])

struct rest *
rest_new(void)
{
	struct rest *rest = xzalloc(sizeof *rest);

	rest->buckets = buckets_new();
	return rest;
}

void
rest_free(struct rest *owned_rest)
{
	if (owned_rest) {
		buckets_free(owned_rest->buckets);
		free(owned_rest);
	}
}

/* Takes "/segment" off the front; false at the end and where there is no slash. */
static bool
take_segment(struct slice *path, struct slice *segment)
{
	if (path->size == 0 || path->data[0] != '/') {
		return false;
	}
	const char *end = memchr(path->data + 1, '/', path->size - 1);
	size_t size = end ? (size_t)(end - path->data) : path->size;

	*segment = (struct slice){path->data + 1, size - 1};
	path->data += size;
	path->size -= size;
	return true;
}

static bool
parse_id(struct slice text, uint64_t *out)
{
	*out = 0;
	if (text.size < 1 || text.size > 19) {
		return false;
	}
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9') {
			return false;
		}
		*out = *out * 10 + (uint64_t)(text.data[i] - '0');
	}
	return true;
}

/* A message of an interaction: 0 stands for the first one. */
static bool
take_original(struct slice segment, struct call *call)
{
	char plain[32];

	call->message_id = 0;
	return (http_unescape(segment, plain, sizeof plain) &&
		   strcmp(plain, "@original") == 0) ||
	    parse_id(segment, &call->message_id);
}

static bool
match_variable(char letter, struct slice segment, struct call *call)
{
	switch (letter) {
	case 'a':
		return parse_id(segment, &call->application_id);
	case 'c':
		return parse_id(segment, &call->channel_id);
	case 'e':
		return segment.size > 0 &&
		    http_unescape(segment, call->emoji, sizeof call->emoji);
	case 'g':
		return parse_id(segment, &call->guild_id);
	case 'i':
		return parse_id(segment, &call->interaction_id);
	case 'o':
		return take_original(segment, call);
	case 't':
		call->token = segment;
		return segment.size > 0;
	case 'u':
		return parse_id(segment, &call->user_id);
	default:
		return parse_id(segment, &call->message_id);
	}
}

static bool
match_segment(struct slice pattern, struct slice segment, struct call *call)
{
	if (pattern.data[0] == '{') {
		return match_variable(pattern.data[1], segment, call);
	}
	char plain[32];

	/* @me may come as %40me. */
	return http_unescape(segment, plain, sizeof plain) &&
	    slice_equal(pattern, slice_of(plain));
}

static bool
match(const struct route *route, struct slice path, struct call *call)
{
	struct slice pattern = slice_of(route->path);
	struct slice want;
	struct slice have;

	for (int i = 0; i < MAX_SEGMENTS; i++) {
		bool more = take_segment(&pattern, &want);

		if (more != take_segment(&path, &have)) {
			return false;
		}
		if (!more) {
			return path.size == 0;
		}
		if (!match_segment(want, have, call)) {
			return false;
		}
	}
	return false;
}

/* The route; NULL: 404, or 405 where allow names methods. */
static const struct route *
find_route(struct slice path, struct slice method, struct call *call)
{
	char *allow = call->answer->allow;

	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		if (!match(&routes[i], path, call)) {
			continue;
		}
		call->answer->method = routes[i].method;
		call->answer->route = routes[i].path;
		if (slice_equal(method, slice_of(routes[i].method))) {
			allow[0] = '\0';
			return &routes[i];
		}
		size_t size = strlen(allow);

		(void)snprintf(allow + size, sizeof call->answer->allow - size, "%s%s",
		    size > 0 ? ", " : "", routes[i].method);
	}
	return NULL;
}

static bool
is_authorized(struct call *call)
{
	struct slice value = http_header_find(call->request, "Authorization");

	if (value.size < 4 || memcmp(value.data, "Bot ", 4) != 0) {
		return false;
	}
	value.data += 4;
	value.size -= 4;
	return !call->sim->budget.token_reset && sim_token_is_good(call->sim, value);
}

static void
rate_limited(struct call *call, const char *retry_after, double wait_s,
    const char *scope, bool html)
{
	struct rest_answer *answer = call->answer;
	bool global = strcmp(scope, "global") == 0;

	answer->status = 429;
	if (strcmp(retry_after, "absent") != 0) {
		jsonw_fmt(&answer->headers, "Retry-After: %s\r\n", retry_after);
	}
	if (html) {
		answer->type = "text/html";
		jsonw_raw(&answer->body,
		    "<html><body>error code: 1015</body></html>\n");
		return;
	}
	if (global) {
		jsonw_raw(&answer->headers, "X-RateLimit-Global: true\r\n");
	}
	jsonw_fmt(&answer->headers, "X-RateLimit-Scope: %s\r\n", scope);
	jsonw_fmt(&answer->body,
	    "{\"message\":\"You are being rate limited.\",\"retry_after\":%.3f,"
	    "\"global\":%s}",
	    wait_s, global ? "true" : "false");
}

/* The header has whole seconds, rounded up; the body has what is meant. */
static void
over_limit(struct call *call, mono_ns wait, const char *scope)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%lld",
	    (long long)((wait + CLOCK_S(1) - 1) / CLOCK_S(1)));
	rate_limited(call, text, clock_seconds(wait), scope, false);
}

static bool
within_limits(struct call *call, const struct route *route)
{
	struct buckets *buckets = call->sim->rest->buckets;
	mono_ns wait = 0;

	if ((route->flags & ROUTE_UNLIMITED) == 0 &&
	    !buckets_take_global(buckets, call->sim->now, &wait)) {
		over_limit(call, wait, "global");
		return false;
	}
	if (route->bucket != BUCKET_NONE &&
	    !buckets_take(buckets, route->bucket, call->channel_id, call->sim->now,
		&call->answer->headers, &wait)) {
		over_limit(call, wait, "user");
		return false;
	}
	return true;
}

/* The command rest: its status instead of the truth. */
static bool
play_fault(struct call *call)
{
	struct fault_rest *fault = &call->sim->faults.rest;
	char text[64];

	if (fault->count == 0) {
		return false;
	}
	if (fault->count != UINT64_MAX) {
		fault->count--;
	}
	switch (fault->kind) {
	case FAULT_REST_DROP:
		call->answer->silence = REST_DROPS;
		return false;
	case FAULT_REST_STALL:
		call->answer->silence = REST_STALLS;
		return false;
	case FAULT_REST_STATUS:
		break;
	}
	if (fault->status == 429) {
		rate_limited(call, fault->retry_after, strtod(fault->retry_after, NULL),
		    fault->scope, fault->html);
		return true;
	}
	if (fault->html || fault->status >= 500) {
		call->answer->status = fault->status;
		call->answer->type = "text/html";
		jsonw_fmt(&call->answer->body, "<html><body>%d %s</body></html>\n",
		    fault->status, http_phrase(fault->status));
		return true;
	}
	(void)snprintf(text, sizeof text, "%d: %s", fault->status,
	    http_phrase(fault->status));
	call_error(call, fault->status, 0, text);
	return true;
}

static bool
take_body(struct call *call, const struct route *route)
{
	bool array = (route->flags & ROUTE_ARRAY) != 0;

	struct slice type = http_header_find(call->request, "Content-Type");
	const char *semicolon =
	    type.size > 0 ? memchr(type.data, ';', type.size) : NULL;

	if (semicolon) {
		type.size = (size_t)(semicolon - type.data);
	}
	call->body = http_value_has(type, "application/json") ?
	    cJSON_ParseWithLength(call->request->body.data, call->request->body.size) :
	    NULL;
	if (array ? !cJSON_IsArray(call->body) : !cJSON_IsObject(call->body)) {
		call_error(call, 400, 50035, "Invalid Form Body");
		return false;
	}
	return true;
}

/* What the path names must be there; false after an error was answered. */
static bool
find_place(struct call *call)
{
	const struct world *world = &call->sim->world;

	if (call->channel_id != 0 &&
	    !world_find_channel(world, call->channel_id, &call->guild)) {
		call_error(call, 404, 10003, "Unknown Channel");
		return false;
	}
	if (call->guild_id != 0 &&
	    !world_find_guild(world, call->guild_id, &call->guild)) {
		call_error(call, 404, 10004, "Unknown Guild");
		return false;
	}
	return true;
}

static void
run(struct call *call, const struct route *route)
{
	bool open = (route->flags & ROUTE_OPEN) != 0;
	bool body = (route->flags & (ROUTE_OBJECT | ROUTE_ARRAY)) != 0;

	if (http_header_find(call->request, "User-Agent").size == 0) {
		call_error(call, 403, 40333, "internal network error");
	} else if (play_fault(call)) {
		return;
	} else if (!open && !is_authorized(call)) {
		call_error(call, 401, 0, "401: Unauthorized");
	} else if (find_place(call) && within_limits(call, route) &&
	    (!body || take_body(call, route))) {
		route->run(call);
	}
}

void
rest_handle(struct sim *sim, const struct http_request *request,
    struct rest_answer *answer)
{
	if (cdn_handle(sim, request, answer) || google_handle(sim, request, answer)) {
		return;
	}
	struct call call = {.sim = sim, .request = request, .answer = answer};
	struct slice path = request->path;
	const size_t prefix = sizeof PREFIX - 1;

	answer->status = 404;
	answer->method = "";
	answer->route = "(unknown)";
	bool api = path.size > prefix && memcmp(path.data, PREFIX, prefix) == 0;

	if (api) {
		path.data += prefix;
		path.size -= prefix;
	}
	const struct route *route =
	    api ? find_route(path, request->method, &call) : NULL;

	if (route) {
		run(&call, route);
	} else if (answer->allow[0] != '\0') {
		call_error(&call, 405, 0, "405: Method Not Allowed");
	} else {
		call_error(&call, 404, 0, "404: Not Found");
	}
	calllog_add(sim->calllog, request,
	    answer->silence == REST_ANSWERS ? answer->status : 0);
	cJSON_Delete(call.body);
}

/* What only one person sees is no matter of the guild's: it goes the way of direct
 * messages. */
static void
publish(struct sim *sim, const struct world_message *message, struct event *owned_event,
    struct event *owned_without)
{
	if (message->flags & WORLD_FLAG_EPHEMERAL) {
		event_unref(owned_without);
		session_publish_direct(sim, owned_event);
	} else {
		session_publish(sim, world_guild_of(message->channel_id),
		    INTENT_MESSAGES, owned_event, owned_without);
	}
}

void
rest_publish_message(struct sim *sim, const char *event_name,
    const struct world_message *message)
{
	struct world_message shown = *message;
	struct jsonw with;
	struct jsonw without;
	uint64_t guild = 0;

	if (!world_find_channel(&sim->world, message->channel_id, &guild)) {
		return;
	}
	messages_link(sim->messages, &shown);
	jsonw_init(&with, EVENT_MAX_BYTES);
	jsonw_init(&without, EVENT_MAX_BYTES);
	(void)world_put_message(&sim->world, &with, &shown, true, true);
	(void)world_put_message(&sim->world, &without, &shown, true, false);
	publish(sim, message, event_take(event_name, &with, 0),
	    event_take(event_name, &without, 0));
}

void
rest_publish_delete(struct sim *sim, const struct world_message *message)
{
	struct jsonw out;

	jsonw_init(&out, 1024);
	jsonw_raw(&out, "{\"id\":");
	jsonw_id(&out, message->id);
	jsonw_raw(&out, ",\"channel_id\":");
	jsonw_id(&out, message->channel_id);
	if ((message->flags & WORLD_FLAG_EPHEMERAL) == 0) {
		jsonw_raw(&out, ",\"guild_id\":");
		jsonw_id(&out, world_guild_id(world_guild_of(message->channel_id)));
	}
	jsonw_raw(&out, "}");
	publish(sim, message, event_take("MESSAGE_DELETE", &out, 0), NULL);
}

void
rest_write_message(struct sim *sim, uint64_t channel_id, int author,
    const char *content)
{
	struct world_message message = {.id = world_new_id(&sim->world),
	    .channel_id = channel_id,
	    .author = author,
	    .content = content,
	    .at_ms = clock_wall_ms()};
	struct message *kept = messages_add(sim->messages, &message);

	rest_publish_message(sim, "MESSAGE_CREATE", &kept->shown);
}
