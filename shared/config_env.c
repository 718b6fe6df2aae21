/* The environment as a layer, and as a thing from which secrets are taken away. */
#include "config_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "xalloc.h"

#define SOURCE_ROOM   128
#define ALLOWED_BYTES 512
#define VALUE_BYTES   1024
#define PREFIX        "GWBOT_"
#define SECRET_IN_ENV "env:"
#define SLIP_LETTERS  2

/* ---- the layer ---- */

static const char *
get(const struct config_sources *sources, const char *name)
{
	const char *value =
	    name[0] ? sources->paths.get(sources->paths.context, name) : NULL;

	/* Set to nothing counts as not set: unit files and shells do that. */
	return value && value[0] != '\0' ? value : NULL;
}

/* The variable that gives an option its value: the new name, else the deprecated one.
 */
static const char *
variable_of(const struct config_sources *sources, const struct config_option *option)
{
	if (get(sources, option->env)) {
		return option->env;
	}
	return get(sources, option->legacy) ? option->legacy : NULL;
}

static enum gw_err
try_value(const struct config_sources *sources, struct config *config,
    enum config_id id, const char *name, char reason[CONFIG_REASON_ROOM])
{
	char value[VALUE_BYTES * 4];

	/* A getter's text lives until its next call only. */
	if (!slice_copy(slice_of(get(sources, name)), value, sizeof value)) {
		(void)snprintf(reason, CONFIG_REASON_ROOM, "too long");
		return GW_ERR_RANGE;
	}
	enum gw_err err = config_value_set(config, id, value, reason);

	explicit_bzero(value, sizeof value);
	return err;
}

static void
apply_option(const struct config_sources *sources, struct config *config,
    enum config_id id, struct config_report *report)
{
	const struct config_option *option = config_option(id);
	const char *name = variable_of(sources, option);
	char reason[CONFIG_REASON_ROOM] = "";
	char source[SOURCE_ROOM];

	if (!name) {
		return;
	}
	(void)snprintf(source, sizeof source, "env:%s", name);
	enum gw_err err = try_value(sources, config, id, name, reason);

	if (err == GW_ERR_PERMISSION) {
		config_report_add(report, CONFIG_ERROR, source, "%s: %s", option->path,
		    reason);
		return;
	}
	if (err != GW_OK) {
		return; /* config_env_tell() says so */
	}
	config_note(config, id, LAYER_ENV, source);
	if (name == option->legacy) {
		config_report_add(report, CONFIG_WARNING, source,
		    "deprecated; use %s instead", option->env);
	}
}

/* A line without anything in it is what the unit's SetCredential= puts in the place of
 * a token file that is not there. */
static bool
is_credential(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && status.st_size > 1;
}

/* systemd's LoadCredential=discord_token:... puts a file of that name there. */
static void
apply_credential(const struct config_sources *sources, struct config *config)
{
	const char *folder = get(sources, "CREDENTIALS_DIRECTORY");
	char path[VALUE_BYTES * 4];
	char reason[CONFIG_REASON_ROOM];

	if (!folder) {
		return;
	}
	int size = snprintf(path, sizeof path, "%s/discord_token", folder);

	if (size < 0 || (size_t)size >= sizeof path || !is_credential(path)) {
		config->no_credential = true;
		return;
	}
	if (config_value_set(config, CONFIG_ID_discord_token_file, path, reason) ==
	    GW_OK) {
		config_note(config, CONFIG_ID_discord_token_file, LAYER_CREDENTIAL,
		    "credential:discord_token");
	}
}

void
config_env_apply(const struct config_sources *sources, struct config *config,
    struct config_report *report)
{
	apply_credential(sources, config);
	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		/* The profile decides defaults, so it was settled before. */
		if (i != CONFIG_ID_profile) {
			apply_option(sources, config, (enum config_id)i, report);
		}
	}
}

/* ---- the warnings ---- */

static void
tell_refused(const struct config_sources *sources, const struct config *config,
    enum config_id id, const char *name, const char *reason,
    struct config_report *report)
{
	const struct config_option *option = config_option(id);
	char where[SOURCE_ROOM];
	char shown[CONFIG_SHOWN_ROOM];
	struct buf allowed;
	struct buf used;

	buf_init(&allowed, ALLOWED_BYTES);
	buf_init(&used, VALUE_BYTES);
	config_shown(get(sources, name), shown);
	(void)snprintf(where, sizeof where, "env:%s", name);
	(void)config_allowed(option, &allowed);
	(void)config_value_text(config, id, &used);
	config_report_add(report, CONFIG_WARNING, where,
	    "\"%s\" is %s; allowed: %.*s; %s is %.*s (%s)%s%s", shown, reason,
	    (int)allowed.size, allowed.data ? allowed.data : "", option->path,
	    (int)used.size, used.data ? used.data : "", config_value_source(config, id),
	    name == option->legacy ? "; deprecated: use " : "",
	    name == option->legacy ? option->env : "");
	buf_fini(&allowed);
	buf_fini(&used);
}

/* A name of ours that nothing reads, and that is one or two letters away from one that
 * is read: nobody means it to do nothing. */
static void
tell_slip(const char *entry, struct config_report *report)
{
	struct config_nearest nearest;
	char name[SOURCE_ROOM];

	if (strncmp(entry, PREFIX, sizeof PREFIX - 1) != 0 ||
	    !slice_copy((struct slice){entry, strcspn(entry, "=")}, name,
		sizeof name)) {
		return;
	}
	config_nearest_init(&nearest, name);
	nearest.distance = SLIP_LETTERS + 1;
	config_nearest_offer(&nearest, PREFIX "CONFIG");
	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		config_nearest_offer(&nearest, config_option(i)->env);
	}
	if (nearest.best && strcmp(nearest.best, name) != 0) {
		char where[SOURCE_ROOM + 4];

		(void)snprintf(where, sizeof where, "env:%s", name);
		config_report_add(report, CONFIG_WARNING, where,
		    "there is no such variable; nearest: %s", nearest.best);
	}
}

void
config_env_tell(const struct config_sources *sources, const struct config *config,
    struct config_report *report)
{
	struct config blank = {.origins = NULL};

	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		enum config_id id = (enum config_id)i;
		const char *name = variable_of(sources, config_option(id));
		char reason[CONFIG_REASON_ROOM] = "";

		if (!name || id == CONFIG_ID_profile) {
			continue;
		}
		enum gw_err err = try_value(sources, &blank, id, name, reason);

		if (err != GW_OK && err != GW_ERR_PERMISSION) {
			tell_refused(sources, config, id, name, reason, report);
		}
		config_value_clear(&blank, id);
	}
	for (char *const *entry = sources->environment; entry && *entry; entry++) {
		tell_slip(*entry, report);
	}
}

/* ---- the process's own ---- */

/* A variable that a probe names. */
struct hidden {
	struct hidden *next;
	char *name;
	struct secret *value;
};

struct config_env {
	struct secret *taken[CONFIG_ID_COUNT]; /* of secret options, else NULL */
	struct hidden *hidden;
};

/* The bytes are the ones that /proc/PID/environ shows, so they are wiped in place. */
static struct secret *
take_variable(const char *name)
{
	char *value = getenv(name);
	struct secret *taken;

	if (!value) {
		return NULL;
	}
	taken = secret_new(value, strlen(value));
	explicit_bzero(value, strlen(value));
	(void)unsetenv(name);
	return taken;
}

struct config_env *
config_env_new(void)
{
	struct config_env *env = xzalloc(sizeof *env);

	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		if (config_option(i)->type == CONFIG_SECRET) {
			env->taken[i] = take_variable(config_option(i)->env);
		}
	}
	return env;
}

void
config_env_free(struct config_env *owned_env)
{
	if (!owned_env) {
		return;
	}
	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		secret_free(owned_env->taken[i]);
	}
	for (struct hidden *at = owned_env->hidden, *next = NULL; at; at = next) {
		next = at->next;
		secret_free(at->value);
		free(at->name);
		free(at);
	}
	free(owned_env);
}

/* Only its bytes change: another thread may be looking for a variable. */
static void
hide(struct config_env *env, const char *place)
{
	const char *name = place + sizeof SECRET_IN_ENV - 1;
	char *value = NULL;

	if (strncmp(place, SECRET_IN_ENV, sizeof SECRET_IN_ENV - 1) != 0) {
		return;
	}
	value = getenv(name);
	if (!value || value[0] == '\0') {
		return;
	}
	struct hidden *hidden = xzalloc(sizeof *hidden);

	*hidden = (struct hidden){env->hidden, xstrdup(name),
	    secret_new(value, strlen(value))};
	env->hidden = hidden;
	explicit_bzero(value, strlen(value));
}

void
config_env_hide(struct config_env *env, const struct config *config)
{
	for (size_t i = 0; i < config->probes.count; i++) {
		hide(env, config_probe(config, i)->credentials);
		hide(env, config_probe(config, i)->api_key);
	}
}

const char *
config_env_get(void *context, const char *name)
{
	const struct config_env *env = context;

	for (const struct hidden *at = env->hidden; at; at = at->next) {
		if (strcmp(at->name, name) == 0) {
			return secret_reveal(at->value);
		}
	}

	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		if (env->taken[i] && strcmp(config_option(i)->env, name) == 0) {
			return secret_reveal(env->taken[i]);
		}
	}
	return getenv(name);
}
