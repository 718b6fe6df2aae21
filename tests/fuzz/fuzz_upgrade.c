/*
 * The answer to the upgrade: no input may crash, and no cut between two reads may
 * change the verdict.  The first byte is the size of the pieces.
 */
#include <stdint.h>
#include <stdlib.h>

#include "upgrade.h"

#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum upgrade_verdict
answer(struct upgrade_parser *parser, struct slice input, size_t cut, size_t *left)
{
	enum upgrade_verdict verdict = UPGRADE_MORE;

	upgrade_parser_init(parser, ACCEPT);
	while (verdict == UPGRADE_MORE && input.size > 0) {
		struct slice piece = {input.data, cut < input.size ? cut : input.size};
		size_t before = piece.size;

		verdict = upgrade_step(parser, &piece);
		input.data += before - piece.size;
		input.size -= before - piece.size;
	}
	*left = input.size;
	return verdict;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct upgrade_parser whole;
	static struct upgrade_parser cut;
	size_t whole_left;
	size_t cut_left;

	if (size == 0) {
		return 0;
	}
	struct slice input = {(const char *)data + 1, size - 1};
	enum upgrade_verdict verdict = answer(&whole, input, size, &whole_left);

	if (answer(&cut, input, 1U + data[0] % 64U, &cut_left) != verdict ||
	    whole_left != cut_left || whole.status != cut.status ||
	    whole.retry_after_s != cut.retry_after_s || whole.why != cut.why) {
		abort();
	}
	if ((verdict == UPGRADE_INVALID) != (whole.why != NULL)) {
		abort();
	}
	return 0;
}
