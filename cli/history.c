#include "history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "paths.h"
#include "xalloc.h"

/* What is read of a file; the newest lines stand at its end. */
#define FILE_MAX_BYTES ((size_t)4 * 1024 * 1024)

#define LOCK_TRIES     20
#define LOCK_PAUSE     CLOCK_MS(10)

/* ---- the lines ---- */

static void
drop(struct history *history, size_t index)
{
	free(history->lines[index]);
	memmove(history->lines + index, history->lines + index + 1,
	    (history->count - index - 1) * sizeof history->lines[0]);
	history->count--;
}

static void
keep(struct history *history, const char *line, size_t size)
{
	for (size_t i = 0; i < history->count; i++) {
		if (strlen(history->lines[i]) == size &&
		    memcmp(history->lines[i], line, size) == 0) {
			drop(history, i);
			break;
		}
	}
	if (history->count == HISTORY_LINES) {
		drop(history, 0);
	}
	history->lines[history->count++] = xstrndup(line, size);
}

static bool
is_kept(const char *line, size_t size)
{
	if (size == 0 || size > HISTORY_LINE_MAX_BYTES || line[0] == ' ') {
		return false;
	}
	for (size_t i = 0; i < size; i++) {
		unsigned char byte = (unsigned char)line[i];

		if (byte < ' ' || byte == 0x7F ||
		    (size - i >= 5 && strncasecmp(line + i, "token", 5) == 0)) {
			return false;
		}
	}
	return true;
}

/* ---- the file ---- */

static void
give_up(struct history *history, const char *cause)
{
	(void)snprintf(history->problem, sizeof history->problem,
	    "the history is not kept: %s: %s", history->path, cause);
	history->path[0] = '\0';
}

/* What open(2) and fstat(2) have to say against the file; NULL: nothing. */
static const char *
judge_file(int fd)
{
	struct stat st;

	if (fd < 0) {
		return errno == ELOOP ? "it is a symbolic link" : strerror(errno);
	}
	if (fstat(fd, &st) != 0) {
		return strerror(errno);
	}
	if (!S_ISREG(st.st_mode)) {
		return "it is no plain file";
	}
	if (st.st_uid != geteuid()) {
		return "it belongs to another user";
	}
	if ((st.st_mode & 0177) != 0 && fchmod(fd, 0600) != 0) {
		return strerror(errno);
	}
	return NULL;
}

/* Another prompt holds it for as long as a line takes to write. */
static bool
lock(int fd)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			return true;
		}
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

/* The file, open and locked; -1 with the problem said.  O_NONBLOCK: a FIFO must not
 * hold us up before it is refused. */
static int
open_file(struct history *history)
{
	int fd = open(history->path,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	const char *cause = judge_file(fd);

	if (!cause && !lock(fd)) {
		cause = "another prompt has it locked";
	}
	if (cause) {
		give_up(history, cause);
		if (fd >= 0) {
			(void)close(fd);
		}
		return -1;
	}
	return fd;
}

static bool
write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t wrote = write(fd, data, size);

		if (wrote < 0 && errno != EINTR) {
			return false;
		}
		if (wrote > 0) {
			data += wrote;
			size -= (size_t)wrote;
		}
	}
	return true;
}

/* The end of the file, FILE_MAX_BYTES at most. */
static bool
read_end(int fd, struct buf *out)
{
	off_t size = lseek(fd, 0, SEEK_END);
	off_t from = size > (off_t)FILE_MAX_BYTES ? size - (off_t)FILE_MAX_BYTES : 0;
	char room[8192];
	ssize_t got;

	if (size < 0 || lseek(fd, from, SEEK_SET) < 0) {
		return false;
	}
	while ((got = read(fd, room, sizeof room)) > 0) {
		if (buf_append(out, room, (size_t)got) != GW_OK) {
			break;
		}
	}
	return got >= 0;
}

/* Takes the lines of text; returns how many there were, kept or not. */
static size_t
take_lines(struct history *history, struct slice text)
{
	size_t count = 0;

	while (text.size > 0) {
		const char *end = memchr(text.data, '\n', text.size);
		size_t size = end ? (size_t)(end - text.data) : text.size;
		size_t used = end ? size + 1 : size;

		if (is_kept(text.data, size)) {
			keep(history, text.data, size);
		}
		count++;
		text = (struct slice){text.data + used, text.size - used};
	}
	return count;
}

/* The lines as they are kept, over what the file holds, which is longer: at no moment
 * does it need more room on the disk. */
static bool
rewrite(const struct history *history, int fd)
{
	struct buf text;
	bool done = true;

	buf_init(&text, (size_t)HISTORY_LINES * (HISTORY_LINE_MAX_BYTES + 1));
	for (size_t i = 0; i < history->count && done; i++) {
		done = buf_printf(&text, "%s\n", history->lines[i]) == GW_OK;
	}
	done = done && lseek(fd, 0, SEEK_SET) == 0 &&
	    write_all(fd, text.data, text.size) && ftruncate(fd, (off_t)text.size) == 0;
	buf_fini(&text);
	return done;
}

static void
read_file(struct history *history)
{
	int fd = open_file(history);
	struct buf text;

	if (fd < 0) {
		return;
	}
	buf_init(&text, FILE_MAX_BYTES);
	bool done = read_end(fd, &text) &&
	    (take_lines(history, buf_slice(&text)) == history->count ||
		rewrite(history, fd));

	if (!done) {
		give_up(history, strerror(errno));
	}
	buf_fini(&text);
	(void)close(fd);
}

/* ---- where it is ---- */

static bool
find_path(struct history *history)
{
	const char *named = getenv("GWCTL_HISTFILE");
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	int size = 0;

	if (named) {
		size = snprintf(history->path, sizeof history->path, "%s", named);
	} else if (state && state[0] == '/') {
		size = snprintf(history->path, sizeof history->path, "%s/gwctl/history",
		    state);
	} else if (home && home[0] == '/') {
		size = snprintf(history->path, sizeof history->path,
		    "%s/.local/state/gwctl/history", home);
	}
	if (size < 0 || (size_t)size >= sizeof history->path) {
		give_up(history, "the path is too long");
	}
	return history->path[0] != '\0';
}

/* The folder, with those above it. */
static bool
make_folder(struct history *history)
{
	char folder[HISTORY_PATH_MAX_BYTES];
	const char *slash = strrchr(history->path, '/');

	if (!slash || slash == history->path) {
		return true;
	}
	(void)slice_copy((struct slice){history->path, (size_t)(slash - history->path)},
	    folder, sizeof folder);
	struct stat st;

	/* One that is there is the user's business; the file is judged all the same. */
	if (stat(folder, &st) == 0) {
		return true;
	}
	enum gw_err err = paths_make_private(folder);

	if (err != GW_OK) {
		give_up(history, err_text(err));
	}
	return err == GW_OK;
}

void
history_open(struct history *history)
{
	*history = (struct history){.count = 0};
	if (find_path(history) && make_folder(history)) {
		read_file(history);
	}
}

void
history_close(struct history *history)
{
	for (size_t i = 0; i < history->count; i++) {
		free(history->lines[i]);
	}
	history->count = 0;
	history->path[0] = '\0';
}

static void
append(struct history *history, const char *line)
{
	int fd = open_file(history);
	struct buf text;

	if (fd < 0) {
		return;
	}
	buf_init(&text, HISTORY_LINE_MAX_BYTES + 2);
	if (buf_printf(&text, "%s\n", line) != GW_OK || lseek(fd, 0, SEEK_END) < 0 ||
	    !write_all(fd, text.data, text.size)) {
		give_up(history, strerror(errno));
	}
	buf_fini(&text);
	(void)close(fd);
}

bool
history_add(struct history *history, const char *line)
{
	size_t size = strlen(line);

	if (!is_kept(line, size)) {
		return false;
	}
	bool again =
	    history->count > 0 && strcmp(history->lines[history->count - 1], line) == 0;

	keep(history, line, size);
	if (history->path[0] && !again) {
		append(history, line);
	}
	return true;
}
