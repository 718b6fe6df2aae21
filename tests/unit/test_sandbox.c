/* What gwbot-emoji may still do when it looks at an image, and what kills it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define ENTERED_NOT     99

/* Runs act in a sandboxed child; returns how that ended, as waitpid() says it. */
static int
in_sandbox(int (*act)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		_exit(sandbox_enter(1) ? act() : ENTERED_NOT);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* ---- what is allowed ---- */

static int
reads_writes_and_uses_memory(void)
{
	char *memory = malloc((size_t)40 << 20);
	char byte = 0;

	if (!memory) {
		return 1;
	}
	memory[0] = 1;
	memory[((size_t)40 << 20) - 1] = 1;
	free(memory);
	return read(STDIN_FILENO, &byte, 0) == 0 && write(STDOUT_FILENO, "", 0) == 0 ?
	    0 :
	    2;
}

static void
reading_writing_memory_and_the_end_are_allowed(void **state)
{
	int status = in_sandbox(reads_writes_and_uses_memory);

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- what is not ---- */

static int
makes_a_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int
opens_a_file(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int
runs_a_program(void)
{
	return execl("/bin/true", "true", NULL);
}

/* Not fork(): the library's handlers might be killed before it. */
static int
forks(void)
{
	return (int)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static int
kills(void)
{
	return kill(1, 0);
}

static int
asks_for_its_name(void)
{
	return (int)syscall(SYS_readlink, "/proc/self/exe", NULL, 0);
}

static int
looks_into_another(void)
{
	return (int)syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0);
}

static int
makes_memory_executable(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED;
}

static int
turns_memory_executable(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static int
writes_elsewhere(void)
{
	return (int)write(3, "", 0);
}

static int
reads_elsewhere(void)
{
	char byte = 0;

	return (int)read(STDOUT_FILENO, &byte, 1);
}

static int
copies_a_descriptor(void)
{
	return dup(STDIN_FILENO);
}

static int
makes_itself_visible(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static void
everything_else_kills(void **state)
{
	static const struct {
		const char *name;
		int (*act)(void);
	} cases[] = {
	    {"socket", makes_a_socket},
	    {"open", opens_a_file},
	    {"exec", runs_a_program},
	    {"fork", forks},
	    {"kill", kills},
	    {"readlink", asks_for_its_name},
	    {"process_vm_readv", looks_into_another},
	    {"mmap PROT_EXEC", makes_memory_executable},
	    {"mprotect PROT_EXEC", turns_memory_executable},
	    {"write to another descriptor", writes_elsewhere},
	    {"read from another descriptor", reads_elsewhere},
	    {"dup", copies_a_descriptor},
	    {"prctl", makes_itself_visible},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int status = in_sandbox(cases[i].act);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) {
			fail_msg("%s: status %#x", cases[i].name, (unsigned)status);
		}
	}
}

#ifndef SANDBOX_WITH_CHECKERS
static int
takes_too_much_memory(void)
{
	char *volatile memory = malloc((size_t)256 << 20);

	bool refused = memory == NULL;

	free(memory);
	return refused ? 0 : 1;
}

static void
memory_has_a_limit(void **state)
{
	int status = in_sandbox(takes_too_much_memory);

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}
#endif

static int
runs_for_ever(void)
{
	volatile uint64_t turns = 0;

	while (turns < UINT64_MAX) {
		turns = turns + 1;
	}
	return 0;
}

static void
cpu_time_has_a_limit(void **state)
{
	int status = in_sandbox(runs_for_ever);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_true(WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reading_writing_memory_and_the_end_are_allowed),
	    cmocka_unit_test(everything_else_kills),
#ifndef SANDBOX_WITH_CHECKERS
	    cmocka_unit_test(memory_has_a_limit),
#endif
	    cmocka_unit_test(cpu_time_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
