/* Two configurations: what differs, and how one takes values of the other. */
#include "config_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#define WHY_BYTES 1024

/* ---- comparing ---- */

static bool
same_text(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static bool
same_secret(const struct secret *a, const struct secret *b)
{
	if (!a || !b) {
		return a == b;
	}
	return secret_size(a) == secret_size(b) &&
	    memcmp(secret_reveal(a), secret_reveal(b), secret_size(a)) == 0;
}

static bool
same_list(const struct config_list *a, const struct config_list *b)
{
	if (a->count != b->count) {
		return false;
	}
	for (size_t i = 0; i < a->count; i++) {
		if (!same_text(a->items[i], b->items[i])) {
			return false;
		}
	}
	return true;
}

bool
config_value_same(const struct config *a, const struct config *b, size_t index)
{
	enum config_id id = (enum config_id)index;

	return config_field_same(config_option(id), config_field_at(a, id),
	    config_field_at(b, id));
}

bool
config_field_same(const struct config_option *option, const void *x, const void *y)
{
	switch (option->type) {
	case CONFIG_BOOL:
		return *(const bool *)x == *(const bool *)y;
	case CONFIG_INTEGER:
	case CONFIG_DURATION:
		return *(const int64_t *)x == *(const int64_t *)y;
	case CONFIG_TEXT:
	case CONFIG_PATH:
	case CONFIG_URL:
	case CONFIG_JSON:
		return same_text(*(char *const *)x, *(char *const *)y);
	case CONFIG_SECRET:
		return same_secret(*(struct secret *const *)x,
		    *(struct secret *const *)y);
	case CONFIG_CHOICE:
		return *(const int *)x == *(const int *)y;
	case CONFIG_LIST:
	case CONFIG_WORDS:
		return same_list(x, y);
	case CONFIG_GROUPS:
		return config_groups_same(config_rows(option), x, y);
	case CONFIG_INTENTS:
		return *(const uint32_t *)x == *(const uint32_t *)y;
	case CONFIG_SHARDS:
		return config_shards_same(x, y);
	}
	return false;
}

mono_ns
config_duration(const struct config *config, size_t index)
{
	return *(const mono_ns *)config_field_at(config, (enum config_id)index);
}

bool
config_value_is_set(const struct config *config, size_t index)
{
	enum config_id id = (enum config_id)index;

	return config_option(id)->type != CONFIG_SECRET ||
	    *(struct secret *const *)config_field_at(config, id) != NULL;
}

void
config_compare(const struct config *running, const struct config *fresh,
    struct config_changes *out)
{
	out->count = 0;
	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		if (!config_value_same(running, fresh, i)) {
			out->ids[out->count++] = (enum config_id)i;
		}
	}
}

/* ---- copying ---- */

static struct config_list
copy_list(const struct config_list *list)
{
	struct config_list copy = {NULL, list->count};

	if (list->count > 0) {
		copy.items = xzalloc(list->count * sizeof *copy.items);
	}
	for (size_t i = 0; i < list->count; i++) {
		copy.items[i] = xstrdup(list->items[i]);
	}
	return copy;
}

static struct secret *
copy_secret(const struct secret *secret)
{
	return secret ? secret_new(secret_reveal(secret), secret_size(secret)) : NULL;
}

void
config_field_copy(const struct config_option *option, void *field, const void *value)
{
	switch (option->type) {
	case CONFIG_BOOL:
		*(bool *)field = *(const bool *)value;
		return;
	case CONFIG_INTEGER:
	case CONFIG_DURATION:
		*(int64_t *)field = *(const int64_t *)value;
		return;
	case CONFIG_TEXT:
	case CONFIG_PATH:
	case CONFIG_URL:
	case CONFIG_JSON:
		*(char **)field = xstrdup(*(char *const *)value);
		return;
	case CONFIG_SECRET:
		*(struct secret **)field = copy_secret(*(struct secret *const *)value);
		return;
	case CONFIG_CHOICE:
		*(int *)field = *(const int *)value;
		return;
	case CONFIG_LIST:
	case CONFIG_WORDS:
		*(struct config_list *)field = copy_list(value);
		return;
	case CONFIG_GROUPS:
		*(struct config_groups *)field =
		    config_groups_copy(config_rows(option), value);
		return;
	case CONFIG_INTENTS:
		*(uint32_t *)field = *(const uint32_t *)value;
		return;
	case CONFIG_SHARDS:
		*(struct config_shards *)field = *(const struct config_shards *)value;
		return;
	}
}

void
config_adopt(struct config *config, const struct config *from, size_t index)
{
	enum config_id id = (enum config_id)index;

	config_value_clear(config, id);
	config_field_copy(config_option(id), config_field_of(config, id),
	    config_field_at(from, id));
	config_note(config, id, from->origins->at[id].layer,
	    from->origins->at[id].source);
}

struct config *
config_copy(const struct config *config)
{
	struct config *copy = xzalloc(sizeof *copy);

	copy->origins = xzalloc(sizeof *copy->origins);
	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		config_adopt(copy, config, i);
	}
	copy->files = copy_list(&config->files);
	copy->drop_ins = config->drop_ins ? xstrdup(config->drop_ins) : NULL;
	if (config->token_problem) {
		copy->token_problem = xstrdup(config->token_problem);
	}
	copy->no_credential = config->no_credential;
	return copy;
}

/* ---- over all layers ---- */

enum gw_err
config_override(struct config *config, size_t index, const char *value,
    const char *source, char *why, size_t room)
{
	const struct config_option *option = config_option(index);
	char reason[CONFIG_REASON_ROOM] = "";
	char shown[CONFIG_SHOWN_ROOM] = "";
	struct buf text;
	enum gw_err err =
	    config_value_set(config, (enum config_id)index, value, reason);

	if (err == GW_OK) {
		config_note(config, (enum config_id)index, LAYER_CONTROL, source);
		config_derive(config);
		return GW_OK;
	}
	if (option->type != CONFIG_SECRET) {
		config_shown(value, shown);
	}
	buf_init(&text, WHY_BYTES);
	(void)buf_printf(&text, "%s = \"%s\": %s; allowed: ", option->path, shown,
	    reason);
	(void)config_allowed(option, &text);
	(void)slice_copy(buf_slice(&text), why, room);
	buf_fini(&text);
	return err;
}
