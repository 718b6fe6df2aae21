#include "origin.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NEAR_SECONDS 600
#define FAR_SECONDS  72000
#define SECONDS_MAX  4e9

static const char *
user_name(int64_t uid)
{
	const struct passwd *user =
	    uid >= 0 && uid <= UINT32_MAX ? getpwuid((uid_t)uid) : NULL;

	return user ? user->pw_name : NULL;
}

/* A span in its largest unit: nobody cares for the seconds of an hour. */
static struct format_text
coarse(double seconds)
{
	static const struct {
		double seconds;
		const char *name;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {0, "s"}};
	struct format_text out = {"0 s"};

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		double size = units[i].seconds > 0 ? units[i].seconds : 1;

		if (seconds >= units[i].seconds && seconds < SECONDS_MAX) {
			(void)snprintf(out.text, sizeof out.text, "%lld %s",
			    (long long)(seconds / size), units[i].name);
			break;
		}
	}
	return out;
}

void
origin_put(const struct json *source, const struct json *override, struct buf *out)
{
	const char *text = json_text(source);
	int64_t uid;
	double age;

	(void)buf_printf(out, "%s", text ? text : "-");
	if (!json_int(json_get(override, "uid"), &uid)) {
		return;
	}
	const char *name = user_name(uid);

	(void)buf_printf(out, ", uid %" PRId64, uid);
	if (name) {
		(void)buf_printf(out, " (%s)", name);
	}
	if (json_number(json_get(override, "set_age_seconds"), &age)) {
		(void)buf_printf(out, ", %s ago", coarse(age).text);
	}
}

struct format_text
origin_reverts(const struct json *override)
{
	struct format_text out = {"-"};
	double seconds;

	if (json_number(json_get(override, "reverts_in_seconds"), &seconds)) {
		(void)snprintf(out.text, sizeof out.text, "in %.30s",
		    format_seconds(seconds).text);
	} else if (json_kind(override) == JSON_OBJECT) {
		(void)snprintf(out.text, sizeof out.text, "at a restart");
	}
	return out;
}

struct format_text
origin_instant(double seconds)
{
	struct format_text out = {"-"};
	struct tm local;

	if (!(seconds >= 0 && seconds < SECONDS_MAX)) {
		return out;
	}
	time_t at = time(NULL) + (time_t)seconds;

	if (!localtime_r(&at, &local)) {
		return out;
	}
	if (seconds < NEAR_SECONDS) {
		(void)strftime(out.text, sizeof out.text, "%H:%M:%S", &local);
	} else if (seconds < FAR_SECONDS) {
		(void)strftime(out.text, sizeof out.text, "%H:%M", &local);
	} else {
		(void)strftime(out.text, sizeof out.text, "%Y-%m-%d %H:%M", &local);
	}
	return out;
}
