/*
 * Calls: the functions behind the routes of rest.c.
 */
#ifndef GWSIM_CALLS_H
#define GWSIM_CALLS_H

#include <cjson/cJSON.h>

#include "rest.h"

#define CALL_EMOJI_BYTES 160

/* One call, its path taken apart. */
struct call {
	struct sim *sim;
	const struct http_request *request;
	struct rest_answer *answer;
	uint64_t channel_id;
	uint64_t guild_id;
	uint64_t guild; /* the index of that one, or of the channel's */
	uint64_t message_id;
	uint64_t application_id;
	uint64_t interaction_id;
	uint64_t user_id;
	struct slice token; /* of an interaction */
	char emoji[CALL_EMOJI_BYTES];
	cJSON *body; /* NULL: none, or not JSON */
};

/* What a message is to say. */
struct call_draft {
	const char *content; /* "": only embeds; borrowed from the body */
	char *embeds;        /* JSON text, to be freed with cJSON_free(); NULL: none */
};

struct message;

typedef void call_fn(struct call *call);

/** Answers with Discord's {code, message} and a status. */
void call_error(struct call *call, int status, int code, const char *message);

/** Answers with 50035 and one error at a path of the body ("0.options.1.name"). */
void call_form_error(struct call *call, const char *path, const char *code,
    const char *text);

/** Reads what a message is to say; false after an error was answered. */
bool call_take_draft(struct call *call, const cJSON *body, struct call_draft *draft);

/** Changes what a message says; all: without allowed_mentions it notifies roles too.
 */
void call_apply_draft(struct message *message, const cJSON *body,
    const struct call_draft *draft, bool all);

/** Answers with a message. */
void call_put_message(struct call *call, const struct message *message);

call_fn call_gateway;
call_fn call_gateway_bot;
call_fn call_me;
call_fn call_application;

/* appcommands.c */
call_fn call_commands_list;
call_fn call_commands_set;

/* interaction_calls.c */
call_fn call_interaction_callback;
call_fn call_follow_up;
call_fn call_answer_get;
call_fn call_answer_edit;
call_fn call_answer_delete;

call_fn call_message_create;
call_fn call_message_list;
call_fn call_message_get;
call_fn call_message_edit;
call_fn call_message_delete;
call_fn call_bulk_delete;
call_fn call_reaction_add;
call_fn call_reaction_remove;
call_fn call_typing;

#endif
