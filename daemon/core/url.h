/*
 * URLs of the gateway and the API: scheme, host, port; nothing else is believed.
 */
#ifndef GWBOTD_URL_H
#define GWBOTD_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

#define URL_HOST_BYTES 256
#define URL_PATH_BYTES 2000

struct url {
	bool tls;
	bool websocket;            /* ws or wss, else http or https */
	char host[URL_HOST_BYTES]; /* lower case; IPv6 literals without brackets */
	uint16_t port;
	char path[URL_PATH_BYTES]; /* with the query; "/" at least */
};

/**
 * Reads ws://, wss://, http:// and https:// URLs.
 *
 * GW_ERR_SYNTAX for anything else: user names, white space, control characters, bad
 * ports, fragments, empty labels and overlong parts included.  out is filled on GW_OK
 * only.
 */
enum gw_err url_parse(const char *text, struct url *out);

/** True for 127.0.0.0/8, ::1 and localhost: where plain connections are allowed. */
bool url_is_loopback(const char *host);

/**
 * May a resume go to this URL, which the gateway named?
 *
 * Only wss to discord.gg and below, or wss to the very host that the operator
 * configured or that the API named (general; NULL: none), at its port or at 443.  Where
 * that is a loopback address, any loopback address, with or without TLS.
 */
bool url_resume_allowed(const struct url *url, const struct url *general);

#endif
