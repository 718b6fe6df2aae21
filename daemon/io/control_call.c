#include "control_parts.h"

#include <stdlib.h>

/* Elements of a series a turn, and what they may come to: about half a millisecond.
 * More are made once the peer has read what stands in its way, so that a slow one costs
 * no memory. */
#define ELEMENTS_A_TURN  32
#define SERIES_A_TURN    ((size_t)64 * 1024)
#define UNSENT_MAX_BYTES ((size_t)256 * 1024)

/* Notifications to all followers together a turn, and the least for each: a flood that
 * many follow must not hold up the loop. */
#define NOTICES_A_TURN 128
#define NOTICES_A_PEER 4

void
control_call_free(struct control_call *owned_call)
{
	if (owned_call->series.done) {
		owned_call->series.done(owned_call->series.ctx);
	}
	rpc_request_fini(&owned_call->request);
	free(owned_call);
}

/* A call is over: what stands in out goes to the peer, which may ask again. */
static void
finish(struct control_call *owned_call)
{
	struct control_peer *peer = owned_call->peer;
	mono_ns now = clock_now();

	control_call_free(owned_call);
	if (!peer) {
		return;
	}
	peer->call = NULL;
	peer->active_at = now;
	if (!control_peer_flush(peer, now)) {
		control_peer_kill(peer);
	} else if (!peer->stepping) {
		loop_fd_kick(peer->handle); /* for what it sent in the meantime */
	}
}

/* Makes the next elements of a series, and ends the answer behind the last one. */
static void
continue_elements(struct control_call *call)
{
	struct control_peer *peer = call->peer;
	const struct control_series *series = &call->series;
	enum gw_err err = GW_OK;

	if (peer->out.size - peer->sent > UNSENT_MAX_BYTES) {
		return; /* control_peer_flush() waits for room */
	}
	size_t enough = peer->out.size + SERIES_A_TURN;

	for (int i = 0; i < ELEMENTS_A_TURN && peer->out.size < enough &&
	     err == GW_OK && call->made < series->count;
	     i++) {
		err = rpc_add_element(&peer->out, &call->request, series->name,
		    call->made, series->element(series->ctx, call->made));
		call->made++;
	}
	call->answered = call->made == series->count;
	if (err == GW_OK && call->answered) {
		err = rpc_end_result(&peer->out, &call->request);
	}
	if (err != GW_OK) {
		control_peer_kill(peer);
	} else if (call->answered && !series->next) {
		finish(call);
	} else {
		loop_fd_kick(peer->handle);
	}
}

/* How many notifications are this follower's share of a turn. */
static unsigned
share_of(const struct control_peer *peer)
{
	unsigned share = NOTICES_A_TURN / peer->host->followers(peer->host->ctx);

	return share > NOTICES_A_PEER ? share : NOTICES_A_PEER;
}

/* What is new, as fast as the peer reads.  What it has not read yet is not asked for,
 * so that it waits where its size is bounded. */
static void
continue_following(const struct control_call *call, mono_ns now)
{
	struct control_peer *peer = call->peer;
	const struct control_series *series = &call->series;
	struct json *params = NULL;
	enum gw_err err = GW_OK;

	if (control_peer_has_unsent(peer)) {
		return; /* control_peer_flush() waits for room */
	}
	for (unsigned left = share_of(peer); left > 0 && err == GW_OK; left--) {
		params = series->next(series->ctx);
		if (!params) {
			break;
		}
		err = rpc_write_notice(&peer->out, &call->request, series->method,
		    params);
	}
	if (err != GW_OK || !control_peer_flush(peer, now)) {
		control_peer_kill(peer);
	} else if (params && !control_peer_has_unsent(peer)) {
		loop_fd_kick(peer->handle); /* there may be more */
	}
}

void
control_call_continue(struct control_call *call, mono_ns now)
{
	if (call->answered) {
		continue_following(call, now);
	} else {
		continue_elements(call);
	}
}

const struct rpc_request *
control_call_request(const struct control_call *call)
{
	return &call->request;
}

struct control_caller
control_call_caller(const struct control_call *call)
{
	return call->who;
}

void
control_call_restrict(struct control_call *call)
{
	call->restricted = true;
	if (call->peer) {
		call->peer->restricted = true;
	}
}

bool
control_call_restricted(const struct control_call *call)
{
	return call->restricted;
}

bool
control_call_alive(const struct control_call *call)
{
	return call->peer != NULL;
}

void
control_call_wake(struct control_call *call)
{
	if (call->peer) {
		loop_fd_kick(call->peer->handle);
	}
}

bool
control_call_may_follow(const struct control_call *call, mono_ns now)
{
	const struct control_peer *peer = call->peer;

	return peer && peer->host->may_follow(peer->host->ctx, now);
}

void
control_call_answer(struct control_call *owned_call, struct json *owned_result)
{
	static const struct rpc_failure too_large = {
	    .error = RPC_ERR_INTERNAL,
	    .text = "the answer is too large",
	};
	struct control_peer *peer = owned_call->peer;

	if (!peer) {
		json_free(owned_result);
	} else if (rpc_write_result(&peer->out, &owned_call->request, owned_result) !=
	    GW_OK) {
		(void)rpc_write_error(&peer->out, &owned_call->request, &too_large);
	}
	finish(owned_call);
}

void
control_call_fail(struct control_call *owned_call, const struct rpc_failure *failure)
{
	if (owned_call->peer) {
		(void)rpc_write_error(&owned_call->peer->out, &owned_call->request,
		    failure);
	}
	finish(owned_call);
}

void
control_call_answer_series(struct control_call *owned_call, struct json *owned_head,
    const struct control_series *series)
{
	struct control_peer *peer = owned_call->peer;

	owned_call->series = *series;
	if (!peer) {
		json_free(owned_head);
		finish(owned_call);
	} else if (rpc_begin_result(&peer->out, &owned_call->request, owned_head,
		       series->name) != GW_OK) {
		control_peer_kill(peer);
	} else {
		continue_elements(owned_call);
	}
}
