/*
 * Record: hostile files.  What is read must be fit for use, and any file must take a
 * new record.
 *
 * Input: the file.  A first byte with its lowest bit set asks for right checksums,
 * since nothing gets past them by chance.
 */
#include <string.h>

#include "must.h"
#include "record.h"
#include "url.h"
#include "utf8.h"

/* Version 1: the checksum lies at 8 and covers what follows it. */
#define SLOT_BYTES  1024
#define CHECKSUM_AT 8
#define COVERED_AT  12
#define COVERED_END 544

static const struct record_owner owner = {.shard_count = 1};

static void
seal(uint8_t *slot)
{
	static const uint8_t head[CHECKSUM_AT] = {'G', 'W', 'B', 'R', 1};
	uint32_t hash = UINT32_C(2166136261);

	memcpy(slot, head, sizeof head);
	for (size_t i = COVERED_AT; i < COVERED_END; i++) {
		hash = (hash ^ slot[i]) * UINT32_C(16777619);
	}
	hash ^= hash >> 16;
	hash *= UINT32_C(0x85EBCA6B);
	hash ^= hash >> 13;
	memcpy(slot + CHECKSUM_AT, &hash, sizeof hash);
}

static void
check_text(const char *text, size_t room)
{
	size_t size = strnlen(text, room);

	MUST(size < room);
	for (size_t i = 0; i < size;) {
		size_t length = utf8_length((const unsigned char *)text + i, size - i);

		MUST(length > 0);
		i += length;
	}
}

static void
check_found(const struct session_saved *saved)
{
	struct url url;

	MUST(saved->id[0] != '\0');
	MUST(saved->seq >= 0 && saved->seq <= SESSION_SEQ_MAX);
	check_text(saved->id, sizeof saved->id);
	check_text(saved->resume_url, sizeof saved->resume_url);
	check_text(saved->user_id, sizeof saved->user_id);
	check_text(saved->user_name, sizeof saved->user_name);
	MUST(saved->resume_url[0] == '\0' ||
	    url_parse(saved->resume_url, &url) == GW_OK);
}

/* Whatever lay there: what is written now is what is read next. */
static void
check_writing(uint8_t *file)
{
	const struct session_saved saved = {.id = "new", .seq = 3};
	struct session_saved out;

	record_write(file, &owner, &saved, 0);
	MUST(record_read(file, &owner, &out) == RECORD_FOUND);
	MUST(strcmp(out.id, "new") == 0 && out.seq == 3);
	record_write_seq(file, 9);
	record_write_seq(file, 4);
	MUST(record_read(file, &owner, &out) == RECORD_FOUND);
	MUST(out.seq == 9);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_Alignas(8) uint8_t file[RECORD_FILE_BYTES] = {0};
	struct session_saved out = {.seq = 77};
	bool sealed = size > 0 && data[0] & 1;

	if (size > 1) {
		size_t rest = size - 1 < sizeof file ? size - 1 : sizeof file;

		memcpy(file, data + 1, rest);
	}
	if (sealed) {
		seal(file);
		seal(file + SLOT_BYTES);
	}

	enum record_verdict verdict = record_read(file, &owner, &out);

	MUST(record_verdict_text(verdict)[0] != '\0');
	if (verdict == RECORD_FOUND) {
		check_found(&out);
	} else {
		MUST(out.seq == 77);
	}
	record_write_seq(file, 5);
	MUST(record_read(file, &owner, &out) == verdict || verdict == RECORD_EMPTY);
	check_writing(file);
	return 0;
}
