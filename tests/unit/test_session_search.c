/*
 * Session: every order of events up to a depth, every rule checked after each.
 *
 * Breadth first: states that differ in nothing that matters are one.  Time passes by
 * the timeout alone, so each state is reached at the instant of a step before it;
 * counters, texts and distances that only readers see are left out of what makes states
 * differ.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "session_rules.h"

#define DEPTH      8
#define DRAW       7 /* the same jitter for all */
#define NODES_MAX  100000U
#define TABLE_SIZE (1U << 21)

/* The alphabet: plays and the detail that makes each a different event. */
static const struct letter {
	enum rules_play play;
	uint8_t detail; /* LOST: of rules_codes, one of each class */
} letters[] = {
    {PLAY_START, 0},
    {PLAY_TIMEOUT, 0},
    {PLAY_SLOT, 0},
    {PLAY_OPENED, 0},
    {PLAY_HELLO, 0},
    {PLAY_HELLO_BAD, 0},
    {PLAY_READY, 1},
    {PLAY_READY_BARE, 1},
    {PLAY_RESUMED, 0},
    {PLAY_DISPATCH, 0},
    {PLAY_DISPATCH_ODD, 1}, /* sequence 0: repeated or falling */
    {PLAY_ACK, 0},
    {PLAY_BEAT, 0},
    {PLAY_OP7, 0},
    {PLAY_OP9_TRUE, 0},
    {PLAY_OP9_FALSE, 0},
    {PLAY_FRAME, 0},
    {PLAY_UNREADABLE, 0},
    {PLAY_LOST, 3},  /* 1006: resume */
    {PLAY_LOST, 1},  /* 1000: one resume, then a new session */
    {PLAY_LOST, 13}, /* 4009: a new session */
    {PLAY_LOST, 12}, /* 4008: resume, slower */
    {PLAY_LOST, 15}, /* 4004: the end */
    {PLAY_SLEPT, 0},
    {PLAY_RECONNECT, 0},
    {PLAY_RECONNECT_FRESH, 0},
    {PLAY_STOP, 0},
    {PLAY_CHECK, 0},
};

#define LETTERS ((uint8_t)(sizeof letters / sizeof letters[0]))

struct node {
	struct rules rules;
	uint32_t parent;
	uint8_t letter;
};

struct search {
	struct node *nodes;
	uint32_t count;
	uint64_t *table; /* hashes of the states that were seen; 0: free */
	uint64_t root;   /* a state near one root may be far from another */
	uint64_t states, transitions;
	uint64_t states_of[SNAPSHOT_FATAL + 1];
};

/* ---- what makes two states different ---- */

static uint64_t
mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
	return hash ^ (hash >> 29);
}

/* Instants count as distances from now. */
static uint64_t
mix_instant(uint64_t hash, mono_ns at, mono_ns now)
{
	return mix(hash, at == CLOCK_NEVER ? UINT64_MAX : (uint64_t)(at - now));
}

static uint64_t
hash_session(uint64_t hash, const struct session *session, mono_ns now)
{
	const mono_ns instants[] = {session->deadline, session->ready_limit,
	    session->retry_at, session->beat_due, session->beat_sent_at,
	    session->unacked_since, session->judge_at, session->last_frame_at,
	    session->last_ready_at, session->down_since};
	const uint64_t values[] = {session->state, session->fresh_wanted,
	    session->at_general, session->deadline_put_off, (uint64_t)session->interval,
	    session->saved.id[0] != '\0', session->saved.resume_url[0] != '\0',
	    (uint64_t)session->saved.seq, session->failures, session->connect_failures,
	    session->identify_failures, session->resume_tries, session->doubtful,
	    session->unreadable_seq == session->saved.seq ? session->unreadable : 0,
	    session->sends.count, session->sends.ordinary};

	for (size_t i = 0; i < sizeof instants / sizeof instants[0]; i++) {
		hash = mix_instant(hash, instants[i], now);
	}
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		hash = mix(hash, values[i]);
	}
	return hash;
}

/* What the observer knows is part of the state: else a merge could hide a break. */
static uint64_t
hash_node(const struct rules *rules)
{
	uint64_t hash = hash_session(1, &rules->session, rules->now);
	mono_ns connected = rules->now - rules->connected_at;

	hash = mix(hash,
	    (uint64_t)rules->linked | (uint64_t)rules->opened << 1 |
		(uint64_t)rules->asked << 2 | (uint64_t)rules->slot << 3 |
		(uint64_t)rules->falls << 8);
	/* Only the first second after a CONNECT matters. */
	hash = mix(hash, (uint64_t)(connected < CLOCK_S(1) ? connected : CLOCK_S(1)));
	hash = mix_instant(hash, rules->ready_at, rules->now);
	hash = mix_instant(hash, rules->down_since, rules->now);
	hash = mix_instant(hash, rules->beat_at, rules->now);
	hash = mix(hash, rules->stuck);
	return hash == 0 ? 1 : hash;
}

/* True where the state is new; it is known from now on. */
static bool
note_state(struct search *search, uint64_t hash)
{
	uint32_t at = (uint32_t)(hash >> 20) % TABLE_SIZE;

	while (search->table[at] != 0) {
		if (search->table[at] == hash) {
			return false;
		}
		at = (at + 1) % TABLE_SIZE;
	}
	search->table[at] = hash;
	return true;
}

/* ---- the search ---- */

static void
tell_way(const struct search *search, uint32_t index)
{
	if (search->nodes[index].parent != index) {
		tell_way(search, search->nodes[index].parent);
		const struct letter *letter = &letters[search->nodes[index].letter];

		print_error("  %s %u\n", rules_play_name(letter->play), letter->detail);
	}
}

/* The rules' own play, at the instant when the timer is due. */
static const char *
play(struct rules *rules, const struct letter *letter)
{
	mono_ns wake_at = session_wake_at(&rules->session);

	if (letter->play == PLAY_TIMEOUT && wake_at != CLOCK_NEVER &&
	    wake_at > rules->now) {
		rules->now = wake_at;
	}
	/* The same draw in the same state, else nothing would ever be the same. */
	rules->rng.state = DRAW;
	return rules_play(rules, letter->play, letter->detail);
}

static void
add(struct search *search, const struct rules *rules, uint32_t parent, uint8_t letter,
    bool last)
{
	if (!note_state(search, mix(search->root, hash_node(rules)) | 1)) {
		return;
	}
	search->states++;
	assert_true(search->states < TABLE_SIZE / 2); /* else it would never end */
	search->states_of[rules->session.state]++;
	if (last) {
		return; /* nobody goes on from here */
	}
	assert_true(search->count < NODES_MAX);
	search->nodes[search->count++] = (struct node){*rules, parent, letter};
}

static void
expand(struct search *search, uint32_t index, bool last)
{
	for (uint8_t i = 0; i < LETTERS; i++) {
		struct rules rules = search->nodes[index].rules;
		const char *broken = play(&rules, &letters[i]);

		search->transitions++;
		if (broken) {
			tell_way(search, index);
			fail_msg("then %s %u: %s", rules_play_name(letters[i].play),
			    letters[i].detail, broken);
		}
		add(search, &rules, index, i, last);
	}
}

static void
search_from(struct search *search, const struct rules *root)
{
	uint32_t level = 0;

	search->count = 0;
	search->root++;

	add(search, root, level, 0, false);
	for (int depth = 0; depth < DEPTH; depth++) {
		uint32_t end = search->count;

		for (uint32_t i = level; i < end; i++) {
			expand(search, i, depth == DEPTH - 1);
		}
		level = end;
	}
}

/* A third beginning: the stored session has been resumed. */
static void
log_in(struct rules *rules)
{
	static const enum rules_play plays[] = {PLAY_START, PLAY_OPENED, PLAY_HELLO,
	    PLAY_RESUMED};

	for (size_t i = 0; i < sizeof plays / sizeof plays[0]; i++) {
		assert_null(rules_play(rules, plays[i], 0));
	}
	assert_int_equal(rules->session.state, SNAPSHOT_READY);
}

static void
rest(struct rules *rules, const struct session_saved *saved)
{
	rules_init(rules, DRAW, saved, CLOCK_S(3600));
	rules->crowds = false; /* a wait of any length is one state */
}

static void
every_order_of_events_keeps_the_rules(void **state)
{
	static const struct session_saved saved = {
	    .id = "s0",
	    .resume_url = "wss://r0.discord.gg",
	    .seq = 5,
	};
	struct search search = {
	    .nodes = calloc(NODES_MAX, sizeof *search.nodes),
	    .table = calloc(TABLE_SIZE, sizeof *search.table),
	};
	struct rules root;

	(void)state;
	assert_non_null(search.nodes);
	assert_non_null(search.table);
	rest(&root, NULL);
	search_from(&search, &root);
	rest(&root, &saved);
	search_from(&search, &root);
	log_in(&root);
	search_from(&search, &root);
	for (int i = SNAPSHOT_IDLE; i <= SNAPSHOT_FATAL; i++) {
		if (i != SNAPSHOT_RESOLVING && search.states_of[i] == 0) {
			fail_msg("never met: %s",
			    snapshot_state_text((enum snapshot_state)i));
		}
	}
	print_message("depth %d: %" PRIu64 " states, %" PRIu64 " transitions\n", DEPTH,
	    search.states, search.transitions);
	free(search.nodes);
	free(search.table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_order_of_events_keeps_the_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
