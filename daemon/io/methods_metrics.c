/* The metrics method: the text of GET /metrics, for hosts without HTTP. */
#include <stdlib.h>
#include <string.h>

#include "methods_rows.h"
#include "metrics.h"
#include "metrics_text.h"
#include "xalloc.h"

/* Less than an answer may have, which escapes quotes; 1000 shards come to 1.8 MB. */
#define TEXT_MAX_BYTES  ((size_t)3 * 1024 * 1024)
#define PIECE_MAX_BYTES ((size_t)16 * 1024)

/* A family, or some lines of a long one. */
struct piece {
	size_t row; /* of metrics.def */
	struct slice text;
};

/*
 * An answer on its way.  The text is made at once, as GET /metrics makes it, so that
 * all figures are of one instant; to make JSON of it takes longer, and is done piece by
 * piece.
 */
struct exposition {
	struct buf text;
	struct piece *pieces;
	size_t count;
};

static void
free_exposition(void *ctx)
{
	struct exposition *exposition = ctx;

	buf_fini(&exposition->text);
	free(exposition->pieces);
	free(exposition);
}

static struct json *
describe_piece(void *ctx, size_t index)
{
	const struct exposition *exposition = ctx;
	const struct piece *piece = &exposition->pieces[index];
	const struct metric *metric = metrics_at(piece->row);
	struct json *family = json_new_object();
	char *text = xstrndup(piece->text.data, piece->text.size);

	json_add_text(family, "name", metric->name);
	json_add_text(family, "type", metric->type);
	json_add_text(family, "unit", metric->unit[0] ? metric->unit : NULL);
	json_add_text(family, "text", text);
	free(text);
	return family;
}

/* The size of the first lines of text, of one at least. */
static size_t
lines_of(struct slice text)
{
	size_t size = text.size;

	if (size > PIECE_MAX_BYTES) {
		const char *end = memrchr(text.data, '\n', PIECE_MAX_BYTES);

		end = end ? end : memchr(text.data, '\n', size);
		size = end ? (size_t)(end - text.data) + 1 : size;
	}
	return size;
}

/* Two pieces in a row have more than PIECE_MAX_BYTES, so that there is room. */
static void
split(struct exposition *exposition, size_t row, struct slice text)
{
	while (text.size > 0) {
		size_t size = lines_of(text);

		exposition->pieces[exposition->count++] =
		    (struct piece){row, {text.data, size}};
		text.data += size;
		text.size -= size;
	}
}

/* Renders what is wanted, then cuts it: the text moves while it grows. */
static enum gw_err
fill(struct exposition *exposition, const struct metrics_input *input, const char *glob)
{
	size_t *begins = xzalloc((metrics_count() + 1) * sizeof *begins);
	struct buf *text = &exposition->text;
	enum gw_err err = GW_OK;

	for (size_t i = 0; i < metrics_count(); i++) {
		begins[i] = text->size;
		if (err == GW_OK && (!glob || metrics_fit(i, glob))) {
			err = metrics_render_row(input, i, text);
		}
	}
	begins[metrics_count()] = text->size;
	exposition->pieces =
	    xzalloc((metrics_count() + 2 * text->size / PIECE_MAX_BYTES + 1) *
		sizeof *exposition->pieces);
	for (size_t i = 0; err == GW_OK && text->size > 0 && i < metrics_count(); i++) {
		split(exposition, i,
		    (struct slice){text->data + begins[i], begins[i + 1] - begins[i]});
	}
	free(begins);
	return err;
}

void
methods_metrics(const struct visit *visit)
{
	const struct json *argument = visit_argument(visit, 0);
	const char *glob = json_text(argument);

	if (argument && !glob && json_kind(argument) != JSON_NULL) {
		visit_refuse(visit, RPC_ERR_PARAMS, NULL, "GLOB must be a text");
		return;
	}
	struct exposition *exposition = xzalloc(sizeof *exposition);
	struct metrics_input input;

	buf_init(&exposition->text, TEXT_MAX_BYTES);
	visit->source->metrics(visit->source->ctx, visit->now, &input);
	if (fill(exposition, &input, glob) != GW_OK) {
		free_exposition(exposition);
		visit_refuse(visit, RPC_ERR_REFUSED,
		    "some of them: gwctl metrics 'process_*'",
		    "the figures come to more than %zu MiB",
		    TEXT_MAX_BYTES / 1024 / 1024);
		return;
	}
	if (exposition->count == 0) {
		free_exposition(exposition);
		visit_refuse(visit, RPC_ERR_REFUSED, "all of them: gwctl metrics",
		    "no metric fits \"%.60s\"", glob ? glob : "");
		return;
	}
	struct json *metrics = visit_new_answer("metrics");
	const struct control_series series = {.name = "metrics",
	    .count = exposition->count,
	    .element = describe_piece,
	    .done = free_exposition,
	    .ctx = exposition};

	json_add_text(metrics, "content_type", METRICS_TYPE);
	control_call_answer_series(visit->call, metrics, &series);
}
