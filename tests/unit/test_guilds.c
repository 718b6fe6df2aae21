/* Servers: who administers them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "guilds.h"

static const char created[] =
    "{\"id\":\"50\",\"name\":\"S\\u00e4\",\"owner_id\":\"1\",\"member_count\":9,"
    "\"roles\":[{\"id\":\"50\",\"permissions\":\"1024\"},"
    "{\"id\":\"61\",\"permissions\":\"8\"},{\"id\":\"62\",\"permissions\":\"0\"},"
    "{\"id\":\"63\",\"permissions\":\"562949953421319\"},7],\"members\":[{\"id\":\"3\"}"
    "]}";

static int
set_up(void **state)
{
	*state = guilds_new();
	return 0;
}

static int
tear_down(void **state)
{
	guilds_free(*state);
	return 0;
}

static void
take(struct guilds *guilds, const char *type, const char *data)
{
	guilds_take(guilds, slice_of(type), slice_of(data));
}

static bool
has_right(struct guilds *guilds, uint64_t role)
{
	const struct guild *guild = guilds_find(guilds, 50);

	return guild && guild_is_administrator(guild, 2, &role, 1);
}

static void
roles_and_owners_administer(void **state)
{
	struct guilds *guilds = *state;

	assert_null(guilds_find(guilds, 50));
	take(guilds, "GUILD_CREATE", created);
	const struct guild *guild = guilds_find(guilds, 50);

	assert_non_null(guild);
	assert_string_equal(guild->name, "S\xc3\xa4");
	assert_int_equal(guild->members, 9);
	assert_true(guild_is_administrator(guild, 1, NULL, 0));
	assert_false(guild_is_administrator(guild, 2, NULL, 0));
	assert_true(has_right(guilds, 61));
	assert_false(has_right(guilds, 62));
	/* 0x20000000000007: many rights, not this one. */
	assert_false(has_right(guilds, 63));
}

static void
roles_change(void **state)
{
	struct guilds *guilds = *state;

	take(guilds, "GUILD_CREATE", created);
	take(guilds, "GUILD_ROLE_UPDATE",
	    "{\"guild_id\":\"50\",\"role\":{\"id\":\"62\",\"permissions\":\"9\"}}");
	take(guilds, "GUILD_ROLE_UPDATE",
	    "{\"guild_id\":\"50\",\"role\":{\"id\":\"61\",\"permissions\":\"1\"}}");
	assert_true(has_right(guilds, 62));
	assert_false(has_right(guilds, 61));
	take(guilds, "GUILD_ROLE_CREATE",
	    "{\"guild_id\":\"50\",\"role\":{\"id\":\"64\",\"permissions\":\"8\"}}");
	assert_true(has_right(guilds, 64));
	take(guilds, "GUILD_ROLE_DELETE", "{\"guild_id\":\"50\",\"role_id\":\"64\"}");
	assert_false(has_right(guilds, 64));
	/* The role of everybody, which nobody lists. */
	take(guilds, "GUILD_ROLE_UPDATE",
	    "{\"guild_id\":\"50\",\"role\":{\"id\":\"50\",\"permissions\":\"8\"}}");
	assert_true(guild_is_administrator(guilds_find(guilds, 50), 2, NULL, 0));
	take(guilds, "GUILD_UPDATE",
	    "{\"id\":\"50\",\"name\":\"T\",\"owner_id\":\"2\",\"roles\":[]}");
	assert_string_equal(guilds_find(guilds, 50)->name, "T");
	assert_int_equal(guilds_find(guilds, 50)->owner, 2);
	assert_int_equal(guilds_find(guilds, 50)->role_count, 0);
	assert_int_equal(guilds_find(guilds, 50)->members, 9);
}

static void
members_come_and_go(void **state)
{
	struct guilds *guilds = *state;

	take(guilds, "GUILD_CREATE", created);
	take(guilds, "GUILD_MEMBER_ADD", "{\"guild_id\":\"50\"}");
	take(guilds, "GUILD_MEMBER_ADD", "{\"guild_id\":\"51\"}");
	assert_int_equal(guilds_find(guilds, 50)->members, 10);
	take(guilds, "GUILD_MEMBER_REMOVE", "{\"guild_id\":\"50\"}");
	take(guilds, "GUILD_MEMBER_REMOVE", "{\"guild_id\":\"50\"}");
	assert_int_equal(guilds_find(guilds, 50)->members, 8);
}

static void
an_outage_is_no_removal(void **state)
{
	struct guilds *guilds = *state;

	take(guilds, "GUILD_CREATE", created);
	take(guilds, "GUILD_DELETE", "{\"id\":\"50\",\"unavailable\":true}");
	take(guilds, "GUILD_CREATE", "{\"id\":\"50\",\"unavailable\":true}");
	assert_true(has_right(guilds, 61));
	take(guilds, "GUILD_DELETE", "{\"id\":\"50\"}");
	assert_null(guilds_find(guilds, 50));
}

static void
what_is_no_server_is_left_alone(void **state)
{
	struct guilds *guilds = *state;

	take(guilds, "GUILD_CREATE", "{\"id\":\"50\",\"roles\":[]");
	take(guilds, "GUILD_CREATE", "{\"roles\":[]}");
	take(guilds, "GUILD_CREATE", "[]");
	take(guilds, "MESSAGE_CREATE", created);
	assert_null(guilds_find(guilds, 50));
	assert_null(guilds_find(guilds, 0));
	assert_false(
	    guilds_put(guilds, slice_of("{\"message\":\"x\",\"code\":10004}")));
	guilds_put_failed(guilds, 50, 77);
	assert_int_equal(guilds_find(guilds, 50)->failed_at, 77);
	assert_false(guild_is_administrator(guilds_find(guilds, 50), 2, NULL, 0));
	assert_true(guilds_put(guilds, slice_of(created)));
	assert_int_equal(guilds_find(guilds, 50)->failed_at, 0);
}

static void
those_of_use_stay_when_there_are_too_many(void **state)
{
	struct guilds *guilds = *state;
	char text[64];

	take(guilds, "GUILD_CREATE", created);
	for (uint64_t i = 1; i < UINT64_C(4) * GUILDS_SETS * GUILDS_WAYS; i++) {
		(void)snprintf(text, sizeof text, "{\"id\":\"%llu\",\"roles\":[]}",
		    (unsigned long long)(i << 22U));
		take(guilds, "GUILD_CREATE", text);
		if (i % 64 == 0) {
			assert_non_null(guilds_find(guilds, 50));
		}
	}
	assert_true(has_right(guilds, 61));
	assert_null(guilds_find(guilds, UINT64_C(1) << 22U));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(roles_and_owners_administer),
	    TEST(roles_change),
	    TEST(members_come_and_go),
	    TEST(an_outage_is_no_removal),
	    TEST(what_is_no_server_is_left_alone),
	    TEST(those_of_use_stay_when_there_are_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
