/*
 * The state folder and the files that are mapped in it; for store*.c only.
 *
 * What of it cannot be used is kept in memory instead, and store_folder.problem says
 * why.
 */
#ifndef GWBOTD_STORE_FILE_H
#define GWBOTD_STORE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* Who has its lock has the folder. */
#define STORE_LOCK_NAME "lock"

struct store_folder {
	int dir_fd;        /* -1: not open */
	int lock_fd;       /* -1: not open */
	bool usable;       /* open and locked by us */
	char problem[192]; /* empty: all of it is kept on disk */
};

/* A file whose first bytes are mapped, or memory alone where there is no file. */
struct store_file {
	int fd;        /* -1: memory alone */
	bool released; /* memory in the place of what was mapped */
	size_t size;
	uint8_t *bytes;
	char name[64];
};

/** Opens the folder, making it where it is missing, and locks it.  GW_ERR_BUSY: another
 * daemon holds it; all else is a problem. */
enum gw_err store_folder_open(struct store_folder *folder, const char *dir);
void store_folder_close(struct store_folder *folder);

/** Unlocks it for another process, once all its files are released. */
void store_folder_release(struct store_folder *folder, const char *why);

/** Maps size bytes of the file of this name; memory alone where that fails. */
void store_file_map(struct store_folder *folder, struct store_file *file,
    const char *name, size_t size);
void store_file_unmap(struct store_file *file);

/** Lets go of the file: its bytes are memory from now on, at the same place and with
 * what they hold.  Ends the process with 70 where the kernel has no page for it. */
void store_file_release(struct store_file *file);

/** Stores to every page again, so that the next sync takes it: the kernel takes a page
 * that it could not write for clean. */
void store_file_write_again(const struct store_file *file);

/** Keeps what could not be read as NAME.bad, for whoever wants to know. */
void store_file_keep_aside(const struct store_folder *folder,
    const struct store_file *file);

#endif
