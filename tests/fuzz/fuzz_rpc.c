/*
 * Control protocol: any bytes, in pieces, through framing, requests and answers.
 *
 * The first byte sets the size of the pieces.  Whatever is read must print again as
 * something that reads the same way.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "rpc.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds) {
		abort();
	}
}

/* An answer is lines, and no control character is in them but the line ends. */
static void
check_text(const struct buf *out)
{
	check(text_is_utf8(buf_slice(out)));
	for (size_t i = 0; i < out->size; i++) {
		check((unsigned char)out->data[i] >= 0x20 || out->data[i] == '\n');
	}
	check(out->size == 0 || out->data[out->size - 1] == '\n');
}

static void
try_request(struct slice line)
{
	struct rpc_request request;
	struct buf out;
	enum rpc_error error = rpc_request_parse(line, &request);
	const struct rpc_failure failure = {.error = error ? error : RPC_ERR_METHOD,
	    .text = request.problem ? request.problem : request.method};

	buf_init(&out, RPC_ANSWER_MAX_BYTES);
	(void)rpc_write_error(&out, &request, &failure);
	if (error == RPC_OK) {
		(void)rpc_write_result(&out, &request, json_copy(request.params));
		check(request.notification == (out.size == 0));
	}
	check_text(&out);
	buf_fini(&out);
	rpc_request_fini(&request);
}

static void
try_answer(struct slice line)
{
	struct rpc_answer answer;
	struct buf out;

	buf_init(&out, RPC_ANSWER_MAX_BYTES);
	if (rpc_answer_parse(line, &answer) == GW_OK && answer.result) {
		struct json *again;

		/* A number beyond double prints as null: still a document. */
		check(json_print(answer.tree, &out) == GW_OK);
		check(
		    json_parse(buf_slice(&out), RPC_ANSWER_MAX_BYTES, &again) == GW_OK);
		json_free(again);
	}
	rpc_answer_fini(&answer);
	buf_fini(&out);
}

static bool
take_all(struct rpc_lines *lines,
    enum gw_err (*take)(struct rpc_lines *lines, struct slice *line))
{
	struct slice line;
	enum gw_err err;

	while ((err = take(lines, &line)) == GW_OK) {
		try_request(line);
		try_answer(line);
	}
	return err == GW_ERR_NOT_FOUND;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rpc_lines lines;
	size_t step = size > 0 ? (size_t)data[0] + 1 : 1;
	bool open = size > 0;

	rpc_lines_init(&lines, RPC_REQUEST_MAX_BYTES);
	for (size_t at = 1; open && at < size; at += step) {
		size_t piece = size - at < step ? size - at : step;

		check(rpc_lines_feed(&lines,
			  (struct slice){(const char *)data + at, piece}) == GW_OK);
		open = take_all(&lines, rpc_lines_take);
	}
	if (open) {
		(void)take_all(&lines, rpc_lines_take_last);
	}
	rpc_lines_fini(&lines);
	return 0;
}
