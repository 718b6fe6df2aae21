/* URLs: what is read, what is refused, and where a resume may go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "url.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void
good_urls_are_read_into_their_parts(void **state)
{
	static const struct {
		const char *text;
		const char *host;
		const char *path;
		uint16_t port;
		bool tls, websocket;
	} cases[] = {
	    {"wss://gateway.discord.gg", "gateway.discord.gg", "/", 443, true, true},
	    {"wss://gateway.discord.gg/", "gateway.discord.gg", "/", 443, true, true},
	    {"WSS://Gateway.Discord.GG:8443/?v=10", "gateway.discord.gg", "/?v=10",
		8443, true, true},
	    {"ws://127.0.0.1:1", "127.0.0.1", "/", 1, false, true},
	    {"ws://[::1]:65535/x", "::1", "/x", 65535, false, true},
	    {"ws://[2001:DB8::1]", "2001:db8::1", "/", 80, false, true},
	    {"https://discord.com/api/v10", "discord.com", "/api/v10", 443, true,
		false},
	    {"http://localhost", "localhost", "/", 80, false, false},
	    {"https://a?b=c", "a", "/?b=c", 443, true, false},
	    {"https://a_b-c.d/", "a_b-c.d", "/", 443, true, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct url url;

		if (url_parse(cases[i].text, &url) != GW_OK ||
		    url.tls != cases[i].tls || url.websocket != cases[i].websocket ||
		    strcmp(url.host, cases[i].host) != 0 || url.port != cases[i].port ||
		    strcmp(url.path, cases[i].path) != 0) {
			fail_msg("%s", cases[i].text);
		}
	}
}

static void
bad_urls_are_refused_and_leave_the_result_alone(void **state)
{
	static const char *const cases[] = {
	    "",
	    "wss",
	    "wss:",
	    "wss:/host",
	    "wss://",
	    "wss:///path",
	    "wss://:443",
	    "ftp://host",
	    "javascript:alert(1)",
	    " wss://host",
	    "wss://host ",
	    "wss:// host",
	    "wss://ho st",
	    "wss://host\n",
	    "wss://host/\r\nX: y",
	    "wss://host/\x7F",
	    "wss://host/\xC3\xA4",
	    "wss://h\xC3\xB6st",
	    "wss://host\\@evil",
	    "wss://host/\\evil",
	    "wss://user@host",
	    "wss://user:pw@host",
	    "wss://gateway.discord.gg:443@evil.example",
	    "wss://gateway.discord.gg%2eevil",
	    "wss://host#fragment",
	    "wss://host/#fragment",
	    "https://host/a#\n",
	    "wss://host:",
	    "wss://host:/",
	    "wss://host:0",
	    "wss://host:65536",
	    "wss://host:99999",
	    "wss://host:4294967739", /* 443 modulo 2^32 */
	    "wss://host:-1",
	    "wss://host:+1",
	    "wss://host:0x50",
	    "wss://host:80x",
	    "wss://host:80:80",
	    "wss://.",
	    "wss://..",
	    "wss://.discord.gg",
	    "wss://discord.gg.",
	    "wss://a..discord.gg",
	    "wss://[::1",
	    "wss://::1",
	    "wss://[]",
	    "wss://[:::1]",
	    "wss://[1.2.3.4]",
	    "wss://[fe80::1%25eth0]",
	    "wss://[::1]x",
	    "wss://[gateway.discord.gg]",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct url url = {.port = 7, .host = "untouched"};

		if (url_parse(cases[i], &url) != GW_ERR_SYNTAX || url.port != 7 ||
		    strcmp(url.host, "untouched") != 0) {
			fail_msg("\"%s\"", cases[i]);
		}
	}
}

static void
parts_of_the_largest_size_fit_and_one_more_byte_does_not(void **state)
{
	char text[URL_PATH_BYTES + 64];
	struct url url;

	(void)state;
	for (size_t size = URL_HOST_BYTES - 2; size <= URL_HOST_BYTES; size++) {
		(void)snprintf(text, sizeof text, "wss://%0*d", (int)size, 1);
		assert_int_equal(url_parse(text, &url) == GW_OK, size < URL_HOST_BYTES);
	}
	for (size_t size = URL_PATH_BYTES - 2; size <= URL_PATH_BYTES; size++) {
		(void)snprintf(text, sizeof text, "wss://h/%0*d", (int)size - 1, 1);
		assert_int_equal(url_parse(text, &url) == GW_OK, size < URL_PATH_BYTES);
	}
}

static void
loopback_is_what_cannot_leave_the_host(void **state)
{
	static const struct {
		const char *host;
		bool loopback;
	} cases[] = {
	    {"localhost", true},
	    {"LOCALHOST", true},
	    {"127.0.0.1", true},
	    {"127.255.255.254", true},
	    {"::1", true},
	    {"0:0:0:0:0:0:0:1", true},
	    {"128.0.0.1", false},
	    {"126.255.255.255", false},
	    {"0.0.0.0", false},
	    {"::", false},
	    {"::2", false},
	    {"localhost.evil.example", false},
	    {"127.0.0.1.evil.example", false},
	    {"2130706433", false},
	    {"0177.0.0.1", false},
	    {"127.1", false},
	    {"", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (url_is_loopback(cases[i].host) != cases[i].loopback) {
			fail_msg("%s", cases[i].host);
		}
	}
}

static void
a_resume_goes_to_discord_or_to_the_host_the_operator_named(void **state)
{
	static const char general[] = "wss://gateway.discord.gg";
	static const char named[] = "wss://gw.example.org:8443";
	static const char local[] = "ws://127.0.0.1:7000";
	static const struct {
		const char *url;
		const char *general;
		bool allowed;
	} cases[] = {
	    {"wss://gateway-us-east1-b.discord.gg", general, true},
	    {"wss://gateway-us-east1-b.discord.gg", NULL, true},
	    {"wss://gateway-us-east1-b.discord.gg/?v=10", named, true},
	    {"wss://discord.gg", NULL, true},
	    {"wss://DISCORD.GG", NULL, true},
	    {"ws://gateway.discord.gg", general, false},
	    {"ws://gateway.discord.gg:443", general, false},
	    {"https://gateway.discord.gg", general, false},
	    {"wss://gateway.discord.gg:22", general, false},
	    {"wss://gateway.discord.gg:22", NULL, false},
	    {"wss://evildiscord.gg", general, false},
	    {"wss://discord.gg.evil.example", general, false},
	    {"wss://discord.com", general, false},
	    {"wss://xdiscord.gg", NULL, false},
	    {"wss://iscord.gg", NULL, false},
	    {"wss://127.0.0.1", general, false},
	    {"wss://[::1]", general, false},
	    {"wss://10.0.0.1", general, false},
	    {"wss://gw.example.org:8443", named, true},
	    {"wss://gw.example.org", named, true},
	    {"wss://gw.example.org:9000", named, false},
	    {"ws://gw.example.org:8443", named, false},
	    {"wss://other.example.org:8443", named, false},
	    {"wss://x.gw.example.org:8443", named, false},
	    {"wss://gw.example.org:8443", NULL, false},
	    {"ws://127.0.0.1:7001", local, true},
	    {"wss://[::1]:7001", local, true},
	    {"ws://localhost:1", local, true},
	    {"http://127.0.0.1:7001", local, false},
	    {"ws://10.0.0.1", local, false},
	    {"ws://gateway.discord.gg", local, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct url url, base;

		assert_int_equal(url_parse(cases[i].url, &url), GW_OK);
		if (cases[i].general) {
			assert_int_equal(url_parse(cases[i].general, &base), GW_OK);
		}
		if (url_resume_allowed(&url, cases[i].general ? &base : NULL) !=
		    cases[i].allowed) {
			fail_msg("%s, general %s", cases[i].url,
			    cases[i].general ? cases[i].general : "none");
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_urls_are_read_into_their_parts),
	    cmocka_unit_test(bad_urls_are_refused_and_leave_the_result_alone),
	    cmocka_unit_test(parts_of_the_largest_size_fit_and_one_more_byte_does_not),
	    cmocka_unit_test(loopback_is_what_cannot_leave_the_host),
	    cmocka_unit_test(
		a_resume_goes_to_discord_or_to_the_host_the_operator_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
