/*
 * Frames: RFC 6455 as a server reads and writes it.
 */
#ifndef GWSIM_FRAME_H
#define GWSIM_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

enum frame_opcode {
	FRAME_CONTINUATION = 0,
	FRAME_TEXT = 1,
	FRAME_BINARY = 2,
	FRAME_CLOSE = 8,
	FRAME_PING = 9,
	FRAME_PONG = 10,
};

/* Discord: a sent payload has at most 4096 bytes. */
#define FRAME_MAX_CLIENT_BYTES 4096

/* The largest header a server writes: 2 bytes and a length of 8. */
#define FRAME_MAX_HEAD 10

struct frame {
	bool fin;
	enum frame_opcode opcode;
	struct slice payload; /* unmasked, within the input */
	size_t size;          /* of the whole frame in the input */
};

enum frame_result {
	FRAME_MORE,     /* not complete yet */
	FRAME_DONE,     /* one frame; consume its size */
	FRAME_BAD,      /* against RFC 6455 */
	FRAME_UNMASKED, /* a client must mask */
	FRAME_LARGE,    /* over FRAME_MAX_CLIENT_BYTES */
};

/**
 * Reads the first frame of input and removes its mask in place.
 *
 * Call it again on the same bytes only after FRAME_MORE, where nothing was changed.
 */
enum frame_result frame_parse(char *input, size_t size, struct frame *out);

/** Writes a header to out (FRAME_MAX_HEAD bytes of room) and returns its size. */
size_t frame_write_head(char *out, bool fin, enum frame_opcode opcode,
    uint64_t payload_bytes);

/** Appends a message as fragments of split_bytes each; 0 is one frame. */
enum gw_err frame_append(struct buf *out, enum frame_opcode opcode,
    struct slice message, size_t split_bytes);

/** Sec-WebSocket-Accept for a key, as a C string of 28 characters. */
void frame_accept_key(struct slice key, char out[32]);

#endif
