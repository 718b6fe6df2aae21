/* The history file: what is kept, how, and what is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "history.h"

#define PATH_ROOM 256

/* A folder of its own for each test; the history lies two folders below. */
struct place {
	char dir[PATH_ROOM];
	char folder[PATH_ROOM + 16];
	char path[PATH_ROOM + 32];
};

static int
make_place(void **state)
{
	struct place *place = calloc(1, sizeof *place);

	assert_non_null(place);
	(void)snprintf(place->dir, sizeof place->dir, "/tmp/gwctl-history-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	(void)snprintf(place->folder, sizeof place->folder, "%s/gwctl", place->dir);
	(void)snprintf(place->path, sizeof place->path, "%s/history", place->folder);
	assert_int_equal(setenv("XDG_STATE_HOME", place->dir, 1), 0);
	assert_int_equal(unsetenv("GWCTL_HISTFILE"), 0);
	*state = place;
	return 0;
}

static int
remove_place(void **state)
{
	struct place *place = *state;

	(void)unlink(place->path);
	(void)rmdir(place->path);
	(void)rmdir(place->folder);
	(void)rmdir(place->dir);
	free(place);
	return 0;
}

static struct history *
opened(void)
{
	struct history *history = calloc(1, sizeof *history);

	assert_non_null(history);
	history_open(history);
	return history;
}

static void
closed(struct history *history)
{
	history_close(history);
	free(history);
}

static void
write_file(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void
lines_come_back_in_a_private_file(void **state)
{
	const struct place *place = *state;
	struct history *history = opened();
	struct stat st;

	assert_string_equal(history->problem, "");
	assert_true(history_add(history, "status"));
	assert_true(history_add(history, "shards down"));
	closed(history);
	assert_int_equal(stat(place->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(place->folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	history = opened();
	assert_int_equal(history->count, 2);
	assert_string_equal(history->lines[0], "status");
	assert_string_equal(history->lines[1], "shards down");
	closed(history);
}

static void
what_may_be_secret_or_is_no_line_is_not_kept(void **state)
{
	static const char *const lines[] = {" status", "", "set discord.token x",
	    "x DISCORD_TOKEN=y", "a\x1b[2J", "a\nb", "a\tb", "a\x7f"};
	struct history *history = opened();
	char *longest = malloc(HISTORY_LINE_MAX_BYTES + 2);

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		assert_false(history_add(history, lines[i]));
	}
	assert_non_null(longest);
	memset(longest, 'x', HISTORY_LINE_MAX_BYTES + 1);
	longest[HISTORY_LINE_MAX_BYTES + 1] = '\0';
	assert_false(history_add(history, longest));
	longest[HISTORY_LINE_MAX_BYTES] = '\0';
	assert_true(history_add(history, longest));
	free(longest);
	closed(history);
}

static void
a_line_that_comes_again_stands_once_and_last(void **state)
{
	struct history *history = opened();

	(void)state;
	(void)history_add(history, "a");
	(void)history_add(history, "b");
	(void)history_add(history, "a");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(history->count, 2);
		assert_string_equal(history->lines[0], "b");
		assert_string_equal(history->lines[1], "a");
		closed(history);
		history = opened();
	}
	closed(history);
}

static void
two_prompts_lose_nothing_to_each_other(void **state)
{
	struct history *one = opened();
	struct history *other = opened();

	(void)state;
	(void)history_add(one, "a");
	(void)history_add(other, "b");
	(void)history_add(one, "c");
	closed(other);
	closed(one);
	one = opened();
	assert_int_equal(one->count, 3);
	assert_string_equal(one->lines[1], "b");
	closed(one);
}

static void
no_more_than_a_thousand_lines_are_kept(void **state)
{
	const struct place *place = *state;
	struct history *history = opened();
	struct stat before;
	struct stat after;
	char line[32];

	for (int i = 0; i <= HISTORY_LINES; i++) {
		(void)snprintf(line, sizeof line, "shards %d", i);
		assert_true(history_add(history, line));
	}
	assert_int_equal(history->count, HISTORY_LINES);
	closed(history);
	assert_int_equal(stat(place->path, &before), 0);
	history = opened();
	assert_int_equal(history->count, HISTORY_LINES);
	assert_string_equal(history->lines[0], "shards 1");
	closed(history);
	assert_int_equal(stat(place->path, &after), 0);
	assert_true(after.st_size < before.st_size);
}

static void
a_file_that_was_damaged_is_read_as_far_as_it_goes(void **state)
{
	const struct place *place = *state;

	assert_int_equal(mkdir(place->folder, 0700), 0);
	write_file(place->path, "status\n\x01\x02\n\n\xff\xfe\nlast without an end",
	    0644);
	struct history *history = opened();
	struct stat st;

	assert_string_equal(history->problem, "");
	assert_int_equal(history->count, 3);
	assert_string_equal(history->lines[2], "last without an end");
	(void)history_add(history, "next");
	closed(history);
	assert_int_equal(stat(place->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	history = opened();
	assert_int_equal(history->count, 4);
	assert_string_equal(history->lines[3], "next");
	closed(history);
}

static void
assert_refused(const struct place *place, const char *cause)
{
	struct history *history = opened();

	assert_non_null(strstr(history->problem, place->path));
	assert_non_null(strstr(history->problem, cause));
	/* It works without a file all the same. */
	assert_true(history_add(history, "status"));
	assert_int_equal(history->count, 1);
	closed(history);
}

static void
what_is_no_plain_file_is_left_alone(void **state)
{
	const struct place *place = *state;

	assert_int_equal(mkdir(place->folder, 0700), 0);
	assert_int_equal(symlink("/dev/null", place->path), 0);
	assert_refused(place, "symbolic link");
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(mkfifo(place->path, 0600), 0);
	assert_refused(place, "no plain file");
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(mkdir(place->path, 0700), 0);
	assert_refused(place, "directory");
}

static void
a_file_of_another_user_is_left_alone(void **state)
{
	const struct place *place = *state;
	struct stat st;

	if (geteuid() != 0) {
		skip(); /* only root can give a file away */
	}
	assert_int_equal(mkdir(place->folder, 0700), 0);
	write_file(place->path, "status\n", 0644);
	assert_int_equal(chown(place->path, 54321, 54321), 0);
	assert_refused(place, "another user");
	assert_int_equal(stat(place->path, &st), 0);
	assert_int_equal(st.st_size, 7);
	assert_int_equal(st.st_mode & 07777, 0644);
}

static void
a_lock_that_is_never_given_up_is_not_waited_for(void **state)
{
	const struct place *place = *state;
	struct history *history = opened();
	FILE *holder = fopen(place->path, "r");

	assert_non_null(holder);
	assert_int_equal(flock(fileno(holder), LOCK_EX), 0);
	assert_true(history_add(history, "status"));
	assert_non_null(strstr(history->problem, "locked"));
	assert_int_equal(fclose(holder), 0);
	closed(history);
}

static void
the_environment_moves_it_or_turns_it_off(void **state)
{
	const struct place *place = *state;

	assert_int_equal(setenv("GWCTL_HISTFILE", "", 1), 0);
	struct history *history = opened();

	assert_string_equal(history->problem, "");
	assert_true(history_add(history, "status"));
	assert_int_not_equal(access(place->path, F_OK), 0);
	closed(history);
	assert_int_equal(setenv("GWCTL_HISTFILE", place->path, 1), 0);
	history = opened();
	assert_true(history_add(history, "status"));
	assert_int_equal(access(place->path, F_OK), 0);
	closed(history);
	assert_int_equal(unsetenv("GWCTL_HISTFILE"), 0);
}

int
main(void)
{
#define IN_PLACE(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)
	const struct CMUnitTest tests[] = {
	    IN_PLACE(lines_come_back_in_a_private_file),
	    IN_PLACE(what_may_be_secret_or_is_no_line_is_not_kept),
	    IN_PLACE(a_line_that_comes_again_stands_once_and_last),
	    IN_PLACE(two_prompts_lose_nothing_to_each_other),
	    IN_PLACE(no_more_than_a_thousand_lines_are_kept),
	    IN_PLACE(a_file_that_was_damaged_is_read_as_far_as_it_goes),
	    IN_PLACE(what_is_no_plain_file_is_left_alone),
	    IN_PLACE(a_file_of_another_user_is_left_alone),
	    IN_PLACE(a_lock_that_is_never_given_up_is_not_waited_for),
	    IN_PLACE(the_environment_moves_it_or_turns_it_off),
	};
#undef IN_PLACE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
