/*
 * The HTTP/1.1 upgrade to a WebSocket (RFC 6455 4), as a client does it: writes the
 * request, reads the answer as it comes.  No I/O, no allocation.
 */
#ifndef GWBOTD_UPGRADE_H
#define GWBOTD_UPGRADE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define UPGRADE_KEY_BYTES        25   /* 16 random bytes in base64, and a NUL */
#define UPGRADE_ACCEPT_BYTES     29   /* a SHA-1 in base64, and a NUL */
#define UPGRADE_ANSWER_MAX_BYTES 8192 /* status line and headers */

/* RFC 6455 1.3: what the server hashes together with the key. */
#define UPGRADE_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

struct upgrade_request {
	const char *host; /* for the Host header, with the port where it needs one */
	const char *path; /* with the query; begins with a slash */
	const char *user_agent;
	const char *key; /* base64 of 16 random bytes */
};

/**
 * Writes the request to out (room bytes); returns its size.
 *
 * 0 where it does not fit, or where a text is empty or holds what could end its line.
 */
size_t upgrade_write(char *out, size_t room, const struct upgrade_request *request);

enum upgrade_verdict {
	UPGRADE_MORE,    /* not yet whole */
	UPGRADE_DONE,    /* a right 101; what is left of the input are frames */
	UPGRADE_STATUS,  /* a well-formed answer with another status */
	UPGRADE_INVALID, /* not an answer that this request may get; why says so */
};

struct upgrade_parser {
	char expected[UPGRADE_ACCEPT_BYTES]; /* Sec-WebSocket-Accept */
	unsigned status;                     /* 0 before the status line is read */
	unsigned retry_after_s;              /* 0: none, or not a number of seconds */
	const char *why;                     /* static text, with UPGRADE_INVALID */
	/* The lines read so far said: */
	bool has_upgrade;
	bool has_connection;
	bool has_accept;
	bool first_line_read;
	size_t line_at; /* where the line under way begins */
	size_t size;
	char head[UPGRADE_ANSWER_MAX_BYTES];
};

/** A parser that expects this Sec-WebSocket-Accept: base64(SHA-1(key GUID)). */
void upgrade_parser_init(struct upgrade_parser *parser, const char *expected_accept);

/**
 * Takes bytes of the answer off the front of input, up to the end of its headers.
 *
 * After any verdict but UPGRADE_MORE the parser is done.
 */
enum upgrade_verdict upgrade_step(struct upgrade_parser *parser, struct slice *input);

#endif
