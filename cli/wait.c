#include "wait.h"

#include <stdio.h>
#include <string.h>

#include "buf.h"

static const char *const states[] = {
#define STATE(id, word, startupz, readyz, healthz) word,
#include "states.def"
#undef STATE
};

#define STATES (sizeof states / sizeof states[0])

static bool
is_state(const char *word)
{
	for (size_t i = 0; i < STATES; i++) {
		if (strcmp(states[i], word) == 0) {
			return true;
		}
	}
	return false;
}

static bool
refuse_state(const char *word, struct failure *failure)
{
	struct buf all;

	buf_init(&all, 256);
	for (size_t i = 0; i < STATES; i++) {
		(void)buf_printf(&all, "%s%s", i > 0 ? ", " : "", states[i]);
	}
	(void)buf_append(&all, "", 1);
	(void)failure_set(failure, EXIT_USAGE, "usage", "there is no state \"%.40s\"",
	    word);
	failure_hint(failure, "one of: %s", all.data);
	buf_fini(&all);
	return false;
}

static bool
refuse(const char *text, struct failure *failure)
{
	(void)failure_set(failure, EXIT_USAGE, "usage",
	    "\"%.60s\" is nothing to wait for", text);
	failure_hint(failure,
	    "one of: ready, down, gone, state=WORD, shard=N:ready; as in: gwctl wait "
	    "ready --timeout 1min");
	return false;
}

/* "3:ready" */
static bool
read_shard(const char *text, struct wait_condition *out)
{
	size_t digits = strspn(text, "0123456789");
	const char *word = text + digits + 1;

	out->kind = WAIT_SHARD;
	return digits > 0 && text[digits] == ':' && word[0] != '\0' &&
	    slice_copy((struct slice){text, digits}, out->shard, sizeof out->shard) &&
	    slice_copy(slice_of(word), out->word, sizeof out->word);
}

bool
wait_parse(const char *text, struct wait_condition *out, struct failure *failure)
{
	*out = (struct wait_condition){.kind = WAIT_READY};
	if (strcmp(text, "ready") == 0) {
		return true;
	}
	if (strcmp(text, "down") == 0) {
		out->kind = WAIT_DOWN;
		return true;
	}
	if (strcmp(text, "gone") == 0) {
		out->kind = WAIT_GONE;
		return true;
	}
	if (strncmp(text, "state=", 6) == 0) {
		out->kind = WAIT_STATE;
		return slice_copy(slice_of(text + 6), out->word, sizeof out->word) &&
			is_state(out->word) ?
		    true :
		    refuse_state(text + 6, failure);
	}
	return (strncmp(text, "shard=", 6) == 0 && read_shard(text + 6, out)) ||
	    refuse(text, failure);
}

/* ---- answers ---- */

/* health has it at the top, status under daemon. */
static const char *
state_of(const struct json *result)
{
	const struct json *state = json_get(result, "state");

	return json_text_or(state ? state :
				    json_get(json_get(result, "daemon"), "state"),
	    "unknown");
}

static bool
shard_holds(const struct wait_condition *condition, const struct json *result,
    char *seen, size_t room)
{
	const struct json *shard = json_first(json_get(result, "shards"));
	const char *state = json_text_or(json_get(shard, "state"), "unknown");
	const char *reason = json_text(json_get(shard, "reason"));

	(void)snprintf(seen, room, "shard %s is in the state %.24s%s%.160s",
	    condition->shard, state, reason ? ": " : "", reason ? reason : "");
	return strcmp(state, condition->word) == 0;
}

bool
wait_holds(const struct wait_condition *condition, const struct json *result,
    char *seen, size_t room)
{
	const char *state = state_of(result);
	const char *reason = json_text(json_first(json_get(result, "reasons")));

	if (condition->kind == WAIT_SHARD) {
		return shard_holds(condition, result, seen, room);
	}
	(void)snprintf(seen, room, "it is in the state %.24s%s%.160s", state,
	    reason ? ": " : "", reason ? reason : "");
	switch (condition->kind) {
	case WAIT_READY:
		return strcmp(state, "ready") == 0;
	case WAIT_DOWN:
		return strcmp(state, "ready") != 0;
	case WAIT_STATE:
		return strcmp(state, condition->word) == 0;
	case WAIT_GONE:
	case WAIT_SHARD:
		break;
	}
	return false;
}
