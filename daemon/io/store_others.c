/* Sessions of other shards in the state folder. */
#include "store_others.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

static bool
skip_word(const char **at, const char *word)
{
	size_t size = strlen(word);
	bool found = strncmp(*at, word, size) == 0;

	*at += found ? size : 0;
	return found;
}

static bool
take_number(const char **at, uint64_t *out)
{
	size_t digits = strspn(*at, "0123456789");

	*out = digits > 0 && digits < 10 ? strtoull(*at, NULL, 10) : UINT64_MAX;
	*at += digits;
	return digits > 0;
}

/* A session's file, and not one of these shards. */
static bool
is_of_others(const struct store_shards *shards, const char *name)
{
	uint64_t id = 0;
	uint64_t total = 0;
	const char *at = name;
	bool record = skip_word(&at, "shard-") && take_number(&at, &id) &&
	    skip_word(&at, "-of-") && take_number(&at, &total) &&
	    strcmp(at, ".session") == 0;

	return record &&
	    (total != shards->total || id < shards->first ||
		id - shards->first >= shards->count);
}

/* Discord gives each number of shards other guilds a shard: a session of another number
 * must not be resumed when that number comes back, and its file not lie about.  One of
 * the same number that another process took over is as stale when it comes back. */
void
store_discard_others(const struct store_folder *folder,
    const struct store_shards *shards)
{
	unsigned files = 0;
	int fd = openat(folder->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;

	if (!entries) {
		if (fd >= 0) {
			(void)close(fd);
		}
		return;
	}
	for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries)) {
		if (is_of_others(shards, entry->d_name) &&
		    unlinkat(folder->dir_fd, entry->d_name, 0) == 0) {
			files++;
		}
	}
	(void)closedir(entries);
	if (files > 0) {
		log_info("session_discarded", KV("files", files),
		    KV("reason", "stored for another number or range of shards"));
	}
}
