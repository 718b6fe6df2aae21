/* The slips that everybody makes in a libconfig file, and what to write instead. */
#include "config_private.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* An integer or float as libconfig writes them. */
static bool
is_number(const char *token)
{
	const char *digits = token + (*token == '+' || *token == '-' ? 1 : 0);
	char *end;

	if (!isdigit((unsigned char)*digits) && *digits != '.') {
		return false;
	}
	(void)strtod(digits, &end);
	return end != digits &&
	    (*end == '\0' || strcasecmp(end, "L") == 0 || strcasecmp(end, "LL") == 0);
}

bool
config_is_slip(const char *token, char reason[CONFIG_REASON_ROOM])
{
	static const char *const yes[] = {"yes", "on"};
	static const char *const no[] = {"no", "off"};

	if (is_bool_word(token)) {
		return false;
	}
	for (size_t i = 0; i < 2; i++) {
		bool is_yes = strcasecmp(token, yes[i]) == 0;

		if (is_yes || strcasecmp(token, no[i]) == 0) {
			(void)snprintf(reason, CONFIG_REASON_ROOM,
			    "%s is no value; write %s", token,
			    is_yes ? "true" : "false");
			return true;
		}
	}
	bool number = is_number(token);

	if (number && !is_cut_integer(token)) {
		return false;
	}
	const char *what = number ?
	    "an unquoted number over 2147483647 would be cut to 32 bits" :
	    isdigit((unsigned char)*token) ? "a number with a unit must be quoted" :
					     "a word must be quoted";
	bool brief = strlen(token) <= BRIEF_BYTES;

	(void)snprintf(reason, CONFIG_REASON_ROOM, "%s; write %s%s%s", what,
	    brief ? "\"" : "it in quotes", brief ? token : "", brief ? "\"" : "");
	return true;
}
