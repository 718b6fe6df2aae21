/* What Google's answers mean, in words that say what to do. */
#include "sheet.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json.h"
#include "text.h"

#define SAID_ROOM     120 /* of what Google says itself */
#define SHOWN_ROOM    96
#define TOKEN_MAX     2048
#define LIFETIME_S    3600 /* where Google does not say */
#define LIFETIME_MAX  86400
#define WAIT_MAX_S    3600
#define CLOCK_SLACK_S 30 /* an answer may be on its way so long */

/* ---- texts of others ---- */

/* A text as a person may be shown it, cut between two characters. */
static void
clean(struct slice text, char *out, size_t room)
{
	struct buf kept;

	buf_init(&kept, SHEET_ANSWER_MAX_BYTES * 3);
	if (text_clean(text, true, &kept) != GW_OK) {
		buf_clear(&kept);
	}
	size_t size = kept.size < room ? kept.size : room - 1;

	while (size > 0 && size < kept.size &&
	    ((unsigned char)kept.data[size] & 0xC0U) == 0x80) {
		size--;
	}
	if (size > 0) {
		memcpy(out, kept.data, size);
	}
	out[size] = '\0';
	/* The reason stands between backquotes in a chat. */
	for (char *at = out; *at != '\0'; at++) {
		if (*at == '`') {
			*at = '\'';
		}
	}
	buf_fini(&kept);
}

__attribute__((format(printf, 3, 4))) static void
find(struct sheet_finding *finding, enum probe_verdict verdict, const char *format, ...)
{
	char text[2 * PROBE_REASON_ROOM];
	va_list args;

	va_start(args, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): a line above */
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	finding->verdict = verdict;
	clean(slice_of(text), finding->reason, sizeof finding->reason);
}

/* ": what Google said", or nothing. */
static const char *
with_said(const char *message, char out[SAID_ROOM + 2])
{
	out[0] = '\0';
	if (message[0] != '\0') {
		memcpy(out, ": ", 2);
		clean(slice_of(message), out + 2, SAID_ROOM);
	}
	return out;
}

static bool
has(const char *text, const char *part)
{
	return strcasestr(text, part) != NULL;
}

/* ---- times ---- */

/* Mon, 06 Nov 2026 08:49:37 GMT; false for any other form. */
static bool
read_date(const char *text, int64_t *out)
{
	struct tm when = {.tm_isdst = 0};
	const char *rest =
	    text ? strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &when) : NULL;

	if (!rest || *rest != '\0') {
		return false;
	}
	*out = (int64_t)timegm(&when);
	return *out != -1;
}

/* Seconds, as Google gives them; else otherwise. */
static int64_t
read_wait(const char *text, int64_t otherwise)
{
	size_t digits = text ? strspn(text, "0123456789") : 0;

	if (digits == 0 || digits > 9 || text[digits] != '\0') {
		return otherwise;
	}
	int64_t wait = strtoll(text, NULL, 10);

	return wait < otherwise ? otherwise : wait > WAIT_MAX_S ? WAIT_MAX_S : wait;
}

/* ---- what both endpoints may say ---- */

static void
find_quota(const struct sheet_answer *answer, struct sheet_finding *finding)
{
	int64_t wait = read_wait(answer->retry_after, SHEET_READ_EVERY / CLOCK_S(1));

	finding->wait = CLOCK_S(wait);
	find(finding, PROBE_UNSETTLED,
	    "Google's quota is used up (429), which says nothing of the sheet; asked "
	    "again in %" PRId64 " s",
	    wait);
}

static void
find_trouble(const char *who, const struct sheet_answer *answer,
    struct sheet_finding *finding)
{
	finding->transient = true;
	find(finding, PROBE_BAD, "%s answers %u: trouble at Google, which passes", who,
	    answer->status);
}

/* Somebody in between answered. */
static void
find_stranger(const char *who, const struct sheet_answer *answer,
    struct sheet_finding *finding)
{
	find(finding, PROBE_BAD,
	    "%s answers %u without Google's JSON: does a proxy answer in its place?",
	    who, answer->status);
}

/* ---- the token ---- */

static void
find_clock(const struct sheet_answer *answer, struct sheet_finding *finding)
{
	int64_t theirs = 0;

	if (!read_date(answer->date, &theirs)) {
		find(finding, PROBE_BAD,
		    "Google refuses the time in the request: is the clock of this host "
		    "right?");
		return;
	}
	int64_t ahead = answer->now_s - theirs;

	if (llabs(ahead) <= CLOCK_SLACK_S) {
		find(finding, PROBE_BAD,
		    "Google refuses the time in the request, though the clocks agree");
		return;
	}
	find(finding, PROBE_BAD,
	    "the clock of this host is wrong by %lld s (%s): set it, with NTP",
	    llabs(ahead), ahead > 0 ? "ahead of Google's" : "behind Google's");
}

static void
find_grant(const struct sheet_asked *asked, const struct sheet_answer *answer,
    const char *text, struct sheet_finding *finding)
{
	char said[SAID_ROOM + 2];

	if (has(text, "short-lived") || has(text, "timeframe")) {
		find_clock(answer, finding);
	} else if (has(text, "signature")) {
		find(finding, PROBE_BAD,
		    "Google refuses the signature of %.90s: that key was deleted or is "
		    "damaged; make a new one",
		    asked->email);
	} else if (has(text, "account not found") || has(text, "valid email")) {
		find(finding, PROBE_BAD,
		    "Google knows no service account %.90s: was it deleted?",
		    asked->email);
	} else {
		find(finding, PROBE_BAD, "Google refuses %.90s (invalid_grant)%s",
		    asked->email, with_said(text, said));
	}
}

/* The rest of RFC 6749 and Google's own. */
static const struct {
	const char *error;
	const char *means;
} token_errors[] = {
    {"invalid_scope",
	"Google refuses the right to read sheets (invalid_scope) to the account"},
    {"unauthorized_client",
	"Google does not let this account have a token (unauthorized_client)"},
    {"access_denied", "a policy at Google forbids it (access_denied) to the account"},
    {"disabled_client", "this service account is disabled: enable it in the console"},
    {"invalid_client", "Google does not know this account (invalid_client)"},
};

static void
find_token_error(const struct sheet_asked *asked, const struct sheet_answer *answer,
    const struct json *body, struct sheet_finding *finding)
{
	const char *error = json_text_or(json_get(body, "error"), "");
	const char *text = json_text_or(json_get(body, "error_description"), "");
	char said[SAID_ROOM + 2];

	if (strcmp(error, "invalid_grant") == 0) {
		find_grant(asked, answer, text, finding);
		return;
	}
	for (size_t i = 0; i < sizeof token_errors / sizeof token_errors[0]; i++) {
		if (strcmp(error, token_errors[i].error) == 0) {
			find(finding, PROBE_BAD, "%s %.90s", token_errors[i].means,
			    asked->email);
			return;
		}
	}
	if (error[0] == '\0') {
		find_stranger("the token endpoint", answer, finding);
		return;
	}
	find(finding, PROBE_BAD, "the token endpoint answers %u (%.40s)%s",
	    answer->status, error, with_said(text, said));
}

static bool
is_token(const char *text)
{
	size_t size = strlen(text);

	if (size < 1 || size > TOKEN_MAX) {
		return false;
	}
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '!' || text[i] > '~') {
			return false;
		}
	}
	return true;
}

static bool
take_token(const struct json *body, struct sheet_token *out)
{
	const char *text = json_text_or(json_get(body, "access_token"), "");
	int64_t lifetime = json_int_or(json_get(body, "expires_in"), LIFETIME_S);

	if (!is_token(text) || lifetime < 1) {
		return false;
	}
	lifetime = lifetime > LIFETIME_MAX ? LIFETIME_MAX : lifetime;
	*out = (struct sheet_token){secret_new(text, strlen(text)), CLOCK_S(lifetime)};
	return true;
}

bool
sheet_read_token(const struct sheet_asked *asked, const struct sheet_answer *answer,
    struct sheet_token *out, struct sheet_finding *finding)
{
	struct json *body = NULL;
	bool taken = false;

	*out = (struct sheet_token){.access = NULL};
	*finding = (struct sheet_finding){.verdict = PROBE_BAD};
	(void)json_parse(answer->body, SHEET_ANSWER_MAX_BYTES, &body);
	if (answer->status == 429) {
		find_quota(answer, finding);
	} else if (answer->status >= 500) {
		find_trouble("the token endpoint", answer, finding);
	} else if (answer->status != 200) {
		find_token_error(asked, answer, body, finding);
	} else {
		taken = take_token(body, out);
		if (!taken) {
			find_stranger("the token endpoint", answer, finding);
		}
	}
	json_wipe(body);
	return taken;
}

/* ---- the row ---- */

/* The tab out of 'It''s'!A1:Z1 or Roster!A1:Z1. */
static bool
read_title(const char *range, char out[SHEET_TITLE_ROOM])
{
	const char *end = strrchr(range, '!');
	struct buf title;
	bool quoted = range[0] == '\'';

	if (!end || end == range || (quoted && (end - range < 3 || end[-1] != '\''))) {
		return false;
	}
	buf_init(&title, SHEET_ANSWER_MAX_BYTES);
	end -= quoted ? 1 : 0;
	for (const char *at = range + (quoted ? 1 : 0); at < end; at++) {
		(void)buf_append(&title, at, 1);
		at += quoted && at[0] == '\'' && at + 1 < end && at[1] == '\'' ? 1 : 0;
	}
	clean(buf_slice(&title), out, SHEET_TITLE_ROOM);
	buf_fini(&title);
	return true;
}

/* True where one of the error's details has that reason. */
static bool
has_reason(const struct json *error, const char *reason)
{
	const struct json *at = json_first(json_get(error, "details"));

	for (; at; at = json_next(at)) {
		if (strcmp(json_text_or(json_get(at, "reason"), ""), reason) == 0) {
			return true;
		}
	}
	return false;
}

static void
find_bad_request(const struct sheet_asked *asked, const struct json *error,
    const char *message, struct sheet_finding *finding)
{
	char said[SAID_ROOM + 2];
	char tab[SHOWN_ROOM];

	if (has_reason(error, "API_KEY_INVALID") || has(message, "API key not valid") ||
	    has(message, "API key expired")) {
		find(finding, PROBE_BAD,
		    "Google does not know this API key: was it deleted, or has it "
		    "expired?");
	} else if (has(message, "Unable to parse range")) {
		clean(slice_of(asked->worksheet), tab, sizeof tab);
		find(finding, PROBE_BAD,
		    "the sheet has no tab \"%s\": was it renamed? (worksheet)", tab);
	} else if (has(message, "not supported for this document")) {
		find(finding, PROBE_BAD,
		    "that document is no Google sheet: save the Office file as one");
	} else {
		find(finding, PROBE_BAD, "Google answers 400%s",
		    with_said(message, said));
	}
}

static void
find_forbidden(const struct sheet_asked *asked, const struct json *error,
    const char *message, struct sheet_finding *finding)
{
	bool by_key = asked->email[0] == '\0';

	if (has_reason(error, "SERVICE_DISABLED") || has(message, "is disabled") ||
	    has(message, "has not been used in project")) {
		find(finding, PROBE_BAD,
		    "the Sheets API is off in this project%s%.90s: switch it on in "
		    "Google's console",
		    asked->project[0] ? ", " : "", asked->project);
	} else if (!by_key && has(message, "scope")) {
		find(finding, PROBE_BAD, "the token of %.90s may not read sheets",
		    asked->email);
	} else if (!by_key) {
		find(finding, PROBE_BAD,
		    "share the sheet with %.150s (viewer is enough)", asked->email);
	} else if (has(message, "missing a valid API key")) {
		find(finding, PROBE_BAD, "Google saw no API key in the request");
	} else if (has(message, "block") || has(message, "restrict")) {
		find(finding, PROBE_BAD,
		    "this API key may not be used for it: change the key's "
		    "restrictions in Google's console");
	} else {
		find(finding, PROBE_BAD,
		    "the sheet is private: with an API key, share it with anyone who "
		    "has the link, or use credentials");
	}
}

static void
find_row_error(const struct sheet_asked *asked, const struct sheet_answer *answer,
    const struct json *error, struct sheet_finding *finding)
{
	const char *message = json_text_or(json_get(error, "message"), "");
	char said[SAID_ROOM + 2];

	if (json_kind(error) != JSON_OBJECT) {
		find_stranger("the Sheets API", answer, finding);
		return;
	}
	switch (answer->status) {
	case 400:
		find_bad_request(asked, error, message, finding);
		return;
	case 401:
		finding->refused = true;
		find(finding, PROBE_BAD, "Google refuses the %s (401)%s",
		    asked->email[0] ? "access token, even a new one" : "API key",
		    with_said(message, said));
		return;
	case 403:
		find_forbidden(asked, error, message, finding);
		return;
	case 404:
		find(finding, PROBE_BAD,
		    "there is no spreadsheet with this id: is it deleted? (sheet)");
		return;
	default:
		find(finding, PROBE_BAD, "the Sheets API answers %u%s", answer->status,
		    with_said(message, said));
	}
}

static void
find_row(const struct sheet_answer *answer, const struct json *body,
    struct sheet_finding *finding)
{
	char title[SHEET_TITLE_ROOM];

	/* An empty row has no "values", and is readable all the same. */
	if (!read_title(json_text_or(json_get(body, "range"), ""), title)) {
		find_stranger("the Sheets API", answer, finding);
		return;
	}
	find(finding, PROBE_GOOD, "%s", title);
}

void
sheet_read_row(const struct sheet_asked *asked, const struct sheet_answer *answer,
    struct sheet_finding *finding)
{
	struct json *body = NULL;

	*finding = (struct sheet_finding){.verdict = PROBE_BAD};
	(void)json_parse(answer->body, SHEET_ANSWER_MAX_BYTES, &body);
	if (answer->status == 429) {
		find_quota(answer, finding);
	} else if (answer->status >= 500) {
		find_trouble("the Sheets API", answer, finding);
	} else if (answer->status == 200) {
		find_row(answer, body, finding);
	} else {
		find_row_error(asked, answer, json_get(body, "error"), finding);
	}
	json_free(body);
}
