/*
 * Interactions: arbitrary bytes as d of INTERACTION_CREATE, and as the list of commands
 * that the API answers with.
 */
#include <string.h>

#include "incoming_interaction.h"
#include "json.h"
#include "menu.h"
#include "must.h"
#include "text.h"

static void
check_text(const char *text, size_t room)
{
	MUST(memchr(text, '\0', room));
	MUST(text_is_utf8(slice_of(text)));
}

static void
try_interaction(struct slice bytes)
{
	static struct incoming_interaction what;

	if (!incoming_interaction_read(bytes, &what)) {
		return;
	}
	check_text(what.user_name, sizeof what.user_name);
	check_text(what.token, sizeof what.token);
	check_text(what.name, sizeof what.name);
	check_text(what.text, sizeof what.text);
	MUST(what.id != 0 && what.application != 0 && what.user != 0);
	MUST(what.token[0] != '\0' && !strpbrk(what.token, "/?#%\\ "));
	MUST(what.role_count <= INTERACTION_ROLES_MAX);
	MUST(!what.administrator || what.guild != 0);
	(void)incoming_interaction_age(what.id, INT64_C(1750000000000));
}

static void
try_list(struct slice bytes)
{
	static const struct bot_menu_entry entries[] = {
	    {.name = "ping", .help = "is it there?"},
	    {.name = "rules", .help = "x", .takes_text = true},
	};
	struct json *document = NULL;
	enum menu_verdict verdict = menu_compare(entries, 2, bytes);
	bool list = json_parse(bytes, MENU_ANSWER_MAX_BYTES, &document) == GW_OK &&
	    json_kind(document) == JSON_ARRAY;

	MUST(list || verdict == MENU_UNREADABLE);
	MUST(verdict != MENU_SAME || json_count(document) == 2);
	json_free(document);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = {(const char *)data, size};

	try_interaction(bytes);
	try_list(bytes);
	return 0;
}
