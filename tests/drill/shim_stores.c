/*
 * Every single store into a file that is mapped shared can be the last that the process
 * does: the n-th (SHIM_AT) is not done, the process dies by SIGKILL before it.
 *
 * Preloaded into gwbotd by the drill, on x86-64.  Such mappings below SHIM_FOLDER are
 * made read-only; the fault of each store opens them for one instruction, which the
 * trap flag ends.  SHIM_COUNT: a file of 8 bytes that is given the number of stores so
 * far.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define REGIONS_MAX 16
#define TRAP_FLAG   0x100
#define STORE_MAX   64 /* bytes of one store */
#define RUN_MAX     64

static struct region {
	uint8_t *begin;
	size_t size;
} regions[REGIONS_MAX];
static unsigned region_count;
static uint64_t wanted;
static uint64_t *stores; /* in the file that SHIM_COUNT names, or here */

static void
protect(int protection)
{
	for (unsigned i = 0; i < region_count; i++) {
		(void)mprotect(regions[i].begin, regions[i].size, protection);
	}
}

static int
is_ours(const uint8_t *address)
{
	for (unsigned i = 0; i < region_count; i++) {
		if (address >= regions[i].begin &&
		    address < regions[i].begin + regions[i].size) {
			return 1;
		}
	}
	return 0;
}

/* Clearing a page is thousands of stores of one instruction: its first ones count. */
static int
counts(const uint8_t *address, greg_t instruction)
{
	static const uint8_t *last_address;
	static greg_t last_instruction;
	static unsigned run;
	int follows = instruction == last_instruction && address > last_address &&
	    address <= last_address + STORE_MAX;

	run = follows ? run + 1 : 0;
	last_address = address;
	last_instruction = instruction;
	return run < RUN_MAX;
}

static void
on_store(int number, siginfo_t *info, void *context)
{
	ucontext_t *cpu = context;

	(void)number;
	if (!is_ours(info->si_addr)) {
		(void)signal(SIGSEGV, SIG_DFL);
		return;
	}
	if (counts(info->si_addr, cpu->uc_mcontext.gregs[REG_RIP]) &&
	    ++*stores == wanted) {
		(void)kill(getpid(), SIGKILL);
	}
	protect(PROT_READ | PROT_WRITE);
	cpu->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void
on_stored(int number, siginfo_t *info, void *context)
{
	ucontext_t *cpu = context;

	(void)number;
	(void)info;
	protect(PROT_READ);
	cpu->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

__attribute__((constructor)) static void
prepare(void)
{
	static uint64_t here;
	const char *at = getenv("SHIM_AT");
	const char *path = getenv("SHIM_COUNT");
	struct sigaction store = {.sa_sigaction = on_store, .sa_flags = SA_SIGINFO};
	struct sigaction stored = {.sa_sigaction = on_stored, .sa_flags = SA_SIGINFO};

	wanted = at ? strtoull(at, NULL, 10) : 0;
	stores = &here;
	int fd = path ? open(path, O_RDWR | O_CREAT, 0600) : -1;

	if (fd >= 0 && ftruncate(fd, sizeof *stores) == 0) {
		void *mapped = (void *)syscall(SYS_mmap, NULL, sizeof *stores,
		    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		stores = mapped == MAP_FAILED ? &here : mapped;
	}
	(void)sigaction(SIGSEGV, &store, NULL);
	(void)sigaction(SIGTRAP, &stored, NULL);
}

static int
is_below_folder(int fd)
{
	const char *folder = getenv("SHIM_FOLDER");
	char link[64];
	char path[PATH_MAX];

	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t size = readlink(link, path, sizeof path - 1);

	if (!folder || size < 0) {
		return 0;
	}
	path[size] = '\0';
	return strncmp(path, folder, strlen(folder)) == 0;
}

void *
mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	int caught = fd >= 0 && (flags & MAP_SHARED) != 0 &&
	    (protection & PROT_WRITE) != 0 && region_count < REGIONS_MAX &&
	    is_below_folder(fd);
	void *mapped = (void *)syscall(SYS_mmap, at, size,
	    caught ? PROT_READ : protection, flags, fd, offset);

	if (caught && mapped != MAP_FAILED) {
		regions[region_count++] = (struct region){mapped, size};
	}
	return mapped;
}
