#include "message.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "text.h"

#define ID_ROOM         24
#define EMBED_MAX_BYTES ((size_t)32 * 1024)

/* Of flags: only the one who asked sees the answer. */
#define FLAG_EPHEMERAL 64

#define ELLIPSIS       "\xe2\x80\xa6"

/* How many bytes of text hold max characters. */
static size_t
front(struct slice text, size_t max)
{
	size_t size = 0;
	size_t count = 0;

	while (size < text.size) {
		uint32_t code = 0;
		struct slice rest = {text.data + size, text.size - size};
		size_t length = text_read(rest, &code);
		size_t weight = code > 0xFFFF ? 2 : 1;

		if (count + weight > max) {
			break;
		}
		count += weight;
		size += length > 0 ? length : 1;
	}
	return size;
}

size_t
message_fit(struct slice text, size_t max)
{
	size_t fits = front(text, max);
	size_t line = fits;
	size_t word = fits;

	if (fits == text.size) {
		return fits;
	}
	while (line > 0 && text.data[line - 1] != '\n') {
		line--;
	}
	while (word > 0 && text.data[word - 1] != ' ') {
		word--;
	}
	/* A break near the front would make many small messages. */
	if (line > fits / 2) {
		return line;
	}
	return word > fits / 2 ? word : fits;
}

bool
message_id(struct slice text, uint64_t *out)
{
	uint64_t number = 0;

	if (text.size >= 2 && text.data[0] == '"' && text.data[text.size - 1] == '"') {
		text = (struct slice){text.data + 1, text.size - 2};
	}
	if (text.size == 0 || text.size > 20) {
		return false;
	}
	for (size_t i = 0; i < text.size; i++) {
		unsigned digit = (unsigned)text.data[i] - '0';

		if (digit > 9 || number > (UINT64_MAX - digit) / 10) {
			return false;
		}
		number = number * 10 + digit;
	}
	*out = number;
	return number != 0;
}

static void
add_ids(struct json *object, const char *name, const uint64_t *ids, size_t count)
{
	struct json *array = json_new_array();
	char text[ID_ROOM];

	for (size_t i = 0; i < count; i++) {
		(void)snprintf(text, sizeof text, "%" PRIu64, ids[i]);
		json_append(array, json_new_text(text));
	}
	json_add(object, name, array);
}

/* Discord: with the object there nobody is notified but whom it names. */
static void
add_allowed(struct json *message, const struct message_draft *draft)
{
	struct json *allowed = json_new_object();

	json_add(allowed, "parse", json_new_array());
	if (draft->ping_user_count > 0) {
		add_ids(allowed, "users", draft->ping_users, draft->ping_user_count);
	}
	if (draft->ping_role_count > 0) {
		add_ids(allowed, "roles", draft->ping_roles, draft->ping_role_count);
	}
	json_add_bool(allowed, "replied_user", false);
	json_add(message, "allowed_mentions", allowed);
}

static enum gw_err
add_content(struct json *message, struct slice content)
{
	struct buf text;
	size_t fits = front(content, MESSAGE_MAX_CHARACTERS);

	buf_init(&text, MESSAGE_MAX_BYTES);
	if (fits < content.size) {
		fits = front(content, MESSAGE_MAX_CHARACTERS - 1);
	}
	enum gw_err err = text_clean((struct slice){content.data, fits}, false, &text);

	if (err == GW_OK && fits < content.size) {
		err = buf_append(&text, ELLIPSIS, strlen(ELLIPSIS));
	}
	if (err == GW_OK) {
		err = buf_append(&text, "", 1);
	}
	if (err == GW_OK) {
		json_add_text(message, "content", text.data);
	}
	buf_fini(&text);
	return err;
}

static enum gw_err
add_embed(struct json *message, const char *embed)
{
	struct json *document = NULL;
	enum gw_err err = json_parse(slice_of(embed), EMBED_MAX_BYTES, &document);

	if (err != GW_OK || json_kind(document) != JSON_OBJECT) {
		json_free(document);
		return GW_ERR_SYNTAX;
	}
	struct json *embeds = json_new_array();

	json_append(embeds, document);
	json_add(message, "embeds", embeds);
	return GW_OK;
}

static void
add_reply(struct json *message, uint64_t reply_to)
{
	struct json *reference = json_new_object();
	char id[ID_ROOM];

	(void)snprintf(id, sizeof id, "%" PRIu64, reply_to);
	json_add_text(reference, "message_id", id);
	/* A request that was deleted meanwhile is answered all the same. */
	json_add_bool(reference, "fail_if_not_exists", false);
	json_add(message, "message_reference", reference);
}

enum gw_err
message_write(const struct message_draft *draft, struct buf *out)
{
	struct json *message = json_new_object();
	enum gw_err err = GW_OK;

	if (draft->content.size > 0) {
		err = add_content(message, draft->content);
	}
	if (err == GW_OK && draft->embed && draft->embed[0] != '\0') {
		err = add_embed(message, draft->embed);
	}
	if (draft->reply_to != 0) {
		add_reply(message, draft->reply_to);
	}
	if (draft->private) {
		json_add_int(message, "flags", FLAG_EPHEMERAL);
	}
	if (draft->nonce && draft->nonce[0] != '\0') {
		json_add_text(message, "nonce", draft->nonce);
	}
	add_allowed(message, draft);
	if (err == GW_OK) {
		err = json_print(message, out);
	}
	json_free(message);
	return err;
}
