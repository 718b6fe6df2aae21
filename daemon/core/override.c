#include "override.h"

#include <string.h>

const struct override *
override_find(const struct overrides *set, size_t index)
{
	return set->at[index].value[0] ? &set->at[index] : NULL;
}

enum gw_err
override_set(struct overrides *set, const struct override_ask *ask, mono_ns now)
{
	struct override fresh = {
	    .by = ask->by,
	    .set_at = now,
	    .until = clock_add(now, ask->span),
	};

	if (ask->value[0] == '\0') {
		return GW_ERR_RANGE;
	}
	if (!slice_copy(slice_of(ask->value), fresh.value, sizeof fresh.value)) {
		return GW_ERR_TOO_LARGE;
	}
	set->at[ask->index] = fresh;
	return GW_OK;
}

bool
override_drop(struct overrides *set, size_t index)
{
	bool there = override_find(set, index) != NULL;

	set->at[index] = (struct override){.value = ""};
	return there;
}

bool
override_expire(struct overrides *set, mono_ns now, bool expired[CONFIG_ID_COUNT])
{
	bool any = false;

	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		const struct override *found = override_find(set, i);

		expired[i] = found && now >= found->until;
		if (expired[i]) {
			(void)override_drop(set, i);
			any = true;
		}
	}
	return any;
}

mono_ns
override_next(const struct overrides *set)
{
	mono_ns next = CLOCK_NEVER;

	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		const struct override *found = override_find(set, i);

		if (found && found->until < next) {
			next = found->until;
		}
	}
	return next;
}

void
override_lay(const struct overrides *set, struct config *config)
{
	char why[256];

	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		const struct override *found = override_find(set, i);

		/* Each was tried when it was set. */
		if (found) {
			(void)config_override(config, i, found->value, OVERRIDE_SOURCE,
			    why, sizeof why);
		}
	}
}
