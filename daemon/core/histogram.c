#include "histogram.h"

#define UNIT     (CLOCK_MS(1) / 1000)
#define ALL      100000u
#define STEPS_LG 4 /* log2 of HISTOGRAM_STEPS */

/* Values below HISTOGRAM_STEPS units have a bucket each; above, 16 to a doubling. */
static uint32_t
bucket_of(mono_ns value)
{
	uint64_t units = value <= 0 ? 0 : (uint64_t)(value / UNIT);

	if (units < HISTOGRAM_STEPS) {
		return (uint32_t)units;
	}
	uint32_t top = 63 - (uint32_t)__builtin_clzll(units);
	uint32_t shift = top - STEPS_LG;
	uint32_t bucket = (shift << STEPS_LG) + (uint32_t)(units >> shift);

	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The first value behind the bucket. */
static mono_ns
end_of(uint32_t bucket)
{
	uint64_t units = (uint64_t)bucket + 1;

	if (bucket >= HISTOGRAM_STEPS) {
		uint32_t shift = (bucket >> STEPS_LG) - 1;

		units =
		    ((uint64_t)(bucket & (HISTOGRAM_STEPS - 1)) + HISTOGRAM_STEPS + 1)
		    << shift;
	}
	return (mono_ns)units * UNIT;
}

void
histogram_add(struct histogram *histogram, mono_ns value)
{
	histogram->buckets[bucket_of(value)]++;
	histogram->count++;
	histogram->sum = clock_add(histogram->sum, value > 0 ? value : 0);
	histogram->max = value > histogram->max ? value : histogram->max;
}

mono_ns
histogram_quantile(const struct histogram *histogram, uint32_t per_100000)
{
	if (histogram->count == 0) {
		return -1;
	}
	uint64_t wanted = (histogram->count * per_100000 + ALL - 1) / ALL;
	uint64_t seen = 0;

	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->buckets[i];
		if (seen >= wanted && seen > 0) {
			mono_ns end = end_of(i);

			return end < histogram->max ? end : histogram->max;
		}
	}
	return histogram->max;
}

uint64_t
histogram_count_to(const struct histogram *histogram, mono_ns bound)
{
	uint64_t seen = 0;

	for (uint32_t i = 0; i <= bucket_of(bound); i++) {
		seen += histogram->buckets[i];
	}
	return seen;
}
