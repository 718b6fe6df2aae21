/* What Google says where it refuses, and what it can do wrong. */
#include "google.h"

#include <stdlib.h>
#include <string.h>

void
google_refuse_token(struct rest_answer *answer, int status, const char *error,
    const char *description)
{
	answer->status = status;
	jsonw_raw(&answer->body, "{\"error\":");
	jsonw_string(&answer->body, slice_of(error), false);
	jsonw_raw(&answer->body, ",\"error_description\":");
	jsonw_string(&answer->body, slice_of(description), false);
	jsonw_raw(&answer->body, "}");
}

void
google_refuse_read(struct rest_answer *answer, int status, const char *name,
    const char *reason, struct slice message)
{
	answer->status = status;
	jsonw_fmt(&answer->body, "{\"error\":{\"code\":%d,\"message\":", status);
	jsonw_string(&answer->body, message, false);
	jsonw_fmt(&answer->body, ",\"status\":\"%s\"", name);
	if (reason) {
		jsonw_fmt(&answer->body,
		    ",\"details\":[{\"@type\":\"type.googleapis.com/"
		    "google.rpc.ErrorInfo\",\"reason\":\"%s\"}]",
		    reason);
	}
	jsonw_raw(&answer->body, "}}");
}

/* Counts one of the fault; NULL: there is none now. */
static const char *
take(struct google_fault *fault)
{
	if (fault->count == 0) {
		return NULL;
	}
	fault->count -= fault->count != UINT64_MAX ? 1 : 0;
	return fault->what;
}

/* What either endpoint can do. */
static bool
play_common(const char *what, struct rest_answer *answer)
{
	if (strcmp(what, "drop") == 0) {
		answer->silence = REST_DROPS;
	} else if (strcmp(what, "stall") == 0) {
		answer->silence = REST_STALLS;
	} else if (strcmp(what, "html") == 0) {
		answer->status = 200;
		answer->type = "text/html";
		jsonw_raw(&answer->body, "<html><body>Please log in.</body></html>\n");
	} else if (strtol(what, NULL, 10) >= 500) {
		answer->status = (int)strtol(what, NULL, 10);
		answer->type = "text/html";
		jsonw_raw(&answer->body, "<html><body>That is an error.</body></html>");
	} else {
		return false;
	}
	return true;
}

static bool
is_common(const char *word)
{
	size_t size = strlen(word);

	return strcmp(word, "drop") == 0 || strcmp(word, "stall") == 0 ||
	    strcmp(word, "html") == 0 ||
	    (size == 3 && word[0] == '5' && strspn(word, "0123456789") == size);
}

/* ---- the token endpoint ---- */

static const struct {
	const char *error;
	int status;
	const char *description;
} token_faults[] = {
    {"invalid_grant", 400, "Invalid grant: account not found"},
    {"invalid_scope", 400, "Invalid OAuth scope or ID token audience provided."},
    {"unauthorized_client", 401,
	"Client is unauthorized to retrieve access tokens using this method."},
    {"access_denied", 400, "Requested client not authorized."},
    {"disabled_client", 401, "The OAuth client was disabled."},
    {"rate_limited", 429, "Too many requests."},
};

#define TOKEN_FAULTS (sizeof token_faults / sizeof token_faults[0])

bool
google_knows_token_fault(const char *word)
{
	for (size_t i = 0; i < TOKEN_FAULTS; i++) {
		if (strcmp(token_faults[i].error, word) == 0) {
			return true;
		}
	}
	return is_common(word);
}

bool
google_play_token_fault(struct google *google, struct rest_answer *answer)
{
	const char *what = take(&google->token_fault);

	for (size_t i = 0; what && i < TOKEN_FAULTS; i++) {
		if (strcmp(token_faults[i].error, what) == 0) {
			google_refuse_token(answer, token_faults[i].status,
			    token_faults[i].error, token_faults[i].description);
			return true;
		}
	}
	return what && play_common(what, answer);
}

/* ---- the sheets ---- */

static const struct {
	const char *word;
	int status;
	const char *name;
	const char *reason;
	const char *message;
} sheet_faults[] = {
    {"400", 400, "FAILED_PRECONDITION", NULL,
	"This operation is not supported for this document"},
    {"401", 401, "UNAUTHENTICATED", NULL,
	"Request had invalid authentication credentials. Expected OAuth 2 access "
	"token, login cookie or other valid authentication credential."},
    {"403", 403, "PERMISSION_DENIED", NULL, "The caller does not have permission"},
    {"404", 404, "NOT_FOUND", NULL, "Requested entity was not found."},
    {"429", 429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED",
	"Quota exceeded for quota metric 'Read requests' and limit 'Read requests "
	"per minute per user' of service 'sheets.googleapis.com'."},
    {"api_off", 403, "PERMISSION_DENIED", "SERVICE_DISABLED",
	"Google Sheets API has not been used in project 123456789012 before or it is "
	"disabled. Enable it by visiting https://console.developers.google.com/ then "
	"retry."},
    {"key_blocked", 403, "PERMISSION_DENIED", "API_KEY_SERVICE_BLOCKED",
	"Requests to this API sheets.googleapis.com are blocked."},
};

#define SHEET_FAULTS (sizeof sheet_faults / sizeof sheet_faults[0])

bool
google_knows_sheet_fault(const char *word)
{
	for (size_t i = 0; i < SHEET_FAULTS; i++) {
		if (strcmp(sheet_faults[i].word, word) == 0) {
			return true;
		}
	}
	return strcmp(word, "quote") == 0 || is_common(word);
}

/* An error that says back what it was asked with, secrets too. */
static void
quote(const struct http_request *request, struct rest_answer *answer)
{
	struct slice bearer = http_header_find(request, "Authorization");
	struct buf text;

	buf_init(&text, HTTP_MAX_HEAD * 2);
	/* Much in front: who shows the beginning shows a part of the secret. */
	(void)buf_printf(&text,
	    "Invalid value at 'request' (type.googleapis.com), %.*s | %.*s",
	    (int)bearer.size, bearer.data ? bearer.data : "", (int)request->query.size,
	    request->query.data ? request->query.data : "");
	google_refuse_read(answer, 400, "INVALID_ARGUMENT", NULL, buf_slice(&text));
	buf_fini(&text);
}

bool
google_play_sheet_fault(struct google *google, const struct http_request *request,
    struct rest_answer *answer)
{
	const char *what = take(&google->sheet_fault);

	for (size_t i = 0; what && i < SHEET_FAULTS; i++) {
		if (strcmp(sheet_faults[i].word, what) == 0) {
			google_refuse_read(answer, sheet_faults[i].status,
			    sheet_faults[i].name, sheet_faults[i].reason,
			    slice_of(sheet_faults[i].message));
			return true;
		}
	}
	if (what && strcmp(what, "quote") == 0) {
		quote(request, answer);
		return true;
	}
	return what && play_common(what, answer);
}
