#include "repl.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "repl_private.h"
#include "xalloc.h"

#define SETTLE_TIME CLOCK_MS(300) /* for the first look at the daemon */

/* readline's callbacks get no context: the one place where they find it. */
static struct repl *current;

struct repl *
repl_current(void)
{
	return current;
}

/* ---- the line under edit ---- */

/* Ends the last row of the line, wherever the cursor is in it. */
static void
leave_line(void)
{
	int point = rl_point;

	rl_point = rl_end;
	rl_redisplay();
	rl_point = point;
	rl_crlf();
}

static void
take_line(char *owned_line)
{
	struct repl *repl = repl_current();

	/* Before anything is printed: the terminal is an ordinary one again. */
	rl_callback_handler_remove();
	repl->prompting = false;
	if (owned_line) {
		repl->line = owned_line;
	} else {
		repl->leaving = true;
		(void)fputs("\n", stdout);
	}
}

static void
begin_prompt(struct repl *repl)
{
	repl_prompt_text(repl, repl->prompt, sizeof repl->prompt);
	using_history();
	rl_reset_screen_size(); /* it may have changed while a command ran */
	rl_callback_handler_install(repl->prompt, take_line);
	repl->prompting = true;
}

static void
end_prompt(struct repl *repl)
{
	if (repl->prompting) {
		leave_line();
		rl_callback_handler_remove();
		(void)fflush(stdout);
		repl->prompting = false;
	}
}

/* readline shows something else than the line: a search, an argument. */
static bool
is_busy(void)
{
	return RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH | RL_STATE_NUMERICARG |
		   RL_STATE_COMPLETING | RL_STATE_DISPATCHING) != 0;
}

static void
write_out(const struct writer *writer)
{
	if (writer->out.size > 0) {
		(void)fwrite(writer->out.data, 1, writer->out.size, stdout);
	}
}

void
repl_print_begin(struct repl *repl, struct writer *writer)
{
	(void)repl;
	leave_line();
	writer_init(writer, repl->colour);
}

void
repl_print_end(struct repl *repl, struct writer *writer)
{
	(void)repl;
	write_out(writer);
	writer_fini(writer);
	rl_forced_update_display();
	(void)fflush(stdout);
}

/* The line goes, the notices come, and the line stands below them as it was.  On a
 * terminal that cannot go back it stays above, and again below. */
static void
show_notices(struct repl *repl, mono_ns now)
{
	char prompt[REPL_PROMPT_BYTES];
	struct writer writer;

	if (is_busy()) {
		return;
	}
	repl_prompt_text(repl, prompt, sizeof prompt);
	writer_init(&writer, repl->colour);
	bool said = notices_show(&repl->notices, now, &writer);
	bool changed = strcmp(prompt, repl->prompt) != 0;

	if (said || (changed && !repl->dumb)) {
		if (repl->dumb) {
			leave_line();
		} else {
			(void)rl_clear_visible_line();
		}
		write_out(&writer);
		memcpy(repl->prompt, prompt, sizeof prompt);
		(void)rl_set_prompt(repl->prompt);
		rl_forced_update_display();
		(void)fflush(stdout);
	}
	writer_fini(&writer);
}

/* ---- signals ---- */

/* Ctrl-C: an empty line, whatever readline was at. */
static void
clear_line(struct repl *repl)
{
	rl_callback_sigcleanup();
	rl_free_line_state();
	rl_point = rl_end;
	/* The kernel may have thrown away what was on its way to the terminal. */
	if (repl->dumb) {
		rl_redisplay();
	} else {
		(void)rl_clear_visible_line();
		rl_forced_update_display();
	}
	(void)fputs("^C", rl_outstream);
	rl_crlf();
	rl_callback_handler_remove();
	begin_prompt(repl);
	(void)fflush(stdout);
}

/* Ctrl-Z: the shell that started us gets the terminal as it was. */
static void
stop_here(struct repl *repl)
{
	bool prompting = repl->prompting;

	if (prompting) {
		rl_deprep_terminal();
	}
	(void)kill(getpid(), SIGSTOP);
	if (prompting) {
		rl_prep_terminal(1);
		rl_forced_update_display();
	}
}

void
repl_take_signal(struct repl *repl, int number)
{
	switch (number) {
	case SIGTERM:
	case SIGHUP:
		repl->ended_by = number;
		repl->leaving = true;
		break;
	case SIGTSTP:
		stop_here(repl);
		break;
	case SIGINT:
		if (repl->prompting) {
			clear_line(repl);
		}
		break;
	case SIGWINCH:
		if (repl->prompting) {
			rl_resize_terminal();
		}
		break;
	default:
		break;
	}
}

static void
take_signals(struct repl *repl)
{
	struct signalfd_siginfo info;

	while (read(repl->signals, &info, sizeof info) == (ssize_t)sizeof info) {
		repl_take_signal(repl, (int)info.ssi_signo);
	}
}

/* ---- the loop ---- */

static int
ms_until(mono_ns when)
{
	mono_ns left = when - clock_now();

	return left <= 0 ? 0 : (int)(left / CLOCK_MS(1)) + 1;
}

static void
wait_and_step(struct repl *repl)
{
	int link[2];

	repl_link_fds(&repl->link, link);
	struct pollfd fds[] = {
	    {.fd = repl->signals, .events = POLLIN},
	    {.fd = STDIN_FILENO, .events = POLLIN},
	    {.fd = link[0], .events = POLLIN},
	    {.fd = link[1], .events = POLLIN},
	};
	/* Notices that had to wait go with the link's next turn, a second at most. */
	int ready = poll(fds, sizeof fds / sizeof fds[0], ms_until(repl->link.wake_at));

	if (ready < 0 && errno != EINTR) {
		repl->leaving = true;
		return;
	}
	take_signals(repl);
	if (repl->leaving) {
		return;
	}
	if (ready > 0 && fds[1].revents != 0) {
		rl_callback_read_char();
	}
	if (repl->prompting) {
		mono_ns now = clock_now();

		repl_link_step(&repl->link, now, &repl->notices);
		show_notices(repl, now);
	}
}

/* Until the daemon's state is known, but not for long. */
static void
settle(struct repl *repl)
{
	mono_ns end = clock_now() + SETTLE_TIME;
	mono_ns now;

	repl_link_hurry(&repl->link, clock_now());
	while ((now = clock_now()) < end) {
		repl_link_step(&repl->link, now, &repl->notices);
		if (repl_link_settled(&repl->link)) {
			return;
		}
		struct pollfd pfd = {.fd = repl->link.client.fd, .events = POLLIN};

		(void)poll(&pfd, 1, ms_until(end));
	}
}

static void
remember(struct repl *repl, const char *line)
{
	if (history_add(&repl->history, line)) {
		HIST_ENTRY *last = history_length > 0 ?
		    history_get(history_base + history_length - 1) :
		    NULL;

		if (!last || strcmp(last->line, line) != 0) {
			add_history(line);
		}
	}
	if (repl->history.problem[0] && !repl->history_told) {
		repl->history_told = true;
		(void)fprintf(stderr, "gwctl: %s\n", repl->history.problem);
	}
}

static void
run_entered(struct repl *repl)
{
	char *line = repl->line;
	char *rest = line;
	char *one;

	repl->line = NULL;
	/* A paste of several lines comes as one, with line ends inside. */
	while (!repl->leaving && (one = strsep(&rest, "\n\r"))) {
		remember(repl, one);
		repl_line_run(repl, one);
	}
	free(line);
	if (!repl->leaving) {
		settle(repl);
	}
	if (repl->link.known && !repl->link.lost) {
		/* What came and went while the command ran, it has shown itself. */
		notices_drop(&repl->notices);
	}
}

/* ---- begin and end ---- */

static sigset_t
signal_set(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP,
	    SIGCHLD};
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		(void)sigaddset(&set, numbers[i]);
	}
	return set;
}

static void
set_up_readline(struct repl *repl)
{
	repl->dumb = options_dumb_terminal();
	rl_instream = stdin;
	rl_outstream = stdout;
	rl_readline_name = "gwctl"; /* for "$if gwctl" in an inputrc */
	rl_catch_signals = 0;
	rl_catch_sigwinch = 0;
	rl_change_environment = 0;
	rl_sort_completion_matches = 0;
	(void)rl_variable_bind("bell-style", "none");
	(void)rl_variable_bind("enable-bracketed-paste", repl->dumb ? "off" : "on");
	repl_complete_install();
	using_history();
	stifle_history(HISTORY_LINES);
	for (size_t i = 0; i < repl->history.count; i++) {
		add_history(repl->history.lines[i]);
	}
}

/* As a signal's victim, so that whoever waits for us sees it. */
static int
end_by_signal(int number, const sigset_t *before)
{
	(void)signal(number, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, before, NULL);
	(void)raise(number);
	return 128 + number;
}

int
repl_run(const struct options *session)
{
	sigset_t set = signal_set();
	sigset_t before;
	struct repl *repl = xzalloc(sizeof *repl);

	current = repl;
	repl->session = *session;
	repl->colour = options_colours(session);
	(void)sigprocmask(SIG_BLOCK, &set, &before);
	repl->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	repl_link_init(&repl->link, repl->session.socket);
	words_init(&repl->words);
	history_open(&repl->history);
	set_up_readline(repl);
	settle(repl);
	repl_banner(repl);
	notices_drop(&repl->notices);
	while (!repl->leaving) {
		if (!repl->prompting) {
			begin_prompt(repl);
		}
		wait_and_step(repl);
		if (repl->line) {
			run_entered(repl);
		}
	}
	end_prompt(repl);
	int ended_by = repl->ended_by;

	history_close(&repl->history);
	clear_history();
	complete_fini(&repl->shown);
	words_fini(&repl->words);
	repl_link_fini(&repl->link);
	(void)close(repl->signals);
	current = NULL;
	free(repl);
	return ended_by ? end_by_signal(ended_by, &before) : EXIT_DONE;
}
