/*
 * The state folder: one mapped record per shard, the identify ledger, and what Discord
 * said last.
 *
 * Values are stored by writing to mapped pages, which survives kill -9 for free; syncs
 * to the disk run on a worker, at every change of session and once a second while a
 * sequence moves.  A folder that cannot be used costs persistence, never the gateway.
 */
#ifndef GWBOTD_STORE_H
#define GWBOTD_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "lastrun.h"
#include "loop.h"
#include "memo.h"
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
	uint64_t intents;
};

/* The shards of this process, of the total that the bot has. */
struct store_shards {
	uint32_t first;
	uint32_t count;
	uint32_t total;
};

/**
 * Opens the folder, making it where it is missing, and locks it.
 *
 * Never NULL but for GW_ERR_BUSY: another daemon holds the folder.  What of the folder
 * cannot be used is kept in memory, and one warning says why; the rest stays on disk.
 */
struct store *store_open(const struct store_options *options, enum gw_err *err);

/**
 * Leaves the folder to another process: what is stored from now on is kept in memory.
 *
 * Have it synced before: it waits for nothing.  All that was borrowed stays valid.
 */
void store_release(struct store *store);

/** Unmaps and unlocks.  NULL is allowed. */
void store_close(struct store *owned_store);

/* ---- sessions ---- */

/** True where a session of one of these shards is stored. */
bool store_has_session(const struct store *store, const struct store_shards *shards);

/**
 * Opens the records of these shards, once and before all that follows; records of other
 * shards are discarded.
 */
void store_use_shards(struct store *store, const struct store_shards *shards);

/** The stored session of a shard; false (and out untouched) without a usable one. */
bool store_load(struct store *store, uint32_t shard_id, struct session_saved *out);

/** Stores a session; saved with an empty id stores that there is none. */
void store_save(struct store *store, uint32_t shard_id,
    const struct session_saved *saved);

/** Moves the stored sequence: one memory write. */
void store_seq(struct store *store, uint32_t shard_id, int64_t seq);

/** The shard identifies with these intents: its records are of them from now on. */
void store_set_intents(struct store *store, uint32_t shard_id, uint64_t intents);

/* ---- the ledger ---- */

/** The ledger in its mapped page: what is written there outlives the process. */
struct identify_ledger *store_ledger(struct store *store);

/** False where the ledger is in memory only and dies with the process. */
bool store_ledger_is_kept(const struct store *store);

/** Has the ledger, and the memo, synced; returns the number of this change. */
uint64_t store_ledger_changed(struct store *store);

/** All changes up to this number are on the disk. */
uint64_t store_ledger_synced(const struct store *store);

/** Has fn called, on the loop, whenever store_ledger_synced() has moved. */
void store_watch_ledger(struct store *store, void (*fn)(void *ctx), void *ctx);

/* ---- what Discord said ---- */

/** False where nothing is known. */
bool store_read_memo(const struct store *store, struct memo *out);

/** Stores it; the number of the change, as store_ledger_changed(). */
uint64_t store_write_memo(struct store *store, const struct memo *memo);

/* ---- the lives of the daemon ---- */

/** LIFE_BYTES of life.h, in the page of the ledger: store_ledger_changed() has them
 * synced. */
uint8_t *store_life(struct store *store);

/* ---- the last runs of jobs ---- */

/** In the page of the ledger: store_ledger_changed() has them synced. */
struct lastrun_file *store_lastrun(struct store *store);

/* ---- the disk ---- */

/** Begins to sync what is not on the disk yet; see store_is_synced(). */
void store_flush(struct store *store);

/** True where nothing waits for the disk. */
bool store_is_synced(const struct store *store);

/** Why not all of it is kept, written to out (room bytes); NULL where it is. */
const char *store_problem(const struct store *store, char *out, size_t room);

#endif
