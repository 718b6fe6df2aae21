/*
 * Chosen calls of the C library fail, take long, or are the last that the process does.
 *
 * Preloaded into gwbotd by the drill.  SHIM_CALLS: names, or *.  SHIM_FOLDER: only on
 * files below it (without it: any).  SHIM_IF: only while this file exists.  SHIM_AT:
 * only the n-th such call; 0 or none: each.  SHIM_ACT: "kill" before the call,
 * "kill-after" it, "kill-in N" so many microseconds after its begin, "errno N" instead
 * of it, "sleep S" before it.  SHIM_COUNT: a file that gets the name of each such call.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_ulong seen;

static bool
is_named(const char *call)
{
	const char *names = getenv("SHIM_CALLS");
	size_t size = strlen(call);

	if (!names || strcmp(names, "*") == 0) {
		return names;
	}
	for (const char *at = names; (at = strstr(at, call)); at += size) {
		bool begins = at == names || at[-1] == ',';

		if (begins && (at[size] == '\0' || at[size] == ',')) {
			return true;
		}
	}
	return false;
}

static bool
is_below_folder(int fd)
{
	const char *folder = getenv("SHIM_FOLDER");
	char link[64];
	char path[PATH_MAX];

	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t size = readlink(link, path, sizeof path - 1);

	if (!folder || size < 0) {
		return !folder;
	}
	path[size] = '\0';
	return strncmp(path, folder, strlen(folder)) == 0;
}

static void
note(const char *call)
{
	const char *path = getenv("SHIM_COUNT");
	int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path,
			    O_WRONLY | O_CREAT | O_APPEND, 0600) :
			-1;
	char line[64];
	int size = snprintf(line, sizeof line, "%s\n", call);

	if (fd >= 0) {
		(void)syscall(SYS_write, fd, line, (size_t)size);
		(void)syscall(SYS_close, fd);
	}
}

/* What to do at this call, or NULL. */
static const char *
act_of(const char *call, int fd)
{
	const char *only_if = getenv("SHIM_IF");
	const char *at = getenv("SHIM_AT");
	unsigned long wanted = at ? strtoul(at, NULL, 10) : 0;

	if (!is_named(call) || !is_below_folder(fd) ||
	    (only_if && access(only_if, F_OK) != 0)) {
		return NULL;
	}
	unsigned long number = atomic_fetch_add(&seen, 1) + 1;

	note(call);
	return wanted == 0 || number == wanted ? getenv("SHIM_ACT") : NULL;
}

/* SIGKILL after so long, wherever the process is then. */
static void
kill_in(unsigned microseconds)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
	struct itimerspec after = {.it_value.tv_nsec = (long)microseconds * 1000 + 1};
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
	    timer_settime(timer, 0, &after, NULL) != 0) {
		abort();
	}
}

/* Before the call; false where errno is set and it must not happen. */
static bool
begin(const char *act)
{
	unsigned number = 0;

	if (!act) {
		return true;
	}
	if (strcmp(act, "kill") == 0) {
		(void)kill(getpid(), SIGKILL);
	}
	if (sscanf(act, "kill-in %u", &number) == 1) {
		kill_in(number);
	}
	if (sscanf(act, "errno %u", &number) == 1) {
		errno = (int)number;
		return false;
	}
	if (sscanf(act, "sleep %u", &number) == 1) {
		while (number > 0) {
			number = sleep(number);
		}
	}
	return true;
}

static void
end(const char *act)
{
	if (act && strcmp(act, "kill-after") == 0) {
		(void)kill(getpid(), SIGKILL);
	}
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define WRAP(type, name, parameters, fd, arguments, failed) \
	type name parameters                                \
	{                                                   \
		const char *act = act_of(#name, fd);        \
		type result;                                \
                                                            \
		if (!begin(act)) {                          \
			return failed;                      \
		}                                           \
		result = REAL(name) arguments;              \
		end(act);                                   \
		return result;                              \
	}

WRAP(int, fdatasync, (int fd), fd, (fd), -1)
WRAP(int, fsync, (int fd), fd, (fd), -1)
WRAP(int, renameat, (int from, const char *old, int to, const char *new), to,
    (from, old, to, new), -1)
WRAP(int, posix_fallocate, (int fd, off_t at, off_t size), fd, (fd, at, size), errno)
WRAP(int, fchmod, (int fd, mode_t mode), fd, (fd, mode), -1)
WRAP(int, unlinkat, (int fd, const char *name, int flags), fd, (fd, name, flags), -1)
WRAP(ssize_t, write, (int fd, const void *from, size_t size), fd, (fd, from, size), -1)
WRAP(int, flock, (int fd, int what), fd, (fd, what), -1)
WRAP(int, socket, (int family, int type, int protocol), -1, (family, type, protocol),
    -1)
WRAP(ssize_t, getrandom, (void *into, size_t size, unsigned flags), -1,
    (into, size, flags), -1)
WRAP(int, getentropy, (void *into, size_t size), -1, (into, size), -1)
WRAP(int, accept4, (int fd, struct sockaddr *peer, socklen_t *size, int flags), fd,
    (fd, peer, size, flags), -1)

int
openat(int fd, const char *name, int flags, ...)
{
	va_list more;

	va_start(more, flags);
	mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;

	va_end(more);
	const char *act = fd >= 0 ? act_of("openat", fd) : NULL;

	if (!begin(act)) {
		return -1;
	}
	int result = REAL(openat)(fd, name, flags, mode);

	end(act);
	return result;
}

/* Only where somebody may have to be asked. */
int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
    struct addrinfo **found)
{
	int numeric = hints && (hints->ai_flags & AI_NUMERICHOST) != 0;
	const char *act = numeric ? NULL : act_of("getaddrinfo", -1);

	if (!begin(act)) {
		return EAI_SYSTEM;
	}
	return REAL(getaddrinfo)(name, service, hints, found);
}
