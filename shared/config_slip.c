/* The slips that everybody makes in a libconfig file, and what to write instead. */
#include "config_private.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "duration.h"

/* Longer words are not repeated in messages: a token has 50 characters or more. */
#define BRIEF_BYTES    24

#define INT_DIGITS_MAX 18 /* of an int64_t, with one to spare */

static bool
is_bool_word(const char *token)
{
	return strcasecmp(token, "true") == 0 || strcasecmp(token, "false") == 0;
}

/* What libconfig reads an integer as has 32 bits without an L behind it. */
static bool
is_cut_integer(const char *token)
{
	const char *digits = token + strspn(token, "+-");
	bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
	const char *first = digits + (hex ? 2 : 0);
	size_t size = strspn(first, hex ? "0123456789abcdefABCDEF" : "0123456789");

	if (strcasecmp(first + size, "L") == 0 || strcasecmp(first + size, "LL") == 0) {
		return size > INT_DIGITS_MAX;
	}
	if (first[size] != '\0') {
		return false;
	}
	return size > INT_DIGITS_MAX ||
	    strtoull(first, NULL, hex ? 16 : 10) > INT32_MAX;
}

static const char *
skip_digits(const char *at)
{
	while (isdigit((unsigned char)*at)) {
		at++;
	}
	return at;
}

/* "L" and "LL" stand behind an integer. */
static bool
ends_integer(const char *at)
{
	return *at == '\0' || strcmp(at, "L") == 0 || strcmp(at, "LL") == 0;
}

/* Just what libconfig takes for an integer or a float. */
static bool
is_number(const char *token)
{
	static const char hex[] = "0123456789abcdefABCDEF";

	if (token[0] == '0' && (token[1] == 'x' || token[1] == 'X')) {
		size_t size = strspn(token + 2, hex);

		return size > 0 && ends_integer(token + 2 + size);
	}
	const char *digits = token + (*token == '+' || *token == '-' ? 1 : 0);
	const char *at = skip_digits(digits);
	bool some = at > digits;

	if (some && ends_integer(at)) {
		return true;
	}
	if (*at == '.') {
		const char *fraction = at + 1;

		at = skip_digits(fraction);
		some = some || at > fraction;
	}
	if (some && (*at == 'e' || *at == 'E')) {
		const char *exponent = at + 1 + (at[1] == '+' || at[1] == '-' ? 1 : 0);

		at = skip_digits(exponent);
		some = at > exponent;
	}
	return some && *at == '\0';
}

/* What is wrong with a value that is neither number nor true nor false. */
static const char *
describe(const char *token)
{
	mono_ns duration;

	if (token[0] == '\'') {
		return "a text stands in double quotes";
	}
	if (token[0] == '@') {
		return "an @ belongs in quotes, or to a line @include \"file\"";
	}
	if (is_number(token)) {
		return "an unquoted number over 2147483647 would be cut to 32 bits";
	}
	if (isdigit((unsigned char)token[0]) &&
	    duration_parse(token, &duration) == GW_OK) {
		return "a number with a unit must be quoted";
	}
	for (const char *at = token; *at != '\0'; at++) {
		if (!isalnum((unsigned char)*at) && !strchr("_-", *at)) {
			return "a text must be quoted";
		}
	}
	return "a word must be quoted";
}

/* The value itself: without single quotes, or the L behind a number. */
static struct slice
inner(const char *token)
{
	size_t size = strlen(token);

	if (token[0] == '\'' && size > 1 && token[size - 1] == '\'') {
		return (struct slice){token + 1, size - 2};
	}
	while (is_number(token) && size > 1 && toupper(token[size - 1]) == 'L') {
		size--;
	}
	return (struct slice){token, size};
}

bool
config_is_slip(const char *token, char reason[CONFIG_REASON_ROOM])
{
	static const char *const words[][2] = {
	    {"yes", "true"},
	    {"on", "true"},
	    {"no", "false"},
	    {"off", "false"},
	};

	if (is_bool_word(token) || (is_number(token) && !is_cut_integer(token))) {
		return false;
	}
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcasecmp(token, words[i][0]) == 0) {
			(void)snprintf(reason, CONFIG_REASON_ROOM,
			    "%s is no value; write %s", token, words[i][1]);
			return true;
		}
	}
	char text[BRIEF_BYTES + 1];

	if (slice_copy(inner(token), text, sizeof text) && !strchr(text, '"')) {
		(void)snprintf(reason, CONFIG_REASON_ROOM, "%s; write \"%s\"",
		    describe(token), text);
	} else {
		(void)snprintf(reason, CONFIG_REASON_ROOM, "%s; write it in quotes",
		    describe(token));
	}
	return true;
}
