/* The families of metrics.def that have several samples: what OWN names. */
#include <stdio.h>

#include "commands.h"
#include "metrics_text.h"
#include "metrics_write.h"

/* A family with one label of a closed set. */
static void
put_one(struct metrics_writer *to, const char *family, const char *label,
    const char *value, uint64_t count)
{
	metrics_put_series(to, &(struct metrics_series){family, {{label, value}}},
	    metrics_natural(count));
}

/* ---- the process ---- */

void
metrics_put_build(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	const struct metrics_series series = {
	    family,
	    {{"version", in->version}, {"profile", in->profile}},
	};

	metrics_put_series(to, &series, metrics_natural(1));
}

void
metrics_put_last_exit(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	char code[16] = "unknown";

	if (in->life.last_code != LIFE_NO_CODE) {
		(void)snprintf(code, sizeof code, "%d", in->life.last_code);
	}
	const struct metrics_series series = {
	    family,
	    {{"reason", life_end_word(in->life.last_end)}, {"code", code}},
	};

	metrics_put_series(to, &series, metrics_natural(1));
}

void
metrics_put_trips(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	for (unsigned trip = 0; trip < LIFE_TRIPS; trip++) {
		put_one(to, family, "reason", life_trip_word((enum life_trip)trip),
		    in->life.trips[trip]);
	}
}

void
metrics_put_thresholds(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	const struct {
		const char *kind;
		mono_ns limit;
	} limits[] = {
	    {"keepalive", in->limits.keepalive},
	    {"stall", in->limits.stall},
	    {"disconnect_grace", in->limits.disconnect_grace},
	    {"max_latency", in->limits.max_latency},
	};

	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		metrics_put_series(to,
		    &(struct metrics_series){family, {{"kind", limits[i].kind}}},
		    metrics_seconds(limits[i].limit));
	}
}

void
metrics_put_turns(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	metrics_put_histogram(to, family, in->loop.turn_times);
}

void
metrics_put_lags(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	metrics_put_histogram(to, family, in->loop.timer_lags);
}

void
metrics_put_messages(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	for (unsigned level = 0; level < LOG_LEVELS; level++) {
		put_one(to, family, "level", log_level_name((enum log_level)level),
		    in->log_messages[level]);
	}
}

/* ---- the shards ---- */

/* The words of the state, joined: bounded, since the table is. */
static void
state_word(enum snapshot_state state, char word[32])
{
	static const char *const names[] = {
#define STATE_NAME(name, text) #name,
	    SNAPSHOT_STATE_TABLE(STATE_NAME)
#undef STATE_NAME
	};
	size_t size = 0;

	for (const char *at = names[state]; *at != '\0' && size + 1 < 32; at++) {
		word[size++] = (char)(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);
	}
	word[size] = '\0';
}

/* No printf: there are thousands of them. */
static const char *
id_text(uint32_t id, char out[12])
{
	char *at = out + 11;

	*at = '\0';
	do {
		*--at = (char)('0' + id % 10);
		id /= 10;
	} while (id > 0);
	return at;
}

void
metrics_put_states(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	char words[SNAPSHOT_FATAL + 1][32];
	char room[12];

	for (int state = 0; state <= SNAPSHOT_FATAL; state++) {
		state_word((enum snapshot_state)state, words[state]);
	}
	for (uint32_t i = 0; i < in->count; i++) {
		const char *id = id_text(in->shards[i].shard_id, room);

		for (int state = 0; state <= SNAPSHOT_FATAL; state++) {
			metrics_put_series(to,
			    &(struct metrics_series){
				family,
				{{"shard", id}, {"state", words[state]}},
			    },
			    metrics_natural((int)in->shards[i].state == state));
		}
	}
}

/* One shard's, or all shards' summed up: a label's figure. */
typedef uint64_t figure_fn(const struct snapshot *shard, size_t index);

static uint64_t
sum_of(const struct metrics_input *in, figure_fn *figure, size_t index)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < in->count; i++) {
		sum += figure(&in->shards[i], index);
	}
	return sum;
}

/* A family of shards and a second label; one shard="all" where there are many. */
struct split {
	const char *family;
	const char *label;
	const char *(*word)(size_t index);
	size_t count;
	figure_fn *figure;
};

static void
put_split(struct metrics_writer *to, const struct metrics_input *in,
    const struct split *split)
{
	bool together = in->count > METRICS_SHARDS_APART;
	char room[12];

	for (uint32_t i = 0; i < (together ? 1 : in->count); i++) {
		const char *id =
		    together ? "all" : id_text(in->shards[i].shard_id, room);

		for (size_t k = 0; k < split->count; k++) {
			uint64_t figure = together ? sum_of(in, split->figure, k) :
						     split->figure(&in->shards[i], k);

			metrics_put_series(to,
			    &(struct metrics_series){
				split->family,
				{{"shard", id}, {split->label, split->word(k)}},
			    },
			    metrics_natural(figure));
		}
	}
}

static const char *
stage_word(size_t index)
{
	return snapshot_stage_word((enum snapshot_stage)index);
}

static uint64_t
failures_of(const struct snapshot *shard, size_t index)
{
	return shard->failed_at[index];
}

void
metrics_put_failures(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	put_split(to, in,
	    &(struct split){family, "stage", stage_word, SNAPSHOT_STAGES, failures_of});
}

static uint64_t
closes_of(const struct snapshot *shard, size_t index)
{
	return shard->closes[index];
}

void
metrics_put_closes(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	put_split(to, in,
	    &(struct split){family, "code", snapshot_close_word, SNAPSHOT_CLOSES,
		closes_of});
}

static void
put_all_latencies(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	uint64_t classes[LATENCY_CLASSES] = {0};
	mono_ns sum = 0;

	for (uint32_t i = 0; i < in->count; i++) {
		for (uint32_t k = 0; k < LATENCY_CLASSES; k++) {
			classes[k] += in->shards[i].latency_classes[k];
		}
		sum = clock_add(sum, in->shards[i].latency_sum);
	}
	metrics_put_classes(to, &(struct metrics_series){family, {{"shard", "all"}}},
	    classes, sum);
}

void
metrics_put_latencies(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	char room[12];

	if (in->count > METRICS_SHARDS_APART) {
		put_all_latencies(to, family, in);
		return;
	}
	for (uint32_t i = 0; i < in->count; i++) {
		const struct snapshot *shard = &in->shards[i];
		const struct metrics_series series = {
		    family,
		    {{"shard", id_text(shard->shard_id, room)}},
		};

		metrics_put_classes(to, &series, shard->latency_classes,
		    shard->latency_sum);
	}
}

void
metrics_put_events(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	for (unsigned name = 0; name < DISPATCH_NAMES; name++) {
		put_one(to, family, "event", dispatches_name((enum dispatch_name)name),
		    in->dispatched->counts[name]);
	}
}

/* ---- requests, asked and answered ---- */

static void
put_codes(struct metrics_writer *to, const char *family, const char *label,
    const struct tally_routes *routes)
{
	for (size_t i = 0; i < routes->count; i++) {
		const struct tally_route *route = &routes->routes[i];

		for (size_t code = 0; code < TALLY_CODES; code++) {
			metrics_put_series(to,
			    &(struct metrics_series){
				family,
				{{label, route->name}, {"code", tally_code_text(code)}},
			    },
			    metrics_natural(route->codes[code]));
		}
	}
}

static void
put_times(struct metrics_writer *to, const char *family, const char *label,
    const struct tally_routes *routes)
{
	for (size_t i = 0; i < routes->count; i++) {
		const struct tally_route *route = &routes->routes[i];

		metrics_put_classes(to,
		    &(struct metrics_series){family, {{label, route->name}}},
		    route->times.classes, route->times.sum);
	}
}

void
metrics_put_rest_codes(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	put_codes(to, family, "route", in->rest.routes);
}

void
metrics_put_rest_times(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	put_times(to, family, "route", in->rest.routes);
}

void
metrics_put_rest_scopes(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	for (unsigned scope = 0; scope < RATELIMIT_SCOPES; scope++) {
		put_one(to, family, "scope",
		    ratelimit_scope_word((enum ratelimit_scope)scope),
		    in->rest.scopes[scope]);
	}
}

void
metrics_put_http_codes(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	put_codes(to, family, "handler", in->http.handlers);
}

void
metrics_put_http_times(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	put_times(to, family, "handler", in->http.handlers);
}

void
metrics_put_lookups(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	metrics_put_classes(to, &(struct metrics_series){.name = family},
	    in->dns.times->classes, in->dns.times->sum);
}

static void
put_commands(struct metrics_writer *to, const char *family, const uint64_t *counts)
{
	for (size_t i = 0; i < commands_count(); i++) {
		put_one(to, family, "command", commands_at(i)->name, counts[i]);
	}
	put_one(to, family, "command", "other", counts[commands_count()]);
}

void
metrics_put_commands(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	put_commands(to, family, in->commands);
}

void
metrics_put_command_failures(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	put_commands(to, family, in->command_failures);
}

/* ---- /emoji-pad ---- */

void
metrics_put_rejects(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	static const char *const reasons[] = {
#define REJECT_LABEL(id, label) label,
	    EMOJI_REJECT_TABLE(REJECT_LABEL)
#undef REJECT_LABEL
	};

	for (size_t i = 0; i < EMOJI_REJECTS; i++) {
		put_one(to, family, "reason", reasons[i], in->emoji.rejects[i]);
	}
}

void
metrics_put_renders(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	metrics_put_histogram(to, family, in->emoji.renders);
}

/* ---- commands in messages ---- */

static const char *const chat_results[] = {
#define RESULT_LABEL(id, label) label,
    CHAT_RESULT_TABLE(RESULT_LABEL)
#undef RESULT_LABEL
};

void
metrics_put_chat_commands(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	for (size_t i = 0; i < BOT_COMMAND_NONE; i++) {
		for (size_t j = 0; j < CHAT_RESULTS; j++) {
			const struct metrics_series series = {family,
			    {{"command", bot_command_word((enum bot_command)i)},
				{"result", chat_results[j]}}};

			metrics_put_series(to, &series,
			    metrics_natural(in->chat.commands[i][j]));
		}
	}
}

void
metrics_put_chat_greetings(struct metrics_writer *to, const char *family,
    const struct metrics_input *in)
{
	for (size_t i = 0; i < CHAT_RESULTS; i++) {
		put_one(to, family, "result", chat_results[i], in->chat.greetings[i]);
	}
}
