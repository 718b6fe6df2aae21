/*
 * Counters and the client's errors, for the command stats.
 */
#ifndef GWSIM_STATS_H
#define GWSIM_STATS_H

#include <stdint.h>

#define STATS_TEXTS      64
#define STATS_TEXT_BYTES 120
#define STATS_ROUTES     64
#define STATS_ROUTE_NAME 64

struct stats_route {
	char name[STATS_ROUTE_NAME];
	uint64_t calls;
	uint64_t statuses[6]; /* by hundreds, 1xx to 5xx at 1 to 5; 0: no answer */
};

struct stats {
	uint64_t connections;
	uint64_t upgrades;
	uint64_t upgrades_refused;
	uint64_t identifies; /* every one that came, refused ones too */
	uint64_t identifies_refused;
	uint64_t resumes;
	uint64_t resumes_refused;
	uint64_t readies;
	uint64_t resumed;
	uint64_t heartbeats;
	uint64_t presences; /* op 3 */
	uint64_t events;
	uint64_t replayed;
	uint64_t closes_by_client;
	uint64_t last_client_close_code;
	uint64_t rest_calls;
	uint64_t rest_429;
	uint64_t rest_duplicates; /* stopped by enforce_nonce */
	uint64_t client_errors;
	char texts[STATS_TEXTS][STATS_TEXT_BYTES]; /* the last ones, a ring */
	struct stats_route routes[STATS_ROUTES];
};

/** Counts an error of the client's and keeps its text. */
void stats_client_error(struct stats *stats, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Counts one REST call; status 0: not answered on purpose. */
void stats_rest(struct stats *stats, const char *method, const char *route, int status);

#endif
