#include "snapshot.h"

#include <stddef.h>

#include "closecode.h"

const char *
snapshot_state_text(enum snapshot_state state)
{
	static const char *const texts[] = {
#define SNAPSHOT_STATE_TEXT(name, text) [SNAPSHOT_##name] = (text),
	    SNAPSHOT_STATE_TABLE(SNAPSHOT_STATE_TEXT)
#undef SNAPSHOT_STATE_TEXT
	};

	return texts[state];
}

/* The larger of two ages, either of which may be unknown. */
static mono_ns
older(mono_ns a, mono_ns b)
{
	return a > b ? a : b; /* SNAPSHOT_NONE is below every age */
}

static mono_ns
younger(mono_ns a, mono_ns b)
{
	if (a == SNAPSHOT_NONE || b == SNAPSHOT_NONE) {
		return older(a, b);
	}
	return a < b ? a : b;
}

static void
add_connected(struct snapshot_total *total, const struct snapshot *shard)
{
	bool unknown = shard->latency == SNAPSHOT_NONE ||
	    (total->connected > 0 && total->latency == SNAPSHOT_NONE);

	total->latency =
	    unknown ? SNAPSHOT_NONE : older(total->latency, shard->latency);
	total->last_event_age = older(total->last_event_age, shard->last_event_age);
	total->connected++;
}

const char *
snapshot_cure_text(enum snapshot_cure cure)
{
	static const char *const texts[] = {
#define SNAPSHOT_CURE_TEXT(name, text) [SNAPSHOT_CURE_##name] = (text),
	    SNAPSHOT_CURE_TABLE(SNAPSHOT_CURE_TEXT)
#undef SNAPSHOT_CURE_TEXT
	};

	return texts[cure];
}

const char *
snapshot_hold_text(enum snapshot_hold hold)
{
	static const char *const texts[] = {
#define SNAPSHOT_HOLD_TEXT(name, text) [SNAPSHOT_HOLD_##name] = (text),
	    SNAPSHOT_HOLD_TABLE(SNAPSHOT_HOLD_TEXT)
#undef SNAPSHOT_HOLD_TEXT
	};

	return texts[hold];
}

#define CLOSE_NO_CODE (SNAPSHOT_CLOSES - 2)
#define CLOSE_OTHER   (SNAPSHOT_CLOSES - 1)

#define CLOSE_ABRUPT  1006 /* RFC 6455, section 7.4.1 */

size_t
snapshot_close_class(unsigned code, bool abrupt)
{
	static const unsigned codes[] = {
#define CLOSE_CODE(code) code,
	    SNAPSHOT_CLOSE_TABLE(CLOSE_CODE)
#undef CLOSE_CODE
	};

	code = abrupt ? CLOSE_ABRUPT : code;
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		if (codes[i] == code) {
			return i;
		}
	}
	return code == CLOSECODE_NONE ? CLOSE_NO_CODE : CLOSE_OTHER;
}

const char *
snapshot_close_word(size_t close_class)
{
	static const char *const words[SNAPSHOT_CLOSES] = {
#define CLOSE_WORD(code) #code,
	    SNAPSHOT_CLOSE_TABLE(CLOSE_WORD)
#undef CLOSE_WORD
		[CLOSE_NO_CODE] = "none",
	    [CLOSE_OTHER] = "other",
	};

	return words[close_class];
}

const char *
snapshot_stage_word(enum snapshot_stage stage)
{
	static const char *const words[] = {
#define SNAPSHOT_STAGE_WORD(name, word) [SNAPSHOT_STAGE_##name] = (word),
	    SNAPSHOT_STAGE_TABLE(SNAPSHOT_STAGE_WORD)
#undef SNAPSHOT_STAGE_WORD
	};

	return words[stage];
}

struct snapshot_total
snapshot_aggregate(const struct snapshot *shards, uint32_t count)
{
	struct snapshot_total total = {
	    .shards = count,
	    .last_event_age = SNAPSHOT_NONE,
	    .last_ready_age = SNAPSHOT_NONE,
	    .disconnect_age = SNAPSHOT_NONE,
	    .latency = SNAPSHOT_NONE,
	};

	for (uint32_t i = 0; i < count; i++) {
		const struct snapshot *shard = &shards[i];

		if (shard->connected) {
			add_connected(&total, shard);
		} else {
			total.disconnect_age =
			    older(total.disconnect_age, shard->disconnect_age);
		}
		total.last_ready_age =
		    younger(total.last_ready_age, shard->last_ready_age);
		total.reconnects += shard->reconnects;
		total.resumes += shard->resumes;
		total.identifies += shard->identifies;
		total.dispatches += shard->dispatches;
	}
	return total;
}
