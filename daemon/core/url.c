#include "url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *prefix;
	bool tls;
	bool websocket;
	uint16_t port;
} schemes[] = {
    {"wss://", true, true, 443},
    {"ws://", false, true, 80},
    {"https://", true, false, 443},
    {"http://", false, false, 80},
};

static bool
is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

static bool
is_address_char(char c)
{
	return isxdigit((unsigned char)c) || c == ':' || c == '.';
}

/* No label may be empty, so that a name is written in one way only. */
static bool
has_whole_labels(const char *host)
{
	size_t size = strlen(host);

	return host[0] != '.' && host[size - 1] != '.' && !strstr(host, "..");
}

/* Copies size bytes as the host; false where they are too many or none. */
static bool
copy_host(const char *text, size_t size, struct url *url)
{
	if (size == 0 || size >= sizeof url->host) {
		return false;
	}
	for (size_t i = 0; i < size; i++) {
		url->host[i] = (char)tolower((unsigned char)text[i]);
	}
	url->host[size] = '\0';
	return true;
}

/* Takes the IPv6 address behind a '['; returns what follows its ']', or NULL. */
static const char *
take_literal(const char *text, struct url *url)
{
	struct in6_addr address;
	size_t size = 0;

	while (is_address_char(text[size])) {
		size++;
	}
	if (text[size] != ']' || !copy_host(text, size, url) ||
	    inet_pton(AF_INET6, url->host, &address) != 1) {
		return NULL;
	}
	return text + size + 1;
}

/* Takes the host at text; returns what follows it, or NULL where it is no host. */
static const char *
take_host(const char *text, struct url *url)
{
	size_t size = 0;

	if (*text == '[') {
		return take_literal(text + 1, url);
	}
	while (is_host_char(text[size])) {
		size++;
	}
	if (!copy_host(text, size, url) || !has_whole_labels(url->host)) {
		return NULL;
	}
	return text + size;
}

/* Reads ":port" where there is one; returns what follows, or NULL. */
static const char *
take_port(const char *text, struct url *url)
{
	unsigned port = 0;
	size_t digits = 0;

	if (*text != ':') {
		return text;
	}
	for (text++; *text >= '0' && *text <= '9' && digits < 6; text++, digits++) {
		port = port * 10 + (unsigned)(*text - '0');
	}
	if (digits == 0 || port == 0 || port > UINT16_MAX) {
		return NULL;
	}
	url->port = (uint16_t)port;
	return text;
}

/* Fragments are refused: WebSocket URLs have none, and nothing here wants one. */
static bool
take_path(const char *text, struct url *url)
{
	size_t used = 0;

	if (*text != '/') {
		url->path[used++] = '/';
	}
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7F ||
		    *text == '\\' || *text == '#' || used + 1 >= sizeof url->path) {
			return false;
		}
		url->path[used++] = *text;
	}
	url->path[used] = '\0';
	return true;
}

enum gw_err
url_parse(const char *text, struct url *out)
{
	struct url url = {.port = 0};
	const char *at = NULL;

	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0] && !at; i++) {
		size_t size = strlen(schemes[i].prefix);

		if (strncasecmp(text, schemes[i].prefix, size) == 0) {
			url.tls = schemes[i].tls;
			url.websocket = schemes[i].websocket;
			url.port = schemes[i].port;
			at = text + size;
		}
	}
	at = at ? take_host(at, &url) : NULL;
	at = at ? take_port(at, &url) : NULL;
	if (!at || (*at != '\0' && *at != '/' && *at != '?') || !take_path(at, &url)) {
		return GW_ERR_SYNTAX;
	}
	*out = url;
	return GW_OK;
}

bool
url_is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (strcasecmp(host, "localhost") == 0) {
		return true;
	}
	if (inet_pton(AF_INET, host, &v4) == 1) {
		return ntohl(v4.s_addr) >> 24 == 127;
	}
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool
is_discord(const char *host)
{
	static const char domain[] = "discord.gg";
	size_t size = strlen(host);
	size_t tail = sizeof domain - 1;

	if (size < tail || strcmp(host + size - tail, domain) != 0) {
		return false;
	}
	return size == tail || host[size - tail - 1] == '.';
}

bool
url_resume_allowed(const struct url *url, const struct url *general)
{
	if (!url->websocket) {
		return false;
	}
	if (url->tls && url->port == 443 && is_discord(url->host)) {
		return true;
	}
	if (!general) {
		return false;
	}
	if (url_is_loopback(general->host)) {
		return url_is_loopback(url->host);
	}
	return url->tls && strcmp(url->host, general->host) == 0 &&
	    (url->port == general->port || url->port == 443);
}
