#include "json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "json_scan.h"
#include "text.h"

static const cJSON *
tree_of(const struct json *value)
{
	return (const cJSON *)value;
}

static cJSON *
own_tree_of(struct json *value)
{
	return (cJSON *)value;
}

/* A value just made; without memory the process ends, as xzalloc() does. */
static struct json *
made(cJSON *tree)
{
	if (!tree) {
		static const char text[] =
		    "gwbot: out of memory; a start resumes the sessions "
		    "(exit status 70)\n";

		(void)fwrite(text, 1, sizeof text - 1, stderr);
		exit(70); /* EX_SOFTWARE */
	}
	return (struct json *)tree;
}

enum gw_err
json_parse(struct slice text, size_t max_bytes, struct json **out)
{
	*out = NULL;
	if (text.size > max_bytes) {
		return GW_ERR_TOO_LARGE;
	}
	if (text.size == 0) {
		return GW_ERR_SYNTAX;
	}
	enum gw_err err = json_scan(text);

	if (err != GW_OK) {
		return err;
	}
	/* What still fails here is a lone surrogate, a number of over 63 characters,
	 * or memory; to the peer all of them are its text. */
	*out = (struct json *)cJSON_ParseWithLength(text.data, text.size);
	return *out ? GW_OK : GW_ERR_SYNTAX;
}

void
json_free(struct json *owned_value)
{
	cJSON_Delete(own_tree_of(owned_value));
}

/* As deep as json_parse() lets it be. */
static void
wipe_strings(cJSON *value)
{
	for (; value; value = value->next) {
		if (value->valuestring) {
			explicit_bzero(value->valuestring, strlen(value->valuestring));
		}
		wipe_strings(value->child);
	}
}

void
json_wipe(struct json *owned_value)
{
	wipe_strings(own_tree_of(owned_value));
	json_free(owned_value);
}

enum json_kind
json_kind(const struct json *value)
{
	const cJSON *tree = tree_of(value);

	if (!tree) {
		return JSON_NONE;
	}
	switch (tree->type & 0xff) {
	case cJSON_False:
	case cJSON_True:
		return JSON_BOOL;
	case cJSON_Number:
	case cJSON_Raw: /* made by json_add_int() only */
		return JSON_NUMBER;
	case cJSON_String:
		return JSON_STRING;
	case cJSON_Array:
		return JSON_ARRAY;
	case cJSON_Object:
		return JSON_OBJECT;
	default:
		return JSON_NULL;
	}
}

static bool
is_container(const struct json *value)
{
	enum json_kind kind = json_kind(value);

	return kind == JSON_ARRAY || kind == JSON_OBJECT;
}

const struct json *
json_get(const struct json *object, const char *name)
{
	if (json_kind(object) != JSON_OBJECT) {
		return NULL;
	}
	return (
	    const struct json *)cJSON_GetObjectItemCaseSensitive(tree_of(object), name);
}

const struct json *
json_first(const struct json *container)
{
	return is_container(container) ?
	    (const struct json *)tree_of(container)->child :
	    NULL;
}

const struct json *
json_next(const struct json *value)
{
	return value ? (const struct json *)tree_of(value)->next : NULL;
}

const struct json *
json_at(const struct json *array, size_t index)
{
	const struct json *value =
	    json_kind(array) == JSON_ARRAY ? json_first(array) : NULL;

	while (value && index-- > 0) {
		value = json_next(value);
	}
	return value;
}

size_t
json_count(const struct json *container)
{
	size_t count = 0;

	for (const struct json *value = json_first(container); value;
	     value = json_next(value)) {
		count++;
	}
	return count;
}

const char *
json_name(const struct json *member)
{
	return member ? tree_of(member)->string : NULL;
}

const char *
json_text(const struct json *value)
{
	return json_kind(value) == JSON_STRING ? tree_of(value)->valuestring : NULL;
}

bool
json_number(const struct json *value, double *out)
{
	const cJSON *tree = tree_of(value);

	if (json_kind(value) != JSON_NUMBER) {
		return false;
	}
	double number =
	    cJSON_IsRaw(tree) ? strtod(tree->valuestring, NULL) : tree->valuedouble;

	if (!isfinite(number)) {
		return false;
	}
	*out = number;
	return true;
}

bool
json_int(const struct json *value, int64_t *out)
{
	double number;

	if (!json_number(value, &number) || fabs(number) > (double)JSON_MAX_INT ||
	    number != (double)(int64_t)number) {
		return false;
	}
	*out = (int64_t)number;
	return true;
}

bool
json_bool(const struct json *value, bool *out)
{
	if (json_kind(value) != JSON_BOOL) {
		return false;
	}
	*out = cJSON_IsTrue(tree_of(value));
	return true;
}

const char *
json_text_or(const struct json *value, const char *otherwise)
{
	const char *text = json_text(value);

	return text ? text : otherwise;
}

int64_t
json_int_or(const struct json *value, int64_t otherwise)
{
	int64_t number = otherwise;

	(void)json_int(value, &number);
	return number;
}

bool
json_is_true(const struct json *value)
{
	bool flag = false;

	return json_bool(value, &flag) && flag;
}

struct json *
json_new_object(void)
{
	return made(cJSON_CreateObject());
}

struct json *
json_new_array(void)
{
	return made(cJSON_CreateArray());
}

struct json *
json_new_text(const char *text)
{
	struct slice bytes = slice_of(text);

	if (!text) {
		return made(cJSON_CreateNull());
	}
	if (text_is_utf8(bytes)) {
		return made(cJSON_CreateString(text));
	}
	struct buf clean;
	struct json *value = NULL;

	/* Three bytes for each bad one, and the NUL. */
	buf_init(&clean, bytes.size * 3 + 1);
	if (text_clean(bytes, false, &clean) == GW_OK &&
	    buf_append(&clean, "", 1) == GW_OK) {
		value = made(cJSON_CreateString(clean.data));
	}
	buf_fini(&clean);
	return value ? value : made(NULL);
}

struct json *
json_new_int(int64_t value)
{
	/* cJSON prints %.15g: exact below 10^15, an exponent from there on. */
	const int64_t printed_exactly = INT64_C(999999999999999);
	char digits[24];

	if (value >= -printed_exactly && value <= printed_exactly) {
		return made(cJSON_CreateNumber((double)value));
	}
	(void)snprintf(digits, sizeof digits, "%lld", (long long)value);
	return made(cJSON_CreateRaw(digits));
}

struct json *
json_copy(const struct json *value)
{
	return made(value ? cJSON_Duplicate(tree_of(value), true) : cJSON_CreateNull());
}

void
json_add(struct json *object, const char *name, struct json *owned_value)
{
	if (!cJSON_AddItemToObject(own_tree_of(object), name,
		own_tree_of(owned_value))) {
		(void)made(NULL);
	}
}

void
json_append(struct json *array, struct json *owned_value)
{
	if (!cJSON_AddItemToArray(own_tree_of(array), own_tree_of(owned_value))) {
		(void)made(NULL);
	}
}

void
json_add_null(struct json *object, const char *name)
{
	json_add(object, name, made(cJSON_CreateNull()));
}

void
json_add_bool(struct json *object, const char *name, bool value)
{
	json_add(object, name, made(cJSON_CreateBool(value)));
}

void
json_add_int(struct json *object, const char *name, int64_t value)
{
	json_add(object, name, json_new_int(value));
}

void
json_add_number(struct json *object, const char *name, double value)
{
	/* cJSON prints what is not finite as null. */
	json_add(object, name, made(cJSON_CreateNumber(value)));
}

void
json_add_seconds(struct json *object, const char *name, mono_ns distance)
{
	if (distance < 0) {
		json_add_null(object, name);
		return;
	}
	json_add_number(object, name, clock_seconds(distance - distance % CLOCK_US(1)));
}

void
json_add_time(struct json *object, const char *name, int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char date[40];
	char text[56];

	if (wall_ms < 0 || !gmtime_r(&seconds, &tm) ||
	    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
		json_add_null(object, name);
		return;
	}
	(void)snprintf(text, sizeof text, "%s.%03dZ", date, (int)(wall_ms % 1000));
	json_add_text(object, name, text);
}

void
json_add_text(struct json *object, const char *name, const char *text)
{
	json_add(object, name, json_new_text(text));
}

/* Such characters stand inside strings only, where an escape means the same. */
static enum gw_err
append_escaped(struct slice text, struct buf *out)
{
	enum gw_err err = GW_OK;
	size_t done = 0;

	for (size_t at = 0; err == GW_OK && at < text.size;) {
		uint32_t code = 0;
		size_t size =
		    text_read((struct slice){text.data + at, text.size - at}, &code);

		if (size > 0 && text_is_control(code)) {
			err = buf_append(out, text.data + done, at - done);
			if (err == GW_OK) {
				err = buf_printf(out, "\\u%04x", code);
			}
			done = at + size;
		}
		at += size ? size : 1;
	}
	return err == GW_OK ? buf_append(out, text.data + done, text.size - done) : err;
}

enum gw_err
json_print(const struct json *value, struct buf *out)
{
	size_t before = out->size;
	char *text = cJSON_PrintUnformatted(tree_of(value));

	if (!text) {
		return GW_ERR_NOMEM;
	}
	enum gw_err err = append_escaped(slice_of(text), out);

	cJSON_free(text);
	if (err != GW_OK) {
		out->size = before;
	}
	return err;
}
