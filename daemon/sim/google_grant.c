/* A grant (JWT): taken apart and judged. */
#include "google.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#define PART_BYTES    4096
#define LIFETIME_MAX  3600
#define CLOCK_SLACK_S 120
#define SCOPE         "https://www.googleapis.com/auth/spreadsheets"

struct grant {
	struct slice signed_part; /* header, dot, claims */
	unsigned char signature[PART_BYTES];
	size_t signature_size;
	cJSON *header;
	cJSON *claims;
};

static int
digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Base64url without padding; false where it is something else, or too long. */
static bool
decode(struct slice text, unsigned char out[PART_BYTES], size_t *size)
{
	uint32_t bits = 0;
	unsigned count = 0;

	*size = 0;
	if (text.size % 4 == 1 || text.size / 4 * 3 + 3 >= PART_BYTES) {
		return false;
	}
	for (size_t i = 0; i < text.size; i++) {
		int value = digit(text.data[i]);

		if (value < 0) {
			return false;
		}
		bits = bits << 6 | (uint32_t)value;
		count += 6;
		if (count >= 8) {
			count -= 8;
			out[(*size)++] = (unsigned char)(bits >> count);
		}
	}
	return true;
}

static cJSON *
decode_object(struct slice text)
{
	unsigned char bytes[PART_BYTES];
	size_t size = 0;
	cJSON *object = decode(text, bytes, &size) ?
	    cJSON_ParseWithLength((const char *)bytes, size) :
	    NULL;

	if (object && !cJSON_IsObject(object)) {
		cJSON_Delete(object);
		return NULL;
	}
	return object;
}

/* Takes what is before the next dot (or the end) off the front. */
static struct slice
take_part(struct slice *text)
{
	const char *dot = text->size > 0 ? memchr(text->data, '.', text->size) : NULL;
	size_t size = dot ? (size_t)(dot - text->data) : text->size;
	struct slice part = {text->data, size};
	size_t used = dot ? size + 1 : size;

	text->data += used;
	text->size -= used;
	return part;
}

static bool
take_apart(struct slice assertion, struct grant *out)
{
	struct slice rest = assertion;
	struct slice header = take_part(&rest);
	struct slice claims = take_part(&rest);

	out->signed_part =
	    (struct slice){assertion.data, header.size + 1 + claims.size};
	out->header = decode_object(header);
	out->claims = decode_object(claims);
	return out->header && out->claims &&
	    decode(rest, out->signature, &out->signature_size);
}

static const char *
text_of(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));

	return text ? text : "";
}

static int64_t
number_of(const cJSON *object, const char *name)
{
	const cJSON *value = cJSON_GetObjectItem(object, name);

	return cJSON_IsNumber(value) ? (int64_t)value->valuedouble : -1;
}

static const struct google_account *
find_account(const struct google *google, const char *email)
{
	for (int i = 0; i < GOOGLE_ACCOUNTS_MAX; i++) {
		if (google->accounts[i].key &&
		    strcmp(google->accounts[i].email, email) == 0) {
			return &google->accounts[i];
		}
	}
	return NULL;
}

static bool
is_signed_by(const struct grant *grant, EVP_PKEY *key)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool good = md &&
	    EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestVerify(md, grant->signature, grant->signature_size,
		(const unsigned char *)grant->signed_part.data,
		grant->signed_part.size) == 1;

	EVP_MD_CTX_free(md);
	return good;
}

static bool
is_timely(const cJSON *claims, int64_t now_s)
{
	int64_t iat = number_of(claims, "iat");
	int64_t exp = number_of(claims, "exp");

	return iat > 0 && exp > iat && exp - iat <= LIFETIME_MAX &&
	    iat <= now_s + CLOCK_SLACK_S && exp > now_s;
}

/* One of those separated by blanks is for sheets. */
static bool
has_scope(const char *scopes)
{
	while (*scopes != '\0') {
		struct slice scope = {scopes, strcspn(scopes, " ")};

		if (slice_equal(scope, SLICE_LITERAL(SCOPE)) ||
		    slice_equal(scope, SLICE_LITERAL(SCOPE ".readonly"))) {
			return true;
		}
		scopes += scope.size + (scopes[scope.size] == ' ' ? 1 : 0);
	}
	return false;
}

static struct google_verdict
judge(const struct google *google, const struct grant *grant, const char *audience,
    int64_t now_s)
{
	const struct google_account *account =
	    find_account(google, text_of(grant->claims, "iss"));

	if (strcmp(text_of(grant->header, "alg"), "RS256") != 0 ||
	    strcmp(text_of(grant->header, "typ"), "JWT") != 0) {
		return (struct google_verdict){"invalid_grant",
		    "Invalid JWT: header must say RS256 and JWT."};
	}
	if (!account) {
		return (struct google_verdict){"invalid_grant",
		    "Invalid grant: account not found"};
	}
	if (!is_signed_by(grant, account->key)) {
		return (
		    struct google_verdict){"invalid_grant", "Invalid JWT Signature."};
	}
	if (strcmp(text_of(grant->claims, "aud"), audience) != 0) {
		return (struct google_verdict){"invalid_grant",
		    "Invalid JWT: Failed audience check."};
	}
	if (!is_timely(grant->claims, now_s)) {
		return (struct google_verdict){"invalid_grant",
		    "Invalid JWT: Token must be a short-lived token (60 minutes) and "
		    "in a reasonable timeframe. Check your iat and exp values in the "
		    "JWT claim."};
	}
	if (!has_scope(text_of(grant->claims, "scope"))) {
		return (struct google_verdict){"invalid_scope",
		    "Invalid OAuth scope or ID token audience provided."};
	}
	return (struct google_verdict){NULL, NULL};
}

struct google_verdict
google_judge(const struct google *google, struct slice assertion, const char *audience,
    int64_t now_s)
{
	struct grant grant = {.header = NULL};
	struct google_verdict verdict = {"invalid_grant", "Bad Request"};

	if (take_apart(assertion, &grant)) {
		verdict = judge(google, &grant, audience, now_s);
	}
	cJSON_Delete(grant.header);
	cJSON_Delete(grant.claims);
	return verdict;
}
