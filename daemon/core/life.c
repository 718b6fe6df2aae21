#include "life.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#define MAGIC       UINT32_C(0x46425747) /* "GWBF" */
#define VERSION     1
#define SLOTS       2
#define SLOT_BYTES  512
#define LOOP_OFFSET ((size_t)SLOTS * SLOT_BYTES)

/* Room for trips of later releases. */
#define TRIPS_STORED   8

#define RUNNING        0
#define GENERATION_MAX (UINT64_C(1) << 62)

/* As it lies on disk; naturally aligned, so there are no holes. */
struct slot {
	uint64_t checksum;
	uint32_t magic;
	uint32_t version;
	uint64_t generation;
	uint64_t starts;
	uint64_t trips[TRIPS_STORED];
	uint32_t ended; /* RUNNING, or 1 + enum life_end */
	int32_t code;
};

_Static_assert(sizeof(struct slot) <= SLOT_BYTES, "a slot must hold it");
_Static_assert(LOOP_OFFSET + 8 <= LIFE_BYTES, "the loop's word has its place");
_Static_assert((int)LIFE_TRIPS <= TRIPS_STORED, "each trip has its place");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
    "a slot is copied as it lies");

static const char *const trip_words[] = {
#define LIFE_TRIP_WORD(name, word) (word),
    LIFE_TRIP_TABLE(LIFE_TRIP_WORD)
#undef LIFE_TRIP_WORD
};

static const char *const end_words[] = {
#define LIFE_END_WORD(name, word) (word),
    LIFE_END_TABLE(LIFE_END_WORD)
#undef LIFE_END_WORD
};

/* FNV-1a: against torn writes and damage, not against forgers. */
static uint64_t
checksum(const struct slot *slot)
{
	const uint8_t *bytes = (const uint8_t *)slot;
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = offsetof(struct slot, magic); i < sizeof *slot; i++) {
		sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
	}
	return sum;
}

static bool
is_whole(const struct slot *slot)
{
	return slot->magic == MAGIC && slot->version == VERSION &&
	    slot->generation < GENERATION_MAX && slot->ended <= LIFE_ENDS &&
	    slot->checksum == checksum(slot);
}

/* The whole slot with the highest generation; -1 without one. */
static int
newest(const uint8_t *file, struct slot *out)
{
	int best = -1;

	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot slot;

		memcpy(&slot, file + (size_t)i * SLOT_BYTES, sizeof slot);
		if (is_whole(&slot) &&
		    (best < 0 || slot.generation > out->generation)) {
			*out = slot;
			best = (int)i;
		}
	}
	return best;
}

static void
write_slot(uint8_t *file, const struct life *life, uint32_t ended, int code)
{
	struct slot last = {.generation = 0};
	int at = newest(file, &last);
	struct slot fresh;

	if (last.generation + 1 == GENERATION_MAX) {
		/* Nobody lives so often: what cannot be followed is not ours. */
		memset(file, 0, LOOP_OFFSET);
		last.generation = 0;
		at = -1;
	}
	memset(&fresh, 0, sizeof fresh);
	fresh.magic = MAGIC;
	fresh.version = VERSION;
	fresh.generation = last.generation + 1;
	fresh.starts = life->starts;
	memcpy(fresh.trips, life->trips, sizeof life->trips);
	fresh.ended = ended;
	fresh.code = code;
	fresh.checksum = checksum(&fresh);
	memcpy(file + (size_t)(at == 0 ? 1 : 0) * SLOT_BYTES, &fresh, sizeof fresh);
}

static bool
is_all_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] != 0) {
			return false;
		}
	}
	return true;
}

/* No slot is whole: why. */
static enum life_verdict
judge(const uint8_t *file)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot slot;

		memcpy(&slot, file + (size_t)i * SLOT_BYTES, sizeof slot);
		if (slot.magic == MAGIC && slot.version > VERSION) {
			return LIFE_NEWER;
		}
	}
	return is_all_zero(file, LOOP_OFFSET) ? LIFE_FRESH : LIFE_DAMAGED;
}

static atomic_uint_least64_t *
loop_word(uint8_t *file)
{
	return (atomic_uint_least64_t *)(void *)(file + LOOP_OFFSET);
}

static void
take_last_end(const struct slot *slot, bool loop_stuck, struct life *out)
{
	if (slot->ended != RUNNING) {
		out->last_end = (enum life_end)(slot->ended - 1);
		out->last_code = slot->code;
	} else if (loop_stuck) {
		out->last_end = LIFE_END_LOOP;
		out->last_code = 1; /* contract, section 4 */
	} else {
		out->last_end = LIFE_END_KILLED;
	}
}

enum life_verdict
life_begin(uint8_t file[LIFE_BYTES], struct life *out)
{
	struct slot last = {.generation = 0};
	enum life_verdict verdict = LIFE_FOUND;
	bool loop_stuck = atomic_load(loop_word(file)) != 0;

	*out = (struct life){.last_code = LIFE_NO_CODE};
	if (newest(file, &last) >= 0) {
		out->starts = last.starts;
		memcpy(out->trips, last.trips, sizeof out->trips);
		take_last_end(&last, loop_stuck, out);
		out->trips[LIFE_TRIP_LOOP] += loop_stuck ? 1 : 0;
	} else {
		verdict = judge(file);
		memset(file, 0, LIFE_BYTES);
	}
	out->starts++;
	write_slot(file, out, RUNNING, LIFE_NO_CODE);
	atomic_store(loop_word(file), 0);
	return verdict;
}

void
life_trip(uint8_t file[LIFE_BYTES], struct life *life, enum life_trip trip)
{
	life->trips[trip]++;
	write_slot(file, life, RUNNING, LIFE_NO_CODE);
}

void
life_trip_loop(uint8_t file[LIFE_BYTES])
{
	atomic_store(loop_word(file), 1);
}

void
life_end(uint8_t file[LIFE_BYTES], const struct life *life, enum life_end end, int code)
{
	write_slot(file, life, 1 + (uint32_t)end, code);
}

enum life_end
life_end_of(int exit_status)
{
	/* contract, section 4 */
	switch (exit_status) {
	case 0:
		return LIFE_END_STOPPED;
	case 1:
		return LIFE_END_WATCHDOG;
	case 77:
		return LIFE_END_REFUSED;
	case 78:
		return LIFE_END_CONFIG;
	default:
		return LIFE_END_INTERNAL;
	}
}

const char *
life_trip_word(enum life_trip trip)
{
	return trip_words[trip];
}

const char *
life_end_word(enum life_end end)
{
	return end_words[end];
}
