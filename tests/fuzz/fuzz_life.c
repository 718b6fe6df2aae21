/*
 * Lives: hostile files.  What is read has its words, and any file is counted on from.
 *
 * Input: the file.  A first byte with its lowest bit set asks for right checksums,
 * since nothing gets past them by chance.
 */
#include <string.h>

#include "life.h"
#include "must.h"

/* Version 1: the checksum lies in front and covers what follows it. */
#define SLOT_BYTES  512
#define COVERED_AT  8
#define COVERED_END 104

static void
seal(uint8_t *slot)
{
	static const uint8_t head[8] = {'G', 'W', 'B', 'F', 1};
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	memcpy(slot + COVERED_AT, head, sizeof head);
	for (size_t i = COVERED_AT; i < COVERED_END; i++) {
		sum = (sum ^ slot[i]) * UINT64_C(0x100000001b3);
	}
	memcpy(slot, &sum, sizeof sum);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_Alignas(8) uint8_t file[LIFE_BYTES] = {0};
	struct life life;
	struct life next;

	if (size > 1) {
		size_t rest = size - 1 < sizeof file ? size - 1 : sizeof file;

		memcpy(file, data + 1, rest);
	}
	if (size > 0 && data[0] & 1) {
		seal(file);
		seal(file + SLOT_BYTES);
	}
	enum life_verdict verdict = life_begin(file, &life);

	MUST(life_end_word(life.last_end)[0] != '\0');
	MUST(verdict == LIFE_FOUND || life.starts == 1);
	/* Whatever lay there: what is written now is what is read next. */
	life_trip(file, &life, LIFE_TRIP_STALE);
	life_end(file, &life, LIFE_END_WATCHDOG, 1);
	MUST(life_begin(file, &next) == LIFE_FOUND);
	MUST(next.starts == life.starts + 1);
	MUST(memcmp(next.trips, life.trips, sizeof next.trips) == 0);
	MUST(next.last_end == LIFE_END_WATCHDOG && next.last_code == 1);
	return 0;
}
