#include "metrics_text.h"

#include <inttypes.h>
#include <string.h>

#include "latency.h"

/*
 * Some thousand lines with many shards, in one turn of the loop: numbers are put
 * together by hand, since printf would take most of the time.
 */

/* Where the document goes; the first error stays, and ends the writing. */
struct writer {
	struct buf *out;
	enum gw_err err;
};

/* A sample.  Seconds are exact to the nanosecond as decimals, not doubles. */
struct value {
	bool is_seconds;
	bool is_negative;
	uint64_t number; /* or nanoseconds */
};

/* ---- pieces ---- */

static void
put(struct writer *to, const char *text)
{
	if (to->err == GW_OK) {
		to->err = buf_append(to->out, text, strlen(text));
	}
}

static void
put_uint(struct writer *to, uint64_t number)
{
	char digits[20];
	size_t at = sizeof digits;

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	if (to->err == GW_OK) {
		to->err = buf_append(to->out, digits + at, sizeof digits - at);
	}
}

/* Nine places, without the zeroes at the end. */
static void
put_places(struct writer *to, uint64_t nanoseconds)
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
	if (size > 1 && to->err == GW_OK) {
		to->err = buf_append(to->out, places, size);
	}
}

static void
put_value(struct writer *to, struct value value)
{
	if (value.is_negative) {
		put(to, "-");
	}
	if (!value.is_seconds) {
		put_uint(to, value.number);
		return;
	}
	put_uint(to, value.number / (uint64_t)CLOCK_S(1));
	put_places(to, value.number % (uint64_t)CLOCK_S(1));
}

/* What has a quote, a backslash or a line feed in it is escaped. */
static void
put_label(struct writer *to, const char *name, const char *value)
{
	put(to, name);
	put(to, "=\"");
	for (const char *at = value; *at != '\0'; at++) {
		const char letter[2] = {*at, '\0'};
		bool escaped = *at == '"' || *at == '\\';

		put(to, escaped ? "\\" : "");
		put(to, *at == '\n' ? "\\n" : letter);
	}
	put(to, "\"");
}

static void
put_shard_label(struct writer *to, uint32_t shard_id)
{
	put(to, "shard=\"");
	put_uint(to, shard_id);
	put(to, "\"");
}

/* NAME{label="value"} */
static void
put_named(struct writer *to, const char *name, const char *label, const char *value)
{
	put(to, name);
	put(to, "{");
	put_label(to, label, value);
	put(to, "}");
}

static void
put_family(struct writer *to, const char *name, const char *type, const char *help)
{
	put(to, "# HELP ");
	put(to, name);
	put(to, " ");
	put(to, help);
	put(to, "\n# TYPE ");
	put(to, name);
	put(to, " ");
	put(to, type);
	put(to, "\n");
}

static void
put_sample(struct writer *to, struct value value)
{
	put(to, " ");
	put_value(to, value);
	put(to, "\n");
}

/* ---- values, as the rows write them ---- */

static struct value
value_of_number(int64_t number)
{
	return (struct value){
	    .is_negative = number < 0,
	    .number = number < 0 ? 0 - (uint64_t)number : (uint64_t)number,
	};
}

static struct value
value_of_seconds(mono_ns distance)
{
	struct value value = value_of_number(distance);

	value.is_seconds = true;
	return value;
}

static mono_ns
or_zero(mono_ns distance)
{
	return distance > 0 ? distance : 0;
}

/* The time of an age, to the millisecond: what lies below is the clocks' own noise. */
static struct value
value_at(const struct metrics_input *in, mono_ns age)
{
	int64_t at_ms = in->wall_ms - age / CLOCK_MS(1);

	return value_of_seconds(age < 0 || at_ms < 0 ? 0 : CLOCK_MS(at_ms));
}

/* ---- families of several samples ---- */

static void
metrics_put_build(struct writer *to, const char *name, const struct metrics_input *in)
{
	put(to, name);
	put(to, "{");
	put_label(to, "version", in->version);
	put(to, ",");
	put_label(to, "profile", in->profile);
	put(to, "} 1\n");
}

/* The words of the state, joined: bounded, since the table is. */
static void
put_state(struct writer *to, enum snapshot_state state)
{
	static const char *const names[] = {
#define STATE_NAME(name, text) #name,
	    SNAPSHOT_STATE_TABLE(STATE_NAME)
#undef STATE_NAME
	};
	char word[32];
	size_t size = 0;

	for (const char *at = names[state]; *at != '\0' && size + 1 < sizeof word;
	     at++) {
		word[size++] = (char)(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);
	}
	word[size] = '\0';
	put_label(to, "state", word);
}

static void
metrics_put_states(struct writer *to, const char *name, const struct metrics_input *in)
{
	for (uint32_t i = 0; i < in->count; i++) {
		for (int state = 0; state <= SNAPSHOT_FATAL; state++) {
			put(to, name);
			put(to, "{");
			put_shard_label(to, in->shards[i].shard_id);
			put(to, ",");
			put_state(to, (enum snapshot_state)state);
			put(to, (int)in->shards[i].state == state ? "} 1\n" : "} 0\n");
		}
	}
}

static void
metrics_put_thresholds(struct writer *to, const char *name,
    const struct metrics_input *in)
{
	const struct {
		const char *kind;
		mono_ns limit;
	} limits[] = {
	    {"keepalive", in->limits.keepalive},
	    {"stall", in->limits.stall},
	    {"disconnect_grace", in->limits.disconnect_grace},
	    {"max_latency", in->limits.max_latency},
	};

	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		put(to, name);
		put(to, "{");
		put_label(to, "kind", limits[i].kind);
		put(to, "}");
		put_sample(to, value_of_seconds(limits[i].limit));
	}
}

/* ---- histograms ---- */

/* NAME_bucket{LABEL,le="BOUND"} COUNT; shard below 0: all of them; NULL: no label. */
struct series {
	const char *name;
	const char *shard; /* as text; NULL: no label */
};

static void
put_bucket(struct writer *to, const struct series *series, mono_ns bound,
    uint64_t count)
{
	put(to, series->name);
	put(to, "_bucket{");
	if (series->shard) {
		put_label(to, "shard", series->shard);
		put(to, ",");
	}
	put(to, "le=\"");
	if (bound == CLOCK_NEVER) {
		put(to, "+Inf");
	} else {
		put_value(to, value_of_seconds(bound));
	}
	put(to, "\"} ");
	put_uint(to, count);
	put(to, "\n");
}

static void
put_end(struct writer *to, const struct series *series, const char *suffix,
    struct value value)
{
	put(to, series->name);
	put(to, suffix);
	if (series->shard) {
		put(to, "{");
		put_label(to, "shard", series->shard);
		put(to, "}");
	}
	put_sample(to, value);
}

static void
put_latencies(struct writer *to, const struct series *series,
    const uint64_t classes[LATENCY_CLASSES], mono_ns sum)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < LATENCY_CLASSES; i++) {
		count += classes[i];
		put_bucket(to, series, latency_bound(i), count);
	}
	put_end(to, series, "_sum", value_of_seconds(sum));
	put_end(to, series, "_count", value_of_number((int64_t)count));
}

static void
put_all_latencies(struct writer *to, const char *name, const struct metrics_input *in)
{
	uint64_t classes[LATENCY_CLASSES] = {0};
	mono_ns sum = 0;

	for (uint32_t i = 0; i < in->count; i++) {
		for (uint32_t k = 0; k < LATENCY_CLASSES; k++) {
			classes[k] += in->shards[i].latency_classes[k];
		}
		sum = clock_add(sum, in->shards[i].latency_sum);
	}
	put_latencies(to, &(struct series){name, "all"}, classes, sum);
}

static void
metrics_put_latencies(struct writer *to, const char *name,
    const struct metrics_input *in)
{
	if (in->count > METRICS_SHARDS_APART) {
		put_all_latencies(to, name, in);
		return;
	}
	for (uint32_t i = 0; i < in->count; i++) {
		const struct snapshot *shard = &in->shards[i];
		char text[16];
		struct writer label = {.err = GW_OK};
		struct buf room;

		buf_init(&room, sizeof text);
		label.out = &room;
		put_uint(&label, shard->shard_id);
		(void)slice_copy(buf_slice(&room), text, sizeof text);
		buf_fini(&room);
		put_latencies(to, &(struct series){name, text}, shard->latency_classes,
		    shard->latency_sum);
	}
}

static void
put_histogram(struct writer *to, const char *name, const struct histogram *histogram)
{
	static const mono_ns bounds[] = {CLOCK_MS(1), CLOCK_MS(5), CLOCK_MS(10),
	    CLOCK_MS(50), CLOCK_MS(100), CLOCK_MS(500), CLOCK_S(1), CLOCK_S(5)};
	const struct series series = {name, NULL};

	for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
		put_bucket(to, &series, bounds[i],
		    histogram_count_to(histogram, bounds[i]));
	}
	put_bucket(to, &series, CLOCK_NEVER, histogram->count);
	put_end(to, &series, "_sum", value_of_seconds(histogram->sum));
	put_end(to, &series, "_count", value_of_number((int64_t)histogram->count));
}

static void
metrics_put_turns(struct writer *to, const char *name, const struct metrics_input *in)
{
	put_histogram(to, name, in->loop.turn_times);
}

static void
metrics_put_lags(struct writer *to, const char *name, const struct metrics_input *in)
{
	put_histogram(to, name, in->loop.timer_lags);
}

/* ---- /emoji-pad ---- */

static void
metrics_put_rejects(struct writer *to, const char *name, const struct metrics_input *in)
{
	static const char *const reasons[] = {
#define REJECT_LABEL(id, label) label,
	    EMOJI_REJECT_TABLE(REJECT_LABEL)
#undef REJECT_LABEL
	};

	for (size_t i = 0; i < EMOJI_REJECTS; i++) {
		put(to, name);
		put(to, "{");
		put_label(to, "reason", reasons[i]);
		put(to, "}");
		put_sample(to, value_of_number((int64_t)in->emoji.rejects[i]));
	}
}

static void
metrics_put_renders(struct writer *to, const char *name, const struct metrics_input *in)
{
	put_histogram(to, name, in->emoji.renders);
}

/* ---- the document ---- */

#define SECONDS(distance) value_of_seconds(distance)
#define ACTUAL(condition) ((condition) ? 1 : 0)
#define AT(age)           value_at(in, age)

/* A row's value is a struct value, or a number of any kind. */
static struct value
value_as_it_is(struct value value)
{
	return value;
}

static struct value
value_of_count(uint64_t number)
{
	return (struct value){.number = number};
}

/* clang-format off */
#ifdef __CPPCHECK__ /* it cannot read _Generic */
#define VALUE(x) ((void)(x), value_of_count(0))
#else
#define VALUE(x) \
	_Generic((x), \
	    struct value: value_as_it_is, \
	    unsigned long: value_of_count, \
	    unsigned long long: value_of_count, \
	    unsigned: value_of_count, \
	    default: value_of_number)(x)
#endif
/* clang-format on */

/* One function a row, named after its line in the table. */
#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define ROW         JOIN(put_row_, __LINE__)

#define ONE(name, type, unit, help, x)                                     \
	static void ROW(struct writer *to, const struct metrics_input *in) \
	{                                                                  \
		put_family(to, name, #type, help);                         \
		put(to, name);                                             \
		put_sample(to, VALUE(x));                                  \
	}
#define SHARD(name, type, unit, help, x)                                   \
	static void ROW(struct writer *to, const struct metrics_input *in) \
	{                                                                  \
		put_family(to, name, #type, help);                         \
		for (uint32_t i = 0; i < in->count; i++) {                 \
			const struct snapshot *shard = &in->shards[i];     \
                                                                           \
			put(to, name "{");                                 \
			put_shard_label(to, shard->shard_id);              \
			put(to, "}");                                      \
			put_sample(to, VALUE(x));                          \
		}                                                          \
	}
#define OWN(name, type, unit, help, labels, fn)                            \
	static void ROW(struct writer *to, const struct metrics_input *in) \
	{                                                                  \
		put_family(to, name, #type, help);                         \
		metrics_put_##fn(to, name, in);                            \
	}
#define PROBE(metric, type, unit, help, x)                                 \
	static void ROW(struct writer *to, const struct metrics_input *in) \
	{                                                                  \
		put_family(to, metric, #type, help);                       \
		for (size_t i = 0; i < in->probe_count; i++) {             \
			const struct probe_view *view = &in->probes[i];    \
			const struct probe *probe = &view->probe;          \
                                                                           \
			put_named(to, metric, "probe", view->name);        \
			(void)probe;                                       \
			put_sample(to, VALUE(x));                          \
		}                                                          \
	}
#define JOB(metric, type, unit, help, x)                                   \
	static void ROW(struct writer *to, const struct metrics_input *in) \
	{                                                                  \
		put_family(to, metric, #type, help);                       \
		for (size_t i = 0; i < in->job_count; i++) {               \
			const struct job_view *job = &in->jobs[i];         \
                                                                           \
			put_named(to, metric, "job", job->name);           \
			put_sample(to, VALUE(x));                          \
		}                                                          \
	}
#include "metrics.def"
#undef ONE
#undef SHARD
#undef PROBE
#undef JOB
#undef OWN

static void (*const put_rows[])(struct writer *to, const struct metrics_input *in) = {
#define ONE(name, type, unit, help, x)          ROW,
#define SHARD(name, type, unit, help, x)        ROW,
#define PROBE(name, type, unit, help, x)        ROW,
#define JOB(name, type, unit, help, x)          ROW,
#define OWN(name, type, unit, help, labels, fn) ROW,
#include "metrics.def"
#undef ONE
#undef SHARD
#undef PROBE
#undef JOB
#undef OWN
};

#define ROWS (sizeof put_rows / sizeof put_rows[0])

enum gw_err
metrics_render_row(const struct metrics_input *input, size_t index, struct buf *out)
{
	struct writer to = {.out = out, .err = GW_OK};

	if (index < ROWS) {
		put_rows[index](&to, input);
	}
	return to.err;
}

enum gw_err
metrics_render(const struct metrics_input *input, struct buf *out)
{
	enum gw_err err = GW_OK;

	for (size_t i = 0; i < ROWS && err == GW_OK; i++) {
		err = metrics_render_row(input, i, out);
	}
	return err;
}
