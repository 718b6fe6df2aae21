/*
 * Control socket: peers, their credentials, framing; each request becomes a call.
 *
 * One request at a time per peer, in order; a call may be answered at once or later,
 * and survives its peer.  No peer can hold the daemon up: lines, answers, time and the
 * number of peers are bounded, and of idle peers the longest idle one makes room.
 */
#ifndef GWBOTD_CONTROL_H
#define GWBOTD_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "clock.h"
#include "err.h"
#include "json.h"
#include "loop.h"
#include "rpc.h"

#define CONTROL_PEERS_MAX     64
#define CONTROL_FOLLOWERS_MAX 48          /* of them: others find room among the rest */
#define CONTROL_LINE_TIME     CLOCK_S(5)  /* for a request, from its first byte */
#define CONTROL_STALL_TIME    CLOCK_S(10) /* for a peer that does not read its answer */
#define CONTROL_LINGER_TIME   CLOCK_S(2)  /* for a refused peer to read why */
#define CONTROL_CHECK_PERIOD  CLOCK_S(3)  /* while something is wrong with the socket */
#define CONTROL_CHECK_SELDOM  CLOCK_S(600) /* what no watch sees */
#define CONTROL_CHECK_SOON    CLOCK_MS(50) /* after the file or its folder changed */
#define CONTROL_FOLLOW_TIME   CLOCK_S(300) /* for a follower that reads nothing */

struct control;
struct control_call;

/* Who connected, as the kernel saw it then. */
struct control_caller {
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

struct control_options {
	struct loop *loop;
	const char *path;
	/** A request.  The call is to be answered or failed once, now or later. */
	void (*request)(void *ctx, struct control_call *owned_call, mono_ns now);
	void *ctx;
	mono_ns follow_time; /* CONTROL_FOLLOW_TIME, and 0 is the same */
};

/**
 * Makes the socket and listens.  Errors and why as control_socket_open(); *out is NULL
 * then.  Free it with control_free() before the loop.
 */
enum gw_err control_new(const struct control_options *options, struct control **out,
    char *why, size_t room);

/** The process is about to end: the socket's file is no longer looked after.  NULL is
 * allowed. */
void control_leave(struct control *control);

/** Stops listening, removes the socket and hangs up on all peers.  NULL is allowed. */
void control_free(struct control *owned_control);

/** Peers connected now. */
unsigned control_peers(const struct control *control);

/* ---- one request ---- */

/** What is asked, borrowed while the call lives. */
const struct rpc_request *control_call_request(const struct control_call *call);

/** Who asks. */
struct control_caller control_call_caller(const struct control_call *call);

/** From now on whoever asks this may only read; there is no way back. */
void control_call_restrict(struct control_call *call);

/** True where whoever asks may only read. */
bool control_call_restricted(const struct control_call *call);

/** False once nobody waits for the answer any more; it must be given all the same. */
bool control_call_alive(const struct control_call *call);

/** Answers; what the kernel takes has been handed to it on return. */
void control_call_answer(struct control_call *owned_call, struct json *owned_result);

/*
 * An answer whose last member is a long array, made a piece a turn of the loop; and
 * with next also what follows it, until the peer hangs up.
 */
struct control_series {
	const char *name; /* of the array; static text */
	size_t count;
	/** The element at index; owned by the caller. */
	struct json *(*element)(void *ctx, size_t index);
	/**
	 * The next notification behind the answer, asked for as fast as the peer reads;
	 * NULL: there is none before control_call_wake().  Without the function the
	 * call ends with the array.
	 */
	struct json *(*next)(void *ctx);
	const char *method; /* of the notifications; static text */
	/** Once, when no more is asked for: all was made or the peer is gone. */
	void (*done)(void *ctx);
	void *ctx;
};

/** As control_call_answer(), with the members of owned_head first; may end later. */
void control_call_answer_series(struct control_call *owned_call,
    struct json *owned_head, const struct control_series *series);

/** There is something behind next again.  It is asked for in another turn. */
void control_call_wake(struct control_call *call);

/**
 * True where one more peer may follow, so that others find room; one that has not read
 * for CONTROL_STALL_TIME goes for it.
 */
bool control_call_may_follow(const struct control_call *call, mono_ns now);

/** Answers with an error; failure is borrowed for the call. */
void control_call_fail(struct control_call *owned_call,
    const struct rpc_failure *failure);

#endif
