/* Record: writes that stop anywhere, and files that a disk has damaged. */
#include "record_fixture.h"

#define SECTOR  512
#define SECTORS (RECORD_FILE_BYTES / SECTOR)

/* The sectors of subset are new, the others old. */
static struct file
mix(const struct file *old, const struct file *new, unsigned subset)
{
	struct file torn = *old;

	for (unsigned i = 0; i < SECTORS; i++) {
		size_t at = (size_t)i * SECTOR;

		memcpy(torn.bytes + at, (subset >> i & 1 ? new : old)->bytes + at,
		    SECTOR);
	}
	return torn;
}

/* Tears the write of after over before in every way that sectors allow. */
static void
tear(const struct file *old, const struct session_saved *before,
    const struct session_saved *after)
{
	struct file new = *old;

	record_write(new.bytes, &owner, after, 1);
	record_write_seq(new.bytes, 7000);
	for (unsigned subset = 0; subset < 1U << SECTORS; subset++) {
		struct file torn = mix(old, &new, subset);
		struct session_saved out;

		assert_int_equal(record_read(torn.bytes, &owner, &out), RECORD_FOUND);

		bool is_new = strcmp(out.id, after->id) == 0;
		int64_t far = is_new ? 7000 : 5000;

		/* Never the sequence of the other one. */
		assert_same(&out, is_new ? after : before);
		assert_true(
		    out.seq == far || out.seq == (is_new ? after : before)->seq);
		assert_true(subset != 0 || out.seq == 5000);
		assert_true(subset != (1U << SECTORS) - 1 || out.seq == 7000);
	}
}

static void
any_mixture_of_old_and_new_sectors_is_one_of_both(void **state)
{
	struct file old = one_session();

	(void)state;
	for (int generation = 0; generation < 6; generation++) {
		bool even = generation % 2 == 0;

		record_write_seq(old.bytes, 5000);
		tear(&old, even ? &first : &second, even ? &second : &first);
		record_write(old.bytes, &owner, even ? &second : &first, 0);
	}
}

static void
a_write_that_stops_at_any_byte_leaves_one_of_both(void **state)
{
	struct file old = one_session();
	struct file new;

	(void)state;
	record_write(old.bytes, &owner, &first, 0);
	record_write_seq(old.bytes, 5000);
	new = old;
	record_write(new.bytes, &owner, &second, 1);
	for (size_t cut = 0; cut <= SLOT_END; cut++) {
		for (size_t slot = 0; slot < 2; slot++) {
			struct file torn = old;
			struct session_saved out;

			memcpy(torn.bytes + slot * SLOT_SIZE,
			    new.bytes + slot *SLOT_SIZE, cut);
			assert_int_equal(record_read(torn.bytes, &owner, &out),
			    RECORD_FOUND);
			if (strcmp(out.id, first.id) == 0) {
				assert_int_equal(out.seq, 5000);
			} else {
				assert_same(&out, &second);
				assert_int_equal(out.seq, second.seq);
			}
		}
	}
}

static void
any_flipped_bit_is_noticed(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < (size_t)SLOT_END * 8; bit++) {
		struct file file = one_session();
		struct session_saved out;

		file.bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);

		enum record_verdict verdict = record_read(file.bytes, &owner, &out);

		if (verdict != RECORD_DAMAGED && verdict != RECORD_NEWER) {
			fail_msg("bit %zu: %s", bit, record_verdict_text(verdict));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(any_mixture_of_old_and_new_sectors_is_one_of_both),
	    cmocka_unit_test(a_write_that_stops_at_any_byte_leaves_one_of_both),
	    cmocka_unit_test(any_flipped_bit_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
