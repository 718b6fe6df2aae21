#include "hardening.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "paths.h"

#define PATH_ROOM 4096

/* ---- another user ---- */

/* Folders directly below those of root: nobody can put a link in their place. */
static bool
give_folder(const char *path, mode_t mode, const struct passwd *user)
{
	if (mkdir(path, mode) != 0 && errno != EEXIST) {
		return false;
	}
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		return false;
	}
	bool given =
	    fchown(fd, user->pw_uid, user->pw_gid) == 0 && fchmod(fd, mode) == 0;
	int number = errno;

	(void)close(fd);
	errno = number;
	return given;
}

/* What a start as root by mistake has left: the user could not open it.  No link to a
 * file of root's, whatever the user has put in its place. */
static bool
give_lock(const char *socket, const struct passwd *user)
{
	char path[PATH_ROOM + sizeof ".lock"];
	struct stat st;

	(void)snprintf(path, sizeof path, "%s.lock", socket);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		return true;
	}
	bool plain = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
	bool given = !plain || fchown(fd, user->pw_uid, user->pw_gid) == 0;

	(void)close(fd);
	return given;
}

static bool
give_folders(const struct passwd *user, char *why, size_t room)
{
	struct paths_source source = paths_source_own(paths_getenv_process, NULL);
	char socket[PATH_ROOM];
	char state[PATH_ROOM];

	(void)paths_control_socket(&source, socket, sizeof socket);
	(void)paths_state_dir(&source, state, sizeof state);
	bool given = give_lock(socket, user);
	char *slash = strrchr(socket, '/');

	if (slash) {
		*slash = '\0';
	}
	const char *failed = !given || !give_folder(socket, 0755, user) ? socket :
	    !give_folder(state, 0750, user)                             ? state :
									  NULL;

	if (failed) {
		(void)snprintf(why, room, "--user: cannot make %.200s: %s", failed,
		    strerror(errno));
	}
	return failed == NULL;
}

/* Leaving root clears the capabilities that are held; these could come back by exec. */
static void
drop_bounding(void)
{
	for (unsigned long number = 0; prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0;
	     number++) {
		(void)prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
	}
}

enum gw_err
hardening_become(const char *user, char *why, size_t room)
{
	if (geteuid() != 0) {
		(void)snprintf(why, room,
		    "--user %.64s: only root can become another user; start it as "
		    "that user instead",
		    user);
		return GW_ERR_PERMISSION;
	}
	const struct passwd *entry = getpwnam(user);

	if (!entry || entry->pw_uid == 0) {
		(void)snprintf(why, room, "--user %.64s: %s", user,
		    entry ? "that is root; name one without rights" :
			    "there is no such user; the package makes gwbot");
		return GW_ERR_NOT_FOUND;
	}
	if (!give_folders(entry, why, room)) {
		return GW_ERR_IO;
	}
	drop_bounding();
	if (initgroups(entry->pw_name, entry->pw_gid) != 0 ||
	    setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) != 0 ||
	    setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) != 0) {
		(void)snprintf(why, room, "--user %.64s: %s", user, strerror(errno));
		return GW_ERR_IO;
	}
	return GW_OK;
}

/* ---- for everybody ---- */

/* One byte, where that is allowed: 0 still has a core piped to a program. */
static void
forbid_core(void)
{
	struct rlimit limit = {0, 0};

	(void)getrlimit(RLIMIT_CORE, &limit);
	limit.rlim_cur = limit.rlim_max = limit.rlim_max < 1 ? limit.rlim_max : 1;
	(void)setrlimit(RLIMIT_CORE, &limit);
}

/*
 * A list of what is refused, not of what is allowed: libraries, name services and the
 * programs of probes and jobs call what nobody can foresee.  gwbot-emoji, which reads
 * what strangers made, has a list of the other kind.
 */
static const int refused[] = {
#ifndef SANDBOX_WITH_CHECKERS /* the leak checker looks at its own threads */
    SCMP_SYS(ptrace),
#endif
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(bpf),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsmount),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(reboot),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(modify_ldt),
    SCMP_SYS(syslog),
    SCMP_SYS(vhangup),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(fanotify_init),
    SCMP_SYS(nfsservctl),
    SCMP_SYS(lookup_dcookie),
};

static void
refuse_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (!filter) {
		return;
	}
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		/* One that this processor does not have is no error to us. */
		(void)seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
	}
	/* A tree: the calls of a busy loop are not compared with all of them. */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	(void)seccomp_load(filter);
	seccomp_release(filter);
}

void
hardening_apply(void)
{
	forbid_core();
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	refuse_calls();
	/* Dumpable it stays: /proc/self would be root's, and its figures unreadable. */
}

/* Refuses the call where it would make a process: threads share what CLONE_THREAD says.
 * glibc tries clone3 first, whose flags are out of a filter's sight, and takes clone
 * where the kernel does not know it. */
#ifndef SANDBOX_WITH_CHECKERS /* the leak checker looks at us from a process */
static void
refuse_processes(scmp_filter_ctx filter)
{
#ifdef __s390__
	const unsigned flags_at = 1;
#else
	const unsigned flags_at = 0;
#endif
	const struct scmp_arg_cmp process = {.arg = flags_at,
	    .op = SCMP_CMP_MASKED_EQ,
	    .datum_a = CLONE_THREAD,
	    .datum_b = 0};

	(void)seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(fork), 0);
	(void)seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(vfork), 0);
	(void)seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
	    process);
	(void)seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}
#else
static void
refuse_processes(scmp_filter_ctx filter)
{
	(void)filter;
}
#endif

void
hardening_forbid_programs(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (!filter) {
		return;
	}
	(void)seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(execve), 0);
	(void)seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(execveat), 0);
	refuse_processes(filter);
	(void)seccomp_load(filter);
	seccomp_release(filter);
}

/* ---- what holds ---- */

/* By trying: without a path the kernel says EFAULT, and a filter says EPERM first. */
static bool
may_exec(void)
{
	return syscall(SYS_execve, NULL, NULL, NULL) != 0 && errno != EPERM;
}

static uint64_t
field(const char *status, const char *name, int base)
{
	const char *at = strstr(status, name);

	return at ? strtoull(at + strlen(name), NULL, base) : 0;
}

struct hardening
hardening_read(void)
{
	char status[4096] = "";
	FILE *file = fopen("/proc/self/status", "re");

	if (file) {
		status[fread(status, 1, sizeof status - 1, file)] = '\0';
		(void)fclose(file);
	}
	return (struct hardening){
	    .no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1,
	    .may_exec = may_exec(),
	    .filtered = field(status, "\nSeccomp:", 10) == 2,
	    .capabilities = field(status, "\nCapPrm:", 16) |
		field(status, "\nCapInh:", 16) | field(status, "\nCapAmb:", 16),
	};
}
