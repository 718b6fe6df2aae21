#include "args.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* A token begins with the id of its bot, which is no secret, in 24 bytes or more. */
#define ECHO_BYTES 24

enum {
	OPT_CONFIG = 'c',
	OPT_PROFILE = 'p',
	OPT_SET = 's',
	OPT_HELP = 'h',
	OPT_VERSION = 'V',
	OPT_CHECK = 256,
	OPT_PRINT_CONFIG,
	OPT_SIM,
	OPT_USER,
};

static const struct option options[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"profile", required_argument, NULL, OPT_PROFILE},
    {"set", required_argument, NULL, OPT_SET},
    {"check", no_argument, NULL, OPT_CHECK},
    {"print-config", no_argument, NULL, OPT_PRINT_CONFIG},
    {"sim", no_argument, NULL, OPT_SIM},
    {"user", required_argument, NULL, OPT_USER},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

const char *
args_help(void)
{
	return "usage: gwbotd [OPTION...]\n"
	       "\n"
	       "Holds a Discord bot's gateway sessions and tells the truth about "
	       "them.\n"
	       "\n"
	       "  -c, --config FILE       read FILE instead of /etc/gwbot.conf\n"
	       "  -p, --profile NAME      prod, dev, test, qa or stage\n"
	       "  -s, --set PATH=VALUE    set one option, e.g. --set http.port=8080\n"
	       "      --sim               connect to a built-in gateway on loopback: "
	       "no token,\n"
	       "                          no internet\n"
	       "      --user NAME         as root: become this user before anything "
	       "else\n"
	       "      --check             check the configuration and exit (0, or 78)\n"
	       "      --print-config      print every effective value and where it "
	       "came from\n"
	       "  -h, --help              this text\n"
	       "  -V, --version           the version\n"
	       "\n"
	       "The token comes from DISCORD_TOKEN, DISCORD_TOKEN_FILE, "
	       "discord.token_file or\n"
	       "the systemd credential discord_token; never from the command line.\n"
	       "\n"
	       "Exit status: 0 asked to stop, 1 watchdog, 64 usage, 70 internal, 77 "
	       "refused by\n"
	       "Discord, 78 configuration.  Manual: gwbotd(8), gwbot.conf(5), "
	       "gwctl(1).\n";
}

/* Echoes the begin of a word up to its value: someone may have put the token there. */
static void
bad(struct args *out, const char *what, const char *word)
{
	char echo[ECHO_BYTES + 1] = "";

	if (word) {
		memcpy(echo, word, strnlen(word, ECHO_BYTES));
		echo[strcspn(echo, "=")] = '\0';
	}
	out->action = ARGS_BAD;
	(void)snprintf(out->problem, sizeof out->problem, "%s%s%s", what,
	    word ? ": " : "", echo);
}

static void
add_override(struct args *out, const char *text)
{
	if (out->override_count == ARGS_OVERRIDES_MAX) {
		bad(out, "too many --set options", NULL);
		return;
	}
	out->overrides[out->override_count++].path = text;
}

static void
take(struct args *out, int option, const char *word)
{
	switch (option) {
	case OPT_CONFIG:
		out->file = optarg;
		return;
	case OPT_PROFILE:
		out->profile = optarg;
		return;
	case OPT_SET:
		add_override(out, optarg);
		return;
	case OPT_CHECK:
		out->action = ARGS_CHECK;
		return;
	case OPT_PRINT_CONFIG:
		out->action = ARGS_PRINT_CONFIG;
		return;
	case OPT_SIM:
		out->sim = true;
		return;
	case OPT_USER:
		out->user = optarg;
		return;
	case OPT_HELP:
		out->action = ARGS_HELP;
		return;
	case OPT_VERSION:
		out->action = ARGS_VERSION;
		return;
	case ':':
		bad(out, "an option lacks its value", word);
		return;
	default:
		bad(out, "unknown option", word);
		return;
	}
}

void
args_parse(int argc, char **argv, struct args *out)
{
	int option;

	*out = (struct args){.action = ARGS_RUN};
	opterr = 0;
	optind = 1;
	while (out->action != ARGS_BAD &&
	    (option = getopt_long(argc, argv, ":c:p:s:hV", options, NULL)) != -1) {
		take(out, option, optind > 0 ? argv[optind - 1] : NULL);
	}
	if (out->action != ARGS_BAD && optind < argc) {
		bad(out, "unexpected word", argv[optind]);
	}
}
