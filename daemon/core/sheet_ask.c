/* What is asked of Google: the account, the grant, the form, the URL. */
#include "sheet.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "text.h"
#include "url.h"

#define SCOPE      "https://www.googleapis.com/auth/spreadsheets.readonly"
#define GRANT_TYPE "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"

/* Google takes no grant that is longer valid. */
#define GRANT_S       3600

#define PART_BYTES    ((size_t)4096)
#define KEY_MAX_BYTES 256

/* ---- the account ---- */

static bool
is_plain(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < '!' || *text > '~') {
			return false;
		}
	}
	return true;
}

/* Copies a member that has a printable text which fits; false for any other. */
static bool
take(const struct json *object, const char *name, char *out, size_t room)
{
	const char *text = json_text(json_get(object, name));

	return text && is_plain(text) && slice_copy(slice_of(text), out, room);
}

static bool
is_token_uri(const char *text)
{
	struct url url;

	return url_parse(text, &url) == GW_OK && !url.websocket &&
	    (url.tls || url_is_loopback(url.host));
}

static const char *
read_account(const struct json *object, struct sheet_account *out)
{
	const char *type = json_text_or(json_get(object, "type"), "");
	const char *key = json_text_or(json_get(object, "private_key"), "");

	if (json_kind(object) != JSON_OBJECT) {
		return "it is not the JSON of a key";
	}
	if (strcmp(type, "service_account") != 0) {
		return "it is no service account's key (\"type\" is another)";
	}
	if (!take(object, "client_email", out->email, sizeof out->email) ||
	    !strchr(out->email, '@')) {
		return "it has no usable \"client_email\"";
	}
	if (!take(object, "token_uri", out->token_uri, sizeof out->token_uri) ||
	    !is_token_uri(out->token_uri)) {
		return "its \"token_uri\" is no https:// URL";
	}
	if (!strstr(key, "-----BEGIN ")) {
		return "it has no \"private_key\" in PEM form";
	}
	if (!take(object, "project_id", out->project, sizeof out->project)) {
		out->project[0] = '\0';
	}
	if (!take(object, "private_key_id", out->key_id, sizeof out->key_id)) {
		out->key_id[0] = '\0';
	}
	out->key = secret_new(key, strlen(key));
	return NULL;
}

const char *
sheet_account_read(struct slice json, struct sheet_account *out)
{
	struct json *object = NULL;
	const char *why = NULL;

	*out = (struct sheet_account){.key = NULL};
	if (json_parse(json, SHEET_KEY_MAX_BYTES, &object) != GW_OK) {
		return "it is not the JSON of a key";
	}
	why = read_account(object, out);
	json_wipe(object);
	return why;
}

void
sheet_account_fini(struct sheet_account *account)
{
	secret_free(account->key);
	account->key = NULL;
}

/* ---- the grant ---- */

enum gw_err
sheet_put_base64url(struct slice bytes, struct buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t bits = 0;
	unsigned count = 0; /* of them not written yet */
	enum gw_err err = GW_OK;

	for (size_t i = 0; i < bytes.size && err == GW_OK; i++) {
		bits = bits << 8 | (unsigned char)bytes.data[i];
		for (count += 8; count >= 6 && err == GW_OK; count -= 6) {
			err = buf_append(out, &digits[bits >> (count - 6) & 63], 1);
		}
	}
	if (count > 0 && err == GW_OK) {
		err = buf_append(out, &digits[bits << (6 - count) & 63], 1);
	}
	return err;
}

static enum gw_err
put_part(struct json *owned_object, struct buf *out)
{
	struct buf text;
	enum gw_err err = GW_OK;

	buf_init(&text, PART_BYTES);
	err = json_print(owned_object, &text);
	if (err == GW_OK) {
		err = sheet_put_base64url(buf_slice(&text), out);
	}
	buf_fini(&text);
	json_free(owned_object);
	return err;
}

enum gw_err
sheet_put_grant(const struct sheet_account *account, int64_t now_s, struct buf *out)
{
	struct json *header = json_new_object();
	struct json *claims = json_new_object();

	json_add_text(header, "alg", "RS256");
	json_add_text(header, "typ", "JWT");
	if (account->key_id[0] != '\0') {
		json_add_text(header, "kid", account->key_id);
	}
	json_add_text(claims, "iss", account->email);
	json_add_text(claims, "scope", SCOPE);
	json_add_text(claims, "aud", account->token_uri);
	json_add_int(claims, "iat", now_s);
	json_add_int(claims, "exp", now_s + GRANT_S);

	enum gw_err err = put_part(header, out);

	if (err == GW_OK) {
		err = buf_append(out, ".", 1);
	}
	if (err == GW_OK) {
		return put_part(claims, out);
	}
	json_free(claims);
	return err;
}

enum gw_err
sheet_put_form(struct slice grant, struct slice signature, struct buf *out)
{
	enum gw_err err = buf_printf(out, "grant_type=%s&assertion=", GRANT_TYPE);

	if (err == GW_OK) {
		err = buf_append(out, grant.data, grant.size);
	}
	if (err == GW_OK) {
		err = buf_append(out, ".", 1);
	}
	return err == GW_OK ? sheet_put_base64url(signature, out) : err;
}

/* ---- the URL ---- */

/* All but the unreserved of RFC 3986, so that a name is one segment of a path. */
static enum gw_err
put_escaped(const char *text, size_t size, struct buf *out)
{
	enum gw_err err = GW_OK;

	for (size_t i = 0; i < size && err == GW_OK; i++) {
		unsigned char c = (unsigned char)text[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
		    c == '~';

		err = plain ? buf_append(out, text + i, 1) :
			      buf_printf(out, "%%%02X", (unsigned)c);
	}
	return err;
}

/* 'It''s'!1:1 -- quoted, so that a tab "A1" is not taken for a cell. */
static enum gw_err
put_range(const char *worksheet, struct buf *out)
{
	enum gw_err err = put_escaped("'", 1, out);

	for (; *worksheet != '\0' && err == GW_OK; worksheet++) {
		if (*worksheet == '\'') {
			err = put_escaped("'", 1, out);
		}
		if (err == GW_OK) {
			err = put_escaped(worksheet, 1, out);
		}
	}
	return err == GW_OK ? put_escaped("'!1:1", 5, out) : err;
}

enum gw_err
sheet_put_url(const char *base, const char *sheet, const char *worksheet,
    const struct secret *key, struct buf *out)
{
	enum gw_err err = buf_printf(out, "%s/v4/spreadsheets/%s/values/", base, sheet);

	if (err == GW_OK) {
		err = put_range(worksheet, out);
	}
	if (err == GW_OK) {
		err = buf_printf(out, "?majorDimension=ROWS%s", key ? "&key=" : "");
	}
	if (err == GW_OK && key) {
		err = put_escaped(secret_reveal(key), secret_size(key), out);
	}
	return err;
}

bool
sheet_trim_key(struct slice *text)
{
	while (text->size > 0 && strchr(" \t\r\n", text->data[text->size - 1])) {
		text->size--;
	}
	while (text->size > 0 && strchr(" \t\r\n", text->data[0])) {
		text->data++;
		text->size--;
	}
	for (size_t i = 0; i < text->size; i++) {
		if (text->data[i] < '!' || text->data[i] > '~') {
			return false;
		}
	}
	return text->size > 0 && text->size <= KEY_MAX_BYTES;
}
