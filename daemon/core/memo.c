#include "memo.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

static const struct memo unknown = {.total = -1, .remaining = -1};

/* FNV-1a: against torn writes and damage, not against forgers, who would need the
 * folder and could have the sessions in it as well. */
static uint64_t
checksum(const struct memo_slot *slot)
{
	const uint8_t *bytes = (const uint8_t *)slot;
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = offsetof(struct memo_slot, generation); i < sizeof *slot; i++) {
		sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
	}
	return sum;
}

static bool
is_whole(const struct memo_slot *slot)
{
	const struct memo *memo = &slot->memo;

	return slot->generation > 0 && slot->checksum == checksum(slot) &&
	    memchr(memo->url, '\0', sizeof memo->url) && memo->total >= -1 &&
	    memo->remaining >= -1;
}

/* The whole slot that was written last; NULL: neither is whole. */
static const struct memo_slot *
newest(const struct memo_file *file)
{
	const struct memo_slot *best = NULL;

	for (unsigned i = 0; i < 2; i++) {
		const struct memo_slot *slot = &file->slots[i];

		if (is_whole(slot) && (!best || slot->generation > best->generation)) {
			best = slot;
		}
	}
	return best;
}

bool
memo_read(const struct memo_file *file, const uint8_t owner[MEMO_FINGERPRINT_BYTES],
    struct memo *out)
{
	const struct memo_slot *slot = newest(file);
	bool found = slot && memcmp(slot->owner, owner, MEMO_FINGERPRINT_BYTES) == 0;

	*out = found ? slot->memo : unknown;
	return found;
}

void
memo_write(struct memo_file *file, const uint8_t owner[MEMO_FINGERPRINT_BYTES],
    const struct memo *memo)
{
	const struct memo_slot *last = newest(file);
	struct memo_slot *slot =
	    last == &file->slots[0] ? &file->slots[1] : &file->slots[0];
	struct memo_slot fresh;

	memset(&fresh, 0, sizeof fresh);
	fresh.generation = last ? last->generation + 1 : 1;
	memcpy(fresh.owner, owner, sizeof fresh.owner);
	fresh.memo = *memo;
	/* What stands behind the end of the text is nobody's, and checksummed. */
	size_t used = strnlen(memo->url, sizeof memo->url - 1);

	memset(fresh.memo.url + used, 0, sizeof fresh.memo.url - used);
	fresh.checksum = checksum(&fresh);
	slot->generation = 0;
	atomic_signal_fence(memory_order_seq_cst);
	*slot = fresh;
}
