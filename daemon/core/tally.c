#include "tally.h"

#include <stdio.h>
#include <string.h>

static const unsigned codes[] = {
#define TALLY_CODE(code) code,
    TALLY_CODE_TABLE(TALLY_CODE)
#undef TALLY_CODE
};

static const char *const code_texts[TALLY_CODES] = {
#define TALLY_CODE(code) #code,
    TALLY_CODE_TABLE(TALLY_CODE)
#undef TALLY_CODE
	"other",
    "none",
};

#define CODES_APART (sizeof codes / sizeof codes[0])

void
tally_times_add(struct tally_times *times, mono_ns took)
{
	uint32_t at = 0;

	took = took > 0 ? took : 0;
	while (took > latency_bound(at)) {
		at++;
	}
	times->classes[at]++;
	times->sum = clock_add(times->sum, took);
}

const char *
tally_code_text(size_t index)
{
	return code_texts[index];
}

static size_t
code_class(unsigned status)
{
	if (status == 0) {
		return CODES_APART + 1;
	}
	for (size_t i = 0; i < CODES_APART; i++) {
		if (codes[i] == status) {
			return i;
		}
	}
	return CODES_APART;
}

void
tally_routes_init(struct tally_routes *routes)
{
	*routes = (struct tally_routes){.count = 1};
	(void)snprintf(routes->routes[0].name, sizeof routes->routes[0].name, "other");
}

size_t
tally_routes_place(struct tally_routes *routes, const char *name)
{
	if (!name || strlen(name) >= sizeof routes->routes[0].name) {
		return 0;
	}
	for (size_t i = 0; i < routes->count; i++) {
		if (strcmp(routes->routes[i].name, name) == 0) {
			return i;
		}
	}
	if (routes->count == TALLY_ROUTES_MAX) {
		return 0;
	}
	struct tally_route *route = &routes->routes[routes->count];

	(void)snprintf(route->name, sizeof route->name, "%s", name);
	return routes->count++;
}

void
tally_routes_add(struct tally_routes *routes, size_t place, unsigned status,
    mono_ns took)
{
	struct tally_route *route = &routes->routes[place];

	route->codes[code_class(status)]++;
	tally_times_add(&route->times, took);
}

uint64_t
tally_routes_total(const struct tally_routes *routes)
{
	uint64_t total = 0;

	for (size_t i = 0; i < routes->count; i++) {
		for (size_t code = 0; code < TALLY_CODES; code++) {
			total += routes->routes[i].codes[code];
		}
	}
	return total;
}
