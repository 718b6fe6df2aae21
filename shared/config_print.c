/* The table and its values as text: what is allowed, and the whole as a file. */
#include "config_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "duration.h"

#define SHORT_BYTES 1024

static enum gw_err
put_words(const char *words, struct buf *out)
{
	const char *before = "";
	enum gw_err err = GW_OK;

	while (*words != '\0' && err == GW_OK) {
		size_t size = strcspn(words, "|");

		err = buf_printf(out, "%s\"%.*s\"", before, (int)size, words);
		before = ", ";
		words += size + (words[size] == '|' ? 1 : 0);
	}
	return err;
}

static enum gw_err
put_duration_range(const struct config_option *option, struct buf *out)
{
	char min[DURATION_TEXT_ROOM];
	char max[DURATION_TEXT_ROOM];

	duration_format(option->min, min, sizeof min);
	duration_format(option->max, max, sizeof max);
	return buf_printf(out,
	    "a duration from %s to %s, such as 90 (seconds), \"90s\" or \"5min\"", min,
	    max);
}

/* The first scheme is the safe one, the second plain. */
static enum gw_err
put_url(const struct config_option *option, struct buf *out)
{
	int safe = (int)strcspn(option->unit, "|");

	return buf_printf(out, "a URL that begins with %.*s://, to loopback %s://%s",
	    safe, option->unit, option->unit + safe + 1,
	    option->min > 0 ? "" : ", or empty");
}

static enum gw_err
put_text(const struct config_option *option, struct buf *out)
{
	const char *form = config_form_allowed(option->unit);

	if (form) {
		return buf_printf(out, "%s%s", form,
		    option->min > 0 ? "" : ", or empty");
	}
	return buf_printf(out, "a text of %" PRId64 " to %" PRId64 " bytes",
	    option->min, option->max);
}

static const char *
list_example(const char *unit)
{
	static const char *const rows[][2] = {
	    {"host", "hosts, such as [\"cdn.discordapp.com\"]"},
	    {"snowflake", "ids of Discord, such as [\"80351110224678912\"]"},
	    {"address", "numeric addresses, such as [\"127.0.0.1\", \"::1\"]"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (strcmp(rows[i][0], unit) == 0) {
			return rows[i][1];
		}
	}
	return "";
}

enum gw_err
config_allowed(const struct config_option *option, struct buf *out)
{
	switch (option->type) {
	case CONFIG_BOOL:
		return buf_printf(out, "true or false");
	case CONFIG_INTEGER:
		return buf_printf(out, "a whole number from %" PRId64 " to %" PRId64,
		    option->min, option->max);
	case CONFIG_DURATION:
		return put_duration_range(option, out);
	case CONFIG_TEXT:
		return put_text(option, out);
	case CONFIG_SECRET:
		return buf_printf(out, "a text of %" PRId64 " or more characters",
		    option->min);
	case CONFIG_PATH:
		return buf_printf(out, "a path of up to %" PRId64 " bytes%s",
		    option->max,
		    strcmp(option->unit, "readable") == 0 ? " to a readable file" : "");
	case CONFIG_URL:
		return put_url(option, out);
	case CONFIG_JSON:
		return buf_printf(out, "a JSON object, or empty");
	case CONFIG_CHOICE:
		return put_words(option->unit, out);
	case CONFIG_LIST:
		return buf_printf(out, "%" PRId64 " to %" PRId64 " %s", option->min,
		    option->max, list_example(option->unit));
	case CONFIG_INTENTS:
		return buf_printf(out,
		    "names of intents, such as [\"GUILDS\", \"GUILD_MESSAGES\"], or "
		    "their sum");
	case CONFIG_SHARDS:
		return buf_printf(out,
		    "\"auto\", a number from %" PRId64 " to %" PRId64
		    ", or a range of at most %" PRId64
		    " as first-last/total, such as \"0-15/64\"",
		    option->min, option->max, option->max);
	case CONFIG_WORDS:
		return buf_printf(out,
		    "a whole path and its arguments, at most %" PRId64
		    " words, such as [\"/bin/true\", \"-v\"]",
		    option->max);
	case CONFIG_GROUPS:
		return buf_printf(out,
		    "a list of at most %" PRId64
		    " groups, such as %ss = ( { name = \"a\"; ... } )",
		    option->max, option->unit);
	}
	return GW_ERR_UNKNOWN;
}

/* ---- --print-config ---- */

/* Lines keep a column for their comments. */
#define COMMENT_COLUMN 48

static enum gw_err
put_line(const struct config *config, enum config_id id, bool provenance,
    struct buf *out)
{
	const struct config_option *option = config_option(id);
	const char *dot = strchr(option->path, '.');
	bool secret = option->type == CONFIG_SECRET;

	if (option->type == CONFIG_GROUPS) {
		return config_groups_print(option, config_field_at(config, id),
		    config_value_source(config, id), provenance, out);
	}
	size_t start = out->size;
	enum gw_err err = buf_printf(out, "%s%s%s = ", dot ? "\t" : "",
	    secret ? "# " : "", dot ? dot + 1 : option->path);

	if (err == GW_OK) {
		err = config_value_literal(config, id, out);
	}
	if (err == GW_OK && !secret) {
		err = buf_append(out, ";", 1);
	}
	if (err == GW_OK && provenance) {
		char source[SHORT_BYTES];
		size_t used = out->size - start + (dot ? 7 : 0);
		int gap = used < COMMENT_COLUMN ? (int)(COMMENT_COLUMN - used) : 1;

		/* The name of a file may hold a line end. */
		config_printable(config_value_source(config, id), source,
		    sizeof source);
		err = buf_printf(out, "%*s# %s: %s", gap, "", option->path, source);
	}
	return err == GW_OK ? buf_append(out, "\n", 1) : err;
}

enum gw_err
config_print(const struct config *config, bool provenance, struct buf *out)
{
	struct slice group = {"", 0};
	enum gw_err err = GW_OK;

	for (size_t i = 0; i < CONFIG_ID_COUNT && err == GW_OK; i++) {
		const char *path = config_option(i)->path;
		size_t size = strcspn(path, ".");
		struct slice next = {path, path[size] == '.' ? size : 0};

		if (!slice_equal(group, next)) {
			err = buf_printf(out, "%s\n%.*s%s", group.size ? "};\n" : "",
			    (int)next.size, next.data, next.size ? ": {\n" : "");
			group = next;
		}
		if (err == GW_OK) {
			err = put_line(config, (enum config_id)i, provenance, out);
		}
	}
	return err == GW_OK && group.size ? buf_printf(out, "};\n") : err;
}
