#include "report.h"

#include <inttypes.h>
#include <unistd.h>

#include "budget.h"
#include "calllog.h"
#include "commands.h"
#include "gateway.h"
#include "server.h"
#include "tls.h"

static void
put_count(struct jsonw *out, const char *name, uint64_t value)
{
	jsonw_fmt(out, ",\"%s\":%" PRIu64, name, value);
}

static void
put_bool(struct jsonw *out, const char *name, bool value)
{
	jsonw_fmt(out, ",\"%s\":%s", name, value ? "true" : "false");
}

/* The sequence numbers the client told, oldest first. */
static void
put_marks(struct jsonw *out, const struct session *session, bool resume)
{
	uint64_t count = session->marks_count;
	uint64_t from = count > SESSION_MARKS ? count - SESSION_MARKS : 0;
	bool first = true;

	jsonw_fmt(out, ",\"%s\":[", resume ? "resume_seqs" : "heartbeat_seqs");
	for (uint64_t i = from; i < count; i++) {
		const struct session_mark *mark = &session->marks[i % SESSION_MARKS];

		if (mark->resume == resume) {
			jsonw_fmt(out, "%s%" PRIu64, first ? "" : ",", mark->seq);
			first = false;
		}
	}
	jsonw_raw(out, "]");
}

static void
put_session(struct jsonw *out, const struct session *session)
{
	jsonw_fmt(out, "{\"id\":\"%s\"", session->id);
	put_count(out, "shard", session->view.shard);
	put_count(out, "shard_count", session->view.shard_count);
	put_count(out, "intents", session->view.intents);
	put_bool(out, "connected", session->gate != NULL);
	put_bool(out, "killed", session->killed);
	jsonw_fmt(out, ",\"compress\":\"%s\"",
	    session->gate ? codec_name(session->gate->kind) : "");
	put_count(out, "seq", session->seq);
	put_count(out, "last_sent", session->last_sent);
	put_count(out, "oldest_kept", session->first);
	if (session->last_beat == UINT64_MAX) {
		jsonw_raw(out, ",\"last_heartbeat_d\":null");
	} else {
		put_count(out, "last_heartbeat_d", session->last_beat);
	}
	put_count(out, "heartbeats", session->heartbeats);
	put_count(out, "identifies", 1);
	put_count(out, "resumes", session->resumes);
	put_count(out, "replays", session->replays);
	put_count(out, "replayed", session->replayed);
	put_bool(out, "resume_seqs_all_sent", session->resumes_all_known);
	put_marks(out, session, false);
	put_marks(out, session, true);
	jsonw_raw(out, "}");
}

static void
put_errors(struct jsonw *out, const struct stats *stats)
{
	uint64_t count = stats->client_errors;
	uint64_t from = count > STATS_TEXTS ? count - STATS_TEXTS : 0;

	jsonw_raw(out, ",\"client_error_texts\":[");
	for (uint64_t i = from; i < count; i++) {
		jsonw_raw(out, i > from ? "," : "");
		jsonw_string(out, slice_of(stats->texts[i % STATS_TEXTS]), false);
	}
	jsonw_raw(out, "]");
}

static void
put_routes(struct jsonw *out, const struct stats *stats)
{
	jsonw_raw(out, ",\"rest_routes\":{");
	for (int i = 0; i < STATS_ROUTES && stats->routes[i].name[0] != '\0'; i++) {
		const struct stats_route *route = &stats->routes[i];

		jsonw_raw(out, i > 0 ? "," : "");
		jsonw_string(out, slice_of(route->name), false);
		jsonw_fmt(out, ":{\"calls\":%" PRIu64, route->calls);
		put_count(out, "unanswered", route->statuses[0]);
		put_count(out, "2xx", route->statuses[2]);
		put_count(out, "3xx", route->statuses[3]);
		put_count(out, "4xx", route->statuses[4]);
		put_count(out, "5xx", route->statuses[5]);
		jsonw_raw(out, "}");
	}
	jsonw_raw(out, "}");
}

static void
put_totals(struct jsonw *out, const struct stats *stats)
{
	put_count(out, "connections", stats->connections);
	put_count(out, "upgrades", stats->upgrades);
	put_count(out, "upgrades_refused", stats->upgrades_refused);
	put_count(out, "identifies", stats->identifies);
	put_count(out, "identifies_refused", stats->identifies_refused);
	put_count(out, "readies", stats->readies);
	put_count(out, "resumes", stats->resumes);
	put_count(out, "resumes_refused", stats->resumes_refused);
	put_count(out, "resumed", stats->resumed);
	put_count(out, "replayed", stats->replayed);
	put_count(out, "heartbeats", stats->heartbeats);
	put_count(out, "presences", stats->presences);
	put_count(out, "events", stats->events);
	put_count(out, "closes_by_client", stats->closes_by_client);
	put_count(out, "last_client_close_code", stats->last_client_close_code);
	put_count(out, "rest_calls", stats->rest_calls);
	put_count(out, "rest_429", stats->rest_429);
	put_count(out, "rest_duplicates_stopped", stats->rest_duplicates);
	put_count(out, "client_errors", stats->client_errors);
}

static void
count_open(struct gate *gate, void *context)
{
	(void)gate;
	++*(uint64_t *)context;
}

void
command_stats(struct command *command)
{
	struct jsonw *out = command->answer;
	struct sim *sim = command->sim;
	uint64_t open = 0;
	bool first = true;

	command_each_gate(command, count_open, &open);
	command->answered = true;
	jsonw_raw(out, "{\"ok\":true,\"sessions\":[");
	for (const struct session *at = sim->sessions; at; at = at->next) {
		if (command->shard == FAULT_NO_SHARD ||
		    (uint64_t)command->shard == at->view.shard) {
			jsonw_raw(out, first ? "" : ",");
			put_session(out, at);
			first = false;
		}
	}
	jsonw_fmt(out, "],\"totals\":{\"gateway_connections_open\":%" PRIu64, open);
	put_totals(out, &sim->stats);
	put_count(out, "session_starts_remaining", budget_remaining(sim));
	put_bool(out, "token_reset", sim->budget.token_reset);
	put_errors(out, &sim->stats);
	put_routes(out, &sim->stats);
	jsonw_raw(out, "}}");
}

void
command_calls(struct command *command)
{
	uint64_t count = 20;

	if (command->word_count > 1 ||
	    (command->word_count == 1 &&
		!command_number(command->words[0], 1, CALLLOG_KEPT, &count))) {
		command->error = "a number up to 256 is wanted";
		return;
	}
	command->answered = true;
	calllog_put(command->sim->calllog, count, command->answer);
}

/* ---- where it is ---- */

static void
put_text_or_null(struct jsonw *out, const char *name, const char *text)
{
	jsonw_fmt(out, ",\"%s\":", name);
	if (text) {
		jsonw_string(out, slice_of(text), false);
	} else {
		jsonw_raw(out, "null");
	}
}

void
report_place(const struct sim *sim, struct jsonw *out)
{
	jsonw_fmt(out, "\"port\":%u", (unsigned)server_port(sim->server));
	put_text_or_null(out, "api_base", sim->api_base);
	put_text_or_null(out, "gateway", sim->gateway_url);
	put_text_or_null(out, "control", sim->argv.control);
	put_text_or_null(out, "ca_file", sim->tls ? tls_ca_file(sim->tls) : NULL);
	jsonw_fmt(out, ",\"pid\":%d", (int)getpid());
}

void
command_info(struct command *command)
{
	command->answered = true;
	jsonw_raw(command->answer, "{\"ok\":true,");
	report_place(command->sim, command->answer);
	jsonw_raw(command->answer, "}");
}
