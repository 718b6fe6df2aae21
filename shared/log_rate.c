#include "log_rate.h"

#include <string.h>

#define TELL_AFTER CLOCK_S(30)

/* Info is what happens: people and Discord make it, and it may come in crowds, as when
 * a thousand shards start.  Warnings and errors that come in crowds say one thing.
 * Debug was asked for, and is what somebody wants to see whole. */
static const struct {
	int64_t burst;
	mono_ns each;
} allowances[LOG_LEVELS] = {
    [LOG_LEVEL_ERROR] = {50, CLOCK_S(2)},
    [LOG_LEVEL_WARNING] = {50, CLOCK_S(2)},
    [LOG_LEVEL_INFO] = {200, CLOCK_MS(50)},
    [LOG_LEVEL_DEBUG] = {0, 0},
};

/* A row whose allowance is whole again says nothing that a fresh one would not. */
static bool
is_free(const struct log_rate_row *row, mono_ns now)
{
	return row->suppressed == 0 && row->even_at <= now;
}

/* The event's row, a free one that becomes it, or the shared one. */
static struct log_rate_row *
row_of(struct log_rate *rate, const char *event, mono_ns now)
{
	struct log_rate_row *shared = &rate->rows[LOG_RATE_ROWS - 1];
	struct log_rate_row *found = NULL;

	for (struct log_rate_row *row = rate->rows; row < shared; row++) {
		if (row->event &&
		    (row->event == event || strcmp(row->event, event) == 0)) {
			return row;
		}
		if (!found && is_free(row, now)) {
			found = row;
		}
	}
	if (!found) {
		return shared;
	}
	*found = (struct log_rate_row){.event = event};
	return found;
}

bool
log_rate_admit(struct log_rate *rate, enum log_level level, const char *event,
    mono_ns now)
{
	mono_ns each = allowances[level].each;

	if (each == 0) {
		return true;
	}
	struct log_rate_row *row = row_of(rate, event, now);
	mono_ns begin = row->even_at > now ? row->even_at : now;

	if (begin - now <= each * (allowances[level].burst - 1)) {
		row->even_at = begin + each;
		return true;
	}
	if (row->suppressed++ == 0) {
		row->since = now;
	}
	row->level = level;
	rate->suppressed++;
	return false;
}

bool
log_rate_take(struct log_rate *rate, mono_ns now, bool all,
    struct log_rate_summary *out)
{
	for (unsigned i = 0; i < LOG_RATE_ROWS; i++) {
		struct log_rate_row *row = &rate->rows[i];

		if (row->suppressed == 0 || (!all && now - row->since < TELL_AFTER)) {
			continue;
		}
		*out = (struct log_rate_summary){
		    .event = row->event ? row->event : "other events",
		    .level = row->level,
		    .lines = row->suppressed,
		    .span = now - row->since,
		};
		row->suppressed = 0;
		return true;
	}
	return false;
}

mono_ns
log_rate_wake(const struct log_rate *rate)
{
	mono_ns at = CLOCK_NEVER;

	for (unsigned i = 0; i < LOG_RATE_ROWS; i++) {
		const struct log_rate_row *row = &rate->rows[i];

		if (row->suppressed > 0 && row->since + TELL_AFTER < at) {
			at = row->since + TELL_AFTER;
		}
	}
	return at;
}
