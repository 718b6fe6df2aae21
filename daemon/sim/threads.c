#include "threads.h"

#include <stddef.h>
#include <stdlib.h>

#include "world.h"
#include "xalloc.h"

/* 2026-01-05; the threads of a guild follow each other by a day. */
#define FIRST_MS INT64_C(1767571200000)
#define DAY_MS   INT64_C(86400000)

struct threads {
	struct thread_state changed[THREADS_CHANGED];
	int count;
};

struct threads *
threads_new(void)
{
	return xzalloc(sizeof(struct threads));
}

void
threads_free(struct threads *owned_threads)
{
	free(owned_threads);
}

/* Two are active, three archived, the last of which is locked, one only locked. */
static struct thread_state
first_state(uint64_t id)
{
	static const struct {
		bool archived;
		bool locked;
	} first[WORLD_THREADS] = {{false, false}, {false, false}, {true, false},
	    {true, false}, {true, true}, {false, true}};
	uint64_t number = (id & WORLD_LOW_MASK) - WORLD_THREAD_FIRST;

	struct thread_state state = {.id = id,
	    .archived = first[number].archived,
	    .locked = first[number].locked};

	state.changed_ms = FIRST_MS + (int64_t)number * DAY_MS;
	state.auto_archive_minutes = 4320;
	return state;
}

struct thread_state
threads_get(const struct threads *threads, uint64_t id)
{
	for (int i = 0; threads && i < threads->count; i++) {
		if (threads->changed[i].id == id) {
			return threads->changed[i];
		}
	}
	return first_state(id);
}

bool
threads_set(struct threads *threads, const struct thread_state *state)
{
	int i = 0;

	while (i < threads->count && threads->changed[i].id != state->id) {
		i++;
	}
	if (i == THREADS_CHANGED) {
		return false;
	}
	threads->changed[i] = *state;
	threads->count += i == threads->count ? 1 : 0;
	return true;
}
