/* The prompt and the banner. */
#include <stdio.h>
#include <string.h>

#include "repl_private.h"
#include "text.h"

/* Discord's real side of the world: any profile that is not known to be another. */
static bool
is_prod(const char *profile)
{
	static const char *const others[] = {"dev", "test", "qa", "stage"};

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		if (strcmp(profile, others[i]) == 0) {
			return false;
		}
	}
	return true;
}

static const char *
code_of(enum writer_style style)
{
	switch (style) {
	case STYLE_GREEN:
		return "\033[32m";
	case STYLE_YELLOW:
		return "\033[33m";
	case STYLE_RED:
		return "\033[1;31m";
	case STYLE_BOLD:
		return "\033[1m";
	case STYLE_DIM:
		return "\033[2m";
	case STYLE_PLAIN:
		break;
	}
	return "";
}

/* \001 and \002 stand around what takes no column; none of the daemon's can get in. */
static void
put(const struct repl *repl, struct buf *out, enum writer_style style, const char *text)
{
	bool coloured = repl->colour && style != STYLE_PLAIN;

	if (coloured) {
		(void)buf_printf(out, "\001%s\002", code_of(style));
	}
	(void)text_clean(slice_of(text), true, out);
	if (coloured) {
		(void)buf_printf(out, "\001\033[0m\002");
	}
}

/* "ready", "reconnecting 12s" */
static void
describe(const struct repl_link *link, char *out, size_t room)
{
	bool ready = strcmp(link->state, "ready") == 0;
	double away = link->away_seconds > 1e6 ? 1e6 : link->away_seconds;

	if (ready || away < 1) {
		(void)snprintf(out, room, "%s", link->state);
	} else if (away < 120) {
		(void)snprintf(out, room, "%s %ds", link->state, (int)away);
	} else {
		(void)snprintf(out, room, "%s %dmin", link->state, (int)(away / 60));
	}
}

void
repl_prompt_text(const struct repl *repl, char *out, size_t room)
{
	const struct repl_link *link = &repl->link;
	struct buf text;

	buf_init(&text, room - 1);
	if (!link->known) {
		put(repl, &text, STYLE_PLAIN, "gwbot(");
		put(repl, &text, STYLE_YELLOW, "not connected");
	} else {
		bool ready = strcmp(link->state, "ready") == 0;
		char state[64];

		describe(link, state, sizeof state);
		put(repl, &text, is_prod(link->profile) ? STYLE_RED : STYLE_PLAIN,
		    "gwbot");
		put(repl, &text, STYLE_PLAIN, "(");
		put(repl, &text, STYLE_PLAIN, link->profile);
		put(repl, &text, STYLE_PLAIN, ": ");
		put(repl, &text, ready ? STYLE_PLAIN : STYLE_YELLOW, state);
	}
	put(repl, &text, STYLE_PLAIN, ")> ");
	(void)slice_copy(buf_slice(&text), out, room);
	buf_fini(&text);
}

void
repl_banner(const struct repl *repl)
{
	const struct repl_link *link = &repl->link;
	struct writer writer;

	writer_init(&writer, repl->colour);
	if (link->known) {
		writer_printf(&writer, STYLE_PLAIN, "gwbotd %s, %s, %s",
		    link->client.version, link->profile, link->state);
		writer_put(&writer, STYLE_DIM, "     help, or ? at any point");
	} else {
		writer_printf(&writer, STYLE_YELLOW, "gwctl %s: %s", GWBOT_VERSION,
		    link->failure.text[0] ? link->failure.text :
					    "gwbotd does not answer");
	}
	writer_newline(&writer);
	if (!link->known && link->failure.hint[0]) {
		writer_put(&writer, STYLE_DIM, link->failure.hint);
		writer_newline(&writer);
	}
	(void)fwrite(writer.out.data, 1, writer.out.size, stdout);
	(void)fflush(stdout);
	writer_fini(&writer);
}
