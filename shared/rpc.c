#include "rpc.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

/* How an answer ends after its last array, with the array, result and message. */
#define SERIES_END "]}}\n"

#define PATH_BYTES 256 /* "shards.0.latency_seconds": our own names, a few deep */

/* ---- requests ---- */

static struct slice
trim(struct slice line)
{
	while (line.size > 0 && (line.data[0] == ' ' || line.data[0] == '\t')) {
		line.data++;
		line.size--;
	}
	while (line.size > 0 &&
	    (line.data[line.size - 1] == ' ' || line.data[line.size - 1] == '\t')) {
		line.size--;
	}
	return line;
}

static enum rpc_error
invalid(struct rpc_request *out, const char *problem)
{
	out->problem = problem;
	return RPC_ERR_INVALID;
}

/* Cuts the first word off rest into out; false where it does not fit or is not text. */
static bool
cut_word(struct slice *rest, char *out, size_t room)
{
	size_t size = 0;

	*rest = trim(*rest);
	while (
	    size < rest->size && rest->data[size] != ' ' && rest->data[size] != '\t') {
		size++;
	}
	struct slice word = {rest->data, size};

	rest->data += size;
	rest->size -= size;
	return text_is_utf8(word) && slice_copy(word, out, room);
}

/* "snapshot 0": the first word is the method, the others are its arguments. */
static enum rpc_error
parse_plain(struct slice line, struct rpc_request *out)
{
	out->plain = true;
	if (line.size == 0) {
		return invalid(out, "the line is empty");
	}
	if (!cut_word(&line, out->method, sizeof out->method)) {
		return invalid(out, "the command is no text, or is too long");
	}
	out->params = json_new_array();
	for (line = trim(line); line.size > 0; line = trim(line)) {
		char word[256];

		if (!cut_word(&line, word, sizeof word)) {
			return invalid(out, "an argument is no text, or is too long");
		}
		json_append(out->params, json_new_text(word));
	}
	return RPC_OK;
}

static bool
is_version_2(const struct json *tree)
{
	const char *version = json_text(json_get(tree, "jsonrpc"));

	return version && strcmp(version, "2.0") == 0;
}

/* False where the id is of a kind that JSON-RPC does not allow. */
static bool
read_id(const struct json *tree, struct rpc_request *out)
{
	const struct json *id = json_get(tree, "id");

	switch (json_kind(id)) {
	case JSON_NONE:
		out->notification = true;
		return true;
	case JSON_NULL:
		return true;
	case JSON_NUMBER:
	case JSON_STRING:
		out->id = json_copy(id);
		return true;
	case JSON_BOOL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	}
	return false;
}

static enum rpc_error
read_members(const struct json *tree, struct rpc_request *out)
{
	const char *method = json_text(json_get(tree, "method"));
	const struct json *params = json_get(tree, "params");
	enum json_kind kind = json_kind(params);

	if (!read_id(tree, out)) {
		return invalid(out, "\"id\" must be a string, a number or null");
	}
	/* What is no request is no notification either: it deserves an answer. */
	bool notification = out->notification;

	out->notification = false;
	if (!is_version_2(tree)) {
		return invalid(out, "\"jsonrpc\" must be \"2.0\"");
	}
	if (!method) {
		return invalid(out, "\"method\" must be a string");
	}
	if (!slice_copy(slice_of(method), out->method, sizeof out->method)) {
		return invalid(out, "\"method\" is too long");
	}
	if (kind != JSON_NONE && kind != JSON_OBJECT && kind != JSON_ARRAY) {
		return invalid(out, "\"params\" must be an object or an array");
	}
	out->params = params ? json_copy(params) : NULL;
	out->notification = notification;
	return RPC_OK;
}

enum rpc_error
rpc_request_parse(struct slice line, struct rpc_request *out)
{
	struct json *tree;

	*out = (struct rpc_request){0};
	line = trim(line);
	if (line.size > 0 && line.data[0] == '[') {
		return invalid(out,
		    "batches are not supported: send one request a line");
	}
	if (line.size == 0 || line.data[0] != '{') {
		return parse_plain(line, out);
	}
	enum gw_err err = json_parse(line, RPC_REQUEST_MAX_BYTES, &tree);

	if (err != GW_OK) {
		out->problem = err == GW_ERR_TOO_LARGE ?
		    "the request is nested too deeply" :
		    rpc_error_text(RPC_ERR_PARSE);
		return RPC_ERR_PARSE;
	}
	enum rpc_error error = read_members(tree, out);

	json_free(tree);
	return error;
}

void
rpc_request_fini(struct rpc_request *request)
{
	json_free(request->params);
	json_free(request->id);
	*request = (struct rpc_request){0};
}

/* ---- answers as text ---- */

static enum gw_err write_text(struct buf *out, const char *path,
    const struct json *value);

static enum gw_err
write_scalar(struct buf *out, const struct json *value)
{
	const char *text = json_text(value);

	if (text) {
		return text_clean(slice_of(text), true, out);
	}
	return json_kind(value) == JSON_NULL ? buf_append(out, "-", 1) :
					       json_print(value, out);
}

static bool
is_scalar(const struct json *value)
{
	enum json_kind kind = json_kind(value);

	return kind != JSON_OBJECT && kind != JSON_ARRAY;
}

/* Elements that are all scalars stand on one line. */
static bool
is_flat(const struct json *container)
{
	if (json_kind(container) != JSON_ARRAY) {
		return false;
	}
	for (const struct json *value = json_first(container); value;
	     value = json_next(value)) {
		if (!is_scalar(value)) {
			return false;
		}
	}
	return true;
}

static enum gw_err
write_line(struct buf *out, const char *path, const struct json *value)
{
	enum gw_err err = buf_printf(out, "%s:", path);
	const struct json *part = is_scalar(value) ? value : json_first(value);

	for (; err == GW_OK && part; part = is_scalar(value) ? NULL : json_next(part)) {
		err = buf_append(out, " ", 1);
		if (err == GW_OK) {
			err = write_scalar(out, part);
		}
	}
	return err == GW_OK ? buf_append(out, "\n", 1) : err;
}

static enum gw_err
write_parts(struct buf *out, const char *path, const struct json *container)
{
	enum gw_err err = GW_OK;
	size_t index = 0;

	for (const struct json *value = json_first(container); err == GW_OK && value;
	     value = json_next(value)) {
		char below[PATH_BYTES];
		char number[24];

		(void)snprintf(number, sizeof number, "%zu", index++);
		(void)snprintf(below, sizeof below, "%.200s%s%.40s", path,
		    path[0] ? "." : "", json_name(value) ? json_name(value) : number);
		err = write_text(out, below, value);
	}
	return err;
}

/* One "path: value" line a scalar; JSON_MAX_DEPTH or our own trees bound the depth. */
static enum gw_err
write_text(struct buf *out, const char *path, const struct json *value)
{
	return is_scalar(value) || is_flat(value) ? write_line(out, path, value) :
						    write_parts(out, path, value);
}

/* ---- answers ---- */

static struct json *
new_message(void)
{
	struct json *message = json_new_object();

	json_add_text(message, "jsonrpc", "2.0");
	return message;
}

static enum gw_err
print_message(struct buf *out, const struct json *message)
{
	enum gw_err err = json_print(message, out);

	return err == GW_OK ? buf_append(out, "\n", 1) : err;
}

enum gw_err
rpc_write_result(struct buf *out, const struct rpc_request *request,
    struct json *owned_result)
{
	size_t before = out->size;
	struct json *message = new_message();
	enum gw_err err = GW_OK;

	if (request->plain) {
		err = write_text(out, "", owned_result);
		if (err == GW_OK) {
			err = buf_append(out, "\n", 1);
		}
	}
	json_add(message, "id", json_copy(request->id));
	json_add(message, "result", owned_result);
	if (!request->plain && !request->notification) {
		err = print_message(out, message);
	}
	json_free(message);
	if (err != GW_OK) {
		out->size = before;
	}
	return err;
}

enum gw_err
rpc_begin_result(struct buf *out, const struct rpc_request *request,
    struct json *owned_head, const char *name)
{
	struct json *message = new_message();
	enum gw_err err = GW_OK;

	if (request->plain) {
		err = write_text(out, "", owned_head);
	}
	json_add(message, "id", json_copy(request->id));
	json_add(owned_head, name, json_new_array());
	json_add(message, "result", owned_head);
	if (!request->plain && !request->notification) {
		err = json_print(message, out);
		if (err == GW_OK) {
			out->size -= sizeof SERIES_END - 2; /* but for its line end */
		}
	}
	json_free(message);
	return err;
}

enum gw_err
rpc_add_element(struct buf *out, const struct rpc_request *request, const char *name,
    size_t index, struct json *owned_element)
{
	enum gw_err err = GW_OK;

	if (request->plain) {
		char path[PATH_BYTES];

		(void)snprintf(path, sizeof path, "%.64s.%zu", name, index);
		err = write_text(out, path, owned_element);
	} else if (!request->notification) {
		err = index > 0 ? buf_append(out, ",", 1) : GW_OK;
		if (err == GW_OK) {
			err = json_print(owned_element, out);
		}
	}
	json_free(owned_element);
	return err;
}

enum gw_err
rpc_end_result(struct buf *out, const struct rpc_request *request)
{
	if (request->plain) {
		return buf_append(out, "\n", 1);
	}
	return request->notification ?
	    GW_OK :
	    buf_append(out, SERIES_END, sizeof SERIES_END - 1);
}

enum gw_err
rpc_write_notice(struct buf *out, const struct rpc_request *request, const char *method,
    struct json *owned_params)
{
	struct json *message = new_message();
	enum gw_err err =
	    request->plain ? write_text(out, method, owned_params) : GW_OK;

	json_add_text(message, "method", method);
	json_add(message, "params", owned_params);
	if (!request->plain && !request->notification) {
		err = print_message(out, message);
	}
	json_free(message);
	return err;
}

static enum gw_err
write_error_text(struct buf *out, const struct rpc_failure *failure, const char *text)
{
	enum gw_err err = buf_append(out, "error: ", 7);

	if (err == GW_OK) {
		err = text_clean(slice_of(text), true, out);
	}
	if (err == GW_OK && failure->hint) {
		err = buf_append(out, "\nhint: ", 7);
	}
	if (err == GW_OK && failure->hint) {
		err = text_clean(slice_of(failure->hint), true, out);
	}
	for (const struct json *detail = json_first(failure->details);
	     detail && err == GW_OK; detail = json_next(detail)) {
		err = buf_append(out, "\ndetail: ", 9);
		if (err == GW_OK) {
			err =
			    text_clean(slice_of(json_text(json_get(detail, "summary"))),
				true, out);
		}
	}
	return err == GW_OK ? buf_append(out, "\n\n", 2) : err;
}

static enum gw_err
write_error_json(struct buf *out, const struct rpc_request *request,
    const struct rpc_failure *failure, const char *text)
{
	struct json *message = new_message();
	struct json *error = json_new_object();
	struct json *data = json_new_object();

	json_add(message, "id", json_copy(request ? request->id : NULL));
	json_add_int(error, "code", rpc_error_number(failure->error));
	json_add_text(error, "message", text);
	json_add_text(data, "code", rpc_error_word(failure->error));
	json_add_text(data, "hint", failure->hint);
	if (failure->details) {
		json_add(data, "details", json_copy(failure->details));
	}
	json_add(error, "data", data);
	json_add(message, "error", error);
	enum gw_err err = print_message(out, message);

	json_free(message);
	return err;
}

enum gw_err
rpc_write_error(struct buf *out, const struct rpc_request *request,
    const struct rpc_failure *failure)
{
	size_t before = out->size;
	const char *text =
	    failure->text ? failure->text : rpc_error_text(failure->error);

	if (request && request->notification) {
		return GW_OK;
	}
	enum gw_err err = request && request->plain ?
	    write_error_text(out, failure, text) :
	    write_error_json(out, request, failure, text);

	if (err != GW_OK) {
		out->size = before;
	}
	return err;
}

/* ---- gwctl's side ---- */

enum gw_err
rpc_write_request(struct buf *out, int64_t id, const char *method,
    struct json *owned_params)
{
	size_t before = out->size;
	struct json *message = new_message();

	json_add_int(message, "id", id);
	json_add_text(message, "method", method);
	if (owned_params) {
		json_add(message, "params", owned_params);
	}
	enum gw_err err = print_message(out, message);

	json_free(message);
	if (err != GW_OK) {
		out->size = before;
	}
	return err;
}

static const char *
text_or(const struct json *value, const char *otherwise)
{
	const char *text = json_text(value);

	return text ? text : otherwise;
}

enum gw_err
rpc_answer_parse(struct slice line, struct rpc_answer *out)
{
	*out = (struct rpc_answer){0};
	enum gw_err err = json_parse(trim(line), RPC_ANSWER_MAX_BYTES, &out->tree);

	if (err != GW_OK) {
		return err;
	}
	const struct json *error = json_get(out->tree, "error");
	const struct json *data = json_get(error, "data");

	out->has_id = json_int(json_get(out->tree, "id"), &out->id);
	out->result = json_get(out->tree, "result");
	if (!is_version_2(out->tree) || !out->result == !error) {
		return GW_ERR_PROTOCOL;
	}
	(void)json_int(json_get(error, "code"), &out->error_number);
	out->error_text =
	    text_or(json_get(error, "message"), "the daemon gives no reason");
	out->error_word = text_or(json_get(data, "code"), "error");
	out->error_hint = json_text(json_get(data, "hint"));
	out->error_details = json_get(data, "details");
	return GW_OK;
}

void
rpc_answer_fini(struct rpc_answer *answer)
{
	json_free(answer->tree);
	*answer = (struct rpc_answer){0};
}

struct json *
rpc_notice_parse(struct slice line, const char *method)
{
	struct json *tree;

	if (json_parse(trim(line), RPC_ANSWER_MAX_BYTES, &tree) != GW_OK) {
		return NULL;
	}
	const char *named = json_text(json_get(tree, "method"));
	bool is_ours = named && strcmp(named, method) == 0 && is_version_2(tree);
	struct json *params = is_ours ? json_copy(json_get(tree, "params")) : NULL;

	json_free(tree);
	return params;
}
