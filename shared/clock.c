#include "clock.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static mono_ns
read_clock(clockid_t id)
{
	struct timespec ts = {0, 0};

	(void)clock_gettime(id, &ts);
	return CLOCK_S(ts.tv_sec) + ts.tv_nsec;
}

mono_ns
clock_now(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

mono_ns
clock_awake(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t
clock_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME) / CLOCK_MS(1);
}

/* FNV-1a, 64 bits: the id is a UUID in text. */
static uint64_t
hash_of(const char *bytes, ssize_t count)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (ssize_t i = 0; i < count; i++) {
		hash = (hash ^ (uint8_t)bytes[i]) * UINT64_C(0x100000001b3);
	}
	return hash;
}

uint64_t
clock_boot_id(void)
{
	char text[64];
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t count = -1;

	if (fd >= 0) {
		count = read(fd, text, sizeof text);
		(void)close(fd);
	}
	uint64_t id = count > 0 ? hash_of(text, count) : (uint64_t)clock_now();

	return id != 0 ? id : 1;
}

double
clock_seconds(mono_ns distance)
{
	return (double)distance / 1e9;
}

mono_ns
clock_add(mono_ns a, mono_ns b)
{
	return a > CLOCK_NEVER - b ? CLOCK_NEVER : a + b;
}
