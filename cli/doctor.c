#include "doctor.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "skew.h"

#define TOKEN_FILE_MODE 0640 /* the widest that is safe */

struct finding {
	const char *level; /* NULL: nothing can be said */
	char text[320];
	char fix[320];
};

/* ---- ways to end a check ---- */

static void say(struct finding *out, const char *level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void fix(struct finding *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
say(struct finding *out, const char *level, const char *format, ...)
{
	va_list args;

	out->level = level;
	va_start(args, format);
	(void)vsnprintf(out->text, sizeof out->text, format, args);
	va_end(args);
}

static void
fix(struct finding *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(out->fix, sizeof out->fix, format, args);
	va_end(args);
}

static const char *
user_name(uid_t uid)
{
	const struct passwd *user = getpwuid(uid);

	return user ? user->pw_name : "no name";
}

static const char *
group_name(gid_t gid)
{
	const struct group *group = getgrgid(gid);

	return group ? group->gr_name : "no name";
}

/* ---- with a daemon ---- */

static void
check_versions(const struct doctor *doctor, struct finding *out)
{
	const char *version = doctor->client->version;

	if (version[0] == '\0') {
		say(out, "ok", "gwctl %s", GWBOT_VERSION);
	} else if (skew_explain(version, out->fix, sizeof out->fix)) {
		say(out, "warn", "gwctl %s, gwbotd %s", GWBOT_VERSION, version);
	} else {
		say(out, "ok", "gwctl and gwbotd %s", GWBOT_VERSION);
	}
}

static void
check_socket(const struct doctor *doctor, struct finding *out)
{
	struct stat st;

	if (stat(doctor->socket, &st) != 0) {
		return; /* check_daemon says it */
	}
	if (!S_ISSOCK(st.st_mode)) {
		say(out, "fail", "%.200s is no socket", doctor->socket);
		fix(out, "move it away, or say where the socket is: gwctl -s PATH");
	} else if ((st.st_mode & S_IWOTH) != 0) {
		say(out, "warn",
		    "%.200s has mode %04o: everybody here may command the daemon",
		    doctor->socket, (unsigned)(st.st_mode & 07777));
		fix(out, "chmod 0660 %.200s", doctor->socket);
	} else {
		say(out, "ok", "%.200s, mode %04o, group %.32s", doctor->socket,
		    (unsigned)(st.st_mode & 07777), group_name(st.st_gid));
	}
}

static void
check_caller(const struct doctor *doctor, struct finding *out)
{
	bool there = access(doctor->socket, F_OK) == 0;
	bool may = access(doctor->socket, W_OK) == 0;

	say(out, there && !may ? "warn" : "ok", "uid %u (%.32s)%s", (unsigned)geteuid(),
	    user_name(geteuid()),
	    may       ? ", may command the daemon" :
		there ? ", may not write the socket" :
			"");
	if (there && !may) {
		fix(out,
		    "as the user that runs gwbotd, in the socket's group, or: "
		    "sudo gwctl doctor");
	}
}

static void
check_daemon(const struct doctor *doctor, struct finding *out)
{
	const struct client *client = doctor->client;

	if (doctor->answer) {
		say(out, "ok", "pid %lld, since %.30s", (long long)client->pid,
		    client->start_time);
		return;
	}
	bool older =
	    client->version[0] != '\0' && doctor->failure->exit == EXIT_VERSION_SKEW;

	say(out, older ? "warn" : "fail", "%.300s", doctor->failure->text);
	failure_hint_line(doctor->failure, out->fix, sizeof out->fix);
}

static void
check_token_file(const struct doctor *doctor, struct finding *out)
{
	const char *path = json_text(json_get(doctor->answer, "token_file"));
	struct stat st;

	if (!path || stat(path, &st) != 0) {
		return; /* the daemon has read it; who else may look at it? */
	}
	if ((st.st_mode & 0777 & ~(mode_t)TOKEN_FILE_MODE) != 0) {
		say(out, "warn", "%.200s has mode %04o: others may read the token",
		    path, (unsigned)(st.st_mode & 07777));
		fix(out, "chmod 0640 %.200s", path);
	} else {
		say(out, "ok", "%.200s, mode %04o", path,
		    (unsigned)(st.st_mode & 07777));
	}
}

/* ---- without one ---- */

static const struct config_message *
first_of(const struct config_report *report, enum config_severity severity)
{
	for (size_t i = 0; i < report->count; i++) {
		if (report->messages[i].severity == severity) {
			return &report->messages[i];
		}
	}
	return NULL;
}

/* The first line of a message, with its place. */
static void
say_message(struct finding *out, const char *level, size_t count, const char *what,
    const struct config_message *message)
{
	int size = (int)strcspn(message->text, "\n");

	say(out, level, "%zu %s%s: %.100s%s%.*s", count, what, count == 1 ? "" : "s",
	    message->where, message->where[0] != '\0' ? ": " : "",
	    size < 160 ? size : 160, message->text);
}

static void
check_config(const struct doctor *doctor, struct finding *out)
{
	const struct config_report *report = doctor->report;

	if (!doctor->offline) {
		return; /* the daemon knows better */
	}
	const struct config_message *error = first_of(report, CONFIG_ERROR);
	const struct config_message *warning = first_of(report, CONFIG_WARNING);

	if (error) {
		say_message(out, "fail", report->errors, "error", error);
		fix(out, "all of them: gwbotd --check");
	} else if (warning) {
		say_message(out, "warn", report->count, "warning", warning);
		fix(out, "all of them: gwbotd --check");
	} else if (doctor->config && doctor->config->files.count > 0) {
		say(out, "ok", "%.200s, no errors as this user reads it",
		    doctor->config->files.items[0]);
	} else {
		say(out, "ok", "no file: defaults and the environment");
	}
}

static void
check_state(const struct doctor *doctor, struct finding *out)
{
	const char *dir =
	    doctor->offline && doctor->config ? doctor->config->state_dir : NULL;
	struct stat st;

	if (!dir) {
		return;
	}
	if (stat(dir, &st) != 0) {
		bool missing = errno == ENOENT;

		say(out, missing ? "ok" : "warn", "%.200s: %s", dir,
		    missing ? "is made at the start" : strerror(errno));
		if (!missing) {
			fix(out, "as the user that runs gwbotd, or: sudo gwctl doctor");
		}
	} else if (!S_ISDIR(st.st_mode)) {
		say(out, "fail", "%.200s is no folder", dir);
		fix(out, "move it away, or set state.dir");
	} else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		say(out, "fail", "%.200s has mode %04o: gwbotd does not use it", dir,
		    (unsigned)(st.st_mode & 07777));
		fix(out, "chmod 0700 %.200s", dir);
	} else {
		say(out, "ok", "%.200s, mode %04o, of %.32s", dir,
		    (unsigned)(st.st_mode & 07777), user_name(st.st_uid));
	}
}

/* ---- the table ---- */

static const struct {
	const char *name;
	void (*run)(const struct doctor *doctor, struct finding *out);
} checks[] = {
#define CHECK(name, function) {name, function},
#include "doctor.def"
#undef CHECK
};

void
doctor_run(const struct doctor *doctor, struct json *findings)
{
	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
		struct finding finding = {.level = NULL};

		checks[i].run(doctor, &finding);
		if (!finding.level) {
			continue;
		}
		struct json *object = json_new_object();

		json_add_text(object, "where", "gwctl");
		json_add_text(object, "check", checks[i].name);
		json_add_text(object, "level", finding.level);
		json_add_text(object, "text", finding.text);
		json_add_text(object, "fix",
		    finding.fix[0] != '\0' ? finding.fix : NULL);
		json_append(findings, object);
	}
}
