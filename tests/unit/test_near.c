/* Which peers are near: no address that comes from the internet is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "near.h"

static bool
is_near(const char *text)
{
	uint8_t address[16];

	if (inet_pton(AF_INET, text, address) == 1) {
		return near_ipv4(address);
	}
	if (inet_pton(AF_INET6, text, address) == 1) {
		return near_ipv6(address);
	}
	fail_msg("no address: %s", text);
	return false;
}

static void
near_addresses(void **state)
{
	static const char *const near[] = {"127.0.0.1", "127.255.255.255", "10.0.0.0",
	    "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0",
	    "192.168.255.255", "169.254.0.0", "169.254.255.255", "100.64.0.0",
	    "100.127.255.255", "::1", "fc00::", "fdff:ffff::1", "fe80::1",
	    "febf:ffff::1", "::ffff:10.1.2.3", "::ffff:127.0.0.1"};

	(void)state;
	for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
		if (!is_near(near[i])) {
			fail_msg("%s is near", near[i]);
		}
	}
}

static void
strangers(void **state)
{
	static const char *const far[] = {"0.0.0.0", "126.255.255.255", "128.0.0.0",
	    "9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0",
	    "192.167.255.255", "192.169.0.0", "169.253.255.255", "169.255.0.0",
	    "100.63.255.255", "100.128.0.0", "8.8.8.8", "224.0.0.1", "255.255.255.255",
	    "::", "::2", "fbff::1", "fe00::1", "fe7f::1", "fec0::1", "2001:db8::1",
	    "::ffff:8.8.8.8", "::127.0.0.1", "1::1", "ff02::1", "64:ff9b::a00:1"};

	(void)state;
	for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
		if (is_near(far[i])) {
			fail_msg("%s is not near", far[i]);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(near_addresses),
	    cmocka_unit_test(strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
