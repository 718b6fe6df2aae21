#include "spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper.h"
#include "title.h"
#include "xalloc.h"

#define NAME           "gwbot-spawner" /* at most 15 bytes, says prctl(2) */
#define TITLE_ROOM     64
#define ASK_MAX_BYTES  65536
#define WORDS_MAX      256
#define PATH_BYTES     4096
#define FDS_MAX        3 /* the answer's, and two of the program */
#define OWN_FD         3 /* the spawner's only one besides the standard ones */
#define HIGH_FD        10
#define EXIT_NOT_FOUND 127

struct spawner {
	int fd; /* -1: there is none, and the daemon starts programs itself */
};

/* What is asked: this, and the words behind it, each with its NUL. */
struct ask {
	uint32_t kind; /* enum spawner_kind, or LEARN */
	uint32_t words;
};

#define LEARN 99U

/* What is answered over a pipe: first the process, then, perhaps, why exec failed. */
struct answer {
	int32_t pid; /* 0: from the process itself; -1: there is none */
	int32_t error;
};

/* ---- what each kind gets ---- */

static char path_variable[] =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
static char lang_variable[] = "LANG=C.UTF-8";
static char *const variables[] = {path_variable, lang_variable, NULL};

struct kind {
	const char *helper; /* NULL: argv[0] is the path */
	bool keeps_environment;
	bool own_session;
	bool detached;
	size_t fds;
	int targets[FDS_MAX]; /* where its descriptors go */
};

static const struct kind kinds[] = {
    [SPAWNER_PROGRAM] = {NULL, true, true, false, 2, {STDOUT_FILENO, STDERR_FILENO}},
    [SPAWNER_EMOJI] = {"gwbot-emoji", false, false, false, 2,
	{STDIN_FILENO, STDOUT_FILENO}},
    [SPAWNER_SIM] = {"gwsim", false, true, true, 2, {STDERR_FILENO, 3}},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

/* ---- in the program, before exec ---- */

/* None ignored and none held back: both outlive exec. */
static void
reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number <= SIGRTMAX; number++) {
		(void)signal(number, SIG_DFL); /* two of them refuse, and some more */
	}
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* First all out of the way of the targets, then each to its own. */
static bool
place_fds(const struct kind *kind, const int *fds, int *answer_fd)
{
	int moved[FDS_MAX];
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	bool placed = null_fd >= 0;

	for (size_t i = 0; placed && i < kind->fds; i++) {
		moved[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, HIGH_FD);
		placed = moved[i] >= 0;
	}
	*answer_fd = fcntl(*answer_fd, F_DUPFD_CLOEXEC, HIGH_FD);
	for (int fd = STDIN_FILENO; placed && fd <= STDERR_FILENO; fd++) {
		placed = dup2(null_fd, fd) == fd;
	}
	for (size_t i = 0; placed && i < kind->fds; i++) {
		placed = dup2(moved[i], kind->targets[i]) == kind->targets[i];
	}
	return placed;
}

static _Noreturn void
become(const struct kind *kind, char *const *argv, const int *fds, int answer_fd)
{
	char *const *environment =
	    kind->keeps_environment ? variables : &variables[2]; /* its NULL */
	char found[PATH_BYTES];
	const char *path = argv[0];

	reset_signals();
	if (kind->own_session) {
		(void)setsid();
	}
	if (kind->helper && !helper_find(kind->helper, found, sizeof found)) {
		errno = ENOENT;
	} else if (place_fds(kind, fds, &answer_fd)) {
		path = kind->helper ? found : path;
		(void)execve(path, argv, environment);
	}
	const struct answer answer = {.pid = 0, .error = errno};

	(void)!write(answer_fd, &answer, sizeof answer);
	_exit(EXIT_NOT_FOUND);
}

/* ---- in the spawner ---- */

/* A child of the daemon, not of ours: it is the daemon that waits for it. */
static pid_t
fork_for_parent(void)
{
#ifdef __s390__
	return (pid_t)syscall(SYS_clone, NULL, CLONE_PARENT | SIGCHLD, NULL, NULL, 0);
#else
	return (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0);
#endif
}

/* Whoever asked has given up: a program that nobody waits for must not begin. */
static bool
is_gone(int answer_fd)
{
	struct pollfd pfd = {.fd = answer_fd};

	return poll(&pfd, 1, 0) > 0 && (pfd.revents & POLLERR);
}

static bool
is_willing(const struct spawner_options *options, const struct ask *ask,
    char *const *argv)
{
	return ask->kind != SPAWNER_PROGRAM || !options->allows ||
	    options->allows(options->ctx, argv);
}

static void
start(const struct spawner_options *options, const struct ask *ask, char *const *argv,
    const int *fds)
{
	struct answer answer = {.pid = -1, .error = EACCES};

	if (is_gone(fds[0])) {
		return;
	}
	if (is_willing(options, ask, argv)) {
		const struct kind *kind = &kinds[ask->kind];

		answer.pid = kind->detached ? fork() : fork_for_parent();
		if (answer.pid == 0) {
			become(kind, argv, fds + 1, fds[0]);
		}
		answer.error = answer.pid < 0 ? errno : 0;
	}
	(void)!write(fds[0], &answer, sizeof answer);
}

/* Cuts the text into words; false where it is not what ask says. */
static bool
cut(const struct ask *ask, char *text, size_t size, char **argv)
{
	if (ask->words == 0 || ask->words > WORDS_MAX || size == 0 ||
	    text[size - 1] != '\0') {
		return false;
	}
	for (uint32_t i = 0; i < ask->words; i++) {
		size_t length = size > 0 ? strlen(text) + 1 : 0;

		if (length == 0) {
			return false;
		}
		argv[i] = text;
		text += length;
		size -= length;
	}
	argv[ask->words] = NULL;
	return size == 0;
}

static void
serve(const struct spawner_options *options, char *text, size_t size, const int *fds,
    size_t fd_count)
{
	char *argv[WORDS_MAX + 1];
	struct ask ask;

	if (size < sizeof ask) {
		return;
	}
	memcpy(&ask, text, sizeof ask);
	if (ask.kind == LEARN && options->learn) {
		options->learn(options->ctx);
	} else if (ask.kind < KINDS && fd_count == kinds[ask.kind].fds + 1 &&
	    cut(&ask, text + sizeof ask, size - sizeof ask, argv)) {
		start(options, &ask, argv, fds);
	}
}

union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

static size_t
take_fds(struct msghdr *message, int fds[FDS_MAX])
{
	struct cmsghdr *head = CMSG_FIRSTHDR(message);

	if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) {
		return 0;
	}
	size_t bytes = head->cmsg_len - CMSG_LEN(0);

	memcpy(fds, CMSG_DATA(head), bytes);
	return bytes / sizeof fds[0];
}

/* One request; false once the daemon is gone. */
static bool
turn(const struct spawner_options *options)
{
	static char text[ASK_MAX_BYTES];
	union control control;
	int fds[FDS_MAX] = {-1, -1, -1};
	struct iovec piece = {text, sizeof text};
	struct msghdr message = {
	    .msg_iov = &piece,
	    .msg_iovlen = 1,
	    .msg_control = control.room,
	    .msg_controllen = sizeof control.room,
	};
	ssize_t size = recvmsg(OWN_FD, &message, MSG_CMSG_CLOEXEC);

	if (size <= 0) {
		return size < 0 && errno == EINTR;
	}
	size_t count = take_fds(&message, fds);

	serve(options, text, (size_t)size, fds, count);
	for (size_t i = 0; i < count; i++) {
		(void)close(fds[i]);
	}
	return true;
}

/* Not every kernel that calls itself Linux knows CLONE_PARENT: gVisor passes it over.
 * So it is tried once, and the daemon sees whether it can wait for the child. */
static bool
tell_trial(void)
{
	struct answer answer = {.pid = fork_for_parent(), .error = 0};

	if (answer.pid == 0) {
		_exit(0);
	}
	return send(OWN_FD, &answer, sizeof answer, MSG_NOSIGNAL) ==
	    (ssize_t)sizeof answer;
}

/* It lives as long as its socket: what ends the daemon, or a whole group of processes,
 * is not its own affair. */
static _Noreturn void
live(int fd, const struct spawner_options *options, const char *title)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)signal(SIGCHLD, SIG_IGN); /* those that are nobody's are reaped so */
	(void)prctl(PR_SET_NAME, NAME, 0, 0, 0);
	(void)title_show(title); /* else it would pass for a second gwbotd */
	if (dup2(fd, OWN_FD) != OWN_FD || fcntl(OWN_FD, F_SETFD, FD_CLOEXEC) != 0 ||
	    close_range(OWN_FD + 1, ~0U, 0) != 0) {
		_exit(EXIT_NOT_FOUND);
	}
	bool goes_on = tell_trial();

	while (goes_on) {
		goes_on = turn(options);
	}
	_exit(0);
}

/* ---- in the daemon ---- */

static bool
passes_trial(int fd)
{
	struct answer answer = {.pid = -1};
	int status = 0;

	return recv(fd, &answer, sizeof answer, 0) == (ssize_t)sizeof answer &&
	    answer.pid > 0 && waitpid(answer.pid, &status, 0) == answer.pid;
}

struct spawner *
spawner_new(const struct spawner_options *options)
{
	char title[TITLE_ROOM];
	int ends[2];

	(void)snprintf(title, sizeof title, NAME ": starts the programs of gwbotd %ld",
	    (long)getpid());
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
		return NULL;
	}
	pid_t pid = fork();

	if (pid == 0) {
		live(ends[1], options, title);
	}
	int error = errno;

	(void)close(ends[1]);
	if (pid < 0) {
		(void)close(ends[0]);
		errno = error;
		return NULL;
	}
	struct spawner *spawner = xzalloc(sizeof *spawner);

	spawner->fd = ends[0];
	if (!passes_trial(ends[0])) {
		(void)close(ends[0]);
		(void)waitpid(pid, NULL, 0);
		spawner->fd = -1;
	}
	return spawner;
}

bool
spawner_is_apart(const struct spawner *spawner)
{
	return spawner->fd >= 0;
}

void
spawner_free(struct spawner *owned_spawner)
{
	if (!owned_spawner) {
		return;
	}
	if (owned_spawner->fd >= 0) {
		(void)close(owned_spawner->fd);
	}
	free(owned_spawner);
}

static bool
send_ask(const struct spawner *spawner, void *data, size_t size, const int *fds,
    size_t count, int flags)
{
	union control control = {.room = {0}};
	struct iovec piece = {data, size};
	struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};

	if (count > 0) {
		message.msg_control = control.room;
		message.msg_controllen = CMSG_SPACE(count * sizeof fds[0]);
		struct cmsghdr *head = &control.head;

		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(count * sizeof fds[0]);
		memcpy(CMSG_DATA(head), fds, count * sizeof fds[0]);
	}
	return sendmsg(spawner->fd, &message, MSG_NOSIGNAL | flags) == (ssize_t)size;
}

void
spawner_learn(const struct spawner *spawner)
{
	struct ask ask = {.kind = LEARN};

	if (spawner->fd < 0) {
		return;
	}
	/* The loop calls this: a spawner that hangs must not hold it up. */
	(void)send_ask(spawner, &ask, sizeof ask, NULL, 0, MSG_DONTWAIT);
}

/* The head and the words, to be freed; NULL where they are too many. */
static char *
write_ask(enum spawner_kind kind, char *const *argv, size_t *size)
{
	struct ask ask = {.kind = (uint32_t)kind};
	size_t used = sizeof ask;

	for (; argv[ask.words]; ask.words++) {
		used += strlen(argv[ask.words]) + 1;
		if (used > ASK_MAX_BYTES || ask.words == WORDS_MAX) {
			return NULL;
		}
	}
	char *text = xzalloc(used);
	char *at = text + sizeof ask;

	memcpy(text, &ask, sizeof ask);
	for (uint32_t i = 0; i < ask.words; i++) {
		at = stpcpy(at, argv[i]) + 1;
	}
	*size = used;
	return text;
}

/* One part of the answer: 1, or 0 at its end, or -1 with errno. */
static int
read_answer(int fd, mono_ns deadline, struct answer *out)
{
	for (;;) {
		mono_ns left = deadline - clock_now();
		struct pollfd pfd = {.fd = fd, .events = POLLIN};
		int ready = left > 0 ? poll(&pfd, 1, (int)(left / CLOCK_MS(1)) + 1) : 0;

		if (ready == 1) {
			ssize_t size = read(fd, out, sizeof *out);

			return size == (ssize_t)sizeof *out ? 1 : 0;
		}
		if (ready == 0 || errno != EINTR) {
			errno = ready == 0 ? ETIMEDOUT : errno;
			return -1;
		}
	}
}

/* Collects all parts, up to the end that a successful exec makes. */
static pid_t
await(int fd, bool detached, mono_ns deadline)
{
	struct answer part;
	pid_t pid = -1;
	int error = 0;
	int more = 0;

	while ((more = read_answer(fd, deadline, &part)) == 1) {
		error = part.error != 0 ? part.error : error;
		pid = part.pid > 0 ? part.pid : pid;
	}
	if (more < 0) {
		error = errno;
	} else if (error == 0 && pid < 0) {
		error = EPIPE;
	}
	if (error == 0) {
		return pid;
	}
	if (pid > 0 && !detached) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	errno = error;
	return -1;
}

/* Without a spawner; answers as one does. */
static bool
start_alone(enum spawner_kind kind, char *const *argv, const int *given)
{
	struct answer answer = {.pid = fork()};

	if (answer.pid == 0) {
		if (kinds[kind].detached && fork() != 0) {
			_exit(0);
		}
		become(&kinds[kind], argv, given + 1, given[0]);
	}
	answer.error = answer.pid < 0 ? errno : 0;
	if (answer.pid > 0 && kinds[kind].detached) {
		(void)waitpid(answer.pid, NULL, 0);
	}
	return write(given[0], &answer, sizeof answer) == (ssize_t)sizeof answer;
}

pid_t
spawner_start(const struct spawner *spawner, enum spawner_kind kind, char *const *argv,
    const int *fds, mono_ns deadline)
{
	int ends[2];
	int given[FDS_MAX];
	size_t count = kinds[kind].fds;
	size_t size = 0;
	char *text = write_ask(kind, argv, &size);
	pid_t pid = -1;
	int error = E2BIG;

	if (text && pipe2(ends, O_CLOEXEC) != 0) {
		error = errno;
	} else if (text) {
		given[0] = ends[1];
		memcpy(given + 1, fds, count * sizeof fds[0]);
		bool sent = spawner->fd >= 0 ?
		    send_ask(spawner, text, size, given, count + 1, 0) :
		    start_alone(kind, argv, given);

		error = errno;
		(void)close(ends[1]);
		if (sent) {
			pid = await(ends[0], kinds[kind].detached, deadline);
			error = errno;
		}
		(void)close(ends[0]);
	}
	free(text);
	errno = error;
	return pid;
}
