#include "metrics_text.h"

#include "metrics_write.h"

/* ---- values, as the rows write them ---- */

static mono_ns
or_zero(mono_ns distance)
{
	return distance > 0 ? distance : 0;
}

/* The time of an age, to the millisecond: what lies below is the clocks' own noise. */
static struct metrics_value
value_at(const struct metrics_input *in, mono_ns age)
{
	int64_t at_ms = in->wall_ms - age / CLOCK_MS(1);

	return metrics_seconds(age < 0 || at_ms < 0 ? 0 : CLOCK_MS(at_ms));
}

static void
put_named(struct metrics_writer *to, const char *family, const char *label,
    const char *value, struct metrics_value sample)
{
	metrics_put_series(to, &(struct metrics_series){family, {{label, value}}},
	    sample);
}

/* ---- the document ---- */

#define SECONDS(distance) metrics_seconds(distance)
#define ACTUAL(condition) ((condition) ? 1 : 0)
#define AT(age)           value_at(in, age)

/* A row's value is a struct metrics_value, or a number of any kind. */
static struct metrics_value
value_as_it_is(struct metrics_value value)
{
	return value;
}

/* clang-format off */
#ifdef __CPPCHECK__ /* it cannot read _Generic */
#define VALUE(x) ((void)(x), metrics_natural(0))
#else
#define VALUE(x) \
	_Generic((x), \
	    struct metrics_value: value_as_it_is, \
	    unsigned long: metrics_natural, \
	    unsigned long long: metrics_natural, \
	    unsigned: metrics_natural, \
	    default: metrics_integer)(x)
#endif
/* clang-format on */

/* One function a row, named after its line in the table. */
#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define ROW         JOIN(put_row_, __LINE__)

#define ONE(name, type, unit, help, x)                                             \
	static void ROW(struct metrics_writer *to, const struct metrics_input *in) \
	{                                                                          \
		metrics_put_family(to, name, #type, help);                         \
		metrics_put(to, name);                                             \
		metrics_put_sample(to, VALUE(x));                                  \
	}
#define SHARD(name, type, unit, help, x)                                           \
	static void ROW(struct metrics_writer *to, const struct metrics_input *in) \
	{                                                                          \
		metrics_put_family(to, name, #type, help);                         \
		for (uint32_t i = 0; i < in->count; i++) {                         \
			const struct snapshot *shard = &in->shards[i];             \
                                                                                   \
			metrics_put(to, name "{shard=\"");                         \
			metrics_put_uint(to, shard->shard_id);                     \
			metrics_put(to, "\"}");                                    \
			metrics_put_sample(to, VALUE(x));                          \
		}                                                                  \
	}
#define OWN(name, type, unit, help, labels, fn)                                    \
	static void ROW(struct metrics_writer *to, const struct metrics_input *in) \
	{                                                                          \
		metrics_put_family(to, name, #type, help);                         \
		metrics_put_##fn(to, name, in);                                    \
	}
#define PROBE(metric, type, unit, help, x)                                         \
	static void ROW(struct metrics_writer *to, const struct metrics_input *in) \
	{                                                                          \
		metrics_put_family(to, metric, #type, help);                       \
		for (size_t i = 0; i < in->probe_count; i++) {                     \
			const struct probe_view *view = &in->probes[i];            \
			const struct probe *probe = &view->probe;                  \
                                                                                   \
			(void)probe;                                               \
			put_named(to, metric, "probe", view->name, VALUE(x));      \
		}                                                                  \
	}
#define JOB(metric, type, unit, help, x)                                           \
	static void ROW(struct metrics_writer *to, const struct metrics_input *in) \
	{                                                                          \
		metrics_put_family(to, metric, #type, help);                       \
		for (size_t i = 0; i < in->job_count; i++) {                       \
			const struct job_view *job = &in->jobs[i];                 \
                                                                                   \
			put_named(to, metric, "job", job->name, VALUE(x));         \
		}                                                                  \
	}
#include "metrics.def"
#undef ONE
#undef SHARD
#undef PROBE
#undef JOB
#undef OWN

static void (*const put_rows[])(struct metrics_writer *to,
    const struct metrics_input *in) = {
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
	struct metrics_writer to = {.out = out, .err = GW_OK};

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
