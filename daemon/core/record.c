#include "record.h"

#include <string.h>

#include "url.h"
#include "utf8.h"

#define MAGIC        UINT32_C(0x52425747) /* "GWBR" */
#define VERSION      1
#define SLOTS        2
#define SLOT_BYTES   1024
#define WORD_OFFSET  ((size_t)SLOTS * SLOT_BYTES)
#define SEQ_BITS     48
#define SEQ_MAX      SESSION_SEQ_MAX
#define CHECK_OFFSET 12 /* what the checksum covers begins here */

/* Generations count up by one; a larger one is not ours, and could not be followed. */
#define GENERATION_MAX (UINT64_C(1) << 62)

/* A slot as it lies on disk.  Every member is naturally aligned, so there are no holes.
 */
struct slot {
	uint32_t magic;
	uint32_t version;
	uint32_t checksum;
	uint32_t shard_id;
	uint64_t generation;
	uint64_t intents;
	int64_t seq; /* at the time of the write; the word is usually further on */
	int64_t saved_wall_ms;
	uint32_t shard_count;
	uint32_t guilds;
	uint8_t fingerprint[RECORD_FINGERPRINT_BYTES];
	char id[SESSION_ID_BYTES];
	char resume_url[SESSION_URL_BYTES];
	char user_id[24];
	char user_name[PAYLOAD_NAME_BYTES];
};

/* What later releases of version 1 added, behind the slot.  It has a checksum of its
 * own and says which write it belongs to: releases that do not know it read the slot as
 * before, and what they write makes it void. */
struct extra {
	uint32_t checksum;
	uint32_t unused;
	uint64_t generation;
	char guild_id[24];
};

_Static_assert(sizeof(struct slot) + sizeof(struct extra) <= SLOT_BYTES,
    "a slot must hold the record");
_Static_assert(SEQ_MAX + 1 < INT64_C(1) << SEQ_BITS, "the word must hold any sequence");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
    "a slot is copied as it lies");
_Static_assert(sizeof(struct slot) % 8 == 0, "no hole at the end");

/* CRC-32C would need a table; this is the 32-bit FNV-1a with a final mix, which is
 * enough to tell torn and damaged slots from whole ones. */
static uint32_t
hash_of(const void *data, size_t size)
{
	uint8_t bytes[SLOT_BYTES];
	uint32_t hash = UINT32_C(2166136261);

	memcpy(bytes, data, size);
	for (size_t i = 0; i < size; i++) {
		hash = (hash ^ bytes[i]) * UINT32_C(16777619);
	}
	hash ^= hash >> 16;
	hash *= UINT32_C(0x85EBCA6B);
	return hash ^ hash >> 13;
}

static uint32_t
checksum(const struct slot *slot)
{
	return hash_of((const uint8_t *)slot + CHECK_OFFSET,
	    sizeof *slot - CHECK_OFFSET);
}

static uint32_t
extra_checksum(const struct extra *extra)
{
	return hash_of((const uint8_t *)extra + sizeof extra->checksum,
	    sizeof *extra - sizeof extra->checksum);
}

/* Ties the sequence word to its session; never 0, so that a zeroed file matches none.
 */
static uint64_t
tag_of(const struct slot *slot)
{
	return (slot->generation * UINT64_C(0x9E3779B97F4A7C15) >> 48) | 1;
}

static void
load_slot(const uint8_t *file, unsigned index, struct slot *slot)
{
	memcpy(slot, file + (size_t)index * SLOT_BYTES, sizeof *slot);
}

static bool
is_whole(const struct slot *slot)
{
	return slot->magic == MAGIC && slot->version == VERSION &&
	    slot->generation < GENERATION_MAX && slot->checksum == checksum(slot);
}

static bool
is_terminated(const char *text, size_t room)
{
	return memchr(text, '\0', room) != NULL;
}

/* The whole slot with the highest generation; -1 without one. */
static int
newest(const uint8_t *file, struct slot *out)
{
	int best = -1;

	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot slot;

		load_slot(file, i, &slot);
		if (is_whole(&slot) &&
		    (best < 0 || slot.generation > out->generation)) {
			*out = slot;
			best = (int)i;
		}
	}
	return best;
}

static bool
is_all_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] != 0) {
			return false;
		}
	}
	return true;
}

static enum record_verdict
without_slot(const uint8_t *file)
{
	if (is_all_zero(file, RECORD_FILE_BYTES)) {
		return RECORD_FRESH;
	}
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot slot;

		load_slot(file, i, &slot);
		if (slot.magic == MAGIC && slot.version > VERSION) {
			return RECORD_NEWER;
		}
	}
	return RECORD_DAMAGED;
}

static bool
belongs_to(const struct slot *slot, const struct record_owner *owner)
{
	return slot->shard_id == owner->shard_id &&
	    slot->shard_count == owner->shard_count &&
	    slot->intents == owner->intents &&
	    memcmp(slot->fingerprint, owner->fingerprint, sizeof slot->fingerprint) ==
	    0;
}

static bool
is_number(const char *text)
{
	return text[strspn(text, "0123456789")] == '\0';
}

static bool
is_utf8(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t left = strlen(text);

	while (left > 0) {
		size_t length = utf8_length(at, left);

		if (length == 0) {
			return false;
		}
		at += length;
		left -= length;
	}
	return true;
}

static bool
is_printable(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7F) {
			return false;
		}
	}
	return true;
}

static bool
is_sane(const struct slot *slot)
{
	struct url url;

	if (!is_terminated(slot->id, sizeof slot->id) ||
	    !is_terminated(slot->resume_url, sizeof slot->resume_url) ||
	    !is_terminated(slot->user_id, sizeof slot->user_id) ||
	    !is_terminated(slot->user_name, sizeof slot->user_name)) {
		return false;
	}
	if (!is_printable(slot->id) || !is_number(slot->user_id) ||
	    !is_utf8(slot->user_name)) {
		return false;
	}
	if (slot->seq < -1 || slot->seq > SEQ_MAX) {
		return false;
	}
	return slot->resume_url[0] == '\0' ||
	    url_parse(slot->resume_url, &url) == GW_OK;
}

/* The sequence of the word where it is this session's, else that of the slot. */
static int64_t
stored_seq(const uint8_t *file, const struct slot *slot)
{
	uint64_t word;

	memcpy(&word, file + WORD_OFFSET, sizeof word);
	if (word >> SEQ_BITS != tag_of(slot)) {
		return slot->seq;
	}
	int64_t seq = (int64_t)(word & ((UINT64_C(1) << SEQ_BITS) - 1)) - 1;

	/* The word is written after the slot, so it is never behind it. */
	return seq > slot->seq ? seq : slot->seq;
}

/* The guild that was written together with this slot; empty where none was. */
static void
read_extra(const uint8_t *file, unsigned index, const struct slot *slot,
    struct session_saved *out)
{
	struct extra extra;

	memcpy(&extra, file + (size_t)index * SLOT_BYTES + sizeof *slot, sizeof extra);
	if (extra.checksum != extra_checksum(&extra) ||
	    extra.generation != slot->generation ||
	    !is_terminated(extra.guild_id, sizeof extra.guild_id) ||
	    !is_number(extra.guild_id)) {
		return;
	}
	memcpy(out->guild_id, extra.guild_id, sizeof out->guild_id);
}

static void
write_extra(uint8_t *file, unsigned index, const struct slot *slot,
    const struct session_saved *saved)
{
	struct extra extra = {.generation = slot->generation};

	if (is_number(saved->guild_id)) {
		memcpy(extra.guild_id, saved->guild_id, sizeof extra.guild_id);
	}
	extra.checksum = extra_checksum(&extra);
	memcpy(file + (size_t)index * SLOT_BYTES + sizeof *slot, &extra, sizeof extra);
}

enum record_verdict
record_read(const uint8_t file[RECORD_FILE_BYTES], const struct record_owner *owner,
    struct session_saved *out)
{
	struct slot slot = {.generation = 0};
	int index = newest(file, &slot);

	if (index < 0) {
		return without_slot(file);
	}
	if (!is_sane(&slot)) {
		return RECORD_DAMAGED;
	}
	if (!belongs_to(&slot, owner)) {
		return RECORD_FOREIGN;
	}
	if (slot.id[0] == '\0') {
		return RECORD_EMPTY;
	}
	int64_t seq = stored_seq(file, &slot);

	if (seq < 0) {
		return RECORD_EMPTY;
	}
	*out = (struct session_saved){.seq = seq, .guilds = slot.guilds};
	memcpy(out->id, slot.id, sizeof out->id);
	memcpy(out->resume_url, slot.resume_url, sizeof out->resume_url);
	memcpy(out->user_id, slot.user_id, sizeof out->user_id);
	memcpy(out->user_name, slot.user_name, sizeof out->user_name);
	read_extra(file, (unsigned)index, &slot, out);
	return RECORD_FOUND;
}

static void
store_word(uint8_t *file, uint64_t word)
{
	/* One store: a reader after kill -9 sees the old or the new word, never a mix,
	 * and never the new word before the new slot.  The mapping is page aligned. */
	uint64_t *at = (uint64_t *)(void *)(file + WORD_OFFSET);

	__atomic_store_n(at, word, __ATOMIC_RELEASE);
}

static uint64_t
seq_word(uint64_t tag, int64_t seq)
{
	int64_t held = seq < -1 ? -1 : seq > SEQ_MAX ? SEQ_MAX : seq;

	return tag << SEQ_BITS | (uint64_t)(held + 1);
}

/* What would make the whole record unusable for its reader is left out: without its
 * host a session can be resumed, without its id it cannot. */
static const char *
fill_slot(struct slot *slot, const struct session_saved *saved)
{
	const char *left_out = NULL;
	struct url url;

	if (is_number(saved->user_id)) {
		memcpy(slot->user_id, saved->user_id, sizeof slot->user_id);
	} else {
		left_out = "its user id is no number: kept without it";
	}
	if (is_utf8(saved->user_name)) {
		memcpy(slot->user_name, saved->user_name, sizeof slot->user_name);
	} else {
		left_out = "its user name is not UTF-8: kept without it";
	}
	if (url_parse(saved->resume_url, &url) == GW_OK) {
		memcpy(slot->resume_url, saved->resume_url, sizeof slot->resume_url);
	} else if (saved->resume_url[0] != '\0') {
		left_out = "its resume_gateway_url is no URL: kept without it";
	}
	if (is_printable(saved->id)) {
		memcpy(slot->id, saved->id, sizeof slot->id);
	} else {
		left_out = "its id has blanks, control characters or bytes beyond "
			   "ASCII: not kept at all";
	}
	return left_out;
}

const char *
record_write(uint8_t file[RECORD_FILE_BYTES], const struct record_owner *owner,
    const struct session_saved *saved, int64_t saved_wall_ms)
{
	struct slot last = {.generation = 0};
	int index = newest(file, &last);

	if (last.generation + 1 >= GENERATION_MAX) {
		/* Nobody counts that far: begin anew rather than write what is not
		 * read. */
		memset(file, 0, RECORD_FILE_BYTES);
		last.generation = 0;
		index = -1;
	}

	struct slot slot = {
	    .magic = MAGIC,
	    .version = VERSION,
	    .shard_id = owner->shard_id,
	    .shard_count = owner->shard_count,
	    .intents = owner->intents,
	    .generation = last.generation + 1,
	    .seq = saved->seq < -1   ? -1 :
		saved->seq > SEQ_MAX ? SEQ_MAX :
				       saved->seq,
	    .saved_wall_ms = saved_wall_ms,
	    .guilds = saved->guilds,
	};

	memcpy(slot.fingerprint, owner->fingerprint, sizeof slot.fingerprint);
	const char *left_out = fill_slot(&slot, saved);

	slot.checksum = checksum(&slot);

	unsigned older = index == 0 ? 1 : 0;

	write_extra(file, older, &slot, saved);
	memcpy(file + (size_t)older * SLOT_BYTES, &slot, sizeof slot);
	store_word(file, seq_word(tag_of(&slot), saved->seq));
	return left_out;
}

void
record_write_seq(uint8_t file[RECORD_FILE_BYTES], int64_t seq)
{
	uint64_t word;

	memcpy(&word, file + WORD_OFFSET, sizeof word);

	uint64_t moved = seq_word(word >> SEQ_BITS, seq);

	/* No tag: no record was ever written.  The tag is the same in both words, so
	 * the larger word has the larger sequence. */
	if (word >> SEQ_BITS != 0 && moved > word) {
		store_word(file, moved);
	}
}

void
record_mend(uint8_t file[RECORD_FILE_BYTES])
{
	struct slot slot = {.generation = 0};

	if (newest(file, &slot) >= 0) {
		store_word(file, seq_word(tag_of(&slot), stored_seq(file, &slot)));
	}
}

const char *
record_verdict_text(enum record_verdict verdict)
{
	switch (verdict) {
	case RECORD_FRESH:
		return "nothing stored yet";
	case RECORD_FOUND:
		return "session found";
	case RECORD_EMPTY:
		return "no session stored";
	case RECORD_FOREIGN:
		return "stored for another token, shard or set of intents";
	case RECORD_NEWER:
		return "written by a newer version";
	case RECORD_DAMAGED:
		return "damaged";
	}
	return "unknown";
}
