/*
 * Makes calls of the API that come as lines on stdin, for test_rest.py.
 *
 *   rest_client -b API_BASE [-c CA_FILE] [-q QUEUE_MAX]
 *
 * A line: NAME TIMEOUT_MS FLAGS METHOD ROUTE PATH BODY; FLAGS are "-" or of r
 * (repeatable), v (vital), i (impatient) and a digit (tries at most); BODY is the rest
 * of the line or "-".  "cancel NAME", "gateway TIMEOUT_MS" and "stats" are lines too.
 * Each answer is a line of JSON; NAME is a number.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "lines.h"
#include "log.h"
#include "rest.h"
#include "worker.h"
#include "xalloc.h"

#define LINE_MAX_BYTES  ((size_t)1 << 20)
#define SHOWN_MAX_BYTES 2000
#define THREADS         2
#define NAMES           4096
#define TOKEN           "a-token-that-is-never-printed"

struct client;

struct asked {
	struct client *client;
	uint64_t id;
	mono_ns at;
	unsigned answers;
};

struct client {
	struct loop *loop;
	struct worker *worker;
	struct resolver *resolver;
	struct fetch *fetch;
	struct secret *token;
	struct rest *rest;
	unsigned waiting;
	bool stdin_over;
	struct lines lines;
	struct asked asked[NAMES];
	struct asked gateway;
};

static void
print(struct json *owned_object)
{
	struct buf text;

	buf_init(&text, LINE_MAX_BYTES);
	if (json_print(owned_object, &text) == GW_OK) {
		printf("%.*s\n", (int)text.size, text.data);
		(void)fflush(stdout);
	}
	buf_fini(&text);
	json_free(owned_object);
}

static void
stop_if_done(struct client *client)
{
	if (client->stdin_over && client->waiting == 0) {
		loop_stop(client->loop, 0);
	}
}

static struct json *
begin_answer(struct asked *asked, const char *error, mono_ns now)
{
	struct json *out = json_new_object();

	if (asked->answers++ > 0) {
		abort(); /* told twice */
	}
	asked->client->waiting--;
	json_add_number(out, "took_ms", clock_seconds(now - asked->at) * 1e3);
	json_add_text(out, "error", error);
	return out;
}

static void
on_answer(void *ctx, const struct rest_answer *answer, mono_ns now)
{
	struct asked *asked = ctx;
	struct client *client = asked->client;
	struct json *out = begin_answer(asked, answer->error, now);
	char shown[SHOWN_MAX_BYTES];

	(void)slice_copy(answer->body, shown, sizeof shown);
	json_add_int(out, "name", asked - client->asked);
	json_add_bool(out, "maybe_done", answer->maybe_done);
	json_add_bool(out, "unauthorized", answer->unauthorized);
	json_add_int(out, "status", answer->status);
	json_add_int(out, "code", answer->code);
	json_add_number(out, "retry_after", clock_seconds(answer->retry_after));
	json_add_int(out, "size", (int64_t)answer->body.size);
	json_add_text(out, "body", shown);
	print(out);
	stop_if_done(client);
}

static void
on_gateway(void *ctx, const struct rest_gateway *answer, mono_ns now)
{
	struct asked *asked = ctx;
	struct json *out = begin_answer(asked, answer->error, now);

	json_add_bool(out, "unauthorized", answer->unauthorized);
	json_add_number(out, "retry_after", clock_seconds(answer->retry_after));
	json_add_text(out, "url", answer->url);
	json_add_int(out, "shards", answer->shards);
	json_add_int(out, "remaining", answer->remaining);
	json_add_int(out, "max_concurrency", answer->max_concurrency);
	print(out);
	stop_if_done(asked->client);
}

static void
on_unauthorized(void *ctx, const char *reason)
{
	struct json *out = json_new_object();

	(void)ctx;
	json_add_text(out, "token_refused", reason);
	print(out);
}

static void
print_stats(struct client *client)
{
	mono_ns now = clock_now();
	struct rest_stats stats = rest_stats(client->rest, now);
	struct json *out = json_new_object();

	json_add_int(out, "requests", (int64_t)stats.requests);
	json_add_int(out, "retries", (int64_t)stats.retries);
	json_add_int(out, "limited", (int64_t)stats.limited);
	json_add_int(out, "refused", (int64_t)stats.refused);
	json_add_int(out, "queued", stats.queued);
	json_add_int(out, "in_flight", stats.in_flight);
	json_add_int(out, "invalid_10min", stats.invalid_10min);
	json_add_bool(out, "unauthorized", stats.unauthorized);
	json_add_number(out, "global_wait", clock_seconds(stats.global_wait));
	json_add_number(out, "limited_for",
	    stats.limited_until ? clock_seconds(stats.limited_until - now) : 0);
	json_add_text(out, "last_error", stats.last_error);
	print(out);
}

static struct asked *
ask_as(struct client *client, const char *name)
{
	struct asked *asked = &client->asked[strtoul(name, NULL, 10) % NAMES];

	*asked = (struct asked){.client = client, .at = clock_now()};
	return asked;
}

static void
call(struct client *client, char *line)
{
	char *fields[6] = {NULL};
	char *rest = NULL;

	for (unsigned i = 0; i < 6; i++) {
		fields[i] = strtok_r(i ? NULL : line, " ", &rest);
		if (!fields[i]) {
			(void)fprintf(stderr, "too few fields\n");
			exit(64);
		}
	}
	const char *flags = fields[2];
	size_t tries = strcspn(flags, "123456789");
	struct rest_request request = {
	    .method = fields[3],
	    .route = fields[4],
	    .path = fields[5],
	    .body = slice_of(strcmp(rest, "-") == 0 ? "" : rest),
	    .timeout = CLOCK_MS(strtol(fields[1], NULL, 10)),
	    .repeatable = strchr(flags, 'r') != NULL,
	    .vital = strchr(flags, 'v') != NULL,
	    .impatient = strchr(flags, 'i') != NULL,
	    .tries_max = flags[tries] ? (unsigned)(flags[tries] - '0') : 0,
	    .answer_max_bytes = 100000,
	};
	struct asked *asked = ask_as(client, fields[0]);

	client->waiting++;
	asked->id = rest_call(client->rest, &request, on_answer, asked);
	if (asked->id == 0) {
		struct json *out = begin_answer(asked, "refused at once", asked->at);

		json_add_int(out, "name", asked - client->asked);
		print(out);
	}
}

static void
obey(void *ctx, char *line)
{
	struct client *client = ctx;

	if (strncmp(line, "cancel ", 7) == 0) {
		struct asked *asked =
		    &client->asked[strtoul(line + 7, NULL, 10) % NAMES];

		rest_cancel(client->rest, asked->id);
		rest_cancel(client->rest, asked->id);
		client->waiting--;
	} else if (strncmp(line, "gateway ", 8) == 0) {
		client->gateway = (struct asked){.client = client, .at = clock_now()};
		client->waiting++;
		rest_get_gateway(client->rest, CLOCK_MS(strtol(line + 8, NULL, 10)),
		    on_gateway, &client->gateway);
	} else if (strcmp(line, "stats") == 0) {
		print_stats(client);
	} else {
		call(client, line);
	}
}

static void
on_stdin_over(void *ctx)
{
	struct client *client = ctx;

	client->stdin_over = true;
	stop_if_done(client);
}

static int
run(struct client *client, const struct fetch_options *options,
    struct rest_options *rest)
{
	int status = 70;

	client->worker = worker_new(client->loop, THREADS);
	client->resolver = resolver_new(client->loop, client->worker);
	client->fetch = fetch_new(client->loop, client->resolver, options);
	if (!client->fetch) {
		return 78;
	}
	rest->loop = client->loop;
	rest->fetch = client->fetch;
	rest->token = client->token;
	rest->unauthorized = on_unauthorized;
	client->rest = rest_new(rest);
	client->lines =
	    (struct lines){.line = obey, .over = on_stdin_over, .ctx = client};
	if (lines_begin(&client->lines, client->loop, LINE_MAX_BYTES)) {
		status = loop_run(client->loop);
	}
	rest_free(client->rest);
	fetch_free(client->fetch);
	return status;
}

int
main(int argc, char **argv)
{
	static struct client client;
	struct fetch_options options = {.user_agent = "DiscordBot (gwbot, 0)"};
	struct rest_options rest = {.api_base = NULL};
	int option = 0;

	while ((option = getopt(argc, argv, "b:c:q:")) != -1) {
		switch (option) {
		case 'b':
			rest.api_base = optarg;
			break;
		case 'c':
			options.ca_file = optarg;
			break;
		case 'q':
			rest.queue_max = (unsigned)strtoul(optarg, NULL, 10);
			break;
		default:
			return 64;
		}
	}
	if (!rest.api_base) {
		return 64;
	}
	log_open(STDERR_FILENO, LOG_FORMAT_LOGFMT, LOG_LEVEL_DEBUG);
	client.token = secret_new(TOKEN, sizeof TOKEN - 1);
	client.loop = loop_new();
	if (!client.loop) {
		return 70;
	}
	int status = run(&client, &options, &rest);

	resolver_free(client.resolver);
	worker_free(client.worker);
	loop_free(client.loop);
	secret_free(client.token);
	lines_fini(&client.lines);
	return status;
}
