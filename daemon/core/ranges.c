#include "ranges.h"

#include <stdio.h>
#include <string.h>

#define AND_MORE ", ..."

static void
put(struct ranges *ranges, const char *text)
{
	size_t size = strlen(text);

	memcpy(ranges->text + ranges->size, text, size);
	ranges->size += size;
}

static void
end_range(struct ranges *ranges)
{
	char range[32];
	char last[16] = "";
	size_t room = RANGES_ROOM - sizeof AND_MORE;

	if (ranges->begin == ranges->end) {
		return;
	}
	if (ranges->end - ranges->begin > 1) {
		(void)snprintf(last, sizeof last, "-%u", (unsigned)ranges->end - 1);
	}
	(void)snprintf(range, sizeof range, "%s%u%s", ranges->size > 0 ? ", " : "",
	    (unsigned)ranges->begin, last);
	ranges->begin = ranges->end;
	if (ranges->full) {
		return;
	}
	ranges->full = ranges->size + strlen(range) > room;
	put(ranges, ranges->full ? AND_MORE : range);
}

void
ranges_add(struct ranges *ranges, uint32_t number)
{
	if (number != ranges->end || ranges->begin == ranges->end) {
		end_range(ranges);
		ranges->begin = number;
	}
	ranges->end = number + 1;
}

struct slice
ranges_text(struct ranges *ranges)
{
	end_range(ranges);
	return (struct slice){ranges->size > 0 ? ranges->text : NULL, ranges->size};
}
