/* A record as it lies on disk, written down once more, and two sessions to keep in it.
 */
#ifndef GWBOT_TEST_RECORD_FIXTURE_H
#define GWBOT_TEST_RECORD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "record.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Where things lie in version 1, written down here once more: files outlive programs.
 */
#define SLOT_SIZE      1024
#define AT_MAGIC       0
#define AT_VERSION     4
#define AT_CHECKSUM    8
#define AT_SHARD       12
#define AT_GENERATION  16
#define AT_INTENTS     24
#define AT_SEQ         32
#define AT_COUNT       48
#define AT_FINGERPRINT 56
#define AT_ID          72
#define AT_URL         200
#define AT_USER_ID     456
#define AT_USER_NAME   480
#define SLOT_END       616
#define AT_WORD        2048

struct file {
	_Alignas(4096) uint8_t bytes[RECORD_FILE_BYTES];
};

static const struct record_owner owner = {
    .fingerprint = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
    .shard_id = 3,
    .shard_count = 8,
    .intents = 33281,
};

static const struct session_saved first = {
    .id = "first-session",
    .resume_url = "wss://gateway-us-east1-b.discord.gg",
    .seq = 100,
    .user_id = "123456789012345678",
    .user_name = "Br\xC3\xB6t \xF0\x9F\x9F\xA2",
    .guilds = 12,
};

static const struct session_saved second = {
    .id = "second-session",
    .resume_url = "wss://gateway-us-east1-c.discord.gg",
    .seq = 1,
    .user_id = "123456789012345678",
    .user_name = "bot",
    .guilds = 13,
};

static inline uint32_t
checksum_of(const uint8_t *slot)
{
	uint32_t hash = UINT32_C(2166136261);

	for (size_t i = AT_SHARD; i < SLOT_END; i++) {
		hash = (hash ^ slot[i]) * UINT32_C(16777619);
	}
	hash ^= hash >> 16;
	hash *= UINT32_C(0x85EBCA6B);
	return hash ^ hash >> 13;
}

/* Makes a slot whole again after a test changed it. */
static inline void
seal(uint8_t *slot)
{
	uint32_t checksum = checksum_of(slot);

	memcpy(slot + AT_CHECKSUM, &checksum, sizeof checksum);
}

static inline void
assert_same(const struct session_saved *a, const struct session_saved *b)
{
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->resume_url, b->resume_url);
	assert_string_equal(a->user_id, b->user_id);
	assert_string_equal(a->user_name, b->user_name);
	assert_int_equal(a->guilds, b->guilds);
}

/* A file with one session in its first slot. */
static inline struct file
one_session(void)
{
	struct file file = {{0}};

	record_write(file.bytes, &owner, &first, 1700000000000);
	return file;
}

#endif
