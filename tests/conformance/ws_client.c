/*
 * Drives ws.h for test_ws.py: commands on stdin, one a line, what happened on stdout as
 * JSON lines.  Any number of connections share one loop, as in the daemon.
 *
 *   connect ID key=value...   port, address, host, path, agent, open_ms, message_ms,
 *                             max, echo, close, ca (absent: plain, or "system")
 *   text ID TEXT              bulk ID COUNT SIZE     unsent ID
 *   stall ID MS: nothing turns for so long
 *   close ID CODE [REASON]    abort ID
 *   stats                     quit: the loop ends with whatever is still open
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "buf.h"
#include "lines.h"
#include "log.h"
#include "loop.h"
#include "ws.h"
#include "xalloc.h"

#define HEAD_BYTES     16
#define LINE_MAX_BYTES ((size_t)1024 * 1024)

struct client {
	LIST_ENTRY(client) link;
	char id[32];
	struct ws *ws; /* NULL when over */
	EVP_MD_CTX *digest;
	uint64_t size; /* of the message under way */
	unsigned pieces;
	struct buf message; /* with echo only */
	bool echo;
	unsigned close_code; /* close from inside the first piece with it; 0: do not */
};

struct tls_entry {
	LIST_ENTRY(tls_entry) link;
	char *ca;
	struct ws_tls *tls;
};

static LIST_HEAD(client_list, client) clients = LIST_HEAD_INITIALIZER(clients);
static LIST_HEAD(tls_list, tls_entry) tls_entries = LIST_HEAD_INITIALIZER(tls_entries);
static struct loop *loop;

/* ---- output ---- */

static void
print_escaped(const char *text)
{
	for (const char *at = text; *at; at++) {
		unsigned char c = (unsigned char)*at;

		if (c < ' ' || c > '~' || c == '"' || c == '\\') {
			printf("\\u%04x", c);
		} else {
			putchar(c);
		}
	}
}

static void
print_event(const struct client *client, const char *event)
{
	printf("{\"id\": \"%s\", \"event\": \"%s\"}\n", client->id, event);
	(void)fflush(stdout);
}

static void
print_end(const char *id, const char *event, const struct ws_end *end)
{
	static const char *const causes[] = {
	    [WS_CAUSE_CONNECT] = "connect",
	    [WS_CAUSE_TLS] = "tls",
	    [WS_CAUSE_UPGRADE] = "upgrade",
	    [WS_CAUSE_CLOSED] = "closed",
	    [WS_CAUSE_LOST] = "lost",
	    [WS_CAUSE_PROTOCOL] = "protocol",
	    [WS_CAUSE_TIMEOUT] = "timeout",
	    [WS_CAUSE_INTERNAL] = "internal",
	};

	printf("{\"id\": \"%s\", \"event\": \"%s\", \"cause\": \"%s\", \"code\": %u, "
	       "\"status\": %u, \"retry_after\": %u, \"step\": \"%s\", \"text\": \"",
	    id, event, causes[end->cause], end->code, end->http_status,
	    end->retry_after_s, end->step);
	print_escaped(end->text);
	printf("\"}\n");
	(void)fflush(stdout);
}

static void
print_message(const struct client *client, bool binary)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	(void)EVP_DigestFinal_ex(client->digest, digest, &size);
	printf("{\"id\": \"%s\", \"event\": \"message\", \"binary\": %s, "
	       "\"size\": %" PRIu64 ", \"pieces\": %u, \"bytes_in\": %" PRIu64
	       ", \"sha1\": \"",
	    client->id, binary ? "true" : "false", client->size, client->pieces,
	    client->ws ? ws_bytes_in(client->ws) : 0);
	for (unsigned i = 0; i < size; i++) {
		printf("%02x", digest[i]);
	}
	printf("\"}\n");
	(void)fflush(stdout);
}

/* ---- connections ---- */

static void
client_free(struct client *client)
{
	LIST_REMOVE(client, link);
	EVP_MD_CTX_free(client->digest);
	buf_fini(&client->message);
	free(client);
}

static void
on_open(void *ctx, mono_ns now)
{
	(void)now;
	print_event(ctx, "open");
}

static void
on_piece(void *ctx, const struct ws_piece *piece, mono_ns now)
{
	struct client *client = ctx;

	(void)now;
	if (piece->unchecked && !ws_check_text(client->ws, piece->bytes)) {
		return;
	}
	if (piece->first) {
		(void)EVP_DigestInit_ex(client->digest, EVP_sha1(), NULL);
		client->size = 0;
		client->pieces = 0;
		buf_clear(&client->message);
	}
	(void)EVP_DigestUpdate(client->digest, piece->bytes.data, piece->bytes.size);
	client->size += piece->bytes.size;
	client->pieces++;
	if (client->echo) {
		(void)buf_append(&client->message, piece->bytes.data,
		    piece->bytes.size);
	}
	if (client->close_code != 0) {
		print_event(client, "closing");
		ws_close(client->ws, client->close_code, "from inside");
		client_free(client);
		return;
	}
	if (piece->last) {
		print_message(client, piece->binary);
		if (client->echo) {
			(void)ws_send_text(client->ws, client->message.data,
			    client->message.size);
		}
	}
}

static void
on_control(void *ctx, mono_ns now)
{
	(void)now;
	print_event(ctx, "control");
}

static void
on_end(void *ctx, const struct ws_end *end, mono_ns now)
{
	struct client *client = ctx;

	(void)now;
	print_end(client->id, "end", end);
	client_free(client);
}

static const struct ws_events events = {
    .open = on_open,
    .piece = on_piece,
    .control = on_control,
    .end = on_end,
};

/* ---- commands ---- */

static struct client *
find_client(const char *id)
{
	struct client *client = NULL;

	LIST_FOREACH(client, &clients, link)
	{
		if (id && strcmp(client->id, id) == 0) {
			return client;
		}
	}
	return NULL;
}

/* One struct ws_tls for each CA file, as the daemon has one for all shards. */
static const struct ws_tls *
find_tls(const char *ca, struct ws_end *why)
{
	struct tls_entry *entry = NULL;

	LIST_FOREACH(entry, &tls_entries, link)
	{
		if (strcmp(entry->ca, ca) == 0) {
			return entry->tls;
		}
	}
	const char *file = strcmp(ca, "system") == 0 ? NULL : ca;
	struct ws_tls *tls = ws_tls_new(file, why->text, sizeof why->text);

	if (tls) {
		entry = xzalloc(sizeof *entry);
		entry->ca = xstrdup(ca);
		entry->tls = tls;
		LIST_INSERT_HEAD(&tls_entries, entry, link);
	}
	return tls;
}

static uint64_t
number(const char *text)
{
	return strtoull(text, NULL, 10);
}

static void
set_option(struct ws_options *options, struct client *client, const char **ca,
    const char *key, const char *value)
{
	if (strcmp(key, "port") == 0) {
		options->port = (uint16_t)number(value);
	} else if (strcmp(key, "address") == 0) {
		options->address = value;
	} else if (strcmp(key, "host") == 0) {
		options->host = value;
	} else if (strcmp(key, "path") == 0) {
		options->path = value;
	} else if (strcmp(key, "agent") == 0) {
		options->user_agent = value;
	} else if (strcmp(key, "ca") == 0) {
		*ca = value;
	} else if (strcmp(key, "open_ms") == 0) {
		options->open_timeout = CLOCK_MS(number(value));
	} else if (strcmp(key, "message_ms") == 0) {
		options->message_timeout = CLOCK_MS(number(value));
	} else if (strcmp(key, "max") == 0) {
		options->max_message_bytes = number(value);
	} else if (strcmp(key, "echo") == 0) {
		client->echo = true;
	} else if (strcmp(key, "close") == 0) {
		client->close_code = (unsigned)number(value);
	}
}

static void
run_connect(const char *id, char **save)
{
	struct client *client = xzalloc(sizeof *client);
	struct ws_end why = {.cause = WS_CAUSE_INTERNAL, .step = "options"};
	const char *ca = NULL;
	struct ws_options options = {
	    .loop = loop,
	    .address = "127.0.0.1",
	    .host = "gateway.test",
	    .path = "/?v=10&encoding=json",
	    .user_agent = "ws_client",
	    .open_timeout = CLOCK_S(10),
	    .message_timeout = CLOCK_S(10),
	    .max_message_bytes = UINT64_C(16) * 1024 * 1024,
	    .leaves_text = true,
	};

	(void)slice_copy(slice_of(id), client->id, sizeof client->id);
	client->digest = EVP_MD_CTX_new();
	buf_init(&client->message, (size_t)64 * 1024 * 1024);
	LIST_INSERT_HEAD(&clients, client, link);
	for (char *word; (word = strtok_r(NULL, " ", save)) != NULL;) {
		char *equals = strchr(word, '=');

		if (equals) {
			*equals = '\0';
			set_option(&options, client, &ca, word, equals + 1);
		}
	}
	options.tls = ca ? find_tls(ca, &why) : NULL;
	if (!ca || options.tls) {
		client->ws = ws_connect(&options, &events, client, &why);
	}
	if (!client->ws) {
		print_end(client->id, "refused", &why);
		client_free(client);
	}
}

static void
run_bulk(struct client *client, char **save)
{
	const char *count = strtok_r(NULL, " ", save);
	const char *size_text = strtok_r(NULL, " ", save);
	size_t size = size_text ? number(size_text) : 0;
	char *data = xzalloc(size);
	enum gw_err err = GW_OK;

	memset(data, 'x', size);
	for (uint64_t i = 0; count && i < number(count) && err == GW_OK; i++) {
		err = ws_send_text(client->ws, data, size);
	}
	free(data);
	print_event(client, err == GW_OK ? "queued" : "full");
}

/* A command about one connection that is open. */
static void
run_for_client(const char *verb, struct client *client, char **save)
{
	if (strcmp(verb, "text") == 0) {
		const char *text = strtok_r(NULL, "", save);

		(void)ws_send_text(client->ws, text ? text : "",
		    text ? strlen(text) : 0);
	} else if (strcmp(verb, "bulk") == 0) {
		run_bulk(client, save);
	} else if (strcmp(verb, "stall") == 0) {
		const char *ms = strtok_r(NULL, " ", save);

		(void)usleep(ms ? (useconds_t)number(ms) * 1000 : 0);
	} else if (strcmp(verb, "unsent") == 0) {
		printf("{\"id\": \"%s\", \"event\": \"unsent\", \"bytes\": %zu}\n",
		    client->id, ws_unsent(client->ws));
		(void)fflush(stdout);
	} else if (strcmp(verb, "close") == 0) {
		const char *code = strtok_r(NULL, " ", save);

		ws_close(client->ws, code ? (unsigned)number(code) : 4000,
		    strtok_r(NULL, "", save));
		client_free(client);
	} else if (strcmp(verb, "abort") == 0) {
		ws_abort(client->ws);
		client_free(client);
	}
}

static void
run_line(void *ctx, char *line)
{
	char *save = NULL;
	const char *verb = strtok_r(line, " ", &save);
	const char *id = strtok_r(NULL, " ", &save);
	struct client *client = find_client(id);

	(void)ctx;
	if (!verb) {
		return;
	}
	if (strcmp(verb, "quit") == 0) {
		loop_stop(loop, 0);
	} else if (strcmp(verb, "stats") == 0) {
		struct loop_stats stats = loop_stats(loop);

		printf("{\"id\": \"stats\", \"event\": \"stats\", \"turns\": %" PRIu64
		       ", \"spins\": %" PRIu64 ", \"turn_max_ms\": %.3f}\n",
		    stats.turns, stats.spins, clock_seconds(stats.turn_max) * 1e3);
		(void)fflush(stdout);
	} else if (strcmp(verb, "connect") == 0 && id) {
		run_connect(id, &save);
	} else if (client) {
		run_for_client(verb, client, &save);
	}
}

static void
on_stdin_over(void *ctx)
{
	(void)ctx;
	loop_stop(loop, 0);
}

int
main(void)
{
	struct lines lines = {.line = run_line, .over = on_stdin_over};
	struct tls_entry *entry;
	int status = 1;

	log_open(STDERR_FILENO, LOG_FORMAT_LOGFMT, LOG_LEVEL_INFO);
	loop = loop_new();
	if (loop && lines_begin(&lines, loop, LINE_MAX_BYTES)) {
		status = loop_run(loop);
	}
	loop_free(loop);
	while ((entry = LIST_FIRST(&tls_entries)) != NULL) {
		LIST_REMOVE(entry, link);
		ws_tls_free(entry->tls);
		free(entry->ca);
		free(entry);
	}
	lines_fini(&lines);
	return status;
}
