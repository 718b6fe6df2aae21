#include "cleanup.h"

#include <stdio.h>
#include <string.h>

#include "message.h"

/* Discord: milliseconds since 2015 in the upper 42 bits. */
#define EPOCH_MS   INT64_C(1420070400000)
#define TIME_SHIFT 22

/* discord-protocol, 10.3: an hour away from the limit of 14 days. */
#define BULK_MAX_MS ((INT64_C(13) * 24 + 23) * 3600 * 1000)
#define BULK_MIN    2

/* So many refusals in a row are the channel's, not the messages'. */
#define REFUSED_MAX 3

/* discord-protocol, 10.7 */
#define STATUS_FORBIDDEN     403
#define CODE_UNKNOWN_MESSAGE 10008
#define CODE_SYSTEM_MESSAGE  50021

uint64_t
cleanup_snowflake(int64_t wall_ms)
{
	return wall_ms > EPOCH_MS ? (uint64_t)(wall_ms - EPOCH_MS) << TIME_SHIFT : 0;
}

static void
begin_channel(struct cleanup *cleanup)
{
	cleanup->before = cleanup->limit;
	cleanup->last_page = false;
	cleanup->doubt = CLEANUP_LIST;
	cleanup->id_count = 0;
	cleanup->id_next = 0;
	cleanup->under_way = 0;
	cleanup->refused_in_row = 0;
}

static void
leave_channel(struct cleanup *cleanup)
{
	cleanup->channel++;
	begin_channel(cleanup);
}

void
cleanup_begin(struct cleanup *cleanup, const uint64_t *channels, size_t count,
    int64_t wall_ms, mono_ns older_than)
{
	*cleanup = (struct cleanup){.channel_count = count};
	memcpy(cleanup->channels, channels, count * sizeof *channels);
	cleanup->limit = cleanup_snowflake(wall_ms - older_than / CLOCK_MS(1));
	begin_channel(cleanup);
}

/* How many of the next ones may go at once; 1: it goes alone. */
static size_t
group_size(const struct cleanup *cleanup, int64_t wall_ms)
{
	uint64_t oldest = cleanup_snowflake(wall_ms - BULK_MAX_MS);
	size_t left = CLEANUP_DELETES_MAX - cleanup->deleted;
	size_t size = 0;

	while (!cleanup->one_by_one && size < left &&
	    cleanup->id_next + size < cleanup->id_count &&
	    cleanup->ids[cleanup->id_next + size] > oldest) {
		size++;
	}
	return size >= BULK_MIN ? size : 1;
}

static bool
is_at_bound(struct cleanup *cleanup)
{
	bool more = cleanup->id_next < cleanup->id_count || !cleanup->last_page;

	if (more &&
	    (cleanup->deleted >= CLEANUP_DELETES_MAX ||
		(cleanup->id_next == cleanup->id_count &&
		    cleanup->pages >= CLEANUP_PAGES_MAX))) {
		cleanup->unfinished = true;
	}
	return cleanup->unfinished;
}

struct cleanup_call
cleanup_next(struct cleanup *cleanup, int64_t wall_ms)
{
	struct cleanup_call call = {.step = CLEANUP_DONE};

	if (cleanup->doubt != CLEANUP_LIST) {
		call.step = cleanup->doubt;
		call.channel = cleanup->channels[cleanup->channel];
		call.ids = cleanup->ids;
		return call;
	}
	if (cleanup->channel < cleanup->channel_count && cleanup->last_page &&
	    cleanup->id_next == cleanup->id_count) {
		leave_channel(cleanup);
	}
	if (cleanup->channel == cleanup->channel_count || is_at_bound(cleanup)) {
		return call;
	}
	call.channel = cleanup->channels[cleanup->channel];
	if (cleanup->id_next < cleanup->id_count) {
		call.count = group_size(cleanup, wall_ms);
		call.step = call.count > 1 ? CLEANUP_BULK : CLEANUP_DELETE;
		call.ids = cleanup->ids + cleanup->id_next;
		cleanup->under_way = call.count;
		return call;
	}
	call.step = CLEANUP_LIST;
	call.before = cleanup->before;
	cleanup->under_way = 0;
	cleanup->pages++;
	return call;
}

bool
cleanup_take_page(struct cleanup *cleanup, const struct json *page)
{
	size_t count = 0;

	cleanup->id_count = 0;
	cleanup->id_next = 0;
	cleanup->one_by_one = false;
	for (const struct json *at = json_first(page); at; at = json_next(at)) {
		const char *text = json_text(json_get(at, "id"));
		uint64_t id = 0;

		/* What is not older than what was asked for would never end. */
		if (!text || !message_id(slice_of(text), &id) ||
		    id >= cleanup->before || count == CLEANUP_PAGE) {
			leave_channel(cleanup);
			return false;
		}
		cleanup->before = id;
		count++;
		if (json_is_true(json_get(at, "pinned"))) {
			cleanup->pinned++;
		} else {
			cleanup->ids[cleanup->id_count++] = id;
		}
	}
	if (json_kind(page) != JSON_ARRAY) {
		leave_channel(cleanup);
		return false;
	}
	if (count == 0 && cleanup->before == cleanup->limit) {
		cleanup->doubt = CLEANUP_LOOK;
	}
	cleanup->last_page = count < CLEANUP_PAGE;
	return true;
}

void
cleanup_take_channel(struct cleanup *cleanup, const struct json *channel)
{
	const char *text = json_text(json_get(channel, "last_message_id"));
	bool known = text && message_id(slice_of(text), &cleanup->ids[0]);

	cleanup->doubt = known ? CLEANUP_TRY : CLEANUP_LIST;
}

void
cleanup_take_message(struct cleanup *cleanup)
{
	cleanup->doubt = CLEANUP_LIST;
}

void
cleanup_take_deleted(struct cleanup *cleanup)
{
	cleanup->deleted += (unsigned)cleanup->under_way;
	cleanup->id_next += cleanup->under_way;
	cleanup->refused_in_row = 0;
}

/* Whether it says something of the message and nothing of the channel. */
static bool
is_of_message(const struct cleanup *cleanup, unsigned status, int64_t code)
{
	if (code == CODE_SYSTEM_MESSAGE) {
		return true;
	}
	return status != 401 && status != 403 && status != 404 &&
	    cleanup->refused_in_row < REFUSED_MAX;
}

bool
cleanup_take_refusal(struct cleanup *cleanup, unsigned status, int64_t code)
{
	bool list = cleanup->under_way == 0;

	if (cleanup->doubt != CLEANUP_LIST) {
		bool closed =
		    cleanup->doubt == CLEANUP_TRY && status == STATUS_FORBIDDEN;

		cleanup->doubt = CLEANUP_LIST;
		return closed;
	}
	if (!list && code == CODE_UNKNOWN_MESSAGE) {
		cleanup->id_next += cleanup->under_way;
		return false;
	}
	if (cleanup->under_way > 1 && status == 400) {
		cleanup->one_by_one = true;
		return false;
	}
	cleanup->failed += list ? 0 : (unsigned)cleanup->under_way;
	cleanup->refused_in_row += code == CODE_SYSTEM_MESSAGE ? 0 : 1;
	if (list || !is_of_message(cleanup, status, code)) {
		leave_channel(cleanup);
	} else {
		cleanup->id_next += cleanup->under_way;
	}
	return true;
}

void
cleanup_words(const struct cleanup *cleanup, char *out, size_t room)
{
	char failed[32] = "";

	if (cleanup->failed > 0) {
		(void)snprintf(failed, sizeof failed, ", %u failed", cleanup->failed);
	}
	(void)snprintf(out, room,
	    "deleted %u message%s in %zu channel%s, kept %u pinned%s%s",
	    cleanup->deleted, cleanup->deleted == 1 ? "" : "s", cleanup->channel_count,
	    cleanup->channel_count == 1 ? "" : "s", cleanup->pinned, failed,
	    cleanup->unfinished ? "; the next run goes on" : "");
}
