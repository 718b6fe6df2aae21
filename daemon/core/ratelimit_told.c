#include "ratelimit_told.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "json.h"

/* Digits behind these change no nanosecond of a wait that is believed. */
#define MANTISSA_MAX  UINT64_C(100000000000000000)
#define EXPONENT_MAX  9999
#define NS_DIGITS     9

#define DATE_BYTES    29 /* "Sun, 06 Nov 1994 08:49:37 GMT" */
#define SECONDS_A_DAY 86400

uint64_t
ratelimit_hash(uint64_t seed, struct slice text)
{
	uint64_t hash = seed ^ UINT64_C(0xcbf29ce484222325);

	/* FNV-1a */
	for (size_t i = 0; i < text.size; i++) {
		hash = (hash ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001b3);
	}
	return hash != 0 ? hash : 1;
}

/* ---- numbers ---- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *
skip_blanks(const char *at)
{
	while (*at == ' ' || *at == '\t') {
		at++;
	}
	return at;
}

/* value * 10^exponent, held at RATELIMIT_WAIT_MAX; ends after some 20 steps. */
static mono_ns
scale(uint64_t value, int exponent)
{
	const uint64_t most = (uint64_t)RATELIMIT_WAIT_MAX;

	for (; exponent > 0 && value > 0 && value < most; exponent--) {
		value *= 10;
	}
	for (; exponent < 0 && value > 0; exponent++) {
		value /= 10;
	}
	return value < most ? (mono_ns)value : RATELIMIT_WAIT_MAX;
}

/* Digits into *value; what does not fit any more is counted in *exponent. */
static const char *
take_digits(const char *at, uint64_t *value, int *exponent, int step)
{
	for (; is_digit(*at); at++) {
		if (*value < MANTISSA_MAX) {
			*value = *value * 10 + (uint64_t)(*at - '0');
			*exponent += step;
		} else if (*exponent < EXPONENT_MAX) {
			*exponent += step + 1;
		}
	}
	return at;
}

static const char *
take_exponent(const char *at, int *exponent)
{
	bool negative = *at == '-';
	int value = 0;

	if (*at == '-' || *at == '+') {
		at++;
	}
	if (!is_digit(*at)) {
		return NULL;
	}
	for (; is_digit(*at); at++) {
		value = value < EXPONENT_MAX ? value * 10 + (*at - '0') : value;
	}
	*exponent += negative ? -value : value;
	return at;
}

bool
ratelimit_seconds(const char *text, mono_ns *out)
{
	uint64_t value = 0;
	int exponent = 0;

	if (!text) {
		return false;
	}
	const char *at = skip_blanks(text);

	if (!is_digit(*at)) {
		return false;
	}
	at = take_digits(at, &value, &exponent, 0);
	if (*at == '.') {
		if (!is_digit(at[1])) {
			return false;
		}
		at = take_digits(at + 1, &value, &exponent, -1);
	}
	if (*at == 'e' || *at == 'E') {
		at = take_exponent(at + 1, &exponent);
	}
	if (!at || *skip_blanks(at) != '\0') {
		return false;
	}
	*out = scale(value, exponent + NS_DIGITS);
	return true;
}

/* A whole number as -1 or more; all that is negative means none left. */
static int64_t
read_remaining(const char *text)
{
	int64_t value = 0;

	if (!text) {
		return -1;
	}
	const char *at = skip_blanks(text);
	bool negative = *at == '-';

	at += negative;
	if (!is_digit(*at)) {
		return -1;
	}
	for (; is_digit(*at); at++) {
		value = value < INT32_MAX ? value * 10 + (*at - '0') : value;
	}
	if (*skip_blanks(at) != '\0') {
		return -1;
	}
	return negative ? 0 : value;
}

/* ---- dates ---- */

static bool
two_digits(const char *at, int *out)
{
	*out = (at[0] - '0') * 10 + (at[1] - '0');
	return is_digit(at[0]) && is_digit(at[1]);
}

static bool
read_month(const char *at, int *out)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int month = 0; month < 12; month++) {
		if (memcmp(at, names + (ptrdiff_t)3 * month, 3) == 0) {
			*out = month + 1;
			return true;
		}
	}
	return false;
}

/* Days since 1970 in the Gregorian calendar, for years from 1970 on: a year begins in
 * March here, so that its leap day is the last. */
static int64_t
days_since_1970(int year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return y * 365 + y / 4 - y / 100 + y / 400 + in_year - 719468;
}

bool
ratelimit_date(const char *text, int64_t *out)
{
	int day;
	int month;
	int century;
	int year;
	int hour;
	int minute;
	int second;

	if (!text || strlen(text) != DATE_BYTES || text[3] != ',' || text[7] != ' ' ||
	    text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':' ||
	    strcmp(text + 25, " GMT") != 0 || !two_digits(text + 5, &day) ||
	    !read_month(text + 8, &month) || !two_digits(text + 12, &century) ||
	    !two_digits(text + 14, &year) || !two_digits(text + 17, &hour) ||
	    !two_digits(text + 20, &minute) || !two_digits(text + 23, &second)) {
		return false;
	}
	year += century * 100;
	if (year < 1970 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
	    second > 60) {
		return false;
	}
	*out = days_since_1970(year, month, day) * SECONDS_A_DAY +
	    (int64_t)hour * 3600 + (int64_t)minute * 60 + second;
	return true;
}

/* ---- answers ---- */

/* The distance of a date from the answer's own: no local clock needed, which may be
 * wrong. */
static mono_ns
read_retry_date(const struct ratelimit_head *head, int64_t wall_ms)
{
	int64_t at;
	int64_t from;

	if (!ratelimit_date(head->retry_after, &at)) {
		return RATELIMIT_UNTOLD;
	}
	if (!ratelimit_date(head->date, &from)) {
		from = wall_ms / 1000;
	}
	if (at <= from) {
		return 0;
	}
	return at - from < RATELIMIT_WAIT_MAX / CLOCK_S(1) ? CLOCK_S(at - from) :
							     RATELIMIT_WAIT_MAX;
}

static mono_ns
read_retry_header(const struct ratelimit_head *head, int64_t wall_ms)
{
	mono_ns wait;

	if (ratelimit_seconds(head->retry_after, &wait)) {
		return wait;
	}
	return read_retry_date(head, wall_ms);
}

static mono_ns
read_retry_number(const struct json *value)
{
	double seconds;

	if (!json_number(value, &seconds) || !(seconds >= 0)) {
		return RATELIMIT_UNTOLD;
	}
	if (seconds >= clock_seconds(RATELIMIT_WAIT_MAX)) {
		return RATELIMIT_WAIT_MAX;
	}
	return (mono_ns)(seconds * 1e9);
}

static bool
is_text(const char *text, const char *wanted)
{
	return text && strcasecmp(text, wanted) == 0;
}

/* The body is more exact than the headers; only the API writes JSON. */
static void
read_limited(const struct ratelimit_head *head, struct slice body, bool whole,
    struct ratelimit_told *out)
{
	struct json *document = NULL;
	bool global = false;

	out->global = is_text(head->global, "true") || is_text(head->scope, "global");
	out->shared = is_text(head->scope, "shared");
	(void)json_parse(body, RATELIMIT_BODY_MAX_BYTES, &document);
	out->edge = !head->via || (whole && json_kind(document) != JSON_OBJECT);
	mono_ns wait = read_retry_number(json_get(document, "retry_after"));

	if (wait != RATELIMIT_UNTOLD) {
		out->retry_after = wait;
	}
	if (json_bool(json_get(document, "global"), &global) && global) {
		out->global = true;
	}
	json_free(document);
}

void
ratelimit_told_read(unsigned status, const struct ratelimit_head *head,
    struct slice body, bool whole, int64_t wall_ms, struct ratelimit_told *out)
{
	*out = (struct ratelimit_told){
	    .status = status,
	    .remaining = read_remaining(head->remaining),
	    .reset_after = RATELIMIT_UNTOLD,
	    .retry_after = read_retry_header(head, wall_ms),
	};
	if (head->bucket && head->bucket[0] != '\0') {
		out->bucket = ratelimit_hash(0, slice_of(head->bucket));
	}
	(void)ratelimit_seconds(head->reset_after, &out->reset_after);
	if (status == 429) {
		read_limited(head, body, whole, out);
	}
}

enum ratelimit_scope
ratelimit_scope_of(const struct ratelimit_told *told)
{
	if (told->edge) {
		return RATELIMIT_SCOPE_EDGE;
	}
	if (told->global) {
		return RATELIMIT_SCOPE_GLOBAL;
	}
	return told->shared ? RATELIMIT_SCOPE_SHARED : RATELIMIT_SCOPE_USER;
}

const char *
ratelimit_scope_word(enum ratelimit_scope scope)
{
	static const char *const words[] = {
#define RATELIMIT_SCOPE_WORD(name, word) [RATELIMIT_SCOPE_##name] = (word),
	    RATELIMIT_SCOPE_TABLE(RATELIMIT_SCOPE_WORD)
#undef RATELIMIT_SCOPE_WORD
	};

	return words[scope];
}
