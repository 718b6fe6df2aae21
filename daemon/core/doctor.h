/*
 * The daemon's findings about itself: each check of doctor.def over facts that others
 * have gathered.  Pure.
 */
#ifndef GWBOTD_DOCTOR_H
#define GWBOTD_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "histogram.h"
#include "metrics_text.h"
#include "snapshot.h"
#include "watchdog.h"

/* The widest permissions of what nobody else is to read. */
#define DOCTOR_TOKEN_MODE 0640U
#define DOCTOR_STATE_MODE 0750U

/* What the checks look at.  Texts are borrowed; NULL: unknown, or none. */
struct doctor_facts {
	const struct snapshot *shards;
	uint32_t count;
	struct watchdog_limits limits;
	bool simulated;      /* with the built-in gateway */
	const char *yielded; /* why this process does not act; NULL: it acts */

	struct {
		const char *profile;
		bool profile_known;
		const char *file; /* the first that was read */
		size_t files;
		bool reload_failed;     /* the last reload was refused */
		size_t disk_errors;     /* of what the files say now */
		size_t disk_warnings;   /* the same */
		size_t disk_differs;    /* settings that differ from what runs */
		size_t restart_waits;   /* settings that wait for a restart */
		size_t overrides;       /* settings that gwctl set */
		const char *overridden; /* the first of them */
	} config;

	struct {
		size_t size;
		const char *source;
		const char *file; /* that it was read from */
		bool inlined;     /* stands in the configuration itself */
		bool swappable;   /* it could not be locked in memory */
		unsigned mode;    /* of the file; 0: there is none */
	} token;

	struct {
		const char *dir;
		const char *problem; /* why not all of it is kept */
		unsigned mode;       /* 0: unknown */
	} state;

	struct {
		int64_t left, total, reserve;
		mono_ns held_for; /* 0: not held back */
		bool low;
	} identify;

	struct {
		uint64_t requests;
		unsigned invalid_10min;
		bool braked, unauthorized;
		const char *last_error;
		mono_ns last_error_age;
	} api;

	struct {
		bool commands;  /* are meant to be used: some or admins are set */
		bool greetings; /* the same */
		/* What discord.intents allows. */
		bool guild_messages, message_content, direct_messages, guild_members;
	} chat;

	struct {
		bool wanted;    /* the list is to be kept at Discord */
		bool connected; /* and by this process */
		bool kept;
		size_t commands;
		const char *problem; /* of the last call for it */
	} slash;

	struct {
		const char *place; /* of the certificates that are trusted */
		bool empty;
	} trust;

	struct {
		bool known;
		mono_ns ahead; /* of Discord's; negative: behind */
		mono_ns age;   /* of that finding */
	} clock;

	struct {
		unsigned port, open, most;
		uint64_t refused;
	} http;

	struct process_figures process;
	uint64_t memory_limit; /* bytes; 0: none */
	const struct histogram *turns, *beats;
	mono_ns turn_max;
	uint64_t log_dropped;

	struct {
		unsigned uid;
		bool writes_core;
		bool may_gain; /* rights, by a program that it starts */
		bool filtered; /* some system calls are refused */
		bool may_exec; /* and exec is not among them */
		uint64_t capabilities;
		const char *supervisor;
	} host;
};

enum doctor_level {
	DOCTOR_SILENT, /* nothing can be said */
	DOCTOR_OK,
	DOCTOR_WARN,
	DOCTOR_FAIL,
};

struct doctor_finding {
	enum doctor_level level;
	char text[256];
	char fix[256]; /* what to do; empty where level is DOCTOR_OK */
};

/** Number of rows of doctor.def. */
size_t doctor_count(void);

/** The name of the check at index. */
const char *doctor_name(size_t index);

/** Runs the check at index. */
void doctor_check(size_t index, const struct doctor_facts *facts,
    struct doctor_finding *out);

/** "ok", "warn", "fail"; "silent". */
const char *doctor_level_name(enum doctor_level level);

#endif
