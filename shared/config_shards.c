/* Which shards a process holds: "auto", a number, or a range as first-last/total. */
#include "config_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* No bot needs more: at 1000 guilds a shard these hold 100 million. */
#define TOTAL_MAX 100000

/* More digits than any number that is allowed has. */
#define DIGITS_MAX 9

/* Reads the digits at *at and moves behind them. */
static bool
take_number(const char **at, uint32_t *out)
{
	size_t digits = strspn(*at, "0123456789");
	uint32_t number = 0;

	if (digits == 0 || digits > DIGITS_MAX) {
		return false;
	}
	for (size_t i = 0; i < digits; i++) {
		number = number * 10 + (uint32_t)((*at)[i] - '0');
	}
	*at += digits;
	*out = number;
	return true;
}

static bool
take_character(const char **at, char wanted)
{
	bool found = **at == wanted;

	*at += found ? 1 : 0;
	return found;
}

static enum gw_err
refuse(enum gw_err err, char *reason, const char *text)
{
	(void)snprintf(reason, CONFIG_REASON_ROOM, "%s", text);
	return err;
}

static enum gw_err
check_range(const struct config_option *option, const struct config_shards *shards,
    char *reason)
{
	if (shards->first > shards->last) {
		return refuse(GW_ERR_RANGE, reason,
		    "the first shard comes after the last");
	}
	if (shards->last >= shards->total) {
		return refuse(GW_ERR_RANGE, reason,
		    "shards count from 0, so the last one must be below the total");
	}
	if (shards->total > TOTAL_MAX) {
		(void)snprintf(reason, CONFIG_REASON_ROOM, "a total of more than %d",
		    TOTAL_MAX);
		return GW_ERR_RANGE;
	}
	if (shards->last - shards->first >= (uint32_t)option->max) {
		(void)snprintf(reason, CONFIG_REASON_ROOM,
		    "more than %" PRId64 " shards in one process", option->max);
		return GW_ERR_RANGE;
	}
	return GW_OK;
}

enum gw_err
config_parse_shards(const struct config_option *option, const char *text,
    struct config_shards *out, char *reason)
{
	struct config_shards shards = {.automatic = strcasecmp(text, "auto") == 0};
	const char *at = text;

	if (shards.automatic) {
		*out = shards;
		return GW_OK;
	}
	bool whole = take_number(&at, &shards.last);

	if (whole && *at == '\0') {
		if (shards.last < (uint32_t)option->min ||
		    shards.last > (uint32_t)option->max) {
			return refuse(GW_ERR_RANGE, reason, "out of range");
		}
		shards.total = shards.last--;
		*out = shards;
		return GW_OK;
	}
	shards.first = shards.last;
	if (!whole || !take_character(&at, '-') || !take_number(&at, &shards.last) ||
	    !take_character(&at, '/') || !take_number(&at, &shards.total) ||
	    *at != '\0') {
		return refuse(GW_ERR_SYNTAX, reason,
		    "neither \"auto\" nor a number nor a range");
	}
	enum gw_err err = check_range(option, &shards, reason);

	if (err == GW_OK) {
		*out = shards;
	}
	return err;
}

enum gw_err
config_shards_text(const struct config_shards *shards, const char *quote,
    struct buf *out)
{
	if (shards->automatic) {
		return buf_printf(out, "%sauto%s", quote, quote);
	}
	if (shards->first == 0 && shards->last + 1 == shards->total) {
		return buf_printf(out, "%" PRIu32, shards->total);
	}
	return buf_printf(out, "%s%" PRIu32 "-%" PRIu32 "/%" PRIu32 "%s", quote,
	    shards->first, shards->last, shards->total, quote);
}

bool
config_shards_same(const struct config_shards *a, const struct config_shards *b)
{
	return a->automatic == b->automatic && a->first == b->first &&
	    a->last == b->last && a->total == b->total;
}
