/*
 * Log: one line an event, a stable name first, then keys with units.
 *
 *   log_info("shard_resumed", KV("shard", id), KV("seq", seq), KV("took_ms", took_ms));
 *
 * error: someone must act.  warning: it healed or will.  info: a change of state, a
 * command and who gave it.  debug: the rest.  A record is a line that no level leaves
 * out.  Values are escaped, so that no peer can forge a line; a struct secret does not
 * compile as a value.  Writing never blocks: a line that the target cannot take at once
 * is dropped and counted.
 *
 * An event that repeats without end is limited (log_rate.h): some lines, then how many
 * more there were.  Changes of state and records are not.
 *
 * One sink a process, for the loop's thread only: a helper thread hands its result back
 * to the loop, and whoever asked for it logs.
 */
#ifndef GWBOT_LOG_H
#define GWBOT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"
#include "secret.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

enum log_format {
	LOG_FORMAT_LOGFMT,
	LOG_FORMAT_JSON,
	LOG_FORMAT_JOURNAL, /* systemd's native protocol; what it does not take goes to
	                       the descriptor as logfmt */
};

/* One key with its value; made by KV(). */
struct log_kv {
	const char *key;
	enum log_kv_kind {
		LOG_KV_BOOL,
		LOG_KV_INT,
		LOG_KV_UINT,
		LOG_KV_DOUBLE,
		LOG_KV_TEXT,
	} kind;
	union {
		bool boolean;
		int64_t integer;
		uint64_t natural;
		double number;
		struct slice text;
	} value;
};

/* One event as log_write() was given it. */
struct log_event {
	enum log_level level;
	const char *name;
	const struct log_kv *pairs;
	size_t count;
};

/**
 * Sets where lines go.  fd is borrowed, but of a pipe or terminal log keeps its own
 * descriptor until the next call.  Where the journal reads fd (JOURNAL_STREAM in the
 * environment says so) each line has its level in front, which the journal takes off.
 */
void log_open(int fd, enum log_format format, enum log_level level);

/** Changes the level from now on. */
void log_set_level(enum log_level level);

enum log_level log_get_level(void);

/** Every later line has this secret replaced by asterisks; borrowed, NULL ends it. */
void log_set_secret(const struct secret *secret);

/**
 * Has fn see every later event before it is written, those that the level leaves out
 * included (but for log_debug()).  fn must not log; NULL ends it.
 */
void log_set_listener(void (*fn)(void *ctx, const struct log_event *event), void *ctx);

/** Lines left out since the start because there were too many like them. */
uint64_t log_suppressed(void);

/**
 * Has fn hear when log_settle() wants to be called, each time that a line is left out;
 * NULL ends it.  fn must not log.
 */
void log_set_alarm(void (*fn)(void *ctx, mono_ns at), void *ctx);

/** Tells of the lines that were left out long enough ago, or, with all, of each;
 * returns when it wants to be called next, CLOCK_NEVER for not at all. */
mono_ns log_settle(mono_ns now, bool all);

/** Lines dropped since the start because the target was full. */
uint64_t log_dropped(void);

/** Lines of that level that the log let through, dropped ones included. */
uint64_t log_messages(enum log_level level);

#define LOG_LEVELS 4

/** The level named by text ("error", "warning", ...); false where there is none. */
bool log_level_parse(const char *text, enum log_level *level);

const char *log_level_name(enum log_level level);

/** Writes one event; use the macros below.  The name is borrowed for good. */
void log_write(enum log_level level, const char *event, const struct log_kv *pairs,
    size_t count);

/** The same of a change of state: written however often it happens. */
void log_write_change(enum log_level level, const char *event,
    const struct log_kv *pairs, size_t count);

/** The same of what must be on record whatever the level is, such as who did what. */
void log_write_record(enum log_level level, const char *event,
    const struct log_kv *pairs, size_t count);

/** The last words of another thread than the loop's, which may be stuck: written
 * whatever the level is, not counted, and dropped where the target is full. */
void log_write_aside(enum log_level level, const char *event,
    const struct log_kv *pairs, size_t count);

struct log_kv log_kv_bool(const char *key, bool value);
struct log_kv log_kv_int(const char *key, int64_t value);
struct log_kv log_kv_uint(const char *key, uint64_t value);
struct log_kv log_kv_double(const char *key, double value);
struct log_kv log_kv_text(const char *key, const char *value);
struct log_kv log_kv_slice(const char *key, struct slice value);

/* A key with a value of any printable type.  The bare words true and false are integers
 * in C17 and print as 1 and 0; bool variables and expressions cast to it do not. */
/* clang-format off */
#ifdef __CPPCHECK__ /* which loses its way behind a _Generic (2.10) */
struct log_kv log_kv_any(const char *key, ...);
#define KV(key, value) log_kv_any((key), (value))
#else
#define KV(key, value)                                                                   \
	_Generic((value),                                                                \
	    bool: log_kv_bool,                                                           \
	    int: log_kv_int,                                                             \
	    long: log_kv_int,                                                            \
	    long long: log_kv_int,                                                       \
	    unsigned: log_kv_uint,                                                       \
	    unsigned short: log_kv_uint,                                                 \
	    unsigned char: log_kv_uint,                                                  \
	    unsigned long: log_kv_uint,                                                  \
	    unsigned long long: log_kv_uint,                                             \
	    double: log_kv_double,                                                       \
	    char *: log_kv_text,                                                         \
	    const char *: log_kv_text,                                                   \
	    struct slice: log_kv_slice)(key, value)
#endif
/* clang-format on */

#define LOG_PAIRS(...)                        \
	(const struct log_kv[]){__VA_ARGS__}, \
	    sizeof((const struct log_kv[]){__VA_ARGS__}) / sizeof(struct log_kv)

#define LOG_EVENT(level, event, ...) log_write((level), (event), LOG_PAIRS(__VA_ARGS__))

#define log_record(event, ...) \
	log_write_record(LOG_LEVEL_INFO, (event), LOG_PAIRS(__VA_ARGS__))
#define log_change(event, ...) \
	log_write_change(LOG_LEVEL_INFO, (event), LOG_PAIRS(__VA_ARGS__))
#define log_error(event, ...)   LOG_EVENT(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define log_warning(event, ...) LOG_EVENT(LOG_LEVEL_WARNING, event, __VA_ARGS__)
#define log_info(event, ...)    LOG_EVENT(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_debug(event, ...)                                           \
	do {                                                            \
		if (log_get_level() >= LOG_LEVEL_DEBUG) {               \
			LOG_EVENT(LOG_LEVEL_DEBUG, event, __VA_ARGS__); \
		}                                                       \
	} while (0)

#endif
