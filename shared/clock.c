#include "clock.h"

#include <time.h>

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
