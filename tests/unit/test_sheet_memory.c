/* What a sheet's probe remembers: when Google is asked, and with which token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sheet_memory.h"

#define BEGUN CLOCK_S(1000)

static struct sheet_finding
finding_of(enum probe_verdict verdict, const char *reason, mono_ns wait)
{
	struct sheet_finding finding = {.verdict = verdict, .wait = wait};

	(void)snprintf(finding.reason, sizeof finding.reason, "%s", reason);
	return finding;
}

static void
what_was_good_is_not_read_again_within_a_minute(void **state)
{
	struct sheet_memory memory = {.token = NULL};
	const struct sheet_finding good = finding_of(PROBE_GOOD, "Roster", 0);
	char reason[PROBE_REASON_ROOM] = "";

	(void)state;
	assert_false(sheet_memory_spares(&memory, BEGUN, reason, sizeof reason));
	/* It counts from the begin of the run, not from the answer. */
	sheet_memory_take_row(&memory, &good, BEGUN, BEGUN + CLOCK_S(9));
	assert_true(sheet_memory_spares(&memory, BEGUN + SHEET_READ_EVERY - 1, reason,
	    sizeof reason));
	assert_string_equal(reason, "Roster, read 59 s ago");
	assert_false(sheet_memory_spares(&memory, BEGUN + SHEET_READ_EVERY, reason,
	    sizeof reason));
	sheet_memory_fini(&memory);
}

static void
what_was_bad_is_asked_again_at_once(void **state)
{
	struct sheet_memory memory = {.token = NULL};
	const struct sheet_finding good = finding_of(PROBE_GOOD, "Roster", 0);
	const struct sheet_finding bad = finding_of(PROBE_BAD, "share it", 0);
	char reason[PROBE_REASON_ROOM] = "";

	(void)state;
	sheet_memory_take_row(&memory, &good, BEGUN, BEGUN);
	sheet_memory_take_row(&memory, &bad, BEGUN, BEGUN);
	assert_false(sheet_memory_spares(&memory, BEGUN, reason, sizeof reason));
	sheet_memory_fini(&memory);
}

static void
google_has_its_peace_while_it_wants_it(void **state)
{
	struct sheet_memory memory = {.token = NULL};
	const struct sheet_finding spent =
	    finding_of(PROBE_UNSETTLED, "quota", CLOCK_S(30));
	const struct sheet_finding bad = finding_of(PROBE_BAD, "x", CLOCK_S(30));
	char reason[PROBE_REASON_ROOM] = "";

	(void)state;
	sheet_memory_take(&memory, &bad, BEGUN);
	assert_false(sheet_memory_spares(&memory, BEGUN, reason, sizeof reason));
	sheet_memory_take(&memory, &spent, BEGUN);
	assert_true(sheet_memory_spares(&memory, BEGUN + CLOCK_S(30) - 1, reason,
	    sizeof reason));
	assert_non_null(strstr(reason, "asked again in 1 s"));
	assert_false(
	    sheet_memory_spares(&memory, BEGUN + CLOCK_S(30), reason, sizeof reason));
	sheet_memory_fini(&memory);
}

static void
a_token_is_changed_at_eight_tenths_and_used_to_its_end(void **state)
{
	struct sheet_memory memory = {.token = NULL};
	struct sheet_token token = {secret_new("one", 3), CLOCK_S(3600)};

	(void)state;
	assert_false(sheet_memory_is_fresh(&memory, BEGUN));
	assert_false(sheet_memory_is_usable(&memory, BEGUN));
	sheet_memory_take_token(&memory, &token, BEGUN);
	assert_null(token.access);
	assert_true(sheet_memory_is_fresh(&memory, BEGUN + CLOCK_S(2880) - 1));
	assert_false(sheet_memory_is_fresh(&memory, BEGUN + CLOCK_S(2880)));
	assert_true(sheet_memory_is_usable(&memory, BEGUN + CLOCK_S(3600) - 1));
	assert_false(sheet_memory_is_usable(&memory, BEGUN + CLOCK_S(3600)));
	/* The next one takes its place. */
	token = (struct sheet_token){secret_new("two", 3), CLOCK_S(3600)};
	sheet_memory_take_token(&memory, &token, BEGUN + CLOCK_S(3000));
	assert_string_equal(secret_reveal(memory.token), "two");
	assert_true(sheet_memory_is_fresh(&memory, BEGUN + CLOCK_S(3600)));
	sheet_memory_drop_token(&memory);
	assert_false(sheet_memory_is_usable(&memory, BEGUN + CLOCK_S(3000)));
	sheet_memory_fini(&memory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_good_is_not_read_again_within_a_minute),
	    cmocka_unit_test(what_was_bad_is_asked_again_at_once),
	    cmocka_unit_test(google_has_its_peace_while_it_wants_it),
	    cmocka_unit_test(a_token_is_changed_at_eight_tenths_and_used_to_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
