/*
 * The presence that people configure -> what Discord takes.
 *
 * Source: Discord's Update Presence; a body without one of the four keys was seen to
 * close the connection with 4001 (discord/discord-api-docs#2226), which costs a
 * session.
 */
#include <string.h>

#include "payload.h"
#include "payload_scan.h"

/* The four keys as JSON text; empty where they are missing. */
struct presence {
	struct slice since;
	struct slice activities;
	struct slice status;
	struct slice afk;
};

static bool
is_one_of(struct slice value, const char *const *words)
{
	for (; *words; words++) {
		if (slice_equal(value, slice_of(*words))) {
			return true;
		}
	}
	return false;
}

static const char *
check_activities(struct slice array)
{
	struct payload_scan scan;
	struct slice key;
	struct slice value;
	int64_t type = 0;

	payload_scan_begin(&scan, array, PAYLOAD_SCAN_ARRAY);
	while (payload_scan_next(&scan, &key, &value)) {
		struct slice name = payload_scan_find(value, "name");

		if (name.size < 3 || name.data[0] != '"') {
			return "an activity has no name";
		}
		if (!payload_scan_natural(payload_scan_find(value, "type"), &type)) {
			return "an activity has no type (a number)";
		}
	}
	return scan.err == GW_OK ? NULL : "activities is not an array";
}

static const char *
check(const struct presence *presence)
{
	static const char *const statuses[] = {"\"online\"", "\"dnd\"", "\"idle\"",
	    "\"invisible\"", "\"offline\"", NULL};
	static const char *const truths[] = {"true", "false", NULL};
	int64_t since = 0;

	if (!slice_equal(presence->since, SLICE_LITERAL("null")) &&
	    !payload_scan_natural(presence->since, &since)) {
		return "since is neither null nor a time in milliseconds";
	}
	if (!is_one_of(presence->status, statuses)) {
		return "status is not online, dnd, idle, invisible or offline";
	}
	if (!is_one_of(presence->afk, truths)) {
		return "afk is neither true nor false";
	}
	return check_activities(presence->activities);
}

static bool
is_object(struct slice json)
{
	struct payload_scan scan;
	struct slice key;
	struct slice value;

	payload_scan_begin(&scan, json, PAYLOAD_SCAN_OBJECT);
	while (payload_scan_next(&scan, &key, &value)) {
	}
	return scan.err == GW_OK;
}

static struct slice
member_or(struct slice json, const char *name, struct slice otherwise)
{
	struct slice found = payload_scan_find(json, name);

	return found.size > 0 ? found : otherwise;
}

static struct presence
complete(struct slice json)
{
	return (struct presence){
	    .since = member_or(json, "since", SLICE_LITERAL("null")),
	    .activities = member_or(json, "activities", SLICE_LITERAL("[]")),
	    .status = member_or(json, "status", SLICE_LITERAL("\"online\"")),
	    .afk = member_or(json, "afk", SLICE_LITERAL("false")),
	};
}

static void
append(char out[PAYLOAD_PRESENCE_BYTES], size_t *size, struct slice text)
{
	memcpy(out + *size, text.data, text.size);
	*size += text.size;
}

/* False where it does not fit; nothing is written then. */
static bool
print(const struct presence *presence, char out[PAYLOAD_PRESENCE_BYTES])
{
	const struct slice parts[] = {
	    SLICE_LITERAL("{\"since\":"),
	    presence->since,
	    SLICE_LITERAL(",\"activities\":"),
	    presence->activities,
	    SLICE_LITERAL(",\"status\":"),
	    presence->status,
	    SLICE_LITERAL(",\"afk\":"),
	    presence->afk,
	    SLICE_LITERAL("}"),
	};
	const size_t count = sizeof parts / sizeof parts[0];
	size_t size = 0;

	for (size_t i = 0; i < count; i++) {
		size += parts[i].size;
	}
	if (size >= PAYLOAD_PRESENCE_BYTES) {
		return false;
	}
	size = 0;
	for (size_t i = 0; i < count; i++) {
		append(out, &size, parts[i]);
	}
	out[size] = '\0';
	return true;
}

const char *
payload_complete_presence(struct slice json, char out[PAYLOAD_PRESENCE_BYTES])
{
	struct presence plain = complete(SLICE_LITERAL(""));
	struct presence presence = complete(json);
	const char *wrong = NULL;

	if (json.size > 0 && !is_object(json)) {
		wrong = "it is not a JSON object";
	} else {
		wrong = check(&presence);
	}
	if (!wrong && !print(&presence, out)) {
		wrong = "it is too long";
	}
	if (wrong) {
		(void)print(&plain, out);
	}
	return wrong;
}
