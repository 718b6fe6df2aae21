/* The forms that texts may have: names, hosts, URLs, times, zones. */
#include "config_private.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cron.h"
#include "template.h"
#include "xalloc.h"
#include "zone.h"

#define ID_MAX_BYTES       32
#define PROFILE_NAME_ROOM  64
#define VARIABLE_MAX_BYTES 64

static enum gw_err
refuse(enum gw_err err, char *reason, const char *text)
{
	(void)snprintf(reason, CONFIG_REASON_ROOM, "%s", text);
	return err;
}

static enum gw_err
check_name(const char *text, char *reason)
{
	char name[PROFILE_NAME_ROOM];

	if (!config_profile_name(text, name, sizeof name)) {
		return refuse(GW_ERR_SYNTAX, reason,
		    "a name has 1 to 32 letters, digits and _ . - only");
	}
	return GW_OK;
}

static enum gw_err
check_id(const char *text, char *reason)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t size = strlen(text);

	if (size > ID_MAX_BYTES || strspn(text, letters) != size) {
		return refuse(GW_ERR_SYNTAX, reason, "no such name");
	}
	return GW_OK;
}

static enum gw_err
check_host(const char *text, char *reason)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	if (config_is_host_name(text) || inet_pton(AF_INET6, text, bytes) == 1) {
		return GW_OK;
	}
	return refuse(GW_ERR_SYNTAX, reason, "neither a host name nor an address");
}

/* A dependency in a private network may well be plain http; no token goes there. */
static enum gw_err
check_url(const char *text, char *reason)
{
	char host[CONFIG_HOST_MAX_BYTES + 1];
	const char *rest = strstr(text, "://");
	size_t scheme = rest ? (size_t)(rest - text) : 0;
	bool known = (scheme == 4 && strncmp(text, "http", 4) == 0) ||
	    (scheme == 5 && strncmp(text, "https", 5) == 0);

	if (!known) {
		return refuse(GW_ERR_SYNTAX, reason,
		    "no URL that begins with https:// or http://");
	}
	if (strpbrk(rest + 3, "#@\\ ")) {
		return refuse(GW_ERR_SYNTAX, reason,
		    "a URL with a user, fragment, backslash or blank");
	}
	if (!config_take_host(rest + 3, host)) {
		return refuse(GW_ERR_SYNTAX, reason, "a URL without a valid host");
	}
	return GW_OK;
}

static enum gw_err
check_times(const char *text, char *reason)
{
	struct cron_times times;

	return cron_times_parse(text, &times, reason, CONFIG_REASON_ROOM);
}

static enum gw_err
check_cron(const char *text, char *reason)
{
	struct cron cron;

	return cron_parse(text, &cron, reason, CONFIG_REASON_ROOM);
}

static enum gw_err
check_zone(const char *text, char *reason)
{
	struct zone *zone = xzalloc(sizeof *zone);
	enum gw_err err = zone_read(text, zone, reason, CONFIG_REASON_ROOM);

	free(zone);
	return err;
}

static enum gw_err
check_snowflake(const char *text, char *reason)
{
	size_t size = strlen(text);

	/* 64 bits; the first ones, of 2015, had 17 digits. */
	if (size < 15 || size > 20 || strspn(text, "0123456789") != size) {
		return refuse(GW_ERR_SYNTAX, reason, "no id of Discord");
	}
	return GW_OK;
}

static enum gw_err
check_template(const char *text, char *reason)
{
	return template_check(slice_of(text), 0, reason, CONFIG_REASON_ROOM);
}

/* Letters, digits, - and _ : whatever else is in a URL was copied with it. */
static enum gw_err
check_sheet(const char *text, char *reason)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

	if (strstr(text, "/")) {
		return refuse(GW_ERR_SYNTAX, reason,
		    "a URL or path, and only the id in it is wanted");
	}
	return strspn(text, letters) == strlen(text) ?
	    GW_OK :
	    refuse(GW_ERR_SYNTAX, reason, "no id of a spreadsheet");
}

/* Capitals only: a key that was put behind "env:" has small letters. */
static bool
is_variable(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	size_t size = strlen(name);

	return size >= 1 && size <= VARIABLE_MAX_BYTES &&
	    strspn(name, letters) == size && (name[0] < '0' || name[0] > '9');
}

/* Where a secret is, never what it is. */
static enum gw_err
check_secret_place(const char *text, char *reason)
{
	if (text[0] == '/' ||
	    (strncmp(text, "env:", 4) == 0 && is_variable(text + 4))) {
		return GW_OK;
	}
	return refuse(GW_ERR_SYNTAX, reason,
	    "neither a whole path nor env:NAME in capitals; the secret itself is not "
	    "written here");
}

static const struct form {
	const char *name;
	const char *allowed;
	enum gw_err (*check)(const char *text, char *reason);
} forms[] = {
    {"name", "a name of 1 to 32 letters, digits and _ . -", check_name},
    {"id", "a name of 1 to 32 small letters, digits and _ -", check_id},
    {"host", "a host name or numeric address, such as \"db.example\" or \"10.0.0.5\"",
	check_host},
    {"url", "a URL that begins with https:// or http://", check_url},
    {"times", "times from 00:00 to 23:59, such as \"02:00,10:00,18:00\"", check_times},
    {"cron", "five fields, minute hour day month weekday, such as \"30 9 * * mon-fri\"",
	check_cron},
    {"zone", "a name of the time zone database (tzdata), such as \"Europe/Vienna\"",
	check_zone},
    {"snowflake", "an id of Discord: 15 to 20 digits, between quotes", check_snowflake},
    {"sheet", "the id out of a spreadsheet's URL: letters, digits, - and _",
	check_sheet},
    {"secret-place",
	"a file's whole path, or \"env:NAME\" for a variable of the environment",
	check_secret_place},
    {"template", "a text with {placeholders}", check_template},
};

static const struct form *
find(const char *name)
{
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if (strcmp(forms[i].name, name) == 0) {
			return &forms[i];
		}
	}
	return NULL;
}

const char *
config_form_allowed(const char *form)
{
	const struct form *found = find(form);

	return found ? found->allowed : NULL;
}

enum gw_err
config_form_check(const char *form, const char *text, char *reason)
{
	const struct form *found = find(form);

	return found ? found->check(text, reason) : GW_OK;
}
