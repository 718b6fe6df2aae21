/*
 * The identify ledger: any bytes as its page, then a play of clocks and identifies.
 *
 * Whatever the page held, an identify that is written down counts from then on for a
 * day, never longer, and no clock or damage takes it back before.
 *
 * Input: a byte for how much of the page follows (in 64 bytes), that part of the page,
 * then three bytes a step: what happens, and how much time passes.
 */
#include <stdbool.h>
#include <string.h>

#include "ledger.h"
#include "must.h"

#define MINUTE_MS INT64_C(60000)
#define STEPS_MAX 12 /* each looks at a day of minutes, several times */

struct host {
	struct ledger_time time;
	int64_t added[STEPS_MAX]; /* when, by the ledger's own time */
	size_t count;
};

static void
pass(struct host *host, int64_t ms)
{
	host->time.boot_ms += ms;
	host->time.wall_ms += ms;
}

static void
play(struct host *host, uint8_t what, int64_t ms)
{
	switch (what % 4) {
	case 0: /* the wall clock is set, either way; the kernel knows none before 1970
	         */
		host->time.wall_ms += (what & 4U) ? ms * 1000 : -ms * 1000;
		if (host->time.wall_ms < 0) {
			host->time.wall_ms = 0;
		}
		break;
	case 1: /* a reboot that takes so long */
		host->time.wall_ms += ms;
		host->time.boot_ms = ms % 1000;
		host->time.boot_id++;
		break;
	default:
		pass(host, ms);
	}
}

/* Those of our own that are less than a day old by the ledger's time. */
static int64_t
due(const struct host *host, int64_t now_ms)
{
	int64_t count = 0;

	for (size_t i = 0; i < host->count; i++) {
		count += host->added[i] > now_ms - LEDGER_WINDOW_MS;
	}
	return count;
}

static void
check(struct identify_ledger *ledger, const struct host *host)
{
	int64_t now = identify_ledger_now(ledger, &host->time);
	int64_t count = identify_ledger_count(ledger, now);

	MUST(count >= due(host, now));
	MUST(identify_ledger_count(ledger, now) == count);
	int64_t falls = identify_ledger_falls_to(ledger, 0, now);

	MUST(count == 0 || falls > now);
	MUST(falls <= now + LEDGER_WINDOW_MS + 2 * MINUTE_MS);
}

/* A day and a minute on, nothing counts, whatever the page held. */
static void
check_end(struct identify_ledger *ledger, const struct host *host)
{
	int64_t now = identify_ledger_now(ledger, &host->time);

	MUST(
	    identify_ledger_count(ledger, now + LEDGER_WINDOW_MS + 2 * MINUTE_MS) == 0);
}

static void
add(struct identify_ledger *ledger, struct host *host, bool taken_back)
{
	int64_t now = identify_ledger_now(ledger, &host->time);
	int64_t before = identify_ledger_count(ledger, now);

	identify_ledger_add(ledger, now);
	MUST(identify_ledger_count(ledger, now) > before || before >= INT32_MAX);
	if (taken_back) {
		identify_ledger_take_back(ledger, now);
		MUST(identify_ledger_count(ledger, now) == before ||
		    before >= INT32_MAX);
		return;
	}
	host->added[host->count++] = now;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct identify_ledger ledger;
	struct host host = {
	    .time = {.boot_id = 1, .boot_ms = 1, .wall_ms = INT64_C(1767225600000)},
	};

	if (size == 0) {
		return 0;
	}
	memset(&ledger, 0, sizeof ledger);
	size_t page = (size_t)data[0] * 64;

	page = page < size - 1 ? page : size - 1;
	memcpy(&ledger, data + 1, page < sizeof ledger ? page : sizeof ledger);
	data += 1 + page;
	size -= 1 + page;
	check(&ledger, &host);
	for (size_t step = 0; step < STEPS_MAX && size >= 3; step++) {
		int64_t ms = ((int64_t)data[1] << 8 | data[2]) * 2000;

		play(&host, data[0], ms);
		check(&ledger, &host);
		if (data[0] & 0x80U) {
			add(&ledger, &host, data[0] & 0x40U);
		}
		data += 3;
		size -= 3;
	}
	check_end(&ledger, &host);
	return 0;
}
