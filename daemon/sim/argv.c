#include "argv.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help_text[] =
    "Usage: gwsim [OPTION...]\n"
    "\n"
    "Discord on loopback: the gateway, the REST calls a gateway bot needs and a small\n"
    "living server, with every fault on command. For tests, drills and benchmarks.\n"
    "\n"
    "At start it prints one JSON line: port, api_base, gateway, control, ca_file, "
    "pid.\n"
    "\n"
    "Where it listens\n"
    "  --host ADDRESS         loopback address, up to 4 times; localhost means "
    "127.0.0.1\n"
    "                         and ::1 (default 127.0.0.1)\n"
    "  --port N               HTTP and gateway share it; 0 = any free one (default 0)\n"
    "  --tls --tls-dir DIR    https and wss with a CA made and kept in DIR (ca.pem)\n"
    "  --tls-record BYTES     the most that a record of TLS has, 512 to 16384 (default "
    "16384)\n"
    "  --control PATH         Unix socket for commands: one line in, one JSON line "
    "out;\n"
    "                         `help` lists them\n"
    "  --ready-fd N           write the JSON line to this descriptor too\n"
    "\n"
    "What it plays\n"
    "  --token TOKEN          the only token accepted (default: any plausible one)\n"
    "  --heartbeat MS         heartbeat interval told in HELLO (default 41250)\n"
    "  --guilds N             guilds the bot is in (default 3)\n"
    "  --rate EVENTS_PER_S    events that happen in each session by themselves "
    "(default 2)\n"
    "  --big-guild BYTES      the first guild's GUILD_CREATE is this big\n"
    "  --seed N               the same seed plays the same world (default 1)\n"
    "  --shards N             recommended shards in /gateway/bot (default 1)\n"
    "  --max-concurrency N    identifies per window: one per shard id modulo N "
    "(default 1)\n"
    "  --identify-window MS   that window (default 5000)\n"
    "  --identify-within S    a connection that does not identify or resume in this "
    "time\n"
    "                         is closed with 4009 (default 120)\n"
    "  --session-limit TOTAL  identifies a day (default 1000)\n"
    "  --remaining N          how many of them are left at start (default: all)\n"
    "  --session-ttl S        how long a session without connection lives (default "
    "300)\n"
    "  --buffer N             events kept for replay in each session (default 20000)\n"
    "  --privileged 0|1       0: privileged intents are not enabled, 4014 (default 1)\n"
    "\n"
    "Running it\n"
    "  --idle-exit S          exit when for S seconds no client was connected and no\n"
    "                         command came\n"
    "  --log FILE|-           event log, - is stderr (default: errors only, stderr)\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 asked to stop or idle, 1 could not start or run, 64 usage.\n"
    "\n"
    "What it does NOT imitate\n"
    "  ETF and Identify's own compress; the deprecated API versions (v must be 10);\n"
    "  voice (op 4 is accepted, nothing follows), op 43, components, modals and\n"
    "  autocompletion, webhooks of its own, new threads, forums, DMs, attachments;\n"
    "  rights of people, and of the bot other than those that the command right takes\n"
    "  away; the daily limit of new application commands, and whether a letter beyond\n"
    "  ASCII in their names has a lower case; the regional difference between gateway "
    "hosts\n"
    "  (resume_gateway_url is gwsim itself); Cloudflare beyond an HTML 429; the "
    "sub-limits\n"
    "  of single routes. There is one bot: all accepted tokens are it. Random events "
    "are\n"
    "  made for each session by itself, so two sessions with one shard pair differ in "
    "them;\n"
    "  what REST or the command message causes reaches all. Ids are well formed, but "
    "the\n"
    "  ages they tell are made up. What the reference does not tell is a guess: a "
    "missed\n"
    "  heartbeat closes with 4000, a reader that falls behind by --buffer events is "
    "dropped\n"
    "  without a code.\n";

enum option_id {
	OPTION_HOST = 256,
	OPTION_PORT,
	OPTION_TLS,
	OPTION_TLS_DIR,
	OPTION_TLS_RECORD,
	OPTION_CONTROL,
	OPTION_READY_FD,
	OPTION_TOKEN,
	OPTION_HEARTBEAT,
	OPTION_GUILDS,
	OPTION_RATE,
	OPTION_BIG_GUILD,
	OPTION_SEED,
	OPTION_SHARDS,
	OPTION_MAX_CONCURRENCY,
	OPTION_IDENTIFY_WINDOW,
	OPTION_IDENTIFY_WITHIN,
	OPTION_SESSION_LIMIT,
	OPTION_REMAINING,
	OPTION_SESSION_TTL,
	OPTION_BUFFER,
	OPTION_PRIVILEGED,
	OPTION_IDLE_EXIT,
	OPTION_LOG,
	OPTION_HELP,
	OPTION_VERSION,
};

static const struct option options[] = {
    {"host", required_argument, NULL, OPTION_HOST},
    {"port", required_argument, NULL, OPTION_PORT},
    {"tls", no_argument, NULL, OPTION_TLS},
    {"tls-dir", required_argument, NULL, OPTION_TLS_DIR},
    {"tls-record", required_argument, NULL, OPTION_TLS_RECORD},
    {"control", required_argument, NULL, OPTION_CONTROL},
    {"ready-fd", required_argument, NULL, OPTION_READY_FD},
    {"token", required_argument, NULL, OPTION_TOKEN},
    {"heartbeat", required_argument, NULL, OPTION_HEARTBEAT},
    {"guilds", required_argument, NULL, OPTION_GUILDS},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"big-guild", required_argument, NULL, OPTION_BIG_GUILD},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"shards", required_argument, NULL, OPTION_SHARDS},
    {"max-concurrency", required_argument, NULL, OPTION_MAX_CONCURRENCY},
    {"identify-window", required_argument, NULL, OPTION_IDENTIFY_WINDOW},
    {"identify-within", required_argument, NULL, OPTION_IDENTIFY_WITHIN},
    {"session-limit", required_argument, NULL, OPTION_SESSION_LIMIT},
    {"remaining", required_argument, NULL, OPTION_REMAINING},
    {"session-ttl", required_argument, NULL, OPTION_SESSION_TTL},
    {"buffer", required_argument, NULL, OPTION_BUFFER},
    {"privileged", required_argument, NULL, OPTION_PRIVILEGED},
    {"idle-exit", required_argument, NULL, OPTION_IDLE_EXIT},
    {"log", required_argument, NULL, OPTION_LOG},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static bool
parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end = NULL;

	errno = 0;
	uint64_t value = strtoull(text, &end, 10);

	if (errno != 0 || end == text || *end != '\0' || *text == '-' || value < min ||
	    value > max) {
		return false;
	}
	*out = value;
	return true;
}

static bool
parse_double(const char *text, double max, double *out)
{
	char *end = NULL;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' || !isfinite(value) || value < 0 ||
	    value > max) {
		return false;
	}
	*out = value;
	return true;
}

static bool
parse_seconds(const char *text, mono_ns *out)
{
	double seconds = 0;

	if (!parse_double(text, 1e6, &seconds)) {
		return false;
	}
	*out = (mono_ns)(seconds * 1e9);
	return true;
}

static bool
parse_ms(const char *text, mono_ns *out)
{
	uint64_t ms = 0;

	if (!parse_uint(text, 0, 1000000000, &ms)) {
		return false;
	}
	*out = CLOCK_MS(ms);
	return true;
}

static bool
add_host(struct argv *out, const char *host)
{
	if (out->host_count == ARGV_MAX_HOSTS) {
		return false;
	}
	out->hosts[out->host_count++] = host;
	return true;
}

static bool
take_where(struct argv *out, int id, const char *value)
{
	uint64_t number = 0;
	bool good = true;

	switch (id) {
	case OPTION_HOST:
		return strcmp(value, "localhost") == 0 ?
		    add_host(out, "127.0.0.1") && add_host(out, "::1") :
		    add_host(out, value);
	case OPTION_PORT:
		good = parse_uint(value, 0, UINT16_MAX, &number);
		out->port = (uint16_t)number;
		return good;
	case OPTION_READY_FD:
		good = parse_uint(value, 0, 65535, &number);
		out->ready_fd = (int)number;
		return good;
	case OPTION_TLS:
		out->tls = true;
		return true;
	case OPTION_TLS_DIR:
		out->tls_dir = value;
		return true;
	case OPTION_TLS_RECORD:
		return parse_uint(value, 512, ARGV_TLS_RECORD_MAX, &out->tls_record);
	case OPTION_CONTROL:
		out->control = value;
		return true;
	case OPTION_LOG:
		out->log = value;
		return true;
	case OPTION_TOKEN:
		out->token = value;
		return *value != '\0';
	default:
		return false;
	}
}

static bool
take_play(struct argv *out, int id, const char *value)
{
	uint64_t number = 0;
	bool good = true;

	switch (id) {
	case OPTION_HEARTBEAT:
		good = parse_uint(value, 10, 100000000, &number);
		out->heartbeat_interval_ms = (int64_t)number;
		return good;
	case OPTION_GUILDS:
		return parse_uint(value, 0, 200000, &out->guilds);
	case OPTION_RATE:
		return parse_double(value, 1e6, &out->rate);
	case OPTION_BIG_GUILD:
		return parse_uint(value, 0, 128U << 20, &out->big_guild_bytes);
	case OPTION_SEED:
		return parse_uint(value, 0, UINT64_MAX, &out->seed);
	case OPTION_SHARDS:
		return parse_uint(value, 1, ARGV_MAX_SHARDS, &out->shards);
	case OPTION_MAX_CONCURRENCY:
		return parse_uint(value, 1, ARGV_MAX_SHARDS, &out->max_concurrency);
	case OPTION_IDENTIFY_WINDOW:
		return parse_ms(value, &out->identify_window);
	case OPTION_IDENTIFY_WITHIN:
		return parse_seconds(value, &out->identify_within);
	case OPTION_SESSION_LIMIT:
		return parse_uint(value, 1, 1000000000, &out->session_total);
	case OPTION_REMAINING:
		return parse_uint(value, 0, 1000000000, &out->session_remaining);
	case OPTION_SESSION_TTL:
		return parse_seconds(value, &out->session_ttl);
	case OPTION_BUFFER:
		return parse_uint(value, 16, 10000000, &out->buffer_events);
	case OPTION_PRIVILEGED:
		good = parse_uint(value, 0, 1, &number);
		out->privileged = number == 1;
		return good;
	case OPTION_IDLE_EXIT:
		return parse_seconds(value, &out->idle_exit);
	default:
		return take_where(out, id, value);
	}
}

static enum argv_result
complete(struct argv *out)
{
	if (out->tls && !out->tls_dir) {
		(void)fputs("gwsim: --tls needs --tls-dir DIR\n", stderr);
		return ARGV_USAGE;
	}
	if (out->host_count == 0) {
		(void)add_host(out, "127.0.0.1");
	}
	if (out->session_remaining > out->session_total) {
		out->session_remaining = out->session_total;
	}
	return ARGV_RUN;
}

enum argv_result
argv_parse(struct argv *out, int argc, char **args)
{
	*out = (struct argv){
	    .privileged = true,
	    .seed = 1,
	    .guilds = 3,
	    .shards = 1,
	    .max_concurrency = 1,
	    .session_total = 1000,
	    .session_remaining = UINT64_MAX,
	    .buffer_events = 20000,
	    .tls_record = ARGV_TLS_RECORD_MAX,
	    .heartbeat_interval_ms = 41250,
	    .session_ttl = CLOCK_S(300),
	    .identify_window = CLOCK_S(5),
	    .identify_within = CLOCK_S(120),
	    .rate = 2,
	    .ready_fd = -1,
	};
	opterr = 0;
	for (;;) {
		int index = 0;
		int id = getopt_long(argc, args, "", options, &index);

		if (id == -1) {
			break;
		}
		if (id == OPTION_HELP) {
			(void)fputs(help_text, stdout);
			return ARGV_DONE;
		}
		if (id == OPTION_VERSION) {
			(void)puts("gwsim " GWBOT_VERSION);
			return ARGV_DONE;
		}
		if (id == '?') {
			(void)fprintf(stderr,
			    "gwsim: %s: unknown, or its value is missing; see --help\n",
			    args[optind - 1]);
			return ARGV_USAGE;
		}
		if (!take_play(out, id, optarg)) {
			(void)fprintf(stderr, "gwsim: --%s: bad value '%s'\n",
			    options[index].name, optarg);
			return ARGV_USAGE;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "gwsim: '%s' is not an option\n", args[optind]);
		return ARGV_USAGE;
	}
	return complete(out);
}
