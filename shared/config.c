/* The layers, one over the other, and what follows from their values. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_private.h"
#include "xalloc.h"

#define DERIVED     "default, derived from "
#define PATH_ROOM   4096
#define NAME_ROOM   33 /* of a profile, with its NUL */
#define SOURCE_ROOM 128

void
config_note(struct config *config, enum config_id id, enum config_layer layer,
    const char *source)
{
	/* None where values are only checked. */
	if (!config->origins) {
		return;
	}
	char *copy = xstrdup(source); /* source may be the one that goes */

	free(config->origins->at[id].source);
	config->origins->at[id].source = copy;
	config->origins->at[id].layer = layer;
}

const char *
config_value_source(const struct config *config, size_t index)
{
	return config->origins->at[index].source;
}

/* ---- the profile ---- */

bool
config_profile_name(const char *text, char *out, size_t room)
{
	static const struct {
		const char *alias;
		const char *name;
	} aliases[] = {
	    {"development", "dev"},
	    {"production", "prod"},
	};
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t size = strlen(text);

	if (size == 0 || size >= NAME_ROOM || size >= room ||
	    strspn(text, letters) != size) {
		return false;
	}
	for (size_t i = 0; i <= size; i++) {
		bool upper = text[i] >= 'A' && text[i] <= 'Z';

		out[i] = (char)(upper ? text[i] - 'A' + 'a' : text[i]);
	}
	for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
		if (strcmp(out, aliases[i].alias) == 0) {
			(void)slice_copy(slice_of(aliases[i].name), out, room);
		}
	}
	return true;
}

static bool
is_other(const char *profile)
{
	static const char *const others[] = {"dev", "test", "qa", "stage"};

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		if (strcmp(profile, others[i]) == 0) {
			return true;
		}
	}
	return false;
}

bool
config_is_known_profile(const char *profile)
{
	return is_other(profile) || strcmp(profile, "prod") == 0;
}

bool
config_is_prod_like(const struct config *config)
{
	return !is_other(config->profile);
}

/* The last `--set profile=...`, which counts as --profile does. */
static const char *
overridden_profile(const struct config_sources *sources)
{
	static const char assignment[] = "profile=";
	const char *found = NULL;

	for (size_t i = 0; i < sources->override_count; i++) {
		const struct config_override *override = &sources->overrides[i];

		if (override->value && strcmp(override->path, "profile") == 0) {
			found = override->value;
		}
		if (!override->value &&
		    strncmp(override->path, assignment, sizeof assignment - 1) == 0) {
			found = override->path + sizeof assignment - 1;
		}
	}
	return found;
}

struct profile {
	char name[NAME_ROOM];
	char source[SOURCE_ROOM];
	enum config_layer layer;
};

static bool
take_profile(struct profile *profile, const char *text, enum config_layer layer,
    const char *source)
{
	if (!text || text[0] == '\0' ||
	    !config_profile_name(text, profile->name, sizeof profile->name)) {
		return false;
	}
	profile->layer = layer;
	(void)snprintf(profile->source, sizeof profile->source, "%s", source);
	return true;
}

static void
choose_profile(const struct config_sources *sources, const struct config_files *files,
    struct profile *profile, struct config_report *report)
{
	static const char allowed[] =
	    "no name of a profile; allowed: 1 to 32 letters, digits, _ . -";
	const char *flag =
	    sources->profile ? sources->profile : overridden_profile(sources);
	const char *env = sources->paths.get(sources->paths.context, "ENV_NAME");

	(void)take_profile(profile, "dev", LAYER_DEFAULT, "default");
	/* config_files_apply() notes the line, or what is wrong there. */
	(void)take_profile(profile, config_files_profile(files), LAYER_FILE, "file");
	if (!take_profile(profile, env, LAYER_ENV, "env:ENV_NAME") && env && env[0]) {
		config_report_add(report, CONFIG_WARNING, "env:ENV_NAME", allowed);
	}
	if (flag && !take_profile(profile, flag, LAYER_CLI, "cli")) {
		config_report_add(report, CONFIG_ERROR, "--profile", allowed);
	}
	if (is_other(profile->name) || strcmp(profile->name, "prod") == 0) {
		return;
	}
	config_report_add(report, CONFIG_WARNING, "",
	    "profile \"%s\" is none of prod, dev, test, qa, stage; it counts as prod",
	    profile->name);
}

/* ---- defaults ---- */

static void
put_default(struct config *config, enum config_id id, const char *profile)
{
	const struct config_option *option = config_option(id);
	char reason[CONFIG_REASON_ROOM];
	char source[SOURCE_ROOM];
	const char *text =
	    is_other(profile) && option->def_other ? option->def_other : option->def;

	(void)snprintf(source, sizeof source, "profile:%s", profile);
	/* The unit test tries every default of every row. */
	(void)config_value_set(config, id, text, reason);
	config_note(config, id, LAYER_DEFAULT, option->def_other ? source : "default");
}

static void
put_defaults(struct config *config, const struct profile *profile)
{
	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		put_default(config, (enum config_id)i, profile->name);
	}
}

static void
put_path_defaults(struct config *config, const struct config_sources *sources,
    struct config_report *report)
{
	char path[PATH_ROOM];
	char reason[CONFIG_REASON_ROOM];

	/* Too long a $XDG_RUNTIME_DIR: only an error if nothing else names a socket. */
	if (paths_control_socket(&sources->paths, path, sizeof path) != GW_OK ||
	    config_value_set(config, CONFIG_ID_control_socket, path, reason) != GW_OK) {
		config_report_add(report, CONFIG_WARNING, "env:XDG_RUNTIME_DIR",
		    "too long a path for a socket (%d bytes are allowed); "
		    "control.socket is %s",
		    PATHS_SOCKET_MAX_BYTES, config->control_socket);
	}
	if (paths_state_dir(&sources->paths, path, sizeof path) == GW_OK) {
		(void)config_value_set(config, CONFIG_ID_state_dir, path, reason);
	}
}

static bool
is_default(const struct config *config, enum config_id id)
{
	return config->origins->at[id].layer == LAYER_DEFAULT;
}

/* The original bots' rule: three missed checks and a little more. */
void
config_derive(struct config *config)
{
	if (is_default(config, CONFIG_ID_watchdog_stall)) {
		config->watchdog_stall = 3 * config->watchdog_keepalive + CLOCK_S(30);
		config_note(config, CONFIG_ID_watchdog_stall, LAYER_DEFAULT,
		    DERIVED "watchdog.keepalive");
	}
	if (is_default(config, CONFIG_ID_watchdog_disconnect_grace)) {
		config->watchdog_disconnect_grace = config->watchdog_stall;
		config_note(config, CONFIG_ID_watchdog_disconnect_grace, LAYER_DEFAULT,
		    DERIVED "watchdog.stall");
	}
}

void
config_forget(struct config *config, size_t index)
{
	put_default(config, (enum config_id)index, config->profile);
	config_derive(config);
}

/* ---- the command line ---- */

/* What a `PATH=VALUE`, or a flag that stands for one, assigns. */
struct assignment {
	char path[SOURCE_ROOM];
	const char *value;
	size_t id;
};

static bool
read_assignment(const struct config_override *override, struct assignment *assignment,
    struct config_report *report)
{
	size_t size = strcspn(override->path, "=");
	bool whole = override->value || override->path[size] == '=';
	char shown[CONFIG_SHOWN_ROOM];

	config_shown(override->path, shown);
	if (!whole) {
		config_report_add(report, CONFIG_ERROR, "--set",
		    "\"%s\" has no =; write section.key=value", shown);
		return false;
	}
	assignment->value =
	    override->value ? override->value : override->path + size + 1;
	bool whole_path = slice_copy((struct slice){override->path, size},
	    assignment->path, sizeof assignment->path);

	if (whole_path && config_option_renamed(assignment->path, &assignment->id)) {
		config_report_add(report, CONFIG_WARNING, "--set",
		    "%s is deprecated; use %s", assignment->path,
		    config_option(assignment->id)->path);
	} else if (!whole_path ||
	    !config_option_find(assignment->path, &assignment->id)) {
		char nearest[SOURCE_ROOM];
		bool near = config_nearest_path(assignment->path, false, nearest,
		    sizeof nearest);

		config_report_add(report, CONFIG_ERROR, "--set",
		    "unknown setting in \"%s\"%s%s", shown, near ? "; nearest: " : "",
		    nearest);
		return false;
	}
	if (config_option(assignment->id)->type == CONFIG_SECRET) {
		config_report_add(report, CONFIG_ERROR, "--set",
		    "%s on the command line would show it to every user of this host",
		    assignment->path);
		return false;
	}
	return true;
}

static void
put_override(struct config *config, const struct config_override *override,
    struct config_report *report)
{
	struct assignment assignment = {.value = NULL};
	char reason[CONFIG_REASON_ROOM] = "";
	char shown[CONFIG_SHOWN_ROOM];
	struct buf allowed;

	if (!read_assignment(override, &assignment, report)) {
		return;
	}
	enum config_id id = (enum config_id)assignment.id;

	if (config_value_set(config, id, assignment.value, reason) == GW_OK) {
		config_note(config, id, LAYER_CLI, "cli");
		return;
	}
	buf_init(&allowed, PATH_ROOM);
	(void)config_allowed(config_option(id), &allowed);
	config_shown(assignment.value, shown);
	config_report_add(report, CONFIG_ERROR, "--set",
	    "%s = \"%s\": %s; allowed: %.*s", assignment.path, shown, reason,
	    (int)allowed.size, allowed.data);
	buf_fini(&allowed);
}

/* ---- all of it ---- */

static void
warn_inline_token(const struct config_files *files, const struct config *config,
    struct config_report *report)
{
	enum config_layer layer = config->origins->at[CONFIG_ID_discord_token].layer;

	if (layer == LAYER_FILE || layer == LAYER_SECTION) {
		config_files_warn_open(files, report);
	}
}

static void
put_profile(struct config *config, const struct profile *profile)
{
	char reason[CONFIG_REASON_ROOM];

	(void)config_value_set(config, CONFIG_ID_profile, profile->name, reason);
	/* From the file: the line is noted already. */
	if (profile->layer != LAYER_FILE) {
		config_note(config, CONFIG_ID_profile, profile->layer, profile->source);
	}
}

static void
put_layers(struct config *config, const struct config_sources *sources,
    const struct config_files *files, struct config_report *report)
{
	struct profile profile = {.layer = LAYER_DEFAULT};

	choose_profile(sources, files, &profile, report);
	put_defaults(config, &profile);
	put_path_defaults(config, sources, report);
	config_files_apply(files, profile.name, config, report);
	config_files_list(files, config);
	warn_inline_token(files, config, report);
	config_env_apply(sources, config, report);
	for (size_t i = 0; i < sources->override_count; i++) {
		put_override(config, &sources->overrides[i], report);
	}
	put_profile(config, &profile);
	config_derive(config);
	config_groups_check(config, report);
	config_commands_check(config, report);
	config_env_tell(sources, config, report);
	config_token_read(config, report);
}

struct config *
config_load(const struct config_sources *sources, struct config_report *report)
{
	struct config *config = xzalloc(sizeof *config);
	size_t errors = report->errors;

	config->origins = xzalloc(sizeof *config->origins);
	struct config_files *files = config_files_read(sources, report);

	put_layers(config, sources, files, report);
	config_files_free(files);
	if (report->errors > errors) {
		config_free(config);
		return NULL;
	}
	return config;
}

void
config_free(struct config *owned_config)
{
	if (!owned_config) {
		return;
	}
	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		config_value_clear(owned_config, (enum config_id)i);
		free(owned_config->origins->at[i].source);
	}
	free(owned_config->origins);
	config_list_clear(&owned_config->files);
	free(owned_config->drop_ins);
	free(owned_config->token_problem);
	free(owned_config);
}
