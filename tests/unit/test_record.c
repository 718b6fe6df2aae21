/* Record: hostile, foreign and newer files; and the sequence's word. */
#include "record_fixture.h"

/* ---- round trips ---- */

static void
what_was_written_is_read_again(void **state)
{
	struct file file = one_session();
	struct session_saved out;

	(void)state;
	assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_FOUND);
	assert_same(&out, &first);
	assert_int_equal(out.seq, 100);
	for (int i = 0; i < 10; i++) {
		const struct session_saved *saved = i % 2 == 0 ? &second : &first;

		record_write(file.bytes, &owner, saved, 0);
		assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_FOUND);
		assert_same(&out, saved);
		assert_int_equal(out.seq, saved->seq);
	}
}

static void
the_layout_of_version_1_stays_what_it_is(void **state)
{
	struct file file = one_session();
	uint64_t word = 0;

	(void)state;
	assert_memory_equal(file.bytes + AT_MAGIC, "GWBR\1\0\0\0", 8);
	assert_string_equal((char *)file.bytes + AT_ID, first.id);
	assert_string_equal((char *)file.bytes + AT_URL, first.resume_url);
	assert_string_equal((char *)file.bytes + AT_USER_ID, first.user_id);
	assert_string_equal((char *)file.bytes + AT_USER_NAME, first.user_name);
	assert_memory_equal(file.bytes + AT_FINGERPRINT, owner.fingerprint, 16);
	memcpy(&word, file.bytes + AT_WORD, sizeof word);
	assert_int_equal(word & ((UINT64_C(1) << 48) - 1), 101);
}

static void
a_url_that_is_none_costs_the_host_and_not_the_session(void **state)
{
	static const char *const urls[] = {"127.0.0.1:1", "file:///etc", "wss://a@b",
	    "wss://a/\n", "wss://a:0"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		struct file file = {{0}};
		struct session_saved saved = first;
		struct session_saved out;

		(void)snprintf(saved.resume_url, sizeof saved.resume_url, "%s",
		    urls[i]);
		record_write(file.bytes, &owner, &saved, 1);
		assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_FOUND);
		assert_string_equal(out.id, first.id);
		assert_string_equal(out.resume_url, "");
	}
}

static void
what_a_reader_would_refuse_is_left_out_and_said(void **state)
{
	static const struct {
		const char *name;
		struct session_saved saved;
		const char *told; /* a part of it; NULL: nothing is said */
		enum record_verdict verdict;
	} cases[] = {
	    {"as it should be", {.id = "a", .seq = 1, .user_id = "1"}, NULL,
		RECORD_FOUND},
	    {"user id with a letter", {.id = "a", .seq = 1, .user_id = "12x"},
		"user id", RECORD_FOUND},
	    {"negative user id", {.id = "a", .seq = 1, .user_id = "-1"}, "user id",
		RECORD_FOUND},
	    {"name not UTF-8", {.id = "a", .seq = 1, .user_name = "\xC3"}, "user name",
		RECORD_FOUND},
	    {"no URL", {.id = "a", .seq = 1, .resume_url = "gopher:"},
		"resume_gateway_url", RECORD_FOUND},
	    {"guild with a letter", {.id = "a", .seq = 1, .guild_id = "7y"}, NULL,
		RECORD_FOUND},
	    {"id with a blank", {.id = "a b", .seq = 1}, "its id", RECORD_EMPTY},
	    {"id with a newline", {.id = "a\n", .seq = 1}, "its id", RECORD_EMPTY},
	    {"id with an escape", {.id = "\x1B[2J", .seq = 1}, "its id", RECORD_EMPTY},
	    {"id beyond ASCII", {.id = "\xC3\xA4", .seq = 1}, "its id", RECORD_EMPTY},
	    {"seq below none", {.id = "a", .seq = INT64_MIN}, NULL, RECORD_EMPTY},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct file file = one_session();
		struct session_saved out = {.seq = -1};
		const char *told = record_write(file.bytes, &owner, &cases[i].saved, 1);
		enum record_verdict verdict = record_read(file.bytes, &owner, &out);

		if ((told != NULL) != (cases[i].told != NULL) ||
		    (told && !strstr(told, cases[i].told)) ||
		    verdict != cases[i].verdict) {
			fail_msg("%s: %s: %s", cases[i].name,
			    told ? told : "nothing told", record_verdict_text(verdict));
		}
		if (verdict == RECORD_FOUND) {
			assert_string_equal(out.id, cases[i].saved.id);
			assert_string_equal(out.guild_id, "");
		}
	}
}

static void
an_empty_file_is_fresh_and_an_empty_session_is_empty(void **state)
{
	struct file file = {{0}};
	struct session_saved none = {.seq = -1};
	struct session_saved out = {.seq = 77};

	(void)state;
	assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_FRESH);
	record_write(file.bytes, &owner, &none, 0);
	assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_EMPTY);
	record_write(file.bytes, &owner, &first, 0);
	record_write(file.bytes, &owner, &none, 0);
	assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_EMPTY);
	assert_int_equal(out.seq, 77); /* filled on FOUND only */
}

static void
a_session_without_a_sequence_is_none(void **state)
{
	struct session_saved saved = first;
	struct file file = {{0}};
	struct session_saved out = {.seq = 77};

	(void)state;
	saved.seq = -1;
	record_write(file.bytes, &owner, &saved, 0);
	assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_EMPTY);
	assert_int_equal(out.seq, 77);
	record_write_seq(file.bytes, 5);
	assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_FOUND);
	assert_int_equal(out.seq, 5);
}

static void
every_verdict_has_its_words(void **state)
{
	(void)state;
	for (int verdict = RECORD_FRESH; verdict <= RECORD_DAMAGED; verdict++) {
		for (int other = RECORD_FRESH; other < verdict; other++) {
			assert_string_not_equal(record_verdict_text(
						    (enum record_verdict)verdict),
			    record_verdict_text((enum record_verdict)other));
		}
	}
}

/* ---- the word ---- */

static void
the_word_moves_the_sequence_forward_only(void **state)
{
	static const struct {
		const char *name;
		int64_t seq;
		int64_t read;
	} steps[] = {
	    {"forward", 101, 101},
	    {"again", 101, 101},
	    {"back", 50, 101},
	    {"none", -1, 101},
	    {"negative", INT64_MIN, 101},
	    {"far", INT64_C(1) << 40, INT64_C(1) << 40},
	    {"the largest", SESSION_SEQ_MAX, SESSION_SEQ_MAX},
	    {"larger than the word holds", INT64_MAX, SESSION_SEQ_MAX},
	};
	struct file file = one_session();
	struct session_saved out;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		record_write_seq(file.bytes, steps[i].seq);
		if (record_read(file.bytes, &owner, &out) != RECORD_FOUND ||
		    out.seq != steps[i].read) {
			fail_msg("%s", steps[i].name);
		}
	}
}

static void
a_word_without_a_record_is_not_written(void **state)
{
	struct file file = {{0}};
	struct session_saved out;

	(void)state;
	record_write_seq(file.bytes, 5);
	assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_FRESH);
}

static void
a_new_session_begins_with_its_own_sequence(void **state)
{
	struct file file = one_session();
	struct session_saved out;

	(void)state;
	record_write_seq(file.bytes, 5000);
	record_write(file.bytes, &owner, &second, 0);
	assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_FOUND);
	assert_int_equal(out.seq, second.seq);
	record_write_seq(file.bytes, 2);
	assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_FOUND);
	assert_int_equal(out.seq, 2);
}

/* A kill came between the slot and its word; the next process moves the word on. */
static void
a_word_that_a_kill_left_behind_is_tied_to_the_new_slot(void **state)
{
	enum { WORD_OFFSET = 2048 };
	struct file file = one_session();
	struct session_saved next = first;
	struct session_saved out;
	uint64_t word;

	(void)state;
	record_write_seq(file.bytes, 5000);
	memcpy(&word, file.bytes + WORD_OFFSET, sizeof word);
	next.seq = 6000;
	record_write(file.bytes, &owner, &next, 0);
	memcpy(file.bytes + WORD_OFFSET, &word, sizeof word);
	record_mend(file.bytes);
	assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_FOUND);
	assert_int_equal(out.seq, 6000);
	record_write_seq(file.bytes, 6500);
	assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_FOUND);
	assert_int_equal(out.seq, 6500);
	/* Where nothing has to be tied it changes nothing. */
	record_mend(file.bytes);
	assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_FOUND);
	assert_int_equal(out.seq, 6500);
}

static void
the_word_of_another_session_is_not_believed(void **state)
{
	struct file file = one_session();
	struct session_saved out;
	uint64_t word = 0;

	(void)state;
	memcpy(&word, file.bytes + AT_WORD, sizeof word);
	for (uint64_t flips = 0; flips < 65536; flips += flips < 300 ? 1 : 251) {
		uint64_t other = (word >> 48 ^ flips) << 48 | 4001;
		int64_t expected = flips == 0 ? 4000 : 100;

		memcpy(file.bytes + AT_WORD, &other, sizeof other);
		assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_FOUND);
		assert_int_equal(out.seq, expected);
	}
}

static void
a_word_behind_its_slot_is_not_believed(void **state)
{
	struct file file = one_session();
	struct session_saved out;
	uint64_t word = 0;

	(void)state;
	memcpy(&word, file.bytes + AT_WORD, sizeof word);
	word = word >> 48 << 48;
	memcpy(file.bytes + AT_WORD, &word, sizeof word);
	assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_FOUND);
	assert_int_equal(out.seq, 100);
}

/* ---- what was added since ---- */

#define GUILD "110000000000000001"

static struct file
one_session_in_a_guild(void)
{
	struct file file = {{0}};
	struct session_saved saved = first;

	(void)snprintf(saved.guild_id, sizeof saved.guild_id, GUILD);
	record_write(file.bytes, &owner, &saved, 0);
	return file;
}

static void
the_guild_is_read_again(void **state)
{
	struct file file = one_session_in_a_guild();
	struct session_saved out;

	(void)state;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_FOUND);
		assert_same(&out, &first);
		assert_string_equal(out.guild_id, GUILD);
		record_write(file.bytes, &owner, &out, 0);
	}
	record_write(file.bytes, &owner, &second, 0);
	assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_FOUND);
	assert_string_equal(out.guild_id, "");
}

/* What releases without the guild wrote, and what they write over ours. */
static void
a_record_without_a_guild_is_read_all_the_same(void **state)
{
	struct file old = one_session_in_a_guild();
	struct file ours = one_session_in_a_guild();
	struct session_saved out;

	(void)state;
	memset(old.bytes + SLOT_END, 0, SLOT_SIZE - SLOT_END);
	assert_int_equal(record_read(old.bytes, &owner, &out), RECORD_FOUND);
	assert_same(&out, &first);
	assert_string_equal(out.guild_id, "");

	record_write(ours.bytes, &owner, &second, 0);
	record_write(ours.bytes, &owner, &second, 0);
	memcpy(old.bytes, ours.bytes, SLOT_END); /* generation 3, without an extra */
	memcpy(ours.bytes, one_session_in_a_guild().bytes, SLOT_SIZE);
	memcpy(ours.bytes, old.bytes, SLOT_END);
	assert_int_equal(record_read(ours.bytes, &owner, &out), RECORD_FOUND);
	assert_string_equal(out.id, second.id);
	assert_string_equal(out.guild_id, "");
}

static void
a_damaged_guild_costs_nothing_but_itself(void **state)
{
	(void)state;
	for (size_t bit = (size_t)SLOT_END * 8; bit < (size_t)(SLOT_END + 40) * 8;
	     bit++) {
		struct file file = one_session_in_a_guild();
		struct session_saved out;

		file.bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_FOUND);
		assert_same(&out, &first);
		assert_string_equal(out.guild_id, "");
	}
}

/* ---- whose it is ---- */

static void
a_record_of_another_owner_is_foreign(void **state)
{
	struct file file = one_session();
	struct session_saved out = {.seq = 77};

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct record_owner other = owner;

		other.fingerprint[0] ^= i == 0;
		other.fingerprint[15] ^= i == 1;
		other.shard_id += i == 2;
		other.shard_count += i == 3;
		other.intents ^= i == 4 ? UINT64_C(1) << 63 : 0;
		assert_int_equal(record_read(file.bytes, &other, &out), RECORD_FOREIGN);
	}
	assert_int_equal(out.seq, 77);
}

static void
a_newer_record_is_told_from_a_damaged_one(void **state)
{
	struct file file = one_session();
	struct session_saved out;

	(void)state;
	file.bytes[AT_VERSION] = 2;
	assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_NEWER);
	file.bytes[AT_VERSION] = 0;
	assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_DAMAGED);
	file = one_session();
	file.bytes[AT_MAGIC] = 'X';
	file.bytes[AT_VERSION] = 2;
	assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_DAMAGED);
}

static void
a_file_that_was_newer_or_damaged_can_be_used_again(void **state)
{
	static const uint8_t fills[] = {0xFF, 0x55, 0x01};
	struct session_saved out;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(fills); i++) {
		struct file file;

		memset(file.bytes, fills[i], sizeof file.bytes);
		assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_DAMAGED);
		record_write(file.bytes, &owner, &first, 0);
		record_write_seq(file.bytes, 200);
		assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_FOUND);
		assert_int_equal(out.seq, 200);
	}
}

/* ---- hostile content under a right checksum ---- */

struct hostile {
	const char *name;
	size_t at;
	const char *bytes;
	size_t size;
	enum record_verdict verdict;
};

#define BYTES(text) (text), sizeof(text) - 1

static const struct hostile hostiles[] = {
    {"seq -2", AT_SEQ, BYTES("\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), RECORD_DAMAGED},
    {"seq 2^63 - 1", AT_SEQ, BYTES("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"), RECORD_DAMAGED},
    {"seq of the least kind", AT_SEQ, BYTES("\0\0\0\0\0\0\0\x80"), RECORD_DAMAGED},
    {"seq one too large", AT_SEQ, BYTES("\xFF\xFF\xFF\xFF\xFF\xFF\0\0"),
	RECORD_DAMAGED},
    {"the largest seq", AT_SEQ, BYTES("\xFE\xFF\xFF\xFF\xFF\xFF\0\0"), RECORD_FOUND},
    {"id with a blank", AT_ID, BYTES("a b"), RECORD_DAMAGED},
    {"id with a newline", AT_ID, BYTES("a\nb"), RECORD_DAMAGED},
    {"id with an escape", AT_ID, BYTES("a\x1B[2J"), RECORD_DAMAGED},
    {"id beyond ASCII", AT_ID, BYTES("\xC3\xA4"), RECORD_DAMAGED},
    {"id with quotes", AT_ID, BYTES("a\"b\\"), RECORD_FOUND},
    {"no id", AT_ID, BYTES("\0"), RECORD_EMPTY},
    {"no URL", AT_URL, BYTES("\0"), RECORD_FOUND},
    {"URL of another scheme", AT_URL, BYTES("file:///etc\0"), RECORD_DAMAGED},
    {"URL with a user", AT_URL, BYTES("wss://a@b\0"), RECORD_DAMAGED},
    {"URL with a newline", AT_URL, BYTES("wss://a/\n\0"), RECORD_DAMAGED},
    {"user id with a letter", AT_USER_ID, BYTES("12x"), RECORD_DAMAGED},
    {"negative user id", AT_USER_ID, BYTES("-12"), RECORD_DAMAGED},
    {"no user id", AT_USER_ID, BYTES("\0"), RECORD_FOUND},
    {"name: lone continuation", AT_USER_NAME, BYTES("\x80\0"), RECORD_DAMAGED},
    {"name: overlong, two bytes", AT_USER_NAME, BYTES("\xC1\xBF\0"), RECORD_DAMAGED},
    {"name: overlong, three", AT_USER_NAME, BYTES("\xE0\x9F\xBF\0"), RECORD_DAMAGED},
    {"name: the least of three", AT_USER_NAME, BYTES("\xE0\xA0\x80\0"), RECORD_FOUND},
    {"name: below the surrogates", AT_USER_NAME, BYTES("\xED\x9F\xBF\0"), RECORD_FOUND},
    {"name: a surrogate", AT_USER_NAME, BYTES("\xED\xA0\x80\0"), RECORD_DAMAGED},
    {"name: overlong, four", AT_USER_NAME, BYTES("\xF0\x8F\xBF\xBF\0"), RECORD_DAMAGED},
    {"name: the least of four", AT_USER_NAME, BYTES("\xF0\x90\x80\x80\0"),
	RECORD_FOUND},
    {"name: the largest", AT_USER_NAME, BYTES("\xF4\x8F\xBF\xBF\0"), RECORD_FOUND},
    {"name: beyond Unicode", AT_USER_NAME, BYTES("\xF4\x90\x80\x80\0"), RECORD_DAMAGED},
    {"name: no such lead", AT_USER_NAME, BYTES("\xF5\x80\x80\x80\0"), RECORD_DAMAGED},
    {"name: cut", AT_USER_NAME, BYTES("a\xF0\x9F\x9F\0"), RECORD_DAMAGED},
    {"name: all ASCII", AT_USER_NAME, BYTES("\x01\x7F\n\"\0"), RECORD_FOUND},
    {"generation at its end", AT_GENERATION, BYTES("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
	RECORD_DAMAGED},
};

static void
every_field_is_checked_under_a_right_checksum(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(hostiles); i++) {
		struct file file = one_session();
		struct session_saved out;

		memcpy(file.bytes + hostiles[i].at, hostiles[i].bytes,
		    hostiles[i].size);
		seal(file.bytes);

		enum record_verdict verdict = record_read(file.bytes, &owner, &out);

		if (verdict != hostiles[i].verdict) {
			fail_msg("%s: %s", hostiles[i].name,
			    record_verdict_text(verdict));
		}
	}
}

static void
a_text_without_its_end_is_refused(void **state)
{
	static const struct {
		size_t at, size;
		char fill;
	} fields[] = {
	    {AT_ID, 128, 'x'},
	    {AT_URL, 256, 'x'},
	    {AT_USER_ID, 24, '1'},
	    {AT_USER_NAME, 136, 'x'},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		struct file file = one_session();
		struct session_saved out;

		memset(file.bytes + fields[i].at, fields[i].fill, fields[i].size);
		seal(file.bytes);
		assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_DAMAGED);
		/* One byte less is a text, though the URL is still none. */
		file.bytes[fields[i].at + fields[i].size - 1] = 0;
		seal(file.bytes);
		assert_int_equal(record_read(file.bytes, &owner, &out),
		    fields[i].at == AT_URL ? RECORD_DAMAGED : RECORD_FOUND);
	}
}

static void
a_hostile_generation_does_not_hide_later_records(void **state)
{
	static const uint64_t generations[] = {UINT64_MAX, UINT64_MAX - 1,
	    UINT64_C(1) << 63, UINT64_C(1) << 62, (UINT64_C(1) << 62) - 1};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(generations); i++) {
		struct file file = one_session();
		struct session_saved out;

		memcpy(file.bytes + AT_GENERATION, &generations[i],
		    sizeof generations[i]);
		seal(file.bytes);
		record_write(file.bytes, &owner, &second, 0);
		record_write(file.bytes, &owner, &second, 0);
		assert_int_equal(record_read(file.bytes, &owner, &out), RECORD_FOUND);
		assert_string_equal(out.id, second.id);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_written_is_read_again),
	    cmocka_unit_test(the_layout_of_version_1_stays_what_it_is),
	    cmocka_unit_test(a_url_that_is_none_costs_the_host_and_not_the_session),
	    cmocka_unit_test(what_a_reader_would_refuse_is_left_out_and_said),
	    cmocka_unit_test(an_empty_file_is_fresh_and_an_empty_session_is_empty),
	    cmocka_unit_test(a_session_without_a_sequence_is_none),
	    cmocka_unit_test(every_verdict_has_its_words),
	    cmocka_unit_test(the_word_moves_the_sequence_forward_only),
	    cmocka_unit_test(a_word_without_a_record_is_not_written),
	    cmocka_unit_test(a_new_session_begins_with_its_own_sequence),
	    cmocka_unit_test(a_word_that_a_kill_left_behind_is_tied_to_the_new_slot),
	    cmocka_unit_test(the_word_of_another_session_is_not_believed),
	    cmocka_unit_test(a_word_behind_its_slot_is_not_believed),
	    cmocka_unit_test(the_guild_is_read_again),
	    cmocka_unit_test(a_record_without_a_guild_is_read_all_the_same),
	    cmocka_unit_test(a_damaged_guild_costs_nothing_but_itself),
	    cmocka_unit_test(a_record_of_another_owner_is_foreign),
	    cmocka_unit_test(a_newer_record_is_told_from_a_damaged_one),
	    cmocka_unit_test(a_file_that_was_newer_or_damaged_can_be_used_again),
	    cmocka_unit_test(every_field_is_checked_under_a_right_checksum),
	    cmocka_unit_test(a_text_without_its_end_is_refused),
	    cmocka_unit_test(a_hostile_generation_does_not_hide_later_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
