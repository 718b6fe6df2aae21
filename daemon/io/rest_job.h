/*
 * One request of rest: shared by the files of the module only.
 *
 * rest_job.c makes it, with URL and nonce; rest.c has it wait, sends it and decides
 * what follows; rest_answer.c learns from the answer; rest_gateway.c asks for the
 * gateway through the same door as everybody.
 */
#ifndef GWBOTD_REST_JOB_H
#define GWBOTD_REST_JOB_H

#include <sys/queue.h>

#include "loop.h"
#include "ratelimit.h"
#include "rest.h"
#include "rng.h"
#include "tally.h"

#define REST_ERROR_BYTES 240

struct rest_job {
	TAILQ_ENTRY(rest_job) link;
	struct rest *rest;
	uint64_t id;
	rest_fn *fn;
	void *ctx;

	char method[8];
	char *route;
	char *url;
	struct buf body;
	bool repeatable;
	bool impatient;
	bool last_try; /* whatever becomes of the one on its way */
	size_t answer_max_bytes;
	unsigned tries_max;
	struct ratelimit_call call;

	mono_ns deadline;
	mono_ns not_before; /* of this request alone: backoff, or a limit of its own */
	unsigned tries;
	unsigned status;   /* of the last try */
	bool maybe_done;   /* of any try */
	uint64_t fetch_id; /* 0: it waits */
	unsigned slot;     /* of the bucket, on its way */
	size_t place;      /* of its route in rest.routes */
	mono_ns sent_at;   /* the last try */
	char error[REST_ERROR_BYTES];
	mono_ns retry_after;
};

TAILQ_HEAD(rest_jobs, rest_job);

/* Who asked for the gateway. */
struct rest_asker {
	uint64_t id; /* 0: nobody */
	void (*fn)(void *ctx, const struct rest_gateway *answer, mono_ns now);
	void *ctx;
};

struct rest {
	struct loop *loop;
	struct fetch *fetch;
	char *api_base;
	const struct secret *token;
	struct secret *header; /* "Bot TOKEN" */
	unsigned queue_max;
	void (*unauthorized)(void *ctx, const char *reason);
	void *ctx;

	struct ratelimit limits;
	struct rng rng;
	struct loop_timer *timer;
	struct rest_jobs waiting; /* waiting or on their way, oldest first */
	struct rest_jobs ended;   /* to be told */
	uint64_t last_id;
	unsigned queued;
	unsigned flights;              /* on their way, but for those of the next */
	unsigned flights_interactions; /* answers to interactions on their way */
	bool unauthorized_told;
	bool alarmed;
	bool braked;
	struct rest_asker asker;
	struct rest_stats counts; /* the counters of it */
	struct tally_routes routes;
	uint64_t scopes[RATELIMIT_SCOPES]; /* of 429s */
	char last_error[REST_ERROR_BYTES];
};

/** Copies a request; NULL where it cannot be sent. */
struct rest_job *rest_job_new(struct rest *rest, const struct rest_request *request,
    mono_ns now);

void rest_job_free(struct rest_job *owned_job);

/** Hands an answer to the limits; how long the API wants this request to wait, 0 where
 * it does not say. */
mono_ns rest_job_take_limits(struct rest_job *job,
    const struct fetch_response *response, mono_ns now);

/** Writes into job->error why this is no good answer, with Discord's own words and
 * *code where it gave some. */
void rest_job_explain(struct rest_job *job, const struct fetch_response *response,
    int64_t *code);

/** As rest_call(), beyond the limit of the queue where it is urgent. */
uint64_t rest_enqueue(struct rest *rest, const struct rest_request *request,
    rest_fn *fn, void *ctx, bool urgent);

#endif
