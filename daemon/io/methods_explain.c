/* The explain method: what acts next on the shards, or what a name means. */
#include "methods_explain.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "methods_json.h"
#include "methods_rows.h"
#include "methods_status.h"
#include "xalloc.h"

/* Up to here all shards are told; beyond it those that are not ready, as many. */
#define LISTED_MAX 64

/* Of shards that are all ready and too many to be told, so many that are worst off. */
#define READY_MAX 1

/* ---- one shard ---- */

/* The row's name in lower case. */
static void
add_rule(struct json *object, enum outlook_rule rule)
{
	const char *name = outlook_rule_name(rule);
	char word[32];
	size_t i;

	for (i = 0; name[i] && i + 1 < sizeof word; i++) {
		word[i] = (char)tolower((unsigned char)name[i]);
	}
	word[i] = '\0';
	json_add_text(object, "rule", word);
	json_add_text(object, "action", outlook_action_word(outlook_action(rule)));
}

static const char *
text_or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static struct json *
describe_act(const struct outlook_entry *entry)
{
	struct json *object = json_new_object();

	add_rule(object, entry->rule);
	json_add_seconds(object, "in_seconds", entry->in);
	json_add_text(object, "doubt", text_or_null(outlook_doubt_text(entry->doubt)));
	json_add_text(object, "text", outlook_rule_text(entry->rule));
	json_add_text(object, "follows",
	    text_or_null(outlook_follow_text(entry->follow)));
	json_add_text(object, "prevented_by", outlook_rule_prevented(entry->rule));
	return object;
}

static struct json *
describe_acts(const struct outlook *outlook)
{
	struct json *array = json_new_array();

	for (unsigned i = 0; i < outlook->count; i++) {
		json_append(array, describe_act(&outlook->list[i]));
	}
	return array;
}

/* ---- all of them ---- */

struct ranked {
	uint32_t index;
	bool ready;
	mono_ns urgency; /* until the connection, or else the process, is given up */
	struct outlook outlook;
};

void
methods_explain_take(const struct visit *visit, const struct visit_shards *all,
    uint32_t index, uint32_t crowd, struct outlook *out)
{
	const struct methods_source *source = visit->source;
	const struct outlook_input input = {
	    .session = source->session(source->ctx, index, visit->now),
	    .snap = &all->shards[index],
	    .limits = visit_limits(visit),
	    .check_at = source->check_at(source->ctx, visit->now),
	    .now = visit->now,
	    .crowd = crowd,
	};

	outlook_take(&input, out);
}

static void
take(const struct visit *visit, const struct visit_shards *all, uint32_t down,
    uint32_t index, struct ranked *out)
{
	out->index = index;
	out->ready = all->shards[index].ready;
	methods_explain_take(visit, all, index, down - (out->ready ? 0 : 1),
	    &out->outlook);
	mono_ns urgency = out->ready ? outlook_give_up_in(&out->outlook) :
				       outlook_exit_in(&out->outlook);

	out->urgency = urgency == SNAPSHOT_NONE ? CLOCK_NEVER : urgency;
}

/* Those in trouble first, among them those whose end is near. */
static int
compare(const void *left, const void *right)
{
	const struct ranked *a = left;
	const struct ranked *b = right;

	if (a->ready != b->ready) {
		return a->ready ? 1 : -1;
	}
	if (a->urgency != b->urgency) {
		return a->urgency < b->urgency ? -1 : 1;
	}
	return a->index < b->index ? -1 : 1;
}

static uint32_t
count_down(const struct visit_shards *all)
{
	uint32_t down = 0;

	for (uint32_t i = 0; i < all->count; i++) {
		down += all->shards[i].ready ? 0 : 1;
	}
	return down;
}

static uint32_t
how_many(const struct visit_shards *all, uint32_t down)
{
	if (all->count <= LISTED_MAX) {
		return all->count;
	}
	if (down == 0) {
		return READY_MAX;
	}
	return down < LISTED_MAX ? down : LISTED_MAX;
}

static struct json *
describe_shard(const struct visit *visit, const struct visit_shards *all,
    const struct watchdog_limits *limits, const struct ranked *ranked)
{
	const struct methods_source *source = visit->source;
	struct json *object = methods_json_row(&all->shards[ranked->index], limits);

	json_add_text(object, "says",
	    outlook_state_text(source->session(source->ctx, ranked->index, visit->now),
		all->shards[ranked->index].state));
	json_add(object, "acts", describe_acts(&ranked->outlook));
	return object;
}

static void
answer_outlook(const struct visit *visit)
{
	const struct methods_source *source = visit->source;
	struct watchdog_limits limits = visit_limits(visit);
	struct visit_shards all = {.all = true};

	/* The state first: it takes snapshots of its own. */
	struct json *answer = visit_new_answer("explain");

	json_add(answer, "daemon", methods_status_daemon(visit));
	all.shards = source->snapshots(source->ctx, visit->now, &all.count);
	uint32_t down = count_down(&all);
	struct ranked *ranked = xzalloc((all.count + 1) * sizeof *ranked);

	for (uint32_t i = 0; i < all.count; i++) {
		take(visit, &all, down, i, &ranked[i]);
	}
	qsort(ranked, all.count, sizeof *ranked, compare);
	uint32_t listed = how_many(&all, down);
	struct json *shards = json_new_array();

	for (uint32_t i = 0; i < listed; i++) {
		json_append(shards, describe_shard(visit, &all, &limits, &ranked[i]));
	}
	json_add(answer, "watchdog", methods_status_watchdog(visit, &all, &limits));
	json_add_int(answer, "shards_ready", all.count - down);
	json_add_int(answer, "shards_left_out", all.count - listed);
	json_add(answer, "shards", shards);
	free(ranked);
	visit_answer(visit, answer);
}

/* ---- a name ---- */

/* "exit 78" comes as two arguments, and a number as a number. */
static bool
join_name(const struct visit *visit, struct buf *out)
{
	const struct json *value;
	bool fits = true;

	for (size_t i = 0; (value = visit_argument(visit, i)) && fits; i++) {
		const char *text = json_text(value);

		fits = (i == 0 || buf_append(out, " ", 1) == GW_OK) &&
		    (text ? buf_append(out, text, strlen(text)) :
			    json_print(value, out)) == GW_OK;
	}
	return fits && buf_append(out, "", 1) == GW_OK;
}

static void
answer_name(const struct visit *visit, const char *name)
{
	struct json *answer = visit_new_answer("explain");
	char text[320];

	if (explain_name(name, answer)) {
		visit_answer(visit, answer);
		return;
	}
	json_free(answer);
	explain_unknown(name, text, sizeof text);
	visit_refuse(visit, RPC_ERR_PARAMS,
	    "options: config; metrics: man gwbot-metrics; commands: help", "%s", text);
}

void
methods_explain(const struct visit *visit)
{
	struct buf name;

	if (!visit_argument(visit, 0)) {
		answer_outlook(visit);
		return;
	}
	buf_init(&name, EXPLAIN_NAME_MAX);
	if (join_name(visit, &name)) {
		answer_name(visit, name.data);
	} else {
		visit_refuse(visit, RPC_ERR_PARAMS, NULL, "NAME is too long");
	}
	buf_fini(&name);
}
