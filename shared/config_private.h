/*
 * What the parts of the configuration reader share; for config*.c only.
 *
 * Every layer brings values as text in the syntax of the environment, so that there is
 * one parser a type; config_file.c checks the types of libconfig before.
 */
#ifndef GWBOT_CONFIG_PRIVATE_H
#define GWBOT_CONFIG_PRIVATE_H

#include <sys/stat.h>

#include "config.h"
#include "err.h"

/* Lowest precedence first. */
enum config_layer {
	LAYER_DEFAULT,
	LAYER_FILE,
	LAYER_SECTION,
	LAYER_CREDENTIAL,
	LAYER_ENV,
	LAYER_CLI,
	LAYER_CONTROL, /* gwctl, while it runs */
};

struct config_origins {
	struct {
		enum config_layer layer;
		char *source;
	} at[CONFIG_ID_COUNT];
};

/* Room for the reason why a value was refused, and for a value shown in a message. */
#define CONFIG_REASON_ROOM 256
#define CONFIG_SHOWN_ROOM  72

/* Files of configuration are at most this large, included ones counted in. */
#define CONFIG_FILE_MAX_BYTES ((size_t)1024 * 1024)

/* ---- config_value.c: one value ------------------------------------------------------
 */

/**
 * Puts the value that text stands for into its field, the old one freed.
 *
 * On an error the field stays and reason says what is wrong, without the value.
 * GW_ERR_PERMISSION: well formed, and yet nothing that may be used or replaced by a
 * default (plain http:// to another host, an unreadable file, too long a path).
 */
enum gw_err config_value_set(struct config *config, enum config_id id, const char *text,
    char reason[CONFIG_REASON_ROOM]);

/** The same for the field of any row, of options.def or lists.def. */
enum gw_err config_field_set(const struct config_option *option, void *field,
    const char *text, char reason[CONFIG_REASON_ROOM]);

/** Frees what a field of that type holds. */
void config_field_clear(const struct config_option *option, void *field);

/** Appends a field's value in the syntax of the file (literal) or the environment. */
enum gw_err config_field_text(const struct config_option *option, const void *field,
    bool literal, struct buf *out);

/** True where two fields of a row hold the same. */
bool config_field_same(const struct config_option *option, const void *a,
    const void *b);

/** Copies a value into a field that holds nothing that must be freed. */
void config_field_copy(const struct config_option *option, void *field,
    const void *value);

/* What a WORDS has between its words while it is one text. */
#define CONFIG_WORDS_MARK '\n'

/** Appends a text between quotes, as libconfig reads it back. */
enum gw_err config_put_quoted(const char *text, struct buf *out);

/* ---- config_groups.c: lists of groups ---- */

/** The field of a row. */
void *config_item_field(const struct config_rows *rows, size_t item,
    struct config_group *group);

/** True for "tcp|http" and "http". */
bool config_word_is_among(const char *words, const char *word);

/** Room for one more, which it owns from then on. */
void config_groups_add(struct config_groups *groups, struct config_group *owned_group);

void config_groups_clear(const struct config_rows *rows, struct config_groups *groups);
bool config_groups_same(const struct config_rows *rows, const struct config_groups *a,
    const struct config_groups *b);
struct config_groups config_groups_copy(const struct config_rows *rows,
    const struct config_groups *from);

/** The names. */
enum gw_err config_groups_text(const struct config_rows *rows,
    const struct config_groups *groups, struct buf *out);

/** As a file has it, a line a value; with provenance each line says its source, and the
 * first one that of the whole. */
enum gw_err config_groups_print(const struct config_option *option,
    const struct config_groups *groups, const char *source, bool provenance,
    struct buf *out);

/* ---- config_whole.c ---- */

/** What only the whole shows: probes that jobs name, templates of posts. */
void config_groups_check(const struct config *config, struct config_report *report);

/* ---- config_commands.c ---- */

/** The same of commands: what each of them answers. */
void config_commands_check(const struct config *config, struct config_report *report);

/* ---- config_form.c: forms of texts ---- */

/** What a form allows, such as "a host name or numeric address"; NULL: no such form. */
const char *config_form_allowed(const char *form);

/** Whether text has the form; GW_OK where there is none of that name. */
enum gw_err config_form_check(const char *form, const char *text, char *reason);

/** Frees what a list holds, and empties it. */
void config_list_clear(struct config_list *list);

/** Frees what the field holds. */
void config_value_clear(struct config *config, enum config_id id);

/** Appends an option's value in the syntax of the file. */
enum gw_err config_value_literal(const struct config *config, enum config_id id,
    struct buf *out);

/* ---- config_env.c ---- */

/** Puts the credential, then the environment into config. */
void config_env_apply(const struct config_sources *sources, struct config *config,
    struct config_report *report);

/** Says which variables were refused, now that the value in their place is known. */
void config_env_tell(const struct config_sources *sources, const struct config *config,
    struct config_report *report);

/* ---- config_token.c ---- */

/** Reads the token's file where that has precedence over a token given directly. */
void config_token_read(struct config *config, struct config_report *report);

/* ---- config_check.c: the forms of texts ---- */

/** Whether text is one that the row of a TEXT, PATH, URL or JSON allows. */
enum gw_err config_check_text(const struct config_option *option, const char *text,
    char *reason);

/** Whether text may be an item of the row of a LIST: an address, a host. */
enum gw_err config_check_item(const struct config_option *option, const char *text,
    char *reason);

#define CONFIG_HOST_MAX_BYTES 255

/** True for a text of letters, digits and - . _ only. */
bool config_is_host_name(const char *host);

/** Copies the host of "host:port/path" without brackets; false where it has none. */
bool config_take_host(const char *text, char host[CONFIG_HOST_MAX_BYTES + 1]);

/** Reads names of intents, or their sum. */
enum gw_err config_parse_intents(const struct config_option *option, const char *text,
    uint32_t *out, char *reason);

/** Appends the names of the bits, joined by separator, each between quotes. */
enum gw_err config_intents_text(uint32_t intents, const char *quote,
    const char *separator, struct buf *out);

/* ---- config_shards.c ---- */

/** Reads "auto", a number or "first-last/total"; a process holds at most option->max.
 */
enum gw_err config_parse_shards(const struct config_option *option, const char *text,
    struct config_shards *out, char *reason);

/** Appends it in the same form, between quotes unless it is a mere number. */
enum gw_err config_shards_text(const struct config_shards *shards, const char *quote,
    struct buf *out);

bool config_shards_same(const struct config_shards *a, const struct config_shards *b);

/* ---- config_report.c ---- */

/** Adds a message; at most a hundred, then one that says so. */
void config_report_add(struct config_report *report, enum config_severity severity,
    const char *where, const char *format, ...) __attribute__((format(printf, 4, 5)));

/**
 * Gives the message at index, where that one was added and not passed over, its rank
 * and the line of the file (text with line ends; NULL: not shown) that it is about.
 */
void config_report_show(struct config_report *report, size_t index, uint64_t rank,
    const char *excerpt);

/** Puts messages about files into the order of their places. */
void config_report_sort(struct config_report *report);

/** Copies text as what a terminal can be shown, cut to room with "..." at the end. */
void config_printable(const char *text, char *out, size_t room);

/** The same for a value: what might be a token by mistake is masked. */
void config_shown(const char *text, char out[CONFIG_SHOWN_ROOM]);

/** Replaces long runs of what tokens are made of by asterisks. */
void config_mask(char *text);

/* ---- config_table.c ---- */

/* The candidate nearest to a mistyped word; best is NULL while none is near. */
struct config_nearest {
	const char *text;
	const char *best;
	size_t distance;
};

void config_nearest_init(struct config_nearest *nearest, const char *text);
void config_nearest_offer(struct config_nearest *nearest, const char *candidate);

/** The word of "a|b|c" at index. */
struct slice config_word_at(const char *words, int index);

/** Copies the nearest path of an option, or of a group where group is set; false where
 * none is near. */
bool config_nearest_path(const char *path, bool group, char *out, size_t room);

/** True for "watchdog" and every other first part of a path. */
bool config_is_group(const char *name);

/** The place of a field in its struct config, for config_value.c. */
size_t config_field_offset(enum config_id id);

/* ---- config_slurp.c ---- */

/**
 * Reads a regular file of at most max_bytes without ever blocking.
 *
 * On an error reason says what is wrong: "is a folder", "permission denied", ...
 */
enum gw_err config_slurp(const char *path, size_t max_bytes, struct buf *out,
    struct stat *status, char reason[CONFIG_REASON_ROOM]);

/* ---- config_slip.c ---- */

/**
 * Whether an unquoted value is one that libconfig takes amiss or reads wrongly; reason
 * says what to write instead.
 */
bool config_is_slip(const char *token, char reason[CONFIG_REASON_ROOM]);

/* ---- config_scan.c: files -> one text ---- */

struct config_scan;

/**
 * Reads a file with what it includes as one text without @include, and says in report
 * what libconfig would take amiss or read wrongly.
 *
 * order is its place among several (at most CONFIG_FILES_MAX).  NULL after an error
 * that leaves nothing to parse; GW_ERR_NOT_FOUND in *err, without a
 * message, where the file is not there.
 */
struct config_scan *config_scan_read(const char *path, size_t order,
    struct config_report *report, enum gw_err *err);
void config_scan_free(struct config_scan *owned_scan);

/** The text, ended by a NUL. */
const char *config_scan_text(const struct config_scan *scan);

/** How many files it was made of, and their names. */
size_t config_scan_file_count(const struct config_scan *scan);
const char *config_scan_file_name(const struct config_scan *scan, size_t index);

/* Where something stands in a file; borrowed from the scan. */
struct config_place {
	const char *at;
	size_t size;
	unsigned line;
	size_t file;
};

struct config_scan_setting;

/** The setting on a line (from 1) of the text; NULL where there is none. */
const struct config_scan_setting *config_scan_setting(const struct config_scan *scan,
    unsigned line);

/** "/etc/gwbot.conf:52:3", or with base alone "gwbot.conf:52". */
void config_scan_where(const struct config_scan *scan, const struct config_place *place,
    bool base, char *out, size_t room);

/**
 * Adds a message for a place, with its line and a marker below it; lines that may hold
 * the token are not shown.
 */
void config_scan_tell(const struct config_scan *scan, struct config_report *report,
    enum config_severity severity, const struct config_place *place, const char *text);

/** A file that others than its owner and group may touch; NULL: none. */
const char *config_scan_open_file(const struct config_scan *scan);

/* ---- config_file.c: libconfig ---- */

struct config_file;

/** Parses the text of a scan, and says in report what is wrong.  Never NULL. */
struct config_file *config_file_parse(struct config_scan *owned_scan,
    struct config_report *report);
void config_file_free(struct config_file *owned_file);

/** The file's own `profile = "..."`, borrowed; NULL where there is none. */
const char *config_file_profile(const struct config_file *file);

/** What it was parsed from, borrowed. */
const struct config_scan *config_file_scan(const struct config_file *file);

/* Which of several files gave an option its value at the top level. */
struct config_setters {
	size_t now; /* the file at work */
	size_t file[CONFIG_ID_COUNT];
};

/** Puts the top level into config. */
void config_file_apply_top(const struct config_file *file,
    struct config_setters *setters, struct config *config,
    struct config_report *report);

/** Puts the section of the profile into config, and checks those of the others. */
void config_file_apply_sections(const struct config_file *file, const char *profile,
    struct config_setters *setters, struct config *config,
    struct config_report *report);

/* ---- config_files.c: the file and its drop-ins ---- */

struct config_files;

/** Reads and parses them; never NULL, none where there are none. */
struct config_files *config_files_read(const struct config_sources *sources,
    struct config_report *report);
void config_files_free(struct config_files *owned_files);

/** The last `profile = "..."` among them, borrowed; NULL where there is none. */
const char *config_files_profile(const struct config_files *files);

/** Puts all top levels into config in their order, then the sections of the profile. */
void config_files_apply(const struct config_files *files, const char *profile,
    struct config *config, struct config_report *report);

/** Notes the names of all files that were read, included ones too, and the folder of
 * the drop-ins. */
void config_files_list(const struct config_files *files, struct config *config);

/** Warns where others may read a file while a token stands in one. */
void config_files_warn_open(const struct config_files *files,
    struct config_report *report);

/* ---- config.c ---- */

/** Notes where the present value of an option came from. */
void config_note(struct config *config, enum config_id id, enum config_layer layer,
    const char *source);

/** Computes anew what follows from other values, unless it is set. */
void config_derive(struct config *config);

/** True for the five profiles by their canonical names. */
bool config_is_known_profile(const char *profile);

/** The canonical name of a profile, in out; false where it is no usable name. */
bool config_profile_name(const char *text, char *out, size_t room);

/* The field of a row in a configuration; of a text what it points to. */
static inline void *
config_field_of(struct config *config, enum config_id id)
{
	return (char *)config + config_field_offset(id);
}

static inline const void *
config_field_at(const struct config *config, enum config_id id)
{
	return (const char *)config + config_field_offset(id);
}

static inline const char *
config_text_at(const struct config *config, enum config_id id)
{
	return *(char *const *)config_field_at(config, id);
}

#endif
