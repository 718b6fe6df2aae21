/* The checks of how it does: state, Discord, descriptors, memory, the loop. */
#include "doctor_private.h"

#include <inttypes.h>

/* A loss shorter than this is a reconnect like any other, as for the probes. */
#define RECONNECT_ALLOWANCE CLOCK_S(30)

/* A Date has whole seconds, and the answer took its time. */
#define CLOCK_GOOD CLOCK_S(2)

/* Certificates and tokens of others are held to some minutes. */
#define CLOCK_BAD CLOCK_S(120)

#define RECENT    CLOCK_S(600) /* a failed request that still matters */
#define TURN_GOOD CLOCK_MS(100)
#define TURN_LONG CLOCK_S(2)
#define BEAT_GOOD CLOCK_MS(500)

/* Discord bans an address at 10000 in 10 minutes. */
#define INVALID_MANY 1000

static double
mebibytes(uint64_t bytes)
{
	return (double)bytes / (1024 * 1024);
}

/* How full something is: fine below 80 of 100, a failure from 95 on. */
static enum doctor_level
fullness(uint64_t used, uint64_t most)
{
	double part = most > 0 ? (double)used / (double)most : 0;

	if (part >= 0.95) {
		return DOCTOR_FAIL;
	}
	return part >= 0.8 ? DOCTOR_WARN : DOCTOR_OK;
}

/* ---- the state folder ---- */

void
doctor_check_state(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (facts->yielded) {
		doctor_say(out, DOCTOR_WARN, "this instance does not act: %.200s",
		    facts->yielded);
		doctor_fix(out, "ask the newer one; this one waits to be stopped");
		return;
	}
	if (!facts->state.problem && (facts->state.mode & ~DOCTOR_STATE_MODE) != 0) {
		doctor_say(out, DOCTOR_WARN,
		    "%.180s has mode %04o: others may enter it", facts->state.dir,
		    facts->state.mode);
		doctor_fix(out, "chmod 0750 or less: session ids lie in it");
		return;
	}
	if (!facts->state.problem) {
		doctor_say(out, DOCTOR_OK, "%.200s, kept on disk", facts->state.dir);
		return;
	}
	doctor_say(out, DOCTOR_FAIL, "%.240s", facts->state.problem);
	doctor_fix(out,
	    "sessions may end with the process until the folder is writable for uid %u "
	    "(StateDirectory=gwbot) and has room; then: gwctl reboot",
	    facts->host.uid);
}

/* ---- Discord ---- */

/* Discord lets one shard of a bucket identify in 5 s: that needs time and no hand, but
 * for a shard whose last turn did not help. */
static bool
waits_its_turn(const struct snapshot *shard)
{
	if (shard->state != SNAPSHOT_WAIT_SLOT || shard->cure_tries > 0) {
		return false;
	}
	switch (shard->hold) {
	case SNAPSHOT_HOLD_NONE:
	case SNAPSHOT_HOLD_SPACING:
	case SNAPSHOT_HOLD_QUEUE:
	case SNAPSHOT_HOLD_DISK:
		return true;
	case SNAPSHOT_HOLD_BUDGET:
	case SNAPSHOT_HOLD_API:
	case SNAPSHOT_HOLD_BLIND:
	case SNAPSHOT_HOLD_COUNT:
		return false;
	}
	return false;
}

/* Its turn has come after a wait that is no fault of its own.  Each step has its time,
 * so that it is here for long only by failing. */
static bool
takes_its_turn(const struct snapshot *shard)
{
	if (shard->cure != SNAPSHOT_CURE_IDENTIFY || shard->cure_tries > 0) {
		return false;
	}
	switch (shard->state) {
	case SNAPSHOT_RESOLVING:
	case SNAPSHOT_CONNECTING:
	case SNAPSHOT_WAIT_HELLO:
	case SNAPSHOT_IDENTIFYING:
		return true;
	case SNAPSHOT_IDLE:
	case SNAPSHOT_WAIT_SLOT:
	case SNAPSHOT_BACKOFF:
	case SNAPSHOT_RESUMING:
	case SNAPSHOT_READY:
	case SNAPSHOT_STOPPED:
	case SNAPSHOT_FATAL:
		return false;
	}
	return false;
}

/* Shards that are not connected. */
struct losses {
	uint32_t count;
	const struct snapshot *begun; /* whose turn it is; NULL: nobody's */
	const struct snapshot *worst; /* of those in trouble; NULL: there are none */
	const struct snapshot *last;  /* whose turn comes last; NULL: none waits */
	bool too_late; /* the watchdog ends the process before somebody's turn */
};

static void
add_waiting(struct losses *losses, const struct snapshot *shard,
    const struct watchdog_limits *limits)
{
	mono_ns age = shard->disconnect_age;
	mono_ns down_then = (age == SNAPSHOT_NONE ? 0 : age) + shard->next_try_in;

	if (!losses->last || shard->next_try_in > losses->last->next_try_in) {
		losses->last = shard;
	}
	losses->too_late = losses->too_late || down_then > limits->disconnect_grace;
}

static struct losses
find_losses(const struct doctor_facts *facts)
{
	struct losses losses = {.count = 0};

	for (uint32_t i = 0; i < facts->count; i++) {
		const struct snapshot *shard = &facts->shards[i];
		const struct snapshot *worst = losses.worst;

		if (shard->connected) {
			continue;
		}
		losses.count++;
		if (waits_its_turn(shard)) {
			add_waiting(&losses, shard, &facts->limits);
		} else if (takes_its_turn(shard)) {
			losses.begun = shard;
		} else if (!worst || shard->disconnect_age > worst->disconnect_age) {
			losses.worst = shard;
		}
	}
	return losses;
}

static void
tell_waiting(const struct doctor_facts *facts, const struct losses *losses,
    struct doctor_finding *out)
{
	bool one = losses->count == 1;
	mono_ns wait = losses->last->next_try_in;

	doctor_say(out, DOCTOR_WARN,
	    "%" PRIu32 " of %" PRIu32 " not connected; %sshard %" PRIu32
	    " %s: about %" PRId64 " s",
	    losses->count, facts->count,
	    one               ? "" :
		losses->begun ? "each identifies in its turn, " :
				"all wait for their turn to identify, ",
	    losses->last->shard_id, one ? "waits for its turn to identify" : "longest",
	    (wait + CLOCK_S(1) - 1) / CLOCK_S(1));
	if (losses->too_late) {
		doctor_fix(out,
		    "the watchdog ends the process before that: raise "
		    "watchdog.disconnect_grace, %s",
		    doctor_span(facts->limits.disconnect_grace).text);
	} else {
		doctor_fix(out,
		    "nothing to do: Discord lets one shard of a bucket identify in 5 "
		    "s; gwctl wait ready returns when all are");
	}
}

static void
tell_trouble(const struct doctor_facts *facts, const struct losses *losses,
    struct doctor_finding *out)
{
	const struct snapshot *worst = losses->worst ? losses->worst : losses->begun;
	bool lasting = worst->state == SNAPSHOT_FATAL ||
	    (worst != losses->begun && worst->disconnect_age >= RECONNECT_ALLOWANCE);

	doctor_say(out, lasting ? DOCTOR_FAIL : DOCTOR_WARN,
	    "%" PRIu32 " of %" PRIu32 " not connected; shard %" PRIu32 ": %.160s",
	    losses->count, facts->count, worst->shard_id,
	    worst->reason[0] ? worst->reason : snapshot_state_text(worst->state));
	if (worst->state == SNAPSHOT_WAIT_SLOT && worst->hold == SNAPSHOT_HOLD_BUDGET) {
		doctor_fix(out,
		    "\"identify\" says why; what happens next: gwctl explain");
		return;
	}
	doctor_fix(out,
	    "what happens next: gwctl explain; from this host: getent hosts %.100s",
	    worst->host[0] ? worst->host : "discord.com");
}

void
doctor_check_gateway(const struct doctor_facts *facts, struct doctor_finding *out)
{
	struct losses losses = find_losses(facts);

	if (facts->yielded) {
		return; /* "state" has it */
	}
	if (losses.worst || (losses.begun && !losses.last)) {
		tell_trouble(facts, &losses, out);
	} else if (losses.last) {
		tell_waiting(facts, &losses, out);
	} else {
		doctor_say(out, DOCTOR_OK,
		    "%" PRIu32 " of %" PRIu32 " shard%s connected%s", facts->count,
		    facts->count, doctor_plural(facts->count),
		    facts->simulated ? ", to the built-in gateway" : "");
	}
}

void
doctor_check_budget(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (facts->identify.held_for > 0) {
		doctor_say(out, DOCTOR_FAIL,
		    "none of %" PRId64 " left before the reserve of %" PRId64
		    "; new sessions wait %.0f min",
		    facts->identify.total, facts->identify.reserve,
		    clock_seconds(facts->identify.held_for) / 60);
		doctor_fix(out,
		    "find what spends them: gwctl snapshot (identifies); sessions "
		    "that can be resumed cost none");
	} else if (facts->identify.low) {
		doctor_say(out, DOCTOR_WARN,
		    "%" PRId64 " of %" PRId64 " left before the reserve of %" PRId64,
		    facts->identify.left, facts->identify.total,
		    facts->identify.reserve);
		doctor_fix(out, "find what spends them: gwctl snapshot (identifies)");
	} else {
		doctor_say(out, DOCTOR_OK, "%" PRId64 " of %" PRId64 " left today",
		    facts->identify.left, facts->identify.total);
	}
}

void
doctor_check_api(const struct doctor_facts *facts, struct doctor_finding *out)
{
	bool failed = facts->api.last_error && facts->api.last_error_age < RECENT;

	if (facts->api.unauthorized) {
		doctor_say(out, DOCTOR_FAIL, "Discord refused the token");
		doctor_fix(out,
		    "make a new one in the developer portal and set it where the "
		    "token comes from");
	} else if (facts->api.invalid_10min >= INVALID_MANY) {
		doctor_say(out, facts->api.braked ? DOCTOR_FAIL : DOCTOR_WARN,
		    "%u answers of 401, 403 or 429 in 10 min; at 10000 Discord bans "
		    "this address",
		    facts->api.invalid_10min);
		doctor_fix(out,
		    "the log names the calls: rest_limited, rest_refused_often");
	} else if (failed) {
		doctor_say(out, DOCTOR_WARN, "the last failure is %.0f s old: %.160s",
		    clock_seconds(facts->api.last_error_age), facts->api.last_error);
		doctor_fix(out,
		    "it is tried again; if it goes on: is there a way out to "
		    "discord.com, port 443?");
	} else {
		doctor_say(out, DOCTOR_OK, "%" PRIu64 " request%s, none failed lately",
		    facts->api.requests, doctor_plural(facts->api.requests));
	}
}

/* A change of intents takes a new session, and the privileged ones a switch of
 * Discord's. */
static void
fix_intent(struct doctor_finding *out, const char *intent, const char *portal)
{
	doctor_fix(out,
	    "add %s to discord.intents, switch on \"%s\" in the developer portal "
	    "(Bot), "
	    "then gwctl reload and gwctl reconnect --fresh",
	    intent, portal);
}

void
doctor_check_chat(const struct doctor_facts *facts, struct doctor_finding *out)
{
	bool servers = facts->chat.guild_messages && facts->chat.message_content;

	if (facts->chat.greetings && !facts->chat.guild_members) {
		doctor_say(out, DOCTOR_WARN,
		    "nobody is greeted: greetings need the intent GUILD_MEMBERS");
		fix_intent(out, "GUILD_MEMBERS", "Server Members Intent");
	} else if (facts->chat.commands && !facts->chat.guild_messages) {
		doctor_say(out, DOCTOR_WARN,
		    "commands in messages of servers are not seen: they need the "
		    "intents GUILD_MESSAGES and MESSAGE_CONTENT");
		fix_intent(out, "them", "Message Content Intent");
	} else if (facts->chat.commands && !servers) {
		doctor_say(out, DOCTOR_WARN,
		    "commands in messages of servers are not seen: they need the "
		    "intent MESSAGE_CONTENT");
		fix_intent(out, "MESSAGE_CONTENT", "Message Content Intent");
	} else if (servers || facts->chat.direct_messages) {
		doctor_say(out, DOCTOR_OK, "commands in %s messages are read",
		    !servers                        ? "direct" :
			facts->chat.direct_messages ? "all" :
						      "servers'");
	}
}

void
doctor_check_slash(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (!facts->slash.wanted || !facts->slash.connected) {
		return;
	}
	if (facts->slash.problem) {
		doctor_say(out, DOCTOR_WARN,
		    "the list of slash commands is not registered: %.180s",
		    facts->slash.problem);
		doctor_fix(out,
		    "it is tried again; invite the bot with the scope "
		    "applications.commands, or set slash.register = false");
	} else if (facts->slash.kept) {
		doctor_say(out, DOCTOR_OK, "%zu command%s, as registered at Discord",
		    facts->slash.commands, doctor_plural(facts->slash.commands));
	}
}

void
doctor_check_trust(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (!facts->trust.place) {
		return;
	}
	if (facts->trust.empty) {
		doctor_say(out, DOCTOR_FAIL,
		    "no certificates in %.150s: no peer can be trusted",
		    facts->trust.place);
		doctor_fix(out,
		    "apt-get install ca-certificates, or name a PEM file with "
		    "discord.ca_file");
		return;
	}
	doctor_say(out, DOCTOR_OK, "certificates in %.200s", facts->trust.place);
}

void
doctor_check_clock(const struct doctor_facts *facts, struct doctor_finding *out)
{
	mono_ns ahead = facts->clock.ahead;
	mono_ns off = ahead < 0 ? -ahead : ahead;

	if (!facts->clock.known) {
		return;
	}
	if (off <= CLOCK_GOOD) {
		doctor_say(out, DOCTOR_OK, "within %.0f s of Discord's, %.0f min ago",
		    clock_seconds(CLOCK_GOOD), clock_seconds(facts->clock.age) / 60);
		return;
	}
	doctor_say(out, off >= CLOCK_BAD ? DOCTOR_FAIL : DOCTOR_WARN,
	    "%.1f s %s Discord's, %.0f min ago", clock_seconds(off),
	    ahead < 0 ? "behind" : "ahead of", clock_seconds(facts->clock.age) / 60);
	doctor_fix(out,
	    "timedatectl; check chronyd or systemd-timesyncd: certificates are "
	    "refused past some minutes");
}

/* ---- the process ---- */

void
doctor_check_http(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (facts->http.refused > 0) {
		doctor_say(out, DOCTOR_WARN,
		    "port %u, %" PRIu64 " connection%s turned away: all %u were busy",
		    facts->http.port, facts->http.refused,
		    doctor_plural(facts->http.refused), facts->http.most);
		doctor_fix(out, "who asks so often? or raise http.max_connections");
		return;
	}
	doctor_say(out, DOCTOR_OK, "port %u, %u of %u connections", facts->http.port,
	    facts->http.open, facts->http.most);
}

void
doctor_check_files(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (facts->process.max_fds == 0 || facts->process.open_fds == 0) {
		return;
	}
	doctor_say(out, fullness(facts->process.open_fds, facts->process.max_fds),
	    "%" PRIu64 " of %" PRIu64 " open", facts->process.open_fds,
	    facts->process.max_fds);
	if (out->level != DOCTOR_OK) {
		doctor_fix(out,
		    "systemctl edit gwbotd, set LimitNOFILE=%" PRIu64 " or more",
		    2 * facts->process.max_fds);
	}
}

void
doctor_check_memory(const struct doctor_facts *facts, struct doctor_finding *out)
{
	uint64_t used = facts->process.resident_bytes;

	if (used == 0) {
		return;
	}
	if (facts->memory_limit == 0) {
		doctor_say(out, DOCTOR_OK, "%.1f MiB, no limit", mebibytes(used));
		return;
	}
	doctor_say(out, fullness(used, facts->memory_limit), "%.1f of %.1f MiB",
	    mebibytes(used), mebibytes(facts->memory_limit));
	if (out->level != DOCTOR_OK) {
		doctor_fix(out,
		    "systemctl edit gwbotd, set MemoryMax=%.0fM, or raise the "
		    "container's limit",
		    2 * mebibytes(used));
	}
}

void
doctor_check_loop(const struct doctor_facts *facts, struct doctor_finding *out)
{
	mono_ns usual = histogram_quantile(facts->turns, 99900);

	if (usual < 0) {
		return;
	}
	if (usual <= TURN_GOOD && facts->turn_max <= TURN_LONG) {
		doctor_say(out, DOCTOR_OK, "turns of %.1f ms (p99.9), %.1f ms at most",
		    clock_seconds(usual) * 1000, clock_seconds(facts->turn_max) * 1000);
		return;
	}
	doctor_say(out, DOCTOR_WARN,
	    "turns of %.0f ms (p99.9), %.1f s at most: nothing is answered meanwhile",
	    clock_seconds(usual) * 1000, clock_seconds(facts->turn_max));
	doctor_fix(out,
	    "is the host short of CPU or memory?  vmstat 1; systemctl show gwbotd "
	    "-p CPUQuotaPerSecUSec");
}

void
doctor_check_beats(const struct doctor_facts *facts, struct doctor_finding *out)
{
	mono_ns late = histogram_quantile(facts->beats, 99000);

	if (late < 0) {
		return;
	}
	if (late <= BEAT_GOOD) {
		doctor_say(out, DOCTOR_OK, "99 of 100 at most %.1f ms late",
		    clock_seconds(late) * 1000);
		return;
	}
	doctor_say(out, DOCTOR_WARN, "99 of 100 at most %.1f s late",
	    clock_seconds(late));
	doctor_fix(out, "is the host short of CPU, or does it sleep?  vmstat 1");
}

void
doctor_check_log(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (facts->log_dropped == 0) {
		doctor_say(out, DOCTOR_OK, "no line was dropped");
		return;
	}
	doctor_say(out, DOCTOR_WARN,
	    "%" PRIu64 " line%s dropped: nobody took them in time", facts->log_dropped,
	    doctor_plural(facts->log_dropped));
	doctor_fix(out,
	    "what reads the log is too slow or stands still; fewer lines: "
	    "log.level = \"info\"");
}
