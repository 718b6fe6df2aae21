#include "simchild.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "helper.h"
#include "json.h"

#define START_TIMEOUT  CLOCK_S(15)
#define ANSWER_TIMEOUT CLOCK_S(3)
#define LINE_MAX_BYTES 4096
#define PATH_BYTES     4096
#define IDLE_EXIT_S    "60"
#define HEARTBEAT_MS   "5000" /* Discord's 41250 would make a first look dull */
#define EVENTS_PER_S   "5"

/* ---- a line from a descriptor, with a deadline ---- */

static bool
wait_readable(int fd, mono_ns deadline)
{
	for (;;) {
		mono_ns left = deadline - clock_now();
		struct pollfd pfd = {.fd = fd, .events = POLLIN};
		int ready = left > 0 ? poll(&pfd, 1, (int)(left / CLOCK_MS(1)) + 1) : 0;

		if (ready >= 0 || errno != EINTR) {
			return ready == 1;
		}
	}
}

/* True where a whole line came; it is NUL-terminated in out, without its end. */
static bool
read_line(int fd, mono_ns deadline, char *out, size_t room)
{
	size_t used = 0;

	while (used + 1 < room && wait_readable(fd, deadline)) {
		ssize_t got = read(fd, out + used, room - 1 - used);

		if (got <= 0) {
			return false;
		}
		used += (size_t)got;
		out[used] = '\0';
		char *end = strchr(out, '\n');

		if (end) {
			*end = '\0';
			return true;
		}
	}
	return false;
}

/* ---- what gwsim says of itself ---- */

static bool
copy_member(const struct json *document, const char *name, char *out, size_t room)
{
	return slice_copy(slice_of(json_text(json_get(document, name))), out, room) &&
	    out[0] != '\0';
}

static bool
read_info(const char *line, struct simchild *out)
{
	struct json *document = NULL;

	if (json_parse(slice_of(line), LINE_MAX_BYTES, &document) != GW_OK) {
		return false;
	}
	bool whole =
	    copy_member(document, "api_base", out->api_base, sizeof out->api_base) &&
	    copy_member(document, "ca_file", out->ca_file, sizeof out->ca_file);

	json_free(document);
	return whole;
}

/* A connection on which text was said, or -1.  Never waits: a gwsim that hangs has a
 * backlog that fills up. */
static int
say(const char *path, const char *text)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	size_t size = strlen(text);

	if (fd < 0) {
		return -1;
	}
	if (slice_copy(slice_of(path), address.sun_path, sizeof address.sun_path) &&
	    connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
	    send(fd, text, size, MSG_NOSIGNAL) == (ssize_t)size) {
		return fd;
	}
	(void)close(fd);
	return -1;
}

/* One command, one line back; false where nobody answers. */
static bool
command(const char *path, const char *text, char *answer, size_t room)
{
	int fd = say(path, text);

	if (fd < 0) {
		return false;
	}
	bool done = read_line(fd, clock_now() + ANSWER_TIMEOUT, answer, room);

	(void)close(fd);
	return done;
}

/* ---- starting it ---- */

/* The words are not written to, whatever execve() has in its prototype. */
static pid_t
ask_for(const struct spawner *spawner, const char *dir, const char *control,
    int ready_fd, mono_ns deadline)
{
	char tls_dir[PATH_BYTES];
	char log_path[PATH_BYTES];

	(void)snprintf(tls_dir, sizeof tls_dir, "%s/sim-tls", dir);
	(void)snprintf(log_path, sizeof log_path, "%s/gwsim.log", dir);
	int log_fd =
	    open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int error_fd = log_fd >= 0 ? log_fd : open("/dev/null", O_WRONLY | O_CLOEXEC);
	const int fds[] = {error_fd, ready_fd};
	const char *const arguments[] = {"gwsim", "--tls", "--tls-dir", tls_dir,
	    "--control", control, "--heartbeat", HEARTBEAT_MS, "--rate", EVENTS_PER_S,
	    "--idle-exit", IDLE_EXIT_S, "--ready-fd", "3", NULL};
	char *copy[sizeof arguments / sizeof arguments[0]];

	memcpy(copy, arguments, sizeof arguments);
	pid_t pid = spawner_start(spawner, SPAWNER_SIM, copy, fds, deadline);
	int error = errno;

	if (error_fd >= 0) {
		(void)close(error_fd);
	}
	errno = error;
	return pid;
}

static enum gw_err
spawn(const struct spawner *spawner, const char *dir, struct simchild *out, char *why,
    size_t room)
{
	mono_ns deadline = clock_now() + START_TIMEOUT;
	char line[LINE_MAX_BYTES];
	int ready[2];

	if (pipe2(ready, O_CLOEXEC) != 0) {
		(void)snprintf(why, room, "pipe: %s", strerror(errno));
		return GW_ERR_IO;
	}
	pid_t pid = ask_for(spawner, dir, out->control, ready[1], deadline);
	int error = errno;

	(void)close(ready[1]);
	bool up = pid > 0 && read_line(ready[0], deadline, line, sizeof line) &&
	    read_info(line, out);

	(void)close(ready[0]);
	if (pid < 0 && error == ENOENT) {
		(void)snprintf(why, room,
		    "gwsim is neither beside gwbotd nor in %s: build it", helper_dir());
		return GW_ERR_NOT_FOUND;
	}
	if (pid < 0) {
		(void)snprintf(why, room, "gwsim cannot be started: %s",
		    strerror(error));
		return GW_ERR_IO;
	}
	if (!up) {
		(void)snprintf(why, room, "gwsim did not start: see %s/gwsim.log", dir);
		return GW_ERR_IO;
	}
	return GW_OK;
}

enum gw_err
simchild_start(const struct spawner *spawner, const char *dir, struct simchild *out,
    char *why, size_t room)
{
	char line[LINE_MAX_BYTES];
	int size = snprintf(out->control, sizeof out->control, "%s/sim.sock", dir);

	if (size < 0 || (size_t)size >= sizeof out->control) {
		(void)snprintf(why, room,
		    "the path of state.dir is too long for a socket in it (107 bytes)");
		return GW_ERR_TOO_LARGE;
	}
	if (command(out->control, "info\n", line, sizeof line) &&
	    read_info(line, out)) {
		return GW_OK;
	}
	return spawn(spawner, dir, out, why, room);
}

void
simchild_quit(const struct simchild *child)
{
	int fd = say(child->control, "quit\n");

	if (fd >= 0) {
		(void)close(fd);
	}
}

struct secret *
simchild_token(void)
{
	/* The shape of a real one: id, time and signature in base64url. */
	static const char token[] =
	    "MTAwMDAwMDAwMDAwMDAwMDAw.GwSimU.not-a-real-token-only-"
	    "for-gwsim-on-loopback";

	return secret_new(token, sizeof token - 1);
}
