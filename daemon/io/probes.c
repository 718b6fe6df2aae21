#include "probes.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "log.h"
#include "probe_kinds.h"
#include "xalloc.h"

/* First runs do not all begin in one turn. */
#define FIRST_EVERY CLOCK_MS(50)

/* What a refresh says, a line a probe; what does not fit is left out. */
#define FOUND_BYTES ((size_t)4096)

/* In the order of the words of lists.def. */
static const struct probe_kind *const kinds[] = {
    &probe_tcp,
    &probe_http,
    &probe_command,
    &probe_sheet,
};

/* One of the list, and its run under way. */
struct entry {
	struct probe_task task; /* first: a task is its entry */
	struct probes *probes;
	struct probe probe;
	struct loop_timer *timer;
	mono_ns begun_at; /* the last run */
};

/* Somebody who waits for runs to end. */
struct waiter {
	TAILQ_ENTRY(waiter) link;
	uint64_t id;
	void (*fn)(void *ctx, const struct probes_refresh *refresh, mono_ns now);
	void *ctx;
	struct probes_refresh found;
	struct buf words; /* of the result */
	unsigned left;
	struct entry *entries[PROBES_MAX]; /* NULL: has ended */
};

struct probes {
	struct probes_options options;
	struct probe_tools tools;
	struct fetch *fetch; /* NULL: not needed so far */
	struct entry *entries[PROBES_MAX];
	size_t count;
	uint64_t last_id;
	TAILQ_HEAD(waiters, waiter) waiters;
};

static struct fetch *
provide_fetch(void *ctx)
{
	struct probes *probes = ctx;

	if (!probes->fetch) {
		const struct fetch_options options = {
		    .user_agent = probes->options.user_agent,
		    .ca_file = probes->options.ca_file,
		    .trust = probes->options.trust,
		};

		probes->fetch =
		    fetch_new(probes->options.loop, probes->options.resolver, &options);
	}
	return probes->fetch;
}

static const struct config_rows *
rows(void)
{
	return config_rows(config_option(CONFIG_ID_probes));
}

/* ---- who waits ---- */

static void
free_waiter(struct waiter *waiter)
{
	buf_fini(&waiter->words);
	free(waiter);
}

static void
finish_waiter(struct probes *probes, struct waiter *waiter, mono_ns now)
{
	char words[FOUND_BYTES + 1];

	(void)slice_copy(buf_slice(&waiter->words), words, sizeof words);
	waiter->found.found = words;
	TAILQ_REMOVE(&probes->waiters, waiter, link);
	waiter->fn(waiter->ctx, &waiter->found, now);
	free_waiter(waiter);
}

/* As the chat command health says it. */
static void
put_words(struct buf *out, const char *name, const struct probe_result *result)
{
	bool some = result->reason[0] != '\0';

	switch (result->verdict) {
	case PROBE_GOOD:
		(void)buf_printf(out, "%s: OK%s%s%s\n", name, some ? " (" : "",
		    result->reason, some ? ")" : "");
		return;
	case PROBE_BAD:
		(void)buf_printf(out, "%s: ERROR: %s\n", name, result->reason);
		return;
	case PROBE_UNSETTLED:
		(void)buf_printf(out, "%s: %s\n", name, result->reason);
		return;
	}
}

static void
note_result(struct waiter *waiter, const struct entry *entry,
    const struct probe_result *result)
{
	const char *name = entry->task.config->name;

	waiter->found.runs++;
	put_words(&waiter->words, name, result);
	if (result->verdict == PROBE_BAD) {
		waiter->found.bad++;
		waiter->found.first_bad =
		    waiter->found.first_bad ? waiter->found.first_bad : name;
	}
}

/* A run has ended, or will not any more (result NULL). */
static void
tell_waiters(struct probes *probes, const struct entry *entry,
    const struct probe_result *result, mono_ns now)
{
	struct waiter *next = NULL;

	for (struct waiter *waiter = TAILQ_FIRST(&probes->waiters); waiter;
	     waiter = next) {
		next = TAILQ_NEXT(waiter, link);
		for (size_t i = 0; i < PROBES_MAX; i++) {
			if (waiter->entries[i] != entry) {
				continue;
			}
			waiter->entries[i] = NULL;
			waiter->left--;
			if (result) {
				note_result(waiter, entry, result);
			}
		}
		if (waiter->left == 0) {
			finish_waiter(probes, waiter, now);
		}
	}
}

/* ---- one run ---- */

static void
log_new_state(const struct entry *entry, enum probe_state before)
{
	const struct config_probe *config = entry->task.config;
	const struct probe *probe = &entry->probe;
	struct log_kv pairs[] = {
	    KV("probe", (const char *)config->name),
	    KV("state", probe_state_text(probe->state)),
	    KV("was", probe_state_text(before)),
	    KV("required", config->required),
	    KV("took_s", clock_seconds(probe->last_took)),
	    KV("reason", (const char *)probe->reason),
	};

	log_write_change(probe->state == PROBE_DOWN ? LOG_LEVEL_WARNING :
						      LOG_LEVEL_INFO,
	    "probe_changed", pairs, sizeof pairs / sizeof pairs[0]);
}

static void
arm_next(struct entry *entry, mono_ns now)
{
	mono_ns at = entry->begun_at + entry->task.config->interval;

	loop_timer_arm(entry->timer, at > now ? at : now);
}

static void
on_done(struct probe_task *task, enum probe_verdict verdict, const char *reason,
    mono_ns now)
{
	struct entry *entry = (struct entry *)task;
	const struct probe_limits limits = {
	    .fail_after = (unsigned)task->config->fail_after,
	    .pass_after = (unsigned)task->config->pass_after,
	};
	const struct probe_result result = {verdict, reason, now - entry->begun_at};
	enum probe_state before = entry->probe.state;

	if (probe_note(&entry->probe, &limits, &result, now)) {
		log_new_state(entry, before);
	}
	arm_next(entry, now);
	tell_waiters(entry->probes, entry, &result, now);
}

static const struct probe_kind *
kind_of(const struct entry *entry)
{
	return kinds[entry->task.config->kind];
}

static void
begin(struct entry *entry, mono_ns now)
{
	if (entry->task.work) {
		return; /* that one counts */
	}
	entry->begun_at = now;
	kind_of(entry)->start(&entry->task, now);
}

static void
on_timer(void *ctx, mono_ns now)
{
	begin(ctx, now);
}

/* ---- the list ---- */

static struct entry *
new_entry(struct probes *probes, const struct config_probe *config, mono_ns first_at)
{
	struct entry *entry = xzalloc(sizeof *entry);

	entry->probes = probes;
	entry->task = (struct probe_task){
	    .tools = &probes->tools,
	    .config = config,
	    .done = on_done,
	};
	entry->timer = loop_timer_new(probes->options.loop, on_timer, entry);
	loop_timer_arm(entry->timer, first_at);
	return entry;
}

static void
free_entry(struct entry *entry)
{
	if (entry->task.work) {
		kind_of(entry)->cancel(&entry->task);
	}
	if (entry->task.kept) {
		kind_of(entry)->forget(&entry->task);
	}
	loop_timer_free(entry->timer);
	free(entry);
}

/* Takes the entry that a group of the new list goes on with out of the old ones. */
static struct entry *
take_same(struct probes *probes, const struct config_group *group)
{
	for (size_t i = 0; i < probes->count; i++) {
		struct entry *entry = probes->entries[i];

		if (entry &&
		    config_group_same(rows(), group, &entry->task.config->group)) {
			probes->entries[i] = NULL;
			return entry;
		}
	}
	return NULL;
}

void
probes_configure(struct probes *probes, const struct config *config, mono_ns now)
{
	struct entry *fresh[PROBES_MAX];
	size_t count = config->probes.count;
	unsigned begun = 0;

	for (size_t i = 0; i < count; i++) {
		const struct config_probe *group = config_probe(config, i);

		fresh[i] = take_same(probes, &group->group);
		if (fresh[i]) {
			fresh[i]->task.config = group;
		} else {
			fresh[i] =
			    new_entry(probes, group, now + begun++ * FIRST_EVERY);
		}
	}
	for (size_t i = 0; i < probes->count; i++) {
		if (probes->entries[i]) {
			tell_waiters(probes, probes->entries[i], NULL, now);
			free_entry(probes->entries[i]);
		}
	}
	for (size_t i = 0; i < count; i++) {
		probes->entries[i] = fresh[i];
	}
	probes->count = count;
}

size_t
probes_count(const struct probes *probes)
{
	return probes->count;
}

struct probe_view
probes_view(const struct probes *probes, size_t index)
{
	const struct entry *entry = probes->entries[index];
	const struct config_probe *config = entry->task.config;

	struct probe_view view = {
	    .name = config->name,
	    .required = config->required,
	    .running = entry->task.work != NULL,
	    .interval = config->interval,
	    .probe = entry->probe,
	};

	(void)slice_copy(config_group_kind(rows(), &config->group), view.kind,
	    sizeof view.kind);
	return view;
}

/* ---- at once ---- */

uint64_t
probes_run(struct probes *probes, const char *name,
    void (*fn)(void *ctx, const struct probes_refresh *refresh, mono_ns now), void *ctx,
    mono_ns now)
{
	struct waiter *waiter = xzalloc(sizeof *waiter);

	for (size_t i = 0; i < probes->count; i++) {
		struct entry *entry = probes->entries[i];

		if (!name || strcmp(entry->task.config->name, name) == 0) {
			waiter->entries[waiter->left++] = entry;
		}
	}
	buf_init(&waiter->words, FOUND_BYTES);
	if (waiter->left == 0) {
		free_waiter(waiter);
		return 0;
	}
	waiter->id = ++probes->last_id;
	waiter->fn = fn;
	waiter->ctx = ctx;
	TAILQ_INSERT_TAIL(&probes->waiters, waiter, link);
	for (size_t i = 0; i < waiter->left; i++) {
		begin(waiter->entries[i], now);
	}
	return waiter->id;
}

void
probes_cancel(struct probes *probes, uint64_t id)
{
	struct waiter *waiter = NULL;

	TAILQ_FOREACH(waiter, &probes->waiters, link)
	{
		if (waiter->id == id) {
			TAILQ_REMOVE(&probes->waiters, waiter, link);
			free_waiter(waiter);
			return;
		}
	}
}

struct probes *
probes_new(const struct probes_options *options)
{
	struct probes *probes = xzalloc(sizeof *probes);

	probes->options = *options;
	probes->tools = (struct probe_tools){
	    .loop = options->loop,
	    .resolver = options->resolver,
	    .children = options->children,
	    .worker = options->worker,
	    .variable = options->variable,
	    .variables = options->variables,
	    .fetch = provide_fetch,
	    .ctx = probes,
	};
	TAILQ_INIT(&probes->waiters);
	return probes;
}

void
probes_free(struct probes *owned_probes)
{
	struct waiter *waiter = NULL;

	if (!owned_probes) {
		return;
	}
	while ((waiter = TAILQ_FIRST(&owned_probes->waiters))) {
		TAILQ_REMOVE(&owned_probes->waiters, waiter, link);
		free_waiter(waiter);
	}
	for (size_t i = 0; i < owned_probes->count; i++) {
		free_entry(owned_probes->entries[i]);
	}
	fetch_free(owned_probes->fetch);
	free(owned_probes);
}
