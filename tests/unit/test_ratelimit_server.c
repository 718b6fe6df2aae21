/* Rate limits: against a server that checks them. */
#include "ratelimit_fixture.h"

#define SIM_CHANNELS 6
#define SIM_ROUTES   COUNT_OF(routes)
#define SIM_BUCKETS  4
#define SIM_REQUESTS 400
#define SIM_FLIGHTS  16
#define SIM_STEPS    400000

/* A bucket of the server, for one channel. */
struct sim_bucket {
	unsigned used;
	mono_ns resets_at;
};

struct sim_request {
	struct ratelimit_call call;
	unsigned route;
	unsigned channel;
	unsigned bucket; /* the server's, when it arrived */
	unsigned slot;
	unsigned tries;
	bool flies;
	bool done;
	mono_ns not_before;
	mono_ns answer_at;
	struct ratelimit_told told;
};

struct sim {
	struct rng rng;
	mono_ns now;
	struct sim_request requests[SIM_REQUESTS];
	struct sim_bucket buckets[SIM_BUCKETS][SIM_CHANNELS];
	unsigned bucket_of[SIM_ROUTES]; /* changes midway */
	unsigned known_of[SIM_ROUTES];  /* + 1: as the client was last told */
	mono_ns closed_until[SIM_BUCKETS][SIM_CHANNELS]; /* as the client was told */
	mono_ns sent[SIM_REQUESTS * 20];
	unsigned sent_count;
	unsigned flights;
	unsigned refused;
};

static uint64_t
sim_pick(struct sim *sim, uint64_t count)
{
	return rng_next(&sim->rng) % count;
}

/* The request arrives: counted, or refused where its window is used up. */
static void
sim_receive(struct sim *sim, struct sim_request *request)
{
	unsigned number = sim->bucket_of[request->route];
	struct sim_bucket *bucket = &sim->buckets[number][request->channel];
	unsigned limit = number + 1; /* 1 to 4 in a window of 1 to 4 s */

	if (sim->now >= bucket->resets_at) {
		*bucket = (struct sim_bucket){0, sim->now + CLOCK_S(number + 1)};
	}
	bool over = bucket->used >= limit;

	bucket->used += !over;
	request->bucket = number;
	request->told = (struct ratelimit_told){
	    .status = over ? 429 : 200,
	    .bucket = 1000 + number,
	    .remaining = limit - bucket->used,
	    .reset_after = bucket->resets_at - sim->now,
	    .retry_after = over ? bucket->resets_at - sim->now : RATELIMIT_UNTOLD,
	};
	sim->refused += over;
}

static void
sim_check_send(struct sim *sim, const struct sim_request *request)
{
	unsigned known = sim->known_of[request->route];

	/* Never into a window that an answer said was used up. */
	if (known != 0 && sim->now < sim->closed_until[known - 1][request->channel]) {
		fail_msg("sent into a closed window");
	}
	assert_true(sim->sent_count < COUNT_OF(sim->sent));
	sim->sent[sim->sent_count++] = sim->now;
	if (sim->sent_count > RATELIMIT_GLOBAL) {
		mono_ns before = sim->sent[sim->sent_count - 1 - RATELIMIT_GLOBAL];

		assert_true(sim->now - before >= RATELIMIT_SECOND);
	}
	/* One at a time for each route, and for each bucket as far as it is known. */
	for (unsigned i = 0; i < SIM_REQUESTS; i++) {
		const struct sim_request *other = &sim->requests[i];
		bool same = other->route == request->route ||
		    (known != 0 && sim->known_of[other->route] == known);

		assert_false(other != request && other->flies && same &&
		    other->channel == request->channel);
	}
}

static void
sim_deliver(struct sim *sim, struct sim_request *request)
{
	const struct ratelimit_told *told = &request->told;
	mono_ns *closed = &sim->closed_until[request->bucket][request->channel];
	/* As it left the server; the client may only learn it now. */
	mono_ns until = sim->now + told->reset_after;

	request->flies = false;
	sim->flights--;
	sim->known_of[request->route] = request->bucket + 1;
	if (told->remaining == 0 && until > *closed) {
		*closed = until;
	}
	mono_ns wait = ratelimit_answered(&limits, &request->call, request->slot, told,
	    request->tries, sim->now);

	request->done = told->status == 200;
	request->not_before = sim->now + wait;
}

/* The client's turn: all that may go, oldest first.  When it wants the next one. */
static mono_ns
sim_send_all(struct sim *sim)
{
	mono_ns next = CLOCK_NEVER;

	for (unsigned i = 0; i < SIM_REQUESTS; i++) {
		struct sim_request *request = &sim->requests[i];
		mono_ns at = request->not_before;

		if (request->done || request->flies || sim->flights >= SIM_FLIGHTS) {
			continue;
		}
		if (sim->now >= at &&
		    ask(&request->call, sim->now, &request->slot, &at) ==
			RATELIMIT_GO) {
			request->tries++;
			request->flies = true;
			sim->flights++;
			sim_receive(sim, request);
			sim_check_send(sim, request);
			request->answer_at =
			    sim->now + CLOCK_MS(20 + sim_pick(sim, 400));
			continue;
		}
		next = at < next ? at : next;
	}
	return next;
}

/* To the next answer or wake-up; false: all is done. */
static bool
sim_step(struct sim *sim)
{
	mono_ns next = sim_send_all(sim);
	bool left = false;

	for (unsigned i = 0; i < SIM_REQUESTS; i++) {
		struct sim_request *request = &sim->requests[i];

		left = left || !request->done;
		if (request->flies && request->answer_at < next) {
			next = request->answer_at;
		}
	}
	if (!left) {
		return false;
	}
	assert_true(next != CLOCK_NEVER); /* else it would wait for ever */
	sim->now = next > sim->now ? next : sim->now;
	for (unsigned i = 0; i < SIM_REQUESTS; i++) {
		if (sim->requests[i].flies && sim->requests[i].answer_at <= sim->now) {
			sim_deliver(sim, &sim->requests[i]);
		}
	}
	return true;
}

static unsigned
simulate(uint64_t seed)
{
	static struct sim sim;

	memset(&sim, 0, sizeof sim);
	(void)forget_all(NULL);
	sim.rng.state = seed;
	sim.now = NOW;
	for (unsigned i = 0; i < SIM_ROUTES; i++) {
		sim.bucket_of[i] = (unsigned)sim_pick(&sim, SIM_BUCKETS);
	}
	for (unsigned i = 0; i < SIM_REQUESTS; i++) {
		struct sim_request *request = &sim.requests[i];

		request->route = (unsigned)sim_pick(&sim, SIM_ROUTES);
		request->channel = (unsigned)sim_pick(&sim, SIM_CHANNELS);
		request->call = call_to(request->route, request->channel);
	}
	for (unsigned step = 0; sim_step(&sim); step++) {
		assert_true(step < SIM_STEPS);
		if (step == SIM_REQUESTS / 2) {
			sim.bucket_of[0] = (unsigned)sim_pick(&sim, SIM_BUCKETS);
		}
	}
	for (unsigned i = 0; i < SIM_REQUESTS; i++) {
		assert_true(sim.requests[i].done && !sim.requests[i].flies);
	}
	/* Each window lets one through in a second: nobody waited without need. */
	assert_true(sim.now - NOW < CLOCK_S(300));
	return sim.refused;
}

static void
no_request_is_lost_and_no_told_limit_passed(void **state)
{
	unsigned refused = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		refused += simulate(seed);
	}
	/* Of 12,000: first meetings of routes that share a bucket, and changes. */
	assert_in_range(refused, 1, 600);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(no_request_is_lost_and_no_told_limit_passed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
