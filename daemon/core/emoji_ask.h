/*
 * /emoji-pad: what is asked for, and whether gwbotd may fetch it.
 *
 * Pure.  A URL that a stranger wrote makes the daemon connect, so there is one form,
 * and all else is refused before a name is looked up: the scheme, a host exactly as it
 * is configured, /emojis/, a number, an extension, maybe a plain query.
 */
#ifndef GWBOTD_EMOJI_ASK_H
#define GWBOTD_EMOJI_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "config.h"
#include "query.h"

/* contract, section 5 */
#define EMOJI_SIDE_MIN      64U
#define EMOJI_SIDE_MAX      512U
#define EMOJI_SIDE_DEFAULT  256U
#define EMOJI_BOX_MIN       200U /* thousandths of the side */
#define EMOJI_BOX_MAX       950U
#define EMOJI_BOX_DEFAULT   850U

#define EMOJI_URL_BYTES     384
#define EMOJI_VERSION_BYTES 65

/* Why a request was not answered with a picture: X(id, label of its metric). */
#define EMOJI_REJECT_TABLE(X)                                       \
	X(REQUEST, "request")   /* 400: not what may be asked */    \
	X(BUSY, "busy")         /* 503: too many wait already */    \
	X(UPSTREAM, "upstream") /* its status, or 502 */            \
	X(TIMEOUT, "timeout")   /* 504 */                           \
	X(SIZE, "size")         /* 413 */                           \
	X(TYPE, "type")         /* 415: not an image, or damaged */ \
	X(HELPER, "helper")     /* 502: gwbot-emoji did not work */

enum emoji_reject {
#define EMOJI_REJECT_ENUM(id, label) EMOJI_REJECT_##id,
	EMOJI_REJECT_TABLE(EMOJI_REJECT_ENUM)
#undef EMOJI_REJECT_ENUM
	    EMOJI_REJECTS,
};

struct emoji_ask {
	char url[EMOJI_URL_BYTES];
	bool loopback; /* the operator configured a host of this machine */
	uint32_t side;
	uint32_t box;
	char version[EMOJI_VERSION_BYTES]; /* v: any word that tells one from another */
};

/**
 * Reads the arguments u, s, box and v; others mean nothing.
 *
 * NULL, or why it is refused, in words for whoever asked; out is whole with NULL only.
 * Numbers beyond their range become its nearest end, as the original bots did.
 */
const char *emoji_ask_read(const struct query *query, const struct config_list *hosts,
    struct emoji_ask *out);

/**
 * May this be fetched?  NULL, or why not; loopback as in struct emoji_ask.
 *
 * hosts: NAME or NAME:PORT, lower case.  https only, and http where the configured host
 * is this machine.
 */
const char *emoji_url_check(struct slice url, const struct config_list *hosts,
    bool *loopback);

/** True where two ask for the same picture. */
bool emoji_ask_same(const struct emoji_ask *a, const struct emoji_ask *b);

/**
 * May an emoji be fetched from this numeric address, which a public name resolved to?
 *
 * Only where it is reachable over the Internet: not this machine, not a private,
 * link-local, shared, documentation, multicast or reserved range, nor an IPv6 address
 * that stands for such an IPv4 one.
 */
bool emoji_address_is_public(const char *address);

/** True for a Content-Type of an image; parameters are passed over. */
bool emoji_type_is_image(const char *type);

/** Is this a PNG of side x side pixels, as far as its first bytes tell? */
bool emoji_is_png_of(struct slice bytes, uint32_t side);

/** The status that a client gets where the upstream answered with this one, no 200. */
unsigned emoji_status_of(unsigned upstream);

#endif
