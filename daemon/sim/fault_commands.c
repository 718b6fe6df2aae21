/* Commands that change what is done from now on. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "cdn.h"
#include "commands.h"
#include "gateway.h"
#include "google.h"
#include "rights.h"
#include "server.h"
#include "tls.h"

/* Calls run for each set of faults that the command is for. */
static void
each_fault(struct command *command, void (*run)(struct fault *, const void *),
    const void *value)
{
	struct fault_table *table = &command->sim->faults;

	if (command->shard != FAULT_NO_SHARD) {
		run(&table->shards[command->shard], value);
	} else {
		run(&table->fresh, value);
		for (int i = 0; i < ARGV_MAX_SHARDS; i++) {
			run(&table->shards[i], value);
		}
	}
	server_rearm(command->sim->server);
}

static const char *
first_word(const struct command *command)
{
	return command->word_count == 1 ? command->words[0] : "";
}

static bool
read_switch(struct command *command, bool *on)
{
	const char *word = first_word(command);

	*on = strcmp(word, "on") == 0;
	if (!*on && strcmp(word, "off") != 0) {
		command->error = "on or off is wanted";
		return false;
	}
	return true;
}

/* A number above zero, or off as 0. */
static bool
read_number_or_off(struct command *command, uint64_t *number)
{
	const char *word = first_word(command);

	*number = 0;
	if (strcmp(word, "off") != 0 &&
	    !command_number(word, 1, UINT64_C(1) << 40, number)) {
		command->error = "a number above 0 or off is wanted";
		return false;
	}
	return true;
}

/* The connections that feel at once what was set. */
static void
count_open(struct command *command)
{
	struct conn *conn = server_conns(command->sim->server);

	for (; conn; conn = conn->next) {
		bool meant =
		    command->shard == FAULT_NO_SHARD || command->shard == conn->shard;

		command->affected +=
		    meant && conn->phase == CONN_OPEN && gateway_of(conn);
	}
}

static void
set_freeze(struct fault *fault, const void *value)
{
	fault->freeze = *(const bool *)value;
}

void
command_freeze(struct command *command)
{
	const bool on = true;

	each_fault(command, set_freeze, &on);
	count_open(command);
}

/* Being out of the world must not count as missed heartbeats. */
static void
forgive(struct command *command)
{
	struct conn *conn = server_conns(command->sim->server);

	for (; conn; conn = conn->next) {
		struct gate *gate = gateway_of(conn);

		if (gate) {
			gate->beat_at = command->sim->now;
			gate->opened_at = command->sim->now;
		}
	}
}

void
command_thaw(struct command *command)
{
	const bool on = false;

	forgive(command);
	each_fault(command, set_freeze, &on);
	count_open(command);
}

static void
set_blackhole(struct fault *fault, const void *value)
{
	fault->blackhole = *(const bool *)value;
}

void
command_blackhole(struct command *command)
{
	bool on = false;

	if (!read_switch(command, &on)) {
		return;
	}
	if (!on) {
		forgive(command);
	}
	each_fault(command, set_blackhole, &on);
	if (on) {
		count_open(command);
		return;
	}
	struct conn *conn = server_conns(command->sim->server);

	for (; conn; conn = conn->next) {
		bool meant =
		    command->shard == FAULT_NO_SHARD || command->shard == conn->shard;

		if (meant && conn->lost_input && conn->phase != CONN_DRAINING) {
			command->affected++;
			conn_reset(conn);
		}
	}
}

static void
set_slow(struct fault *fault, const void *value)
{
	fault->slow_bytes_per_s = *(const uint64_t *)value;
}

void
command_slow(struct command *command)
{
	uint64_t speed = 0;

	if (read_number_or_off(command, &speed)) {
		each_fault(command, set_slow, &speed);
	}
}

static void
set_no_ack(struct fault *fault, const void *value)
{
	fault->no_ack = !*(const bool *)value;
}

void
command_acks(struct command *command)
{
	bool on = false;

	if (read_switch(command, &on)) {
		each_fault(command, set_no_ack, &on);
	}
}

static void
set_no_events(struct fault *fault, const void *value)
{
	fault->no_events = !*(const bool *)value;
}

void
command_events(struct command *command)
{
	bool on = false;

	if (read_switch(command, &on)) {
		each_fault(command, set_no_events, &on);
	}
}

static void
set_deaf(struct fault *fault, const void *value)
{
	fault->deaf = *(const bool *)value;
}

static void
wake(struct gate *gate, void *context)
{
	(void)context;
	gateway_wake(gate);
}

void
command_deaf(struct command *command)
{
	bool on = false;

	if (!read_switch(command, &on)) {
		return;
	}
	each_fault(command, set_deaf, &on);
	if (!on) {
		/* What was kept back comes now. */
		command_each_gate(command, wake, NULL);
	}
}

static void
set_rate(struct fault *fault, const void *value)
{
	fault->rate = *(const double *)value;
}

void
command_rate(struct command *command)
{
	char *end = NULL;
	const char *word = first_word(command);
	double rate = strtod(word, &end);

	if (end == word || *end != '\0' || !(rate >= 0 && rate <= 1e6)) {
		command->error = "events per second are wanted";
		return;
	}
	each_fault(command, set_rate, &rate);
}

static void
set_resume(struct fault *fault, const void *value)
{
	fault->resume = *(const enum fault_resume *)value;
}

void
command_refuse_resume(struct command *command)
{
	const char *word = first_word(command);
	enum fault_resume resume = FAULT_RESUME_OK;

	if (strcmp(word, "on") == 0) {
		resume = FAULT_RESUME_REFUSE;
	} else if (strcmp(word, "silent") == 0) {
		resume = FAULT_RESUME_SILENT;
	} else if (strcmp(word, "off") != 0) {
		command->error = "on, off or silent is wanted";
		return;
	}
	each_fault(command, set_resume, &resume);
}

static void
set_no_hello(struct fault *fault, const void *value)
{
	fault->no_hello = *(const bool *)value;
}

static void
say_hello(struct gate *gate, void *context)
{
	(void)context;
	if (!gate->told_hello) {
		struct conn *conn = gate->conn;

		gateway_send_hello(gate);
		conn_flush(conn);
	}
}

void
command_no_hello(struct command *command)
{
	bool on = false;

	if (!read_switch(command, &on)) {
		return;
	}
	each_fault(command, set_no_hello, &on);
	if (!on) {
		/* Those who still wait for it get it now. */
		command_each_gate(command, say_hello, NULL);
	}
}

static void
set_no_ready(struct fault *fault, const void *value)
{
	fault->no_ready = *(const bool *)value;
}

void
command_no_ready(struct command *command)
{
	bool on = false;

	if (read_switch(command, &on)) {
		each_fault(command, set_no_ready, &on);
	}
}

static void
set_split(struct fault *fault, const void *value)
{
	fault->split_bytes = (size_t) * (const uint64_t *)value;
}

void
command_split(struct command *command)
{
	uint64_t bytes = 0;

	if (read_number_or_off(command, &bytes)) {
		each_fault(command, set_split, &bytes);
	}
}

static void
set_codec(struct fault *fault, const void *value)
{
	const struct fault *wanted = value;

	fault->codec_forced = wanted->codec_forced;
	fault->codec = wanted->codec;
}

void
command_codec(struct command *command)
{
	const char *word = first_word(command);
	struct fault wanted = {.codec_forced = true, .codec = CODEC_PLAIN};

	if (strcmp(word, "asked") == 0) {
		wanted.codec_forced = false;
	} else if (strcmp(word, "plain") != 0 &&
	    (*word == '\0' || !codec_find(slice_of(word), &wanted.codec))) {
		command->error = "plain, zlib-stream, zstd-stream or asked is wanted";
		return;
	}
	each_fault(command, set_codec, &wanted);
}

void
command_upgrade(struct command *command)
{
	struct fault_table *faults = &command->sim->faults;
	uint64_t status = 0;
	uint64_t retry_after = 0;
	bool off = command->word_count == 1 && strcmp(command->words[0], "off") == 0;

	if (!off &&
	    (command->word_count < 1 ||
		!command_number(command->words[0], 200, 599, &status))) {
		command->error = "an HTTP status or off is wanted";
	} else if (command->word_count > 1 &&
	    !command_number(command->words[1], 0, 86400, &retry_after)) {
		command->error = "seconds are wanted";
	} else {
		faults->upgrade_status = (int)status;
		faults->upgrade_retry_after_s = (int)retry_after;
	}
}

static bool
read_rest_word(struct fault_rest *rest, const char *word)
{
	static const char after[] = "retry_after=";
	static const char scope[] = "scope=";

	if (strcmp(word, "html") == 0) {
		rest->html = true;
		return true;
	}
	if (strncmp(word, after, sizeof after - 1) == 0) {
		return slice_copy(slice_of(word + sizeof after - 1), rest->retry_after,
		    sizeof rest->retry_after);
	}
	if (strncmp(word, scope, sizeof scope - 1) == 0) {
		word += sizeof scope - 1;
		(void)snprintf(rest->scope, sizeof rest->scope, "%s", word);
		return strcmp(word, "user") == 0 || strcmp(word, "global") == 0 ||
		    strcmp(word, "shared") == 0;
	}
	return command_number(word, 1, 1000000000, &rest->count);
}

void
command_rest(struct command *command)
{
	struct fault_rest rest = {.count = UINT64_MAX,
	    .retry_after = "1",
	    .scope = "user"};
	const char *word = command->word_count > 0 ? command->words[0] : "";
	uint64_t status = 0;

	if (strcmp(word, "off") == 0) {
		rest.count = 0;
	} else if (strcmp(word, "drop") == 0) {
		rest.kind = FAULT_REST_DROP;
	} else if (strcmp(word, "stall") == 0) {
		rest.kind = FAULT_REST_STALL;
	} else if (command_number(word, 200, 599, &status)) {
		rest.status = (int)status;
	} else {
		command->error = "an HTTP status, drop, stall or off is wanted";
		return;
	}
	for (int i = 1; i < command->word_count; i++) {
		if (!read_rest_word(&rest, command->words[i])) {
			command->error = "a word that is not understood";
			return;
		}
	}
	command->sim->faults.rest = rest;
}

void
command_cdn(struct command *command)
{
	struct fault_cdn cdn = {.count = UINT64_MAX};
	const char *word = command->word_count > 0 ? command->words[0] : "";
	uint64_t status = 0;

	if (strcmp(word, "off") == 0) {
		cdn.count = 0;
	} else if (command_number(word, 200, 599, &status)) {
		cdn.status = (int)status;
	} else if (!cdn_fault_kind(word, &cdn.kind)) {
		command->error = "an HTTP status, a fault or off is wanted";
		return;
	}
	if (command->word_count > 1 &&
	    !command_number(command->words[1], 1, 1000000000, &cdn.count)) {
		command->error = "a number of answers is wanted";
		return;
	}
	command->sim->faults.cdn = cdn;
}

void
command_refuse(struct command *command)
{
	bool on = false;

	if (!read_switch(command, &on)) {
		return;
	}
	if (!server_refuse(command->sim->server, on)) {
		command->error = "cannot listen again: the port is taken";
		return;
	}
	command->sim->faults.refuse = on;
	server_rearm(command->sim->server);
}

void
command_tls(struct command *command)
{
	if (!command->sim->tls) {
		command->error = "not started with --tls";
	} else if (!tls_use(command->sim->tls, first_word(command))) {
		command->error = "no such certificate";
	}
}

void
command_budget(struct command *command)
{
	uint64_t remaining = 0;
	uint64_t reset_ms = UINT64_C(86400000);

	if (command->word_count < 1 ||
	    !command_number(command->words[0], 0, 1000000000, &remaining) ||
	    (command->word_count > 1 &&
		!command_number(command->words[1], 0, UINT64_C(86400000), &reset_ms))) {
		command->error = "identifies left are wanted";
		return;
	}
	budget_set(command->sim, remaining, CLOCK_MS(reset_ms));
}

static void
set_calm(struct fault *fault, const void *value)
{
	*fault = (struct fault){.rate = *(const double *)value};
}

void
command_calm(struct command *command)
{
	struct fault_table *faults = &command->sim->faults;
	bool blackhole = faults->fresh.blackhole;

	if (faults->refuse && !server_refuse(command->sim->server, false)) {
		command->error = "cannot listen again: the port is taken";
		return;
	}
	faults->refuse = false;
	faults->rest = (struct fault_rest){.count = 0};
	faults->cdn = (struct fault_cdn){.count = 0};
	google_calm(command->sim->google);
	faults->upgrade_status = 0;
	faults->cut_next_at = 0;
	rights_clear(command->sim->rights);
	forgive(command);
	each_fault(command, set_calm, &command->sim->argv.rate);
	struct conn *conn = server_conns(command->sim->server);

	for (; blackhole && conn; conn = conn->next) {
		if (conn->lost_input && conn->phase != CONN_DRAINING) {
			conn_reset(conn);
		}
	}
}
