#include "feed_reader.h"

#include <errno.h>
#include <sys/socket.h>

void
feed_reader_init(struct feed_reader *reader, const char *path)
{
	client_init(&reader->client, path);
}

void
feed_reader_fini(struct feed_reader *reader)
{
	client_fini(&reader->client);
}

bool
feed_reader_open(struct feed_reader *reader, mono_ns timeout, struct json *owned_params,
    struct json **answer, struct failure *failure)
{
	struct client *client = &reader->client;
	struct json *params = owned_params ? owned_params : json_new_array();
	struct rpc_answer first;

	json_append(params, json_new_text("--follow"));
	if (!client_connect(client, timeout, failure) ||
	    !client_hello(client, failure)) {
		json_free(params);
		client_fini(client);
		return false;
	}
	if (!client_request(client, "events", params, &first, failure)) {
		client_fini(client);
		return false;
	}
	*answer = json_copy(first.result);
	rpc_answer_fini(&first);
	return true;
}

int
feed_reader_fd(const struct feed_reader *reader)
{
	return reader->client.fd;
}

/* Reads once what is there.  FEED_EVENT: there are more bytes. */
static enum feed_state
receive(struct client *client)
{
	char room[RPC_FEED_MAX_BYTES];
	ssize_t got;

	do {
		got = recv(client->fd, room, sizeof room, MSG_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN) {
		return FEED_NOTHING;
	}
	if (got <= 0 ||
	    rpc_lines_feed(&client->lines, (struct slice){room, (size_t)got}) !=
		GW_OK) {
		return FEED_ENDED;
	}
	return FEED_EVENT;
}

enum feed_state
feed_reader_take(struct feed_reader *reader, struct json **event)
{
	struct client *client = &reader->client;
	struct slice line;

	*event = NULL;
	if (client->fd < 0) {
		return FEED_ENDED;
	}
	for (;;) {
		enum gw_err err = rpc_lines_take(&client->lines, &line);
		enum feed_state state = FEED_EVENT;

		if (err == GW_OK) {
			*event = rpc_notice_parse(line, "event");
		} else if (err == GW_ERR_NOT_FOUND) {
			state = receive(client);
		} else {
			state = FEED_ENDED;
		}
		/* Notifications of other kinds are passed over. */
		if (*event || state != FEED_EVENT) {
			return state;
		}
	}
}
