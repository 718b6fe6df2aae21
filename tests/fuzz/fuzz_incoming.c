/*
 * Incoming: arbitrary bytes as d of the events that commands and greetings read; what
 * is read must be within its bounds.  Input is d.
 */
#include <string.h>

#include "guilds.h"
#include "incoming.h"
#include "must.h"
#include "text.h"

static bool
is_inside(struct slice slice, const char *text)
{
	return slice.data >= text && slice.data + slice.size <= text + strlen(text);
}

static void
judge_command(const struct incoming *in)
{
	MUST(in->name.size > 0 && in->id != 0 && in->channel != 0);
	MUST(strncmp(in->text, "!", 1) == 0);
	MUST(text_is_utf8(slice_of(in->text)));
}

static void
judge(const struct incoming *in)
{
	MUST(in->user != 0);
	MUST(in->role_count <= INCOMING_ROLES_MAX);
	MUST(memchr(in->user_name, '\0', sizeof in->user_name));
	MUST(text_is_utf8(slice_of(in->user_name)));
	MUST(is_inside(in->name, in->text) && is_inside(in->arguments, in->text));
	if (in->kind == INCOMING_COMMAND) {
		judge_command(in);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {"GUILD_CREATE", "GUILD_ROLE_UPDATE",
	    "GUILD_ROLE_DELETE", "GUILD_MEMBER_ADD", "GUILD_MEMBER_REMOVE",
	    "GUILD_DELETE"};
	static struct guilds *guilds;
	static struct incoming in;
	struct slice text = {(const char *)data, size};

	guilds = guilds ? guilds : guilds_new();
	if (incoming_message(text, "!", &in)) {
		judge(&in);
	}
	if (incoming_member(text, &in)) {
		judge(&in);
		MUST(in.guild != 0);
	}
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		guilds_take(guilds, slice_of(types[i]), text);
		const struct guild *guild = guilds_find(guilds, 50);

		MUST(!guild || guild->role_count <= GUILDS_ROLES_MAX);
		MUST(!guild || memchr(guild->name, '\0', sizeof guild->name));
	}
	return 0;
}
