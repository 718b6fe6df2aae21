/* The checks of how it was set up: configuration, watchdog, token, host. */
#include "doctor_private.h"

#include <inttypes.h>

/* Discord's heartbeat interval, where it has not been told yet. */
#define USUAL_INTERVAL CLOCK_MS(41250)

/* ---- the configuration ---- */

void
doctor_check_profile(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (facts->config.profile_known) {
		doctor_say(out, DOCTOR_OK, "%.40s", facts->config.profile);
		return;
	}
	doctor_say(out, DOCTOR_WARN,
	    "\"%.40s\" is none of prod, dev, test, qa, stage; it counts as prod",
	    facts->config.profile);
	doctor_fix(out,
	    "unless it is meant so, set one of these with ENV_NAME, --profile or "
	    "profile = \"...\" in the file");
}

void
doctor_check_config(const struct doctor_facts *facts, struct doctor_finding *out)
{
	size_t more = facts->config.files > 0 ? facts->config.files - 1 : 0;

	if (facts->config.disk_errors > 0) {
		doctor_say(out, DOCTOR_FAIL,
		    "what it says by now has %zu error%s: gwbotd would not start again",
		    facts->config.disk_errors,
		    doctor_plural(facts->config.disk_errors));
		doctor_fix(out,
		    "gwctl config diff names them; what runs is that of before");
	} else if (facts->config.reload_failed) {
		doctor_say(out, DOCTOR_WARN,
		    "the last reload was refused; it has no errors any more");
		doctor_fix(out, "gwctl reload");
	} else if (facts->config.disk_warnings > 0) {
		doctor_say(out, DOCTOR_WARN, "%zu warning%s",
		    facts->config.disk_warnings,
		    doctor_plural(facts->config.disk_warnings));
		doctor_fix(out, "gwbotd --check names them, started as the service is");
	} else if (facts->config.files == 0) {
		doctor_say(out, DOCTOR_OK, "no file: defaults and the environment");
	} else if (more > 0) {
		doctor_say(out, DOCTOR_OK, "%.150s and %zu more, no warnings",
		    facts->config.file, more);
	} else {
		doctor_say(out, DOCTOR_OK, "%.200s, no warnings", facts->config.file);
	}
}

void
doctor_check_changes(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (facts->config.disk_errors > 0) {
		return; /* nothing to compare with */
	}
	if (facts->config.restart_waits > 0) {
		doctor_say(out, DOCTOR_WARN, "%zu setting%s for a restart",
		    facts->config.restart_waits,
		    facts->config.restart_waits == 1 ? " waits" : "s wait");
		doctor_fix(out, "which: gwctl config diff; then: gwctl reboot");
	} else if (facts->config.disk_differs > 0) {
		doctor_say(out, DOCTOR_WARN, "%zu setting%s on disk from what runs",
		    facts->config.disk_differs,
		    facts->config.disk_differs == 1 ? " differs" : "s differ");
		doctor_fix(out, "which: gwctl config diff; to take them: gwctl reload");
	} else {
		doctor_say(out, DOCTOR_OK, "what runs is what is on disk");
	}
}

void
doctor_check_overrides(const struct doctor_facts *facts, struct doctor_finding *out)
{
	size_t more = facts->config.overrides > 0 ? facts->config.overrides - 1 : 0;

	if (facts->config.overrides == 0) {
		doctor_say(out, DOCTOR_OK, "no setting was changed by gwctl");
		return;
	}
	if (more > 0) {
		doctor_say(out, DOCTOR_WARN,
		    "gwctl set %.80s and %zu more while it runs",
		    doctor_text_or(facts->config.overridden, "?"), more);
	} else {
		doctor_say(out, DOCTOR_WARN, "gwctl set %.80s while it runs",
		    doctor_text_or(facts->config.overridden, "?"));
	}
	doctor_fix(out,
	    "a restart forgets it: write what shall stay into the file; all of "
	    "them: gwctl config");
}

/* ---- the watchdog ---- */

static mono_ns
longest_interval(const struct doctor_facts *facts)
{
	mono_ns longest = SNAPSHOT_NONE;

	for (uint32_t i = 0; i < facts->count; i++) {
		mono_ns interval = facts->shards[i].heartbeat_interval;

		longest = interval > longest ? interval : longest;
	}
	return longest > 0 ? longest : USUAL_INTERVAL;
}

/* Limits that each may have and that make no sense together. */
void
doctor_check_limits(const struct doctor_facts *facts, struct doctor_finding *out)
{
	const struct watchdog_limits *limits = &facts->limits;
	mono_ns interval = longest_interval(facts);

	if (limits->stall < 2 * interval) {
		doctor_say(out, DOCTOR_WARN,
		    "stall is %s, less than two heartbeats (%.1f s): a quiet session "
		    "looks dead",
		    doctor_span(limits->stall).text, clock_seconds(2 * interval));
		doctor_fix(out, "set watchdog.stall to %.0f s or more",
		    clock_seconds(2 * interval) + 1);
	} else if (limits->keepalive > limits->disconnect_grace) {
		doctor_say(out, DOCTOR_WARN,
		    "disconnect_grace is %s and is checked every %s only",
		    doctor_span(limits->disconnect_grace).text,
		    doctor_span(limits->keepalive).text);
		doctor_fix(out, "set watchdog.keepalive to %s or less",
		    doctor_span(limits->disconnect_grace).text);
	} else if (limits->keepalive > limits->stall) {
		doctor_say(out, DOCTOR_WARN, "stall is %s and is checked every %s only",
		    doctor_span(limits->stall).text,
		    doctor_span(limits->keepalive).text);
		doctor_fix(out, "set watchdog.keepalive to %s or less",
		    doctor_span(limits->stall).text);
	} else if (limits->max_latency > interval && !facts->simulated) {
		doctor_say(out, DOCTOR_WARN,
		    "max_latency is %s, longer than a heartbeat waits (%.1f s): no "
		    "latency is ever too high",
		    doctor_span(limits->max_latency).text, clock_seconds(interval));
		doctor_fix(out, "set watchdog.max_latency to 10 s or so");
	} else {
		doctor_say(out, DOCTOR_OK,
		    "stall %s, disconnect_grace %s, checked every %s",
		    doctor_span(limits->stall).text,
		    doctor_span(limits->disconnect_grace).text,
		    doctor_span(limits->keepalive).text);
	}
}

/* ---- the token, the process ---- */

void
doctor_check_token(const struct doctor_facts *facts, struct doctor_finding *out)
{
	const char *source = doctor_text_or(facts->token.source, "?");

	if (facts->token.inlined) {
		doctor_say(out, DOCTOR_WARN,
		    "%zu characters, which stand in the configuration (%.120s)",
		    facts->token.size, source);
		doctor_fix(out,
		    "move it to a file of its own, mode 0640, named by "
		    "discord.token_file, or to a systemd credential");
		return;
	}
	if ((facts->token.mode & ~DOCTOR_TOKEN_MODE) != 0) {
		doctor_say(out, DOCTOR_WARN, "%.180s has mode %04o: others can read it",
		    doctor_text_or(facts->token.file, "its file"), facts->token.mode);
		doctor_fix(out, "chmod 0640 or less; if others did read it: a new one");
		return;
	}
	doctor_say(out, DOCTOR_OK, "%zu characters, from %.150s", facts->token.size,
	    source);
}

void
doctor_check_user(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (facts->host.uid != 0) {
		doctor_say(out, DOCTOR_OK, "uid %u", facts->host.uid);
		return;
	}
	doctor_say(out, DOCTOR_WARN, "runs as root, which it never needs");
	doctor_fix(out, "User=gwbot in the unit, or USER in the container's image");
}

void
doctor_check_core(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (!facts->host.writes_core) {
		doctor_say(out, DOCTOR_OK, "no core file would be written");
		return;
	}
	doctor_say(out, DOCTOR_WARN, "a core file would hold the token");
	doctor_fix(out, "LimitCORE=0 in the unit, or: ulimit -c 0");
}

void
doctor_check_privileges(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (facts->host.may_gain) {
		doctor_say(out, DOCTOR_WARN,
		    "a program that it starts could gain others (no_new_privs is off)");
		doctor_fix(out, "NoNewPrivileges=yes in the unit; is this kernel old?");
		return;
	}
	if (facts->host.capabilities != 0) {
		doctor_say(out, DOCTOR_WARN, "has capabilities (%" PRIx64 ")",
		    facts->host.capabilities);
		doctor_fix(out,
		    "CapabilityBoundingSet= in the unit, or as root: gwbotd --user "
		    "gwbot");
		return;
	}
	doctor_say(out, DOCTOR_OK, "no capabilities, and none to gain");
}

void
doctor_check_calls(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (facts->host.filtered && !facts->host.may_exec) {
		doctor_say(out, DOCTOR_OK,
		    "what it never needs is refused, fork and exec with it (seccomp)");
		return;
	}
	if (facts->host.filtered) {
		doctor_say(out, DOCTOR_WARN,
		    "a seccomp filter is there, and yet it may start programs itself");
		doctor_fix(out, "a kernel with seccomp; what stands in its way?");
		return;
	}
	doctor_say(out, DOCTOR_WARN, "any system call may be made: no seccomp filter");
	doctor_fix(out, "a kernel with seccomp, and no supervisor that forbids it");
}

void
doctor_check_swap(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (!facts->token.swappable) {
		doctor_say(out, DOCTOR_OK, "the token is locked in memory");
		return;
	}
	doctor_say(out, DOCTOR_WARN, "the token may be swapped out to the disk");
	doctor_fix(out, "LimitMEMLOCK=64K in the unit, or: ulimit -l 64");
}

void
doctor_check_supervisor(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (facts->host.supervisor) {
		doctor_say(out, DOCTOR_OK, "%.100s", facts->host.supervisor);
		return;
	}
	doctor_say(out, DOCTOR_WARN,
	    "none seen: nobody starts it again when the watchdog ends it");
	doctor_fix(out,
	    "run it under systemd with Restart=always, or in a container that is "
	    "restarted");
}
