#include "latency.h"

#include <stdlib.h>
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

static int
compare(const void *left, const void *right)
{
	mono_ns a = *(const mono_ns *)left;
	mono_ns b = *(const mono_ns *)right;

	return (a > b) - (a < b);
}

/* The smallest sample that `percent` of them do not pass. */
static mono_ns
rank(const mono_ns *sorted, uint32_t count, uint32_t percent)
{
	return sorted[(count * percent + 99) / 100 - 1];
}

static struct latency_stats
summarize(const struct latency_window *window)
{
	mono_ns sorted[LATENCY_WINDOW];
	uint32_t count = window->count;
	mono_ns sum = 0;

	memcpy(sorted, window->samples, count * sizeof *sorted);
	qsort(sorted, count, sizeof *sorted, compare);
	for (uint32_t i = 0; i < count; i++) {
		sum += sorted[i];
	}
	return (struct latency_stats){
	    .samples = count,
	    .min = sorted[0],
	    .mean = sum / count,
	    .p50 = rank(sorted, count, 50),
	    .p95 = rank(sorted, count, 95),
	    .p99 = rank(sorted, count, 99),
	    .max = sorted[count - 1],
	};
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
	window->samples[window->next] = latency;
	window->next = (window->next + 1) % LATENCY_WINDOW;
	window->count += window->count < LATENCY_WINDOW;
	window->stats = summarize(window);
}

struct latency_stats
latency_read(const struct latency_window *window)
{
	static const struct latency_stats none = {0, -1, -1, -1, -1, -1, -1};

	return window->count == 0 ? none : window->stats;
}
