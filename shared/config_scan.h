/*
 * A text in the making; shared by config_scan.c, which reads files, config_lex.c, which
 * cuts them into words, and config_grammar.c, which knows what may follow what.
 */
#ifndef GWBOT_CONFIG_SCAN_H
#define GWBOT_CONFIG_SCAN_H

#include "config_private.h"

#define CONFIG_FILES_MAX    64
#define CONFIG_INCLUDES_MAX 128
#define CONFIG_BRACKETS_MAX 16
#define CONFIG_SETTINGS_MAX 2000 /* libconfig takes 46 s for 100,000 */

struct config_scan_file {
	char *path;
	struct buf content; /* as read; messages quote it */
	bool open;          /* readable by others */
	dev_t device;
	ino_t inode;
};

/* One setting, in the order in which they begin. */
struct config_scan_setting {
	struct config_place name;
	struct config_place value;
	size_t parent;   /* the setting that is its group; CONFIG_NO_SETTING: none */
	bool passed;     /* its name was refused: it counts for nothing */
	bool mended;     /* its value was: there is nothing more to say of it */
	bool has_secret; /* lines of it are not shown */
};

#define CONFIG_NO_SETTING SIZE_MAX

/* What may come next. */
enum config_want {
	WANT_NAME,
	WANT_ASSIGN,
	WANT_VALUE,
	WANT_END, /* of a setting */
	WANT_ITEM,
	WANT_COMMA,
};

struct config_bracket {
	char mark;
	struct config_place at;
	size_t setting; /* whose value it is in */
	size_t
	    first; /* setting that may stand in it: each group of a list has its own */
};

struct config_scan {
	struct buf text; /* one line a setting: setting i is on line i + 2 */
	struct config_scan_file files[CONFIG_FILES_MAX];
	size_t file_count;
	size_t include_count;
	size_t bytes; /* of all files */
	struct config_scan_setting *settings;
	size_t setting_count;
	struct config_bracket brackets[CONFIG_BRACKETS_MAX];
	size_t bracket_count;
	enum config_want want;
	size_t current;            /* setting whose value is awaited or has just come */
	bool string_last;          /* a text may follow a text: they are joined */
	bool comma_waits;          /* one was read and not written yet */
	struct config_place comma; /* where */
	struct config_place skipped; /* the rest of its line counts for nothing */
	bool failed;                 /* there is nothing worth parsing */
	size_t order; /* among the files of a configuration, without included ones */
	struct config_report *report;
};

/* One file on its way through. */
struct config_cursor {
	const char *at;
	const char *end;
	size_t file;
	unsigned line;
	size_t depth;
	bool line_start; /* only blanks so far on this line */
	const struct config_cursor *parent;
};

enum config_token_kind {
	TOKEN_END,    /* of the file */
	TOKEN_WORD,   /* a name, or a value without quotes */
	TOKEN_STRING, /* with its quotes */
	TOKEN_MARK,   /* one character */
	TOKEN_INCLUDE,
};

struct config_token {
	enum config_token_kind kind;
	struct config_place place;
	unsigned last_line; /* of a text that goes over several */
};

#define CONFIG_NAME_ROOM 256 /* of an included file */

/* ---- config_scan.c ---- */

/** Adds an error for a place, with its line and a marker below it. */
void config_scan_complain(struct config_scan *scan, const struct config_place *place,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Appends to the text that libconfig will get. */
void config_scan_put(struct config_scan *scan, const char *data, size_t size);

/** Puts an included file in place of the line at the cursor. */
void config_scan_include(struct config_scan *scan, const struct config_cursor *cursor,
    const struct config_place *place, const char *name);

/* ---- config_begin.c ---- */

/* Of a name or value that a message repeats: someone may have put the token there, and
 * that begins with what is no secret. */
#define CONFIG_BRIEF_BYTES 24

/** How much of a place a message may repeat. */
int config_brief_size(const struct config_place *place);

/** True for a setting of that name that may hold a secret: lines of it are not shown.
 */
bool config_scan_is_secret(const struct config_place *name);

bool config_place_holds(const struct config_place *place, const char *word);

/** Begins a setting; what is wrong with its name is told, and it is passed over. */
void config_scan_begin(struct config_scan *scan, const struct config_place *name);

/* ---- config_lex.c ---- */

/** The next token.  value: one without quotes may hold what no name does. */
struct config_token config_lex_next(struct config_scan *scan,
    struct config_cursor *cursor, bool value);

/** The next character that is no blank, comments and line ends left out; 0 at the end.
 */
char config_lex_peek(const struct config_cursor *cursor);

/** The name in an @include; false where it does not fit room. */
bool config_lex_include(const struct config_place *place, char *name, size_t room);

/* ---- config_grammar.c ---- */

/** Takes a whole file over, from the cursor to its end. */
void config_grammar_file(struct config_scan *scan, struct config_cursor *cursor);

/** Closes what is still open at the end of the first file. */
void config_grammar_end(struct config_scan *scan);

#endif
