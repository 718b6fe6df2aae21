#include "skew.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number at *at, with what parts it from the next; 0 at the end. */
static unsigned long
take_number(const char **at)
{
	char *end;

	while (**at != '\0' && !isdigit((unsigned char)**at)) {
		*at += 1;
	}
	unsigned long number = strtoul(*at, &end, 10);

	*at = end;
	return number;
}

int
skew_compare(const char *a, const char *b)
{
	while (*a != '\0' || *b != '\0') {
		unsigned long x = take_number(&a);
		unsigned long y = take_number(&b);

		if (x != y) {
			return x < y ? -1 : 1;
		}
	}
	return 0;
}

bool
skew_explain(const char *daemon_version, char *out, size_t room)
{
	if (!daemon_version || !isdigit((unsigned char)daemon_version[0]) ||
	    strcmp(daemon_version, GWBOT_VERSION) == 0) {
		return false;
	}
	if (skew_compare(daemon_version, GWBOT_VERSION) > 0) {
		(void)snprintf(out, room,
		    "gwctl %s is older than gwbotd %.40s: install the package that "
		    "gwbotd came from",
		    GWBOT_VERSION, daemon_version);
	} else {
		(void)snprintf(out, room,
		    "gwbotd %.40s runs and gwctl is %s: to run the new gwbotd: gwctl "
		    "reboot",
		    daemon_version, GWBOT_VERSION);
	}
	return true;
}
