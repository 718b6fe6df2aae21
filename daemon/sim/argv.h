/*
 * Command line of gwsim.
 */
#ifndef GWSIM_ARGV_H
#define GWSIM_ARGV_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

#define ARGV_MAX_HOSTS      4

#define ARGV_TLS_RECORD_MAX 16384 /* RFC 8446 5.1 */

/* The most shards that are told apart. */
#define ARGV_MAX_SHARDS 1024

struct argv {
	const char *hosts[ARGV_MAX_HOSTS];
	int host_count;
	uint16_t port; /* 0: the kernel chooses */
	const char *control;
	const char *tls_dir;
	const char *token; /* NULL: any plausible one */
	const char *log;
	bool tls;
	bool privileged; /* false: privileged intents are denied with 4014 */
	uint64_t seed;
	uint64_t guilds;
	uint64_t tls_record; /* the most bytes that a record has */
	uint64_t shards;     /* recommended by /gateway/bot */
	uint64_t max_concurrency;
	uint64_t session_total;
	uint64_t session_remaining;
	uint64_t buffer_events;
	uint64_t big_guild_bytes; /* 0: no big guild */
	int64_t heartbeat_interval_ms;
	mono_ns session_ttl;
	mono_ns idle_exit;       /* 0: never */
	mono_ns identify_window; /* one identify per key in it */
	mono_ns identify_within; /* a connection must identify in it, else 4009 */
	double rate;
	int ready_fd; /* -1: none */
};

enum argv_result {
	ARGV_RUN,
	ARGV_DONE,  /* --help or --version was answered: exit 0 */
	ARGV_USAGE, /* told on stderr: exit 64 */
};

/** Fills out; its strings are borrowed from the arguments. */
enum argv_result argv_parse(struct argv *out, int argc, char **args);

#endif
