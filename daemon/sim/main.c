/*
 * gwsim: Discord on loopback.  One thread, one epoll loop; see gwsim --help.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "appcommands.h"
#include "budget.h"
#include "calllog.h"
#include "control.h"
#include "google.h"
#include "interactions.h"
#include "log.h"
#include "messages.h"
#include "report.h"
#include "rest.h"
#include "rights.h"
#include "server.h"
#include "sim.h"
#include "threads.h"
#include "tls.h"
#include "xalloc.h"

#define EXIT_USAGE 64

/* A bot's token has three parts, base64url each, and at least this many characters. */
#define TOKEN_MIN_BYTES 50

bool
sim_token_is_good(const struct sim *sim, struct slice token)
{
	if (sim->budget.token_reset) {
		return false;
	}
	if (sim->argv.token) {
		return slice_equal(token, slice_of(sim->argv.token));
	}
	int dots = 0;
	size_t part = 0;

	for (size_t i = 0; i < token.size; i++) {
		char c = token.data[i];
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '_';

		if (!letter && (c != '.' || part == 0)) {
			return false;
		}
		dots += letter ? 0 : 1;
		part = letter ? part + 1 : 0;
	}
	return token.size >= TOKEN_MIN_BYTES && dots == 2 && part > 0;
}

static void
on_signal(struct loop_watch *watch, uint32_t events)
{
	struct sim *sim = watch->owner;
	struct signalfd_siginfo info;

	(void)events;
	if (read(watch->fd, &info, sizeof info) == (ssize_t)sizeof info) {
		sim->quitting = true;
	}
}

static bool
watch_signals(struct sim *sim, struct loop_watch *watch)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	*watch =
	    (struct loop_watch){.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC),
		.ready = on_signal,
		.owner = sim};
	if (watch->fd < 0) {
		return false;
	}
	loop_arm(&sim->loop, watch, EPOLLIN);
	return true;
}

static bool
open_log(const char *target)
{
	int fd = STDERR_FILENO;

	if (target && strcmp(target, "-") != 0) {
		fd = open(target, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (fd < 0) {
			(void)fprintf(stderr, "gwsim: --log: %s: %s\n", target,
			    strerror(errno));
			return false;
		}
	}
	log_open(fd, LOG_FORMAT_LOGFMT, target ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR);
	return true;
}

/* Connections need descriptors: as many as we may have. */
static void
raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void
set_urls(struct sim *sim)
{
	unsigned port = server_port(sim->server);
	const char *host = sim->argv.hosts[0];
	/* An address of version 6 stands in brackets in a URL. */
	bool v6 = strchr(host, ':') != NULL;

	(void)snprintf(sim->api_base, sizeof sim->api_base, "%s://%s%s%s:%u/api/v10",
	    sim->tls ? "https" : "http", v6 ? "[" : "", host, v6 ? "]" : "", port);
	(void)snprintf(sim->gateway_url, sizeof sim->gateway_url, "%s://%s%s%s:%u",
	    sim->tls ? "wss" : "ws", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

static bool
tell_ready(const struct sim *sim)
{
	struct jsonw line;
	bool good = true;

	jsonw_init(&line, 8192);
	jsonw_raw(&line, "{");
	report_place(sim, &line);
	jsonw_raw(&line, "}\n");
	good = fwrite(line.buf.data, 1, line.buf.size, stdout) == line.buf.size &&
	    fflush(stdout) == 0;
	if (good && sim->argv.ready_fd >= 0) {
		good = write(sim->argv.ready_fd, line.buf.data, line.buf.size) ==
		    (ssize_t)line.buf.size;
		if (sim->argv.ready_fd > STDERR_FILENO) {
			(void)close(sim->argv.ready_fd);
		}
	}
	jsonw_fini(&line);
	if (!good) {
		(void)fputs("gwsim: cannot write the line that says it is ready\n",
		    stderr);
	}
	return good;
}

static bool
start(struct sim *sim)
{
	const struct argv *argv = &sim->argv;

	sim->now = clock_now();
	sim->active_at = sim->now;
	sim->world = (struct world){.seed = argv->seed,
	    .guilds = argv->guilds,
	    .big_guild_bytes = argv->big_guild_bytes};
	sim->faults.fresh.rate = argv->rate;
	for (int i = 0; i < ARGV_MAX_SHARDS; i++) {
		sim->faults.shards[i].rate = argv->rate;
	}
	budget_init(sim);
	sim->rest = rest_new();
	sim->messages = messages_new();
	sim->calllog = calllog_new();
	sim->appcommands = appcommands_new();
	sim->interactions = interactions_new();
	sim->rights = rights_new();
	sim->world.threads = threads_new();
	sim->google = google_new();
	if (argv->tls && !(sim->tls = tls_new(argv->tls_dir, argv->tls_record))) {
		return false;
	}
	/* The socket first: it is what keeps a second gwsim away. */
	if (argv->control && !(sim->control = control_new(sim, argv->control))) {
		return false;
	}
	sim->server = server_new(sim);
	if (!sim->server) {
		return false;
	}
	set_urls(sim);
	return tell_ready(sim);
}

static void
stop(struct sim *sim)
{
	server_free(sim->server);
	session_end_all(sim);
	control_free(sim->control);
	tls_free(sim->tls);
	rest_free(sim->rest);
	messages_free(sim->messages);
	calllog_free(sim->calllog);
	appcommands_free(sim->appcommands);
	interactions_free(sim->interactions);
	rights_free(sim->rights);
	threads_free(sim->world.threads);
	google_free(sim->google);
	budget_fini(sim);
}

static mono_ns
idle_at(struct sim *sim)
{
	if (sim->argv.idle_exit == 0) {
		return CLOCK_NEVER;
	}
	if (server_conns(sim->server)) {
		sim->active_at = sim->now;
	}
	return clock_add(sim->active_at, sim->argv.idle_exit);
}

static mono_ns
min_ns(mono_ns a, mono_ns b)
{
	return a < b ? a : b;
}

static void
run(struct sim *sim)
{
	while (!sim->quitting) {
		mono_ns wake_at = session_tick_all(sim);

		wake_at = min_ns(wake_at, server_tick(sim->server));
		server_sweep(sim->server);
		control_sweep(sim->control);
		mono_ns exit_at = idle_at(sim);

		if (sim->now >= exit_at) {
			log_info("idle",
			    KV("after_s", sim->argv.idle_exit / CLOCK_S(1)));
			return;
		}
		loop_turn(&sim->loop, min_ns(wake_at, exit_at), &sim->now);
	}
}

int
main(int argc, char **argv)
{
	/* On the heap: the table of faults is too large for a stack. */
	struct sim *sim = xzalloc(sizeof *sim);
	struct loop_watch signals = {.fd = -1};
	int status = EXIT_FAILURE;

	switch (argv_parse(&sim->argv, argc, argv)) {
	case ARGV_DONE:
		free(sim);
		return EXIT_SUCCESS;
	case ARGV_USAGE:
		free(sim);
		return EXIT_USAGE;
	case ARGV_RUN:
		break;
	}
	raise_file_limit();
	if (open_log(sim->argv.log) && loop_init(&sim->loop)) {
		if (watch_signals(sim, &signals) && start(sim)) {
			run(sim);
			status = EXIT_SUCCESS;
		}
		stop(sim);
		loop_arm(&sim->loop, &signals, 0);
		loop_fini(&sim->loop);
	}
	if (signals.fd >= 0) {
		(void)close(signals.fd);
	}
	free(sim);
	return status;
}
