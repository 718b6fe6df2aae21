/*
 * One attempt and the connection that it becomes: lookup, addresses in turn, ws,
 * inflate, payloads.
 */
#include <stdio.h>
#include <string.h>

#include "closecode.h"
#include "payload.h"
#include "shard_log.h"
#include "shard_parts.h"
#include "shard_send.h"

/* While other addresses are left, one that does not take the connection gets no more
 * than this.  TLS and the upgrade keep their own limits: on a slow line they take long
 * at every address. */
#define ADDRESS_TIMEOUT CLOCK_S(3)

/* From the first to the last byte of one message. */
#define MESSAGE_TIMEOUT CLOCK_S(60)

/* Compression that failed before HELLO is left alone for so long. */
#define PLAIN_FOR CLOCK_S(3600)

/* The attempt ends this long before the session's own deadline, since it knows why. */
#define DEADLINE_MARGIN CLOCK_MS(200)

static void
fail_later(struct shard *shard, enum snapshot_stage stage, const char *why,
    mono_ns wait)
{
	shard->failed = true;
	shard->failed_stage = stage;
	shard->failed_retry_after = wait;
	(void)snprintf(shard->failed_why, sizeof shard->failed_why, "%s", why);
	shard->armed_at = 0;
	loop_timer_arm(shard->timer, 0);
}

static void
begin_inflate(struct shard *shard, enum inflate_kind kind)
{
	shard->inflate = inflate_new(kind, PAYLOAD_MAX_BYTES);
	if (shard->inflate) {
		inflate_share(shard->inflate, shard->options.inflated);
	}
}

void
shard_end_inflate(struct shard *shard)
{
	if (shard->inflate) {
		shard->bytes_in += inflate_bytes_in(shard->inflate);
		shard->bytes_out += inflate_bytes_out(shard->inflate);
	}
	inflate_free(shard->inflate);
	shard->inflate = NULL;
}

void
shard_forget_connection(struct shard *shard)
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

/* True where somebody looks into dispatches of that name. */
static bool
is_read(const struct shard *shard, enum dispatch_name name)
{
	return session_reads(&shard->session, name) ||
	    dispatch_is_wanted(shard->options.dispatch, name);
}

static void
note_gap(struct shard *shard, uint64_t gaps, int64_t seq)
{
	if (shard->session.seq_gaps != gaps && !shard->gap_told) {
		shard->gap_told = true;
		shard_log_gap(&shard->session, seq);
	}
}

/* Takes the payload at bytes by its front alone where it is a dispatch that nobody
 * looks into: most of them are. */
static bool
pass_payload(struct shard *shard, struct slice bytes, mono_ns now)
{
	uint64_t gaps = shard->session.seq_gaps;
	int64_t seq = shard->session.saved.seq;
	struct payload payload;

	if (!payload_peek(bytes, &payload)) {
		return false;
	}
	enum dispatch_name name = dispatches_find(shard->options.counts, payload.type);

	if (is_read(shard, name) || !payload_skim(bytes, &payload)) {
		return false;
	}
	shard_pass(shard, &payload, now);
	dispatches_count(shard->options.counts, name);
	note_gap(shard, gaps, seq);
	return true;
}

/* One payload off the front of bytes, through the full pass; false where there is none.
 */
static bool
feed_payload(struct shard *shard, struct slice *bytes, mono_ns now)
{
	struct payload payload;
	enum gw_err err = payload_take(bytes, &payload);
	struct session_event event = {.kind = SESSION_PAYLOAD, .payload = &payload};
	uint64_t gaps = shard->session.seq_gaps;
	uint64_t dispatches = shard->session.dispatches;
	int64_t seq = shard->session.saved.seq;

	if (err == GW_OK) {
		shard->name = dispatches_find(shard->options.counts, payload.type);
	} else {
		event.kind = SESSION_UNREADABLE;
		event.text = err == GW_ERR_TOO_LARGE ? "a payload is nested too deep" :
						       "a payload is not valid JSON";
	}
	shard_step(shard, &event, now);
	if (shard->session.dispatches != dispatches) {
		dispatches_count(shard->options.counts, shard->name);
	}
	note_gap(shard, gaps, seq);
	if (shard->session.ready_url_fault && !shard->url_told) {
		shard->url_told = true;
		shard_log_refused_url(&shard->session, "",
		    shard->session.ready_url_fault);
	}
	return err == GW_OK;
}

/* A message is a payload, yet a compressor may have flushed two into one. */
static void
feed_message(struct shard *shard, struct slice bytes, mono_ns now)
{
	const struct ws *ws = shard->ws;

	if (pass_payload(shard, bytes, now) ||
	    (shard->unchecked && !ws_check_text(shard->ws, bytes))) {
		return;
	}
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
	shard_step(shard, &event, now);
}

/* A server that ignores `compress` shows it by its first message. */
static void
check_first_message(struct shard *shard, const struct ws_piece *piece)
{
	if (!shard->first_message) {
		return;
	}
	shard->first_message = false;
	if (piece->binary || shard->asked == INFLATE_NONE) {
		return;
	}
	shard_log_plain(&shard->session, shard->asked);
	shard_end_inflate(shard);
	begin_inflate(shard, INFLATE_NONE);
}

/* The next connections ask for no compression; what made it fail may pass, so it is
 * tried again after PLAIN_FOR, with the next connection that is needed anyway. */
static void
fall_back(struct shard *shard, const char *why, mono_ns now)
{
	shard->plain_until = now + PLAIN_FOR;
	shard_log_fallback(&shard->session, shard->asked, why, PLAIN_FOR);
}

static void
on_bad_stream(struct shard *shard, enum gw_err err, mono_ns now)
{
	struct session_event event = {.kind = SESSION_UNREADABLE};

	event.text = err == GW_ERR_TOO_LARGE ? "a payload is larger than 64 MiB" :
	    err == GW_ERR_NOMEM              ? "no memory for a payload" :
					       "the compressed stream is damaged";
	if (shard->session.interval == SNAPSHOT_NONE && shard->asked != INFLATE_NONE) {
		fall_back(shard, event.text, now); /* not even HELLO could be read */
	}
	shard_step(shard, &event, now);
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
	bool packed = inflate_kind(shard->inflate) != INFLATE_NONE;

	/* Nobody packs into text; what is packed is judged when it is unpacked. */
	if (packed && piece->unchecked && !ws_check_text(shard->ws, piece->bytes)) {
		return;
	}
	shard->unchecked = piece->unchecked && !packed;
	enum gw_err err =
	    inflate_piece(shard->inflate, piece->bytes, piece->last, &message);

	if (err != GW_OK) {
		on_bad_stream(shard, err, now);
	} else if (message.data) {
		feed_message(shard, message, now);
	} else {
		shard_step(shard, &(struct session_event){.kind = SESSION_FRAME}, now);
	}
}

static void
on_control(void *ctx, mono_ns now)
{
	shard_step(ctx, &(struct session_event){.kind = SESSION_FRAME}, now);
}

/* The stage of an attempt that ended in this step of ws. */
static enum snapshot_stage
stage_of(const char *step)
{
	if (strcmp(step, "tcp") == 0) {
		return SNAPSHOT_STAGE_TCP;
	}
	return strcmp(step, "tls") == 0 ? SNAPSHOT_STAGE_TLS : SNAPSHOT_STAGE_UPGRADE;
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
	char text[SHARD_FAILURE_BYTES];

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
	    .abrupt = end->cause != WS_CAUSE_CLOSED,
	    .stage = stage_of(end->step),
	};

	shard_forget_connection(shard);
	shard_step(shard, &event, now);
}

static const struct ws_events ws_callbacks = {
    .open = on_open,
    .piece = on_piece,
    .control = on_control,
    .end = on_end,
};

/* NULL where not even the attempt could be made, e.g. without a route: *why says it. */
static struct ws *
begin_at_next_address(struct shard *shard, mono_ns now, struct ws_end *why)
{
	char path[64];
	bool more = shard->next_address + 1 < shard->addresses.count;

	shard_path(shard->asked, path, sizeof path);
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
	    .leaves_text = true,
	};

	return ws_connect(&options, &ws_callbacks, shard, why);
}

static void
try_next_address(struct shard *shard, mono_ns now)
{
	struct ws_end why = {.cause = WS_CAUSE_INTERNAL};

	shard_end_inflate(shard);
	shard->asked =
	    now < shard->plain_until ? INFLATE_NONE : shard->options.compress;
	begin_inflate(shard, shard->asked);
	shard->first_message = true;
	shard->gap_told = false;
	shard->url_told = false;
	shard->opened = false;
	do {
		shard->ws = begin_at_next_address(shard, now, &why);
	} while (!shard->ws && has_other_address(shard, now));
	if (!shard->ws) {
		fail_later(shard, SNAPSHOT_STAGE_TCP, why.text, 0);
	}
}

/* Without TLS nobody proves who he is: names do not count, addresses do. */
static bool
keep_loopback(struct resolver_answer *addresses)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < addresses->count; i++) {
		if (url_is_loopback(addresses->addresses[i])) {
			memmove(addresses->addresses[kept++], addresses->addresses[i],
			    sizeof addresses->addresses[i]);
		}
	}
	addresses->count = kept;
	return kept > 0;
}

static void
on_addresses(void *ctx, const struct resolver_answer *answer, mono_ns now)
{
	struct shard *shard = ctx;

	shard->lookup = 0;
	if (answer->error || answer->count == 0) {
		char text[SHARD_FAILURE_BYTES];

		(void)snprintf(text, sizeof text, "%s cannot be looked up: %s",
		    shard->target.host, answer->error ? answer->error : "no address");
		shard->options.hooks->unreachable(shard->options.ctx,
		    shard->target.host);
		fail_later(shard, SNAPSHOT_STAGE_DNS, text, 0);
		return;
	}
	shard->addresses = *answer;
	shard->next_address = 0;
	if (!shard->target.tls && !keep_loopback(&shard->addresses)) {
		fail_later(shard, SNAPSHOT_STAGE_DNS,
		    "the gateway's URL is ws:// and its name is not on this host", 0);
		return;
	}
	try_next_address(shard, now);
}

static void
look_up(struct shard *shard, const struct url *url, mono_ns now)
{
	if (!url->tls && !url_is_loopback(url->host)) {
		fail_later(shard, SNAPSHOT_STAGE_API,
		    "the gateway's URL is ws:// and not on this host", 0);
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
		fail_later(shard, SNAPSHOT_STAGE_API, why, retry_after);
	}
}

/* NULL where a resume may go to this URL. */
static const char *
fault_of(const struct shard *shard, const char *text, struct url *url)
{
	if (url_parse(text, url) != GW_OK || !url->websocket) {
		return "no ws or wss URL that a gateway can have";
	}
	return url_resume_allowed(url, shard->options.trusted) ?
	    NULL :
	    "neither below discord.gg nor the host that was configured";
}

void
shard_connect_to(struct shard *shard, const char *url_text, mono_ns now)
{
	struct url url;
	const char *fault = url_text ? fault_of(shard, url_text, &url) : NULL;

	shard_forget_connection(shard);
	if (url_text && !fault) {
		look_up(shard, &url, now);
		return;
	}
	if (fault) {
		shard_log_refused_url(&shard->session, url_text, fault);
	}
	shard->wants_general = true;
	shard->options.hooks->want_general(shard->options.ctx, shard, now);
}
