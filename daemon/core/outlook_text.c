/* The words of the outlook: one table. */
#include <stddef.h>

#include "outlook.h"

static const struct {
	const char *name;
	enum outlook_action action;
	const char *text;
	const char *prevented;
} rules[] = {
#define RULE(id, action, text, prevented) \
	[OUTLOOK_##id] = {#id, OUTLOOK_ACTION_##action, text, prevented},
#include "outlook.def"
#undef RULE
};

static const char *const actions[] = {
#define ACTION(id, word) [OUTLOOK_ACTION_##id] = (word),
#include "outlook.def"
#undef ACTION
};

enum outlook_action
outlook_action(enum outlook_rule rule)
{
	return rules[rule].action;
}

const char *
outlook_action_word(enum outlook_action action)
{
	return actions[action];
}

const char *
outlook_rule_name(enum outlook_rule rule)
{
	return rules[rule].name;
}

const char *
outlook_rule_text(enum outlook_rule rule)
{
	return rules[rule].text;
}

const char *
outlook_rule_prevented(enum outlook_rule rule)
{
	return rules[rule].prevented;
}

const char *
outlook_follow_text(enum outlook_follow follow)
{
	static const char *const texts[] = {
#define OUTLOOK_FOLLOW_TEXT(name, text) [OUTLOOK_FOLLOW_##name] = (text),
	    OUTLOOK_FOLLOW_TABLE(OUTLOOK_FOLLOW_TEXT)
#undef OUTLOOK_FOLLOW_TEXT
	};

	return texts[follow];
}

const char *
outlook_doubt_text(enum outlook_doubt doubt)
{
	static const char *const texts[] = {
#define OUTLOOK_DOUBT_TEXT(name, text) [OUTLOOK_DOUBT_##name] = (text),
	    OUTLOOK_DOUBT_TABLE(OUTLOOK_DOUBT_TEXT)
#undef OUTLOOK_DOUBT_TEXT
	};

	return texts[doubt];
}

const char *
outlook_state_text(const struct session *session, enum snapshot_state state)
{
	static const char *const texts[] = {
#define STATE(id, text) [SNAPSHOT_##id] = (text),
#include "outlook.def"
#undef STATE
	};

	if (state == SNAPSHOT_READY && session->probe.answer_by != CLOCK_NEVER) {
		return "is connected, and its proof of life is not answered yet";
	}
	if (state == SNAPSHOT_READY && session->unacked_since != CLOCK_NEVER) {
		return "is connected, and a heartbeat is not answered yet";
	}
	if (state == SNAPSHOT_READY && session->latency == SNAPSHOT_NONE) {
		return "is connected, and no heartbeat was due yet";
	}
	return texts[state];
}
