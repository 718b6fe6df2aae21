/*
 * gwbotd: reads the command line and the configuration, runs the daemon, returns its
 * exit status.
 */
#include "apply.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hardening.h"
#include "init.h"
#include "leave.h"
#include "log.h"
#include "memory.h"

struct config *
app_load_config(const struct app *app, struct config_report *report)
{
	struct config_sources sources = {
	    .file = app->args.file,
	    .profile = app->args.profile,
	    .overrides = app->args.overrides,
	    .override_count = app->args.override_count,
	    .paths = paths_source_own(config_env_get, app->env),
	    .environment = environ,
	};

	struct config *config = config_load(&sources, report);

	if (config) {
		config_env_hide(app->env, config);
	}
	return config;
}

/* What was found; of errors app takes down how many they were. */
static void
print_report(struct app *app, const struct config_report *report)
{
	struct buf text;

	buf_init(&text, 1U << 20);
	config_report_print(report, &text);
	if (report->errors > 0) {
		size_t warnings =
		    report->count > report->errors ? report->count - report->errors : 0;

		char count[64] = "";

		if (warnings > 0) {
			(void)snprintf(count, sizeof count, ", %zu warning%s", warnings,
			    warnings == 1 ? "" : "s");
		}
		(void)snprintf(app->why, sizeof app->why,
		    "%zu error%s%s in the configuration", report->errors,
		    report->errors == 1 ? "" : "s", count);
	}
	if (text.size > 0) {
		leave_lines(report->errors > 0 ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
		    buf_slice(&text));
	}
	buf_fini(&text);
}

static int
print_config(struct app *app)
{
	struct buf text;

	buf_init(&text, 1U << 20);
	enum gw_err err = config_print(app->config, true, &text);

	if (err == GW_OK && fwrite(text.data, 1, text.size, stdout) != text.size) {
		err = GW_ERR_IO;
	}
	buf_fini(&text);
	if (err == GW_OK && fflush(stdout) == 0) {
		return 0;
	}
	app_note_why(app, "the standard output cannot be written");
	return APP_EXIT_INTERNAL;
}

static bool
has_token(const struct app *app)
{
	return app->config->discord_token || app->config->discord_token_file[0] != '\0';
}

/* Reads and judges the configuration; an exit status, or 0. */
static int
configure(struct app *app)
{
	struct config_report report = {.count = 0};

	app->config = app_load_config(app, &report);
	app->loaded = app->config;
	app->live = app->config;
	/* A check may run where the token is not at hand; a start may not. */
	bool judge_token = app->args.action == ARGS_RUN ||
	    (app->args.action == ARGS_CHECK && app->config && has_token(app));

	if (app->config && judge_token && !app->args.sim) {
		(void)config_check_token(app->config, &report);
	}
	print_report(app, &report);
	bool good = app->config && report.errors == 0;

	config_report_free(&report);
	return good ? 0 : APP_EXIT_CONFIG;
}

static struct secret *
token_of(const struct app *app)
{
	const struct secret *token = app->config->discord_token;

	return app->args.sim ? simchild_token() :
			       secret_new(secret_reveal(token), secret_size(token));
}

/* The exit status; where it is not 0 and the log was not open, app knows why. */
static int
act(struct app *app)
{
	int status = configure(app);

	if (status != 0) {
		return status;
	}
	switch (app->args.action) {
	case ARGS_CHECK:
		(void)puts("the configuration is good");
		if (!has_token(app) && !app->args.sim) {
			(void)puts("no token is at hand here; a start needs one");
		}
		return 0;
	case ARGS_PRINT_CONFIG:
		return print_config(app);
	case ARGS_RUN:
		app->token = token_of(app);
		return app_run(app);
	case ARGS_HELP:
	case ARGS_VERSION:
	case ARGS_BAD:
		break;
	}
	return APP_EXIT_INTERNAL;
}

/* A standard descriptor that was closed would be the next file or socket that is
 * opened, and the log would be written into it. */
static bool
fill_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	return fd >= 0 && close(fd) == 0;
}

/* Before a configuration or a token is read: as that user, a reload reads them again.
 */
static bool
become(struct app *app)
{
	return !app->args.user ||
	    hardening_become(app->args.user, app->why, sizeof app->why) == GW_OK;
}

/* What needs neither a configuration nor a daemon; false for all else. */
static bool
answer(const struct app *app)
{
	if (app->args.action == ARGS_HELP) {
		(void)fputs(args_help(), stdout);
		return true;
	}
	if (app->args.action == ARGS_VERSION) {
		(void)puts("gwbotd " GWBOT_VERSION);
		return true;
	}
	return false;
}

/* The exit status. */
static int
run(struct app *app)
{
	if (app->args.action == ARGS_BAD) {
		app_note_why(app, app->args.problem);
		return APP_EXIT_USAGE;
	}
	if (!become(app)) {
		return APP_EXIT_USAGE;
	}
	if (app->args.action == ARGS_RUN) {
		hardening_apply();
		init_if_first();
		app_hold_signals();
	}
	app->env = config_env_new();
	return act(app);
}

static void
leave(const struct app *app, int status)
{
	if (app->logs) {
		leave_logged(status, app->why);
		log_set_secret(NULL);
	} else if (status != 0) {
		leave_plain(status, app->why);
	}
}

int
main(int argc, char **argv)
{
	/* Not on the stack, where its tables of probes and jobs would be 70 kB of
	 * zeros. */
	static struct app app;

	app.started_at = clock_now();
	memory_begin();
	if (!fill_standard_fds()) {
		leave_plain(APP_EXIT_INTERNAL,
		    "/dev/null cannot be opened: the process needs a /dev with that "
		    "device");
		return APP_EXIT_INTERNAL;
	}
	args_parse(argc, argv, &app.args);
	if (answer(&app)) {
		return 0;
	}
	int status = run(&app);

	leave(&app, status);
	secret_free(app.token);
	app_free_config(&app);
	config_env_free(app.env);
	/* Else what it still points at would be no leak to those who look for them. */
	explicit_bzero(&app, sizeof app);
	return status;
}
