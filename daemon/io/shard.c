#include "shard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "closecode.h"
#include "payload.h"
#include "shard_log.h"
#include "shard_send.h"
#include "xalloc.h"

/* While other addresses are left, one that does not take the connection gets no more
 * than this.  TLS and the upgrade keep their own limits: on a slow line they take long
 * at every address. */
#define ADDRESS_TIMEOUT CLOCK_S(3)

/* From the first to the last byte of one message. */
#define MESSAGE_TIMEOUT CLOCK_S(60)

#define FAILURE_BYTES   384 /* a host name and a sentence */

/* The attempt ends this long before the session's own deadline, since it knows why. */
#define DEADLINE_MARGIN CLOCK_MS(200)

struct shard {
	struct shard_options options;
	struct session session;
	struct loop_timer *timer;
	mono_ns armed_at;

	/* the present attempt or connection */
	struct url target;
	mono_ns connect_deadline;
	bool wants_general; /* asked for, not answered */
	uint64_t lookup;    /* 0: none */
	struct resolver_answer addresses;
	unsigned next_address;
	struct ws *ws;
	struct inflate *inflate;
	bool opened;
	bool first_message;
	bool gap_told; /* a stream of gaps is not to be a stream of lines */

	/* a failure found inside an action: told by the timer, after the action list */
	bool failed;
	char failed_why[FAILURE_BYTES];
	mono_ns failed_retry_after;

	bool no_compression; /* the server does not speak what was asked for */
};

static void step(struct shard *shard, const struct session_event *event, mono_ns now);

/* ---- connecting ---- */

static void
fail_later(struct shard *shard, const char *why, mono_ns wait)
{
	shard->failed = true;
	shard->failed_retry_after = wait;
	(void)snprintf(shard->failed_why, sizeof shard->failed_why, "%s", why);
	shard->armed_at = 0;
	loop_timer_arm(shard->timer, 0);
}

static void
forget_connection(struct shard *shard)
{
	if (shard->lookup != 0) {
		resolver_cancel(shard->options.resolver, shard->lookup);
		shard->lookup = 0;
	}
	shard->ws = NULL;
	shard->opened = false;
	shard->failed = false;
	shard->wants_general = false;
}

/* One payload off the front of bytes; false where there is none. */
static bool
feed_payload(struct shard *shard, struct slice *bytes, mono_ns now)
{
	struct payload payload;
	enum gw_err err = payload_take(bytes, &payload);
	struct session_event event = {.kind = SESSION_PAYLOAD, .payload = &payload};
	uint64_t gaps = shard->session.seq_gaps;
	int64_t seq = shard->session.saved.seq;

	if (err != GW_OK) {
		event.kind = SESSION_UNREADABLE;
		event.text = err == GW_ERR_TOO_LARGE ? "a payload is nested too deep" :
						       "a payload is not valid JSON";
	}
	step(shard, &event, now);
	if (shard->session.seq_gaps != gaps && !shard->gap_told) {
		shard->gap_told = true;
		shard_log_gap(&shard->session, seq);
	}
	return err == GW_OK;
}

/* A message is a payload, yet a compressor may have flushed two into one. */
static void
feed_message(struct shard *shard, struct slice bytes, mono_ns now)
{
	const struct ws *ws = shard->ws;

	/* A payload that ends the connection ends bytes, too. */
	while (feed_payload(shard, &bytes, now) && shard->ws == ws && bytes.size > 0) {
	}
}

static void
on_open(void *ctx, mono_ns now)
{
	struct shard *shard = ctx;
	struct session_event event = {.kind = SESSION_OPENED};

	shard->opened = true;
	step(shard, &event, now);
}

/* A server that ignores `compress` shows it by its first message. */
static void
check_first_message(struct shard *shard, const struct ws_piece *piece)
{
	if (!shard->first_message) {
		return;
	}
	shard->first_message = false;
	if (piece->binary || shard->options.compress == INFLATE_NONE ||
	    shard->no_compression) {
		return;
	}
	shard_log_plain(&shard->session, shard->options.compress);
	inflate_free(shard->inflate);
	shard->inflate = inflate_new(INFLATE_NONE, PAYLOAD_MAX_BYTES);
}

static void
on_bad_stream(struct shard *shard, enum gw_err err, mono_ns now)
{
	struct session_event event = {.kind = SESSION_UNREADABLE};
	bool first =
	    shard->session.events == 0 || shard->session.interval == SNAPSHOT_NONE;

	event.text = err == GW_ERR_TOO_LARGE ? "a payload is larger than 64 MiB" :
	    err == GW_ERR_NOMEM              ? "no memory for a payload" :
					       "the compressed stream is damaged";
	if (first && shard->options.compress != INFLATE_NONE) {
		/* Not even HELLO could be read: the next connection asks for none. */
		shard->no_compression = true;
	}
	step(shard, &event, now);
}

static void
on_piece(void *ctx, const struct ws_piece *piece, mono_ns now)
{
	struct shard *shard = ctx;
	struct slice message = {NULL, 0};

	check_first_message(shard, piece);
	if (!shard->inflate) {
		on_bad_stream(shard, GW_ERR_NOMEM, now);
		return;
	}
	enum gw_err err =
	    inflate_piece(shard->inflate, piece->bytes, piece->last, &message);

	if (err != GW_OK) {
		on_bad_stream(shard, err, now);
	} else if (message.data) {
		feed_message(shard, message, now);
	} else {
		step(shard, &(struct session_event){.kind = SESSION_FRAME}, now);
	}
}

static void
on_control(void *ctx, mono_ns now)
{
	step(ctx, &(struct session_event){.kind = SESSION_FRAME}, now);
}

static void try_next_address(struct shard *shard, mono_ns now);

static bool
has_other_address(const struct shard *shard, mono_ns now)
{
	return shard->next_address < shard->addresses.count &&
	    now < shard->connect_deadline;
}

static void
on_end(void *ctx, const struct ws_end *end, mono_ns now)
{
	struct shard *shard = ctx;
	bool opened = shard->opened;
	char text[FAILURE_BYTES];

	shard->ws = NULL;
	shard_log_describe(end, shard->options.token, text, sizeof text);
	/* A host that takes connections and then says nothing is as dead as one that
	 * takes none; an answer that refuses is the same everywhere. */
	bool silent = end->cause == WS_CAUSE_TIMEOUT || strcmp(end->step, "tcp") == 0;

	if (!opened && silent && has_other_address(shard, now)) {
		shard_log_address(&shard->session, shard->target.host, text);
		try_next_address(shard, now);
		return;
	}
	if (!opened) {
		shard->options.hooks->unreachable(shard->options.ctx,
		    shard->target.host);
	}
	struct session_event event = {
	    .kind = SESSION_LOST,
	    .code = end->cause == WS_CAUSE_CLOSED ? end->code : CLOSECODE_NONE,
	    .retry_after = CLOCK_S(end->retry_after_s),
	    .text = text,
	};

	forget_connection(shard);
	step(shard, &event, now);
}

static const struct ws_events ws_callbacks = {
    .open = on_open,
    .piece = on_piece,
    .control = on_control,
    .end = on_end,
};

static enum inflate_kind
compression(const struct shard *shard)
{
	return shard->no_compression ? INFLATE_NONE : shard->options.compress;
}

/* NULL where not even the attempt could be made, e.g. without a route: *why says it. */
static struct ws *
begin_at_next_address(struct shard *shard, mono_ns now, struct ws_end *why)
{
	char path[64];
	bool more = shard->next_address + 1 < shard->addresses.count;

	shard_path(compression(shard), path, sizeof path);
	struct ws_options options = {
	    .loop = shard->options.loop,
	    .tls = shard->target.tls ? shard->options.tls : NULL,
	    .address = shard->addresses.addresses[shard->next_address++],
	    .port = shard->target.port,
	    .host = shard->target.host,
	    .path = path,
	    .user_agent = shard->options.user_agent,
	    .open_timeout = shard->connect_deadline - now,
	    .tcp_timeout = more ? ADDRESS_TIMEOUT : 0,
	    .message_timeout = MESSAGE_TIMEOUT,
	    .max_message_bytes = PAYLOAD_MAX_BYTES,
	};

	return ws_connect(&options, &ws_callbacks, shard, why);
}

static void
try_next_address(struct shard *shard, mono_ns now)
{
	struct ws_end why = {.cause = WS_CAUSE_INTERNAL};

	inflate_free(shard->inflate);
	shard->inflate = inflate_new(compression(shard), PAYLOAD_MAX_BYTES);
	shard->first_message = true;
	shard->gap_told = false;
	shard->opened = false;
	do {
		shard->ws = begin_at_next_address(shard, now, &why);
	} while (!shard->ws && has_other_address(shard, now));
	if (!shard->ws) {
		fail_later(shard, why.text, 0);
	}
}

static void
on_addresses(void *ctx, const struct resolver_answer *answer, mono_ns now)
{
	struct shard *shard = ctx;

	shard->lookup = 0;
	if (answer->error || answer->count == 0) {
		char text[FAILURE_BYTES];

		(void)snprintf(text, sizeof text, "%s cannot be looked up: %s",
		    shard->target.host, answer->error ? answer->error : "no address");
		shard->options.hooks->unreachable(shard->options.ctx,
		    shard->target.host);
		fail_later(shard, text, 0);
		return;
	}
	shard->addresses = *answer;
	shard->next_address = 0;
	try_next_address(shard, now);
}

static void
look_up(struct shard *shard, const struct url *url, mono_ns now)
{
	if (!url->tls && !url_is_loopback(url->host)) {
		fail_later(shard, "the gateway's URL is ws:// and not on this host", 0);
		return;
	}
	shard->target = *url;
	shard->connect_deadline = shard->session.deadline - DEADLINE_MARGIN;
	/* Some of the time is left to connect by an old answer (see resolver.h). */
	shard->lookup = resolver_lookup(shard->options.resolver, url->host,
	    (shard->connect_deadline - now) * 3 / 5, on_addresses, shard);
}

/* Answers may come when the shard has moved on, even to another attempt: they are for
 * the one that asked. */
static bool
take_general(struct shard *shard)
{
	bool wanted = shard->wants_general;

	shard->wants_general = false;
	return wanted;
}

void
shard_connect(struct shard *shard, const struct url *url, mono_ns now)
{
	if (take_general(shard)) {
		look_up(shard, url, now);
	}
}

void
shard_fail(struct shard *shard, const char *why, mono_ns retry_after)
{
	if (take_general(shard)) {
		fail_later(shard, why, retry_after);
	}
}

/* ---- the actions ---- */

static void
connect_to(struct shard *shard, const char *url_text, mono_ns now)
{
	struct url url;
	bool allowed = url_text && url_parse(url_text, &url) == GW_OK &&
	    url_resume_allowed(&url, shard->options.trusted);

	forget_connection(shard);
	if (allowed) {
		look_up(shard, &url, now);
		return;
	}
	if (url_text) {
		shard_log_refused_url(&shard->session, url_text);
	}
	shard->wants_general = true;
	shard->options.hooks->want_general(shard->options.ctx, shard, now);
}

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
	forget_connection(shard);
}

static void
forget_session(struct shard *shard)
{
	struct session_saved none = {.seq = -1};

	store_save(shard->options.store, shard->session.config.shard_id, &none);
}

static void
on_changed(struct shard *shard, const struct session_action *action, mono_ns now)
{
	bool was_ready = action->old_state == SNAPSHOT_READY;
	bool is_ready = action->new_state == SNAPSHOT_READY;

	shard_log_change(&shard->session, shard->target.host, action, now);
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
		connect_to(shard, action->url, now);
		return;
	case SESSION_HEARTBEAT:
		inflate_relax(shard->inflate);
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
		/* Stored only after it was handed on, so that a crash repeats rather
		 * than loses it. */
		if (event->payload && event->payload->has_seq) {
			store_seq(options->store, id, shard->session.saved.seq);
		}
		return;
	case SESSION_FATAL:
		options->hooks->fatal(options->ctx, shard, shard->session.reason);
		return;
	case SESSION_CHANGED:
		loop_note_state(options->loop, id,
		    snapshot_state_text(action->new_state));
		on_changed(shard, action, now);
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

static void
step(struct shard *shard, const struct session_event *event, mono_ns now)
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
		};
		forget_connection(shard);
	}
	step(shard, &event, now);
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
	forget_connection(owned_shard);
	loop_timer_free(owned_shard->timer);
	inflate_free(owned_shard->inflate);
	free(owned_shard);
}

void
shard_start(struct shard *shard, mono_ns now)
{
	step(shard, &(struct session_event){.kind = SESSION_START}, now);
}

void
shard_stop(struct shard *shard, mono_ns now)
{
	step(shard, &(struct session_event){.kind = SESSION_STOP_ASKED}, now);
}

void
shard_slot(struct shard *shard, mono_ns now)
{
	step(shard, &(struct session_event){.kind = SESSION_SLOT}, now);
}

void
shard_slept(struct shard *shard, mono_ns now)
{
	step(shard, &(struct session_event){.kind = SESSION_SLEPT}, now);
}

void
shard_reconnect(struct shard *shard, bool drop_session, mono_ns now)
{
	struct session_event event = {
	    .kind = SESSION_RECONNECT,
	    .drop_session = drop_session,
	};

	step(shard, &event, now);
}

void
shard_refuse(struct shard *shard, const char *why, mono_ns now)
{
	step(shard, &(struct session_event){.kind = SESSION_REFUSED, .text = why}, now);
}

void
shard_presence(struct shard *shard, const char *presence, mono_ns now)
{
	shard->options.presence = presence;
	step(shard, &(struct session_event){.kind = SESSION_PRESENCE}, now);
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

	shard->no_compression &= settings->compress == shard->options.compress;
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
	if (out->state == SNAPSHOT_CONNECTING && shard->lookup != 0) {
		out->state = SNAPSHOT_RESOLVING;
	}
}
