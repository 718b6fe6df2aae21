#include "post.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "json.h"
#include "message.h"

/* U+200B, which is not seen. */
#define BREAK  "\xe2\x80\x8b"

#define BLANKS " \t\r\n"

void
post_values_fill(const struct post_facts *facts, const char *channel,
    struct post_values *out)
{
	time_t local = (time_t)facts->wall_s;
	int64_t up = facts->uptime / CLOCK_S(1);
	struct tm parts;

	*out = (struct post_values){.channel = ""};
	local += facts->zone ? zone_offset(facts->zone, facts->wall_s) : 0;
	(void)gmtime_r(&local, &parts);
	(void)strftime(out->date, sizeof out->date, "%Y-%m-%d", &parts);
	(void)strftime(out->time, sizeof out->time, "%H:%M", &parts);
	(void)snprintf(out->uptime, sizeof out->uptime,
	    "%02" PRId64 ":%02" PRId64 ":%02" PRId64, up / 3600, up / 60 % 60, up % 60);
	(void)snprintf(out->channel, sizeof out->channel, "<#%s>", channel);
	out->values.at[TEMPLATE_channel] = slice_of(out->channel);
	out->values.at[TEMPLATE_bot] = slice_of(facts->bot);
	out->values.at[TEMPLATE_version] = slice_of(facts->version);
	out->values.at[TEMPLATE_uptime] = slice_of(out->uptime);
	out->values.at[TEMPLATE_date] = slice_of(out->date);
	out->values.at[TEMPLATE_time] = slice_of(out->time);
}

/* ---- texts ---- */

static enum gw_err
begin_part(struct buf *out)
{
	return out->size > 0 ? buf_append(out, "\n", 1) : GW_OK;
}

enum gw_err
post_add_template(struct slice text, const struct template_values *values,
    struct buf *out)
{
	enum gw_err err = GW_OK;

	if (text.size > 0) {
		err = begin_part(out);
	}
	return err == GW_OK ? template_expand(text, TEMPLATE_POST, values, out) : err;
}

enum gw_err
post_add_output(struct slice output, struct buf *out)
{
	while (output.size > 0 && strchr(BLANKS, output.data[output.size - 1])) {
		output.size--;
	}
	enum gw_err err = output.size > 0 ? begin_part(out) : GW_OK;

	for (size_t i = 0; i < output.size && err == GW_OK; i++) {
		bool mention = output.data[i] == '<' && i + 1 < output.size &&
		    output.data[i + 1] == '@';

		/* A role that the job may notify is not for programs to mention. */
		err = mention ? buf_printf(out, "<" BREAK) :
				buf_append(out, output.data + i, 1);
	}
	return err;
}

/* ---- embeds ---- */

static enum gw_err expand_value(const struct json *value,
    const struct template_values *values, struct json **out);

static enum gw_err
expand_text(const char *text, const struct template_values *values, struct json **out)
{
	struct buf expanded;

	buf_init(&expanded, POST_EMBED_MAX_BYTES);
	enum gw_err err =
	    template_expand(slice_of(text), TEMPLATE_POST, values, &expanded);

	if (err == GW_OK) {
		err = buf_append(&expanded, "", 1);
	}
	*out = err == GW_OK ? json_new_text(expanded.data) : NULL;
	buf_fini(&expanded);
	return err;
}

/* json_parse() bounds how deep it goes. */
static enum gw_err
expand_members(const struct json *from, const struct template_values *values,
    struct json *out)
{
	enum gw_err err = GW_OK;

	for (const struct json *at = json_first(from); at && err == GW_OK;
	     at = json_next(at)) {
		struct json *fresh = NULL;

		err = expand_value(at, values, &fresh);
		if (err == GW_OK && json_name(at)) {
			json_add(out, json_name(at), fresh);
		} else if (err == GW_OK) {
			json_append(out, fresh);
		}
	}
	return err;
}

static enum gw_err
expand_value(const struct json *value, const struct template_values *values,
    struct json **out)
{
	enum json_kind kind = json_kind(value);
	enum gw_err err = GW_OK;

	if (kind == JSON_STRING) {
		return expand_text(json_text(value), values, out);
	}
	if (kind != JSON_OBJECT && kind != JSON_ARRAY) {
		*out = json_copy(value);
		return GW_OK;
	}
	struct json *fresh = kind == JSON_OBJECT ? json_new_object() : json_new_array();

	err = expand_members(value, values, fresh);
	if (err != GW_OK) {
		json_free(fresh);
		fresh = NULL;
	}
	*out = fresh;
	return err;
}

enum gw_err
post_expand_embed(const char *embed, const struct template_values *values,
    struct buf *out)
{
	struct json *from = NULL;
	struct json *fresh = NULL;
	enum gw_err err = json_parse(slice_of(embed), POST_EMBED_MAX_BYTES, &from);

	if (err == GW_OK) {
		err = expand_value(from, values, &fresh);
	}
	if (err == GW_OK) {
		err = json_print(fresh, out);
	}
	json_free(fresh);
	json_free(from);
	return err;
}

/* ---- messages ---- */

static bool
is_blank(struct slice text)
{
	for (size_t i = 0; i < text.size; i++) {
		if (!strchr(BLANKS, text.data[i]) || text.data[i] == '\0') {
			return false;
		}
	}
	return true;
}

bool
post_take(struct slice *rest, unsigned sent, struct slice *piece, bool *cut)
{
	*cut = false;
	/* Discord leaves out the line ends in front, and refuses what is empty then. */
	while (rest->size > 0 && rest->data[0] == '\n') {
		rest->data++;
		rest->size--;
	}
	if (is_blank(*rest)) {
		return false;
	}
	size_t size = message_fit(*rest, MESSAGE_MAX_CHARACTERS);

	if (sent + 1 >= POST_MESSAGES_MAX && size < rest->size) {
		*cut = true;
		size = rest->size;
	}
	*piece = (struct slice){rest->data, size};
	rest->data += size;
	rest->size -= size;
	return true;
}
