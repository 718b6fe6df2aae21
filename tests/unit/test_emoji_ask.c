/* /emoji-pad: which URLs may be fetched, from which addresses, and what is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "emoji_ask.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define CDN             "https://cdn.discordapp.com"
#define GOOD            CDN "/emojis/123456789012345678.png"

static char cdn[] = "cdn.discordapp.com";
static char media[] = "media.discordapp.net";
static char named[] = "localhost:8443";
static char numbered[] = "127.0.0.1:9000";
static char *items[] = {cdn, media, named, numbered};
static const struct config_list hosts = {items, COUNT_OF(items)};
static const struct config_list nobody = {NULL, 0};

static const char *
check(const char *url)
{
	bool loopback = false;

	return emoji_url_check(slice_of(url), &hosts, &loopback);
}

/* ---- the URL ---- */

static void
an_emoji_of_a_configured_host_may_be_fetched(void **state)
{
	static const struct {
		const char *url;
		bool loopback;
	} cases[] = {
	    {GOOD, false},
	    {CDN "/emojis/1.gif", false},
	    {CDN "/emojis/12345678901234567890.webp", false},
	    {CDN "/emojis/1.png?size=96&quality=lossless", false},
	    {"https://media.discordapp.net/emojis/1.webp?v=1", false},
	    {"https://localhost:8443/emojis/1.png", true},
	    {"http://localhost:8443/emojis/1.png", true},
	    {"http://127.0.0.1:9000/emojis/1.png", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		bool loopback = !cases[i].loopback;
		const char *why =
		    emoji_url_check(slice_of(cases[i].url), &hosts, &loopback);

		if (why || loopback != cases[i].loopback) {
			fail_msg("%s: %s", cases[i].url, why ? why : "loopback");
		}
	}
}

static void
any_other_url_is_refused(void **state)
{
	static const char *const cases[] = {
	    /* no URL, or another scheme */
	    "",
	    "x",
	    "https:",
	    "https://",
	    "https:///emojis/1.png",
	    "cdn.discordapp.com/emojis/1.png",
	    "//cdn.discordapp.com/emojis/1.png",
	    "http://cdn.discordapp.com/emojis/1.png",
	    "HTTPS://cdn.discordapp.com/emojis/1.png",
	    "ftp://cdn.discordapp.com/emojis/1.png",
	    "file:///emojis/1.png",
	    "data:image/png;base64,AAAA",
	    "javascript:alert(1)",
	    " " GOOD,
	    "\t" GOOD,
	    "https:\\\\cdn.discordapp.com/emojis/1.png",
	    "https:/cdn.discordapp.com/emojis/1.png",
	    /* another host */
	    "https://discord.com/emojis/1.png",
	    "https://example.org/emojis/1.png",
	    "https://discordapp.com/emojis/1.png",
	    "https://evil.cdn.discordapp.com/emojis/1.png",
	    "https://cdn.discordapp.com.evil/emojis/1.png",
	    "https://cdn.discordapp.com.evil.org/emojis/1.png",
	    "https://cdn.discordapp.comevil/emojis/1.png",
	    "https://evilcdn.discordapp.com/emojis/1.png",
	    "https://cdn-discordapp.com/emojis/1.png",
	    /* user information */
	    "https://cdn.discordapp.com@evil/emojis/1.png",
	    "https://cdn.discordapp.com@evil.org/emojis/1.png",
	    "https://user@cdn.discordapp.com/emojis/1.png",
	    "https://user:pass@cdn.discordapp.com/emojis/1.png",
	    "https://evil.org#@cdn.discordapp.com/emojis/1.png",
	    "https://evil.org?@cdn.discordapp.com/emojis/1.png",
	    "https://evil.org\\@cdn.discordapp.com/emojis/1.png",
	    "https://cdn.discordapp.com\\@evil.org/emojis/1.png",
	    "https://cdn.discordapp.com#/emojis/1.png",
	    "https://cdn.discordapp.com?/emojis/1.png",
	    "https://@cdn.discordapp.com/emojis/1.png",
	    /* the same host, written in another way */
	    "https://cdn.discordapp.com./emojis/1.png",
	    "https://CDN.discordapp.com/emojis/1.png",
	    "https://cdn.discordapp.com:443/emojis/1.png",
	    "https://cdn.discordapp.com:/emojis/1.png",
	    "https://cdn.discordapp.com:80/emojis/1.png",
	    "https://cdn.discordapp.com:8443/emojis/1.png",
	    "https://cdn%2ediscordapp.com/emojis/1.png",
	    "https://%63dn.discordapp.com/emojis/1.png",
	    "https://cdn.discordapp.com%00.evil/emojis/1.png",
	    "https://cdn\t.discordapp.com/emojis/1.png",
	    "https://cdn.discordapp.com\t/emojis/1.png",
	    "https://cdn.discordapp.com /emojis/1.png",
	    "https://cdn.discordapp.com\n/emojis/1.png",
	    "https://xn--cdn-discordapp-com/emojis/1.png",
	    "https://cdn.disc\xd0\xbe"
	    "rdapp.com/emojis/1.png",
	    "https://cdn\xe3\x80\x82"
	    "discordapp.com/emojis/1.png",
	    /* addresses */
	    "https://127.0.0.1/emojis/1.png",
	    "https://[::1]/emojis/1.png",
	    "https://[::ffff:127.0.0.1]/emojis/1.png",
	    "https://169.254.169.254/emojis/1.png",
	    "https://0177.0.0.1/emojis/1.png",
	    "https://0x7f.1/emojis/1.png",
	    "https://2130706433/emojis/1.png",
	    "https://0/emojis/1.png",
	    "https://127.1/emojis/1.png",
	    "https://localhost/emojis/1.png",
	    "https://localhost:8444/emojis/1.png",
	    "http://127.0.0.1:9001/emojis/1.png",
	    /* another path */
	    CDN,
	    CDN "/",
	    CDN "//emojis/1.png",
	    CDN "/emojis",
	    CDN "/emojis/",
	    CDN "/emojis//1.png",
	    CDN "/Emojis/1.png",
	    CDN "/emoji/1.png",
	    CDN "/avatars/1/2.png",
	    CDN "/emojis/a.png",
	    CDN "/emojis/1",
	    CDN "/emojis/1.",
	    CDN "/emojis/.png",
	    CDN "/emojis/1.PNG",
	    CDN "/emojis/1.abcdef",
	    CDN "/emojis/123456789012345678901.png",
	    CDN "/emojis/../attachments/1.png",
	    CDN "/emojis/1.png/../../x.png",
	    CDN "/emojis/1.png/",
	    CDN "/emojis/%31.png",
	    CDN "/emojis/1.png%00",
	    CDN "/emojis/-1.png",
	    CDN "/emojis/1.png;x",
	    CDN "\\emojis\\1.png",
	    CDN "/emojis\\1.png",
	    CDN "/emojis/1.png#x",
	    CDN "/emojis/1.png ",
	    CDN "/emojis/1.png\r\nHost: evil",
	    CDN "/x/emojis/1.png",
	    /* another query */
	    CDN "/emojis/1.png?",
	    CDN "/emojis/1.png?a b",
	    CDN "/emojis/1.png?a#b",
	    CDN "/emojis/1.png?a/b",
	    CDN "/emojis/1.png?a%20b",
	    CDN "/emojis/1.png?a\nb",
	    CDN "/emojis/1.png?a?b",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (!check(cases[i])) {
			fail_msg("allowed: %s", cases[i]);
		}
	}
}

static void
a_byte_more_or_less_anywhere_in_the_host_is_another_host(void **state)
{
	static const char url[] = GOOD;
	const size_t host = sizeof CDN - 1;
	char text[2 * sizeof url + 2]; /* room for what the compiler fears */

	(void)state;
	for (size_t at = 0; at <= host; at++) {
		for (int byte = 1; byte < 256; byte++) {
			(void)snprintf(text, sizeof text, "%.*s%c%s", (int)at, url,
			    byte, url + at);
			if (!check(text)) {
				fail_msg("byte %#x put in at %zu", byte, at);
			}
			(void)snprintf(text, sizeof text, "%.*s%c%s", (int)at, url,
			    byte, url + at + 1);
			if (strcmp(text, url) != 0 && !check(text)) {
				fail_msg("byte %#x instead at %zu", byte, at);
			}
		}
	}
}

static void
a_nul_byte_does_not_end_the_check(void **state)
{
	bool loopback = false;

	(void)state;
	assert_non_null(
	    emoji_url_check(SLICE_LITERAL(GOOD "\0evil"), &hosts, &loopback));
	assert_non_null(
	    emoji_url_check(SLICE_LITERAL(
				"https://cdn.discordapp.com\0.evil/emojis/1.png"),
		&hosts, &loopback));
}

static void
without_a_configured_host_nothing_may_be_fetched(void **state)
{
	bool loopback = false;

	(void)state;
	assert_non_null(emoji_url_check(slice_of(GOOD), &nobody, &loopback));
	assert_non_null(
	    emoji_url_check(slice_of("https:///emojis/1.png"), &nobody, &loopback));
}

/* ---- arguments ---- */

/* Pieces end in a blank. */
static const char *
ask(const char *pieces, struct emoji_ask *out)
{
	struct query query;

	query_clear(&query);
	while (*pieces != '\0') {
		size_t size = strcspn(pieces, " ");

		query_add(&query, (struct slice){pieces, size});
		pieces += size + (pieces[size] == ' ' ? 1 : 0);
	}
	memset(out, 0xA5, sizeof *out);
	return emoji_ask_read(&query, &hosts, out);
}

static void
numbers_have_defaults_and_limits(void **state)
{
	static const struct {
		const char *pieces;
		uint32_t side, box;
	} cases[] = {
	    {"", 256, 850},
	    {"s=64 box=0.2", 64, 200},
	    {"s=512 box=0.95", 512, 950},
	    {"s=63 box=0.1999", 64, 200},
	    {"s=513 box=0.951", 512, 950},
	    {"s=0 box=0", 64, 200},
	    {"s=999999999999 box=1", 512, 950},
	    {"s=0128 box=.5", 128, 500},
	    {"s=100 box=0.8509", 100, 850},
	    {"s=100 box=00.85", 100, 850},
	    {"box=1000000000", 256, 950},
	    {"s=200 box=0.", 200, 200},
	    {"x=1 size=9 S=1 flag", 256, 850},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char pieces[256];
		struct emoji_ask out;

		(void)snprintf(pieces, sizeof pieces, "u=" GOOD " %s", cases[i].pieces);
		const char *why = ask(pieces, &out);

		if (why || out.side != cases[i].side || out.box != cases[i].box ||
		    strcmp(out.url, GOOD) != 0 || out.loopback) {
			fail_msg("%s: %s, %u, %u", cases[i].pieces, why ? why : "",
			    out.side, out.box);
		}
	}
}

static void
what_cannot_be_read_is_refused_with_a_reason(void **state)
{
	static const struct {
		const char *pieces;
		const char *why;
	} cases[] = {
	    {"", "u is missing"},
	    {"u", "u is missing"},
	    {"u=", "u is missing"},
	    {"v=1 s=64", "u is missing"},
	    {"u=" GOOD " u=" GOOD, "more than once"},
	    {"u=http://evil/", "host of u"},
	    {"u=ftp://evil/", "https://"},
	    {"u=" CDN "/", "path of u"},
	    {"u=" GOOD " s=", "s must"},
	    {"u=" GOOD " s", "s must"},
	    {"u=" GOOD " s=-1", "s must"},
	    {"u=" GOOD " s=+100", "s must"},
	    {"u=" GOOD " s=1e2", "s must"},
	    {"u=" GOOD " s=100.0", "s must"},
	    {"u=" GOOD " s=0x40", "s must"},
	    {"u=" GOOD " s=100px", "s must"},
	    {"u=" GOOD " s=1111111111111", "s must"},
	    {"u=" GOOD " s=100 s=200", "s must"},
	    {"u=" GOOD " box=", "box must"},
	    {"u=" GOOD " box=.", "box must"},
	    {"u=" GOOD " box=nan", "box must"},
	    {"u=" GOOD " box=inf", "box must"},
	    {"u=" GOOD " box=0,5", "box must"},
	    {"u=" GOOD " box=0.5.5", "box must"},
	    {"u=" GOOD " box=-0.5", "box must"},
	    {"u=" GOOD " box=0.5 box=0.5", "box must"},
	    {"u=" GOOD " v=1 v=2", "v must"},
	    {"u=" GOOD " v=\x01", "v must"},
	    {"u=" GOOD " v=\xff", "v must"},
	    {"a b c d e f g h i j k l m n o p q u=" GOOD, "too many"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct emoji_ask out;
		const char *why = ask(cases[i].pieces, &out);

		if (!why || !strstr(why, cases[i].why)) {
			fail_msg("%s: %s", cases[i].pieces, why ? why : "allowed");
		}
	}
}

static void
the_longest_url_fits(void **state)
{
	char pieces[1024];
	struct emoji_ask out;

	(void)state;
	(void)snprintf(pieces, sizeof pieces,
	    "u=https://media.discordapp.net/emojis/12345678901234567890.abcde?%0128d",
	    0);
	assert_null(ask(pieces, &out));
	assert_int_equal(strlen(out.url), strlen(pieces) - 2);
	(void)snprintf(pieces, sizeof pieces,
	    "u=https://media.discordapp.net/emojis/12345678901234567890.abcde?%0129d",
	    0);
	assert_non_null(ask(pieces, &out));
}

static void
v_is_a_word_of_at_most_64_bytes_that_tells_pictures_apart(void **state)
{
	struct emoji_ask a;
	struct emoji_ask b;
	char pieces[256];

	(void)state;
	(void)snprintf(pieces, sizeof pieces, "u=" GOOD " v=%064d", 0);
	assert_null(ask(pieces, &a));
	(void)snprintf(pieces, sizeof pieces, "u=" GOOD " v=%065d", 0);
	assert_non_null(ask(pieces, &a));

	assert_null(ask("u=" GOOD, &a));
	assert_null(ask("s=256 box=0.85 v u=" GOOD, &b));
	assert_true(emoji_ask_same(&a, &b));
	assert_null(ask("u=" GOOD " v=2", &b));
	assert_false(emoji_ask_same(&a, &b));
	assert_null(ask("u=" GOOD " s=255", &b));
	assert_false(emoji_ask_same(&a, &b));
	assert_null(ask("u=" GOOD " box=0.851", &b));
	assert_false(emoji_ask_same(&a, &b));
	assert_null(ask("u=" GOOD "?x=1", &b));
	assert_false(emoji_ask_same(&a, &b));
}

/* ---- addresses ---- */

static void
only_addresses_of_the_internet_are_connected_to(void **state)
{
	static const char *const open[] = {"1.1.1.1", "162.159.130.233",
	    "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
	    "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0",
	    "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
	    "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::6810:1",
	    "2a00:1450::1", "2001:4860::8888", "3ffe::1", "::ffff:1.1.1.1",
	    "64:ff9b::1.1.1.1", "2002:101:101::1"};
	static const char *const closed[] = {"", "x", "0.0.0.0", "0.1.2.3", "10.0.0.1",
	    "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
	    "127.255.255.255", "169.254.169.254", "169.254.0.0", "172.16.0.0",
	    "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1",
	    "198.18.0.0", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1",
	    "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::2",
	    "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
	    "::ffff:169.254.169.254", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1",
	    "64:ff9b::169.254.169.254", "64:ff9b:1::1.1.1.1", "100::1", "2001::1",
	    "2001:1ff::1", "2001:db8::1", "2002:7f00:1::1", "2002:a9fe:a9fe::1",
	    "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1",
	    "ff02::1", "ffff::1", "4000::1", "1fff::1", "127.1", "0x7f000001"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(open); i++) {
		if (!emoji_address_is_public(open[i])) {
			fail_msg("closed: %s", open[i]);
		}
	}
	for (size_t i = 0; i < COUNT_OF(closed); i++) {
		if (emoji_address_is_public(closed[i])) {
			fail_msg("open: %s", closed[i]);
		}
	}
}

/* ---- answers ---- */

static void
only_an_image_type_is_one(void **state)
{
	static const char *const images[] = {"image/png", "image/webp;q=1", "IMAGE/GIF",
	    "image/x"};
	static const char *const others[] = {"", "image", "image/", "image/;x",
	    "text/html", " image/png", "ximage/png", "application/image/png"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(images); i++) {
		assert_true(emoji_type_is_image(images[i]));
	}
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		assert_false(emoji_type_is_image(others[i]));
	}
}

static void
what_the_helper_answers_must_begin_as_the_png_that_was_asked_for(void **state)
{
	static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0...";
	char damaged[sizeof png];

	(void)state;
	assert_true(emoji_is_png_of((struct slice){png, sizeof png - 1}, 256));
	assert_true(emoji_is_png_of((struct slice){png, 24}, 256));
	assert_false(emoji_is_png_of((struct slice){png, 23}, 256));
	assert_false(emoji_is_png_of((struct slice){png, sizeof png - 1}, 255));
	assert_false(emoji_is_png_of((struct slice){NULL, 0}, 256));
	for (size_t i = 0; i < 24; i++) {
		memcpy(damaged, png, sizeof png);
		damaged[i] ^= 1;
		assert_false(emoji_is_png_of((struct slice){damaged, sizeof png}, 256));
	}
}

static void
a_status_of_the_upstream_is_passed_on_where_it_means_something(void **state)
{
	static const unsigned same[] = {301, 302, 307, 308, 400, 401, 403, 404, 410,
	    429, 451, 500, 502, 503, 504, 599};
	static const unsigned senseless[] = {0, 100, 201, 204, 206, 299, 304, 600, 999};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(same); i++) {
		assert_int_equal(emoji_status_of(same[i]), same[i]);
	}
	for (size_t i = 0; i < COUNT_OF(senseless); i++) {
		assert_int_equal(emoji_status_of(senseless[i]), 502);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_emoji_of_a_configured_host_may_be_fetched),
	    cmocka_unit_test(any_other_url_is_refused),
	    cmocka_unit_test(a_byte_more_or_less_anywhere_in_the_host_is_another_host),
	    cmocka_unit_test(a_nul_byte_does_not_end_the_check),
	    cmocka_unit_test(without_a_configured_host_nothing_may_be_fetched),
	    cmocka_unit_test(numbers_have_defaults_and_limits),
	    cmocka_unit_test(what_cannot_be_read_is_refused_with_a_reason),
	    cmocka_unit_test(the_longest_url_fits),
	    cmocka_unit_test(v_is_a_word_of_at_most_64_bytes_that_tells_pictures_apart),
	    cmocka_unit_test(only_addresses_of_the_internet_are_connected_to),
	    cmocka_unit_test(only_an_image_type_is_one),
	    cmocka_unit_test(
		what_the_helper_answers_must_begin_as_the_png_that_was_asked_for),
	    cmocka_unit_test(
		a_status_of_the_upstream_is_passed_on_where_it_means_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
