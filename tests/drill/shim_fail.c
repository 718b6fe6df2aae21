/*
 * Call k of one function of the C library fails: once, or from then on.
 *
 * Preloaded into gwbotd by sweep.py, which steers it while it runs through the file
 * SHIM_BLOCK (struct block below, mapped by both).  Calls of gwbotd itself and of
 * libraries are counted apart: it is the return address that tells.  What ours have
 * allocated and not yet freed is counted too, so that a leak on a path of errors shows.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As CALLS in sweep.py. */
enum call {
	MALLOC,
	CALLOC,
	REALLOC,
	STRDUP,
	OPEN,
	WRITE,
	SYNC,
	RENAME,
	SOCKET,
	CONNECT,
	ACCEPT,
	THREAD,
	CALL_COUNT,
};

static const int errors[CALL_COUNT] = {
    [MALLOC] = ENOMEM,
    [CALLOC] = ENOMEM,
    [REALLOC] = ENOMEM,
    [STRDUP] = ENOMEM,
    [OPEN] = EMFILE,
    [WRITE] = EIO,
    [SYNC] = EIO,
    [RENAME] = EIO,
    [SOCKET] = EMFILE,
    [CONNECT] = ENETUNREACH,
    [ACCEPT] = EMFILE,
    [THREAD] = EAGAIN,
};

enum { OURS, LIBRARY };

/* As BLOCK in sweep.py. */
static struct block {
	atomic_uint armed; /* 0: nothing fails, and nothing is counted */
	atomic_uint call;  /* which, or CALL_COUNT: only count */
	atomic_uint whose;
	atomic_uint at;
	atomic_uint on;     /* from then on */
	atomic_uint dialed; /* counts from the first connect() of ours on */
	atomic_uint failed;
	atomic_uint seen[CALL_COUNT][2];
	atomic_int held; /* allocations of ours that live */
} here, *block = &here;

static uintptr_t text_from, text_to;

/* glibc's own, below the names that are replaced here. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *memory);

static int
find_text(struct dl_phdr_info *info, size_t size, void *ctx)
{
	(void)size;
	(void)ctx;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];

		if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0) {
			text_from = info->dlpi_addr + part->p_vaddr;
			text_to = text_from + part->p_memsz;
		}
	}
	return 1; /* the first is the program itself */
}

/* gwbot-spawner and what it starts have accounts of their own, which nobody reads. */
static void
leave_account(void)
{
	block = &here;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("SHIM_BLOCK");
	int fd =
	    path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
	void *mapped = fd >= 0 ?
	    mmap(NULL, sizeof *block, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) :
	    MAP_FAILED;

	if (mapped == MAP_FAILED) {
		_exit(99);
	}
	(void)syscall(SYS_close, fd);
	(void)dl_iterate_phdr(find_text, NULL);
	block = mapped;
	(void)pthread_atfork(NULL, NULL, leave_account);
}

static int
whose(const void *caller)
{
	uintptr_t at = (uintptr_t)caller;

	return at >= text_from && at < text_to ? OURS : LIBRARY;
}

/* True where this call has to fail; errno is set then. */
static bool
fails(enum call call, const void *caller)
{
	unsigned from = (unsigned)whose(caller);

	if (atomic_load(&block->armed) == 0) {
		return false;
	}
	if (atomic_load(&block->dialed) != 0) {
		if (call != CONNECT || from != OURS) {
			return false;
		}
		atomic_store(&block->dialed, 0);
	}
	unsigned number = atomic_fetch_add(&block->seen[call][from], 1) + 1;
	unsigned at = atomic_load(&block->at);

	if (atomic_load(&block->call) != call || atomic_load(&block->whose) != from ||
	    number < at || (number > at && atomic_load(&block->on) == 0)) {
		return false;
	}
	atomic_fetch_add(&block->failed, 1);
	errno = errors[call];
	return true;
}

#define FAILS(call) fails(call, __builtin_return_address(0))

/* ---- memory, and which of it is ours ---- */

#define HELD_MAX (1U << 17) /* a power of two */

static _Atomic(void *) held[HELD_MAX];

static size_t
slot_of(const void *memory)
{
	return (size_t)(((uintptr_t)memory >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 20) &
	    (HELD_MAX - 1);
}

static void *const gone = (void *)1; /* a slot that was used */

static void *
hold(void *memory, const void *caller)
{
	if (!memory || whose(caller) != OURS) {
		return memory;
	}
	for (size_t i = 0; i < HELD_MAX; i++) {
		_Atomic(void *) *slot = &held[(slot_of(memory) + i) & (HELD_MAX - 1)];
		void *seen = atomic_load(slot);

		if ((!seen || seen == gone) &&
		    atomic_compare_exchange_strong(slot, &seen, memory)) {
			atomic_fetch_add(&block->held, 1);
			return memory;
		}
	}
	return memory;
}

static bool
let_go(void *memory)
{
	for (size_t i = 0; memory && i < HELD_MAX; i++) {
		_Atomic(void *) *slot = &held[(slot_of(memory) + i) & (HELD_MAX - 1)];
		void *seen = atomic_load(slot);

		if (!seen) {
			return false;
		}
		if (seen == memory) {
			atomic_store(slot, gone);
			atomic_fetch_sub(&block->held, 1);
			return true;
		}
	}
	return false;
}

void *
malloc(size_t size)
{
	return FAILS(MALLOC) ? NULL :
			       hold(__libc_malloc(size), __builtin_return_address(0));
}

void *
calloc(size_t count, size_t size)
{
	return FAILS(CALLOC) ?
	    NULL :
	    hold(__libc_calloc(count, size), __builtin_return_address(0));
}

void *
realloc(void *old, size_t size)
{
	if (FAILS(REALLOC)) {
		return NULL;
	}
	bool ours = let_go(old);
	void *memory = __libc_realloc(old, size);

	if (!memory && ours && size > 0) {
		(void)hold(old, (const void *)text_from);
		return NULL;
	}
	return hold(memory, __builtin_return_address(0));
}

void
free(void *memory)
{
	(void)let_go(memory);
	__libc_free(memory);
}

char *
strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = FAILS(STRDUP) ? NULL : __libc_malloc(size);

	return copy ? hold(memcpy(copy, text, size), __builtin_return_address(0)) :
		      NULL;
}

/* ---- files ---- */

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static mode_t
mode_of(int flags, va_list more)
{
	return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
}

int
open(const char *path, int flags, ...)
{
	va_list more;

	va_start(more, flags);
	mode_t mode = mode_of(flags, more);

	va_end(more);
	return FAILS(OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int
openat(int folder, const char *path, int flags, ...)
{
	va_list more;

	va_start(more, flags);
	mode_t mode = mode_of(flags, more);

	va_end(more);
	return FAILS(OPEN) ? -1 : (int)syscall(SYS_openat, folder, path, flags, mode);
}

FILE *
fopen(const char *path, const char *mode)
{
	return FAILS(OPEN) ? NULL : REAL(fopen)(path, mode);
}

ssize_t
write(int fd, const void *from, size_t size)
{
	return FAILS(WRITE) ? -1 : syscall(SYS_write, fd, from, size);
}

int
fsync(int fd)
{
	return FAILS(SYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	return FAILS(SYNC) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int
rename(const char *old, const char *new)
{
	return FAILS(RENAME) ?
	    -1 :
	    (int)syscall(SYS_renameat2, AT_FDCWD, old, AT_FDCWD, new, 0);
}

int
renameat(int from, const char *old, int to, const char *new)
{
	return FAILS(RENAME) ? -1 : (int)syscall(SYS_renameat2, from, old, to, new, 0);
}

/* ---- sockets, threads ---- */

int
socket(int domain, int type, int protocol)
{
	return FAILS(SOCKET) ? -1 : (int)syscall(SYS_socket, domain, type, protocol);
}

int
connect(int fd, const struct sockaddr *address, socklen_t size)
{
	return FAILS(CONNECT) ? -1 : (int)syscall(SYS_connect, fd, address, size);
}

int
accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
	return FAILS(ACCEPT) ? -1 : (int)syscall(SYS_accept4, fd, address, size, flags);
}

int
accept(int fd, struct sockaddr *address, socklen_t *size)
{
	return FAILS(ACCEPT) ? -1 : (int)syscall(SYS_accept4, fd, address, size, 0);
}

int
pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
    void *(*start)(void *), void *arg)
{
	return FAILS(THREAD) ? errors[THREAD] :
			       REAL(pthread_create)(thread, attributes, start, arg);
}
