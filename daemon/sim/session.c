#include "session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway.h"
#include "messages.h"
#include "sim.h"
#include "xalloc.h"

/* Of what is owed, made in one turn while nobody reads it. */
#define AWAY_BATCH 20000

/* Events that time may bring in one turn: after a pause of the whole machine the rest
 * of what was missed is left out. */
#define DUE_MAX 20000

static void
free_session(struct sim *sim, struct session *session)
{
	for (uint64_t i = 0; i < sim->argv.buffer_events; i++) {
		event_unref(session->ring[i].event);
	}
	for (int i = 0; i < SESSION_POOL; i++) {
		event_unref(session->pool[i]);
	}
	free(session->ring);
	free(session);
}

/* Makes room in the list by ending the one that expires first. */
static bool
make_room(struct sim *sim)
{
	struct session *oldest = NULL;
	int count = 0;

	for (struct session *at = sim->sessions; at; at = at->next) {
		count++;
		if (!at->gate && (!oldest || at->expires_at < oldest->expires_at)) {
			oldest = at;
		}
	}
	if (count < SESSION_MAX) {
		return true;
	}
	if (oldest) {
		session_end(sim, oldest);
	}
	return oldest != NULL;
}

struct session *
session_new(struct sim *sim, const struct world_view *view)
{
	if (!make_room(sim)) {
		return NULL;
	}
	struct session *session = xzalloc(sizeof *session);
	struct world_rng ids = {
	    sim->argv.seed ^ sim->stats.identifies << 32 ^ (uint64_t)clock_wall_ms()};

	session->ring =
	    xzalloc(sizeof *session->ring * (size_t)sim->argv.buffer_events);
	(void)snprintf(session->id, sizeof session->id, "%016" PRIx64 "%016" PRIx64,
	    world_random(&ids), world_random(&ids));
	session->view = *view;
	session->first = 1;
	session->expires_at = CLOCK_NEVER;
	session->last_beat = UINT64_MAX;
	session->resumes_all_known = true;
	/* The play depends on the seed and the shard alone. */
	session->rng.state = sim->argv.seed * UINT64_C(1000003) + view->shard;
	session->due_at = sim->now;
	session->guilds_left = (view->intents & INTENT_GUILDS) != 0 ?
	    world_shard_guilds(&sim->world, view) :
	    0;
	session->next = sim->sessions;
	sim->sessions = session;
	return session;
}

struct session *
session_find(struct sim *sim, struct slice id)
{
	for (struct session *at = sim->sessions; at; at = at->next) {
		if (!at->killed && slice_equal(id, slice_of(at->id))) {
			return at;
		}
	}
	return NULL;
}

void
session_end(struct sim *sim, struct session *session)
{
	struct session **link = &sim->sessions;

	while (*link && *link != session) {
		link = &(*link)->next;
	}
	if (*link) {
		*link = session->next;
	}
	if (session->gate) {
		gateway_forget_session(session->gate);
	}
	free_session(sim, session);
}

void
session_end_all(struct sim *sim)
{
	while (sim->sessions) {
		session_end(sim, sim->sessions);
	}
}

void
session_detach(struct sim *sim, struct session *session)
{
	session->gate = NULL;
	session->expires_at = clock_add(sim->now, sim->argv.session_ttl);
}

static void
drop_oldest(const struct sim *sim, struct session *session)
{
	struct session_slot *slot =
	    &session->ring[session->first % sim->argv.buffer_events];

	session->ring_bytes -= slot->event->size;
	event_unref(slot->event);
	*slot = (struct session_slot){NULL, 0};
	session->first++;
}

void
session_push(struct sim *sim, struct session *session, struct event *owned_event,
    uint64_t id)
{
	if (!owned_event) {
		return;
	}
	while (session->first <= session->seq &&
	    (session->seq + 1 - session->first >= sim->argv.buffer_events ||
		session->ring_bytes + owned_event->size > SESSION_RING_BYTES)) {
		drop_oldest(sim, session);
	}
	session->seq++;
	session->ring_bytes += owned_event->size;
	session->ring[session->seq % sim->argv.buffer_events] =
	    (struct session_slot){owned_event, id};
	sim->stats.events++;
}

void
session_skip(const struct sim *sim, struct session *session, uint64_t count)
{
	while (session->first <= session->seq) {
		drop_oldest(sim, session);
	}
	session->seq += count;
	session->first = session->seq + 1;
	session->last_sent = session->seq;
}

const struct session_slot *
session_slot_at(const struct sim *sim, const struct session *session, uint64_t seq)
{
	if (seq < session->first || seq > session->seq) {
		return NULL;
	}
	return &session->ring[seq % sim->argv.buffer_events];
}

static struct event *
make_message(struct sim *sim, struct session *session, uint64_t channel_id, int user)
{
	struct jsonw out;
	char content[480];

	world_sentence(&session->rng, content, sizeof content);
	struct world_message message = {.id = world_new_id(&sim->world),
	    .channel_id = channel_id,
	    .author = user,
	    .content = content,
	    .at_ms = clock_wall_ms()};

	messages_add(sim->messages, &message);
	jsonw_init(&out, EVENT_MAX_BYTES);
	size_t id_at = world_put_message(&sim->world, &out, &message, true,
	    (session->view.intents & INTENT_CONTENT) != 0);

	return event_take("MESSAGE_CREATE", &out, id_at);
}

static struct event *
make_reaction(struct sim *sim, struct session *session, uint64_t channel_id, int user)
{
	static const char *const emojis[] = {"👍", "❤️", "😂", "✅", "🏳️‍🌈",
	    "gwsim_party:851233987445620736"};
	size_t pick =
	    world_random_below(&session->rng, sizeof emojis / sizeof emojis[0]);

	return world_reaction(&sim->world, "MESSAGE_REACTION_ADD", channel_id,
	    messages_last_id(sim->messages), user, emojis[pick]);
}

/* The kinds of random events, and how often each comes among those allowed. */
static const struct {
	uint32_t intent;
	unsigned weight;
} kinds[] = {
    {INTENT_MESSAGES, 45},
    {INTENT_PRESENCES, 25},
    {INTENT_TYPING, 15},
    {INTENT_REACTIONS, 14},
    {INTENT_GUILDS, 1},
};

static uint32_t
pick_kind(struct session *session)
{
	unsigned sum = 0;

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		sum += (session->view.intents & kinds[i].intent) != 0 ?
		    kinds[i].weight :
		    0;
	}
	if (sum == 0) {
		return 0;
	}
	uint64_t at = world_random_below(&session->rng, sum);

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if ((session->view.intents & kinds[i].intent) == 0) {
			continue;
		}
		if (at < kinds[i].weight) {
			return kinds[i].intent;
		}
		at -= kinds[i].weight;
	}
	return 0;
}

struct event *
session_make_random(struct sim *sim, struct session *session)
{
	uint64_t guilds = world_shard_guilds(&sim->world, &session->view);
	uint32_t kind = pick_kind(session);

	if (guilds == 0 || kind == 0) {
		return NULL;
	}
	uint64_t guild = world_shard_guild(&session->view,
	    world_random_below(&session->rng, guilds));
	uint64_t channel =
	    world_main_channel(guild) + world_random_below(&session->rng, 4);
	int user = (int)world_random_below(&session->rng, WORLD_USERS);

	switch (kind) {
	case INTENT_MESSAGES:
		return make_message(sim, session, channel, user);
	case INTENT_PRESENCES:
		return world_presence(&sim->world, &session->rng, guild, user);
	case INTENT_TYPING:
		return world_typing(&sim->world, channel, user, clock_wall_ms());
	case INTENT_REACTIONS:
		return make_reaction(sim, session, channel, user);
	default:
		return world_channel_update(&sim->world, channel);
	}
}

/* Without intents there is still what needs none. */
static struct event *
make_user_update(const struct sim *sim)
{
	struct jsonw out;

	jsonw_init(&out, EVENT_MAX_BYTES);
	world_put_user(&sim->world, &out, WORLD_BOT, true);
	return event_take("USER_UPDATE", &out, 0);
}

static void
push_flood(struct sim *sim, struct session *session)
{
	struct event **slot = &session->pool[session->seq % SESSION_POOL];

	if (!*slot) {
		*slot = session_make_random(sim, session);
	}
	if (!*slot) {
		*slot = make_user_update(sim);
	}
	if (*slot) {
		/* Counting on from the last id keeps each one unique. */
		session_push(sim, session, event_ref(*slot), ++sim->world.last_id);
	}
}

static void
push_guild(struct sim *sim, struct session *session)
{
	uint64_t count = world_shard_guilds(&sim->world, &session->view);
	uint64_t guild =
	    world_shard_guild(&session->view, count - session->guilds_left);

	session_push(sim, session,
	    world_guild_create(&sim->world, guild, session->view.intents,
		guild == 0 ? sim->world.big_guild_bytes : 0),
	    0);
}

uint64_t
session_make_owed(struct sim *sim, struct session *session, uint64_t limit)
{
	uint64_t made = 0;

	for (; made < limit; made++) {
		if (session->guilds_left > 0) {
			push_guild(sim, session);
			session->guilds_left--;
		} else if (session->flood_left > 0) {
			push_flood(sim, session);
			session->flood_left--;
		} else {
			break;
		}
	}
	return made;
}

static void
make_due(struct sim *sim, struct session *session)
{
	const struct fault *fault = sim_fault(sim, (int)session->view.shard);
	mono_ns passed = sim->now - session->due_at;

	session->due_at = sim->now;
	if (fault->no_events || fault->rate <= 0) {
		session->due = 0;
		return;
	}
	session->due += clock_seconds(passed) * fault->rate;
	uint64_t count = session->due > DUE_MAX ? DUE_MAX : (uint64_t)session->due;

	session->due = session->due > DUE_MAX ? 0 : session->due - (double)count;
	for (uint64_t i = 0; i < count; i++) {
		session_push(sim, session, session_make_random(sim, session), 0);
	}
	if (count > 0 && session->gate) {
		gateway_wake(session->gate);
	}
}

/* When the next event is due; several sessions share a wake-up of 5 ms. */
static mono_ns
due_at(struct sim *sim, const struct session *session)
{
	const struct fault *fault = sim_fault(sim, (int)session->view.shard);

	if (fault->no_events || fault->rate <= 0) {
		return CLOCK_NEVER;
	}
	mono_ns wait = (mono_ns)((1 - session->due) / fault->rate * 1e9);

	return sim->now + (wait < CLOCK_MS(5) ? CLOCK_MS(5) : wait);
}

mono_ns
session_tick_all(struct sim *sim)
{
	mono_ns wake_at = CLOCK_NEVER;
	struct session *next = NULL;

	for (struct session *at = sim->sessions; at; at = next) {
		next = at->next;
		if (!at->gate && sim->now >= at->expires_at) {
			session_end(sim, at);
			continue;
		}
		make_due(sim, at);
		mono_ns session_at = due_at(sim, at);

		if (!at->gate) {
			/* Life goes on while the client is away. */
			uint64_t made = session_make_owed(sim, at, AWAY_BATCH);

			session_at = made == AWAY_BATCH ? sim->now :
			    at->expires_at < session_at ? at->expires_at :
							  session_at;
		}
		wake_at = session_at < wake_at ? session_at : wake_at;
	}
	return wake_at;
}

void
session_mark(struct session *session, uint64_t seq, bool resume)
{
	struct session_mark *mark =
	    &session->marks[session->marks_count++ % SESSION_MARKS];

	*mark = (struct session_mark){.seq = seq,
	    .known = seq <= session->last_sent,
	    .resume = resume};
	if (resume && !mark->known) {
		session->resumes_all_known = false;
	}
}

void
session_publish(struct sim *sim, uint64_t guild, uint32_t intent,
    struct event *owned_event, struct event *owned_without_it)
{
	for (struct session *at = sim->sessions; at; at = at->next) {
		bool plain =
		    owned_without_it && (at->view.intents & INTENT_CONTENT) == 0;
		struct event *event = plain ? owned_without_it : owned_event;

		if (event && (at->view.intents & intent) == intent &&
		    world_shard_of(guild, at->view.shard_count) == at->view.shard) {
			session_push(sim, at, event_ref(event), 0);
			if (at->gate) {
				gateway_wake(at->gate);
			}
		}
	}
	event_unref(owned_event);
	event_unref(owned_without_it);
}

void
session_publish_direct(struct sim *sim, struct event *owned_event)
{
	for (struct session *at = sim->sessions; owned_event && at; at = at->next) {
		if ((at->view.intents & INTENT_DIRECT) != 0 && at->view.shard == 0) {
			session_push(sim, at, event_ref(owned_event), 0);
			if (at->gate) {
				gateway_wake(at->gate);
			}
		}
	}
	event_unref(owned_event);
}
