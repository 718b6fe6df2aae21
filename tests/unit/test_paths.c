/* Default places: for root, for the service's user, for everybody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "paths.h"

#define PATH_ROOM 4096

/* "NAME=value" entries, ended by NULL. */
static const char *
entry_get(void *context, const char *name)
{
	size_t size = strlen(name);

	for (const char *const *entry = context; *entry; entry++) {
		if (strncmp(*entry, name, size) == 0 && (*entry)[size] == '=') {
			return *entry + size + 1;
		}
	}
	return NULL;
}

static struct paths_source
source_of(const char **entries, uid_t uid, const char *run_dir)
{
	return (struct paths_source){
	    .get = entry_get,
	    .context = entries,
	    .uid = uid,
	    .run_dir = run_dir,
	};
}

/* A uid that owns nothing here, and a folder that is not there. */
#define NOBODY  54321
#define NOWHERE "/nonexistent/gwbot"

static void
places_follow_the_user(void **state)
{
	static const struct {
		const char *name;
		uid_t uid;
		const char *entries[4];
		const char *socket;
		const char *state_dir;
	} cases[] = {
	    {"root", 0, {"XDG_RUNTIME_DIR=/run/user/0", "HOME=/root"},
		NOWHERE "/control.sock", "/var/lib/gwbot"},
	    {"a user with a session", NOBODY,
		{"XDG_RUNTIME_DIR=/run/user/54321", "HOME=/home/x"},
		"/run/user/54321/gwbot/control.sock", "/home/x/.local/state/gwbot"},
	    {"a user with a state folder", NOBODY,
		{"XDG_STATE_HOME=/state", "HOME=/home/x"},
		"/tmp/gwbot-54321/control.sock", "/state/gwbot"},
	    {"a user without anything", NOBODY, {NULL}, "/tmp/gwbot-54321/control.sock",
		"/tmp/gwbot-54321/state"},
	    {"relative and empty folders do not count", NOBODY,
		{"XDG_RUNTIME_DIR=run", "XDG_STATE_HOME=", "HOME=x"},
		"/tmp/gwbot-54321/control.sock", "/tmp/gwbot-54321/state"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *entries[4];
		char path[PATH_ROOM];

		print_message("%s\n", cases[i].name);
		memcpy(entries, cases[i].entries, sizeof entries);
		struct paths_source source = source_of(entries, cases[i].uid, NOWHERE);

		assert_int_equal(paths_control_socket(&source, path, sizeof path),
		    GW_OK);
		assert_string_equal(path, cases[i].socket);
		assert_int_equal(paths_state_dir(&source, path, sizeof path), GW_OK);
		assert_string_equal(path, cases[i].state_dir);
	}
}

static void
who_owns_the_system_folder_is_the_service(void **state)
{
	const char *entries[] = {"XDG_RUNTIME_DIR=/run/user/1", NULL};
	char run_dir[] = "/tmp/gwbot-test-XXXXXX";
	char expected[PATH_ROOM];
	char path[PATH_ROOM];

	(void)state;
	assert_non_null(mkdtemp(run_dir));
	assert_int_equal(chown(run_dir, NOBODY, NOBODY), geteuid() == 0 ? 0 : -1);
	struct stat status;

	assert_int_equal(stat(run_dir, &status), 0);
	struct paths_source source = source_of(entries, status.st_uid, run_dir);

	(void)snprintf(expected, sizeof expected, "%s/control.sock", run_dir);
	assert_int_equal(paths_control_socket(&source, path, sizeof path), GW_OK);
	assert_string_equal(path, expected);
	assert_int_equal(paths_state_dir(&source, path, sizeof path), GW_OK);
	assert_string_equal(path, "/var/lib/gwbot");
	assert_int_equal(rmdir(run_dir), 0);
}

static void
a_socket_path_of_107_bytes_fits_and_of_108_does_not(void **state)
{
	static const char tail[] = "/gwbot/control.sock";
	char entry[PATH_ROOM] = "XDG_RUNTIME_DIR=/";
	const char *entries[] = {entry, NULL};
	struct paths_source source = source_of(entries, NOBODY, NOWHERE);
	size_t name = strlen("XDG_RUNTIME_DIR=");
	char path[PATH_ROOM];

	(void)state;
	memset(entry + name + 1, 'x', 107 - strlen(tail) - 1);
	assert_int_equal(paths_control_socket(&source, path, sizeof path), GW_OK);
	assert_int_equal(strlen(path), 107);
	assert_int_equal(paths_control_socket(&source, path, 107), GW_ERR_TOO_LARGE);
	entry[strlen(entry)] = 'x'; /* the rest is zeroes */
	assert_int_equal(paths_control_socket(&source, path, sizeof path),
	    GW_ERR_TOO_LARGE);
}

static void
a_client_finds_the_socket_that_is_there(void **state)
{
	char root[] = "/tmp/gwbot-test-XXXXXX";
	char runtime[PATH_ROOM];
	char run_dir[PATH_ROOM];
	char system[PATH_ROOM];
	char own[PATH_ROOM];
	char path[PATH_ROOM];
	const char *entries[] = {runtime, NULL, NULL};

	(void)state;
	assert_non_null(mkdtemp(root));
	(void)snprintf(runtime, sizeof runtime, "XDG_RUNTIME_DIR=%s", root);
	(void)snprintf(run_dir, sizeof run_dir, "%s/system", root);
	(void)snprintf(system, sizeof system, "%s/system/control.sock", root);
	(void)snprintf(own, sizeof own, "%s/gwbot/control.sock", root);
	struct paths_source source = source_of(entries, NOBODY, run_dir);

	/* Neither: its own, which the caller's error then names. */
	assert_int_equal(paths_find_socket(&source, path, sizeof path), GW_OK);
	assert_string_equal(path, own);
	assert_int_equal(mkdir(run_dir, 0755), 0);
	FILE *file = fopen(system, "we");

	assert_non_null(file);
	(void)fclose(file);
	assert_int_equal(paths_find_socket(&source, path, sizeof path), GW_OK);
	assert_string_equal(path, system);
	/* A name in the environment goes before all. */
	entries[1] = "GWBOT_CONTROL_SOCKET=/named.sock";
	assert_int_equal(paths_find_socket(&source, path, sizeof path), GW_OK);
	assert_string_equal(path, "/named.sock");
	assert_int_equal(unlink(system), 0);
	assert_int_equal(rmdir(run_dir), 0);
	assert_int_equal(rmdir(root), 0);
}

static void
private_folders_are_made_and_judged(void **state)
{
	char root[] = "/tmp/gwbot-test-XXXXXX";
	char dir[PATH_ROOM];
	char link[PATH_ROOM];
	char below[PATH_ROOM];
	struct stat status;

	(void)state;
	assert_non_null(mkdtemp(root));
	(void)snprintf(dir, sizeof dir, "%s/a/b", root);
	(void)snprintf(link, sizeof link, "%s/link", root);
	assert_int_equal(paths_make_private(dir), GW_OK);
	assert_int_equal(stat(dir, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
	assert_int_equal(paths_make_private(dir), GW_OK);

	/* Others may write it, or a link stands in its place. */
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(paths_make_private(dir), GW_ERR_PERMISSION);
	assert_int_equal(symlink(root, link), 0);
	assert_int_equal(paths_make_private(link), GW_ERR_PERMISSION);

	/* Not a folder; below what is no folder; below what others may write. */
	(void)snprintf(below, sizeof below, "%s/a/b/c", root);
	assert_int_equal(paths_make_private(below), GW_ERR_PERMISSION);
	assert_int_equal(chmod(dir, 01777), 0);
	assert_int_equal(paths_make_private(below), GW_OK);
	assert_int_equal(paths_make_private("/dev/null"), GW_ERR_PERMISSION);
	assert_int_not_equal(paths_make_private("/dev/null/x"), GW_OK);
	assert_int_not_equal(paths_make_private(""), GW_OK);

	assert_int_equal(rmdir(below), 0);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(rmdir(dir), 0);
	*strrchr(dir, '/') = '\0';
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(rmdir(root), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(places_follow_the_user),
	    cmocka_unit_test(who_owns_the_system_folder_is_the_service),
	    cmocka_unit_test(a_socket_path_of_107_bytes_fits_and_of_108_does_not),
	    cmocka_unit_test(a_client_finds_the_socket_that_is_there),
	    cmocka_unit_test(private_folders_are_made_and_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
