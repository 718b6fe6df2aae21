/*
 * WebSocket frames (RFC 6455) as a client reads and writes them: no I/O, no allocation.
 *
 * The parser is incremental and keeps nothing but a header and a control frame: payload
 * goes up as pieces that lie in the caller's read buffer.  Only crumbs are put together
 * first, so that a message in frames of one byte does not cost a piece a byte; none is
 * kept when the input is used up.  Whatever the RFC forbids a
 * server is refused, as early as it can be seen.
 */
#ifndef GWBOTD_FRAME_H
#define GWBOTD_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

enum frame_opcode {
	FRAME_CONTINUATION = 0x0,
	FRAME_TEXT = 0x1,
	FRAME_BINARY = 0x2,
	FRAME_CLOSE = 0x8,
	FRAME_PING = 0x9,
	FRAME_PONG = 0xA,
};

/* Close codes that this layer uses itself (RFC 6455 7.4.1). */
#define FRAME_CODE_PROTOCOL  1002
#define FRAME_CODE_NONE      1005 /* a close frame without a code; never on the wire */
#define FRAME_CODE_NOT_UTF8  1007
#define FRAME_CODE_TOO_LARGE 1009

#define FRAME_CONTROL_MAX    125 /* RFC 6455 5.5: payload of a control frame */
#define FRAME_REASON_MAX     (FRAME_CONTROL_MAX - 2)
#define FRAME_HEADER_MAX     14 /* as written, with the mask */

/* UTF-8 across pieces: how many bytes the running character lacks, and what the next of
 * them may be.  Zeroed at a begin or end. */
struct frame_utf8 {
	uint8_t missing;
	uint8_t low;
	uint8_t high;
};

/**
 * Goes over size bytes; false at the first that cannot be part of UTF-8 (RFC 3629).
 *
 * The text is whole where utf8->missing is 0 afterwards.
 */
bool frame_utf8_step(struct frame_utf8 *utf8, const void *data, size_t size);

/* Payload of one frame up to so many bytes is put together, up to so many. */
#define FRAME_CRUMB_MAX  64
#define FRAME_CRUMB_ROOM 256

/* ---- reading ---- */

struct frame_parser {
	uint64_t max_message_bytes;
	uint64_t message_bytes; /* announced by the present message's frames */
	uint64_t left;          /* payload bytes of the present frame yet to come */
	struct frame_utf8 utf8;
	uint8_t head[10];
	uint8_t head_size;
	uint8_t head_need; /* bytes of head until its length is known */
	uint8_t opcode;    /* of the present frame */
	uint8_t message;   /* opcode of the message under way; 0: none */
	bool in_frame;     /* the header is read, the frame's end not yet reached */
	bool final;        /* the present frame has FIN */
	bool begun;        /* a piece of the message was handed up */
	bool over;         /* after a close frame or an error: the rest is ignored */
	bool leaves_text;  /* set by the owner: a text message that lies in input whole,
	                    * in one frame, is handed up without a look at its UTF-8 */
	uint8_t control_size;
	uint8_t control[FRAME_CONTROL_MAX];
	uint16_t crumbs_size; /* put together and not handed up yet */
	uint8_t crumbs[FRAME_CRUMB_ROOM];
};

enum frame_kind {
	FRAME_GOT_NOTHING, /* all input used up: more is needed */
	FRAME_GOT_PIECE,   /* bytes, first, last, binary */
	FRAME_GOT_PING,    /* bytes: to be sent back in a pong */
	FRAME_GOT_PONG,    /* bytes */
	FRAME_GOT_CLOSE,   /* code (FRAME_CODE_NONE without one); bytes: the reason */
	FRAME_GOT_ERROR,   /* code to close with; why */
};

struct frame_event {
	enum frame_kind kind;
	struct slice bytes; /* borrowed: from the input; crumbs and control frames from
	                     * the parser, until the next call */
	bool first;         /* the piece begins a message */
	bool last;          /* the piece ends it; only this one may be empty */
	bool binary;        /* else text, checked as UTF-8 up to here */
	bool unchecked;     /* no, it is not: see leaves_text */
	unsigned code;
	const char *why; /* static text */
};

/** A parser at the begin of a stream that refuses messages over max_message_bytes. */
void frame_parser_init(struct frame_parser *parser, uint64_t max_message_bytes);

/**
 * Reads until the next event and takes what it used off the front of input.
 *
 * Call it until it says FRAME_GOT_NOTHING.  After a close frame or an error it ignores
 * whatever follows.
 */
struct frame_event frame_next(struct frame_parser *parser, struct slice *input);

/** True between two messages, with no byte of a next frame read. */
bool frame_is_idle(const struct frame_parser *parser);

/** True for a close code that a peer may send (RFC 6455 7.4, and 1012 to 1014). */
bool frame_code_is_valid(unsigned code);

/* ---- writing ---- */

/** The bytes that a frame with size bytes of payload takes. */
size_t frame_size(size_t size);

/**
 * Writes one whole masked frame to out, which has frame_size(size) bytes of room.
 *
 * mask is 4 random bytes, new for each frame (RFC 6455 5.3).  Control frames have
 * FRAME_CONTROL_MAX bytes of payload at most.  Returns frame_size(size).
 */
size_t frame_write(void *out, enum frame_opcode opcode, const uint8_t mask[4],
    const void *data, size_t size);

/**
 * Makes the payload of a close frame: code and reason, which is cut at a character's
 * begin where it is too long.  code FRAME_CODE_NONE makes an empty one.  Returns its
 * size.
 */
size_t frame_write_close(uint8_t out[FRAME_CONTROL_MAX], unsigned code,
    const char *reason);

#endif
