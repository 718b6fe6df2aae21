/*
 * The first lines of the log: what runs, which files were read, what differs from the
 * defaults.  What is bound and which sessions are there follow from the parts.
 */
#include "app.h"

#include <string.h>
#include <unistd.h>

#include "log.h"

/* A value or a list of files; a line of the log holds no more. */
#define TEXT_MAX_BYTES ((size_t)4096)

static void
tell_files(const struct config *config)
{
	struct buf names;

	buf_init(&names, TEXT_MAX_BYTES);
	for (size_t i = 0; i < config->files.count; i++) {
		/* What does not fit is in `gwctl config`; the count is whole. */
		(void)buf_printf(&names, "%s%s", i > 0 ? ", " : "",
		    config->files.items[i]);
	}
	log_info("config_files", KV("count", config->files.count),
	    KV("files", buf_slice(&names)));
	buf_fini(&names);
}

static bool
is_default(const char *source)
{
	static const char word[] = "default"; /* "default, derived from ..." is, too */

	return strncmp(source, word, sizeof word - 1) == 0;
}

/* A secret shows as "(set)", a list of groups as their names. */
static void
tell_setting(const struct config *config, size_t index)
{
	const char *source = config_value_source(config, index);
	struct buf value;

	if (is_default(source)) {
		return;
	}
	buf_init(&value, TEXT_MAX_BYTES);
	(void)config_value_text(config, index, &value);
	log_change("setting", KV("option", config_option(index)->path),
	    KV("value", buf_slice(&value)), KV("source", source));
	buf_fini(&value);
}

void
app_greet(const struct app *app)
{
	const struct config *config = app->config;

	log_info("starting", KV("version", GWBOT_VERSION),
	    KV("profile", (const char *)config->profile), KV("pid", getpid()),
	    KV("sim", app->args.sim), KV("state_dir", (const char *)config->state_dir));
	tell_files(config);
	for (size_t i = 0; i < config_option_count(); i++) {
		tell_setting(config, i);
	}
	if (geteuid() == 0) {
		log_warning("runs_as_root",
		    KV("reason", "gwbotd needs no rights of root"),
		    KV("remedy", "User=gwbot in the unit, or gwbotd --user gwbot"));
	}
}
