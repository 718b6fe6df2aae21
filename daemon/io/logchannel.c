#include "logchannel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "discord.h"
#include "herald.h"
#include "log.h"
#include "notes.h"
#include "refusal.h"
#include "xalloc.h"

/* After a failure nothing is sent for so long: what was refused is refused again, and
 * counts as an invalid request. */
#define PAUSE_REFUSED CLOCK_S(600)
#define PAUSE_FAILED  CLOCK_S(30)

struct logchannel {
	struct logchannel_options options;
	struct loop_timer *timer;
	struct herald herald;
	struct refusals refusals;
	uint64_t channel; /* 0: none */
	bool ready;       /* a shard was, or Discord refuses the bot */
	uint64_t call;    /* 0: none under way */
	mono_ns paused_until;
};

static void
arm(struct logchannel *channel, mono_ns now)
{
	mono_ns at = herald_wake(&channel->herald, now);

	if (!channel->ready || channel->channel == 0 || channel->call != 0) {
		at = CLOCK_NEVER;
	} else if (at != CLOCK_NEVER && at < channel->paused_until) {
		at = channel->paused_until;
	}
	loop_timer_arm(channel->timer, at);
}

/* ---- out ---- */

static void
tell_failure(struct logchannel *channel, const struct rest_answer *answer, mono_ns now)
{
	char why[256];

	channel->paused_until = now +
	    (answer->status >= 400 && answer->status < 500 ? PAUSE_REFUSED :
							     PAUSE_FAILED);
	if (!refusals_are_new(&channel->refusals, REFUSAL_SEND, channel->channel,
		answer->status, answer->code, now)) {
		return;
	}
	refusal_words(REFUSAL_SEND, answer->status, answer->code, answer->error, why,
	    sizeof why);
	/* No row of notes.def is about this event: it must not come back here. */
	log_warning("log_channel_failed", KV("channel", channel->channel),
	    KV("reason", (const char *)why),
	    KV("pause_s", clock_seconds(channel->paused_until - now)));
}

static void
on_sent(void *ctx, const struct rest_answer *answer, mono_ns now)
{
	struct logchannel *channel = ctx;

	channel->call = 0;
	if (answer->error) {
		tell_failure(channel, answer, now);
	}
	arm(channel, now);
}

static void
on_timer(void *ctx, mono_ns now)
{
	struct logchannel *channel = ctx;
	struct buf text;

	if (!channel->ready || channel->channel == 0 || channel->call != 0 ||
	    now < channel->paused_until) {
		arm(channel, now);
		return;
	}
	buf_init(&text, MESSAGE_MAX_BYTES);
	if (herald_take(&channel->herald, now, &text)) {
		const struct message_draft draft = {.content = buf_slice(&text)};

		channel->call = discord_send(channel->options.rest, channel->channel,
		    &draft, on_sent, channel);
		if (channel->call == 0) {
			channel->paused_until = now + PAUSE_FAILED;
		}
	}
	buf_fini(&text);
	arm(channel, now);
}

/* ---- in ---- */

/* The first session of this process. */
static void
begin(struct logchannel *channel, bool resumed, mono_ns now)
{
	char text[256];

	channel->ready = true;
	(void)snprintf(text, sizeof text, "gwbotd %s has started, profile %s: %s",
	    channel->options.version, channel->options.profile,
	    resumed ? "the stored session is resumed" : "a new session");
	herald_offer(&channel->herald, slice_of(text), now);
}

/* Hears the log: nothing may be logged here. */
static void
on_note(void *ctx, const struct note *note)
{
	struct logchannel *channel = ctx;
	mono_ns now = clock_now();
	bool resumed = strcmp(note->type, "shard.resumed") == 0;

	if (!channel->ready && (resumed || strcmp(note->type, "shard.ready") == 0)) {
		begin(channel, resumed, now);
	}
	if (herald_wants(note->type)) {
		/* No READY comes any more. */
		channel->ready =
		    channel->ready || strcmp(note->type, "daemon.refused") == 0;
		herald_offer(&channel->herald, slice_of(note->text), now);
	}
	arm(channel, now);
}

/* ---- life ---- */

bool
logchannel_is_idle(const struct logchannel *channel, mono_ns now)
{
	return channel->call == 0 &&
	    (!channel->ready || channel->channel == 0 || now < channel->paused_until ||
		herald_wake(&channel->herald, now) > now);
}

void
logchannel_configure(struct logchannel *channel, const char *id, mono_ns now)
{
	uint64_t fresh = 0;

	if (id[0] != '\0') {
		(void)message_id(slice_of(id), &fresh);
	}
	if (fresh != channel->channel) {
		channel->channel = fresh;
		channel->paused_until = 0;
	}
	if (fresh == 0) {
		herald_clear(&channel->herald);
	}
	arm(channel, now);
}

struct logchannel *
logchannel_new(const struct logchannel_options *options)
{
	struct logchannel *channel = xzalloc(sizeof *channel);

	channel->options = *options;
	channel->timer = loop_timer_new(options->loop, on_timer, channel);
	events_observe(options->events, on_note, channel);
	return channel;
}

void
logchannel_free(struct logchannel *owned_channel)
{
	if (!owned_channel) {
		return;
	}
	events_observe(owned_channel->options.events, NULL, NULL);
	if (owned_channel->call != 0) {
		rest_cancel(owned_channel->options.rest, owned_channel->call);
	}
	herald_clear(&owned_channel->herald);
	loop_timer_free(owned_channel->timer);
	free(owned_channel);
}
