#include "rights.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"
#include "xalloc.h"

#define PLACES 64

/* What else a bot usually may. */
#define USUAL_BITS UINT64_C(2248473465835073)

static const struct {
	const char *name;
	enum right right;
} names[] = {
    {"react", RIGHT_REACT},
    {"view", RIGHT_VIEW},
    {"send", RIGHT_SEND},
    {"manage_messages", RIGHT_MANAGE_MESSAGES},
    {"history", RIGHT_HISTORY},
    {"manage_threads", RIGHT_MANAGE_THREADS},
    {"send_in_threads", RIGHT_SEND_IN_THREADS},
    {"pin", RIGHT_PIN},
};

#define NAME_COUNT (sizeof names / sizeof names[0])

struct place {
	uint64_t channel_id;
	uint64_t lacking; /* bits; 0: the place is free */
};

struct rights {
	struct place places[PLACES];
};

struct rights *
rights_new(void)
{
	return xzalloc(sizeof(struct rights));
}

void
rights_free(struct rights *owned_rights)
{
	free(owned_rights);
}

bool
rights_find(const char *name, enum right *out)
{
	for (size_t i = 0; i < NAME_COUNT; i++) {
		if (strcmp(names[i].name, name) == 0) {
			*out = names[i].right;
			return true;
		}
	}
	return false;
}

static uint64_t
bit_of(enum right right)
{
	return UINT64_C(1) << (unsigned)right;
}

bool
rights_set(struct rights *rights, uint64_t channel_id, enum right right, bool on)
{
	struct place *free_one = NULL;

	for (int i = 0; i < PLACES; i++) {
		struct place *place = &rights->places[i];

		if (place->lacking != 0 && place->channel_id == channel_id) {
			place->lacking = on ? place->lacking & ~bit_of(right) :
					      place->lacking | bit_of(right);
			return true;
		}
		free_one = place->lacking == 0 && !free_one ? place : free_one;
	}
	if (on) {
		return true;
	}
	if (free_one) {
		*free_one = (struct place){channel_id, bit_of(right)};
	}
	return free_one != NULL;
}

void
rights_clear(struct rights *rights)
{
	*rights = (struct rights){.places = {{0}}};
}

static uint64_t
lacking_in(const struct rights *rights, uint64_t channel_id)
{
	uint64_t parent = world_parent(channel_id);
	uint64_t lacking = 0;

	for (int i = 0; i < PLACES; i++) {
		const struct place *place = &rights->places[i];

		if (place->channel_id == RIGHTS_ANYWHERE ||
		    place->channel_id == channel_id || place->channel_id == parent) {
			lacking |= place->lacking;
		}
	}
	return lacking;
}

bool
rights_lack(const struct rights *rights, uint64_t channel_id, enum right right)
{
	return (lacking_in(rights, channel_id) & bit_of(right)) != 0;
}

uint64_t
rights_bits(const struct rights *rights, uint64_t channel_id)
{
	uint64_t bits = USUAL_BITS;

	for (size_t i = 0; i < NAME_COUNT; i++) {
		bits |= bit_of(names[i].right);
	}
	return bits & ~lacking_in(rights, channel_id);
}
