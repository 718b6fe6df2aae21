/*
 * The bytes of identify.ledger (the ledger, what Discord said of the budget and the
 * gateway, the lives of the daemon and the last runs of its jobs, so that one sync
 * takes all): versions, damage;
 * for store.c only.
 */
#ifndef GWBOTD_STORE_LEDGER_H
#define GWBOTD_STORE_LEDGER_H

#include "lastrun.h"
#include "life.h"
#include "memo.h"
#include "quota.h"
#include "store_file.h"

struct store_ledger_file {
	uint32_t magic;
	uint32_t version;
	struct identify_ledger ledger;
	struct memo_file memo;
	_Alignas(
	    8) uint8_t life[LIFE_BYTES]; /* see life.h; older files end before it */
	struct lastrun_file lastrun;     /* and before this */
};

#define STORE_LEDGER_BYTES sizeof(struct store_ledger_file)

/** Makes the bytes a ledger of the present version: reads what an older version wrote,
 * and empties with one warning what cannot be read, and is kept aside. */
void store_ledger_check(const struct store_folder *folder, struct store_file *mapped,
    int64_t now_wall_ms);

/** The bytes as what they are. */
struct store_ledger_file *store_ledger_of(const struct store_file *file);

#endif
