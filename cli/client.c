#include "client.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

#define CONNECT_RETRY CLOCK_MS(20) /* while the daemon's backlog is full */

#define HINT_SERVICE \
	"is it running?  systemctl status gwbotd     logs: journalctl -u gwbotd -n 50"

static bool lines_are_shown;

void
client_show_lines(bool shown)
{
	lines_are_shown = shown;
}

static bool may_only_read;

void
client_only_read(bool wanted)
{
	may_only_read = wanted;
}

void
client_init(struct client *client, const char *path)
{
	*client = (struct client){.fd = -1, .path = path};
	rpc_lines_init(&client->lines, RPC_ANSWER_MAX_BYTES);
}

void
client_fini(struct client *client)
{
	if (client->fd >= 0) {
		(void)close(client->fd);
	}
	rpc_lines_fini(&client->lines);
	json_free(client->capabilities);
	client_init(client, client->path);
}

/* ---- what can go wrong, in words ---- */

/* Who may use the socket, for someone who may not. */
static bool
explain_permission(const struct client *client, struct failure *failure)
{
	struct stat st;
	const struct passwd *user = getpwuid(geteuid());
	/* Without the right to look, or where only root may: no group would help. */
	bool seen = stat(client->path, &st) == 0 && st.st_gid != 0;
	const struct group *group = seen ? getgrgid(st.st_gid) : NULL;

	(void)failure_set(failure, EXIT_NO_PERMISSION, "no_permission",
	    "cannot reach gwbotd: %s: permission denied (you are uid %u%s%s)",
	    client->path, (unsigned)geteuid(),
	    group ? ", the socket belongs to group " : "", group ? group->gr_name : "");
	if (group && user) {
		failure_hint(failure,
		    "sudo adduser %s %s, then log in again; or once: sudo gwctl",
		    user->pw_name, group->gr_name);
	} else {
		failure_hint(failure,
		    "as the user that runs gwbotd, or once: sudo gwctl");
	}
	return false;
}

static bool
explain_connect(const struct client *client, int number, struct failure *failure)
{
	switch (number) {
	case ENOENT:
	case ENOTDIR:
		(void)failure_set(failure, EXIT_NOT_RUNNING, "not_running",
		    "cannot reach gwbotd: %s does not exist", client->path);
		break;
	case ECONNREFUSED:
		(void)failure_set(failure, EXIT_NOT_RUNNING, "not_running",
		    "cannot reach gwbotd: nobody listens on %s", client->path);
		break;
	case EACCES:
	case EPERM:
		return explain_permission(client, failure);
	default:
		(void)failure_set(failure, EXIT_REFUSED, "failed",
		    "cannot reach gwbotd: %s: %s", client->path, strerror(number));
		break;
	}
	failure_hint(failure, "%s", HINT_SERVICE);
	return false;
}

static bool
explain_timeout(const struct client *client, struct failure *failure)
{
	(void)failure_set(failure, EXIT_TIMED_OUT, "timed_out",
	    "gwbotd did not answer in time on %s", client->path);
	failure_hint(failure,
	    "more time: --timeout 30s     logs: journalctl -u gwbotd -n 50");
	return false;
}

static bool
explain_closed(const struct client *client, struct failure *failure)
{
	(void)failure_set(failure, EXIT_REFUSED, "closed",
	    rpc_lines_open(&client->lines) ?
		"gwbotd ended in the middle of an answer on %s" :
		"gwbotd closed the connection on %s without an answer",
	    client->path);
	failure_hint(failure, "it may be stopping: try again     %s",
	    "logs: journalctl -u gwbotd -n 50");
	return false;
}

static bool
explain_nonsense(const struct client *client, struct failure *failure)
{
	(void)failure_set(failure, EXIT_REFUSED, "protocol",
	    "what answers on %s does not speak gwbotd's control protocol",
	    client->path);
	failure_hint(failure, "another socket: gwctl -s PATH, or $GWCTL_SOCKET");
	return false;
}

static bool
explain_skew(const struct client *client, int64_t min, int64_t max,
    struct failure *failure)
{
	(void)failure_set(failure, EXIT_VERSION_SKEW, "version_skew",
	    "gwbotd %s speaks protocol %lld to %lld, gwctl %s needs %d to %d",
	    client->version, (long long)min, (long long)max, GWBOT_VERSION,
	    RPC_PROTOCOL_MIN, RPC_PROTOCOL_MAX);
	if (min > RPC_PROTOCOL_MAX) {
		failure_hint(failure,
		    "gwctl is the older one: install the package that "
		    "gwbotd came from");
	} else {
		failure_hint(failure,
		    "the package was upgraded under a running daemon: "
		    "systemctl restart gwbotd");
	}
	return false;
}

/* ---- bytes ---- */

static int
wait_ms(mono_ns deadline)
{
	mono_ns left = deadline - clock_now();

	if (deadline == CLOCK_NEVER) {
		return -1;
	}
	if (left <= 0) {
		return 0;
	}
	return left > CLOCK_S(86400) ? 86400000 : (int)(left / CLOCK_MS(1)) + 1;
}

/* False when the deadline passes before. */
static bool
wait_for(const struct client *client, short events)
{
	struct pollfd pfd = {.fd = client->fd, .events = events};
	int ready;

	do {
		ready = poll(&pfd, 1, wait_ms(client->deadline));
	} while (ready < 0 && errno == EINTR);
	return ready > 0;
}

/* Who answers could send anything, a terminal's control characters among it. */
static void
show_line(const char *direction, struct slice line)
{
	struct buf clean;

	if (!lines_are_shown) {
		return;
	}
	line.size -= line.size > 0 && line.data[line.size - 1] == '\n' ? 1 : 0;
	buf_init(&clean, line.size * 3 + 1);
	(void)text_clean(line, true, &clean);
	(void)fprintf(stderr, "%s %.*s\n", direction, (int)clean.size,
	    clean.data ? clean.data : "");
	buf_fini(&clean);
}

static bool
send_all(struct client *client, struct slice bytes, struct failure *failure)
{
	show_line(">", bytes);
	while (bytes.size > 0) {
		ssize_t sent = send(client->fd, bytes.data, bytes.size, MSG_NOSIGNAL);

		if (sent >= 0) {
			bytes.data += sent;
			bytes.size -= (size_t)sent;
		} else if (errno == EAGAIN) {
			if (!wait_for(client, POLLOUT)) {
				return explain_timeout(client, failure);
			}
		} else if (errno != EINTR) {
			return explain_closed(client, failure);
		}
	}
	return true;
}

static bool
receive_more(struct client *client, struct failure *failure)
{
	char room[RPC_FEED_MAX_BYTES];
	ssize_t got;

	if (!wait_for(client, POLLIN)) {
		return explain_timeout(client, failure);
	}
	got = recv(client->fd, room, sizeof room, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		return true;
	}
	if (got <= 0) {
		return explain_closed(client, failure);
	}
	return rpc_lines_feed(&client->lines, (struct slice){room, (size_t)got}) ==
	    GW_OK ||
	    explain_nonsense(client, failure);
}

static bool
read_line(struct client *client, struct slice *line, struct failure *failure)
{
	for (;;) {
		enum gw_err err = rpc_lines_take(&client->lines, line);

		if (err == GW_OK) {
			show_line("<", *line);
			return true;
		}
		if (err != GW_ERR_NOT_FOUND) {
			return explain_nonsense(client, failure);
		}
		if (!receive_more(client, failure)) {
			return false;
		}
	}
}

/* ---- the connection ---- */

static int
try_connect(const struct client *client)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (!slice_copy(slice_of(client->path), address.sun_path,
		sizeof address.sun_path)) {
		return ENAMETOOLONG;
	}
	return connect(client->fd, (struct sockaddr *)&address, sizeof address) == 0 ?
	    0 :
	    errno;
}

bool
client_connect(struct client *client, mono_ns timeout, struct failure *failure)
{
	const struct timespec pause = {.tv_nsec = CONNECT_RETRY};

	client_extend(client, timeout);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int number = client->fd < 0 ? errno : try_connect(client);

	while (number == EAGAIN && clock_now() < client->deadline) {
		(void)nanosleep(&pause, NULL);
		number = try_connect(client);
	}
	if (number == 0) {
		return true;
	}
	if (number == EAGAIN) {
		(void)explain_timeout(client, failure);
	} else {
		(void)explain_connect(client, number, failure);
	}
	client_fini(client);
	return false;
}

void
client_extend(struct client *client, mono_ns timeout)
{
	client->deadline = clock_add(clock_now(), timeout);
}

bool
client_exchange(struct client *client, struct slice line, struct slice *answer,
    struct failure *failure)
{
	struct buf out;
	bool done;

	buf_init(&out, RPC_REQUEST_MAX_BYTES + 1);
	if (buf_append(&out, line.data, line.size) != GW_OK ||
	    buf_append(&out, "\n", 1) != GW_OK) {
		done = failure_set(failure, EXIT_USAGE, "usage",
		    "the request is longer than 64 KiB");
	} else {
		done = send_all(client, buf_slice(&out), failure) &&
		    read_line(client, answer, failure);
	}
	buf_fini(&out);
	return done;
}

/* The answer to the request with our last id; what is not meant for us is skipped. */
static bool
read_answer(struct client *client, struct rpc_answer *out, struct failure *failure)
{
	struct slice line;

	for (;;) {
		if (!read_line(client, &line, failure)) {
			return false;
		}
		if (rpc_answer_parse(line, out) != GW_OK) {
			rpc_answer_fini(out);
			return explain_nonsense(client, failure);
		}
		/* An error without an id is about the connection as a whole. */
		if (out->has_id ? out->id == client->last_id : !out->result) {
			return true;
		}
		rpc_answer_fini(out);
	}
}

static bool
explain_error(const struct rpc_answer *answer, struct failure *failure)
{
	enum failure_exit exit = EXIT_REFUSED;

	if (answer->error_number == rpc_error_number(RPC_ERR_PARAMS)) {
		exit = EXIT_USAGE;
	} else if (answer->error_number == rpc_error_number(RPC_ERR_SKEW)) {
		exit = EXIT_VERSION_SKEW;
	} else if (answer->error_number == rpc_error_number(RPC_ERR_READ_ONLY)) {
		exit = EXIT_NO_PERMISSION;
	}
	(void)failure_set(failure, exit, answer->error_word, "%s", answer->error_text);
	failure_hint(failure, "%s", answer->error_hint ? answer->error_hint : "");
	failure_detail(failure, answer->error_details);
	return false;
}

static bool
ask(struct client *client, const char *method, struct json *owned_params,
    struct rpc_answer *out, struct failure *failure)
{
	struct buf request;

	*out = (struct rpc_answer){0};
	buf_init(&request, RPC_REQUEST_MAX_BYTES + 1);
	enum gw_err err =
	    rpc_write_request(&request, ++client->last_id, method, owned_params);
	bool answered = err == GW_OK ? send_all(client, buf_slice(&request), failure) &&
		read_answer(client, out, failure) :
				       failure_set(failure, EXIT_USAGE, "usage",
					   "the request is longer than 64 KiB");

	buf_fini(&request);
	if (answered && !out->result) {
		answered = explain_error(out, failure);
		rpc_answer_fini(out);
	}
	return answered;
}

static void
take_text(const struct json *value, char *out, size_t room)
{
	const char *text = json_text(value);

	(void)slice_copy(slice_of(text ? text : "?"), out, room);
}

/* A daemon from before --read-only would do whatever it is asked. */
static bool
explain_not_held(const struct client *client, struct failure *failure)
{
	(void)failure_set(failure, EXIT_VERSION_SKEW, "version_skew",
	    "gwbotd %s is too old to hold a client to reading", client->version);
	failure_hint(failure,
	    "leave --read-only out, or restart the daemon after an "
	    "upgrade: systemctl restart gwbotd");
	return false;
}

struct json *
client_greeting(void)
{
	struct json *params = json_new_object();
	struct json *range = json_new_array();

	json_append(range, json_new_int(RPC_PROTOCOL_MIN));
	json_append(range, json_new_int(RPC_PROTOCOL_MAX));
	json_add_text(params, "client", "gwctl");
	json_add_text(params, "version", GWBOT_VERSION);
	json_add(params, "protocol", range);
	if (may_only_read) {
		json_add_text(params, "access", "read");
	}
	return params;
}

bool
client_take_greeting(struct client *client, const struct json *result,
    struct failure *failure)
{
	const struct json *protocol = json_get(result, "protocol");
	int64_t min = 0;
	int64_t max = 0;

	take_text(json_get(result, "version"), client->version, sizeof client->version);
	take_text(json_get(result, "start_time"), client->start_time,
	    sizeof client->start_time);
	(void)json_int(json_get(result, "pid"), &client->pid);
	(void)json_int(json_at(protocol, 0), &min);
	(void)json_int(json_at(protocol, 1), &max);
	json_free(client->capabilities);
	client->capabilities = json_copy(json_get(result, "capabilities"));
	if (min > RPC_PROTOCOL_MAX || max < RPC_PROTOCOL_MIN) {
		return explain_skew(client, min, max, failure);
	}
	const char *access = json_text(json_get(result, "access"));
	bool held = !may_only_read || (access && strcmp(access, "read") == 0);

	return held || explain_not_held(client, failure);
}

bool
client_hello(struct client *client, struct failure *failure)
{
	struct rpc_answer answer;

	if (!ask(client, "hello", client_greeting(), &answer, failure)) {
		return false;
	}
	bool meets = client_take_greeting(client, answer.result, failure);

	rpc_answer_fini(&answer);
	return meets;
}

static bool
is_capable(const struct client *client, const char *method)
{
	for (const struct json *value = json_first(client->capabilities); value;
	     value = json_next(value)) {
		const char *name = json_text(value);

		if (name && strcmp(name, method) == 0) {
			return true;
		}
	}
	return false;
}

bool
client_request(struct client *client, const char *method, struct json *owned_params,
    struct rpc_answer *out, struct failure *failure)
{
	if (json_kind(client->capabilities) == JSON_ARRAY &&
	    !is_capable(client, method)) {
		json_free(owned_params);
		(void)failure_set(failure, EXIT_VERSION_SKEW, "version_skew",
		    "gwbotd %s does not know \"%s\", which gwctl %s has",
		    client->version, method, GWBOT_VERSION);
		failure_hint(failure,
		    "the package was upgraded under a running daemon: "
		    "systemctl restart gwbotd");
		return false;
	}
	return ask(client, method, owned_params, out, failure);
}
