#include "stats.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
stats_client_error(struct stats *stats, const char *format, ...)
{
	char *text = stats->texts[stats->client_errors % STATS_TEXTS];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, STATS_TEXT_BYTES, format, args);
	va_end(args);
	stats->client_errors++;
}

void
stats_rest(struct stats *stats, const char *method, const char *route, int status)
{
	char name[STATS_ROUTE_NAME];

	(void)snprintf(name, sizeof name, "%s %s", method, route);
	stats->rest_calls++;
	if (status == 429) {
		stats->rest_429++;
	}
	for (int i = 0; i < STATS_ROUTES; i++) {
		struct stats_route *at = &stats->routes[i];

		if (at->name[0] == '\0') {
			(void)snprintf(at->name, sizeof at->name, "%s", name);
		}
		if (strcmp(at->name, name) == 0) {
			at->calls++;
			at->statuses[status / 100 % 6]++;
			return;
		}
	}
}
