/*
 * What Discord said last of the gateway, as it is kept on disk: where it is, how many
 * shards there are, what is left of the day's identifies.
 *
 * With it a start without the API still connects, and a budget that Discord said is
 * spent stays so.  Two slots, written in turn, each with a generation and a checksum,
 * so that a torn write leaves the other one.  Pure: store maps and syncs the bytes.
 */
#ifndef GWBOTD_MEMO_H
#define GWBOTD_MEMO_H

#include <stdbool.h>
#include <stdint.h>

#define MEMO_URL_BYTES         256
#define MEMO_FINGERPRINT_BYTES 16

struct memo {
	char url[MEMO_URL_BYTES]; /* of the gateway; empty: not known */
	uint32_t shards;          /* that `auto` came to; 0: not known */
	uint32_t recommended;     /* by Discord; 0: not known */
	uint32_t max_concurrency; /* 0: not known */
	uint32_t reserved;
	int64_t total;     /* identifies a day; -1: not known */
	int64_t remaining; /* of them; -1: not known */
	int64_t reset_ms;  /* ledger time: when remaining goes back to total */
};

/* The bytes of the file.  All zeroes: nothing was ever said. */
struct memo_file {
	struct memo_slot {
		uint64_t checksum; /* of what follows */
		uint64_t generation;
		uint8_t owner[MEMO_FINGERPRINT_BYTES]; /* of the token */
		struct memo memo;
	} slots[2];
};

/**
 * Reads what was said to the bot of this token; false, and out says that nothing is
 * known, where there is nothing whole of it.
 */
bool memo_read(const struct memo_file *file,
    const uint8_t owner[MEMO_FINGERPRINT_BYTES], struct memo *out);

/** Writes memo over the older slot. */
void memo_write(struct memo_file *file, const uint8_t owner[MEMO_FINGERPRINT_BYTES],
    const struct memo *memo);

#endif
