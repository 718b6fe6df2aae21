/* The forms that texts must have: addresses, URLs, JSON, names of intents. */
#include "config_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"

/* Only to see whether a presence is a JSON object; nothing is read out of it. */
#include <cJSON.h>

#define SCHEME_ROOM 16

/* Discord, "List of Intents": the documented bits. */
static const struct {
	const char *name;
	uint32_t bit;
} intent_names[] = {
    {"GUILDS", 1U << 0},
    {"GUILD_MEMBERS", 1U << 1},
    {"GUILD_MODERATION", 1U << 2},
    {"GUILD_EXPRESSIONS", 1U << 3},
    {"GUILD_INTEGRATIONS", 1U << 4},
    {"GUILD_WEBHOOKS", 1U << 5},
    {"GUILD_INVITES", 1U << 6},
    {"GUILD_VOICE_STATES", 1U << 7},
    {"GUILD_PRESENCES", 1U << 8},
    {"GUILD_MESSAGES", 1U << 9},
    {"GUILD_MESSAGE_REACTIONS", 1U << 10},
    {"GUILD_MESSAGE_TYPING", 1U << 11},
    {"DIRECT_MESSAGES", 1U << 12},
    {"DIRECT_MESSAGE_REACTIONS", 1U << 13},
    {"DIRECT_MESSAGE_TYPING", 1U << 14},
    {"MESSAGE_CONTENT", 1U << 15},
    {"GUILD_SCHEDULED_EVENTS", 1U << 16},
    {"AUTO_MODERATION_CONFIGURATION", 1U << 20},
    {"AUTO_MODERATION_EXECUTION", 1U << 21},
    {"GUILD_MESSAGE_POLLS", 1U << 24},
    {"DIRECT_MESSAGE_POLLS", 1U << 25},
};

#define INTENT_COUNT (sizeof intent_names / sizeof intent_names[0])

__attribute__((format(printf, 3, 4))) static enum gw_err
refuse(enum gw_err err, char *reason, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(reason, CONFIG_REASON_ROOM, format, args);
	va_end(args);
	return err;
}

/* ---- addresses and URLs ---- */

static enum gw_err
check_address(const char *text, char *reason)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, text, bytes) == 1 ||
	    inet_pton(AF_INET6, text, bytes) == 1) {
		return GW_OK;
	}
	return refuse(GW_ERR_SYNTAX, reason, "not a numeric address");
}

static bool
is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1) {
		return ntohl(v4.s_addr) >> 24 == 127;
	}
	if (inet_pton(AF_INET6, host, &v6) == 1) {
		return IN6_IS_ADDR_LOOPBACK(&v6);
	}
	return strcasecmp(host, "localhost") == 0;
}

/* Copies the scheme that text begins with, if it is one of "https|http". */
static bool
take_scheme(const char *words, const char *text, char scheme[SCHEME_ROOM])
{
	const char *end = strstr(text, "://");

	if (!end ||
	    !slice_copy((struct slice){text, (size_t)(end - text)}, scheme,
		SCHEME_ROOM)) {
		return false;
	}
	size_t size = strlen(scheme);

	while (*words != '\0') {
		size_t word = strcspn(words, "|");

		if (word == size && strncmp(words, scheme, size) == 0) {
			return true;
		}
		words += word + (words[word] == '|' ? 1 : 0);
	}
	return false;
}

bool
config_is_host_name(const char *host)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

	return host[0] != '\0' && strspn(host, letters) == strlen(host);
}

static bool
is_port(const char *text, size_t size)
{
	char digits[6];

	if (size == 0 ||
	    !slice_copy((struct slice){text, size}, digits, sizeof digits) ||
	    strspn(digits, "0123456789") != size) {
		return false;
	}
	long port = strtol(digits, NULL, 10);

	return port >= 1 && port <= 65535;
}

/* Copies the host of "host:port/path" without brackets; false where it has none. */
bool
config_take_host(const char *text, char host[CONFIG_HOST_MAX_BYTES + 1])
{
	bool bracket = *text == '[';
	const char *start = bracket ? text + 1 : text;
	size_t size = strcspn(start, bracket ? "]" : ":/");
	const char *rest = start + size + (bracket ? 1 : 0);
	struct in6_addr v6;

	if (bracket && start[size] != ']') {
		return false;
	}
	if (!slice_copy((struct slice){start, size}, host, CONFIG_HOST_MAX_BYTES + 1)) {
		return false;
	}
	if (*rest == ':') {
		size_t digits = strcspn(rest + 1, "/");

		if (!is_port(rest + 1, digits)) {
			return false;
		}
		rest += 1 + digits;
	}
	if (*rest != '/' && *rest != '\0') {
		return false;
	}
	return bracket ? inet_pton(AF_INET6, host, &v6) == 1 :
			 config_is_host_name(host);
}

/* One way to write each: it is compared byte for byte. */
static enum gw_err
check_host(const char *text, char *reason)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
	size_t size = strspn(text, letters);
	const char *port = text + size + 1;

	if (size == 0 || size > CONFIG_HOST_MAX_BYTES || text[0] == '.' ||
	    text[size - 1] == '.' || memmem(text, size, "..", 2) ||
	    (text[size] != '\0' &&
		(text[size] != ':' || port[0] == '0' ||
		    !is_port(port, strlen(port))))) {
		return refuse(GW_ERR_SYNTAX, reason,
		    "not a host in lower case, with a port where it is not 443");
	}
	return GW_OK;
}

enum gw_err
config_check_item(const struct config_option *option, const char *text, char *reason)
{
	if (strcmp(option->unit, "snowflake") == 0) {
		return config_form_check(option->unit, text, reason);
	}
	return strcmp(option->unit, "host") == 0 ? check_host(text, reason) :
						   check_address(text, reason);
}

static enum gw_err
check_url(const struct config_option *option, const char *text, char *reason)
{
	char scheme[SCHEME_ROOM];
	char host[CONFIG_HOST_MAX_BYTES + 1];

	if (!take_scheme(option->unit, text, scheme)) {
		return refuse(GW_ERR_SYNTAX, reason, "no URL with an allowed scheme");
	}
	const char *rest = text + strlen(scheme) + 3;

	if (strpbrk(rest, "?#@\\ ")) {
		return refuse(GW_ERR_SYNTAX, reason,
		    "a URL with a user, query, fragment, backslash or blank");
	}
	if (!config_take_host(rest, host)) {
		return refuse(GW_ERR_SYNTAX, reason, "a URL without a valid host");
	}
	bool plain = strcmp(scheme, "http") == 0 || strcmp(scheme, "ws") == 0;

	if (plain && !is_loopback(host)) {
		return refuse(GW_ERR_PERMISSION, reason,
		    "plain http:// and ws:// are allowed to loopback (127.0.0.0/8, "
		    "::1, "
		    "localhost) only, since the token would travel unencrypted");
	}
	return GW_OK;
}

/* ---- JSON ---- */

static enum gw_err
check_json(const char *text, char *reason)
{
	const char *end = NULL;
	cJSON *tree = cJSON_ParseWithLengthOpts(text, strlen(text) + 1, &end, true);
	bool object = cJSON_IsObject(tree);

	cJSON_Delete(tree);
	if (!tree) {
		return refuse(GW_ERR_SYNTAX, reason, "not well-formed JSON");
	}
	return object ? GW_OK : refuse(GW_ERR_TYPE, reason, "not a JSON object");
}

/* ---- texts ---- */

/* Control characters would reach logs, terminals and JSON; the rest is UTF-8 or not. */
static bool
has_control(const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == 0x7F) {
			return true;
		}
	}
	return false;
}

static enum gw_err
check_size(const struct config_option *option, const char *text, char *reason)
{
	size_t size = strlen(text);

	if (size < (size_t)option->min) {
		return refuse(GW_ERR_RANGE, reason, "empty");
	}
	if (size > (size_t)option->max) {
		return refuse(option->type == CONFIG_PATH ? GW_ERR_PERMISSION :
							    GW_ERR_RANGE,
		    reason, "%zu bytes long, %" PRId64 " are allowed", size,
		    option->max);
	}
	return GW_OK;
}

static enum gw_err
check_readable(const char *text, char *reason)
{
	struct stat status;
	char shown[CONFIG_SHOWN_ROOM];

	config_shown(text, shown);
	if (stat(text, &status) != 0 || access(text, R_OK) != 0) {
		return refuse(GW_ERR_PERMISSION, reason, "%s cannot be read: %s", shown,
		    strerror(errno));
	}
	if (!S_ISREG(status.st_mode)) {
		return refuse(GW_ERR_PERMISSION, reason, "%s is not a regular file",
		    shown);
	}
	return GW_OK;
}

enum gw_err
config_check_text(const struct config_option *option, const char *text, char *reason)
{
	enum gw_err err = check_size(option, text, reason);

	if (err != GW_OK) {
		return err;
	}
	/* A template may have lines. */
	bool lines =
	    option->type == CONFIG_JSON || strcmp(option->unit, "template") == 0;

	if (!lines && has_control(text)) {
		return refuse(GW_ERR_SYNTAX, reason, "a text with control characters");
	}
	/* Logs, JSON and screens are UTF-8; a path is what the disk has. */
	if (option->type != CONFIG_PATH && !text_is_utf8(slice_of(text))) {
		return refuse(GW_ERR_SYNTAX, reason, "a text that is not UTF-8");
	}
	if (*text == '\0') {
		return GW_OK;
	}
	if (option->type == CONFIG_TEXT) {
		return config_form_check(option->unit, text, reason);
	}
	if (option->type == CONFIG_URL) {
		return check_url(option, text, reason);
	}
	if (option->type == CONFIG_JSON) {
		return check_json(text, reason);
	}
	if (strcmp(option->unit, "readable") == 0) {
		return check_readable(text, reason);
	}
	return GW_OK;
}

/* ---- intents ---- */

static enum gw_err
add_intent(const char *name, uint32_t *out, char *reason)
{
	struct config_nearest nearest;
	char shown[CONFIG_SHOWN_ROOM];

	config_nearest_init(&nearest, name);
	for (size_t i = 0; i < INTENT_COUNT; i++) {
		if (strcasecmp(name, intent_names[i].name) == 0) {
			*out |= intent_names[i].bit;
			return GW_OK;
		}
		config_nearest_offer(&nearest, intent_names[i].name);
	}
	config_shown(name, shown);
	(void)snprintf(reason, CONFIG_REASON_ROOM, "unknown intent \"%s\"%s%s", shown,
	    nearest.best ? "; nearest: " : "", nearest.best ? nearest.best : "");
	return GW_ERR_UNKNOWN;
}

static enum gw_err
parse_sum(const struct config_option *option, const char *text, uint32_t *out,
    char *reason)
{
	char *end;
	unsigned long long sum = strtoull(text, &end, 10);

	if (*end != '\0') {
		return refuse(GW_ERR_SYNTAX, reason,
		    "neither a number nor names of intents");
	}
	if (sum > (unsigned long long)option->max ||
	    (sum & ~(unsigned long long)option->max) != 0) {
		return refuse(GW_ERR_RANGE, reason,
		    "a sum with bits that are no intent");
	}
	*out = (uint32_t)sum;
	return GW_OK;
}

enum gw_err
config_parse_intents(const struct config_option *option, const char *text,
    uint32_t *out, char *reason)
{
	static const char separators[] = ", |\t";
	char name[CONFIG_SHOWN_ROOM];
	uint32_t sum = 0;
	bool some = false;

	if (*text >= '0' && *text <= '9') {
		return parse_sum(option, text, out, reason);
	}
	for (text += strspn(text, separators); *text != '\0';
	     text += strspn(text, separators)) {
		size_t size = strcspn(text, separators);

		(void)slice_copy((struct slice){text, size}, name, sizeof name);
		enum gw_err err = add_intent(name, &sum, reason);

		if (err != GW_OK) {
			return err;
		}
		text += size;
		some = true;
	}
	if (!some) {
		return refuse(GW_ERR_SYNTAX, reason, "empty; write 0 for none");
	}
	*out = sum;
	return GW_OK;
}

enum gw_err
config_intents_text(uint32_t intents, const char *quote, const char *separator,
    struct buf *out)
{
	const char *before = "";

	for (size_t i = 0; i < INTENT_COUNT; i++) {
		if ((intents & intent_names[i].bit) == 0) {
			continue;
		}
		enum gw_err err = buf_printf(out, "%s%s%s%s", before, quote,
		    intent_names[i].name, quote);

		if (err != GW_OK) {
			return err;
		}
		before = separator;
	}
	return GW_OK;
}
