/* Payloads parsed where reading past them shows. */
#ifndef GWBOT_TEST_PAYLOAD_FIXTURE_H
#define GWBOT_TEST_PAYLOAD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "payload.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Parses a copy that ends where its memory ends, so that the address checker sees a
 * byte too many. */
static inline enum gw_err
parse_exact(const char *text, size_t size)
{
	struct payload payload;
	char *copy = malloc(size ? size : 1);

	assert_non_null(copy);
	if (size > 0) {
		memcpy(copy, text, size);
	}
	enum gw_err err = payload_parse((struct slice){copy, size}, &payload);

	free(copy);
	return err;
}

static inline struct payload
parse(const char *text)
{
	struct payload payload;

	assert_int_equal(payload_parse(slice_of(text), &payload), GW_OK);
	return payload;
}

static inline void
assert_slice(struct slice slice, const char *text)
{
	if (!slice_equal(slice, slice_of(text))) {
		fail_msg("\"%.*s\" is not \"%s\"", (int)slice.size,
		    slice.data ? slice.data : "", text);
	}
}

#endif
