/*
 * Sends requests that come as lines on stdin, for test_fetch.py.
 *
 *   fetch_client [-c CA_FILE]
 *
 * A line: TIMEOUT_MS MAX_BODY METHOD URL HEADERS BODY; HEADERS are NAME=VALUE joined by
 * "|" or "-"; BODY is text, "-" or "*N" for N bytes.  "cancel" ends the last request,
 * "free" the whole client from inside the next answer.  Each answer is a line of JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fetch.h"
#include "lines.h"
#include "log.h"
#include "worker.h"
#include "xalloc.h"

#define LINE_MAX_BYTES 65536
#define TICK           CLOCK_MS(10)
#define THREADS        2

struct client {
	struct loop *loop;
	struct worker *worker;
	struct resolver *resolver;
	struct fetch *fetch;
	struct loop_timer *tick;
	mono_ns ticked_at;
	mono_ns gap_max;
	uint64_t last_id;
	unsigned waiting;
	bool stdin_over;
	bool free_in_answer;
	struct lines lines;
};

struct asked {
	struct client *client;
	mono_ns at;
	unsigned answers;
};

static const char *const wanted[] = {"retry-after", "x-ratelimit-bucket",
    "x-ratelimit-remaining", "content-type", NULL};

static void
on_tick(void *ctx, mono_ns now)
{
	struct client *client = ctx;
	mono_ns gap = client->ticked_at ? now - client->ticked_at : 0;

	client->gap_max = gap > client->gap_max ? gap : client->gap_max;
	client->ticked_at = now;
	loop_timer_arm(client->tick, now + TICK);
}

static void
print_text(const char *text)
{
	if (!text) {
		printf("null");
		return;
	}
	putchar('"');
	for (; *text; text++) {
		printf(*text == '"' || *text == '\\' || (unsigned char)*text < ' ' ||
			    (unsigned char)*text > '~' ?
			"\\u%04x" :
			"%c",
		    (unsigned char)*text);
	}
	putchar('"');
}

static unsigned long
checksum(struct slice bytes)
{
	unsigned long sum = 1;

	for (size_t i = 0; i < bytes.size; i++) {
		sum = (sum * 31 + (unsigned char)bytes.data[i]) % 1000000007UL;
	}
	return sum;
}

static void
stop_if_done(struct client *client)
{
	if (client->stdin_over && client->waiting == 0) {
		loop_stop(client->loop, 0);
	}
}

static void
on_answer(void *ctx, const struct fetch_response *response, mono_ns now)
{
	struct asked *asked = ctx;
	struct client *client = asked->client;

	printf("{\"took_ms\":%.1f,\"gap_ms\":%.1f,\"status\":%u,\"maybe_done\":%s,"
	       "\"size\":%zu,\"sum\":%lu,\"error\":",
	    clock_seconds(now - asked->at) * 1e3, clock_seconds(client->gap_max) * 1e3,
	    response->status, response->maybe_done ? "true" : "false",
	    response->body.size, checksum(response->body));
	print_text(response->error);
	for (unsigned i = 0; wanted[i]; i++) {
		printf(",\"%s\":", wanted[i]);
		print_text(response->header(response, wanted[i]));
	}
	printf("}\n");
	(void)fflush(stdout);
	if (asked->answers++ > 0) {
		abort(); /* told twice */
	}
	client->waiting--;
	client->gap_max = 0;
	if (client->free_in_answer) {
		fetch_free(client->fetch);
		client->fetch = NULL;
		client->waiting = 0;
	}
	stop_if_done(client);
	/* asked stays: a second answer shall be noticed, not crash. */
}

static void
put_headers(struct fetch_request *request, char *text)
{
	char *rest = NULL;
	unsigned count = 0;

	if (strcmp(text, "-") == 0) {
		return;
	}
	for (char *pair = strtok_r(text, "|", &rest); pair && count < FETCH_HEADERS_MAX;
	     pair = strtok_r(NULL, "|", &rest)) {
		char *value = strchr(pair, '=');

		if (!value) {
			continue;
		}
		*value = '\0';
		request->headers[count++] = (struct fetch_header){pair, value + 1};
	}
}

static void
start(struct client *client, char *line)
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
	size_t fill = fields[5][0] == '*' ? strtoul(fields[5] + 1, NULL, 10) : 0;
	char *filled = fill ? xzalloc(fill) : NULL;
	struct fetch_request request = {
	    .method = fields[2],
	    .url = fields[3],
	    .timeout = CLOCK_MS(strtol(fields[0], NULL, 10)),
	    .max_body_bytes = strtoul(fields[1], NULL, 10),
	    .want_headers = wanted,
	};

	put_headers(&request, fields[4]);
	if (filled) {
		memset(filled, 'z', fill);
		request.body = (struct slice){filled, fill};
	} else if (strcmp(fields[5], "-") != 0) {
		request.body = slice_of(fields[5]);
	}
	static struct asked all[4096];
	static unsigned used;
	struct asked *asked = &all[used++ % 4096];

	*asked = (struct asked){.client = client, .at = clock_now()};
	client->waiting++;
	client->last_id = fetch_start(client->fetch, &request, on_answer, asked);
	free(filled);
}

static void
obey(void *ctx, char *line)
{
	struct client *client = ctx;

	if (strcmp(line, "cancel") == 0) {
		fetch_cancel(client->fetch, client->last_id);
		fetch_cancel(client->fetch, client->last_id);
		client->waiting--;
	} else if (strcmp(line, "free") == 0) {
		client->free_in_answer = true;
	} else {
		start(client, line);
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
run(struct client *client, const struct fetch_options *options)
{
	int status = 70;

	client->worker = worker_new(client->loop, THREADS);
	client->resolver = resolver_new(client->loop, client->worker);
	client->fetch = fetch_new(client->loop, client->resolver, options);
	if (!client->fetch) {
		return 78;
	}
	client->tick = loop_timer_new(client->loop, on_tick, client);
	loop_timer_arm(client->tick, clock_now() + TICK);
	client->lines =
	    (struct lines){.line = obey, .over = on_stdin_over, .ctx = client};
	if (lines_begin(&client->lines, client->loop, LINE_MAX_BYTES)) {
		status = loop_run(client->loop);
	}
	fetch_free(client->fetch);
	loop_timer_free(client->tick);
	return status;
}

int
main(int argc, char **argv)
{
	struct client client = {0};
	struct fetch_options options = {.user_agent = "DiscordBot (gwbot, 0)"};
	int option = 0;

	while ((option = getopt(argc, argv, "c:")) != -1) {
		if (option != 'c') {
			return 64;
		}
		options.ca_file = optarg;
	}
	log_open(STDERR_FILENO, LOG_FORMAT_LOGFMT, LOG_LEVEL_DEBUG);
	client.loop = loop_new();
	if (!client.loop) {
		return 70;
	}
	int status = run(&client, &options);

	resolver_free(client.resolver);
	worker_free(client.worker);
	loop_free(client.loop);
	lines_fini(&client.lines);
	return status;
}
