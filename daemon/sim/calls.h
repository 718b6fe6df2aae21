/*
 * Calls: the functions behind the routes of rest.c.
 */
#ifndef GWSIM_CALLS_H
#define GWSIM_CALLS_H

#include <cjson/cJSON.h>

#include "rest.h"
#include "rights.h"

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

/** Characters, not bytes, of UTF-8. */
size_t call_characters_of(const char *text);

/** A number of the query. */
uint64_t call_query_number(const struct call *call, const char *name,
    uint64_t otherwise);

/** The message of the path; NULL after an error was answered. */
struct message *call_take_message(struct call *call);

/** True where the bot lacks a right in the channel of the path. */
bool call_lacks(const struct call *call, enum right right);

/** True where the bot sees the channel and has the right; else answers so. */
bool call_may(struct call *call, enum right right);

/** The right to write, which is another one in threads. */
bool call_may_write(struct call *call);

/** Refuses what an archived thread does not take; true elsewhere. */
bool call_is_unarchived(struct call *call);

/** Unarchives a thread that is written in; false after an error was answered. */
bool call_open_thread(struct call *call, uint64_t channel_id);

call_fn call_gateway;
call_fn call_gateway_bot;
call_fn call_me;
call_fn call_application;
call_fn call_guild;
call_fn call_guild_channels;
call_fn call_guild_roles;
call_fn call_guild_member;
call_fn call_user;

/* channel_calls.c */
call_fn call_channel;
call_fn call_channel_change;
call_fn call_threads_active;
call_fn call_threads_archived;
call_fn call_pins;
call_fn call_pins_old;
call_fn call_pin;
call_fn call_unpin;

/* appcommands.c */
call_fn call_commands_list;
call_fn call_commands_set;

/* interaction_calls.c */
call_fn call_interaction_callback;
call_fn call_follow_up;
call_fn call_answer_get;
call_fn call_answer_edit;
call_fn call_answer_delete;

/* message_calls.c */
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
