/*
 * Payload: arbitrary bytes through every reader and writer, judged by cJSON where it is
 * as strict or stricter; what is read from the front only is judged by the full pass.
 * Input is the payload itself.
 */
#include <string.h>

#include <cjson/cJSON.h>

#include "must.h"
#include "payload.h"
#include "payload_scan.h"
#include "utf8.h"

/* cJSON refuses lone surrogates and ends keys at U+0000. */
static bool
has_peculiar_escape(const char *text)
{
	const char *at = text;

	while ((at = strstr(at, "\\u")) != NULL) {
		at += 2;
		if (at[0] == 'd' || at[0] == 'D' || strncmp(at, "0000", 4) == 0) {
			return true;
		}
	}
	return false;
}

/* The last member of that name, as payload takes it. */
static const cJSON *
last_member(const cJSON *object, const char *name)
{
	const cJSON *found = NULL;
	const cJSON *item;

	cJSON_ArrayForEach(item, object)
	{
		if (strcmp(item->string, name) == 0) {
			found = item;
		}
	}
	return found;
}

static bool
lies_within(struct slice inner, struct slice outer)
{
	return inner.size == 0 ||
	    (inner.data >= outer.data &&
		inner.data + inner.size <= outer.data + outer.size);
}

static void
compare_text(struct slice value, const cJSON *item)
{
	size_t room = value.size + 1;
	char *text = malloc(room);

	if (!text) {
		abort();
	}
	bool read = payload_scan_text(value, text, room);

	MUST(read == (cJSON_IsString(item) != 0));
	MUST(!read || strcmp(text, item->valuestring) == 0);
	free(text);
}

static void
compare_data(struct slice data, const cJSON *item)
{
	MUST((data.size > 0) == (item != NULL));
	if (!item) {
		return;
	}
	cJSON *again = cJSON_ParseWithLength(data.data, data.size);
	char *mine = cJSON_PrintUnformatted(again);
	char *theirs = cJSON_PrintUnformatted(item);

	MUST(mine && theirs && strcmp(mine, theirs) == 0);
	compare_text(data, item);
	cJSON_free(mine);
	cJSON_free(theirs);
	cJSON_Delete(again);
}

static void
compare(const struct payload *payload, const cJSON *json)
{
	const cJSON *op = last_member(json, "op");
	const cJSON *seq = last_member(json, "s");
	const cJSON *type = last_member(json, "t");

	MUST(payload->op == -1 ||
	    (cJSON_IsNumber(op) && (double)payload->op == op->valuedouble));
	MUST(!payload->has_seq ||
	    (cJSON_IsNumber(seq) && (double)payload->seq == seq->valuedouble));
	MUST(payload->type.size == 0 || cJSON_IsString(type));
	if (payload->type.size > 0 &&
	    !memchr(payload->type.data, '\\', payload->type.size)) {
		MUST(slice_equal(payload->type, slice_of(type->valuestring)));
	}
	compare_data(payload->data, last_member(json, "d"));
}

static bool
is_utf8(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t left = strlen(text);

	while (left > 0) {
		size_t length = utf8_length(at, left);

		if (length == 0) {
			return false;
		}
		at += length;
		left -= length;
	}
	return true;
}

/* What cJSON writes is JSON wherever its text was UTF-8. */
static void
take_what_cjson_writes(const cJSON *json)
{
	struct payload payload;
	char *text = cJSON_PrintUnformatted(json);

	if (text && is_utf8(text)) {
		MUST(payload_parse(slice_of(text), &payload) != GW_ERR_SYNTAX);
	}
	cJSON_free(text);
}

static void
try_readers(struct slice data)
{
	struct payload_ready ready;
	int64_t interval_ms;

	(void)payload_read_hello(data, &interval_ms);
	(void)payload_read_resumable(data);
	(void)payload_read_ready(data, &ready);
	MUST(memchr(ready.session_id, 0, sizeof ready.session_id));
	MUST(memchr(ready.resume_url, 0, sizeof ready.resume_url));
	MUST(memchr(ready.user_id, 0, sizeof ready.user_id));
	MUST(memchr(ready.user_name, 0, sizeof ready.user_name));
	MUST(memchr(ready.application_id, 0, sizeof ready.application_id));
	MUST(is_utf8(ready.user_name) || payload_read_ready(data, &ready) != GW_OK);
}

static void
check_written(const char *out, size_t size, size_t room, int64_t op)
{
	struct payload payload;

	MUST(size <= room && size <= PAYLOAD_SEND_BYTES);
	if (size > 0) {
		MUST(payload_parse((struct slice){out, size}, &payload) == GW_OK);
		MUST(payload.op == op);
	}
}

/* text is used as token and session id. */
static void
try_writers(const char *text, size_t room)
{
	char *out = malloc(room ? room : 1);
	struct payload_identify identify = {.token = text, .shard_count = 1};

	MUST(out);
	check_written(out, payload_write_resume(out, room, text, text, 1), room,
	    PAYLOAD_RESUME);
	check_written(out, payload_write_identify(out, room, &identify), room,
	    PAYLOAD_IDENTIFY);
	free(out);
}

/* A second payload behind the first one must not be taken for a part of it. */
static void
try_front(struct slice bytes)
{
	struct payload front;
	struct payload whole;
	struct slice rest = bytes;

	if (!payload_peek(bytes, &front)) {
		return;
	}
	MUST(front.op == PAYLOAD_DISPATCH && front.has_seq && front.seq >= 0);
	MUST(front.type.size > 0 && lies_within(front.type, bytes));
	MUST(lies_within(front.data, bytes));
	const char *from = front.data.data;
	struct payload again;

	if (!payload_skim(bytes, &front)) {
		return;
	}
	MUST(front.data.size == 0);
	MUST(bytes.data[0] == '{' && bytes.data[bytes.size - 1] == '}');
	for (size_t i = 0; i < bytes.size; i++) {
		MUST((unsigned char)bytes.data[i] >= ' ');
	}
	/* Where the full pass takes it, no second payload is behind it, though damage
	 * may be; and of the three keys only those count that came once more behind d.
	 */
	if (payload_take(&rest, &whole) != GW_OK) {
		return;
	}
	MUST(rest.size == 0 || payload_take(&rest, &again) != GW_OK);
	if (whole.data.data == from &&
	    from + whole.data.size == bytes.data + bytes.size - 1) {
		MUST(whole.op == front.op && whole.has_seq && whole.seq == front.seq);
		MUST(slice_equal(whole.type, front.type));
	}
}

/* text is bytes with a NUL behind. */
static void
try_parse(struct slice bytes, const char *text, const cJSON *json)
{
	struct payload payload;

	if (payload_parse(bytes, &payload) != GW_OK) {
		return;
	}
	MUST(lies_within(payload.type, bytes));
	MUST(lies_within(payload.data, bytes));
	MUST(!memchr(text, 0, bytes.size));
	MUST(json || has_peculiar_escape(text));
	if (json && !has_peculiar_escape(text)) {
		compare(&payload, json);
	}
	try_readers(payload.data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = {(const char *)data, size};
	char *text = malloc(size + 1);

	if (!text) {
		abort();
	}
	if (size > 0) {
		memcpy(text, data, size);
	}
	text[size] = '\0';
	cJSON *json = cJSON_ParseWithLengthOpts(text, size + 1, NULL, true);

	try_parse(bytes, text, json);
	try_front(bytes);
	if (cJSON_IsObject(json)) {
		take_what_cjson_writes(json);
	}
	cJSON_Delete(json);
	try_readers(bytes);
	try_writers(text, size * 3);
	free(text);
	return 0;
}
