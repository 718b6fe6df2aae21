/*
 * Time: one type for every instant and distance, and the only place that asks for it.
 *
 * Cores never call clock_now(): a shell reads it at the start of its callback and
 * passes it down.
 */
#ifndef GWBOT_CLOCK_H
#define GWBOT_CLOCK_H

#include <stdint.h>

/* Nanoseconds on CLOCK_BOOTTIME, which counts suspend; also the distance of two. */
typedef int64_t mono_ns;

#define CLOCK_US(n) ((mono_ns)(n)*INT64_C(1000))
#define CLOCK_MS(n) ((mono_ns)(n)*INT64_C(1000000))
#define CLOCK_S(n)  ((mono_ns)(n)*INT64_C(1000000000))

/* An instant that never comes. */
#define CLOCK_NEVER INT64_MAX

/** The present instant.  Cannot fail; never negative. */
mono_ns clock_now(void);

/**
 * The present instant on CLOCK_MONOTONIC, which stops in suspend.
 *
 * Only for comparison with clock_now(): the host slept where the distance grew.
 */
mono_ns clock_awake(void);

/** Wall time in milliseconds since 1970, for stamps and state that outlives a boot. */
int64_t clock_wall_ms(void);

/**
 * A number that is another one after each boot of the host; never 0.
 *
 * Where the kernel does not say (no /proc) it is another one in each process.  Reads a
 * file of the kernel: for the start, not for the loop.
 */
uint64_t clock_boot_id(void);

/** The seconds of a distance, for printing. */
double clock_seconds(mono_ns distance);

/** a + b for b >= 0, held at CLOCK_NEVER where it would pass it. */
mono_ns clock_add(mono_ns a, mono_ns b);

#endif
