/* Starts the bot's own surface: probes, jobs, log channel, commands. */
#include "app.h"

#include <unistd.h>

static void
on_job_kept(void *ctx)
{
	const struct app *app = ctx;

	(void)store_ledger_changed(app->store);
}

static void
start_probes(struct app *app)
{
	const char *ca_file = app->config->discord_ca_file;
	struct probes_options probes = {
	    .loop = app->loop,
	    .resolver = app->resolver,
	    .worker = app->errands,
	    .variable = config_env_get,
	    .variables = app->env,
	    .user_agent = "gwbotd/" GWBOT_VERSION,
	    .ca_file = ca_file[0] != '\0' ? ca_file : NULL,
	    /* gwsim's authority is for gwsim alone. */
	    .trust = app->args.sim ? NULL : app->tls,
	};

	app->children = children_new(app->loop, app->spawner);
	probes.children = app->children;
	app->probes = probes_new(&probes);
	struct jobs_options jobs = {
	    .loop = app->loop,
	    .children = app->children,
	    .probes = app->probes,
	    .rest = app->rest,
	    .started_at = app->started_at,
	    .lastrun = store_lastrun(app->store),
	    .kept = on_job_kept,
	    .ctx = app,
	    .seed = (uint64_t)app->started_at ^ (uint64_t)getpid() << 32,
	};

	app->jobs = jobs_new(&jobs);
	const struct logchannel_options channel = {
	    .loop = app->loop,
	    .rest = app->rest,
	    .events = app->events,
	    .version = GWBOT_VERSION,
	    .profile = app->config->profile,
	};

	app->logchannel = logchannel_new(&channel);
}

static void
start_chat(struct app *app)
{
	struct chat_options options = {
	    .rest = app->rest,
	    .dispatch = &app->dispatch,
	    .facts = app_bot_facts,
	    .reboot = app_reboot_soon,
	    .ctx = app,
	    .started_wall_ms = clock_wall_ms(),
	};

	app->bot = bot_new();
	options.bot = app->bot;
	app->chat = chat_new(&options);
}

static const struct guild *
find_guild(void *ctx, uint64_t id)
{
	const struct app *app = ctx;

	return chat_guild(app->chat, id);
}

static void
start_slash(struct app *app)
{
	struct slash_options options = {
	    .loop = app->loop,
	    .rest = app->rest,
	    .dispatch = &app->dispatch,
	    .probes = app->probes,
	    .bot = app->bot,
	    .facts = app_bot_facts,
	    .guild = find_guild,
	    .reboot = app_reboot_soon,
	    .ctx = app,
	};

	app->slash = slash_new(&options);
}

int
app_start_bot(struct app *app)
{
	start_probes(app);
	start_chat(app);
	start_slash(app);
	return 0;
}
