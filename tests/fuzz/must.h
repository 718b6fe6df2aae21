/*
 * What a fuzz target holds to be true of any input.
 */
#ifndef FUZZ_MUST_H
#define FUZZ_MUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MUST(condition) must((condition), #condition)

static inline void
must(bool holds, const char *condition)
{
	if (!holds) {
		(void)fprintf(stderr, "%s\n", condition);
		abort();
	}
}

/* libFuzzer's entry point, which each target defines. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
