/*
 * Rate limits: hostile headers and bodies.  Every wait stays in bounds, every wait
 * ends, and no answer but a 401 stops everything.
 *
 * Input: lines.  The first is the status; then bucket, remaining, reset-after, global,
 * scope, retry-after, via, date ("-": absent); the rest is the body.
 */
#include <string.h>

#include "must.h"
#include "ratelimit.h"
#include "retry.h"

#define NOW        CLOCK_S(1000)
#define WALL       INT64_C(1700000000000)
#define LINES      9
#define LINE_BYTES 1024 /* as fetch cuts values */
#define WAIT_MOST  (RATELIMIT_WAIT_MAX + RATELIMIT_MARGIN)

static struct slice
take_lines(struct slice input, char lines[LINES][LINE_BYTES])
{
	for (int i = 0; i < LINES; i++) {
		const char *end =
		    input.size ? memchr(input.data, '\n', input.size) : NULL;
		size_t size = end ? (size_t)(end - input.data) : input.size;

		(void)slice_copy((struct slice){input.data, size}, lines[i],
		    LINE_BYTES);
		size += end != NULL;
		input = (struct slice){input.data ? input.data + size : NULL,
		    input.size - size};
	}
	return input;
}

static const char *
or_absent(const char *line)
{
	return strcmp(line, "-") == 0 ? NULL : line;
}

static void
check_told(const struct ratelimit_told *told)
{
	MUST(told->remaining >= -1);
	MUST(told->reset_after >= -1 && told->reset_after <= RATELIMIT_WAIT_MAX);
	MUST(told->retry_after >= -1 && told->retry_after <= RATELIMIT_WAIT_MAX);
	MUST(told->status == 429 || (!told->edge && !told->global && !told->shared));
}

static void
check_limits(const struct ratelimit_told *told)
{
	static struct ratelimit limits;
	struct ratelimit_call call = ratelimit_call_of("POST",
	    "/channels/{channel}/messages", "/channels/1/messages");
	mono_ns retry_at = 0;
	unsigned slot = 0;

	memset(&limits, 0, sizeof limits);
	MUST(ratelimit_ask(&limits, &call, NOW, &slot, &retry_at) == RATELIMIT_GO);
	MUST(slot < RATELIMIT_FLIGHTS);
	mono_ns wait = ratelimit_answered(&limits, &call, slot, told, 1, NOW);

	MUST(wait >= 0 && wait <= WAIT_MOST);
	MUST(ratelimit_until(&limits) <= NOW + WAIT_MOST);
	MUST(ratelimit_invalid(&limits, NOW) <= 1);
	enum ratelimit_say say =
	    ratelimit_ask(&limits, &call, NOW + WAIT_MOST, &slot, &retry_at);

	MUST(say == (told->status == 401 ? RATELIMIT_STOPPED : RATELIMIT_GO));
}

static void
check_path(const char *path)
{
	struct ratelimit_call call = ratelimit_call_of("GET", path, path);

	MUST(call.route != 0 && call.top != 0);
	MUST(call.with_token || path[0] == '/');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char lines[LINES][LINE_BYTES];
	struct slice body = take_lines((struct slice){(const char *)data, size}, lines);
	const struct ratelimit_head head = {
	    .bucket = or_absent(lines[1]),
	    .remaining = or_absent(lines[2]),
	    .reset_after = or_absent(lines[3]),
	    .global = or_absent(lines[4]),
	    .scope = or_absent(lines[5]),
	    .retry_after = or_absent(lines[6]),
	    .via = or_absent(lines[7]),
	    .date = or_absent(lines[8]),
	};
	unsigned status = (unsigned)strtoul(lines[0], NULL, 10) % 1000;

	for (int whole = 0; whole < 2; whole++) {
		struct ratelimit_told told;

		ratelimit_told_read(status, &head, body, whole, WALL, &told);
		check_told(&told);
		check_limits(&told);
	}
	check_path(lines[1]);
	return 0;
}
