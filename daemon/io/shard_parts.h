/*
 * What the files of shard share, and nobody else includes.
 */
#ifndef GWBOTD_SHARD_PARTS_H
#define GWBOTD_SHARD_PARTS_H

#include "shard.h"

/* A host name and a sentence. */
#define SHARD_FAILURE_BYTES 384

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
	bool url_told; /* nor are READYs */

	/* a failure found inside an action: told by the timer, after the action list */
	bool failed;
	char failed_why[SHARD_FAILURE_BYTES];
	mono_ns failed_retry_after;
	enum snapshot_stage failed_stage;

	enum dispatch_name name; /* of the dispatch that is taken */

	bool unchecked; /* nobody has looked at the UTF-8 of the message yet */

	uint64_t bytes_in; /* of contexts before the present one */
	uint64_t bytes_out;

	enum inflate_kind asked; /* of the present connection */
	/* Not even HELLO could be read compressed: connections that begin before this
	 * ask for none, the first one after it for what is configured; 0: not so. */
	mono_ns plain_until;
};

/** Gives the session an event and does what it decides. */
void shard_step(struct shard *shard, const struct session_event *event, mono_ns now);

/** As shard_step() of a dispatch that nobody looks into, in a session that is ready. */
void shard_pass(struct shard *shard, const struct payload *payload, mono_ns now);

/** Begins an attempt at url, or at the general gateway where it is NULL or not trusted.
 */
void shard_connect_to(struct shard *shard, const char *url_text, mono_ns now);

/** Frees the context; its figures stay counted. */
void shard_end_inflate(struct shard *shard);

/** The attempt or connection is over; its socket is not closed here. */
void shard_forget_connection(struct shard *shard);

#endif
