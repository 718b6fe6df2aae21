#include "google.h"

#include <inttypes.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "xalloc.h"

#define LIFETIME_S  3600
#define GRANT_TYPE  "urn:ietf:params:oauth:grant-type:jwt-bearer"
#define TEXT_ROOM   8192
#define RANGE_ROOM  1024
#define KEY_BYTES   39
#define API_SUFFIX  "/api/v10"
#define SHEETS_PATH "/v4/spreadsheets/"

/* The tabs of both spreadsheets; row NULL: the first row is empty. */
static const struct {
	const char *name;
	const char *row;
} tabs[] = {
    {"Roster", "[\"Clan\",\"Tag\",\"\",\"Level\"]"},
    {"Empty", NULL},
    {"It's 50/50 \"fun\" & \xc3\xbc", "[\"a\"]"},
};

#define TABS (sizeof tabs / sizeof tabs[0])

struct google *
google_new(void)
{
	struct google *google = xzalloc(sizeof *google);

	google->lifetime_s = LIFETIME_S;
	return google;
}

void
google_free(struct google *owned_google)
{
	for (int i = 0; i < GOOGLE_ACCOUNTS_MAX; i++) {
		EVP_PKEY_free(owned_google->accounts[i].key);
	}
	free(owned_google);
}

const char *
google_take_key(struct google *google, const char *path, const char *email)
{
	struct google_account *place = NULL;
	FILE *file = fopen(path, "re");
	EVP_PKEY *key = file ? PEM_read_PUBKEY(file, NULL, NULL, NULL) : NULL;

	if (file) {
		(void)fclose(file);
	}
	for (int i = 0; i < GOOGLE_ACCOUNTS_MAX; i++) {
		struct google_account *account = &google->accounts[i];

		if (account->key && strcmp(account->email, email) == 0) {
			place = account;
			break;
		}
		place = !place && !account->key ? account : place;
	}
	if (!key || !place || strlen(email) >= sizeof place->email) {
		EVP_PKEY_free(key);
		return key ? "no room for that account" :
			     "no public key in PEM form is in that file";
	}
	EVP_PKEY_free(place->key);
	place->key = key;
	(void)slice_copy(slice_of(email), place->email, sizeof place->email);
	return NULL;
}

void
google_revoke(struct google *google)
{
	memset(google->tokens, 0, sizeof google->tokens);
}

void
google_calm(struct google *google)
{
	google->ahead_s = 0;
	google->token_fault.count = 0;
	google->sheet_fault.count = 0;
}

static void
put_date(const struct google *google, struct rest_answer *answer)
{
	time_t now = (time_t)(clock_wall_ms() / 1000 + google->ahead_s);
	struct tm utc;
	char text[64];

	(void)gmtime_r(&now, &utc);
	if (strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc) > 0) {
		jsonw_fmt(&answer->headers, "Date: %s\r\n", text);
	}
}

/* ---- the token endpoint ---- */

static void
give_token(struct sim *sim, struct rest_answer *answer)
{
	struct google *google = sim->google;
	struct google_token *token =
	    &google->tokens[google->token_count++ % GOOGLE_TOKENS_MAX];
	uint64_t random[2] = {0, 0};

	(void)RAND_bytes((unsigned char *)random, sizeof random);
	(void)snprintf(token->text, sizeof token->text,
	    "ya29.gwsim-%016" PRIx64 "%016" PRIx64, random[0], random[1]);
	token->expires_at = sim->now + CLOCK_S(google->lifetime_s);
	answer->status = 200;
	jsonw_fmt(&answer->body,
	    "{\"access_token\":\"%s\",\"expires_in\":%" PRId64
	    ",\"token_type\":\"Bearer\"}",
	    token->text, google->lifetime_s);
}

static void
answer_token(struct sim *sim, const struct http_request *request,
    struct rest_answer *answer)
{
	struct slice type = http_header_find(request, "Content-Type");
	struct slice grant_type = {NULL, 0};
	struct slice assertion = {NULL, 0};
	char text[TEXT_ROOM] = "";
	char audience[sizeof sim->api_base + 16];

	if (google_play_token_fault(sim->google, answer)) {
		return;
	}
	if (!http_value_has(type, "application/x-www-form-urlencoded") ||
	    !http_query_find(request->body, "grant_type", &grant_type) ||
	    !http_unescape(grant_type, text, sizeof text) ||
	    strcmp(text, GRANT_TYPE) != 0) {
		google_refuse_token(answer, 400, "unsupported_grant_type",
		    "Invalid grant_type");
		return;
	}
	(void)http_query_find(request->body, "assertion", &assertion);
	(void)snprintf(audience, sizeof audience, "%.*s/token",
	    (int)(strlen(sim->api_base) - strlen(API_SUFFIX)), sim->api_base);
	struct google_verdict verdict = google_judge(sim->google, assertion, audience,
	    clock_wall_ms() / 1000 + sim->google->ahead_s);

	if (verdict.error) {
		google_refuse_token(answer, 400, verdict.error, verdict.description);
	} else {
		give_token(sim, answer);
	}
}

/* ---- the sheets ---- */

enum access {
	ACCESS_NONE, /* answered already */
	ACCESS_ACCOUNT,
	ACCESS_KEY,
};

static bool
is_key(struct slice key)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

	if (key.size != KEY_BYTES || memcmp(key.data, "AIza", 4) != 0 ||
	    memmem(key.data, key.size, "revoked", 7)) {
		return false;
	}
	for (size_t i = 0; i < key.size; i++) {
		if (!memchr(letters, key.data[i], sizeof letters - 1)) {
			return false;
		}
	}
	return true;
}

static bool
is_token(const struct sim *sim, struct slice bearer)
{
	static const char word[] = "Bearer ";
	const size_t size = sizeof word - 1;

	if (bearer.size <= size || memcmp(bearer.data, word, size) != 0) {
		return false;
	}
	bearer.data += size;
	bearer.size -= size;
	for (int i = 0; i < GOOGLE_TOKENS_MAX; i++) {
		const struct google_token *token = &sim->google->tokens[i];

		if (token->expires_at > sim->now &&
		    slice_equal(slice_of(token->text), bearer)) {
			return true;
		}
	}
	return false;
}

static enum access
take_access(const struct sim *sim, const struct http_request *request,
    struct rest_answer *answer)
{
	struct slice bearer = http_header_find(request, "Authorization");
	struct slice key = {NULL, 0};

	if (bearer.size > 0) {
		if (is_token(sim, bearer)) {
			return ACCESS_ACCOUNT;
		}
		google_refuse_read(answer, 401, "UNAUTHENTICATED", NULL,
		    SLICE_LITERAL("Request had invalid authentication credentials."));
	} else if (!http_query_find(request->query, "key", &key)) {
		google_refuse_read(answer, 403, "PERMISSION_DENIED", NULL,
		    SLICE_LITERAL("The request is missing a valid API key."));
	} else if (!is_key(key)) {
		google_refuse_read(answer, 400, "INVALID_ARGUMENT", "API_KEY_INVALID",
		    SLICE_LITERAL("API key not valid. Please pass a valid API key."));
	} else {
		return ACCESS_KEY;
	}
	return ACCESS_NONE;
}

/* The tab that 'It''s'!1:1 or Roster!1:1 names; -1: none. */
static int
find_tab(const char *range)
{
	char name[RANGE_ROOM] = "";
	size_t size = 0;
	bool quoted = *range == '\'';
	const char *at = range + (quoted ? 1 : 0);

	while (*at != '\0' && size + 1 < sizeof name) {
		if (quoted && at[0] == '\'' && at[1] != '\'') {
			at++;
			break;
		}
		if (!quoted && *at == '!') {
			break;
		}
		at += quoted && *at == '\'' ? 1 : 0;
		name[size++] = *at++;
	}
	for (size_t i = 0; i < TABS && strcmp(at, "!1:1") == 0; i++) {
		if (strcmp(tabs[i].name, name) == 0) {
			return (int)i;
		}
	}
	return -1;
}

/* A name is quoted only where it must be, and a quote in it is doubled. */
static void
put_row(struct rest_answer *answer, int tab)
{
	const char *name = tabs[tab].name;
	bool quoted = strpbrk(name, " '") != NULL;
	struct buf range;

	buf_init(&range, RANGE_ROOM);
	for (const char *at = name; *at != '\0'; at++) {
		(void)buf_printf(&range, "%s%c", *at == '\'' ? "'" : "", *at);
	}
	(void)buf_append(&range, "", 1);

	struct buf whole;

	buf_init(&whole, RANGE_ROOM);
	(void)buf_printf(&whole, "%s%s%s!A1:Z1", quoted ? "'" : "", range.data,
	    quoted ? "'" : "");
	answer->status = 200;
	jsonw_raw(&answer->body, "{\"range\":");
	jsonw_string(&answer->body, buf_slice(&whole), false);
	jsonw_raw(&answer->body, ",\"majorDimension\":\"ROWS\"");
	if (tabs[tab].row) {
		jsonw_fmt(&answer->body, ",\"values\":[%s]", tabs[tab].row);
	}
	jsonw_raw(&answer->body, "}");
	buf_fini(&range);
	buf_fini(&whole);
}

/* ID/values/RANGE: a slash in the range is %2F, or it would end the segment. */
static bool
split_path(struct slice path, struct slice *id, struct slice *range)
{
	static const char values[] = "/values/";
	const char *at = memmem(path.data, path.size, values, sizeof values - 1);

	if (!at) {
		return false;
	}
	*id = (struct slice){path.data, (size_t)(at - path.data)};
	*range = (struct slice){at + sizeof values - 1,
	    path.size - id->size - (sizeof values - 1)};
	return range->size > 0 && !memchr(range->data, '/', range->size);
}

static void
answer_sheet(struct sim *sim, const struct http_request *request, struct slice path,
    struct rest_answer *answer)
{
	struct slice id = {NULL, 0};
	struct slice escaped = {NULL, 0};
	char range[RANGE_ROOM];
	char message[RANGE_ROOM + 32];

	if (google_play_sheet_fault(sim->google, request, answer)) {
		return;
	}
	if (!split_path(path, &id, &escaped) ||
	    !http_unescape(escaped, range, sizeof range)) {
		google_refuse_read(answer, 404, "NOT_FOUND", NULL,
		    SLICE_LITERAL("Not Found"));
		return;
	}
	enum access access = take_access(sim, request, answer);
	bool public = slice_equal(id, SLICE_LITERAL(GOOGLE_PUBLIC));
	int tab = find_tab(range);

	if (access == ACCESS_NONE) {
		return;
	}
	if (!public && !slice_equal(id, SLICE_LITERAL(GOOGLE_PRIVATE))) {
		google_refuse_read(answer, 404, "NOT_FOUND", NULL,
		    SLICE_LITERAL("Requested entity was not found."));
	} else if (!public && access == ACCESS_KEY) {
		google_refuse_read(answer, 403, "PERMISSION_DENIED", NULL,
		    SLICE_LITERAL("The caller does not have permission"));
	} else if (tab < 0) {
		(void)snprintf(message, sizeof message, "Unable to parse range: %s",
		    range);
		google_refuse_read(answer, 400, "INVALID_ARGUMENT", NULL,
		    slice_of(message));
	} else {
		put_row(answer, tab);
	}
}

static bool
is_method(const struct http_request *request, const char *method,
    struct rest_answer *answer)
{
	answer->method = method;
	if (slice_equal(request->method, slice_of(method))) {
		return true;
	}
	answer->status = 405;
	jsonw_fmt(&answer->headers, "Allow: %s\r\n", method);
	answer->type = "text/html";
	return false;
}

bool
google_handle(struct sim *sim, const struct http_request *request,
    struct rest_answer *answer)
{
	const size_t prefix = sizeof SHEETS_PATH - 1;
	struct slice path = request->path;

	if (slice_equal(path, SLICE_LITERAL("/token"))) {
		answer->route = "/token";
		if (is_method(request, "POST", answer)) {
			answer_token(sim, request, answer);
		}
	} else if (path.size > prefix && memcmp(path.data, SHEETS_PATH, prefix) == 0) {
		answer->route = "/v4/spreadsheets/{s}/values/{r}";
		path.data += prefix;
		path.size -= prefix;
		if (is_method(request, "GET", answer)) {
			answer_sheet(sim, request, path, answer);
		}
	} else {
		return false;
	}
	put_date(sim->google, answer);
	return true;
}
