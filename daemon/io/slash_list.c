#include "slash_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "discord_slash.h"
#include "json.h"
#include "log.h"
#include "menu.h"
#include "message.h"
#include "refusal.h"
#include "xalloc.h"

/* 100 commands with descriptions of 400 bytes at most. */
#define MENU_MAX_BYTES ((size_t)256 * 1024)

/* What failed is tried again after this, then after twice as long, and so on. */
#define RETRY_FIRST  CLOCK_S(60)
#define RETRY_MOST   CLOCK_S(3600)

#define PROBLEM_ROOM 256

struct slash_list {
	struct rest *rest;
	const struct bot *bot;
	struct loop_timer *timer;

	bool wanted;
	uint64_t guild;
	struct buf menu; /* the JSON of the commands, to see that they changed */
	size_t commands;

	bool connected;
	uint64_t application;
	uint64_t call; /* on its way; 0: none */
	bool stale;    /* what it asks for has changed meanwhile */
	bool kept;
	bool ours;        /* what is registered there was put or found by us */
	bool leaving;     /* another place may still have the list */
	uint64_t left;    /* that place: a server, or 0 */
	mono_ns retry_at; /* 0: at once */
	unsigned failed;  /* in a row */

	uint64_t puts;
	uint64_t failures;
	char problem[PROBLEM_ROOM];
	struct refusals refusals;
};

static void proceed(struct slash_list *list, mono_ns now);

/* ---- how a call ends ---- */

/* True where what was asked for is still what is wanted. */
static bool
landed(struct slash_list *list)
{
	bool valid = !list->stale;

	list->call = 0;
	list->stale = false;
	return valid;
}

static mono_ns
backoff(const struct slash_list *list)
{
	mono_ns wait = RETRY_FIRST;

	for (unsigned i = 1; i < list->failed && wait < RETRY_MOST; i++) {
		wait *= 2;
	}
	return wait < RETRY_MOST ? wait : RETRY_MOST;
}

static void
fail(struct slash_list *list, const struct rest_answer *answer, mono_ns now)
{
	list->failed++;
	list->failures++;
	mono_ns wait = backoff(list);

	wait = answer->retry_after > wait ? answer->retry_after : wait;
	refusal_words(REFUSAL_COMMANDS, answer->status, answer->code, answer->error,
	    list->problem, sizeof list->problem);
	if (refusals_are_new(&list->refusals, REFUSAL_COMMANDS, list->guild,
		answer->status, answer->code, now)) {
		log_warning("slash_commands_failed",
		    KV("reason", (const char *)list->problem),
		    KV("retry_s", clock_seconds(wait)));
	}
	list->retry_at = clock_add(now, wait);
	loop_timer_arm(list->timer, list->retry_at);
}

static void
fail_because(struct slash_list *list, const char *reason, mono_ns now)
{
	const struct rest_answer answer = {.error = reason};

	fail(list, &answer, now);
}

static void
succeed(struct slash_list *list, bool changed, mono_ns now)
{
	list->kept = true;
	list->ours = list->ours || list->commands > 0;
	list->failed = 0;
	list->problem[0] = '\0';
	list->puts += changed ? 1 : 0;
	log_info("slash_commands", KV("registered", list->commands),
	    KV("changed", changed),
	    KV("where", list->guild != 0 ? "one server" : "all servers"));
	proceed(list, now);
}

/* ---- the calls, one after the other ---- */

static void
begin(struct slash_list *list, uint64_t call, mono_ns now)
{
	list->call = call;
	if (call == 0) {
		fail_because(list, "too many calls wait for Discord's API", now);
	}
}

static void
on_put(void *ctx, const struct rest_answer *answer, mono_ns now)
{
	struct slash_list *list = ctx;

	if (!landed(list)) {
		proceed(list, now);
	} else if (answer->error) {
		fail(list, answer, now);
	} else {
		succeed(list, true, now);
	}
}

/* Nothing is registered where nothing is to be; but what another program of this bot
 * registered is left alone by one that has no commands at all. */
static bool
may_replace(const struct slash_list *list, struct slice registered)
{
	struct bot_menu_entry own[MENU_MAX];
	size_t count = bot_menu_own(own, MENU_MAX);

	return list->commands > 0 || list->ours || menu_shares(own, count, registered);
}

static void
on_commands(void *ctx, const struct rest_answer *answer, mono_ns now)
{
	struct slash_list *list = ctx;
	struct bot_menu_entry entries[MENU_MAX];

	if (!landed(list)) {
		proceed(list, now);
		return;
	}
	if (answer->error) {
		fail(list, answer, now);
		return;
	}
	size_t count = bot_menu(list->bot, entries, MENU_MAX);

	switch (menu_compare(entries, count, answer->body)) {
	case MENU_UNREADABLE:
		fail_because(list, "the answer is not the JSON that it should be", now);
		return;
	case MENU_SAME:
		succeed(list, false, now);
		return;
	case MENU_DIFFERS:
		break;
	}
	if (!may_replace(list, answer->body)) {
		succeed(list, false, now);
		return;
	}
	begin(list,
	    discord_put_commands(list->rest, list->application, list->guild,
		buf_slice(&list->menu), on_put, list),
	    now);
}

/* ---- the list where it was before ---- */

static void
leave(struct slash_list *list, const struct rest_answer *answer)
{
	list->leaving = false;
	if (answer->error) {
		log_warning("slash_commands_left",
		    KV("where", list->left != 0 ? "one server" : "all servers"),
		    KV("reason", answer->error));
	}
}

static void
on_left_put(void *ctx, const struct rest_answer *answer, mono_ns now)
{
	struct slash_list *list = ctx;

	leave(list, answer);
	(void)landed(list);
	proceed(list, now);
}

/* Two equal lists would show each command twice; any other one is not ours. */
static void
on_left(void *ctx, const struct rest_answer *answer, mono_ns now)
{
	struct slash_list *list = ctx;
	struct bot_menu_entry entries[MENU_MAX];
	size_t count = bot_menu(list->bot, entries, MENU_MAX);

	if (!landed(list)) {
		proceed(list, now);
	} else if (answer->error || count == 0 ||
	    menu_compare(entries, count, answer->body) != MENU_SAME) {
		leave(list, answer);
	} else {
		list->call = discord_put_commands(list->rest, list->application,
		    list->left, SLICE_LITERAL("[]"), on_left_put, list);
		list->leaving = list->call != 0;
	}
}

/* ---- step by step ---- */

static void
on_application(void *ctx, const struct rest_answer *answer, mono_ns now)
{
	struct slash_list *list = ctx;
	struct json *document = NULL;

	(void)landed(list); /* it is the same whatever the list is */
	if (answer->error) {
		fail(list, answer, now);
		return;
	}
	(void)json_parse(answer->body, MENU_ANSWER_MAX_BYTES, &document);
	const char *id = json_text_or(json_get(document, "id"), "");

	if (!message_id(slice_of(id), &list->application)) {
		fail_because(list, "the answer has no id of the application", now);
	} else {
		proceed(list, now);
	}
	json_free(document);
}

/* Takes the next step where there is one to take. */
static void
proceed(struct slash_list *list, mono_ns now)
{
	if (!list->wanted || !list->connected || list->call != 0 ||
	    now < list->retry_at) {
		return;
	}
	if (list->kept) {
		if (list->leaving) {
			list->call = discord_get_commands(list->rest, list->application,
			    list->left, on_left, list);
		}
		return;
	}
	if (list->application == 0) {
		begin(list, discord_get_application(list->rest, on_application, list),
		    now);
		return;
	}
	begin(list,
	    discord_get_commands(list->rest, list->application, list->guild,
		on_commands, list),
	    now);
}

static void
on_timer(void *ctx, mono_ns now)
{
	proceed(ctx, now);
}

/* ---- the interface ---- */

/* Writes the list anew; true where it changed. */
static bool
rewrite(struct slash_list *list)
{
	struct bot_menu_entry entries[MENU_MAX];
	size_t count = bot_menu(list->bot, entries, MENU_MAX);
	struct buf menu;

	buf_init(&menu, MENU_MAX_BYTES);
	(void)menu_write(entries, count, &menu);
	bool same = slice_equal(buf_slice(&menu), buf_slice(&list->menu));

	buf_fini(&list->menu);
	list->menu = menu;
	list->commands = count;
	return !same;
}

/* The list is for another place from now on; that of a start may have been elsewhere
 * before it. */
static void
move(struct slash_list *list, uint64_t guild)
{
	if (guild != list->guild) {
		list->ours = false;
		list->leaving = true;
		list->left = list->guild;
	}
	list->guild = guild;
}

void
slash_list_configure(struct slash_list *list, const struct config *config, mono_ns now)
{
	uint64_t guild = 0;

	(void)message_id(slice_of(config->slash_guild), &guild);
	bool changed = rewrite(list);

	changed =
	    changed || guild != list->guild || config->slash_register != list->wanted;
	move(list, guild);
	list->wanted = config->slash_register;
	if (!changed) {
		return;
	}
	list->kept = false;
	list->stale = list->call != 0;
	list->failed = 0;
	list->retry_at = 0;
	list->problem[0] = '\0';
	proceed(list, now);
}

void
slash_list_connected(struct slash_list *list, uint64_t application, mono_ns now)
{
	list->connected = true;
	list->application = application != 0 ? application : list->application;
	proceed(list, now);
}

struct slash_list_view
slash_list_view(const struct slash_list *list)
{
	return (struct slash_list_view){
	    .wanted = list->wanted,
	    .connected = list->connected,
	    .kept = list->kept,
	    .commands = list->commands,
	    .puts = list->puts,
	    .failures = list->failures,
	    .problem = list->problem[0] != '\0' ? list->problem : NULL,
	};
}

struct slash_list *
slash_list_new(struct loop *loop, struct rest *rest, const struct bot *bot)
{
	struct slash_list *list = xzalloc(sizeof *list);

	list->rest = rest;
	list->bot = bot;
	list->timer = loop_timer_new(loop, on_timer, list);
	buf_init(&list->menu, MENU_MAX_BYTES);
	return list;
}

void
slash_list_free(struct slash_list *owned_list)
{
	if (!owned_list) {
		return;
	}
	if (owned_list->call != 0) {
		rest_cancel(owned_list->rest, owned_list->call);
	}
	loop_timer_free(owned_list->timer);
	buf_fini(&owned_list->menu);
	free(owned_list);
}
