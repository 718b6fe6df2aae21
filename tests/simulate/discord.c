/*
 * Discord: hosts that answer or not, sessions with a replay buffer, identify limits.
 *
 * It reacts at the instant of the send; the way there and back is one delay.
 */
#include "simulate.h"

#include <string.h>

/* Discord's own spacing of identifies in one bucket. */
#define BUCKET_SPACING CLOCK_S(5)

/* Events that a session keeps for a replay. */
#define REPLAY_MAX 100

/* Hostile values of heartbeat_interval; host.c puts them into words. */
#define BAD_INTERVALS 6

static void
detach(struct sim *sim, struct lane *lane)
{
	if (!lane->link.attached) {
		return;
	}
	lane->link.attached = false;
	lane->server.attached = false;
	lane->server.detached_at = sim->now;
}

static mono_ns
arrival(struct sim *sim, struct link *link)
{
	mono_ns at = sim->now + link->delay + rng_between(&sim->dice, 0, CLOCK_MS(20));

	if (fault_is_on(sim, FAULT_SLOW)) {
		at += CLOCK_S(5);
	}
	link->down_at = at > link->down_at ? at : link->down_at + 1;
	return link->down_at;
}

void
discord_say(struct sim *sim, uint32_t lane, enum note_kind kind, int64_t value)
{
	struct link *link = &sim->lane[lane].link;

	if (!link->dialled || link->over || link->hole) {
		return;
	}
	queue_push(sim,
	    (struct note){
		.at = arrival(sim, link),
		.kind = kind,
		.lane = lane,
		.link = link->id,
		.life = sim->life,
		.value = value,
	    });
}

void
discord_close(struct sim *sim, uint32_t lane, unsigned code)
{
	struct lane *at = &sim->lane[lane];

	discord_say(sim, lane, NOTE_LOST, code);
	at->link.over = !at->link.hole;
	detach(sim, at);
	if (closecode_find(code)->cure == CLOSECODE_IDENTIFY) {
		at->server.alive = false;
	}
}

/* ---- connecting ---- */

static void
refuse(struct sim *sim, uint32_t lane, mono_ns retry_after)
{
	struct link *link = &sim->lane[lane].link;

	queue_push(sim,
	    (struct note){
		.at = arrival(sim, link),
		.kind = NOTE_LOST,
		.lane = lane,
		.link = link->id,
		.life = sim->life,
		.value = 1006,
		.more = retry_after,
	    });
	link->over = true;
}

void
discord_connect(struct sim *sim, uint32_t lane, bool general)
{
	struct link *link = &sim->lane[lane].link;
	bool refused =
	    fault_is_on(sim, general ? FAULT_GENERAL_DOWN : FAULT_RESUME_DOWN);
	bool silent =
	    fault_is_on(sim, general ? FAULT_GENERAL_SILENT : FAULT_RESUME_SILENT);

	*link = (struct link){
	    .id = link->id + 1,
	    .dialled = true,
	    .general = general,
	    .delay = rng_between(&sim->dice, CLOCK_MS(5), CLOCK_MS(200)),
	};
	if (fault_is_on(sim, FAULT_UPGRADE_REFUSED)) {
		mono_ns wait = rng_between(&sim->dice, 0, CLOCK_S(120));

		refuse(sim, lane, one_in(&sim->dice, 2) ? wait : 0);
	} else if (refused) {
		refuse(sim, lane, 0);
	} else if (silent) {
		link->hole = true;
	} else {
		discord_say(sim, lane, NOTE_OPENED, general);
	}
}

static int64_t
unusual_interval(struct sim *sim)
{
	static const int64_t intervals[] = {500, 5000, 20000, 120000, 600000};

	return intervals[rng_next(&sim->dice) % 5];
}

/* The upgrade is done at both ends. */
void
discord_opened(struct sim *sim, uint32_t lane)
{
	struct link *link = &sim->lane[lane].link;
	int64_t interval_ms = sim->interval / CLOCK_MS(1);

	link->open = true;
	if (fault_is_on(sim, FAULT_NO_HELLO)) {
		return;
	}
	if (fault_is_on(sim, FAULT_BAD_HELLO)) {
		/* Below zero: which one of the hostile ones. */
		interval_ms = -1 - (int64_t)(rng_next(&sim->dice) % BAD_INTERVALS);
	} else if (fault_is_on(sim, FAULT_ODD_HELLO)) {
		interval_ms = unusual_interval(sim);
	}
	link->hello = true;
	link->interval = CLOCK_MS(interval_ms);
	discord_say(sim, lane, NOTE_HELLO, interval_ms);
	if (interval_ms == 500) {
		/* Such a pace is cut short: it would cost a day's worth of steps. */
		discord_close(sim, lane, 1001);
	}
}

/* ---- logins ---- */

static uint32_t
bucket_of(const struct sim *sim, uint32_t lane)
{
	return lane % sim->max_concurrency;
}

uint32_t
discord_identified(struct sim *sim, mono_ns now)
{
	while (sim->identified_count > 0 &&
	    sim->identified[sim->identified_first] <= now - DAY) {
		sim->identified_first =
		    (sim->identified_first + 1) % IDENTIFIES_PER_DAY;
		sim->identified_count--;
	}
	return sim->identified_count;
}

void
discord_count_identify(struct sim *sim, uint32_t lane, mono_ns arrives_at)
{
	mono_ns *last = &sim->identified_at[bucket_of(sim, lane)];
	uint32_t count = discord_identified(sim, arrives_at) + 1;

	if (*last != CLOCK_NEVER && arrives_at - *last < BUCKET_SPACING) {
		broken(sim, "two IDENTIFYs of a bucket within %.3f s",
		    clock_seconds(arrives_at - *last));
	}
	*last = arrives_at;
	if (count >= IDENTIFIES_PER_DAY) {
		broken(sim, "%u IDENTIFYs in 24 h: the token is reset", count);
		return;
	}
	if (count > IDENTIFIES_PER_DAY - IDENTIFIES_RESERVE) {
		broken(sim, "%u IDENTIFYs in 24 h: the reserve is touched", count);
	}
	sim->identified[(sim->identified_first + sim->identified_count) %
	    IDENTIFIES_PER_DAY] = arrives_at;
	sim->identified_count++;
	if (count > sim->totals->most_identifies) {
		sim->totals->most_identifies = count;
	}
}

/* Both kinds of login fail in the same ways; true where this one did. */
static bool
login_fails(struct sim *sim, uint32_t lane)
{
	if (fault_is_on(sim, FAULT_NO_READY)) {
		return true;
	}
	if (fault_is_on(sim, FAULT_DRIP)) {
		for (int i = 1; i < 30; i++) {
			discord_say(sim, lane, NOTE_FRAME, i);
			sim->lane[lane].link.down_at += CLOCK_S(10);
		}
		return true;
	}
	if (fault_is_on(sim, FAULT_HANG_UP)) {
		discord_close(sim, lane, CLOSECODE_NONE);
		return true;
	}
	return false;
}

static void
attach(struct sim *sim, uint32_t lane)
{
	sim->lane[lane].link.attached = true;
	sim->lane[lane].server.attached = true;
	if (fault_is_on(sim, FAULT_SHORT_LIVED)) {
		discord_close(sim, lane, 1006);
	}
}

static void
count_login(struct sim *sim, struct link *link)
{
	if (!link->hello) {
		broken(sim, "a login before HELLO");
	}
	if (++link->logins > 1) {
		broken(sim, "a second login on one connection");
	}
}

void
discord_identify(struct sim *sim, uint32_t lane)
{
	struct lane *at = &sim->lane[lane];
	/* Only the way to Discord counts here: it may vary by half a second. */
	mono_ns delay = at->link.delay + rng_between(&sim->dice, 0, CLOCK_MS(200));

	count_login(sim, &at->link);
	discord_count_identify(sim, lane, sim->now + delay);
	if (at->link.hole || at->link.over || login_fails(sim, lane)) {
		return;
	}
	if (fault_is_on(sim, FAULT_OP9_LOOP)) {
		discord_say(sim, lane, NOTE_OP9_FALSE, 0);
		return;
	}
	at->server = (struct server_session){
	    .serial = at->server.serial + 1,
	    .alive = !fault_is_on(sim, FAULT_BARE_READY),
	    .seq = 1,
	    .oldest = 2,
	    .ttl = sim->session_ttl,
	};
	discord_say(sim, lane, NOTE_READY, at->server.alive ? at->server.serial : 0);
	attach(sim, lane);
}

/* The client's words against what Discord knows; false where it has no such session. */
static bool
can_resume(struct sim *sim, const struct lane *lane)
{
	const struct server_session *server = &lane->server;
	char id[SESSION_ID_BYTES];
	int64_t seq = lane->session.saved.seq;

	(void)snprintf(id, sizeof id, "s%u", server->serial);
	if (!server->alive || strcmp(id, lane->session.saved.id) != 0) {
		return false;
	}
	if (!server->attached && sim->now - server->detached_at > server->ttl) {
		return false;
	}
	return seq + 1 >= server->oldest && server->seq - seq <= REPLAY_MAX;
}

void
discord_resume(struct sim *sim, uint32_t lane)
{
	struct lane *at = &sim->lane[lane];

	count_login(sim, &at->link);
	if (at->link.hole || at->link.over || login_fails(sim, lane)) {
		return;
	}
	if (!can_resume(sim, at) || fault_is_on(sim, FAULT_OP9_LOOP)) {
		at->server.alive = false;
		discord_say(sim, lane, NOTE_OP9_FALSE, 0);
		return;
	}
	if (at->session.saved.seq > at->server.seq) {
		discord_close(sim, lane, 4007);
		return;
	}
	for (int64_t seq = at->session.saved.seq + 1; seq <= at->server.seq; seq++) {
		discord_say(sim, lane, NOTE_DISPATCH, seq);
	}
	at->server.seq++;
	discord_say(sim, lane, NOTE_RESUMED, at->server.seq);
	attach(sim, lane);
}

/* ---- the running connection ---- */

void
discord_beat(struct sim *sim, uint32_t lane)
{
	if (!sim->lane[lane].link.hello) {
		broken(sim, "a heartbeat before HELLO");
	}
	if (fault_is_on(sim, FAULT_ACK_LOST)) {
		fault_heals_at(sim,
		    sim->now + 2 * sim->lane[lane].link.interval + CLOCK_S(4));
		return;
	}
	discord_say(sim, lane, NOTE_ACK, 0);
}

/* The client asks for its own member: the answer is a dispatch. */
void
discord_probe(struct sim *sim, uint32_t lane)
{
	struct lane *at = &sim->lane[lane];

	if (at->link.attached && !at->link.hole && at->server.alive &&
	    !at->server.deaf) {
		discord_say(sim, lane, NOTE_DISPATCH, ++at->server.seq);
	}
}

/* The client has closed. */
void
discord_hung_up(struct sim *sim, uint32_t lane, unsigned code)
{
	struct lane *at = &sim->lane[lane];
	bool ends =
	    at->link.attached && !at->link.hole && (code == 1000 || code == 1001);

	detach(sim, at);
	at->server.alive = at->server.alive && !ends;
	at->link = (struct link){.id = at->link.id + 1};
}

void
discord_generate(struct sim *sim, uint32_t lane)
{
	struct server_session *server = &sim->lane[lane].server;

	queue_push(sim,
	    (struct note){
		.at = sim->now + rng_between(&sim->dice, 1, 2 * sim->event_gap),
		.kind = NOTE_GENERATE,
		.lane = lane,
	    });
	if (!server->alive || server->deaf) {
		return;
	}
	server->seq++;
	if (sim->lane[lane].link.attached) {
		discord_say(sim, lane, NOTE_DISPATCH, server->seq);
	}
}
