#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "clock.h"
#include "log.h"
#include "store_file.h"
#include "store_ledger.h"
#include "store_others.h"
#include "xalloc.h"

#define SYNC_EVERY CLOCK_S(1)

/* Records synced at a time: many shards whose sequences move must not keep the disk
 * busy.  What a power loss then costs is a longer replay, never a session. */
#define SYNC_BATCH  16

#define LEDGER_NAME "identify.ledger"

/* So many that one line each is read by nobody. */
#define FEW_SHARDS 16

/* What of a file is not on the disk yet. */
enum dirt {
	CLEAN,
	MOVED,   /* its sequence: once a second is enough */
	CHANGED, /* its session: now */
};

struct record {
	struct store_file file;
	enum dirt dirt;
	uint64_t intents;     /* of the session in it */
	const char *left_out; /* of it, as record_write() said last */
};

/* A sync on its way; the descriptor is its own, so that it outlives the store. */
struct sync_job {
	struct store *store;
	struct record *record;  /* NULL: the ledger */
	uint64_t ledger_change; /* that it takes along */
	int fd;
	int error;
};

struct store {
	struct loop *loop;
	struct worker *worker;
	struct store_folder folder;
	int sync_error; /* of the last sync, which was logged; 0: none */
	struct record_owner owner;
	struct store_shards shards;
	struct record *records;
	uint32_t next; /* where the next batch begins */
	struct loop_timer *sync_timer;
	mono_ns sync_at; /* when the timer fires; CLOCK_NEVER: not */
	unsigned syncing;

	struct store_file ledger;
	uint64_t ledger_changes;
	uint64_t ledger_synced;
	bool ledger_syncing;
	void (*ledger_fn)(void *ctx);
	void *ledger_ctx;
};

/* ---- syncing ---- */

static void
sync_work(void *ctx)
{
	struct sync_job *job = ctx;

	job->error = fdatasync(job->fd) == 0 ? 0 : errno;
}

static void begin_ledger_sync(struct store *store);
static void arm_sync(struct store *store, mono_ns at);
static bool has_dirt(const struct store *store, enum dirt least);
static void sync_dirty(struct store *store, mono_ns now);

/* A ledger that cannot be synced holds nobody up: the page outlives the process. */
static void
ledger_done(struct store *store, const struct sync_job *job)
{
	store->ledger_syncing = false;
	store->ledger_synced = job->ledger_change;
	if (job->error != 0) {
		store_file_write_again(&store->ledger);
		store->ledger_changes++;
		arm_sync(store, clock_now() + SYNC_EVERY);
	} else {
		begin_ledger_sync(store);
	}
	if (store->ledger_fn) {
		store->ledger_fn(store->ledger_ctx);
	}
}

static void
sync_done(void *ctx)
{
	struct sync_job *job = ctx;
	struct store *store = job->store;

	store->syncing--;
	if (job->error != 0 && store->sync_error == 0) {
		log_warning("state_not_durable", KV("reason", strerror(job->error)),
		    KV("effect", "a power loss now may cost sessions"));
	} else if (job->error == 0 && store->sync_error != 0) {
		log_info("state_durable", KV("reason", "the disk syncs again"));
	}
	store->sync_error = job->error;
	if (!job->record) {
		ledger_done(store, job);
	} else if (job->error != 0) {
		store_file_write_again(&job->record->file);
		job->record->dirt =
		    job->record->dirt == CLEAN ? MOVED : job->record->dirt;
		arm_sync(store, clock_now() + SYNC_EVERY);
	}
	(void)close(job->fd);
	free(job);
	if (store->syncing == 0 && has_dirt(store, CHANGED)) {
		sync_dirty(store, clock_now());
	}
}

/* True where the sync is on its way. */
static bool
submit(struct store *store, const struct store_file *file, struct record *record)
{
	struct sync_job *job = xzalloc(sizeof *job);

	job->store = store;
	job->record = record;
	job->ledger_change = store->ledger_changes;
	job->fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
	if (job->fd >= 0 &&
	    worker_submit(store->worker, sync_work, sync_done, job) == GW_OK) {
		store->syncing++;
		return true;
	}
	if (job->fd >= 0) {
		(void)close(job->fd);
	}
	free(job);
	return false;
}

static void
arm_sync(struct store *store, mono_ns at)
{
	if (at < store->sync_at) {
		store->sync_at = at;
		loop_timer_arm(store->sync_timer, at);
	}
}

/* Besides the others, since an IDENTIFY waits for it; and one at a time. */
static void
begin_ledger_sync(struct store *store)
{
	if (store->ledger_syncing || store->ledger_synced == store->ledger_changes) {
		return;
	}
	if (store->ledger.fd < 0) {
		store->ledger_synced = store->ledger_changes;
		return;
	}
	store->ledger_syncing = submit(store, &store->ledger, NULL);
	if (!store->ledger_syncing) {
		arm_sync(store, clock_now() + SYNC_EVERY / 10);
	}
}

/* True where the record is on its way to the disk, or needs not go there. */
static bool
is_taken(struct store *store, struct record *record)
{
	return record->file.fd < 0 || submit(store, &record->file, record);
}

/* Those that changed first, then those that moved, from where the last batch ended. */
static unsigned
sync_records(struct store *store, enum dirt dirt, unsigned room)
{
	uint32_t count = store->shards.count;

	for (uint32_t i = 0; i < count && room > 0; i++) {
		uint32_t at = (store->next + i) % count;
		struct record *record = &store->records[at];

		if (record->dirt != dirt) {
			continue;
		}
		if (!is_taken(store, record)) {
			return 0;
		}
		record->dirt = CLEAN;
		store->next = at + 1;
		room--;
	}
	return room;
}

static bool
has_dirt(const struct store *store, enum dirt least)
{
	for (uint32_t i = 0; i < store->shards.count; i++) {
		if (store->records[i].dirt >= least) {
			return true;
		}
	}
	return false;
}

/* One batch at a time: a disk that hangs must not use up the helper threads. */
static void
sync_dirty(struct store *store, mono_ns now)
{
	unsigned room = SYNC_BATCH;

	begin_ledger_sync(store);
	if (store->syncing > (store->ledger_syncing ? 1 : 0)) {
		arm_sync(store, now + SYNC_EVERY / 10);
		return;
	}
	room = sync_records(store, CHANGED, room);
	(void)sync_records(store, MOVED, room);
	if (has_dirt(store, CHANGED)) {
		arm_sync(store, now + SYNC_EVERY / 10);
	} else if (has_dirt(store, MOVED)) {
		arm_sync(store, now + SYNC_EVERY);
	}
}

static void
on_sync_timer(void *ctx, mono_ns now)
{
	struct store *store = ctx;

	store->sync_at = CLOCK_NEVER;
	sync_dirty(store, now);
}

void
store_flush(struct store *store)
{
	/* Nothing comes after this: the last sequences are worth as much as sessions.
	 */
	for (uint32_t i = 0; i < store->shards.count; i++) {
		struct record *record = &store->records[i];

		record->dirt = record->dirt == MOVED ? CHANGED : record->dirt;
	}
	sync_dirty(store, clock_now());
}

bool
store_is_synced(const struct store *store)
{
	return !has_dirt(store, MOVED) &&
	    store->ledger_synced == store->ledger_changes && store->syncing == 0;
}

/* ---- records ---- */

static void
fingerprint(const struct secret *token, uint8_t out[RECORD_FINGERPRINT_BYTES])
{
	unsigned char digest[EVP_MAX_MD_SIZE] = {0};
	unsigned size = 0;

	(void)EVP_Digest(secret_reveal(token), secret_size(token), digest, &size,
	    EVP_sha256(), NULL);
	memcpy(out, digest, RECORD_FINGERPRINT_BYTES);
}

static struct record *
record_of(const struct store *store, uint32_t shard_id)
{
	return &store->records[shard_id - store->shards.first];
}

static struct record_owner
owner_of(const struct store *store, uint32_t shard_id)
{
	struct record_owner owner = store->owner;

	owner.shard_id = shard_id;
	owner.shard_count = store->shards.total;
	owner.intents = record_of(store, shard_id)->intents;
	return owner;
}

static void
name_record(char *out, size_t room, uint32_t shard_id, uint32_t total)
{
	(void)snprintf(out, room, "shard-%" PRIu32 "-of-%" PRIu32 ".session", shard_id,
	    total);
}

static bool
is_stored(const struct store *store, uint32_t shard_id, uint32_t total)
{
	_Alignas(8) uint8_t bytes[RECORD_FILE_BYTES];
	struct record_owner owner = store->owner;
	struct session_saved saved;
	char name[64];

	owner.shard_id = shard_id;
	owner.shard_count = total;
	name_record(name, sizeof name, shard_id, total);
	int fd = openat(store->folder.dir_fd, name,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0) {
		return false;
	}
	bool whole = read(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes;

	(void)close(fd);
	return whole && record_read(bytes, &owner, &saved) == RECORD_FOUND;
}

bool
store_has_session(const struct store *store, const struct store_shards *shards)
{
	for (uint32_t i = 0; store->folder.usable && i < shards->count; i++) {
		if (is_stored(store, shards->first + i, shards->total)) {
			return true;
		}
	}
	return false;
}

/* What cannot be kept on the disk is said, and what that means. */
static void
tell_problem(const struct store *store, const char *effect)
{
	if (store->folder.problem[0] != '\0') {
		log_warning("state_not_durable",
		    KV("reason", (const char *)store->folder.problem),
		    KV("effect", effect),
		    KV("remedy",
			"a folder of gwbotd's own user, with room on its disk: mend it "
			"or "
			"set state.dir, then restart"));
	}
}

void
store_use_shards(struct store *store, const struct store_shards *shards)
{
	char before[sizeof store->folder.problem];

	memcpy(before, store->folder.problem, sizeof before);
	store->shards = *shards;
	store->records = xzalloc(shards->count * sizeof *store->records);
	if (store->folder.usable) {
		store_discard_others(&store->folder, shards);
	}
	for (uint32_t i = 0; i < shards->count; i++) {
		struct record *record = &store->records[i];
		char name[sizeof record->file.name];

		name_record(name, sizeof name, shards->first + i, shards->total);
		store_file_map(&store->folder, &record->file, name, RECORD_FILE_BYTES);
		record->intents = store->owner.intents;
	}
	if (strcmp(before, store->folder.problem) != 0) {
		tell_problem(store, "a restart will identify instead of resuming");
	}
}

/* Of many shards one line for all is enough, see gateway.c. */
static void
tell_found(const struct store *store, uint32_t shard_id, int64_t seq)
{
	const struct log_kv pairs[] = {KV("shard", shard_id), KV("seq", seq)};

	log_write(store->shards.count > FEW_SHARDS ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
	    "session_found", pairs, sizeof pairs / sizeof pairs[0]);
}

bool
store_load(struct store *store, uint32_t shard_id, struct session_saved *out)
{
	struct store_file *file = &record_of(store, shard_id)->file;
	struct record_owner owner = owner_of(store, shard_id);
	enum record_verdict verdict = record_read(file->bytes, &owner, out);

	if (verdict == RECORD_FOUND) {
		record_mend(file->bytes);
		tell_found(store, shard_id, out->seq);
		return true;
	}
	if (verdict == RECORD_DAMAGED || verdict == RECORD_NEWER) {
		log_warning("session_record_unusable", KV("shard", shard_id),
		    KV("file", (const char *)file->name),
		    KV("reason", record_verdict_text(verdict)));
		store_file_keep_aside(&store->folder, file);
	} else if (verdict == RECORD_FOREIGN) {
		log_info("session_discarded", KV("shard", shard_id),
		    KV("reason", record_verdict_text(verdict)));
	}
	if (verdict != RECORD_EMPTY) {
		memset(file->bytes, 0, file->size);
	}
	return false;
}

void
store_save(struct store *store, uint32_t shard_id, const struct session_saved *saved)
{
	struct record *record = record_of(store, shard_id);
	struct record_owner owner = owner_of(store, shard_id);

	const char *left_out =
	    record_write(record->file.bytes, &owner, saved, clock_wall_ms());

	if (left_out && left_out != record->left_out) {
		log_warning("session_not_kept_whole", KV("shard", shard_id),
		    KV("reason", left_out));
	}
	record->left_out = left_out;
	record->dirt = CHANGED;
	sync_dirty(store, clock_now());
}

void
store_seq(struct store *store, uint32_t shard_id, int64_t seq)
{
	struct record *record = record_of(store, shard_id);

	record_write_seq(record->file.bytes, seq);
	if (record->dirt == CLEAN) {
		record->dirt = MOVED;
		arm_sync(store, clock_now() + SYNC_EVERY);
	}
}

void
store_set_intents(struct store *store, uint32_t shard_id, uint64_t intents)
{
	record_of(store, shard_id)->intents = intents;
}

/* ---- the ledger, and what Discord said ---- */

struct identify_ledger *
store_ledger(struct store *store)
{
	return &store_ledger_of(&store->ledger)->ledger;
}

bool
store_ledger_is_kept(const struct store *store)
{
	return store->ledger.fd >= 0;
}

uint64_t
store_ledger_changed(struct store *store)
{
	store->ledger_changes++;
	begin_ledger_sync(store);
	return store->ledger_changes;
}

uint64_t
store_ledger_synced(const struct store *store)
{
	return store->ledger_synced;
}

void
store_watch_ledger(struct store *store, void (*fn)(void *ctx), void *ctx)
{
	store->ledger_fn = fn;
	store->ledger_ctx = ctx;
}

bool
store_read_memo(const struct store *store, struct memo *out)
{
	return memo_read(&store_ledger_of(&store->ledger)->memo,
	    store->owner.fingerprint, out);
}

uint64_t
store_write_memo(struct store *store, const struct memo *memo)
{
	memo_write(&store_ledger_of(&store->ledger)->memo, store->owner.fingerprint,
	    memo);
	return store_ledger_changed(store);
}

uint8_t *
store_life(struct store *store)
{
	return store_ledger_of(&store->ledger)->life;
}

struct lastrun_file *
store_lastrun(struct store *store)
{
	return &store_ledger_of(&store->ledger)->lastrun;
}

/* ---- open and close ---- */

struct store *
store_open(const struct store_options *options, enum gw_err *err)
{
	struct store *store = xzalloc(sizeof *store);

	store->loop = options->loop;
	store->worker = options->worker;
	store->sync_at = CLOCK_NEVER;
	store->owner.intents = options->intents;
	fingerprint(options->token, store->owner.fingerprint);
	*err = store_folder_open(&store->folder, options->dir);
	if (*err != GW_OK) {
		store_close(store);
		return NULL;
	}
	store->sync_timer = loop_timer_new(options->loop, on_sync_timer, store);
	store_file_map(&store->folder, &store->ledger, LEDGER_NAME, STORE_LEDGER_BYTES);
	store_ledger_check(&store->folder, &store->ledger, clock_wall_ms());
	tell_problem(store, "a restart does not know what this process did");
	return store;
}

void
store_release(struct store *store)
{
	for (uint32_t i = 0; i < store->shards.count; i++) {
		store_file_release(&store->records[i].file);
		store->records[i].dirt = CLEAN;
	}
	store_file_release(&store->ledger);
	store->ledger_synced = store->ledger_changes;
	store_folder_release(&store->folder, "a newer instance has the state folder");
}

void
store_close(struct store *owned_store)
{
	struct store *store = owned_store;

	if (!store) {
		return;
	}
	loop_timer_free(store->sync_timer);
	for (uint32_t i = 0; i < store->shards.count; i++) {
		store_file_unmap(&store->records[i].file);
	}
	store_file_unmap(&store->ledger);
	store_folder_close(&store->folder);
	free(store->records);
	free(store);
}

const char *
store_problem(const struct store *store, char *out, size_t room)
{
	if (store->folder.problem[0] != '\0') {
		(void)snprintf(out, room, "%s", store->folder.problem);
		return out;
	}
	if (store->sync_error != 0) {
		(void)snprintf(out, room,
		    "the disk does not sync: %s: a power loss may cost sessions",
		    strerror(store->sync_error));
		return out;
	}
	return NULL;
}
