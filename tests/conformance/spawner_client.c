/*
 * spawner_client: what a process can start once hardening_forbid_programs() holds, and
 * what its spawner starts for it.
 *
 *   spawner_client try                    each way to a process, and what became of it
 *   spawner_client run LEARNT PATH ARG... PATH ARG... by the spawner, which allows only
 *                                         what does not begin with the word LEARNT;
 * then once more when it has learnt
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <seccomp.h>

#include "hardening.h"
#include "spawner.h"

#define PATIENCE CLOCK_S(5)

struct rule {
	const char *learnt;
	bool knows;
};

static bool
allows(void *ctx, char *const *argv)
{
	const struct rule *rule = ctx;

	return rule->knows || strstr(argv[0], rule->learnt) == NULL;
}

static void
learn(void *ctx)
{
	struct rule *rule = ctx;

	rule->knows = true;
}

static void
say(const char *what, bool done)
{
	(void)printf("%s %s\n", what, done ? "done" : strerrorname_np(errno));
	(void)fflush(stdout);
}

static void *
from_a_thread(void *ctx)
{
	char *const argv[] = {ctx, NULL};

	say("thread execv", execv(ctx, argv) == 0);
	return NULL;
}

static void
try_all(char *program)
{
	char *const argv[] = {program, NULL};
	char *const none[] = {NULL};
	pthread_t thread;
	pid_t pid = -1;

	say("execve", execve(program, argv, none) == 0);
	say("execveat", syscall(SYS_execveat, AT_FDCWD, program, argv, none, 0) == 0);
	errno = posix_spawn(&pid, program, NULL, NULL, argv, none);
	say("posix_spawn", errno == 0);
	pid = fork();
	if (pid == 0) {
		_exit(0);
	}
	say("fork", pid > 0);
	say("system", system("true") == 0);
	errno = pthread_create(&thread, NULL, from_a_thread, program);
	say("pthread_create", errno == 0);
	(void)pthread_join(thread, NULL);
}

static void
run(const struct spawner *spawner, char *const *argv)
{
	const int fds[] = {STDOUT_FILENO, STDERR_FILENO};
	int status = 0;
	pid_t pid =
	    spawner_start(spawner, SPAWNER_PROGRAM, argv, fds, clock_now() + PATIENCE);

	if (pid < 0) {
		say("spawner", false);
	} else if (waitpid(pid, &status, 0) == pid) {
		(void)printf("status %d\n", WEXITSTATUS(status));
	} else {
		say("waitpid", false);
	}
	(void)fflush(stdout);
}

/* A kernel that does not know CLONE_PARENT. */
static void
forget_clone_parent(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	const struct scmp_arg_cmp parent = {.arg = 0,
	    .op = SCMP_CMP_MASKED_EQ,
	    .datum_a = CLONE_PARENT,
	    .datum_b = CLONE_PARENT};

	(void)seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(clone), 1,
	    parent);
	(void)seccomp_load(filter);
	seccomp_release(filter);
}

int
main(int argc, char **argv)
{
	struct rule rule = {.learnt = argc > 2 ? argv[2] : ""};
	const struct spawner_options options = {allows, learn, &rule};

	if (argc < 3) {
		return 2;
	}
	if (strcmp(argv[1], "alone") == 0) {
		forget_clone_parent();
	}
	struct spawner *spawner = spawner_new(&options);

	if (!spawner) {
		return 1;
	}
	(void)printf("apart %d\n", spawner_is_apart(spawner));
	if (spawner_is_apart(spawner)) {
		hardening_forbid_programs();
	}
	if (strcmp(argv[1], "try") == 0) {
		try_all(argv[2]);
	} else {
		run(spawner, argv + 3);
		spawner_learn(spawner);
		run(spawner, argv + 3);
	}
	spawner_free(spawner);
	return 0;
}
