/*
 * The environment alone: no variable keeps the daemon from starting, each bad one has
 * its warning, and no warning shows a token.
 *
 * Input: entries parted by zero bytes.  The first byte of each chooses a variable of
 * the option table (the highest bit: its legacy name), the rest is its value.
 */
#include <stdbool.h>
#include <string.h>

#include "config.h"
#include "must.h"

#define ENTRIES_MAX 8
#define VALUE_ROOM  1024

struct entries {
	const char *names[ENTRIES_MAX];
	char values[ENTRIES_MAX][VALUE_ROOM];
	size_t count;
};

static const char *
entry_get(void *context, const char *name)
{
	const struct entries *entries = context;

	for (size_t i = 0; i < entries->count; i++) {
		if (strcmp(entries->names[i], name) == 0) {
			return entries->values[i];
		}
	}
	return NULL;
}

static const char *
variable(uint8_t choice)
{
	const struct config_option *option =
	    config_option((choice & 0x7FU) % config_option_count());
	const char *legacy = choice & 0x80U ? option->legacy : NULL;

	return legacy && legacy[0] != '\0' ? legacy : option->env;
}

static void
take(struct entries *entries, struct slice entry)
{
	const char *name = variable((uint8_t)entry.data[0]);

	/* Other files and folders than the fuzzer's own are not to be read. */
	if (!name || name[0] == '\0' || strcmp(name, "GWBOT_CONFIG") == 0 ||
	    strstr(name, "_FILE")) {
		return;
	}
	entries->names[entries->count] = name;
	(void)slice_copy((struct slice){entry.data + 1, entry.size - 1},
	    entries->values[entries->count++], VALUE_ROOM);
}

/* The token, where it is long enough to be told from other text and no other variable
 * says the same. */
static const char *
secret(const struct entries *entries)
{
	const char *token = NULL;

	for (size_t i = 0; i < entries->count; i++) {
		if (strcmp(entries->names[i], "DISCORD_TOKEN") == 0) {
			token = entries->values[i];
		}
	}
	if (!token || strlen(token) < 20) {
		return NULL;
	}
	for (size_t i = 0; i < entries->count; i++) {
		if (entries->values[i] != token && strstr(entries->values[i], token)) {
			return NULL;
		}
	}
	return token;
}

/* One line each, printable, and without the token that was given. */
static void
check_message(const struct config_message *message, const char *token)
{
	MUST(message->text[0] != '\0' && !strchr(message->text, '\n'));
	MUST(!token || !strstr(message->text, token));
	for (const char *at = message->text; *at != '\0'; at++) {
		MUST((unsigned char)*at >= 0x20 && *at != 0x7F);
	}
}

static void
check_values(const struct config *config)
{
	struct buf out;

	buf_init(&out, 65536);
	for (size_t i = 0; i < config_option_count(); i++) {
		const struct config_option *option = config_option(i);

		MUST(config_value_text(config, i, &out) == GW_OK);
		buf_clear(&out);
		if (option->type == CONFIG_DURATION) {
			MUST(config_duration(config, i) >= 0);
		}
	}
	MUST(config_print(config, true, &out) == GW_OK);
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice left = {(const char *)data, size};
	struct entries entries = {.count = 0};
	struct config_report report = {NULL, 0, 0};

	while (left.size > 0 && entries.count < ENTRIES_MAX) {
		const char *nul = memchr(left.data + 1, '\0', left.size - 1);
		size_t taken = nul ? (size_t)(nul - left.data) : left.size;

		take(&entries, (struct slice){left.data, taken});
		taken += nul != NULL;
		left.data += taken;
		left.size -= taken;
	}
	struct config_sources sources = {
	    .file = "",
	    .paths = {.get = entry_get, .context = &entries, .run_dir = "/run/gwbot"},
	};
	struct config *config = config_load(&sources, &report);
	const char *token = secret(&entries);

	MUST((config == NULL) == (report.errors > 0));
	for (size_t i = 0; i < report.count; i++) {
		check_message(&report.messages[i], token);
	}
	if (config) {
		check_values(config);
		(void)config_check_token(config, &report);
	}
	config_report_free(&report);
	config_free(config);
	return 0;
}
