#include "latency.h"

#include <string.h>

static const mono_ns bounds[LATENCY_CLASSES] = {
#define LATENCY_BOUND(ms) CLOCK_MS(ms),
    LATENCY_BOUNDS_MS(LATENCY_BOUND)
#undef LATENCY_BOUND
	CLOCK_NEVER,
};

mono_ns
latency_bound(uint32_t class_index)
{
	return bounds[class_index < LATENCY_CLASSES ? class_index :
						      LATENCY_CLASSES - 1];
}

/* The place of the first sorted sample that is not below latency. */
static uint32_t
place_of(const struct latency_window *window, mono_ns latency)
{
	uint32_t low = 0;
	uint32_t high = window->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (window->sorted[middle] < latency) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

static void
drop_oldest(struct latency_window *window)
{
	mono_ns oldest = window->samples[window->next];
	mono_ns *at = &window->sorted[place_of(window, oldest)];
	mono_ns *end = &window->sorted[window->count];

	memmove(at, at + 1, (size_t)(end - at - 1) * sizeof *at);
	window->window_sum -= oldest;
	window->count--;
}

/* Kept in order with each answer, once in an interval: readers look far more often. */
static void
insert(struct latency_window *window, mono_ns latency)
{
	mono_ns *at = &window->sorted[place_of(window, latency)];
	mono_ns *end = &window->sorted[window->count];

	memmove(at + 1, at, (size_t)(end - at) * sizeof *at);
	*at = latency;
	window->window_sum += latency;
	window->count++;
}

/* The smallest sample that `percent` of them do not pass. */
static mono_ns
rank(const mono_ns *sorted, uint32_t count, uint32_t percent)
{
	return sorted[(count * percent + 99) / 100 - 1];
}

void
latency_add(struct latency_window *window, mono_ns latency)
{
	uint32_t class_index = 0;

	if (latency < 0) {
		return;
	}
	while (latency > bounds[class_index]) {
		class_index++;
	}
	window->classes[class_index]++;
	window->sum += latency;
	if (window->count == LATENCY_WINDOW) {
		drop_oldest(window);
	}
	insert(window, latency);
	window->samples[window->next] = latency;
	window->next = (window->next + 1) % LATENCY_WINDOW;
}

struct latency_stats
latency_read(const struct latency_window *window)
{
	const mono_ns *sorted = window->sorted;
	uint32_t count = window->count;

	if (count == 0) {
		return (struct latency_stats){0, -1, -1, -1, -1, -1, -1, -1};
	}
	return (struct latency_stats){
	    .samples = count,
	    .min = sorted[0],
	    .mean = window->window_sum / count,
	    .p50 = rank(sorted, count, 50),
	    .p90 = rank(sorted, count, 90),
	    .p95 = rank(sorted, count, 95),
	    .p99 = rank(sorted, count, 99),
	    .max = sorted[count - 1],
	};
}
