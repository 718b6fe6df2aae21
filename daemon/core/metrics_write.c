#include "metrics_write.h"

#include <string.h>

/* ---- pieces ---- */

static void
put_bytes(struct metrics_writer *to, const char *bytes, size_t size)
{
	if (to->err == GW_OK) {
		to->err = buf_append(to->out, bytes, size);
	}
}

void
metrics_put(struct metrics_writer *to, const char *text)
{
	put_bytes(to, text, strlen(text));
}

void
metrics_put_uint(struct metrics_writer *to, uint64_t number)
{
	char digits[20];
	size_t at = sizeof digits;

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	put_bytes(to, digits + at, sizeof digits - at);
}

/* Nine places, without the zeroes at the end. */
static void
put_places(struct metrics_writer *to, uint64_t nanoseconds)
{
	char places[11] = ".000000000";
	size_t size = 10;

	for (size_t i = 9; i > 0; i--) {
		places[i] = (char)('0' + nanoseconds % 10);
		nanoseconds /= 10;
	}
	while (places[size - 1] == '0') {
		size--;
	}
	if (size > 1) {
		put_bytes(to, places, size);
	}
}

static void
put_value(struct metrics_writer *to, struct metrics_value value)
{
	if (value.is_negative) {
		metrics_put(to, "-");
	}
	if (!value.is_seconds) {
		metrics_put_uint(to, value.number);
		return;
	}
	metrics_put_uint(to, value.number / (uint64_t)CLOCK_S(1));
	put_places(to, value.number % (uint64_t)CLOCK_S(1));
}

/* What has a quote, a backslash or a line feed in it is escaped. */
static void
put_label(struct metrics_writer *to, const struct metrics_label *label)
{
	const char *at = label->value;

	metrics_put(to, label->name);
	metrics_put(to, "=\"");
	for (size_t plain = strcspn(at, "\"\\\n"); at[plain] != '\0';
	     plain = strcspn(at, "\"\\\n")) {
		put_bytes(to, at, plain);
		metrics_put(to, at[plain] == '\n' ? "\\n" : "\\");
		if (at[plain] != '\n') {
			put_bytes(to, at + plain, 1);
		}
		at += plain + 1;
	}
	metrics_put(to, at);
	metrics_put(to, "\"");
}

static void
put_labels(struct metrics_writer *to, const struct metrics_series *series)
{
	const char *between = "{";

	for (size_t i = 0; i < METRICS_LABELS_MAX && series->labels[i].name; i++) {
		metrics_put(to, between);
		put_label(to, &series->labels[i]);
		between = ",";
	}
	if (series->labels[0].name) {
		metrics_put(to, "}");
	}
}

void
metrics_put_family(struct metrics_writer *to, const char *name, const char *type,
    const char *help)
{
	metrics_put(to, "# HELP ");
	metrics_put(to, name);
	metrics_put(to, " ");
	metrics_put(to, help);
	metrics_put(to, "\n# TYPE ");
	metrics_put(to, name);
	metrics_put(to, " ");
	metrics_put(to, type);
	metrics_put(to, "\n");
}

void
metrics_put_sample(struct metrics_writer *to, struct metrics_value value)
{
	metrics_put(to, " ");
	put_value(to, value);
	metrics_put(to, "\n");
}

void
metrics_put_series(struct metrics_writer *to, const struct metrics_series *series,
    struct metrics_value value)
{
	metrics_put(to, series->name);
	put_labels(to, series);
	metrics_put_sample(to, value);
}

/* ---- values ---- */

struct metrics_value
metrics_integer(int64_t number)
{
	return (struct metrics_value){
	    .is_negative = number < 0,
	    .number = number < 0 ? 0 - (uint64_t)number : (uint64_t)number,
	};
}

struct metrics_value
metrics_natural(uint64_t number)
{
	return (struct metrics_value){.number = number};
}

struct metrics_value
metrics_seconds(mono_ns distance)
{
	struct metrics_value value = metrics_integer(distance);

	value.is_seconds = true;
	return value;
}

/* ---- histograms ---- */

/* NAME_bucket{LABELS,le="BOUND"} COUNT */
static void
put_bucket(struct metrics_writer *to, const struct metrics_series *series,
    mono_ns bound, uint64_t count)
{
	metrics_put(to, series->name);
	metrics_put(to, "_bucket{");
	for (size_t i = 0; i < METRICS_LABELS_MAX && series->labels[i].name; i++) {
		put_label(to, &series->labels[i]);
		metrics_put(to, ",");
	}
	metrics_put(to, "le=\"");
	if (bound == CLOCK_NEVER) {
		metrics_put(to, "+Inf");
	} else {
		put_value(to, metrics_seconds(bound));
	}
	metrics_put(to, "\"} ");
	metrics_put_uint(to, count);
	metrics_put(to, "\n");
}

static void
put_end(struct metrics_writer *to, const struct metrics_series *series,
    const char *suffix, struct metrics_value value)
{
	metrics_put(to, series->name);
	metrics_put(to, suffix);
	put_labels(to, series);
	metrics_put_sample(to, value);
}

void
metrics_put_classes(struct metrics_writer *to, const struct metrics_series *series,
    const uint64_t classes[LATENCY_CLASSES], mono_ns sum)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < LATENCY_CLASSES; i++) {
		count += classes[i];
		put_bucket(to, series, latency_bound(i), count);
	}
	put_end(to, series, "_sum", metrics_seconds(sum));
	put_end(to, series, "_count", metrics_natural(count));
}

void
metrics_put_histogram(struct metrics_writer *to, const char *name,
    const struct histogram *histogram)
{
	static const mono_ns bounds[] = {CLOCK_MS(1), CLOCK_MS(5), CLOCK_MS(10),
	    CLOCK_MS(50), CLOCK_MS(100), CLOCK_MS(500), CLOCK_S(1), CLOCK_S(5)};
	const struct metrics_series series = {.name = name};

	for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
		put_bucket(to, &series, bounds[i],
		    histogram_count_to(histogram, bounds[i]));
	}
	put_bucket(to, &series, CLOCK_NEVER, histogram->count);
	put_end(to, &series, "_sum", metrics_seconds(histogram->sum));
	put_end(to, &series, "_count", metrics_natural(histogram->count));
}
