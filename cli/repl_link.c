#include "repl_link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "repl_feed.h"

#define ASK_PERIOD CLOCK_S(1)
#define SOON       CLOCK_MS(100) /* while a new process gets ready, or things happen */
#define PATIENCE   CLOCK_S(5)    /* with an answer */
#define PAUSE_MIN  CLOCK_MS(100) /* between two tries */
#define PAUSE_MAX  CLOCK_S(3)
#define RETURN_TIME                                                       \
	CLOCK_S(10) /* a new process that is not ready by then is told of \
	             */

void
repl_link_init(struct repl_link *link, const char *path)
{
	*link = (struct repl_link){.phase = REPL_AWAY, .pause = PAUSE_MIN};
	client_init(&link->client, path);
	feed_reader_init(&link->feed, path);
}

void
repl_link_fini(struct repl_link *link)
{
	client_fini(&link->client);
	feed_reader_fini(&link->feed);
	json_free(link->failure.details);
	link->failure.details = NULL;
}

static void
set_failure(struct repl_link *link, const struct failure *failure)
{
	json_free(link->failure.details);
	link->failure = *failure;
}

/* ---- loss ---- */

static void
hang_up(struct repl_link *link, mono_ns now)
{
	client_fini(&link->client);
	feed_reader_fini(&link->feed);
	link->phase = REPL_AWAY;
	link->known = false;
	link->wake_at = now + link->pause;
	link->pause = link->pause * 2 > PAUSE_MAX ? PAUSE_MAX : link->pause * 2;
}

static void
lose(struct repl_link *link, mono_ns now, const char *how, struct notices *notices)
{
	if (link->known) {
		link->lost = true;
		link->lost_at = now;
		link->lost_pid = link->client.pid;
		(void)snprintf(link->lost_start, sizeof link->lost_start, "%s",
		    link->client.start_time);
		link->pause = PAUSE_MIN;
		notices_add(notices, STYLE_YELLOW,
		    "gwbotd %s; waiting for it to be back", how);
	}
	struct failure failure = {.exit = EXIT_REFUSED};

	(void)failure_set(&failure, EXIT_REFUSED, "closed", "gwbotd %s", how);
	set_failure(link, &failure);
	hang_up(link, now);
}

/* ---- questions ---- */

/* A request is shorter than any socket's buffer: what does not go at once never will.
 */
static bool
send_request(struct repl_link *link, const char *method, struct json *owned_params)
{
	struct client *client = &link->client;
	struct buf request;
	bool sent = false;

	buf_init(&request, RPC_REQUEST_MAX_BYTES);
	if (rpc_write_request(&request, ++client->last_id, method, owned_params) ==
	    GW_OK) {
		sent = send(client->fd, request.data, request.size,
			   MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)request.size;
	}
	buf_fini(&request);
	return sent;
}

static void
ask(struct repl_link *link, enum repl_phase phase, mono_ns now, struct notices *notices)
{
	bool hello = phase == REPL_GREETING;

	link->phase = phase;
	link->asked_at = now;
	link->wake_at = now + PATIENCE;
	if (!send_request(link, hello ? "hello" : "status",
		hello ? client_greeting() : NULL)) {
		lose(link, now, "hung up", notices);
	}
}

static void
try_connect(struct repl_link *link, mono_ns now, struct notices *notices)
{
	struct failure failure = {.exit = EXIT_DONE};

	if (client_connect(&link->client, 0, &failure)) {
		ask(link, REPL_GREETING, now, notices);
	} else {
		set_failure(link, &failure);
		hang_up(link, now);
	}
}

/* ---- answers ---- */

static void
take_text(const struct json *value, char *out, size_t room)
{
	const char *text = json_text(value);

	(void)slice_copy(slice_of(text ? text : "-"), out, room);
}

static void
say_return(struct repl_link *link, mono_ns now, struct notices *notices)
{
	bool same = link->client.pid == link->lost_pid &&
	    strcmp(link->client.start_time, link->lost_start) == 0;
	bool ready = strcmp(link->state, "ready") == 0;
	bool starts = strcmp(link->state, "starting") == 0;

	if (starts && !same && now - link->lost_at < RETURN_TIME) {
		return;
	}
	link->lost = false;
	if (same) {
		notices_add(notices, ready ? STYLE_GREEN : STYLE_YELLOW,
		    "gwbotd answers again: %s", link->state);
	} else {
		notices_add(notices, ready ? STYLE_GREEN : STYLE_YELLOW,
		    "gwbotd is back after %.1f s: %s",
		    clock_seconds(now - link->lost_at), link->state);
	}
}

/* The first shard that has one. */
static const char *
find_reason(const struct json *status)
{
	for (const struct json *shard = json_first(json_get(status, "shards")); shard;
	     shard = json_next(shard)) {
		const char *reason = json_text(json_get(shard, "reason"));

		if (reason) {
			return reason;
		}
	}
	return NULL;
}

static void
say_change(const struct repl_link *link, const char *state, const char *verdict,
    const struct json *status, struct notices *notices)
{
	bool ready = strcmp(link->state, "ready") == 0;
	const char *reason = ready ? NULL : find_reason(status);

	if (strcmp(state, link->state) != 0) {
		notices_add(notices, ready ? STYLE_GREEN : STYLE_YELLOW,
		    "%s, was %s%s%s", link->state, state, reason ? ": " : "",
		    reason ? reason : "");
	}
	if (strcmp(verdict, link->verdict) != 0) {
		bool ok = strcmp(link->verdict, "ok") == 0;

		notices_add(notices, ok ? STYLE_GREEN : STYLE_RED,
		    "watchdog: %s, was %s", link->verdict, verdict);
	}
}

static void
take_status(struct repl_link *link, const struct json *status, mono_ns now,
    struct notices *notices)
{
	const struct json *daemon = json_get(status, "daemon");
	char state[sizeof link->state];
	char verdict[sizeof link->verdict];
	bool first = !link->known;

	memcpy(state, link->state, sizeof state);
	memcpy(verdict, link->verdict, sizeof verdict);
	take_text(json_get(daemon, "profile"), link->profile, sizeof link->profile);
	take_text(json_get(daemon, "state"), link->state, sizeof link->state);
	take_text(json_get(json_get(status, "watchdog"), "verdict"), link->verdict,
	    sizeof link->verdict);
	link->away_seconds = -1;
	(void)json_number(json_get(json_get(status, "gateway"),
			      "disconnect_age_seconds"),
	    &link->away_seconds);
	bool was_away = link->failure.exit != EXIT_DONE;

	link->known = true;
	link->pause = PAUSE_MIN;
	link->failure.exit = EXIT_DONE;
	if (link->lost) {
		say_return(link, now, notices);
	} else if (!first && feed_reader_fd(&link->feed) < 0) {
		say_change(link, state, verdict, status, notices);
	} else if (was_away) {
		notices_add(notices, STYLE_PLAIN, "gwbotd is there: %s", link->state);
	}
	link->phase = REPL_RESTING;
	link->wake_at = now + (link->lost ? SOON : ASK_PERIOD);
	if (feed_reader_fd(&link->feed) < 0) {
		repl_feed_open(&link->feed);
	}
}

static void
take_answer(struct repl_link *link, const struct rpc_answer *answer, mono_ns now,
    struct notices *notices)
{
	struct failure failure = {.exit = EXIT_DONE};

	if (!answer->has_id || answer->id != link->client.last_id) {
		return;
	}
	if (!answer->result) {
		lose(link, now, "refused to answer", notices);
	} else if (link->phase == REPL_ASKING) {
		take_status(link, answer->result, now, notices);
	} else if (client_take_greeting(&link->client, answer->result, &failure)) {
		ask(link, REPL_ASKING, now, notices);
	} else {
		set_failure(link, &failure);
		link->pause = PAUSE_MAX;
		hang_up(link, now);
	}
}

static void
take_lines(struct repl_link *link, mono_ns now, struct notices *notices)
{
	while (link->phase != REPL_AWAY) {
		struct slice line;
		enum gw_err err = rpc_lines_take(&link->client.lines, &line);
		struct rpc_answer answer;

		if (err == GW_ERR_NOT_FOUND) {
			return;
		}
		if (err != GW_OK || rpc_answer_parse(line, &answer) != GW_OK) {
			if (err == GW_OK) {
				rpc_answer_fini(&answer);
			}
			lose(link, now, "speaks another protocol", notices);
			return;
		}
		take_answer(link, &answer, now, notices);
		rpc_answer_fini(&answer);
	}
}

/* All that the descriptor has. */
static void
receive(struct repl_link *link, mono_ns now, struct notices *notices)
{
	while (link->phase != REPL_AWAY) {
		char room[RPC_FEED_MAX_BYTES];
		ssize_t got = recv(link->client.fd, room, sizeof room, MSG_DONTWAIT);

		if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
			return;
		}
		if (got <= 0) {
			lose(link, now, "has ended", notices);
		} else if (rpc_lines_feed(&link->client.lines,
			       (struct slice){room, (size_t)got}) != GW_OK) {
			lose(link, now, "speaks another protocol", notices);
		} else {
			take_lines(link, now, notices);
		}
	}
}

/* What has happened shows in the state; but it may happen to many shards at once. */
static void
look_soon(struct repl_link *link, mono_ns now)
{
	mono_ns when = link->asked_at + SOON > now ? link->asked_at + SOON : now;

	if (link->phase == REPL_RESTING && when < link->wake_at) {
		link->wake_at = when;
	}
}

void
repl_link_step(struct repl_link *link, mono_ns now, struct notices *notices)
{
	receive(link, now, notices);
	if (repl_feed_step(&link->feed, notices)) {
		look_soon(link, now);
	}
	if (now < link->wake_at) {
		return;
	}
	switch (link->phase) {
	case REPL_AWAY:
		try_connect(link, now, notices);
		break;
	case REPL_GREETING:
	case REPL_ASKING:
		lose(link, now, "does not answer", notices);
		break;
	case REPL_RESTING:
		ask(link, REPL_ASKING, now, notices);
		break;
	}
}

void
repl_link_hurry(struct repl_link *link, mono_ns now)
{
	if (link->phase == REPL_AWAY || link->phase == REPL_RESTING) {
		link->wake_at = now;
	}
}

void
repl_link_fds(const struct repl_link *link, int fds[2])
{
	fds[0] = link->client.fd;
	fds[1] = feed_reader_fd(&link->feed);
}

bool
repl_link_settled(const struct repl_link *link)
{
	return link->phase == REPL_AWAY ? link->failure.exit != EXIT_DONE :
					  link->phase == REPL_RESTING;
}
