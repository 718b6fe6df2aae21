#include "mentions.h"

#include <stdlib.h>
#include <string.h>

#include "messages.h"

static const cJSON *
member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static bool
list_has(const cJSON *list, const char *text)
{
	const cJSON *item = NULL;

	cJSON_ArrayForEach(item, list)
	{
		if (cJSON_IsString(item) && strcmp(item->valuestring, text) == 0) {
			return true;
		}
	}
	return false;
}

/* Whole classes and single ones of them exclude each other. */
static bool
is_contradiction(const cJSON *allowed, const char *kind)
{
	return list_has(member(allowed, "parse"), kind) &&
	    cJSON_GetArraySize(member(allowed, kind)) > 0;
}

bool
mentions_check(struct call *call, const cJSON *allowed)
{
	static const char *const kinds[] = {"users", "roles"};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (is_contradiction(allowed, kinds[i])) {
			call_form_error(call, "allowed_mentions",
			    "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
			    "parse and a list of the same kind exclude each other.");
			return false;
		}
		if (cJSON_GetArraySize(member(allowed, kinds[i])) >
		    WORLD_MENTIONS_MAX) {
			call_form_error(call, "allowed_mentions",
			    "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length.");
			return false;
		}
	}
	return true;
}

static bool
is_allowed(const cJSON *allowed, const char *kind, const char *id, bool otherwise)
{
	if (!cJSON_IsObject(allowed)) {
		return otherwise;
	}
	return list_has(member(allowed, "parse"), kind) ||
	    (id && list_has(member(allowed, kind), id));
}

static void
add(uint64_t *ids, int *count, uint64_t id)
{
	for (int i = 0; i < *count; i++) {
		if (ids[i] == id) {
			return;
		}
	}
	if (*count < WORLD_MENTIONS_MAX) {
		ids[(*count)++] = id;
	}
}

/* Reads the id of "<@ID>", "<@!ID>" or "<@&ID>"; false where it is none of them. */
static bool
read_mention(const char *text, bool *role, char *id, size_t room)
{
	*role = text[2] == '&';
	const char *digits = text + 2 + (*role || text[2] == '!' ? 1 : 0);
	size_t size = strspn(digits, "0123456789");

	return size > 0 && digits[size] == '>' &&
	    slice_copy((struct slice){digits, size}, id, room);
}

void
mentions_find(struct world_mentions *mentions, const char *content,
    const cJSON *allowed, bool all)
{
	for (const char *at = content; (at = strstr(at, "<@")); at += 2) {
		char id[24];
		bool role = false;

		if (!read_mention(at, &role, id, sizeof id)) {
			continue;
		}
		if (role && is_allowed(allowed, "roles", id, all)) {
			add(mentions->roles, &mentions->role_count,
			    strtoull(id, NULL, 10));
		} else if (!role && is_allowed(allowed, "users", id, true)) {
			add(mentions->users, &mentions->user_count,
			    strtoull(id, NULL, 10));
		}
	}
	mentions->everyone =
	    (strstr(content, "@everyone") || strstr(content, "@here")) &&
	    is_allowed(allowed, "everyone", NULL, all);
}

void
mentions_add_replied(struct world_mentions *mentions, const struct message *target,
    const cJSON *allowed)
{
	if (target && target->shown.webhook_id == 0 &&
	    (!cJSON_IsObject(allowed) ||
		cJSON_IsTrue(member(allowed, "replied_user")))) {
		add(mentions->users, &mentions->user_count,
		    world_user_id(target->shown.author));
	}
}
