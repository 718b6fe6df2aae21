#include "sheet_memory.h"

#include <inttypes.h>
#include <stdio.h>

/* Of a token's lifetime: then the next run gets a new one. */
#define RENEW_TENTHS 8

void
sheet_memory_fini(struct sheet_memory *memory)
{
	sheet_memory_drop_token(memory);
}

bool
sheet_memory_spares(const struct sheet_memory *memory, mono_ns now, char *reason,
    size_t room)
{
	if (now < memory->quiet_until) {
		(void)snprintf(reason, room,
		    "Google's quota was used up (429), which says nothing of the "
		    "sheet; asked again in %" PRId64 " s",
		    (int64_t)((memory->quiet_until - now) / CLOCK_S(1)) + 1);
		return true;
	}
	/* After a bad one somebody may have mended it just now. */
	if (memory->read_good && now - memory->read_at < SHEET_READ_EVERY) {
		(void)snprintf(reason, room, "%.200s, read %" PRId64 " s ago",
		    memory->title, (int64_t)((now - memory->read_at) / CLOCK_S(1)));
		return true;
	}
	return false;
}

void
sheet_memory_take(struct sheet_memory *memory, const struct sheet_finding *finding,
    mono_ns now)
{
	if (finding->verdict == PROBE_UNSETTLED) {
		memory->quiet_until = now + finding->wait;
	}
}

void
sheet_memory_take_row(struct sheet_memory *memory, const struct sheet_finding *finding,
    mono_ns begun_at, mono_ns now)
{
	memory->read_good = finding->verdict == PROBE_GOOD;
	memory->read_at = begun_at;
	(void)slice_copy(slice_of(finding->reason), memory->title,
	    sizeof memory->title);
	sheet_memory_take(memory, finding, now);
}

void
sheet_memory_take_token(struct sheet_memory *memory, struct sheet_token *token,
    mono_ns now)
{
	sheet_memory_drop_token(memory);
	memory->token = token->access;
	token->access = NULL;
	memory->renew_at = now + token->lifetime / 10 * RENEW_TENTHS;
	memory->expires_at = now + token->lifetime;
}

void
sheet_memory_drop_token(struct sheet_memory *memory)
{
	secret_free(memory->token);
	memory->token = NULL;
}

bool
sheet_memory_is_fresh(const struct sheet_memory *memory, mono_ns now)
{
	return memory->token && now < memory->renew_at;
}

bool
sheet_memory_is_usable(const struct sheet_memory *memory, mono_ns now)
{
	return memory->token && now < memory->expires_at;
}
