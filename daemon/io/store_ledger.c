#include "store_ledger.h"

#include <stdatomic.h>
#include <string.h>

#include "log.h"

#define LEDGER_MAGIC   UINT32_C(0x4C425747) /* "GWBL" */
#define LEDGER_VERSION 2

/* Version 1: the instants themselves, in a ring. */
#define V1_ENTRIES 1000

struct ledger_v1 {
	uint32_t magic;
	uint32_t version;
	uint32_t first;
	uint32_t count;
	int64_t wall_ms[V1_ENTRIES];
};

_Static_assert(sizeof(struct ledger_v1) <= STORE_LEDGER_BYTES,
    "the whole of the old file is mapped");

static bool
is_v1(const struct ledger_v1 *old)
{
	return old->magic == LEDGER_MAGIC && old->version == 1 &&
	    old->first < V1_ENTRIES && old->count <= V1_ENTRIES;
}

/* Entries out of order (damage) or of the future count as now, as ever. */
static void
take_over(struct identify_ledger *ledger, const struct ledger_v1 *old,
    int64_t now_wall_ms)
{
	for (uint32_t i = 0; i < old->count; i++) {
		int64_t at = old->wall_ms[(old->first + i) % V1_ENTRIES];

		if (at > now_wall_ms - LEDGER_WINDOW_MS) {
			identify_ledger_add(ledger,
			    at < now_wall_ms ? at : now_wall_ms);
		}
	}
}

void
store_ledger_check(const struct store_folder *folder, struct store_file *mapped,
    int64_t now_wall_ms)
{
	struct store_ledger_file *file = store_ledger_of(mapped);
	struct ledger_v1 old;
	uint32_t magic = file->magic;

	if (magic == LEDGER_MAGIC && file->version == LEDGER_VERSION) {
		return;
	}
	memcpy(&old, file, sizeof old);
	bool usable = is_v1(&old) || magic == 0;

	if (!usable) {
		bool newer = magic == LEDGER_MAGIC && file->version > LEDGER_VERSION;

		log_warning("identify_ledger_unusable",
		    KV("file", (const char *)mapped->name),
		    KV("reason", newer ? "written by a newer version" : "damaged"),
		    KV("effect",
			"identifies of the last 24 h and last runs of jobs are not "
			"known; the API is asked what is left"));
		/* A newer version that comes back finds it there. */
		store_file_keep_aside(folder, mapped);
	}
	memset(file, 0, sizeof *file);
	if (usable && magic != 0) {
		take_over(&file->ledger, &old, now_wall_ms);
	}
	/* Last, so that a process that dies before leaves no half of a ledger. */
	atomic_signal_fence(memory_order_seq_cst);
	file->version = LEDGER_VERSION;
	file->magic = LEDGER_MAGIC;
}

struct store_ledger_file *
store_ledger_of(const struct store_file *file)
{
	return (struct store_ledger_file *)(void *)file->bytes;
}
