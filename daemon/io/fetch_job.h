/*
 * One request of fetch under way: shared by the three files of the module only.
 *
 * fetch.c looks up, connects, keeps the deadlines and tells the owner; fetch_events.c
 * hears what the library tells; fetch_job.c holds what both need.
 */
#ifndef GWBOTD_FETCH_JOB_H
#define GWBOTD_FETCH_JOB_H

#include <libwebsockets.h>
#include <sys/queue.h>

#include "fetch.h"
#include "url.h"

#define FETCH_WANTED_MAX        16
#define FETCH_ERROR_BYTES       200
#define FETCH_REQUEST_MAX_BYTES (16U << 20)

enum fetch_step {
	FETCH_STEP_LOOKUP,
	FETCH_STEP_CONNECT, /* up to the first byte of the request */
	FETCH_STEP_ANSWER,  /* the request is on its way, maybe done */
	FETCH_STEP_ENDED,   /* to be told when the timer fires */
};

struct fetch_wanted {
	char *name;
	char *value; /* NULL: absent */
};

struct fetch_job {
	TAILQ_ENTRY(fetch_job) link;
	struct fetch *fetch;
	struct loop *loop;
	uint64_t id;
	void (*fn)(void *ctx, const struct fetch_response *response, mono_ns now);
	void *ctx;

	bool (*allows_address)(const char *address);

	char method[8];
	struct url url;
	char authority[URL_HOST_BYTES + 16]; /* the Host header */
	struct buf head;                     /* the owner's headers */
	struct buf body;                     /* LWS_PRE bytes, then what is sent */
	bool body_waits;                     /* to be written */
	bool plain_anywhere;

	enum fetch_step step;
	mono_ns deadline;
	mono_ns attempt_until;
	struct loop_timer *timer;
	uint64_t lookup;
	struct resolver_answer addresses;
	unsigned tried;
	struct lws *wsi; /* NULL: none, or cut loose */
	bool connecting; /* inside the library's connect function */

	unsigned status;
	bool chunked;
	char **read_at;  /* the library's place, while it reads */
	char *read_from; /* where it began, unless it had bytes left over */
	struct buf answer;
	struct fetch_wanted wanted[FETCH_WANTED_MAX];
	unsigned wanted_count;
	bool sent;
	bool failed;
	enum fetch_end end; /* of a failure; FETCH_WHOLE: an ordinary one */
	char error[FETCH_ERROR_BYTES];
};

/** Copies what is to be asked.  NULL, or why it cannot be. */
const char *fetch_job_take(struct fetch_job *job, const struct fetch_request *from,
    const char *user_agent);

/** Frees a job that nothing reaches any more. */
void fetch_job_free(struct fetch_job *owned_job);

/** From now on the library may do with the connection what it likes. */
void fetch_job_cut_loose(struct fetch_job *job);

/** The same, and it is closed in the next turn.  Not from inside its callbacks. */
void fetch_job_abandon(struct fetch_job *job);

/** What to say if nothing better comes. */
void fetch_job_note(struct fetch_job *job, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** The end: the owner is told in the next turn. */
void fetch_job_end(struct fetch_job *job);

/** The end, with the error noted last. */
void fetch_job_fail_as_noted(struct fetch_job *job);

#define FETCH_JOB_FAIL(job, ...) \
	(fetch_job_note((job), __VA_ARGS__), fetch_job_fail_as_noted(job))

/** Sets the timer to what the job waits for. */
void fetch_job_arm(struct fetch_job *job, mono_ns now);

/** The library's callback; a connection's opaque pointer is its job. */
int fetch_on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user,
    void *in, size_t size);

#endif
