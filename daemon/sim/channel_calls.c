/* Calls about channels, threads and pins, and what the bot may do in them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "calls.h"
#include "messages.h"
#include "threads.h"
#include "xalloc.h"

#define PINS_MAX    250
#define OLD_PINS    50
#define THREADS_MIN 2
#define THREADS_MAX 100

/* A system message: something was pinned. */
#define TYPE_PINNED 6

static const cJSON *
member(const struct call *call, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(call->body, name);
}

/* ---- rights ---- */

bool
call_lacks(const struct call *call, enum right right)
{
	return rights_lack(call->sim->rights, call->channel_id, right);
}

bool
call_may(struct call *call, enum right right)
{
	if (call_lacks(call, RIGHT_VIEW)) {
		call_error(call, 403, 50001, "Missing Access");
		return false;
	}
	if (call_lacks(call, right)) {
		call_error(call, 403, 50013, "Missing Permissions");
		return false;
	}
	return true;
}

bool
call_may_write(struct call *call)
{
	return call_may(call,
	    world_is_thread(call->channel_id) ? RIGHT_SEND_IN_THREADS : RIGHT_SEND);
}

/* ---- threads ---- */

static struct thread_state
state_of(const struct call *call, uint64_t channel_id)
{
	return threads_get(call->sim->world.threads, channel_id);
}

bool
call_is_unarchived(struct call *call)
{
	if (world_is_thread(call->channel_id) &&
	    state_of(call, call->channel_id).archived) {
		call_error(call, 400, 50083, "Thread is archived");
		return false;
	}
	return true;
}

static bool
change(struct call *call, struct thread_state *state)
{
	struct sim *sim = call->sim;

	if (state->archived != state_of(call, state->id).archived) {
		state->changed_ms = clock_wall_ms();
	}
	if (!threads_set(sim->world.threads, state)) {
		call_error(call, 500, 0, "gwsim keeps the changes of 1024 threads");
		return false;
	}
	session_publish(sim, world_guild_of(state->id), INTENT_GUILDS,
	    world_thread_update(&sim->world, state->id), NULL);
	return true;
}

bool
call_open_thread(struct call *call, uint64_t channel_id)
{
	if (!world_is_thread(channel_id)) {
		return true;
	}
	struct thread_state state = state_of(call, channel_id);

	if (state.locked && state.archived) {
		call_error(call, 400, 50083, "Thread is archived");
		return false;
	}
	if (state.locked &&
	    rights_lack(call->sim->rights, channel_id, RIGHT_MANAGE_THREADS)) {
		call_error(call, 403, 160005, "Thread is locked");
		return false;
	}
	if (state.archived) {
		state.archived = false;
		return change(call, &state);
	}
	return true;
}

static bool
is_duration(int minutes)
{
	return minutes == 60 || minutes == 1440 || minutes == 4320 || minutes == 10080;
}

/* A member of the body that is a flag; false after an error was answered. */
static bool
take_flag(struct call *call, const char *name, bool *flag)
{
	const cJSON *value = member(call, name);

	if (value && !cJSON_IsBool(value)) {
		call_form_error(call, name, "BOOLEAN_TYPE_CONVERT",
		    "Must be either true or false.");
		return false;
	}
	*flag = value ? cJSON_IsTrue(value) : *flag;
	return true;
}

static bool
take_changes(struct call *call, struct thread_state *state)
{
	const cJSON *minutes = member(call, "auto_archive_duration");
	const cJSON *at = NULL;

	cJSON_ArrayForEach(at, call->body)
	{
		if (strcmp(at->string, "archived") != 0 &&
		    strcmp(at->string, "locked") != 0 &&
		    strcmp(at->string, "auto_archive_duration") != 0) {
			call_form_error(call, at->string, "GWSIM_NOT_IMITATED",
			    "gwsim does not change this.");
			return false;
		}
	}
	if (minutes) {
		state->auto_archive_minutes =
		    cJSON_IsNumber(minutes) ? minutes->valueint : 0;
	}
	if (!is_duration(state->auto_archive_minutes)) {
		call_form_error(call, "auto_archive_duration", "BASE_TYPE_CHOICES",
		    "Value must be one of {60, 1440, 4320, 10080}.");
		return false;
	}
	return take_flag(call, "archived", &state->archived) &&
	    take_flag(call, "locked", &state->locked);
}

/* Whoever writes may unarchive what is not locked; the rest is for moderators. */
static bool
may_change(struct call *call, const struct thread_state *old,
    const struct thread_state *wanted)
{
	bool only_opens = old->archived && !wanted->archived && !old->locked &&
	    wanted->locked == old->locked;

	if (old->archived && wanted->archived) {
		call_error(call, 400, 50083, "Thread is archived");
		return false;
	}
	return only_opens ? call_may_write(call) : call_may(call, RIGHT_MANAGE_THREADS);
}

void
call_channel(struct call *call)
{
	if (call_may(call, RIGHT_VIEW)) {
		call->answer->status = 200;
		world_put_channel_last(&call->sim->world, &call->answer->body,
		    call->channel_id,
		    messages_newest_of(call->sim->messages, call->channel_id));
	}
}

void
call_channel_change(struct call *call)
{
	if (!world_is_thread(call->channel_id)) {
		/* The bot has no right to manage channels. */
		call_error(call, 403, 50013, "Missing Permissions");
		return;
	}
	struct thread_state old = state_of(call, call->channel_id);
	struct thread_state wanted = old;

	if (take_changes(call, &wanted) && may_change(call, &old, &wanted) &&
	    change(call, &wanted)) {
		call_channel(call);
	}
}

void
call_threads_active(struct call *call)
{
	struct jsonw *out = &call->answer->body;
	bool more = false;

	call->answer->status = 200;
	jsonw_raw(out, "{\"threads\":[");
	for (uint64_t i = 0; i < WORLD_THREADS; i++) {
		uint64_t id = world_thread_id(call->guild, i);

		if (!state_of(call, id).archived &&
		    !rights_lack(call->sim->rights, id, RIGHT_VIEW)) {
			jsonw_raw(out, more ? "," : "");
			world_put_channel(&call->sim->world, out, id);
			more = true;
		}
	}
	jsonw_raw(out, "],\"members\":[]}");
}

/* An instant of the query in milliseconds; false after an error was answered. */
static bool
take_before(struct call *call, int64_t *before_ms)
{
	struct slice value;
	struct tm parts = {.tm_sec = 0};
	char text[64];

	*before_ms = INT64_MAX;
	if (!http_query_find(call->request->query, "before", &value)) {
		return true;
	}
	const char *end = http_unescape(value, text, sizeof text) ?
	    strptime(text, "%Y-%m-%dT%H:%M:%S", &parts) :
	    NULL;

	if (!end) {
		call_form_error(call, "before", "DATE_TIME_TYPE_PARSE",
		    "Could not parse the time. Should be ISO8601.");
		return false;
	}
	double fraction = *end == '.' ? strtod(end, NULL) : 0;

	*before_ms = (int64_t)timegm(&parts) * 1000 + (int64_t)(fraction * 1000 + 0.5);
	return true;
}

static int
compare_changes(const void *a, const void *b)
{
	const struct thread_state *left = a;
	const struct thread_state *right = b;

	return (left->changed_ms < right->changed_ms) -
	    (left->changed_ms > right->changed_ms);
}

/* Those of the channel that are archived, last one first. */
static size_t
find_archived(const struct call *call, int64_t before_ms,
    struct thread_state out[WORLD_THREADS])
{
	size_t count = 0;

	for (uint64_t i = 0; i < WORLD_THREADS; i++) {
		uint64_t id = world_thread_id(call->guild, i);
		struct thread_state state = state_of(call, id);

		if (state.archived && state.changed_ms < before_ms &&
		    world_parent(id) == call->channel_id) {
			out[count++] = state;
		}
	}
	qsort(out, count, sizeof out[0], compare_changes);
	return count;
}

void
call_threads_archived(struct call *call)
{
	struct jsonw *out = &call->answer->body;
	struct thread_state list[WORLD_THREADS];
	uint64_t limit = call_query_number(call, "limit", 50);
	int64_t before_ms = 0;

	if (!call_may(call, RIGHT_HISTORY) || !take_before(call, &before_ms)) {
		return;
	}
	if (limit < THREADS_MIN || limit > THREADS_MAX) {
		call_form_error(call, "limit", "NUMBER_TYPE_MIN",
		    "int value should be between 2 and 100.");
		return;
	}
	size_t count = find_archived(call, before_ms, list);

	call->answer->status = 200;
	jsonw_raw(out, "{\"threads\":[");
	for (size_t i = 0; i < count && i < limit; i++) {
		jsonw_raw(out, i > 0 ? "," : "");
		world_put_channel(&call->sim->world, out, list[i].id);
	}
	jsonw_fmt(out, "],\"members\":[],\"has_more\":%s}",
	    count > limit ? "true" : "false");
}

/* ---- pins ---- */

static int
compare_pins(const void *a, const void *b)
{
	const struct message *const *left = a;
	const struct message *const *right = b;

	return ((*left)->shown.pinned_ms < (*right)->shown.pinned_ms) -
	    ((*left)->shown.pinned_ms > (*right)->shown.pinned_ms);
}

/* The pins of the channel, last one first; out has room for MESSAGES_KEPT. */
static size_t
find_pins(const struct call *call, int64_t before_ms, const struct message **out)
{
	size_t all = messages_of_channel(call->sim->messages, call->channel_id, out);
	size_t count = 0;

	for (size_t i = 0; i < all; i++) {
		int64_t at_ms = out[i]->shown.pinned_ms;

		if (at_ms != 0 && at_ms < before_ms) {
			out[count++] = out[i];
		}
	}
	qsort(out, count, sizeof(struct message *), compare_pins);
	return call_lacks(call, RIGHT_HISTORY) ? 0 : count;
}

void
call_pins(struct call *call)
{
	struct jsonw *out = &call->answer->body;
	uint64_t limit = call_query_number(call, "limit", OLD_PINS);
	int64_t before_ms = 0;

	if (!call_may(call, RIGHT_VIEW) || !take_before(call, &before_ms)) {
		return;
	}
	if (limit < 1 || limit > OLD_PINS) {
		call_form_error(call, "limit", "NUMBER_TYPE_MAX",
		    "int value should be between 1 and 50.");
		return;
	}
	const struct message **pins = xzalloc(MESSAGES_KEPT * sizeof(struct message *));
	size_t count = find_pins(call, before_ms, pins);

	call->answer->status = 200;
	jsonw_raw(out, "{\"items\":[");
	for (size_t i = 0; i < count && i < limit; i++) {
		jsonw_raw(out, i > 0 ? ",{\"pinned_at\":" : "{\"pinned_at\":");
		jsonw_time(out, pins[i]->shown.pinned_ms);
		jsonw_raw(out, ",\"message\":");
		call_put_message(call, pins[i]);
		jsonw_raw(out, "}");
	}
	jsonw_fmt(out, "],\"has_more\":%s}", count > limit ? "true" : "false");
	free(pins);
}

void
call_pins_old(struct call *call)
{
	if (!call_may(call, RIGHT_VIEW)) {
		return;
	}
	const struct message **pins = xzalloc(MESSAGES_KEPT * sizeof(struct message *));
	size_t count = find_pins(call, INT64_MAX, pins);

	call->answer->status = 200;
	jsonw_raw(&call->answer->body, "[");
	for (size_t i = 0; i < count && i < OLD_PINS; i++) {
		jsonw_raw(&call->answer->body, i > 0 ? "," : "");
		call_put_message(call, pins[i]);
	}
	jsonw_raw(&call->answer->body, "]");
	free(pins);
}

static void
publish_pins(struct call *call, const struct message *message)
{
	struct jsonw out;

	jsonw_init(&out, 1024);
	jsonw_raw(&out, "{\"last_pin_timestamp\":");
	jsonw_time(&out, clock_wall_ms());
	jsonw_raw(&out, ",\"guild_id\":");
	jsonw_id(&out, world_guild_id(call->guild));
	jsonw_raw(&out, ",\"channel_id\":");
	jsonw_id(&out, call->channel_id);
	jsonw_raw(&out, "}");
	session_publish(call->sim, call->guild, INTENT_GUILDS,
	    event_take("CHANNEL_PINS_UPDATE", &out, 0), NULL);
	rest_publish_message(call->sim, "MESSAGE_UPDATE", &message->shown);
}

/* Discord tells of a pin by a message. */
static void
tell_pin(struct call *call)
{
	struct sim *sim = call->sim;
	struct world_message told = {.id = world_new_id(&sim->world),
	    .channel_id = call->channel_id,
	    .author = WORLD_BOT,
	    .type = TYPE_PINNED,
	    .reply_to_id = call->message_id,
	    .content = "",
	    .at_ms = clock_wall_ms()};

	rest_publish_message(sim, "MESSAGE_CREATE",
	    &messages_add(sim->messages, &told)->shown);
}

static size_t
count_pins(const struct call *call)
{
	const struct message **pins = xzalloc(MESSAGES_KEPT * sizeof(struct message *));
	size_t count = find_pins(call, INT64_MAX, pins);

	free(pins);
	return count;
}

void
call_pin(struct call *call)
{
	struct message *message = call_take_message(call);

	if (!message || !call_may(call, RIGHT_PIN) || !call_is_unarchived(call)) {
		return;
	}
	call->answer->status = 204;
	if (message->shown.pinned_ms != 0) {
		return;
	}
	if (count_pins(call) >= PINS_MAX) {
		call_error(call, 400, 30003,
		    "Maximum number of pins reached for the channel (250)");
		return;
	}
	message->shown.pinned_ms =
	    messages_pin_time(call->sim->messages, clock_wall_ms());
	publish_pins(call, message);
	tell_pin(call);
}

void
call_unpin(struct call *call)
{
	struct message *message = call_take_message(call);

	if (!message || !call_may(call, RIGHT_PIN) || !call_is_unarchived(call)) {
		return;
	}
	call->answer->status = 204;
	if (message->shown.pinned_ms != 0) {
		message->shown.pinned_ms = 0;
		publish_pins(call, message);
	}
}
