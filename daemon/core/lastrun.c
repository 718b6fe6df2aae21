#include "lastrun.h"

#include "ratelimit_told.h"

uint64_t
lastrun_key(struct slice name, struct slice schedule, struct slice zone)
{
	return ratelimit_hash(ratelimit_hash(ratelimit_hash(1, name), schedule), zone);
}

bool
lastrun_read(const struct lastrun_file *file, uint64_t key, wall_us *at)
{
	for (size_t i = 0; i < LASTRUN_JOBS_MAX; i++) {
		if (file->jobs[i].key == key) {
			*at = file->jobs[i].at;
			return true;
		}
	}
	return false;
}

void
lastrun_write(struct lastrun_file *file, uint64_t key, wall_us at)
{
	size_t place = 0;

	for (size_t i = 0; i < LASTRUN_JOBS_MAX; i++) {
		if (file->jobs[i].key == key) {
			file->jobs[i].at = at;
			return;
		}
		bool free_one = file->jobs[i].key == 0;

		if (file->jobs[place].key != 0 &&
		    (free_one || file->jobs[i].at < file->jobs[place].at)) {
			place = i;
		}
	}
	/* A process that dies in between leaves an instant that is new, not old. */
	file->jobs[place].at = at;
	file->jobs[place].key = key;
}
