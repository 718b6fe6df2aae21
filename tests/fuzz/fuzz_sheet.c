/*
 * Google's answers and key files: the first byte says which, and with which status.
 *
 * A reason must be one printable line of UTF-8, a token one word; an account must be
 * one that a grant can be made of.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sheet.h"
#include "text.h"

#define GRANT_BYTES ((size_t)16384)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void
check_finding(const struct sheet_finding *finding)
{
	struct slice rest = slice_of(finding->reason);

	check(rest.size > 0 && rest.size < PROBE_REASON_ROOM);
	while (rest.size > 0) {
		uint32_t code = 0;
		size_t step = text_read(rest, &code);

		check(step > 0 && !text_is_control(code));
		rest.data += step;
		rest.size -= step;
	}
	check((finding->verdict == PROBE_UNSETTLED) == (finding->wait > 0));
}

static void
read_account(struct slice text)
{
	struct sheet_account account;
	struct buf grant;

	if (sheet_account_read(text, &account)) {
		check(account.key == NULL);
		return;
	}
	buf_init(&grant, GRANT_BYTES);
	check(sheet_put_grant(&account, 1793534400, &grant) == GW_OK);
	check(memchr(grant.data, '.', grant.size) != NULL);
	buf_fini(&grant);
	sheet_account_fini(&account);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned statuses[] = {200, 400, 401, 403, 404, 429, 503, 302};
	static const struct sheet_asked asked[] = {{"Tab", "a@b", "p"},
	    {"Tab", "", ""}};
	struct sheet_finding finding;
	struct sheet_token token;

	if (size == 0) {
		return 0;
	}
	const struct sheet_answer answer = {
	    .status = statuses[data[0] % 8],
	    .body = {(const char *)data + 1, size - 1},
	    .date = "Sun, 01 Nov 2026 12:00:00 GMT",
	    .now_s = 1793534400,
	};
	const struct sheet_asked *who = &asked[data[0] / 8 % 2];

	sheet_read_row(who, &answer, &finding);
	check_finding(&finding);
	if (sheet_read_token(who, &answer, &token, &finding)) {
		check(strpbrk(secret_reveal(token.access), " \r\n") == NULL);
		check(token.lifetime > 0);
		secret_free(token.access);
	} else {
		check_finding(&finding);
	}
	read_account(answer.body);
	return 0;
}
