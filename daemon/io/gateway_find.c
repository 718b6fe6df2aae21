/*
 * Where the general gateway is, and of `auto` how many shards there are: the API says
 * both, and what it said last time serves while it does not answer.
 *
 * The count of `auto` stays while sessions are stored for it, since each change of it
 * costs an IDENTIFY a shard: until Discord recommends twice as many (it recommends one
 * for about 1000 guilds and takes 2500), or closes with 4011.
 */
#include <stdio.h>
#include <string.h>

#include "gateway_private.h"
#include "log.h"

/* What the API said of limits is asked for again before an IDENTIFY when it is older.
 */
#define LIMITS_MAX_AGE CLOCK_S(300)

#define REST_TIMEOUT   CLOCK_S(8)

/* An API that failed is not asked again before this, and not before its Retry-After;
 * where the gateway is known without it, there is even less of a hurry. */
#define ASK_AGAIN_LEAST CLOCK_S(1)
#define ASK_AGAIN_KNOWN CLOCK_S(20)
#define ASK_AGAIN_MOST  CLOCK_S(60)

/* Recommended so many times the present count: time to take it. */
#define GROWTH 2

/* A sentence with two numbers. */
#define UNFIT_BYTES 320

static void
set_known(struct gateway *gateway, const struct url *url, bool doubtful)
{
	gateway->general = *url;
	gateway->trusted = *url;
	gateway->have_general = true;
	gateway->general_doubtful = doubtful;
}

static bool
set_general(struct gateway *gateway, const char *text)
{
	struct url url;

	if (url_parse(text, &url) != GW_OK || !url.websocket) {
		return false;
	}
	set_known(gateway, &url, false);
	return true;
}

static bool
is_configured(const struct gateway *gateway)
{
	return gateway->options.settings.url[0] != '\0';
}

/* Disks are not believed where a token goes: only what the API's own host could be. */
static void
recall_general(struct gateway *gateway)
{
	struct url url;

	if (gateway->memo.url[0] != '\0' &&
	    url_parse(gateway->memo.url, &url) == GW_OK &&
	    url_resume_allowed(&url, &gateway->api)) {
		set_known(gateway, &url, true);
	}
}

/* ---- how many shards ---- */

static struct store_shards
all_of(uint32_t count)
{
	return (struct store_shards){.count = count, .total = count};
}

/* Says what to do where one process cannot hold so many; false where it can. */
static bool
is_unfit(struct gateway *gateway, uint32_t count)
{
	const struct gateway_options *options = &gateway->options;
	char why[UNFIT_BYTES];

	if (count <= options->shards_max) {
		return false;
	}
	(void)snprintf(why, sizeof why,
	    "Discord recommends %u shards and this process can hold %u: share them "
	    "among "
	    "processes with discord.shards = \"0-%u/%u\" and so on, or raise the limit "
	    "of "
	    "open files (LimitNOFILE=, ulimit -n) where that is below %u",
	    count, options->shards_max, options->shards_max / 2 - 1, count,
	    2 * count + 128);
	options->unfit(options->ctx, why);
	return true;
}

static void
use_count(struct gateway *gateway, uint32_t count, const char *source, mono_ns now)
{
	struct store_shards shards = all_of(count);

	if (is_unfit(gateway, count)) {
		return;
	}
	log_info("shards_chosen", KV("count", count), KV("source", source));
	if (gateway->memo.shards != count) {
		gateway->memo.shards = count;
		(void)store_write_memo(gateway->options.store, &gateway->memo);
	}
	gateway_make_shards(gateway, &shards, now);
}

/* At the start: without the API where it can be. */
static void
recall_count(struct gateway *gateway, mono_ns now)
{
	const struct memo *memo = &gateway->memo;
	struct store_shards shards = all_of(memo->shards);

	if (memo->shards == 0 || memo->shards > gateway->options.shards_max) {
		return;
	}
	if (memo->recommended / GROWTH >= memo->shards) {
		use_count(gateway, memo->recommended, "grown, as Discord recommends",
		    now);
	} else if (store_has_session(gateway->options.store, &shards)) {
		use_count(gateway, memo->shards, "that of the stored sessions", now);
	}
}

static void
tell_growth(const struct gateway *gateway, uint32_t recommended)
{
	uint32_t have = gateway->shards.total;
	bool automatic = gateway->options.shards_auto;

	if (recommended <= have || (automatic && recommended / GROWTH < have)) {
		return;
	}
	log_warning("more_shards_recommended", KV("have", have),
	    KV("recommended", recommended),
	    KV("remedy",
		automatic ? "the next start takes them: gwctl reboot" :
			    "raise discord.shards"));
}

/* The API has answered, or failed to, and the shards still wait to be counted. */
static void
count_shards(struct gateway *gateway, bool answered, mono_ns now)
{
	const struct memo *memo = &gateway->memo;

	if (answered && memo->recommended > 0) {
		use_count(gateway, memo->recommended, "recommended by Discord", now);
		return;
	}
	if (memo->shards > 0 && gateway->have_general) {
		use_count(gateway, memo->shards, "that of the last run", now);
		return;
	}
	mono_ns most = ASK_AGAIN_LEAST << (gateway->waits < 6 ? gateway->waits : 6);
	mono_ns wait = rng_between(&gateway->rng, ASK_AGAIN_LEAST,
	    most < ASK_AGAIN_MOST ? most : ASK_AGAIN_MOST);
	mono_ns at = now + wait;

	gateway->waits++;
	(void)snprintf(gateway->waiting.reason, sizeof gateway->waiting.reason,
	    "waiting for the shard count: %s", gateway->failure);
	gateway->waiting.retry_at =
	    at > gateway->ask_again_at ? at : gateway->ask_again_at;
	loop_timer_arm(gateway->ask_timer, gateway->waiting.retry_at);
}

void
gateway_forget_count(struct gateway *gateway)
{
	if (!gateway->options.shards_auto) {
		return;
	}
	log_warning("shards_forgotten", KV("count", gateway->memo.shards),
	    KV("effect", "the next start takes what Discord recommends"));
	gateway->memo.shards = 0;
	(void)store_write_memo(gateway->options.store, &gateway->memo);
}

/* ---- asking the API ---- */

/* With what is known; where nothing is, the shard backs off until the API may be asked
 * again. */
static void
send_to_general(struct gateway *gateway, struct shard *shard, mono_ns now)
{
	if (gateway->have_general) {
		shard_connect(shard, &gateway->general, now);
	} else {
		shard_fail(shard, gateway->failure, gateway->ask_again_at - now);
	}
}

static void
serve_general(struct gateway *gateway, mono_ns now)
{
	for (uint32_t i = 0; i < gateway->shards.count; i++) {
		struct gateway_member *member = &gateway->members[i];

		if (member->wants_general) {
			member->wants_general = false;
			send_to_general(gateway, member->shard, now);
		}
	}
}

static void
refuse_all(struct gateway *gateway, const char *why, mono_ns now)
{
	for (uint32_t i = 0; i < gateway->shards.count; i++) {
		shard_refuse(gateway->members[i].shard, why, now);
	}
	if (gateway->shards.count == 0) {
		(void)snprintf(gateway->waiting.reason, sizeof gateway->waiting.reason,
		    "%s", why);
		gateway->options.fatal(gateway->options.ctx, why);
	}
}

static void
take_failure(struct gateway *gateway, const char *why, mono_ns retry_after, mono_ns now)
{
	mono_ns least = gateway->have_general ? ASK_AGAIN_KNOWN : ASK_AGAIN_LEAST;

	gateway->ask_again_at = now + (retry_after > least ? retry_after : least);
	(void)snprintf(gateway->failure, sizeof gateway->failure, "%s", why);
	log_warning("gateway_not_found", KV("reason", (const char *)gateway->failure));
}

static bool
take_answer(struct gateway *gateway, const struct rest_gateway *answer, mono_ns now)
{
	struct identify_told told = {
	    .max_concurrency = answer->max_concurrency,
	    .total = answer->total,
	    .remaining = answer->remaining,
	    .reset_after_ms = answer->reset_after_ms,
	};

	if (!is_configured(gateway) && !set_general(gateway, answer->url)) {
		take_failure(gateway, "GET /gateway/bot named no ws or wss URL", 0,
		    now);
		return false;
	}
	gateway->told_at = now;
	gateway->waits = 0;
	gateway->memo.recommended = answer->shards;
	(void)snprintf(gateway->memo.url, sizeof gateway->memo.url, "%s",
	    strlen(answer->url) < sizeof gateway->memo.url ? answer->url : "");
	identify_gate_told(&gateway->gate, &told, gateway_ledger_ms(gateway));
	(void)gateway_keep_limits(gateway);
	log_info("gateway_found", KV("host", (const char *)gateway->general.host),
	    KV("shards_recommended", answer->shards),
	    KV("identifies_remaining", answer->remaining),
	    KV("identifies_total", answer->total),
	    KV("max_concurrency", answer->max_concurrency));
	if (gateway->shards.count > 0) {
		tell_growth(gateway, answer->shards);
	}
	return true;
}

static void
on_answer(void *ctx, const struct rest_gateway *answer, mono_ns now)
{
	struct gateway *gateway = ctx;
	bool answered = false;

	gateway->asking = false;
	if (gateway->stopping) {
		return;
	}
	if (answer->unauthorized) {
		refuse_all(gateway,
		    "Discord's API refused the token (401): set a new discord.token",
		    now);
		return;
	}
	if (!answer->error) {
		answered = take_answer(gateway, answer, now);
	} else {
		char why[GATEWAY_FAILURE_BYTES];

		(void)snprintf(why, sizeof why, "GET /gateway/bot failed: %s",
		    answer->error);
		take_failure(gateway, why, answer->retry_after, now);
	}
	if (!gateway->have_general && gateway->options.fallback) {
		(void)set_general(gateway, gateway->options.fallback);
	}
	if (gateway->shards.count == 0) {
		count_shards(gateway, answered, now);
	}
	serve_general(gateway, now);
	gateway_serve_slots(gateway, now);
}

static bool
may_ask(const struct gateway *gateway, mono_ns now)
{
	return gateway->asking || now >= gateway->ask_again_at;
}

static void
ask_api(struct gateway *gateway)
{
	if (gateway->asking) {
		return;
	}
	gateway->asking = true;
	rest_get_gateway(gateway->options.rest, REST_TIMEOUT, on_answer, gateway);
}

static void
on_ask_timer(void *ctx, mono_ns now)
{
	(void)now;
	ask_api(ctx);
}

bool
gateway_refresh_limits(struct gateway *gateway, mono_ns now)
{
	bool stale =
	    gateway->told_at == CLOCK_NEVER || now - gateway->told_at > LIMITS_MAX_AGE;

	if (!stale || !may_ask(gateway, now)) {
		return false;
	}
	ask_api(gateway);
	return true;
}

void
gateway_on_want_general(void *ctx, struct shard *shard, mono_ns now)
{
	struct gateway *gateway = ctx;

	if (gateway->have_general && !gateway->general_doubtful) {
		shard_connect(shard, &gateway->general, now);
		return;
	}
	if (!may_ask(gateway, now)) {
		send_to_general(gateway, shard, now);
		return;
	}
	gateway_member_of(gateway, shard)->wants_general = true;
	ask_api(gateway);
}

void
gateway_on_unreachable(void *ctx, const char *host)
{
	struct gateway *gateway = ctx;

	if (!is_configured(gateway) && strcmp(host, gateway->general.host) == 0) {
		gateway->general_doubtful = true;
	}
}

/* ---- life ---- */

void
gateway_find_init(struct gateway *gateway, mono_ns now)
{
	const struct gateway_options *options = &gateway->options;
	struct session_config nobody = {.shard_count = 1};

	(void)now;
	gateway->told_at = CLOCK_NEVER;
	gateway->ask_timer = loop_timer_new(options->loop, on_ask_timer, gateway);
	(void)url_parse(options->api_base, &gateway->api);
	gateway->trusted = gateway->api;
	(void)store_read_memo(options->store, &gateway->memo);
	if (is_configured(gateway)) {
		(void)set_general(gateway, options->settings.url);
	} else {
		recall_general(gateway);
	}
	session_init(&gateway->waiting, &nobody, NULL);
	(void)snprintf(gateway->waiting.reason, sizeof gateway->waiting.reason,
	    "waiting for the shard count from GET /gateway/bot");
}

void
gateway_find_configure(struct gateway *gateway)
{
	if (is_configured(gateway)) {
		(void)set_general(gateway, gateway->options.settings.url);
	} else {
		gateway->general_doubtful = true;
	}
}

void
gateway_find_fini(struct gateway *gateway)
{
	loop_timer_free(gateway->ask_timer);
}

void
gateway_find_start(struct gateway *gateway, mono_ns now)
{
	if (!gateway->options.shards_auto) {
		gateway_make_shards(gateway, &gateway->options.shards, now);
		return;
	}
	recall_count(gateway, now);
	/* Also where the count is known: whether the bot has grown. */
	ask_api(gateway);
}
