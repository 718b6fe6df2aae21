/*
 * Clocks that jump: what the two numbers in the file SHIM_CLOCK say, in nanoseconds, is
 * added to CLOCK_REALTIME and to CLOCK_BOOTTIME.
 *
 * Preloaded into gwbotd by the drill.  Alarms on BOOTTIME are set for the shifted
 * clock. The kernel's own clocks stay, so one that was set before a jump forward comes
 * late by it, where a real one would come at once: any event makes up for that.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

static volatile struct offsets {
	int64_t real;
	int64_t boot;
} * offsets;

__attribute__((constructor)) static void
prepare(void)
{
	const char *path = getenv("SHIM_CLOCK");
	int fd = path ? open(path, O_RDONLY) : -1;
	void *mapped = mmap(NULL, sizeof *offsets, PROT_READ, MAP_SHARED, fd, 0);

	if (mapped == MAP_FAILED) {
		abort();
	}
	offsets = mapped;
}

static int64_t
offset_of(clockid_t id)
{
	if (!offsets) {
		return 0;
	}
	if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) {
		return offsets->real;
	}
	return id == CLOCK_BOOTTIME ? offsets->boot : 0;
}

static void
shift(struct timespec *at, int64_t by)
{
	int64_t all = at->tv_sec * SECOND + at->tv_nsec + by;

	at->tv_sec = all / SECOND;
	at->tv_nsec = all % SECOND;
}

int
clock_gettime(clockid_t id, struct timespec *out)
{
	static int (*real)(clockid_t, struct timespec *);

	if (!real) {
		real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT,
		    "clock_gettime");
	}
	int result = real(id, out);

	if (result == 0) {
		shift(out, offset_of(id));
	}
	return result;
}

time_t
time(time_t *out)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (out) {
		*out = now.tv_sec;
	}
	return now.tv_sec;
}

int
gettimeofday(struct timeval *out, void *zone)
{
	struct timespec now;

	(void)zone;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	*out = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
	return 0;
}

/* All of gwbotd's alarms are absolute ones on BOOTTIME. */
int
timerfd_settime(int fd, int flags, const struct itimerspec *spec,
    struct itimerspec *old)
{
	struct itimerspec moved = *spec;

	if ((flags & TFD_TIMER_ABSTIME) != 0 && offsets) {
		int64_t at = moved.it_value.tv_sec * SECOND + moved.it_value.tv_nsec -
		    offsets->boot;

		at = at > 0 ? at : 1;
		moved.it_value = (struct timespec){at / SECOND, at % SECOND};
	}
	return (int)syscall(SYS_timerfd_settime, fd, flags, &moved, old);
}
