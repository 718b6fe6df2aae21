/* One session under a hand-turned clock, and the words to tell a story to it. */
#ifndef GWBOT_TEST_SESSION_RIG_H
#define GWBOT_TEST_SESSION_RIG_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "closecode.h"
#include "session.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define CONNECT_TIMEOUT CLOCK_S(10)
#define HELLO_TIMEOUT   CLOCK_S(11)
#define READY_TIMEOUT   CLOCK_S(15)
#define INTERVAL        CLOCK_MS(41250)
#define RESUME_URL      "wss://gateway-us-east1-b.discord.gg"

#define GENERAL         "the general host"
#define NOWHERE         "nowhere"

#define HELLO           "{\"t\":null,\"s\":null,\"op\":10,\"d\":{\"heartbeat_interval\":41250}}"
#define READY                                                               \
	"{\"op\":0,\"t\":\"READY\",\"s\":1,\"d\":{\"v\":10,\"session_id\":" \
	"\"cafe0123456789\","                                               \
	"\"resume_gateway_url\":\"" RESUME_URL                              \
	"\",\"user\":{\"id\":\"42\",\"username\":\"bo\"},"                  \
	"\"guilds\":[{\"id\":\"1\"},{\"id\":\"2\"}]}}"
#define ACK     "{\"op\":11}"
#define OP7     "{\"op\":7,\"d\":null}"
#define OP9     "{\"op\":9,\"d\":false}"
#define OP9TRUE "{\"op\":9,\"d\":true}"
#define BEAT    "{\"op\":1,\"d\":null}"

struct rig {
	struct session session;
	struct rng rng;
	mono_ns now;
	uint32_t crowd; /* other shards that are down, with every event */
	struct session_actions actions; /* of the last step */
};

static const struct session_config rig_config = {
    .shard_id = 0,
    .shard_count = 1,
    .connect_timeout = CONNECT_TIMEOUT,
    .hello_timeout = HELLO_TIMEOUT,
    .ready_timeout = READY_TIMEOUT,
};

static const struct session_saved rig_saved = {
    .id = "cafe0123456789",
    .resume_url = RESUME_URL,
    .seq = 7,
};

static inline void
rig_step(struct rig *rig, const struct session_event *event)
{
	struct session_event crowded = *event;

	crowded.crowd = rig->crowd;
	session_step(&rig->session, &crowded, rig->now, &rig->rng, &rig->actions);
}

static inline void
rig_do(struct rig *rig, enum session_event_kind kind)
{
	rig_step(rig, &(struct session_event){.kind = kind, .code = CLOSECODE_NONE});
}

static inline void
rig_lose(struct rig *rig, unsigned code)
{
	rig_step(rig, &(struct session_event){.kind = SESSION_LOST, .code = code});
}

/* The gateway says json. */
static inline void
rig_say(struct rig *rig, const char *json)
{
	struct payload payload;

	if (payload_parse(slice_of(json), &payload) != GW_OK) {
		fail_msg("the test's own JSON is broken: %s", json);
	}
	rig_step(rig,
	    &(struct session_event){.kind = SESSION_PAYLOAD, .payload = &payload});
}

__attribute__((format(printf, 2, 3))) static inline void
rig_sayf(struct rig *rig, const char *format, ...)
{
	char json[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(json, sizeof json, format, args);
	va_end(args);
	rig_say(rig, json);
}

static inline void
rig_dispatch(struct rig *rig, int64_t seq)
{
	rig_sayf(rig, "{\"op\":0,\"t\":\"MESSAGE_CREATE\",\"s\":%" PRId64 ",\"d\":{}}",
	    seq);
}

static inline void
rig_resumed(struct rig *rig, int64_t seq)
{
	rig_sayf(rig, "{\"op\":0,\"t\":\"RESUMED\",\"s\":%" PRId64 ",\"d\":{}}", seq);
}

/* The action of this kind from the last step, or NULL. */
static inline const struct session_action *
rig_action(const struct rig *rig, enum session_action_kind kind)
{
	for (unsigned i = 0; i < rig->actions.count; i++) {
		if (rig->actions.list[i].kind == kind) {
			return &rig->actions.list[i];
		}
	}
	return NULL;
}

static inline bool
rig_did(const struct rig *rig, enum session_action_kind kind)
{
	return rig_action(rig, kind) != NULL;
}

/* Where the last step connects to: a URL, GENERAL, or NOWHERE. */
static inline const char *
rig_host(const struct rig *rig)
{
	const struct session_action *connect = rig_action(rig, SESSION_CONNECT);

	if (!connect) {
		return NOWHERE;
	}
	return connect->url ? connect->url : GENERAL;
}

/* The code that the last step closed with; 0 where it closed nothing. */
static inline unsigned
rig_closed(const struct rig *rig)
{
	const struct session_action *close = rig_action(rig, SESSION_CLOSE);

	return close ? close->code : 0;
}

/* Goes to the instant of the next timeout and delivers it; returns how long that was.
 */
static inline mono_ns
rig_wake(struct rig *rig)
{
	mono_ns at = session_wake_at(&rig->session);
	mono_ns slept = at - rig->now;

	assert_true(at != CLOCK_NEVER);
	assert_true(slept >= 0);
	rig->now = at;
	rig_do(rig, SESSION_TIMEOUT);
	return slept;
}

static inline struct snapshot
rig_snapshot(const struct rig *rig)
{
	struct snapshot snap;

	session_snapshot(&rig->session, rig->now, &snap);
	return snap;
}

/* A session at rest, one hour after boot. */
static inline void
rig_init(struct rig *rig, const struct session_saved *saved, uint64_t seed)
{
	*rig = (struct rig){.rng = {.state = seed}, .now = CLOCK_S(3600)};
	session_init(&rig->session, &rig_config, saved);
}

/* From a CONNECT that was just asked to HELLO, 100 ms each. */
static inline void
rig_open(struct rig *rig)
{
	assert_int_equal(rig->session.state, SNAPSHOT_CONNECTING);
	rig->now += CLOCK_MS(100);
	rig_do(rig, SESSION_OPENED);
	rig->now += CLOCK_MS(100);
	rig_say(rig, HELLO);
}

/* From rest to READY of a new session. */
static inline void
rig_login(struct rig *rig, uint64_t seed)
{
	rig_init(rig, NULL, seed);
	rig_do(rig, SESSION_START);
	rig_do(rig, SESSION_SLOT);
	rig_open(rig);
	rig->now += CLOCK_MS(100);
	rig_say(rig, READY);
	assert_int_equal(rig->session.state, SNAPSHOT_READY);
}

/* From rest to the RESUME of a stored session. */
static inline void
rig_begin_resume(struct rig *rig, uint64_t seed)
{
	rig_init(rig, &rig_saved, seed);
	rig_do(rig, SESSION_START);
	rig_open(rig);
	assert_int_equal(rig->session.state, SNAPSHOT_RESUMING);
}

/* Sits BACKOFF out where there is one; returns how long it was. */
static inline mono_ns
rig_sit_out(struct rig *rig)
{
	return rig->session.state == SNAPSHOT_BACKOFF ? rig_wake(rig) : 0;
}

/* Sleeps to the next beat, which is sent and answered after 50 ms. */
static inline void
rig_beat(struct rig *rig)
{
	(void)rig_wake(rig);
	assert_true(rig_did(rig, SESSION_HEARTBEAT));
	rig->now += CLOCK_MS(50);
	rig_say(rig, ACK);
}

/* Beats and answers until distance has passed. */
static inline void
rig_live(struct rig *rig, mono_ns distance)
{
	mono_ns end = rig->now + distance;

	while (session_wake_at(&rig->session) <= end - CLOCK_MS(50)) {
		rig_beat(rig);
	}
	rig->now = end;
}

#endif
