#include "nonce.h"

#include <inttypes.h>
#include <stdio.h>

/* FNV-1a, after Fowler, Noll and Vo. */
#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

/* Byte by byte, so that processes on any machine agree. */
uint64_t
nonce_mix(const uint64_t *causes, size_t count)
{
	uint64_t hash = FNV_BASIS;

	for (size_t i = 0; i < count; i++) {
		for (unsigned shift = 0; shift < 64; shift += 8) {
			hash = (hash ^ (causes[i] >> shift & 0xFF)) * FNV_PRIME;
		}
	}
	return hash;
}

struct nonce
nonce_of(enum nonce_kind kind, const uint64_t *causes, size_t count)
{
	struct nonce nonce;

	(void)snprintf(nonce.text, sizeof nonce.text, "%c%016" PRIx64, (char)kind,
	    nonce_mix(causes, count));
	return nonce;
}
