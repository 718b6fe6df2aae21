/*
 * Configuration: default < profile < file < the file's section of the profile <
 * environment < command line, each effective value with where it came from.
 *
 * options.def declares every option; struct config, the readers of all layers,
 * --print-config, the manual's list and the example file derive from it.  The only
 * include of libconfig is behind this header.  No state of its own: the environment
 * comes through a function, problems go into a report that the caller prints.
 */
#ifndef GWBOT_CONFIG_H
#define GWBOT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"
#include "paths.h"
#include "secret.h"

#define CONFIG_TOKEN_MIN_BYTES 50
#define CONFIG_ITEMS_MAX       32 /* rows of a list in lists.def */

/* The types of values. */
enum config_type {
	CONFIG_BOOL,
	CONFIG_INTEGER,
	CONFIG_DURATION,
	CONFIG_TEXT,
	CONFIG_SECRET,
	CONFIG_PATH,
	CONFIG_URL,
	CONFIG_JSON,
	CONFIG_CHOICE,
	CONFIG_LIST,
	CONFIG_INTENTS,
	CONFIG_SHARDS,
	CONFIG_WORDS,
	CONFIG_GROUPS,
};

/* When a changed value takes effect on reload. */
enum config_reload {
	CONFIG_LIVE,      /* at once */
	CONFIG_RECONNECT, /* with the next connection */
	CONFIG_IDENTIFY,  /* with the next session */
	CONFIG_RESTART,   /* with the next process */
};

struct config_list {
	char **items;
	size_t count;
};

/* What every group of a list begins with. */
struct config_group {
	/* Where the value of each row came from, in the order of lists.def: NULL is the
	 * default, else as config_value_source(). */
	char *sources[CONFIG_ITEMS_MAX];
	char *source; /* of the whole, where its name stands */
};

/* The groups of a list: struct config_probe, struct config_job, struct config_command.
 */
struct config_groups {
	struct config_group **at;
	size_t count;
};

/* Which shards this process holds. */
struct config_shards {
	bool automatic; /* as many as Discord recommends; the rest is 0 then */
	uint32_t first;
	uint32_t last;
	uint32_t total; /* of the bot, over all of its processes */
};

#define CONFIG_C_BOOL     bool
#define CONFIG_C_INTEGER  int64_t
#define CONFIG_C_DURATION mono_ns
#define CONFIG_C_TEXT     char *
#define CONFIG_C_SECRET   struct secret *
#define CONFIG_C_PATH     char *
#define CONFIG_C_URL      char *
#define CONFIG_C_JSON     char *
#define CONFIG_C_CHOICE   int /* place among the words of the row's unit, from 0 */
#define CONFIG_C_LIST     struct config_list
#define CONFIG_C_INTENTS  uint32_t
#define CONFIG_C_SHARDS   struct config_shards
#define CONFIG_C_WORDS    struct config_list
#define CONFIG_C_GROUPS   struct config_groups

/* One probe; a field a row of lists.def. */
struct config_probe {
	struct config_group group;
#define PROBE(key, type, ...) CONFIG_C_##type key;
#include "lists.def"
};

/* One job. */
struct config_job {
	struct config_group group;
#define JOB(key, type, ...) CONFIG_C_##type key;
#include "lists.def"
};

/* One command of the bot's own, or one greeting. */
struct config_command {
	struct config_group group;
#define COMMAND(key, type, ...) CONFIG_C_##type key;
#include "lists.def"
};

/*
 * One field a row, e.g. mono_ns watchdog_stall.  Texts are never NULL; a secret is NULL
 * where none is set.  log_level and log_format have the numbers of enum log_level and
 * enum log_format, discord_compress those of enum inflate_kind.
 */
struct config {
#define OPTION(id, path, type, ...) CONFIG_C_##type id;
#include "options.def"
#undef OPTION
	struct config_origins *origins; /* where each value came from */
	struct config_list files;       /* that were read, in the order they count */
	char *drop_ins;      /* folder of the drop-ins; NULL where no file is read */
	char *token_problem; /* why a named token file gave no token, or NULL */
	bool no_credential;  /* systemd gives credentials, and no token among them */
};

/* The place of each row in the table, e.g. CONFIG_ID_watchdog_stall. */
enum config_id {
#define OPTION(id, ...) CONFIG_ID_##id,
#include "options.def"
#undef OPTION
	CONFIG_ID_COUNT,
};

/* A row of the table, for whoever iterates. */
struct config_option {
	const char *path;
	enum config_type type;
	enum config_reload reload;
	const char *unit;
	const char *def;
	const char *def_other; /* NULL: the same */
	int64_t min;
	int64_t max;
	const char *env;
	const char *legacy;
	const char *help;
};

/* A row of lists.def. */
struct config_item {
	struct config_option option; /* path is the key */
	const char *when;            /* of which kinds; "": of all */
	bool needed;
	size_t offset; /* of the field in its struct */
};

/* The rows of one list. */
struct config_rows {
	const char *noun; /* "probe" */
	const struct config_item *items;
	size_t count;
	size_t bytes; /* of a group's struct */
};

/* One assignment from the command line. */
struct config_override {
	const char *path; /* "http.port"; or "http.port=8080" with value NULL (--set) */
	const char *value; /* in the syntax of the environment */
};

/* Where a configuration is read from.  All is borrowed for the call. */
struct config_sources {
	const char *file;    /* --config; NULL: $GWBOT_CONFIG, else the default path;
	                        "": none at all */
	const char *profile; /* --profile, or NULL */
	const struct config_override *overrides;
	size_t override_count;
	struct paths_source paths; /* environment, uid and system folder */
	/* The whole environment as "NAME=value", to look for slips; NULL: none. */
	char *const *environment;
};

enum config_severity {
	CONFIG_WARNING,
	CONFIG_ERROR,
};

struct config_message {
	enum config_severity severity;
	char *where;   /* "/etc/gwbot.conf:12:3", "env:PORT", "--set", or "" */
	char *text;    /* one line; no secrets, printable */
	char *excerpt; /* the line of the file and a marker; NULL: none */
	uint64_t rank; /* by file, line and column; 0: of no place in a file */
};

/* What was found while reading, that of files in their order; zeroes before the first
 * use. */
struct config_report {
	struct config_message *messages;
	size_t count;
	size_t errors;
};

/**
 * Reads all layers.
 *
 * All problems are added to report.  NULL where one of them is an error (exit 78); a
 * bad value in the environment is a warning and gives way to what the other layers say.
 * Never blocks: files must be regular and at most 1 MiB.  Whether there is a usable
 * token is not looked at: see config_check_token().
 */
struct config *config_load(const struct config_sources *sources,
    struct config_report *report);
void config_free(struct config *owned_config);

/**
 * Adds an error where the token is missing, shorter than 50 characters or not printable
 * ASCII without blanks; says where it was looked for and never its value.
 *
 * True where the token is usable.  For whoever will connect to Discord (not --sim).
 */
bool config_check_token(const struct config *config, struct config_report *report);

void config_report_free(struct config_report *report);

/** "error" or "warning". */
const char *config_severity_word(enum config_severity severity);

/** Appends a message each: "/etc/gwbot.conf:12:3: error: ...\n", then what it shows. */
void config_report_print(const struct config_report *report, struct buf *out);

/**
 * Appends every effective value as a file that config_load() reads back.
 *
 * With provenance each line ends in a comment that says path and source.  Secrets show
 * as a comment "(set)" or "(not set)".
 */
enum gw_err config_print(const struct config *config, bool provenance, struct buf *out);

/** The probe at index < config->probes.count. */
const struct config_probe *config_probe(const struct config *config, size_t index);

/** The job at index < config->jobs.count. */
const struct config_job *config_job(const struct config *config, size_t index);

/** The command at index < config->commands.count. */
const struct config_command *config_command(const struct config *config, size_t index);

/* Of a file that holds a template. */
#define CONFIG_TEMPLATE_MAX_BYTES ((size_t)16 * 1024)

/**
 * Reads a file that is a template for that place (see template.h) into out, without the
 * line ends behind it; reason (CONFIG_REASON_ROOM bytes) says why not.
 */
enum gw_err config_read_template(const char *path, char where, struct buf *out,
    char *reason);

/* The largest file of an answer; a message of Discord has 2000 characters. */
#define CONFIG_ANSWER_MAX_BYTES ((size_t)16 * 1024)

/**
 * Appends the answer's template of a command: its reply, or what its file holds, less
 * line ends at the end.  Reads the file, without ever blocking on what is none.
 *
 * On an error why (room bytes) says what is wrong with the file or its placeholders.
 */
enum gw_err config_command_text(const struct config_command *command, struct buf *out,
    char *why, size_t room);

/** True for the names of gwbotd's own commands. */
bool config_command_is_own(const char *name);

/** The rows of the groups in a GROUPS. */
const struct config_rows *config_rows(const struct config_option *option);

/** The name of a group. */
const char *config_group_name(const struct config_rows *rows,
    const struct config_group *group);

/** The groups of the GROUPS at index. */
const struct config_groups *config_groups_of(const struct config *config, size_t index);

/** The group of that name; NULL where there is none. */
const struct config_group *config_groups_find(const struct config_rows *rows,
    const struct config_groups *groups, const char *name);

/** True where both say the same, wherever it stands. */
bool config_group_same(const struct config_rows *rows, const struct config_group *a,
    const struct config_group *b);

/** A group with the defaults of its rows, and an empty name. */
struct config_group *config_group_new(const struct config_rows *rows);

/** A copy that shares nothing with the original. */
struct config_group *config_group_copy(const struct config_rows *rows,
    const struct config_group *from);
void config_group_free(const struct config_rows *rows,
    struct config_group *owned_group);

/** The word of a group's second row: "tcp", "exec". */
struct slice config_group_kind(const struct config_rows *rows,
    const struct config_group *group);

/** Appends in one line what is not the default: { name = "db"; kind = "tcp"; } */
enum gw_err config_group_text(const struct config_rows *rows,
    const struct config_group *group, struct buf *out);

/** True where the row means something for the kind of this group. */
bool config_item_applies(const struct config_rows *rows, size_t item,
    const struct config_group *group);

/** Appends a row's value of one group, as config_value_text(). */
enum gw_err config_item_text(const struct config_rows *rows, size_t item,
    const struct config_group *group, struct buf *out);

/** "default", or where the value stands. */
const char *config_item_source(const struct config_group *group, size_t item);

/** The value of a DURATION. */
mono_ns config_item_duration(const struct config_rows *rows, size_t item,
    const struct config_group *group);

size_t config_option_count(void);

/** The row at index < config_option_count(). */
const struct config_option *config_option(size_t index);

/** Finds a row by its path; false where there is none. */
bool config_option_find(const char *path, size_t *index);

/** The option that has this deprecated name in files; false where none has. */
bool config_option_renamed(const char *old_path, size_t *index);

/** The deprecated name of an option in files; NULL: it has none. */
const char *config_option_old_path(size_t index);

/**
 * True where wanted names the row at index: its path, its group ("watchdog"), or a glob
 * that fits its path ("*.port").
 */
bool config_option_fits(size_t index, const char *wanted);

/** The same for any path, such as "probes.db.host". */
bool config_path_fits(const char *path, const char *wanted);

/** Copies the path or group nearest to a mistyped one; false where none is near. */
bool config_nearest(const char *wanted, char *out, size_t room);

/** When a change acts, in a word: "now", "reconnect", "session", "restart". */
const char *config_reload_word(enum config_reload reload);

/** What a type is called: "duration", "true or false". */
const char *config_type_word(enum config_type type);

/** Appends what an option allows: "a duration from 100ms to 1d". */
enum gw_err config_allowed(const struct config_option *option, struct buf *out);

/** Appends an option's value as in the environment; secrets as "(set)" or "(not set)".
 */
enum gw_err config_value_text(const struct config *config, size_t index,
    struct buf *out);

/** "default", "profile:prod", "gwbot.conf:12", "env:PORT", "cli"; borrowed. */
const char *config_value_source(const struct config *config, size_t index);

/** The value of a DURATION. */
mono_ns config_duration(const struct config *config, size_t index);

/** False for a secret that is not set; true for every other option. */
bool config_value_is_set(const struct config *config, size_t index);

/** True where both hold the same value; secrets are compared, not shown. */
bool config_value_same(const struct config *a, const struct config *b, size_t index);

/* Options whose values differ between two configurations, in the table's order. */
struct config_changes {
	enum config_id ids[CONFIG_ID_COUNT];
	size_t count;
};

void config_compare(const struct config *running, const struct config *fresh,
    struct config_changes *out);

/** A copy that shares nothing with the original. */
struct config *config_copy(const struct config *config);

/** Gives an option the value and the source that it has in from. */
void config_adopt(struct config *config, const struct config *from, size_t index);

/**
 * Sets an option over all layers: a change while the daemon runs.  What is derived from
 * it follows.
 *
 * value is in the syntax of the environment, source such as "control".  On an error
 * nothing changes and why (room bytes) says what is wrong and what is allowed.
 */
enum gw_err config_override(struct config *config, size_t index, const char *value,
    const char *source, char *why, size_t room);

/** Gives an option its default again; what is derived from it follows. */
void config_forget(struct config *config, size_t index);

/* What to write, and where, to have a value after the next start too. */
struct config_keep {
	/* "/etc/gwbot.conf:12", "/etc/gwbot.d/watchdog-stall.conf", "env:PORT", "cli"
	 */
	char *where;
	char *text; /* "stall = \"20min\";", "PORT=8080", "--set http.port=8080" */
};

/**
 * Says how to keep the value that an option has in wanted, given what the layers say
 * now (read): at the place that decides it, else in a drop-in of its own.
 *
 * Free it with config_keep_free().
 */
struct config_keep config_keep(const struct config *read, const struct config *wanted,
    size_t index);
void config_keep_free(struct config_keep *keep);

/** True for every profile but dev, test, qa and stage. */
bool config_is_prod_like(const struct config *config);

/*
 * The process's own environment without its secrets.
 *
 * Making one copies the variables of secret options (DISCORD_TOKEN), wipes their bytes
 * and removes them, so that neither /proc nor a child shows them; the copy serves
 * reloads.  Make one, early, before threads start.
 */
struct config_env;

struct config_env *config_env_new(void);
void config_env_free(struct config_env *owned_env);

/**
 * The same for what a configuration names as env:NAME, with two differences: threads
 * may run, and the emptied variable stays.
 */
void config_env_hide(struct config_env *env, const struct config *config);

/** A paths_getenv: context is the struct config_env. */
const char *config_env_get(void *context, const char *name);

#endif
