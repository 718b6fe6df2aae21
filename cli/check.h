/*
 * check: the answer of health, judged for a monitoring system as the guidelines of the
 * Monitoring Plugins have it.
 */
#ifndef GWCTL_CHECK_H
#define GWCTL_CHECK_H

#include "clock.h"
#include "failure.h"
#include "json.h"

/* X(name, status, word) */
#define CHECK_STATUS_TABLE(X)      \
	X(OK, 0, "ok")             \
	X(WARNING, 1, "warning")   \
	X(CRITICAL, 2, "critical") \
	X(UNKNOWN, 3, "unknown")

enum check_status {
#define CHECK_STATUS_ENUM(name, status, word) CHECK_##name = (status),
	CHECK_STATUS_TABLE(CHECK_STATUS_ENUM)
#undef CHECK_STATUS_ENUM
};

/* A limit that was not given on the line. */
#define CHECK_UNSET ((mono_ns)-1)

struct check_limits {
	mono_ns warn_latency;
	mono_ns crit_latency;
	mono_ns warn_age;
	mono_ns crit_age;
};

/**
 * Judges the answer of health.  Adds status, exit, text, perfdata and reasons to
 * document, which command_document() made; returns the exit status.
 *
 * Limits that are CHECK_UNSET come from the daemon's own: critical are watchdog.stall
 * and watchdog.max_latency, warnings begin at 80 % of the age and 10 % of the latency.
 * A warning above its critical limit is CHECK_UNKNOWN.
 */
enum check_status check_judge(const struct json *health,
    const struct check_limits *limits, struct json *document);

/** The same members where there is no answer to judge. */
enum check_status check_fail(const struct failure *failure, struct json *document);

#endif
