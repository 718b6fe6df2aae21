#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "clock.h"
#include "log.h"
#include "paths.h"
#include "xalloc.h"

#define SYNC_EVERY     CLOCK_S(1)

#define LEDGER_MAGIC   UINT32_C(0x4C425747) /* "GWBL" */
#define LEDGER_VERSION 1

#define EXIT_INTERNAL  70 /* contract, section 4 */

/* The ledger's file. */
struct ledger_file {
	uint32_t magic;
	uint32_t version;
	struct identify_ledger ledger;
};

/* A file whose first bytes are mapped, or memory alone where there is no file. */
struct mapped {
	int fd; /* -1: memory alone */
	size_t size;
	uint8_t *bytes;
	char name[64];
};

/* A sync on its way; the descriptor is its own, so that it outlives the store. */
struct sync_job {
	struct store *store;
	const struct mapped *mapped;
	bool *dirty;
	int fd;
	int error;
};

struct store {
	struct loop *loop;
	struct worker *worker;
	int dir_fd;
	int lock_fd;
	bool usable;       /* the folder is open and locked by us */
	bool sync_failing; /* the last sync failed, and that was logged */
	char problem[192]; /* empty: all of it is kept on disk */
	struct record_owner owner;
	uint32_t shard_count;
	struct mapped *shards;
	bool *dirty;
	struct mapped ledger;
	bool ledger_dirty;
	struct loop_timer *sync_timer;
	mono_ns sync_at; /* when the timer fires; CLOCK_NEVER: not */
	unsigned syncing;
};

/* ---- a disk that fails under the mapping ---- */

/* The file system took the page away (a truncated file, a failing disk): the stored
 * sequence cannot be kept, and going on would fault again. */
static void
on_bus_error(int number)
{
	static const char text[] = "gwbotd: a file of the state folder was cut or its "
				   "disk failed; ending with "
				   "status 70, the session resumes\n";
	ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);

	(void)number;
	(void)ignored;
	_exit(EXIT_INTERNAL);
}

static void
catch_bus_errors(void)
{
	struct sigaction action = {.sa_handler = on_bus_error};

	(void)sigaction(SIGBUS, &action, NULL);
}

/* ---- the folder ---- */

__attribute__((format(printf, 2, 3))) static void
set_problem(struct store *store, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(store->problem, sizeof store->problem, format, args);
	va_end(args);
}

static void
open_folder(struct store *store, const char *dir)
{
	enum gw_err err = paths_make_private(dir);

	if (err != GW_OK) {
		set_problem(store, "%s cannot be used as the state folder: %s", dir,
		    err == GW_ERR_PERMISSION ?
			"no permission, or it is a link or open to others" :
			err_text(err));
		return;
	}
	store->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (store->dir_fd < 0) {
		set_problem(store, "%s cannot be opened: %s", dir, strerror(errno));
		return;
	}
}

static enum gw_err
lock_folder(struct store *store, const char *dir)
{
	if (store->problem[0] != '\0') {
		return GW_OK;
	}
	store->lock_fd = openat(store->dir_fd, "lock",
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (store->lock_fd < 0) {
		set_problem(store, "%s/lock cannot be opened: %s", dir,
		    strerror(errno));
		return GW_OK;
	}
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0) {
		return GW_OK;
	}
	if (errno == EWOULDBLOCK) {
		return GW_ERR_BUSY;
	}
	set_problem(store, "%s/lock cannot be locked: %s", dir, strerror(errno));
	return GW_OK;
}

/* ---- sessions of another time ---- */

static bool
skip_word(const char **at, const char *word)
{
	size_t size = strlen(word);
	bool found = strncmp(*at, word, size) == 0;

	*at += found ? size : 0;
	return found;
}

static bool
skip_digits(const char **at)
{
	size_t size = strspn(*at, "0123456789");

	*at += size;
	return size > 0;
}

/* A session's file, and not of the present number of shards. */
static bool
is_of_other_count(const struct store *store, const char *name)
{
	char own[32];
	const char *at = name;

	(void)snprintf(own, sizeof own, "-of-%" PRIu32 ".session", store->shard_count);
	return skip_word(&at, "shard-") && skip_digits(&at) && strcmp(at, own) != 0 &&
	    skip_word(&at, "-of-") && skip_digits(&at) && strcmp(at, ".session") == 0;
}

/* Discord gives each number of shards other guilds a shard: a session of another number
 * must not be resumed when that number comes back, and its file not lie about. */
static void
discard_other_counts(struct store *store)
{
	unsigned files = 0;
	int fd = openat(store->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;

	if (!folder) {
		if (fd >= 0) {
			(void)close(fd);
		}
		return;
	}
	for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
		if (is_of_other_count(store, entry->d_name) &&
		    unlinkat(store->dir_fd, entry->d_name, 0) == 0) {
			files++;
		}
	}
	(void)closedir(folder);
	if (files > 0) {
		log_info("session_discarded", KV("files", files),
		    KV("reason", "stored for another number of shards"));
	}
}

/* ---- mapped files ---- */

/* 0, or an errno. */
static int
map_file(struct store *store, struct mapped *mapped)
{
	struct stat info;
	int fd = openat(store->dir_fd, mapped->name,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd < 0) {
		return errno;
	}
	if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) ||
	    info.st_uid != geteuid()) {
		(void)close(fd);
		return EPERM;
	}
	/* Session ids are as good as the token for some minutes. */
	(void)fchmod(fd, 0600);
	/* Blocks that exist cannot run out under the mapping. */
	int error = posix_fallocate(fd, 0, (off_t)mapped->size);
	void *bytes = error == 0 ?
	    mmap(NULL, mapped->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) :
	    MAP_FAILED;

	if (bytes == MAP_FAILED) {
		error = error != 0 ? error : errno;
		(void)close(fd);
		return error;
	}
	mapped->fd = fd;
	mapped->bytes = bytes;
	return 0;
}

static void
map_or_remember(struct store *store, struct mapped *mapped, size_t size)
{
	mapped->fd = -1;
	mapped->size = size;
	if (store->usable) {
		int error = map_file(store, mapped);

		if (error == 0) {
			return;
		}
		set_problem(store, "%s cannot be used: %s", mapped->name,
		    error == EPERM ? "not a regular file of ours" : strerror(error));
	}
	mapped->bytes = xzalloc(size);
}

static void
unmap(struct mapped *mapped)
{
	if (mapped->fd < 0) {
		free(mapped->bytes);
		return;
	}
	(void)munmap(mapped->bytes, mapped->size);
	(void)close(mapped->fd);
}

/* ---- syncing ---- */

static void
sync_work(void *ctx)
{
	struct sync_job *job = ctx;

	job->error = fdatasync(job->fd) == 0 ? 0 : errno;
}

/* The kernel takes pages that it could not write for clean, so that the next sync would
 * succeed without them: every page has to be stored to again. */
static void
write_again(const struct mapped *mapped)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (size_t at = 0; at < mapped->size; at += page) {
		volatile uint8_t *byte = &mapped->bytes[at];

		/* cppcheck-suppress selfAssignment ; the store itself is what counts */
		*byte = *byte;
	}
}

static void arm_sync(struct store *store, mono_ns at);

static void
sync_done(void *ctx)
{
	struct sync_job *job = ctx;
	struct store *store = job->store;

	store->syncing--;
	if (job->error != 0 && !store->sync_failing) {
		log_warning("state_not_durable", KV("reason", strerror(job->error)),
		    KV("effect", "a power loss now may cost sessions"));
	} else if (job->error == 0 && store->sync_failing) {
		log_info("state_durable", KV("reason", "the disk syncs again"));
	}
	store->sync_failing = job->error != 0;
	if (job->error != 0) {
		write_again(job->mapped);
		*job->dirty = true;
		arm_sync(store, clock_now() + SYNC_EVERY);
	}
	(void)close(job->fd);
	free(job);
}

/* True where the sync is on its way, or none is needed. */
static bool
begin_sync(struct store *store, const struct mapped *mapped, bool *dirty)
{
	if (mapped->fd < 0) {
		return true;
	}
	struct sync_job *job = xzalloc(sizeof *job);

	job->store = store;
	job->mapped = mapped;
	job->dirty = dirty;
	job->fd = fcntl(mapped->fd, F_DUPFD_CLOEXEC, 0);
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

/* One sync at a time: a disk that hangs must not use up the helper threads. */
static void
sync_dirty(struct store *store, mono_ns now)
{
	bool again = store->syncing > 0;

	for (uint32_t i = 0; i < store->shard_count && !again; i++) {
		if (store->dirty[i]) {
			store->dirty[i] =
			    !begin_sync(store, &store->shards[i], &store->dirty[i]);
			again = store->dirty[i];
		}
	}
	if (store->ledger_dirty && !again) {
		store->ledger_dirty =
		    !begin_sync(store, &store->ledger, &store->ledger_dirty);
		again = store->ledger_dirty;
	}
	if (again) {
		arm_sync(store, now + SYNC_EVERY / 10);
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
	sync_dirty(store, clock_now());
}

bool
store_is_synced(const struct store *store)
{
	for (uint32_t i = 0; i < store->shard_count; i++) {
		if (store->dirty[i]) {
			return false;
		}
	}
	return !store->ledger_dirty && store->syncing == 0;
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

/* Keeps what could not be read, for whoever wants to know. */
static void
keep_aside(struct store *store, const struct mapped *mapped)
{
	char name[sizeof mapped->name + 8];

	(void)snprintf(name, sizeof name, "%s.bad", mapped->name);
	int fd = openat(store->dir_fd, name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0) {
		ssize_t ignored = write(fd, mapped->bytes, mapped->size);

		(void)ignored;
		(void)close(fd);
	}
}

bool
store_load(struct store *store, uint32_t shard_id, struct session_saved *out)
{
	struct mapped *mapped = &store->shards[shard_id];
	struct record_owner owner = store->owner;

	owner.shard_id = shard_id;
	enum record_verdict verdict = record_read(mapped->bytes, &owner, out);

	if (verdict == RECORD_FOUND) {
		log_info("session_found", KV("shard", shard_id), KV("seq", out->seq));
		return true;
	}
	if (verdict == RECORD_DAMAGED || verdict == RECORD_NEWER) {
		log_warning("session_record_unusable", KV("shard", shard_id),
		    KV("file", (const char *)mapped->name),
		    KV("reason", record_verdict_text(verdict)));
		if (mapped->fd >= 0) {
			keep_aside(store, mapped);
		}
	} else if (verdict == RECORD_FOREIGN) {
		log_info("session_discarded", KV("shard", shard_id),
		    KV("reason", record_verdict_text(verdict)));
	}
	if (verdict != RECORD_EMPTY) {
		memset(mapped->bytes, 0, mapped->size);
	}
	return false;
}

void
store_save(struct store *store, uint32_t shard_id, const struct session_saved *saved)
{
	struct record_owner owner = store->owner;

	owner.shard_id = shard_id;
	record_write(store->shards[shard_id].bytes, &owner, saved, clock_wall_ms());
	store->dirty[shard_id] = true;
	sync_dirty(store, clock_now());
}

void
store_seq(struct store *store, uint32_t shard_id, int64_t seq)
{
	record_write_seq(store->shards[shard_id].bytes, seq);
	if (!store->dirty[shard_id]) {
		store->dirty[shard_id] = true;
		arm_sync(store, clock_now() + SYNC_EVERY);
	}
}

/* ---- the ledger ---- */

static void
check_ledger(struct store *store)
{
	struct ledger_file *file = (struct ledger_file *)(void *)store->ledger.bytes;
	bool sane = file->magic == LEDGER_MAGIC && file->version == LEDGER_VERSION &&
	    file->ledger.first < QUOTA_IDENTIFIES_DAY &&
	    file->ledger.count <= QUOTA_IDENTIFIES_DAY;

	if (sane) {
		return;
	}
	if (file->magic != 0) {
		log_warning("identify_ledger_unusable",
		    KV("file", (const char *)store->ledger.name),
		    KV("reason", "damaged; identifies of the last 24 h are not known"));
	}
	memset(file, 0, sizeof *file);
	file->magic = LEDGER_MAGIC;
	file->version = LEDGER_VERSION;
}

struct identify_ledger *
store_ledger(struct store *store)
{
	return &((struct ledger_file *)(void *)store->ledger.bytes)->ledger;
}

void
store_ledger_changed(struct store *store)
{
	store->ledger_dirty = true;
	sync_dirty(store, clock_now());
}

/* ---- life ---- */

static void
map_all(struct store *store)
{
	for (uint32_t i = 0; i < store->shard_count; i++) {
		struct mapped *mapped = &store->shards[i];

		(void)snprintf(mapped->name, sizeof mapped->name,
		    "shard-%" PRIu32 "-of-%" PRIu32 ".session", i, store->shard_count);
		map_or_remember(store, mapped, RECORD_FILE_BYTES);
	}
	(void)snprintf(store->ledger.name, sizeof store->ledger.name,
	    "identify.ledger");
	map_or_remember(store, &store->ledger, sizeof(struct ledger_file));
	check_ledger(store);
}

struct store *
store_open(const struct store_options *options, enum gw_err *err)
{
	struct store *store = xzalloc(sizeof *store);

	store->loop = options->loop;
	store->worker = options->worker;
	store->dir_fd = -1;
	store->lock_fd = -1;
	store->sync_at = CLOCK_NEVER;
	store->shard_count = options->shard_count;
	store->owner.shard_count = options->shard_count;
	store->owner.intents = options->intents;
	fingerprint(options->token, store->owner.fingerprint);
	open_folder(store, options->dir);
	*err = lock_folder(store, options->dir);
	if (*err != GW_OK) {
		store_close(store);
		return NULL;
	}
	store->shards = xzalloc(options->shard_count * sizeof *store->shards);
	store->dirty = xzalloc(options->shard_count * sizeof *store->dirty);
	store->sync_timer = loop_timer_new(options->loop, on_sync_timer, store);
	catch_bus_errors();
	store->usable = store->problem[0] == '\0';
	if (store->usable) {
		discard_other_counts(store);
	}
	map_all(store);
	if (store->problem[0] != '\0') {
		log_warning("state_not_durable", KV("dir", options->dir),
		    KV("reason", (const char *)store->problem),
		    KV("effect", "a restart will identify instead of resuming"));
	}
	return store;
}

void
store_close(struct store *owned_store)
{
	struct store *store = owned_store;

	if (!store) {
		return;
	}
	loop_timer_free(store->sync_timer);
	for (uint32_t i = 0; store->shards && i < store->shard_count; i++) {
		unmap(&store->shards[i]);
	}
	if (store->ledger.bytes) {
		unmap(&store->ledger);
	}
	if (store->lock_fd >= 0) {
		(void)close(store->lock_fd);
	}
	if (store->dir_fd >= 0) {
		(void)close(store->dir_fd);
	}
	free(store->shards);
	free(store->dirty);
	free(store);
}
