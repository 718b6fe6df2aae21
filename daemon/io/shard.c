#include "shard.h"

#include <stdio.h>
#include <stdlib.h>

#include "closecode.h"
#include "payload.h"
#include "shard_log.h"
#include "shard_parts.h"
#include "shard_send.h"
#include "xalloc.h"

/* ---- the actions ---- */

static void
send_identify(struct shard *shard, mono_ns now)
{
	shard->options.hooks->identifying(shard->options.ctx, shard, now);
	shard_send_identify(shard->ws, &shard->options);
}

static void
close_connection(struct shard *shard, unsigned code)
{
	if (shard->ws) {
		ws_close(shard->ws, code, NULL);
	}
	shard_forget_connection(shard);
}

static void
forget_session(struct shard *shard)
{
	struct session_saved none = {.seq = -1};

	store_save(shard->options.store, shard->session.config.shard_id, &none);
}

static void
hand_on(const struct shard *shard, const struct payload *payload, mono_ns now)
{
	const struct dispatch_event event = {
	    .shard_id = shard->session.config.shard_id,
	    .seq = payload->has_seq ? payload->seq : -1,
	    .type = payload->type,
	    .name = shard->name,
	    .data = payload->data,
	    .now = now,
	};

	dispatch_hand_on(shard->options.dispatch, &event);
}

/* Stored only after it was handed on, so that a crash repeats rather than loses it. */
static void
take_dispatch(const struct shard *shard, const struct payload *payload, mono_ns now)
{
	const struct session *session = &shard->session;

	if (dispatch_is_wanted(shard->options.dispatch, shard->name)) {
		hand_on(shard, payload, now);
	}
	if (payload->has_seq) {
		store_seq(shard->options.store, session->config.shard_id,
		    session->saved.seq);
	}
}

static void
on_changed(struct shard *shard, const struct session_action *action,
    const struct session_event *event, mono_ns now)
{
	bool was_ready = action->old_state == SNAPSHOT_READY;
	bool is_ready = action->new_state == SNAPSHOT_READY;

	shard_log_change(&shard->session, shard->target.host, action, event, now);
	if (action->old_state == SNAPSHOT_IDENTIFYING && is_ready) {
		shard_log_ready(&shard->session);
	}
	if (was_ready != is_ready) {
		shard->options.hooks->turned(shard->options.ctx, is_ready);
	}
}

static void
run_action(struct shard *shard, const struct session_action *action,
    const struct session_event *event, mono_ns now)
{
	const struct shard_options *options = &shard->options;
	uint32_t id = shard->session.config.shard_id;

	switch (action->kind) {
	case SESSION_CONNECT:
		shard_connect_to(shard, action->url, now);
		return;
	case SESSION_HEARTBEAT:
		/* Not where a payload asked for it, which may be followed by another.
		 */
		if (event->kind != SESSION_PAYLOAD) {
			inflate_relax(shard->inflate);
		}
		if (options->lateness && action->late != SNAPSHOT_NONE) {
			histogram_add(options->lateness, action->late);
		}
		shard_send_heartbeat(shard->ws, &shard->session);
		return;
	case SESSION_IDENTIFY:
		send_identify(shard, now);
		return;
	case SESSION_RESUME:
		shard_send_resume(shard->ws, options, &shard->session);
		return;
	case SESSION_SHOW:
		shard_send_presence(shard->ws, options);
		return;
	case SESSION_PROBE:
		shard_send_probe(shard->ws, &shard->session);
		return;
	case SESSION_DEAF:
		shard_log_deaf(&shard->session);
		return;
	case SESSION_CLOSE:
		close_connection(shard, action->code);
		return;
	case SESSION_ASK_SLOT:
		options->hooks->want_slot(options->ctx, shard, now);
		return;
	case SESSION_DROP_SLOT:
		options->hooks->drop_slot(options->ctx, shard);
		return;
	case SESSION_SAVE:
		store_save(options->store, id, &shard->session.saved);
		return;
	case SESSION_FORGET:
		forget_session(shard);
		return;
	case SESSION_DISPATCH:
		if (event->payload) {
			take_dispatch(shard, event->payload, now);
		}
		return;
	case SESSION_FATAL:
		options->hooks->fatal(options->ctx, shard, shard->session.reason);
		return;
	case SESSION_CHANGED:
		loop_note_state(options->loop, id,
		    snapshot_state_text(action->new_state));
		on_changed(shard, action, event, now);
		return;
	}
}

/* How many shards are down besides this one. */
static uint32_t
others_down(const struct shard *shard)
{
	return shard->options.hooks->crowd(shard->options.ctx) -
	    (shard->session.state == SNAPSHOT_READY ? 0 : 1);
}

static void
arm(struct shard *shard)
{
	mono_ns wake_at = shard->failed ? 0 : session_wake_at(&shard->session);

	if (wake_at != shard->armed_at) {
		shard->armed_at = wake_at;
		loop_timer_arm(shard->timer, wake_at);
	}
}

void
shard_step(struct shard *shard, const struct session_event *event, mono_ns now)
{
	struct session_actions actions;
	struct session_event crowded = *event;

	actions.count = 0;
	crowded.crowd = others_down(shard);
	session_step(&shard->session, &crowded, now, shard->options.rng, &actions);
	for (unsigned i = 0; i < actions.count; i++) {
		run_action(shard, &actions.list[i], event, now);
	}
	arm(shard);
}

void
shard_pass(struct shard *shard, const struct payload *payload, mono_ns now)
{
	struct session *session = &shard->session;

	if (session_pass(session, payload, now)) {
		store_seq(shard->options.store, session->config.shard_id,
		    session->saved.seq);
	}
	arm(shard);
}

static void
on_timer(void *ctx, mono_ns now)
{
	struct shard *shard = ctx;
	struct session_event event = {.kind = SESSION_TIMEOUT};

	shard->armed_at = CLOCK_NEVER;
	shard->options.hooks->tick(shard->options.ctx, now);
	if (shard->failed) {
		event = (struct session_event){
		    .kind = SESSION_LOST,
		    .code = CLOSECODE_NONE,
		    .retry_after = shard->failed_retry_after,
		    .text = shard->failed_why,
		    .abrupt = true,
		    .stage = shard->failed_stage,
		};
		shard_forget_connection(shard);
	}
	shard_step(shard, &event, now);
}

/* ---- interface ---- */

struct shard *
shard_new(const struct shard_options *options)
{
	struct shard *shard = xzalloc(sizeof *shard);
	struct session_saved saved = {.seq = -1};
	bool found = store_load(options->store, options->session.shard_id, &saved);

	shard->options = *options;
	shard->armed_at = CLOCK_NEVER;
	shard->timer = loop_timer_new(options->loop, on_timer, shard);
	shard->options.session.has_presence = options->presence != NULL;
	session_init(&shard->session, &shard->options.session, found ? &saved : NULL);
	return shard;
}

void
shard_free(struct shard *owned_shard)
{
	if (!owned_shard) {
		return;
	}
	if (owned_shard->ws) {
		ws_abort(owned_shard->ws);
	}
	shard_forget_connection(owned_shard);
	loop_timer_free(owned_shard->timer);
	shard_end_inflate(owned_shard);
	free(owned_shard);
}

void
shard_start(struct shard *shard, mono_ns now)
{
	shard_step(shard, &(struct session_event){.kind = SESSION_START}, now);
}

void
shard_stop(struct shard *shard, mono_ns now)
{
	shard_step(shard, &(struct session_event){.kind = SESSION_STOP_ASKED}, now);
}

void
shard_slot(struct shard *shard, mono_ns now)
{
	shard_step(shard, &(struct session_event){.kind = SESSION_SLOT}, now);
}

void
shard_slept(struct shard *shard, mono_ns now)
{
	shard_step(shard, &(struct session_event){.kind = SESSION_SLEPT}, now);
}

void
shard_reconnect(struct shard *shard, bool drop_session, mono_ns now)
{
	struct session_event event = {
	    .kind = SESSION_RECONNECT,
	    .drop_session = drop_session,
	};

	shard_step(shard, &event, now);
}

void
shard_refuse(struct shard *shard, const char *why, mono_ns now)
{
	shard_step(shard, &(struct session_event){.kind = SESSION_REFUSED, .text = why},
	    now);
}

void
shard_presence(struct shard *shard, const char *presence, mono_ns now)
{
	shard->options.presence = presence;
	shard_step(shard, &(struct session_event){.kind = SESSION_PRESENCE}, now);
}

void
shard_set_probe_after(struct shard *shard, mono_ns probe_after, mono_ns now)
{
	session_set_probe_after(&shard->session, probe_after, now);
	arm(shard);
}

void
shard_note_check(struct shard *shard, mono_ns now)
{
	session_note_check(&shard->session, now);
}

void
shard_configure(struct shard *shard, const struct shard_settings *settings)
{
	struct session_config *config = &shard->session.config;

	if (settings->compress != shard->options.compress) {
		shard->plain_until = 0;
	}
	shard->options.intents = settings->intents;
	shard->options.compress = settings->compress;
	config->connect_timeout = settings->connect_timeout;
	config->hello_timeout = settings->hello_timeout;
	config->ready_timeout = settings->ready_timeout;
}

uint32_t
shard_id(const struct shard *shard)
{
	return shard->session.config.shard_id;
}

void
shard_snapshot(const struct shard *shard, mono_ns now, struct snapshot *out)
{
	session_snapshot(&shard->session, now, out);
	(void)snprintf(out->host, sizeof out->host, "%.*s", (int)sizeof out->host - 1,
	    shard->target.host);
	out->bytes_in = shard->bytes_in;
	out->bytes_out = shard->bytes_out;
	if (shard->inflate) {
		out->bytes_in += inflate_bytes_in(shard->inflate);
		out->bytes_out += inflate_bytes_out(shard->inflate);
	}
	if (out->state == SNAPSHOT_CONNECTING && shard->lookup != 0) {
		out->state = SNAPSHOT_RESOLVING;
	}
}

const struct session *
shard_session(const struct shard *shard)
{
	return &shard->session;
}
