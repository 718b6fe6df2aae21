/*
 * What control_client's daemon knows for health, metrics and doctor: made up, and with
 * something to find.
 */
#ifndef CONTROL_FACTS_H
#define CONTROL_FACTS_H

#include "commands.h"
#include "doctor.h"
#include "health.h"
#include "loop.h"
#include "metrics_text.h"

/* The parts that come from elsewhere. */
struct control_facts {
	const struct snapshot *shards;
	uint32_t count;
	struct watchdog_limits limits;
	struct loop_stats loop;
};

static inline struct health_input
control_facts_health(const struct control_facts *facts)
{
	return (struct health_input){
	    .shards = facts->shards,
	    .count = facts->count,
	    .limits = facts->limits,
	    .uptime = CLOCK_S(274375),
	    .bot = "matchmaker",
	    .env = "prod",
	    .version = "2.4.0",
	    .identifies_left = 100,
	    .identify_reserve = 50,
	};
}

static inline struct metrics_input
control_facts_metrics(const struct control_facts *facts)
{
	static const uint64_t rejects[EMOJI_REJECTS];
	static const uint64_t scopes[RATELIMIT_SCOPES];
	static const uint64_t commands[COMMAND_COUNT + 1];
	static const struct dispatch_counts dispatched;
	static const struct tally_routes routes = {.count = 1};
	static const struct tally_times times;
	const struct loop_stats *loop = &facts->loop;

	return (struct metrics_input){
	    .shards = facts->shards,
	    .count = facts->count,
	    .wall_ms = INT64_C(1700000000123),
	    .version = GWBOT_VERSION,
	    .profile = "prod",
	    .beats = loop->timer_lags,
	    .dispatched = &dispatched,
	    .rest = {.scopes = scopes, .routes = &routes},
	    .http = {.handlers = &routes},
	    .dns = {.times = &times},
	    .commands = commands,
	    .command_failures = commands,
	    .loop = {loop->turns, loop->spins, loop->turn_max, loop->turn_times,
		loop->timer_lags},
	    .emoji = {.rejects = rejects, .renders = loop->timer_lags},
	};
}

/* Two warnings: the clock and the memory. */
static inline struct doctor_facts
control_facts_doctor(const struct control_facts *facts)
{
	return (struct doctor_facts){
	    .shards = facts->shards,
	    .count = facts->count,
	    .limits = facts->limits,
	    .config = {.profile = "prod",
		.profile_known = true,
		.file = "/etc/gwbot.conf",
		.files = 2},
	    .token = {.size = 72, .source = "credential:discord_token"},
	    .state = {.dir = "/var/lib/gwbot"},
	    .identify = {.left = 944, .total = 1000, .reserve = 50},
	    .api = {.requests = 42},
	    .trust = {.place = "/usr/lib/ssl/certs"},
	    .clock = {.known = true, .ahead = CLOCK_MS(3800), .age = CLOCK_S(120)},
	    .http = {.port = 10000, .open = 3, .most = 256},
	    .process = {.open_fds = 31,
		.max_fds = 1024,
		.resident_bytes = UINT64_C(338690048)},
	    .memory_limit = UINT64_C(402653184),
	    .turns = facts->loop.turn_times,
	    .beats = facts->loop.timer_lags,
	    .turn_max = facts->loop.turn_max,
	    .host = {.uid = 997, .filtered = true, .supervisor = "systemd"},
	};
}

#endif
