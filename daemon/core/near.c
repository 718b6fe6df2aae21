#include "near.h"

#include <string.h>

bool
near_ipv4(const uint8_t address[4])
{
	uint8_t first = address[0];
	uint8_t second = address[1];

	return first == 127 || first == 10 ||
	    (first == 172 && second >= 16 && second <= 31) ||
	    (first == 192 && second == 168) || (first == 169 && second == 254) ||
	    (first == 100 && second >= 64 && second <= 127);
}

bool
near_ipv6(const uint8_t address[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t loopback[16] = {[15] = 1};

	if (memcmp(address, mapped, sizeof mapped) == 0) {
		return near_ipv4(address + sizeof mapped);
	}
	return memcmp(address, loopback, sizeof loopback) == 0 ||
	    (address[0] & 0xfe) == 0xfc ||
	    (address[0] == 0xfe && (address[1] & 0xc0) == 0x80);
}
