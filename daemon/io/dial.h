/*
 * A TCP socket on its way to an address.
 */
#ifndef GWBOTD_DIAL_H
#define GWBOTD_DIAL_H

#include <stdint.h>

/**
 * A non-blocking socket that connects to address (numeric, IPv6 without brackets), with
 * keep-alive and without delay.
 *
 * -1 with errno, EINVAL for what is no address.  Asks no resolver and does not block.
 */
int dial_tcp(const char *address, uint16_t port);

#endif
