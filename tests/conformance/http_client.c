/*
 * The health server with made-up snapshots, for test_http.py.
 *
 *   http_client [-p PORT] [-l ADDRESS]... [-m MAX]
 *
 * Prints "listening PORT", then obeys lines on stdin:
 *
 *   strict=0 stopping=0 shard=CONNECTED:STATE:EVENT:READY:DISCONNECT:LATENCY:REASON ...
 *       the snapshots from now on (ages in ms, -1 unknown); answers "set"
 *   later
 *       answers the oldest request of /later that is not answered yet; "gone" where its
 *       client has gone, "none" where there is none
 *   stats
 *       answers with one line of JSON
 *
 * and ends at the end of stdin.  Limits: stall 210 s, latency 10 s.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http.h"
#include "lines.h"
#include "log.h"

#define SHARDS_MAX     2000
#define LATER_MAX      2000
#define LINE_MAX_BYTES (1U << 20)
#define TICK           CLOCK_MS(10)

struct client {
	struct loop *loop;
	struct http *http;
	struct loop_timer *tick;
	mono_ns ticked_at;
	mono_ns gap_max;
	struct lines lines;
	struct snapshot shards[SHARDS_MAX];
	struct health_input input;
	size_t pad; /* blanks behind the document: a large answer */
	struct http_later *later[LATER_MAX];
	unsigned later_first, later_end;
};

static void
on_tick(void *ctx, mono_ns now)
{
	struct client *client = ctx;
	mono_ns gap = now - client->ticked_at;

	client->gap_max =
	    client->ticked_at && gap > client->gap_max ? gap : client->gap_max;
	client->ticked_at = now;
	loop_timer_arm(client->tick, now + TICK);
}

static void
put_blanks(struct buf *body, size_t count)
{
	if (count > 0 && buf_reserve(body, count) == GW_OK) {
		memset(body->data + body->size, ' ', count);
		body->size += count;
	}
}

static void
answer_probe(void *ctx, const struct http_request *request, struct http_reply *reply)
{
	struct client *client = ctx;

	reply->status =
	    health_render(request->route->probe, &client->input, reply->body);
	put_blanks(reply->body, client->pad);
	(void)snprintf(reply->state, sizeof reply->state, "%s",
	    health_state(&client->input));
}

/* Says what it was asked, so that the reading of queries is seen. */
static void
answer_later(void *ctx, const struct http_request *request, struct http_reply *reply)
{
	struct client *client = ctx;
	struct slice value = {NULL, 0};
	struct http_later *later = NULL;

	if (query_find(request->query, "q", &value) == QUERY_ONE) {
		reply->status = 200;
		reply->etag = "\"tag\"";
		reply->cache = "public, max-age=60";
		(void)buf_printf(reply->body, "%u %d ", request->query->count,
		    request->query->cut);
		(void)buf_append(reply->body, value.data, value.size);
		return;
	}
	if (client->later_end < LATER_MAX) {
		later = http_answer_later(request);
	}
	if (later) {
		client->later[client->later_end++] = later;
	}
}

static void
give_later(struct client *client)
{
	if (client->later_first == client->later_end) {
		puts("none");
		return;
	}
	struct http_later *later = client->later[client->later_first++];
	struct http_reply reply = {.status = 200, .type = "text/plain"};
	struct buf body;

	buf_init(&body, 8U << 20);
	reply.body = &body;
	reply.etag = "\"late\"";
	(void)buf_printf(&body, "late");
	put_blanks(&body, client->pad);
	puts(http_later_is_wanted(later) ? "answered" : "gone");
	http_later_answer(later, &reply);
	buf_fini(&body);
}

static const struct http_route routes[] = {{.path = "/later", .answer = answer_later},
#define ROUTE_PROBE(name, path) {path, answer_probe, HEALTH_PATH_##name},
    HEALTH_PATH_TABLE(ROUTE_PROBE)
#undef ROUTE_PROBE
};

static mono_ns
ms_or_none(long long ms)
{
	return ms < 0 ? SNAPSHOT_NONE : CLOCK_MS(ms);
}

static void
set_shard(struct client *client, const char *text)
{
	long long fields[6] = {0};
	char *end = NULL;
	struct snapshot *shard = &client->shards[client->input.count];

	for (unsigned i = 0; i < 6; i++) {
		fields[i] = strtoll(text, &end, 10);
		text = *end == ':' ? end + 1 : end;
	}
	*shard = (struct snapshot){
	    .shard_id = client->input.count,
	    .connected = fields[0] != 0,
	    .state = (enum snapshot_state)fields[1],
	    .last_event_age = ms_or_none(fields[2]),
	    .last_ready_age = ms_or_none(fields[3]),
	    .disconnect_age = ms_or_none(fields[4]),
	    .latency = ms_or_none(fields[5]),
	};
	(void)snprintf(shard->reason, sizeof shard->reason, "%s", text);
	client->input.count++;
}

static void
set_state(struct client *client, char *line)
{
	char *rest = NULL;

	client->input.count = 0;
	client->pad = 0;
	for (char *word = strtok_r(line, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest)) {
		if (strncmp(word, "strict=", 7) == 0) {
			client->input.strict_probe = word[7] == '1';
		} else if (strncmp(word, "stopping=", 9) == 0) {
			client->input.stopping = word[9] == '1';
		} else if (strncmp(word, "pad=", 4) == 0) {
			client->pad = strtoul(word + 4, NULL, 10);
		} else if (client->input.count < SHARDS_MAX) {
			set_shard(client, word + strlen("shard="));
		}
	}
	for (unsigned i = 0; i < client->input.count; i++) {
		client->shards[i].shard_count = client->input.count;
	}
	puts("set");
}

static void
print_stats(struct client *client)
{
	struct http_stats http = http_stats(client->http);
	struct loop_stats loop = loop_stats(client->loop);

	printf("{\"open\":%u,\"accepted\":%llu,\"requests\":%llu,\"evicted\":%llu,"
	       "\"refused\":%llu,\"expired\":%llu,\"spins\":%llu,\"gap_ms\":%.3f}\n",
	    http.open, (unsigned long long)http.accepted,
	    (unsigned long long)http.requests, (unsigned long long)http.evicted,
	    (unsigned long long)http.refused, (unsigned long long)http.expired,
	    (unsigned long long)loop.spins, clock_seconds(client->gap_max) * 1e3);
	client->gap_max = 0;
}

static void
obey(void *ctx, char *line)
{
	struct client *client = ctx;

	if (strcmp(line, "stats") == 0) {
		print_stats(client);
	} else if (strcmp(line, "later") == 0) {
		give_later(client);
	} else {
		set_state(client, line);
	}
	(void)fflush(stdout);
}

static void
on_stdin_over(void *ctx)
{
	struct client *client = ctx;

	loop_stop(client->loop, 0);
}

static int
run(struct client *client, struct http_options *options)
{
	char why[256] = "";

	options->loop = client->loop;
	options->routes = routes;
	options->route_count = sizeof routes / sizeof routes[0];
	options->ctx = client;
	if (http_new(options, &client->http, why, sizeof why) != GW_OK) {
		(void)fprintf(stderr, "%s\n", why);
		return 78;
	}
	printf("listening %u\n", http_port(client->http));
	(void)fflush(stdout);
	client->tick = loop_timer_new(client->loop, on_tick, client);
	loop_timer_arm(client->tick, clock_now() + TICK);
	client->lines =
	    (struct lines){.line = obey, .over = on_stdin_over, .ctx = client};

	int status = 70;

	if (lines_begin(&client->lines, client->loop, LINE_MAX_BYTES)) {
		status = loop_run(client->loop);
	}
	loop_timer_free(client->tick);
	while (client->later_first < client->later_end) {
		http_later_drop(client->later[client->later_first++]);
	}
	http_free(client->http);
	return status;
}

int
main(int argc, char **argv)
{
	static struct client client = {
	    .input = {.shards = client.shards,
		.limits = {.keepalive = CLOCK_S(60),
		    .stall = CLOCK_S(210),
		    .disconnect_grace = CLOCK_S(210) + CLOCK_MS(500),
		    .max_latency = CLOCK_S(10)},
		.uptime = CLOCK_S(100) * 3600 + CLOCK_S(61),
		.bot = "t\"e\\st",
		.env = "test",
		.version = "1.2.3"},
	};
	struct http_options options = {0};
	unsigned addresses = 0;
	int option = 0;

	while ((option = getopt(argc, argv, "p:l:m:")) != -1) {
		if (option == 'p') {
			options.port = (uint16_t)strtoul(optarg, NULL, 10);
		} else if (option == 'm') {
			options.max_connections = (unsigned)strtoul(optarg, NULL, 10);
		} else if (option == 'l' && addresses < LISTENER_ADDRESSES_MAX) {
			options.listen[addresses++] = optarg;
		} else {
			return 64;
		}
	}
	log_open(STDERR_FILENO, LOG_FORMAT_LOGFMT, LOG_LEVEL_DEBUG);
	client.loop = loop_new();
	if (!client.loop) {
		return 70;
	}
	int status = run(&client, &options);

	loop_free(client.loop);
	lines_fini(&client.lines);
	return status;
}
