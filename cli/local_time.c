#include "local_time.h"

#include <ctype.h>
#include <string.h>

#define SECONDS_BYTES 19 /* "2026-11-22T15:48:02" */

bool
local_time_read(const char *text, struct tm *local, const char **rest)
{
	struct tm utc = {.tm_isdst = 0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
	time_t seconds = end == text + SECONDS_BYTES ? timegm(&utc) : -1;

	*rest = end;
	return seconds >= 0 && localtime_r(&seconds, local);
}

/* The bytes of ".114Z" or "Z"; 0 where there is neither. */
static size_t
tail_size(const char *rest)
{
	size_t digits = *rest == '.' ? strspn(rest + 1, "0123456789") + 1 : 0;

	return rest[digits] == 'Z' ? digits + 1 : 0;
}

static bool
is_today(const struct tm *local)
{
	time_t now = time(NULL);
	struct tm today;

	return localtime_r(&now, &today) && today.tm_year == local->tm_year &&
	    today.tm_yday == local->tm_yday;
}

void
local_time_put(const char *text, struct buf *out)
{
	while (*text != '\0') {
		struct tm local;
		const char *rest;

		if (isdigit((unsigned char)*text) &&
		    local_time_read(text, &local, &rest) && tail_size(rest) > 0) {
			char words[32];

			(void)strftime(words, sizeof words,
			    is_today(&local) ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S",
			    &local);
			(void)buf_append(out, words, strlen(words));
			text = rest + tail_size(rest);
		} else {
			(void)buf_append(out, text, 1);
			text++;
		}
	}
}
