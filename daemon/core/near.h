/*
 * Is a peer near, so that it may see more than a stranger?  Pure.
 */
#ifndef GWBOTD_NEAR_H
#define GWBOTD_NEAR_H

#include <stdbool.h>
#include <stdint.h>

/**
 * True for addresses that no packet from the internet has: loopback, private (RFC
 * 1918), link-local and shared (RFC 6598, behind a carrier's NAT).  In the order of the
 * wire.
 */
bool near_ipv4(const uint8_t address[4]);

/** The same of IPv6: loopback, unique local (RFC 4193), link-local; one that holds an
 * IPv4 address counts as that. */
bool near_ipv6(const uint8_t address[16]);

#endif
