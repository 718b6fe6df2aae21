#include "sandbox.h"

#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define MEMORY_MAX_BYTES (192U << 20)

static bool
limit(__rlimit_resource_t resource, rlim_t value)
{
	struct rlimit both = {value, value};

	return setrlimit(resource, &both) == 0;
}

static bool
limit_all(unsigned cpu_s)
{
	return limit(RLIMIT_CPU, cpu_s) && limit(RLIMIT_CORE, 0) &&
	    limit(RLIMIT_FSIZE, 0) && limit(RLIMIT_NOFILE, 0) &&
	    limit(RLIMIT_NPROC, 0) &&
#ifndef SANDBOX_WITH_CHECKERS /* the checkers map terabytes of shadow */
	    limit(RLIMIT_AS, MEMORY_MAX_BYTES) &&
#endif
	    true;
}

/* Nothing of the parent's but the three streams, nobody may look in, and no orphan. */
static bool
cut_off(void)
{
	/* A write to a file is refused then, and does not kill. */
	return signal(SIGXFSZ, SIG_IGN) != SIG_ERR && close_range(3, ~0U, 0) == 0 &&
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0;
}

/* Allows the call where its first argument is this descriptor. */
static bool
allow_stream(scmp_filter_ctx filter, int call, unsigned fd)
{
	const struct scmp_arg_cmp same = {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = fd};

	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, same) == 0;
}

/* Allows the call, whose third argument is a protection, unless memory is to be run. */
static bool
allow_data(scmp_filter_ctx filter, int call)
{
	const struct scmp_arg_cmp data = {.arg = 2,
	    .op = SCMP_CMP_MASKED_EQ,
	    .datum_a = PROT_EXEC,
	    .datum_b = 0};

	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, data) == 0;
}

static bool
allow_plain(scmp_filter_ctx filter)
{
	static const int calls[] = {
	    SCMP_SYS(munmap),
	    SCMP_SYS(mremap),
	    SCMP_SYS(madvise),
	    SCMP_SYS(brk),
	    SCMP_SYS(exit),
	    SCMP_SYS(exit_group),
#ifdef SANDBOX_WITH_CHECKERS /* they ask before every call that does not return */
	    SCMP_SYS(sigaltstack),
#endif
	};
	bool allowed = true;

	for (size_t i = 0; allowed && i < sizeof calls / sizeof calls[0]; i++) {
		allowed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) == 0;
	}
	return allowed;
}

static bool
filter_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	bool done = filter && allow_stream(filter, SCMP_SYS(read), STDIN_FILENO) &&
	    allow_stream(filter, SCMP_SYS(write), STDOUT_FILENO) &&
	    allow_stream(filter, SCMP_SYS(write), STDERR_FILENO) &&
	    allow_data(filter, SCMP_SYS(mmap)) &&
	    allow_data(filter, SCMP_SYS(mprotect)) && allow_plain(filter) &&
	    seccomp_load(filter) == 0;

	/* Loaded or not: the kernel has its own copy. */
	seccomp_release(filter);
	return done;
}

bool
sandbox_enter(unsigned cpu_s)
{
	return cut_off() && limit_all(cpu_s) && filter_calls();
}
