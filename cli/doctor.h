/*
 * The checks of doctor that gwctl makes itself, with or without a daemon.
 */
#ifndef GWCTL_DOCTOR_H
#define GWCTL_DOCTOR_H

#include "client.h"
#include "config.h"
#include "failure.h"
#include "json.h"

/* What is known before the checks. */
struct doctor {
	const char *socket;
	const struct client *client;
	const struct json *answer;     /* of the daemon's doctor; NULL: none */
	const struct failure *failure; /* why there is none */
	/* What this caller would run with; NULL with errors in report, and where the
	 * daemon has looked itself. */
	const struct config *config;
	const struct config_report *report;
	bool offline; /* nobody else can say: config and report are filled */
};

/** Runs all checks and appends what they find to findings. */
void doctor_run(const struct doctor *doctor, struct json *findings);

#endif
