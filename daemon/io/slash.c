#include "slash.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "discord_slash.h"
#include "incoming_interaction.h"
#include "log.h"
#include "payload.h"
#include "refusal.h"
#include "xalloc.h"

/* Answers that are announced and not there yet; one more is answered with what is
 * known. */
#define DEFERRED_MAX 32

/* Discord's Date has whole seconds: a clock within this is taken as it is. */
#define CLOCK_GOOD            CLOCK_S(2)

#define STATUS_NOT_FOUND      404
#define CODE_ALREADY_ANSWERED 40060

/* Stands for {server} where no event told its name: asking would take too long. */
#define SERVER_UNKNOWN "this server"

#define TEXT_UNKNOWN   "I do not know this command any more."
#define TEXT_NOT_NOW   "Not so fast, please."
#define TEXT_DONE      "Done."

/* One that is being answered. */
struct use {
	TAILQ_ENTRY(use) link;
	struct slash *slash;
	uint64_t guild;
	uint64_t call; /* of rest, on its way; 0: none */
	bool reboot;
	struct incoming_interaction *deferred; /* NULL: it is answered at once */
	uint64_t probes; /* of a deferred one: what it waits for; 0: they have ended */
	bool announced;  /* of a deferred one: Discord knows that it follows */
};

struct slash {
	struct slash_options options;
	struct slash_list *list;
	struct dispatch_consumer consumer;
	TAILQ_HEAD(uses, use) uses;
	unsigned deferred;
	uint64_t taken; /* uses of commands that came in */
	uint64_t unanswered;
	struct interactions_seen seen;
	struct refusals refusals;
};

/* ---- what it gets ---- */

/* Discord refuses a message of nothing else. */
static bool
is_blank(struct slice text)
{
	for (size_t i = 0; i < text.size; i++) {
		if ((unsigned char)text.data[i] > ' ') {
			return false;
		}
	}
	return true;
}

static void
say(const struct bot_answer *answer, const char *text)
{
	buf_clear(answer->text);
	(void)buf_printf(answer->text, "%s", text);
}

/* Whoever waits for an answer must get one, even where there is nothing to say. */
static void
judge(struct slash *slash, const struct incoming_interaction *what, mono_ns now,
    struct bot_facts *facts, struct bot_answer *answer)
{
	const struct guild *guild =
	    slash->options.guild(slash->options.ctx, what->guild);
	const struct bot_request request = {
	    .way = BOT_BY_SLASH,
	    .name = slice_of(what->name),
	    .arguments = slice_of(what->text),
	    .user = what->user,
	    .user_name = slice_of(what->user_name),
	    .guild = what->guild,
	    .channel = what->channel,
	    .roles = what->roles,
	    .role_count = what->role_count,
	    .administrator = what->administrator,
	    .server = guild ? slice_of(guild->name) : slice_of(SERVER_UNKNOWN),
	    .members = guild ? guild->members : -1,
	};

	slash->options.facts(slash->options.ctx, now, facts);
	bot_judge(slash->options.bot, &request, facts, answer);
	if (answer->verdict == BOT_IGNORE) {
		bool unknown = answer->command == BOT_COMMAND_NONE;

		say(answer, unknown ? TEXT_UNKNOWN : TEXT_NOT_NOW);
		answer->private = true;
	} else if (is_blank(buf_slice(answer->text))) {
		say(answer, TEXT_DONE);
	}
}

static struct message_draft
draft_of(const struct bot_answer *answer, const uint64_t *user)
{
	return (struct message_draft){
	    .content = buf_slice(answer->text),
	    .ping_users = user,
	    .ping_user_count = answer->ping_user ? 1 : 0,
	    .private = answer->private,
	};
}

/* ---- how it ends ---- */

static struct use *
new_use(struct slash *slash, const struct incoming_interaction *what)
{
	struct use *use = xzalloc(sizeof *use);

	use->slash = slash;
	use->guild = what->guild;
	TAILQ_INSERT_TAIL(&slash->uses, use, link);
	return use;
}

static void
free_use(struct use *owned_use)
{
	struct slash *slash = owned_use->slash;

	TAILQ_REMOVE(&slash->uses, owned_use, link);
	if (owned_use->call != 0) {
		rest_cancel(slash->options.rest, owned_use->call);
	}
	if (owned_use->probes != 0) {
		probes_cancel(slash->options.probes, owned_use->probes);
	}
	if (owned_use->deferred) {
		slash->deferred--;
		explicit_bzero(owned_use->deferred, sizeof *owned_use->deferred);
		free(owned_use->deferred);
	}
	free(owned_use);
}

/* A first answer whose answer was lost: the second is refused, and all is well. */
static bool
is_answered(const struct rest_answer *answer)
{
	return !answer->error ||
	    (answer->code == CODE_ALREADY_ANSWERED && answer->maybe_done);
}

/* Another instance of the bot was first, as one is while deploys overlap: who asked has
 * an answer, and it is not ours to go on with. */
static bool
is_of_another(const struct rest_answer *answer)
{
	return answer->code == CODE_ALREADY_ANSWERED && !answer->maybe_done;
}

static void
tell_unanswered(struct slash *slash, uint64_t guild, const struct rest_answer *answer,
    mono_ns now)
{
	slash->unanswered++;
	if (refusals_are_new(&slash->refusals, REFUSAL_ANSWER, guild, answer->status,
		answer->code, now)) {
		char reason[256];

		refusal_words(REFUSAL_ANSWER, answer->status, answer->code,
		    answer->error, reason, sizeof reason);
		log_warning("slash_unanswered", KV("reason", (const char *)reason));
	}
}

static void
tell_not_sent(struct slash *slash, uint64_t guild, mono_ns now)
{
	const struct rest_answer answer = {
	    .error = "too many calls wait for Discord's API",
	};

	tell_unanswered(slash, guild, &answer, now);
}

/* Discord refused to hear of it: it was answered before, or is too old.  One that comes
 * again after a restart must not end the next process, too. */
static bool
is_over(const struct rest_answer *answer)
{
	return answer->status == STATUS_NOT_FOUND ||
	    answer->code == CODE_ALREADY_ANSWERED;
}

static void
on_answered(void *ctx, const struct rest_answer *answer, mono_ns now)
{
	struct use *use = ctx;
	struct slash *slash = use->slash;
	bool good = is_answered(answer);

	use->call = 0;
	if (is_of_another(answer)) {
		log_debug("slash_answered_by_another", KV("guild", use->guild));
	} else if (!good) {
		tell_unanswered(slash, use->guild, answer, now);
	}
	if (use->reboot && (good || !is_over(answer))) {
		slash->options.reboot(slash->options.ctx, now);
	}
	free_use(use);
}

/* ---- an answer that follows ---- */

static void
on_finished(void *ctx, const struct rest_answer *answer, mono_ns now)
{
	struct use *use = ctx;

	use->call = 0;
	if (answer->error) {
		tell_unanswered(use->slash, use->guild, answer, now);
	}
	free_use(use);
}

static struct discord_interaction
address_of(const struct incoming_interaction *what)
{
	return (struct discord_interaction){what->id, what->application, what->token};
}

/* The announcement is there and the probes have ended. */
static void
finish(struct use *use, mono_ns now)
{
	struct slash *slash = use->slash;
	const struct discord_interaction to = address_of(use->deferred);
	struct bot_facts facts;
	struct buf text;
	struct bot_answer answer = {.text = &text};

	buf_init(&text, BOT_TEXT_MAX_BYTES);
	judge(slash, use->deferred, now, &facts, &answer);
	struct message_draft draft = draft_of(&answer, &use->deferred->user);

	draft.private = false; /* the announcement said who sees it */
	use->call = discord_finish_interaction(slash->options.rest, &to, &draft,
	    on_finished, use);
	buf_fini(&text);
	if (use->call == 0) {
		tell_not_sent(slash, use->guild, now);
		free_use(use);
	}
}

static void
on_probes(void *ctx, const struct probes_refresh *refresh, mono_ns now)
{
	struct use *use = ctx;

	(void)refresh; /* the facts have it all */
	use->probes = 0;
	if (use->announced) {
		finish(use, now);
	}
}

static void
on_announced(void *ctx, const struct rest_answer *answer, mono_ns now)
{
	struct use *use = ctx;

	use->call = 0;
	if (is_of_another(answer)) {
		log_debug("slash_answered_by_another", KV("guild", use->guild));
		free_use(use);
		return;
	}
	if (!is_answered(answer)) {
		tell_unanswered(use->slash, use->guild, answer, now);
		free_use(use);
		return;
	}
	use->announced = true;
	if (use->probes == 0) {
		finish(use, now);
	}
}

static bool
is_stale(const struct probe_view *view, mono_ns now)
{
	return view->probe.runs == 0 || now - view->probe.last_at >= view->interval;
}

/* Whether the answer needs results that are not there. */
static bool
must_wait(const struct slash *slash, const struct bot_answer *answer,
    const struct bot_facts *facts, mono_ns now)
{
	if (answer->verdict != BOT_ANSWER || answer->command != BOT_COMMAND_HEALTH ||
	    slash->deferred >= DEFERRED_MAX) {
		return false;
	}
	for (size_t i = 0; i < facts->probe_count; i++) {
		if (is_stale(&facts->probes[i], now)) {
			return true;
		}
	}
	return false;
}

static void
defer(struct slash *slash, const struct incoming_interaction *what, mono_ns within,
    mono_ns now)
{
	struct use *use = new_use(slash, what);
	const struct discord_interaction to = address_of(what);

	use->deferred = xzalloc(sizeof *use->deferred);
	*use->deferred = *what;
	slash->deferred++;
	use->call = discord_answer_interaction(slash->options.rest, &to, NULL, within,
	    on_announced, use);
	if (use->call == 0) {
		tell_not_sent(slash, what->guild, now);
		free_use(use);
		return;
	}
	use->probes = probes_run(slash->options.probes, NULL, on_probes, use, now);
}

/* ---- one that comes in ---- */

static void
answer_now(struct slash *slash, const struct incoming_interaction *what,
    const struct bot_answer *answer, mono_ns within, mono_ns now)
{
	struct use *use = new_use(slash, what);
	const struct discord_interaction to = address_of(what);
	struct message_draft draft = draft_of(answer, &what->user);

	use->reboot = answer->reboot;
	use->call = discord_answer_interaction(slash->options.rest, &to, &draft, within,
	    on_answered, use);
	if (use->call != 0) {
		return;
	}
	tell_not_sent(slash, what->guild, now);
	if (use->reboot) {
		slash->options.reboot(slash->options.ctx, now);
	}
	free_use(use);
}

/* How long ago the person asked, by Discord's clock where ours is off. */
static mono_ns
age_of(struct slash *slash, uint64_t id, mono_ns now)
{
	const struct rest_stats rest = rest_stats(slash->options.rest, now);
	mono_ns ahead = rest.clock_at != 0 ? rest.clock_ahead : 0;
	mono_ns age = incoming_interaction_age(id, clock_wall_ms());

	if (ahead > CLOCK_GOOD || ahead < -CLOCK_GOOD) {
		age -= ahead;
	}
	return age > 0 ? age : 0;
}

static void
tell_too_old(struct slash *slash, mono_ns age)
{
	slash->unanswered++;
	log_info("slash_too_old", KV("age_s", clock_seconds(age)));
}

static void
log_use(const struct incoming_interaction *what, const struct bot_answer *answer)
{
	static const char *const results[] = {
	    [BOT_IGNORE] = "unknown",
	    [BOT_ANSWER] = "answered",
	    [BOT_REFUSE] = "refused",
	};

	log_info("slash_command", KV("command", (const char *)what->name),
	    KV("user", what->user), KV("guild", what->guild),
	    KV("channel", what->channel), KV("result", results[answer->verdict]));
}

static void
take(struct slash *slash, const struct incoming_interaction *what, mono_ns now)
{
	mono_ns age = age_of(slash, what->id, now);
	struct bot_facts facts;
	struct buf text;
	struct bot_answer answer = {.text = &text};

	slash->taken++;
	if (age >= INTERACTION_ANSWER_WITHIN) {
		tell_too_old(slash, age);
		return;
	}
	buf_init(&text, BOT_TEXT_MAX_BYTES);
	judge(slash, what, now, &facts, &answer);
	mono_ns within = INTERACTION_ANSWER_WITHIN - age;

	if (answer.reboot && age > facts.uptime) {
		/* The one that ended the process before this one. */
		tell_too_old(slash, age);
	} else if (must_wait(slash, &answer, &facts, now)) {
		log_use(what, &answer);
		defer(slash, what, within, now);
	} else {
		log_use(what, &answer);
		answer_now(slash, what, &answer, within, now);
	}
	buf_fini(&text);
}

static void
on_interaction(struct slash *slash, const struct dispatch_event *event)
{
	struct incoming_interaction what;

	if (incoming_interaction_read(event->data, &what) &&
	    interactions_are_new(&slash->seen, what.id)) {
		take(slash, &what, event->now);
	}
	explicit_bzero(what.token, sizeof what.token);
}

static void
on_ready(struct slash *slash, const struct dispatch_event *event)
{
	struct payload_ready ready;
	uint64_t application = 0;

	if (payload_read_ready(event->data, &ready) == GW_OK) {
		(void)message_id(slice_of(ready.application_id), &application);
	}
	slash_list_connected(slash->list, application, event->now);
}

static void
on_dispatch(void *ctx, const struct dispatch_event *event)
{
	struct slash *slash = ctx;

	if (slice_equal(event->type, SLICE_LITERAL("INTERACTION_CREATE"))) {
		on_interaction(slash, event);
	} else if (event->shard_id != 0) {
		return; /* the list is for who has shard 0 */
	} else if (slice_equal(event->type, SLICE_LITERAL("READY"))) {
		on_ready(slash, event);
	} else if (slice_equal(event->type, SLICE_LITERAL("RESUMED"))) {
		slash_list_connected(slash->list, 0, event->now);
	}
}

/* ---- the interface ---- */

struct slash *
slash_new(const struct slash_options *options)
{
	struct slash *slash = xzalloc(sizeof *slash);

	slash->options = *options;
	slash->list = slash_list_new(options->loop, options->rest, options->bot);
	slash->consumer = (struct dispatch_consumer){.take = on_dispatch, .ctx = slash};
	dispatch_set_add(&slash->consumer.wants, DISPATCH_NAME_INTERACTION_CREATE);
	dispatch_set_add(&slash->consumer.wants, DISPATCH_NAME_READY);
	dispatch_set_add(&slash->consumer.wants, DISPATCH_NAME_RESUMED);
	TAILQ_INIT(&slash->uses);
	dispatch_dock(options->dispatch, &slash->consumer);
	return slash;
}

void
slash_free(struct slash *owned_slash)
{
	struct use *next = NULL;

	if (!owned_slash) {
		return;
	}
	dispatch_undock(owned_slash->options.dispatch, &owned_slash->consumer);
	for (struct use *use = TAILQ_FIRST(&owned_slash->uses); use; use = next) {
		next = TAILQ_NEXT(use, link);
		free_use(use);
	}
	slash_list_free(owned_slash->list);
	free(owned_slash);
}

void
slash_configure(struct slash *slash, const struct config *config, mono_ns now)
{
	slash_list_configure(slash->list, config, now);
}

struct slash_stats
slash_stats(const struct slash *slash)
{
	return (struct slash_stats){
	    .list = slash_list_view(slash->list),
	    .uses = slash->taken,
	    .unanswered = slash->unanswered,
	};
}
