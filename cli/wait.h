/*
 * What gwctl wait waits for, and whether an answer of the daemon fulfils it.
 */
#ifndef GWCTL_WAIT_H
#define GWCTL_WAIT_H

#include <stdbool.h>

#include "failure.h"
#include "json.h"

enum wait_kind {
	WAIT_READY, /* it is ready */
	WAIT_DOWN,  /* it is anything else, or not there */
	WAIT_GONE,  /* it is not there */
	WAIT_STATE, /* it is in that state */
	WAIT_SHARD, /* one shard is in that state */
};

struct wait_condition {
	enum wait_kind kind;
	char shard[16];
	char word[24]; /* of a state */
};

/** Reads "ready", "down", "gone", "state=WORD" or "shard=N:WORD". */
bool wait_parse(const char *text, struct wait_condition *out, struct failure *failure);

/**
 * True where the condition holds by result: the answer of shards for WAIT_SHARD, that
 * of health or status for the others.  seen (room bytes) says what is there, either
 * way.
 */
bool wait_holds(const struct wait_condition *condition, const struct json *result,
    char *seen, size_t room);

#endif
