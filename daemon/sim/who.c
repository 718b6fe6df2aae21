#include "who.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

static const char *const role_names[WORLD_ROLES] = {"mod", "reader", "guest", "bots",
    "admin"};

struct who
who_default(void)
{
	return (struct who){.user = 7, .channel_id = WORLD_MAIN_NUMBER};
}

static bool
is_key(const char *const *keys, const char *word, size_t size)
{
	for (; *keys; keys++) {
		if (strlen(*keys) == size && memcmp(*keys, word, size) == 0) {
			return true;
		}
	}
	return false;
}

bool
who_take_word(struct command *command, const char *const *keys, struct who_word *out)
{
	char *word = command->text + strspn(command->text, " \t");
	size_t size = strcspn(word, " \t");
	size_t key_size = strcspn(word, "= \t");
	bool last = size == 2 && memcmp(word, "--", 2) == 0;
	bool valued = word[key_size] == '=';

	command->text = word;
	if (!last && !is_key(keys, word, key_size + (valued ? 1 : 0))) {
		return false;
	}
	command->text = word + size;
	if (*command->text != '\0') {
		*command->text++ = '\0';
	}
	if (last) {
		return false;
	}
	*out = (struct who_word){word, NULL};
	if (valued) {
		word[key_size] = '\0';
		out->value = word + key_size + 1;
	}
	return true;
}

static void
add_role(struct command *command, const char *text, struct world_roles *roles)
{
	uint64_t id = 0;

	if (roles->count == WORLD_ROLES_MAX) {
		command->error = "too many roles";
		return;
	}
	for (uint64_t i = 0; i < WORLD_ROLES; i++) {
		if (strcmp(role_names[i], text) == 0) {
			roles->ids[roles->count++] = i;
			return;
		}
	}
	if (!command_number(text, WORLD_ROLES, UINT64_MAX, &id)) {
		command->error =
		    "a role is mod, reader, guest, bots, admin, none or an id";
		return;
	}
	roles->ids[roles->count++] = id;
}

static void
take_roles(struct command *command, const char *list, struct world_roles *roles)
{
	char *copy = xstrdup(list);
	char *at = copy;

	*roles = (struct world_roles){.given = true};
	while (*at != '\0' && strcmp(list, "none") != 0 && !command->error) {
		size_t size = strcspn(at, ",");
		bool more = at[size] == ',';

		at[size] = '\0';
		add_role(command, at, roles);
		at += size + (more ? 1 : 0);
	}
	free(copy);
}

static void
take_user(struct command *command, const char *name, int *user)
{
	name += *name == '@' ? 1 : 0;
	if (strcmp(name, "owner") == 0) {
		*user = WHO_OWNER;
	} else if (strcmp(name, "me") == 0) {
		*user = WORLD_BOT;
	} else if (!world_find_user(&command->sim->world, name, user)) {
		command->error = "no such user";
	}
}

bool
who_take(struct command *command, const struct who_word *word, struct who *who)
{
	const char *value = word->value ? word->value : "";

	if (strcmp(word->key, "guild") == 0) {
		if (!command_number(value, 0, UINT64_MAX, &who->guild) ||
		    who->guild >= command->sim->world.guilds) {
			command->error = "no such guild: its number is wanted";
		}
	} else if (strcmp(word->key, "channel") == 0) {
		if (!command_number(value, 1, UINT64_MAX, &who->channel_id)) {
			command->error = "a channel is a number or an id";
		}
	} else if (strcmp(word->key, "user") == 0) {
		take_user(command, value, &who->user);
	} else if (strcmp(word->key, "roles") == 0) {
		take_roles(command, value, &who->roles);
	} else if (strcmp(word->key, "admin") == 0) {
		who->admin = true;
	} else {
		return false;
	}
	return true;
}

void
who_settle(struct command *command, struct who *who)
{
	const struct world *world = &command->sim->world;

	if (command->error) {
		return;
	}
	if (world->guilds == 0) {
		command->error = "there is no guild";
		return;
	}
	if (who->channel_id <= WORLD_LOW_MASK) {
		who->channel_id |= world_guild_id(who->guild);
	}
	if (!world_find_channel(world, who->channel_id, &who->guild)) {
		command->error = "no such channel";
		return;
	}
	if (who->user == WHO_OWNER) {
		who->user = world_owner(world, who->guild);
	}
	if (who->admin && !who->roles.given) {
		who->roles = (struct world_roles){.given = true,
		    .count = 1,
		    .ids = {WORLD_ROLE_ADMIN}};
	}
	for (int i = 0; i < who->roles.count; i++) {
		if (who->roles.ids[i] < WORLD_ROLES) {
			who->admin =
			    who->admin || who->roles.ids[i] == WORLD_ROLE_ADMIN;
			who->roles.ids[i] =
			    world_role_id(who->guild, who->roles.ids[i]);
		}
	}
}

bool
who_read_age(const char *text, int64_t *out_ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"", 1000}, {"s", 1000}, {"m", 60000}, {"h", 3600000},
	    {"d", 86400000}};
	size_t digits = text ? strspn(text, "0123456789") : 0;

	if (digits == 0 || digits > 9) {
		return false;
	}
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(units[i].unit, text + digits) == 0) {
			*out_ms = (int64_t)strtoull(text, NULL, 10) * units[i].ms;
			return *out_ms <= WHO_AGE_MAX_MS;
		}
	}
	return false;
}
