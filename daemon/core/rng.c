#include "rng.h"

uint64_t
rng_next(struct rng *rng)
{
	uint64_t z = (rng->state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

mono_ns
rng_between(struct rng *rng, mono_ns low, mono_ns high)
{
	if (high <= low) {
		return low;
	}
	/* The bias of the remainder is below 2^-20 for distances under an hour. */
	return low + (mono_ns)(rng_next(rng) % (uint64_t)(high - low));
}
