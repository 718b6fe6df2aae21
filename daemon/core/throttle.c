#include "throttle.h"

/* What is taken moves the instant at which all is there again; that lies at most a
 * burst ahead. */
static bool
has_one(const struct throttle_rule *rule, const struct throttle_allowance *of,
    mono_ns now)
{
	mono_ns from = of->full_at > now ? of->full_at : now;

	return from + rule->each - now <= (mono_ns)rule->burst * rule->each;
}

static void
take_one(const struct throttle_rule *rule, struct throttle_allowance *of, mono_ns now)
{
	of->full_at = (of->full_at > now ? of->full_at : now) + rule->each;
}

/* The place of a person, or the one that is full again or will be first. */
static size_t
find(const struct throttle *throttle, uint64_t user)
{
	size_t place = 0;

	for (size_t i = 0; i < THROTTLE_PEOPLE; i++) {
		if (throttle->people[i].user == user) {
			return i;
		}
		if (throttle->people[i].allowance.full_at <
		    throttle->people[place].allowance.full_at) {
			place = i;
		}
	}
	return place;
}

bool
throttle_take(struct throttle *throttle, uint64_t user, mono_ns now)
{
	size_t place = find(throttle, user);
	struct throttle_allowance none = {.full_at = 0};
	struct throttle_allowance *own = &throttle->people[place].allowance;
	bool known = throttle->people[place].user == user;

	if (!has_one(&throttle->all, &throttle->whole, now) ||
	    !has_one(&throttle->one, known ? own : &none, now)) {
		return false;
	}
	if (!known) {
		throttle->people[place].user = user;
		*own = none;
	}
	take_one(&throttle->one, own, now);
	take_one(&throttle->all, &throttle->whole, now);
	return true;
}
