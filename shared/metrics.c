#include "metrics.h"

#include <fnmatch.h>
#include <string.h>

#define PREFIX "gwbotd_"

static const struct metric table[] = {
#define ONE(name, type, unit, help, value)      {name, #type, unit, help, ""},
#define SHARD(name, type, unit, help, value)    {name, #type, unit, help, "shard"},
#define PROBE(name, type, unit, help, value)    {name, #type, unit, help, "probe"},
#define JOB(name, type, unit, help, value)      {name, #type, unit, help, "job"},
#define OWN(name, type, unit, help, labels, fn) {name, #type, unit, help, labels},
#include "metrics.def"
#undef ONE
#undef SHARD
#undef PROBE
#undef JOB
#undef OWN
};

size_t
metrics_count(void)
{
	return sizeof table / sizeof table[0];
}

const struct metric *
metrics_at(size_t index)
{
	return &table[index];
}

const struct metric *
metrics_find(const char *name)
{
	for (size_t i = 0; i < metrics_count(); i++) {
		if (strcmp(table[i].name, name) == 0) {
			return &table[i];
		}
	}
	return NULL;
}

bool
metrics_fit(size_t index, const char *glob)
{
	const char *name = table[index].name;
	size_t prefix = sizeof PREFIX - 1;

	return fnmatch(glob, name, 0) == 0 ||
	    (strncmp(name, PREFIX, prefix) == 0 &&
		fnmatch(glob, name + prefix, 0) == 0);
}
