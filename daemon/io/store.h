/*
 * The state folder: one mapped record per shard, and the identify ledger.
 *
 * Values are stored by writing to mapped pages, which survives kill -9 for free; syncs
 * to the disk run on a worker, at every change of session and once a second while a
 * sequence moves.  A folder that cannot be used costs persistence, never the gateway.
 */
#ifndef GWBOTD_STORE_H
#define GWBOTD_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"
#include "quota.h"
#include "record.h"
#include "secret.h"
#include "session.h"
#include "worker.h"

struct store;

struct store_options {
	struct loop *loop;
	struct worker *worker;
	const char *dir;
	const struct secret *token; /* only its fingerprint is kept */
	uint32_t shard_count;
	uint64_t intents;
};

/**
 * Opens the folder, making it where it is missing, and locks it.
 *
 * Never NULL but for GW_ERR_BUSY: another daemon holds the folder.  What of the folder
 * cannot be used is kept in memory, and one warning says why; the rest stays on disk.
 */
struct store *store_open(const struct store_options *options, enum gw_err *err);

/** Unmaps and unlocks.  NULL is allowed. */
void store_close(struct store *owned_store);

/** The stored session of a shard; false (and out untouched) without a usable one. */
bool store_load(struct store *store, uint32_t shard_id, struct session_saved *out);

/** Stores a session; saved with an empty id stores that there is none. */
void store_save(struct store *store, uint32_t shard_id,
    const struct session_saved *saved);

/** Moves the stored sequence: one memory write. */
void store_seq(struct store *store, uint32_t shard_id, int64_t seq);

/** The ledger in its mapped page: what is written there outlives the process. */
struct identify_ledger *store_ledger(struct store *store);

/** Has the ledger synced soon. */
void store_ledger_changed(struct store *store);

/** Begins to sync what is not on the disk yet; see store_is_synced(). */
void store_flush(struct store *store);

/** True where nothing waits for the disk. */
bool store_is_synced(const struct store *store);

#endif
