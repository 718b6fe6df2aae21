/*
 * The meaning of payloads; their grammar is payload_scan's.
 *
 * Discord sends more than it documents and changes types without notice, so each member
 * is read for itself: one of an unexpected type counts as missing and spoils nothing.
 */
#include "payload.h"

#include <string.h>

#include "payload_scan.h"

/* ---- the envelope ---- */

static bool
is_string(struct slice value)
{
	return value.size >= 2 && value.data[0] == '"';
}

static void
take_member(struct payload *payload, struct slice key, struct slice value)
{
	if (payload_scan_key_is(key, "d")) {
		payload->data = value;
	} else if (payload_scan_key_is(key, "t")) {
		bool string = is_string(value);

		payload->type = string ?
		    (struct slice){value.data + 1, value.size - 2} :
		    (struct slice){NULL, 0};
	} else if (payload_scan_key_is(key, "s")) {
		payload->seq = 0;
		payload->has_seq = payload_scan_natural(value, &payload->seq);
	} else if (payload_scan_key_is(key, "op")) {
		payload->op = -1;
		(void)payload_scan_natural(value, &payload->op);
	}
}

enum gw_err
payload_take(struct slice *bytes, struct payload *out)
{
	struct payload found = {.op = -1};
	struct payload_scan scan;
	struct slice key;
	struct slice value;

	payload_scan_begin(&scan, *bytes, PAYLOAD_SCAN_OBJECT);
	scan.more_behind = true;
	while (payload_scan_next(&scan, &key, &value)) {
		take_member(&found, key, value);
	}
	if (scan.err == GW_OK) {
		size_t rest = (size_t)(scan.end - scan.at);

		*out = found;
		*bytes = (struct slice){bytes->data + bytes->size - rest, rest};
	}
	return scan.err;
}

enum gw_err
payload_parse(struct slice bytes, struct payload *out)
{
	struct payload found;
	enum gw_err err = payload_take(&bytes, &found);

	if (err == GW_OK && bytes.size > 0) {
		return GW_ERR_SYNTAX;
	}
	if (err == GW_OK) {
		*out = found;
	}
	return err;
}

/* ---- what gwbotd itself reads ---- */

bool
payload_read_hello(struct slice data, int64_t *interval_ms)
{
	return payload_scan_natural(payload_scan_find(data, "heartbeat_interval"),
	    interval_ms);
}

bool
payload_read_resumable(struct slice data)
{
	return slice_equal(data, SLICE_LITERAL("true"));
}

/* An id is a string; a number is tolerated, since Discord was seen to send one. */
static void
read_id(struct slice value, char *out, size_t room)
{
	if (is_string(value)) {
		(void)payload_scan_text(value, out, room);
		return;
	}
	int64_t ignored;

	if (!payload_scan_natural(value, &ignored) || !slice_copy(value, out, room)) {
		out[0] = '\0';
	}
}

/* Guilds: how many, and one of them. */
static void
read_guilds(struct slice array, struct payload_ready *ready)
{
	uint32_t count = 0;
	struct payload_scan scan;
	struct slice key;
	struct slice value;

	payload_scan_begin(&scan, array, PAYLOAD_SCAN_ARRAY);
	while (payload_scan_next(&scan, &key, &value)) {
		count++;
		if (ready->guild_id[0] == '\0') {
			read_id(payload_scan_find(value, "id"), ready->guild_id,
			    sizeof ready->guild_id);
		}
	}
	ready->guilds = scan.err == GW_OK ? count : 0;
}

/* [id, count], both natural. */
static void
read_shard(struct slice array, struct payload_ready *ready)
{
	int64_t pair[2] = {-1, -1};
	size_t count = 0;
	struct payload_scan scan;
	struct slice key;
	struct slice value;

	ready->shard_id = -1;
	ready->shard_count = 0;
	payload_scan_begin(&scan, array, PAYLOAD_SCAN_ARRAY);
	while (payload_scan_next(&scan, &key, &value)) {
		if (count < 2) {
			(void)payload_scan_natural(value, &pair[count]);
		}
		count++;
	}
	if (scan.err == GW_OK && count == 2 && pair[0] >= 0 && pair[1] >= 0) {
		ready->shard_id = pair[0];
		ready->shard_count = pair[1];
	}
}

static void
read_resume_url(struct slice value, struct payload_ready *ready)
{
	static const char nul[] = "\\u0000";

	ready->resume_url_fault = NULL;
	if (payload_scan_text(value, ready->resume_url, sizeof ready->resume_url) ||
	    slice_equal(value, SLICE_LITERAL("null"))) {
		return;
	}
	if (!is_string(value)) {
		ready->resume_url_fault = "no string";
	} else if (memmem(value.data, value.size, nul, sizeof nul - 1)) {
		ready->resume_url_fault = "a NUL in it";
	} else {
		ready->resume_url_fault = "longer than 255 bytes";
	}
}

static void
take_ready_member(struct payload_ready *ready, struct slice key, struct slice value)
{
	if (payload_scan_key_is(key, "v")) {
		ready->version = 0;
		(void)payload_scan_natural(value, &ready->version);
	} else if (payload_scan_key_is(key, "session_id")) {
		(void)payload_scan_text(value, ready->session_id,
		    sizeof ready->session_id);
	} else if (payload_scan_key_is(key, "resume_gateway_url")) {
		read_resume_url(value, ready);
	} else if (payload_scan_key_is(key, "user")) {
		read_id(payload_scan_find(value, "id"), ready->user_id,
		    sizeof ready->user_id);
		(void)payload_scan_text(payload_scan_find(value, "username"),
		    ready->user_name, sizeof ready->user_name);
	} else if (payload_scan_key_is(key, "application")) {
		read_id(payload_scan_find(value, "id"), ready->application_id,
		    sizeof ready->application_id);
	} else if (payload_scan_key_is(key, "guilds")) {
		ready->guild_id[0] = '\0';
		read_guilds(value, ready);
	} else if (payload_scan_key_is(key, "shard")) {
		read_shard(value, ready);
	}
}

enum gw_err
payload_read_ready(struct slice data, struct payload_ready *out)
{
	struct payload_scan scan;
	struct slice key;
	struct slice value;

	*out = (struct payload_ready){.shard_id = -1};
	payload_scan_begin(&scan, data, PAYLOAD_SCAN_OBJECT);
	while (payload_scan_next(&scan, &key, &value)) {
		take_ready_member(out, key, value);
	}
	return scan.err;
}

void
payload_read_guild(struct slice data, struct payload_guild *out)
{
	*out = (struct payload_guild){.unavailable = false};
	read_id(payload_scan_find(data, "id"), out->id, sizeof out->id);
	out->unavailable =
	    slice_equal(payload_scan_find(data, "unavailable"), SLICE_LITERAL("true"));
}
