#include "dispatches.h"

#include <string.h>

/* Found by trying: with it no two names of the table share a slot.  A row that is added
 * may want another one; unit.test_tally says so. */
#define FACTOR UINT64_C(0xe290c80a0837b479)

#define SHIFT  (64 - 9) /* to DISPATCH_SLOTS */

static const struct slice names[DISPATCH_NAMES] = {
#define EVENT(name) {#name, sizeof #name - 1},
#include "dispatches.def"
#undef EVENT
    {"other", 5},
};

static uint64_t
word_of(const char *text, size_t size)
{
	uint64_t word = 0;

	memcpy(&word, text, size);
	return word;
}

/* Of the first and the last eight bytes and the length. */
static size_t
slot_of(struct slice name)
{
	uint64_t first;
	uint64_t last;

	if (name.size >= sizeof first) {
		first = word_of(name.data, sizeof first);
		last = word_of(name.data + name.size - sizeof last, sizeof last);
	} else {
		first = name.size > 0 ? word_of(name.data, name.size) : 0;
		last = first;
	}
	return ((first ^ (last >> 3) ^ (last << 29)) + name.size) * FACTOR >> SHIFT;
}

void
dispatches_init(struct dispatch_counts *counts)
{
	memset(counts->counts, 0, sizeof counts->counts);
	memset(counts->slots, DISPATCH_NAME_OTHER, sizeof counts->slots);
	for (size_t i = 0; i < DISPATCH_NAME_OTHER; i++) {
		counts->slots[slot_of(names[i])] = (uint8_t)i;
	}
}

enum dispatch_name
dispatches_find(const struct dispatch_counts *counts, struct slice name)
{
	enum dispatch_name found = (enum dispatch_name)counts->slots[slot_of(name)];

	return slice_equal(name, names[found]) ? found : DISPATCH_NAME_OTHER;
}

void
dispatches_count(struct dispatch_counts *counts, enum dispatch_name name)
{
	counts->counts[name]++;
}

const char *
dispatches_name(enum dispatch_name name)
{
	return names[name].data;
}
