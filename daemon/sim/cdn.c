/*
 * Every number is an emoji: a round face whose colour the number decides, in the middle
 * of a transparent square.
 */
#include "cdn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "xalloc.h"

#define SIDE        96
#define RADIUS      40
#define ROW_BYTES   (1 + SIDE * 4) /* the filter's number first */
#define LARGE_BYTES ((size_t)2000001)
#define BOMB_BYTES  ((size_t)50000000)

static const char *const kinds[] = {
    [FAULT_CDN_STATUS] = "",
    [FAULT_CDN_DROP] = "drop",
    [FAULT_CDN_STALL] = "stall",
    [FAULT_CDN_LARGE] = "large",
    [FAULT_CDN_HTML] = "html",
    [FAULT_CDN_DAMAGED] = "damaged",
    [FAULT_CDN_BOMB] = "bomb",
};

bool
cdn_fault_kind(const char *word, enum fault_cdn_kind *out)
{
	for (int kind = FAULT_CDN_DROP; kind <= FAULT_CDN_BOMB; kind++) {
		if (strcmp(kinds[kind], word) == 0) {
			*out = (enum fault_cdn_kind)kind;
			return true;
		}
	}
	return false;
}

/* ---- the picture ---- */

static void
put_bytes(struct jsonw *out, const void *bytes, size_t size)
{
	if (out->err == GW_OK) {
		out->err = buf_append(&out->buf, bytes, size);
	}
}

static void
put_number(struct jsonw *out, uint32_t number)
{
	const unsigned char bytes[4] = {(unsigned char)(number >> 24),
	    (unsigned char)(number >> 16), (unsigned char)(number >> 8),
	    (unsigned char)number};

	put_bytes(out, bytes, sizeof bytes);
}

static void
put_chunk(struct jsonw *out, const char type[5], const void *data, size_t size)
{
	uLong sum = crc32(0, (const Bytef *)type, 4);

	/* With nothing to add it would begin anew. */
	sum = size > 0 ? crc32(sum, data, (uInt)size) : sum;
	put_number(out, (uint32_t)size);
	put_bytes(out, type, 4);
	put_bytes(out, data, size);
	put_number(out, (uint32_t)sum);
}

static void
draw_row(int y, uint64_t id, unsigned char row[ROW_BYTES])
{
	uint64_t hue = id * 0x9E3779B97F4A7C15U;

	memset(row, 0, ROW_BYTES);
	for (int x = 0; x < SIDE; x++) {
		int dx = 2 * x + 1 - SIDE;
		int dy = 2 * y + 1 - SIDE;
		bool eye = dy > -40 && dy < -12 && abs(abs(dx) - 28) < 8;
		bool mouth = dy > 20 && dy < 36 && abs(dx) < 36;
		unsigned char *pixel = row + 1 + (size_t)x * 4;

		if (dx * dx + dy * dy > 4 * RADIUS * RADIUS) {
			continue;
		}
		for (int c = 0; c < 3 && !eye && !mouth; c++) {
			pixel[c] = (unsigned char)(128 | (hue >> (56 - 8 * c)));
		}
		pixel[3] = 0xFF;
	}
}

static void
put_png(struct jsonw *out, uint64_t id)
{
	static const unsigned char head[] = {0, 0, 0, SIDE, 0, 0, 0, SIDE, 8, 6, 0, 0,
	    0};
	unsigned char *rows = xzalloc((size_t)ROW_BYTES * SIDE);
	uLongf size = compressBound((uLong)ROW_BYTES * SIDE);
	unsigned char *packed = xzalloc(size);

	for (int y = 0; y < SIDE; y++) {
		draw_row(y, id, rows + (size_t)y * ROW_BYTES);
	}
	(void)compress(packed, &size, rows, (uLong)ROW_BYTES * SIDE);
	put_bytes(out, "\x89PNG\r\n\x1a\n", 8);
	put_chunk(out, "IHDR", head, sizeof head);
	put_chunk(out, "IDAT", packed, size);
	put_chunk(out, "IEND", NULL, 0);
	free(packed);
	free(rows);
}

/* ---- faults ---- */

static void
put_zeroes(struct jsonw *out, size_t size)
{
	unsigned char *zeroes = xzalloc(size);

	put_bytes(out, zeroes, size);
	free(zeroes);
}

/* Fifty million zeroes in a coding that nobody asked for. */
static void
put_bomb(struct jsonw *out)
{
	unsigned char *zeroes = xzalloc(BOMB_BYTES);
	uLongf size = compressBound(BOMB_BYTES);
	unsigned char *packed = xzalloc(size);

	(void)compress(packed, &size, zeroes, BOMB_BYTES);
	put_bytes(out, packed, size);
	free(packed);
	free(zeroes);
}

static void
play_fault(const struct fault_cdn *fault, struct rest_answer *answer)
{
	switch (fault->kind) {
	case FAULT_CDN_STATUS:
		answer->status = fault->status;
		answer->type = "text/plain";
		jsonw_raw(&answer->body, "no emoji here\n");
		if (fault->status / 100 == 3) {
			jsonw_raw(&answer->headers, "Location: /emojis/1.png\r\n");
		}
		return;
	case FAULT_CDN_DROP:
		answer->silence = REST_DROPS;
		return;
	case FAULT_CDN_STALL:
		answer->silence = REST_STALLS;
		return;
	case FAULT_CDN_LARGE:
		put_zeroes(&answer->body, LARGE_BYTES);
		return;
	case FAULT_CDN_HTML:
		answer->type = "text/html";
		return;
	case FAULT_CDN_DAMAGED:
		answer->body.buf.data[answer->body.buf.size / 2] ^= 1;
		return;
	case FAULT_CDN_BOMB:
		buf_clear(&answer->body.buf);
		put_bomb(&answer->body);
		jsonw_raw(&answer->headers, "Content-Encoding: deflate\r\n");
		return;
	}
}

/* ---- requests ---- */

/* NUMBER.png; others are answered as Discord does where there is no such form. */
static int
read_name(struct slice name, uint64_t *id)
{
	size_t digits = 0;

	*id = 0;
	while (digits < name.size && name.data[digits] >= '0' &&
	    name.data[digits] <= '9') {
		*id = *id * 10 + (uint64_t)(name.data[digits++] - '0');
	}
	if (digits == 0 || digits > 20) {
		return 404;
	}
	name.data += digits;
	name.size -= digits;
	return slice_equal(name, SLICE_LITERAL(".png")) ? 200 : 415;
}

bool
cdn_handle(struct sim *sim, const struct http_request *request,
    struct rest_answer *answer)
{
	static const char prefix[] = "/emojis/";
	const size_t size = sizeof prefix - 1;
	struct fault_cdn *fault = &sim->faults.cdn;
	struct slice path = request->path;
	uint64_t id = 0;

	if (path.size < size || memcmp(path.data, prefix, size) != 0) {
		return false;
	}
	answer->method = "GET";
	answer->route = "/emojis/{e}";
	if (!slice_equal(request->method, SLICE_LITERAL("GET"))) {
		answer->status = 405;
		(void)snprintf(answer->allow, sizeof answer->allow, "GET");
		return true;
	}
	answer->status =
	    read_name((struct slice){path.data + size, path.size - size}, &id);
	answer->type = "image/png";
	if (answer->status == 200) {
		put_png(&answer->body, id);
	}
	if (fault->count > 0 && answer->status == 200) {
		fault->count -= fault->count != UINT64_MAX ? 1 : 0;
		if (fault->kind == FAULT_CDN_STATUS) {
			buf_clear(&answer->body.buf);
		}
		play_fault(fault, answer);
	}
	return true;
}
