/*
 * REST: the calls of Discord's API that a gateway bot makes.
 */
#ifndef GWSIM_REST_H
#define GWSIM_REST_H

#include "http.h"
#include "jsonw.h"
#include "sim.h"

#define REST_MAX_ANSWER ((size_t)8 << 20)

enum rest_silence {
	REST_ANSWERS,
	REST_DROPS,  /* a fault: closes instead of answering */
	REST_STALLS, /* a fault: keeps the connection and says nothing */
};

struct rest_answer {
	int status;
	const char *method; /* with the route: for the counters */
	const char *route;
	char allow[64];       /* with 405: "GET, PUT" */
	const char *type;     /* of the body */
	struct jsonw headers; /* further ones, each line with CRLF */
	struct jsonw body;    /* empty with 204 */
	enum rest_silence silence;
};

struct rest *rest_new(void);

void rest_free(struct rest *owned_rest);

/** Does what a request asks for; the caller inits and finis the writers in answer. */
void rest_handle(struct sim *sim, const struct http_request *request,
    struct rest_answer *answer);

/** Someone (a user's index, or WORLD_BOT) writes; the message reaches all sessions. */
void rest_write_message(struct sim *sim, uint64_t channel_id, int author,
    const char *content);

/** Sends MESSAGE_CREATE or MESSAGE_UPDATE of a kept message to all who see it. */
void rest_publish_message(struct sim *sim, const char *event_name,
    const struct world_message *message);

/** Sends MESSAGE_DELETE to all who saw it. */
void rest_publish_delete(struct sim *sim, const struct world_message *message);

#endif
