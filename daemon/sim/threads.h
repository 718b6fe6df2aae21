/*
 * Threads: those of each guild, and how they have changed since the world began.
 */
#ifndef GWSIM_THREADS_H
#define GWSIM_THREADS_H

#include <stdbool.h>
#include <stdint.h>

#define THREADS_CHANGED 1024 /* how many may differ from what they were */

struct thread_state {
	uint64_t id;
	int64_t changed_ms;       /* when archived last changed */
	uint64_t last_message_id; /* 0: none */
	int auto_archive_minutes; /* 60, 1440, 4320 or 10080 */
	bool archived;
	bool locked;
};

struct threads;

struct threads *threads_new(void);

void threads_free(struct threads *owned_threads);

/** How a thread is; threads NULL: as it was at the beginning. */
struct thread_state threads_get(const struct threads *threads, uint64_t id);

/** Keeps a change; false where there are too many already. */
bool threads_set(struct threads *threads, const struct thread_state *state);

#endif
