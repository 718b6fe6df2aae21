#include "programs.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

/* Of all reloads; more want a restart. */
#define LEARNED_MAX 4096

/* One that may be started: its words, with a NULL behind them. */
struct program {
	struct program *next;
	char **words;
};

/* Of the spawner's process alone. */
struct programs {
	const struct app *app; /* as it was at the fork */
	struct program *learned;
	size_t count;
};

static bool
is_same(const struct config_list *words, char *const *argv)
{
	size_t i = 0;

	while (i < words->count && argv[i] && strcmp(words->items[i], argv[i]) == 0) {
		i++;
	}
	return words->count > 0 && i == words->count && !argv[i];
}

static bool
is_named(const struct config *config, char *const *argv)
{
	bool named = false;

	for (size_t i = 0; !named && i < config->probes.count; i++) {
		named = is_same(&config_probe(config, i)->command, argv);
	}
	for (size_t i = 0; !named && i < config->jobs.count; i++) {
		const struct config_job *job = config_job(config, i);

		named = is_same(&job->command, argv) || is_same(&job->program, argv);
	}
	return named;
}

static bool
is_learned(const struct programs *programs, char *const *argv)
{
	for (const struct program *at = programs->learned; at; at = at->next) {
		size_t i = 0;

		while (at->words[i] && argv[i] && strcmp(at->words[i], argv[i]) == 0) {
			i++;
		}
		if (!at->words[i] && !argv[i]) {
			return true;
		}
	}
	return false;
}

static bool
allows(void *ctx, char *const *argv)
{
	const struct programs *programs = ctx;

	return is_named(programs->app->config, argv) || is_learned(programs, argv);
}

static void
add(struct programs *programs, const struct config_list *words)
{
	if (words->count == 0 || programs->count == LEARNED_MAX) {
		return;
	}
	struct program *program = xzalloc(sizeof *program);

	program->words = xzalloc((words->count + 1) * sizeof *program->words);
	for (size_t i = 0; i < words->count; i++) {
		program->words[i] = xstrdup(words->items[i]);
	}
	if (allows(programs, program->words)) {
		for (size_t i = 0; i < words->count; i++) {
			free(program->words[i]);
		}
		free(program->words);
		free(program);
		return;
	}
	program->next = programs->learned;
	programs->learned = program;
	programs->count++;
}

/* What was named before stays: a reload on trial may be taken back, when the files have
 * long another text. */
static void
learn(void *ctx)
{
	struct programs *programs = ctx;
	struct config_report report = {.count = 0};
	struct config *config = app_load_config(programs->app, &report);

	config_report_free(&report);
	if (!config) {
		return;
	}
	for (size_t i = 0; i < config->probes.count; i++) {
		add(programs, &config_probe(config, i)->command);
	}
	for (size_t i = 0; i < config->jobs.count; i++) {
		add(programs, &config_job(config, i)->command);
		add(programs, &config_job(config, i)->program);
	}
	config_free(config);
}

struct spawner *
programs_spawner(const struct app *app)
{
	/* The spawner never leaves this frame; the daemon has no use for it. */
	struct programs programs = {.app = app};
	const struct spawner_options options = {allows, learn, &programs};

	return spawner_new(&options);
}
