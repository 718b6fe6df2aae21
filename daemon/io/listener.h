/*
 * TCP listeners on numeric addresses: bound, accepted, and never spinning.
 *
 * The library's own listener binds the wildcard where a numeric IPv6 address was meant,
 * and turns without pause when descriptors run out.
 */
#ifndef GWBOTD_LISTENER_H
#define GWBOTD_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "clock.h"
#include "err.h"
#include "loop.h"

#define LISTENER_ADDRESSES_MAX 8

struct listener;

struct listener_options {
	struct loop *loop;
	uint16_t port; /* 0: a free one, the same for all addresses */
	/* Ended by NULL.  Empty: 0.0.0.0 and ::, of which the family that the host
	 * lacks is left out with a line in the log. */
	const char *addresses[LISTENER_ADDRESSES_MAX + 1];
};

struct listener_events {
	/** A connection; fd (non-blocking, close-on-exec) is given away. */
	void (*accepted)(void *ctx, int fd, const struct sockaddr_storage *peer,
	    mono_ns now);
	/**
	 * No descriptor or memory for another one (error is an errno).  True where some
	 * are free in the next turn; else the newcomers are turned away.
	 */
	bool (*exhausted)(void *ctx, int error, mono_ns now);
};

/**
 * Listens on all addresses.
 *
 * Where one cannot be had *out is NULL, and why (room bytes) says it in one line for a
 * person, with the port.  What err_is_lack() says of the error tells the host's fault
 * from the configuration's.
 */
enum gw_err listener_new(const struct listener_options *options,
    const struct listener_events *events, void *ctx, struct listener **out, char *why,
    size_t room);

/** Stops listening; NULL is allowed. */
void listener_free(struct listener *owned_listener);

/** The port; the one that was found where the options said 0. */
uint16_t listener_port(const struct listener *listener);

#endif
