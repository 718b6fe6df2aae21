#include "guilds.h"

#include <stdlib.h>
#include <string.h>

#include "bot.h"
#include "message.h"
#include "payload_scan.h"
#include "xalloc.h"

struct guilds {
	struct guild at[GUILDS_SETS][GUILDS_WAYS];
	uint64_t uses;
};

struct guilds *
guilds_new(void)
{
	return xzalloc(sizeof(struct guilds));
}

void
guilds_free(struct guilds *owned_guilds)
{
	free(owned_guilds);
}

/* ---- the places ---- */

static struct guild *
set_of(struct guilds *guilds, uint64_t id)
{
	/* The low bits of an id are alike; those of its time are not. */
	uint64_t hash = (id >> 22U) * UINT64_C(0x9E3779B97F4A7C15);

	return guilds->at[(hash >> 32U) % GUILDS_SETS];
}

static struct guild *
find(struct guilds *guilds, uint64_t id)
{
	struct guild *set = set_of(guilds, id);

	for (size_t i = 0; i < GUILDS_WAYS; i++) {
		if (id != 0 && set[i].id == id) {
			set[i].used = ++guilds->uses;
			return &set[i];
		}
	}
	return NULL;
}

/* An empty place, or that of the one used longest ago. */
static struct guild *
find_or_make(struct guilds *guilds, uint64_t id)
{
	struct guild *set = set_of(guilds, id);
	struct guild *place = find(guilds, id);

	if (place) {
		return place;
	}
	place = &set[0];
	for (size_t i = 1; i < GUILDS_WAYS; i++) {
		place = set[i].used < place->used ? &set[i] : place;
	}
	*place = (struct guild){.id = id, .members = -1, .used = ++guilds->uses};
	return place;
}

const struct guild *
guilds_find(struct guilds *guilds, uint64_t id)
{
	return find(guilds, id);
}

/* ---- roles ---- */

static void
drop_role(struct guild *guild, uint64_t role)
{
	for (uint32_t i = 0; i < guild->role_count; i++) {
		if (guild->roles[i] == role) {
			guild->roles[i] = guild->roles[--guild->role_count];
			return;
		}
	}
}

static void
note_role(struct guild *guild, struct slice object)
{
	uint64_t role = 0;
	uint64_t rights = 0;

	if (!message_id(payload_scan_find(object, "id"), &role)) {
		return;
	}
	drop_role(guild, role);
	/* None at all is no id, and no right. */
	if (message_id(payload_scan_find(object, "permissions"), &rights) &&
	    (rights & BOT_RIGHT_ADMINISTRATOR) != 0 &&
	    guild->role_count < GUILDS_ROLES_MAX) {
		guild->roles[guild->role_count++] = role;
	}
}

static void
note_roles(struct guild *guild, struct slice array)
{
	struct payload_scan scan;
	struct slice key;
	struct slice value;

	guild->role_count = 0;
	payload_scan_begin(&scan, array, PAYLOAD_SCAN_ARRAY);
	while (payload_scan_next(&scan, &key, &value)) {
		note_role(guild, value);
	}
}

bool
guild_is_administrator(const struct guild *guild, uint64_t user, const uint64_t *roles,
    size_t role_count)
{
	if (guild->owner == user) {
		return true;
	}
	for (uint32_t i = 0; i < guild->role_count; i++) {
		/* Discord: the role of everybody has the server's id, and members do
		 * not list it. */
		if (guild->roles[i] == guild->id) {
			return true;
		}
		for (size_t j = 0; j < role_count; j++) {
			if (guild->roles[i] == roles[j]) {
				return true;
			}
		}
	}
	return false;
}

/* ---- events ---- */

/* The members of a server that matter, as JSON text. */
struct parts {
	struct slice id, name, owner, members, roles;
	bool unavailable;
};

static bool
take_apart(struct slice data, struct parts *parts)
{
	struct payload_scan scan;
	struct slice key;
	struct slice value;

	*parts = (struct parts){.unavailable = false};
	payload_scan_begin(&scan, data, PAYLOAD_SCAN_OBJECT);
	while (payload_scan_next(&scan, &key, &value)) {
		if (payload_scan_key_is(key, "id")) {
			parts->id = value;
		} else if (payload_scan_key_is(key, "name")) {
			parts->name = value;
		} else if (payload_scan_key_is(key, "owner_id")) {
			parts->owner = value;
		} else if (payload_scan_key_is(key, "member_count") ||
		    payload_scan_key_is(key, "approximate_member_count")) {
			parts->members = value;
		} else if (payload_scan_key_is(key, "roles")) {
			parts->roles = value;
		} else if (payload_scan_key_is(key, "unavailable")) {
			parts->unavailable = slice_equal(value, slice_of("true"));
		}
	}
	return scan.err == GW_OK;
}

bool
guilds_put(struct guilds *guilds, struct slice data)
{
	struct parts parts;
	uint64_t id = 0;

	if (!take_apart(data, &parts) || !message_id(parts.id, &id) ||
	    parts.unavailable || parts.roles.size == 0) {
		return false;
	}
	struct guild *guild = find_or_make(guilds, id);

	guild->failed_at = 0;
	(void)message_id(parts.owner, &guild->owner);
	(void)payload_scan_natural(parts.members, &guild->members);
	/* A name that does not fit is not told rather than cut in a character. */
	(void)payload_scan_text(parts.name, guild->name, sizeof guild->name);
	note_roles(guild, parts.roles);
	return true;
}

void
guilds_put_failed(struct guilds *guilds, uint64_t id, mono_ns now)
{
	struct guild *guild = find_or_make(guilds, id);

	guild->failed_at = now > 0 ? now : 1;
}

/* A server that left, not one with an outage. */
static void
drop(struct guilds *guilds, struct slice data)
{
	struct parts parts;
	uint64_t id = 0;

	if (take_apart(data, &parts) && message_id(parts.id, &id)) {
		struct guild *guild = find(guilds, id);

		if (guild && !parts.unavailable) {
			*guild = (struct guild){.id = 0};
		}
	}
}

static struct guild *
find_named(struct guilds *guilds, struct slice data)
{
	uint64_t id = 0;

	return message_id(payload_scan_find(data, "guild_id"), &id) ? find(guilds, id) :
								      NULL;
}

static void
change_role(struct guilds *guilds, struct slice data)
{
	struct guild *guild = find_named(guilds, data);

	if (guild && guild->failed_at == 0) {
		note_role(guild, payload_scan_find(data, "role"));
	}
}

static void
delete_role(struct guilds *guilds, struct slice data)
{
	struct guild *guild = find_named(guilds, data);
	uint64_t role = 0;

	if (guild && message_id(payload_scan_find(data, "role_id"), &role)) {
		drop_role(guild, role);
	}
}

static void
count_member(struct guilds *guilds, struct slice data, int64_t by)
{
	struct guild *guild = find_named(guilds, data);

	if (guild && guild->members >= 0 && guild->members + by >= 0 &&
	    guild->members < INT64_MAX) {
		guild->members += by;
	}
}

void
guilds_add_wants(struct dispatch_set *set)
{
	static const enum dispatch_name names[] = {DISPATCH_NAME_GUILD_CREATE,
	    DISPATCH_NAME_GUILD_UPDATE, DISPATCH_NAME_GUILD_DELETE,
	    DISPATCH_NAME_GUILD_ROLE_CREATE, DISPATCH_NAME_GUILD_ROLE_UPDATE,
	    DISPATCH_NAME_GUILD_ROLE_DELETE, DISPATCH_NAME_GUILD_MEMBER_ADD,
	    DISPATCH_NAME_GUILD_MEMBER_REMOVE};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		dispatch_set_add(set, names[i]);
	}
}

void
guilds_take(struct guilds *guilds, struct slice type, struct slice data)
{
	if (slice_equal(type, SLICE_LITERAL("GUILD_CREATE")) ||
	    slice_equal(type, SLICE_LITERAL("GUILD_UPDATE"))) {
		(void)guilds_put(guilds, data);
	} else if (slice_equal(type, SLICE_LITERAL("GUILD_DELETE"))) {
		drop(guilds, data);
	} else if (slice_equal(type, SLICE_LITERAL("GUILD_ROLE_CREATE")) ||
	    slice_equal(type, SLICE_LITERAL("GUILD_ROLE_UPDATE"))) {
		change_role(guilds, data);
	} else if (slice_equal(type, SLICE_LITERAL("GUILD_ROLE_DELETE"))) {
		delete_role(guilds, data);
	} else if (slice_equal(type, SLICE_LITERAL("GUILD_MEMBER_ADD"))) {
		count_member(guilds, data, 1);
	} else if (slice_equal(type, SLICE_LITERAL("GUILD_MEMBER_REMOVE"))) {
		count_member(guilds, data, -1);
	}
}
