/*
 * The payloads that gwbotd sends by itself.  Sizes are checked while writing, so
 * that nothing cut ever looks whole.
 */
#include "payload.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

struct writer {
	char *out;
	size_t size;
	size_t room;
	bool full;
};

static struct writer
writer_of(char *out, size_t room)
{
	return (struct writer){
	    .out = out,
	    .room = room < PAYLOAD_SEND_BYTES ? room : PAYLOAD_SEND_BYTES,
	};
}

static size_t
written(const struct writer *writer)
{
	return writer->full ? 0 : writer->size;
}

static void
put(struct writer *writer, const char *bytes, size_t size)
{
	if (writer->full || size > writer->room - writer->size) {
		writer->full = true;
		return;
	}
	memcpy(writer->out + writer->size, bytes, size);
	writer->size += size;
}

static void
put_text(struct writer *writer, const char *text)
{
	put(writer, text, strlen(text));
}

static void
put_number(struct writer *writer, uint64_t number)
{
	char text[24];
	int size = snprintf(text, sizeof text, "%" PRIu64, number);

	put(writer, text, (size_t)size);
}

/* seq is a natural number wherever there is one. */
static void
put_seq(struct writer *writer, int64_t seq)
{
	put_number(writer, seq > 0 ? (uint64_t)seq : 0);
}

static void
put_escape(struct writer *writer, unsigned code)
{
	char text[8];
	int size = snprintf(text, sizeof text, "\\u%04x", code & 0xFFFFU);

	put(writer, text, (size_t)size);
}

/* A JSON string.  Bytes that are not UTF-8 become U+FFFD: Discord closes a connection
 * on them. */
static void
put_string(struct writer *writer, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t left = strlen(text);

	put_text(writer, "\"");
	while (left > 0) {
		size_t length = utf8_length(at, left);

		if (length == 0) {
			put_escape(writer, 0xFFFD);
			length = 1;
		} else if (*at < 0x20 || *at == '"' || *at == '\\') {
			put_escape(writer, *at);
		} else {
			put(writer, (const char *)at, length);
		}
		at += length;
		left -= length;
	}
	put_text(writer, "\"");
}

size_t
payload_write_heartbeat(char *out, size_t room, bool has_seq, int64_t seq)
{
	struct writer writer = writer_of(out, room);

	put_text(&writer, "{\"op\":1,\"d\":");
	if (has_seq) {
		put_seq(&writer, seq);
	} else {
		put_text(&writer, "null");
	}
	put_text(&writer, "}");
	return written(&writer);
}

size_t
payload_write_identify(char *out, size_t room, const struct payload_identify *identify)
{
	struct writer writer = writer_of(out, room);

	put_text(&writer, "{\"op\":2,\"d\":{\"token\":");
	put_string(&writer, identify->token);
	put_text(&writer, ",\"intents\":");
	put_number(&writer, identify->intents);
	put_text(&writer,
	    ",\"properties\":{\"os\":\"linux\",\"browser\":\"gwbotd\","
	    "\"device\":\"gwbotd\"},\"shard\":[");
	put_number(&writer, identify->shard_id);
	put_text(&writer, ",");
	put_number(&writer, identify->shard_count);
	put_text(&writer, "]");
	if (identify->presence) {
		put_text(&writer, ",\"presence\":");
		put_text(&writer, identify->presence);
	}
	put_text(&writer, "}}");
	return written(&writer);
}

size_t
payload_write_presence(char *out, size_t room, const char *presence)
{
	struct writer writer = writer_of(out, room);

	put_text(&writer, "{\"op\":3,\"d\":");
	put_text(&writer, presence);
	put_text(&writer, "}");
	return written(&writer);
}

size_t
payload_write_probe(char *out, size_t room, const char *guild_id, const char *user_id,
    const char *nonce)
{
	struct writer writer = writer_of(out, room);

	put_text(&writer, "{\"op\":8,\"d\":{\"guild_id\":");
	put_string(&writer, guild_id);
	put_text(&writer, ",\"user_ids\":[");
	put_string(&writer, user_id);
	put_text(&writer, "],\"limit\":0,\"nonce\":");
	put_string(&writer, nonce);
	put_text(&writer, "}}");
	return written(&writer);
}

size_t
payload_write_resume(char *out, size_t room, const char *token, const char *session_id,
    int64_t seq)
{
	struct writer writer = writer_of(out, room);

	put_text(&writer, "{\"op\":6,\"d\":{\"token\":");
	put_string(&writer, token);
	put_text(&writer, ",\"session_id\":");
	put_string(&writer, session_id);
	put_text(&writer, ",\"seq\":");
	put_seq(&writer, seq);
	put_text(&writer, "}}");
	return written(&writer);
}
