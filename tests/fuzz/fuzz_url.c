/*
 * URLs that a peer names: what is read has one meaning, and a resume goes only where
 * Discord or the operator is.
 *
 * Input: the URL; behind a zero byte, the general gateway's.
 */
#include <stdbool.h>
#include <string.h>

#include "buf.h"
#include "must.h"
#include "url.h"

#define TEXT_BYTES 4096

/* By its own means: the last labels of the name, without regard to what url.c does. */
static bool
is_discord(const char *host)
{
	static const char name[] = "discord.gg";
	size_t size = strlen(host);
	size_t tail = sizeof name - 1;

	return size >= tail && strcmp(host + size - tail, name) == 0 &&
	    (size == tail || host[size - tail - 1] == '.');
}

static void
check_parts(const char *text, const struct url *url)
{
	const char *authority = strstr(text, "//");

	MUST(url->host[0] != '\0' && url->host[0] != '.');
	MUST(url->path[0] == '/');
	MUST(url->port != 0);
	MUST(authority);
	MUST(!memchr(authority, '@', strcspn(authority + 2, "/?") + 2));
	for (const char *at = url->host; *at != '\0'; at++) {
		MUST((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') ||
		    strchr("-._:", *at));
	}
	for (const char *at = url->path; *at != '\0'; at++) {
		MUST(*at > ' ' && *at < 0x7F && *at != '#');
	}
}

/* Written again from its parts, it is the same. */
static void
check_again(const struct url *url)
{
	char text[TEXT_BYTES];
	struct url again;
	bool literal = strchr(url->host, ':') != NULL;

	int size = snprintf(text, sizeof text, "%s%s://%s%s%s:%u%s",
	    url->websocket ? "ws" : "http", url->tls ? "s" : "", literal ? "[" : "",
	    url->host, literal ? "]" : "", (unsigned)url->port, url->path);

	MUST(size > 0 && (size_t)size < sizeof text);
	MUST(url_parse(text, &again) == GW_OK);
	MUST(again.tls == url->tls && again.websocket == url->websocket);
	MUST(again.port == url->port && strcmp(again.host, url->host) == 0);
	MUST(strcmp(again.path, url->path) == 0);
}

static void
check_resume(const struct url *url, const struct url *general)
{
	if (!url_resume_allowed(url, general)) {
		return;
	}
	MUST(url->websocket);
	bool same = general && strcmp(url->host, general->host) == 0;
	bool local =
	    general && url_is_loopback(general->host) && url_is_loopback(url->host);

	MUST(same || local || is_discord(url->host));
	MUST(url->tls || local);
	MUST(local || url->port == 443 || (same && url->port == general->port));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_BYTES];
	char other[TEXT_BYTES] = "";
	struct url url;
	struct url general;
	const uint8_t *end = size > 0 ? memchr(data, 0, size) : NULL;
	struct slice first = {(const char *)data, end ? (size_t)(end - data) : size};

	(void)slice_copy(first, text, sizeof text);
	if (end) {
		struct slice second = {(const char *)end + 1, size - first.size - 1};

		(void)slice_copy(second, other, sizeof other);
	}
	bool named = url_parse(other, &general) == GW_OK;

	memset(&url, 0x5A, sizeof url);
	if (url_parse(text, &url) != GW_OK) {
		MUST(url.host[0] == 0x5A);
		return 0;
	}
	check_parts(text, &url);
	check_again(&url);
	check_resume(&url, NULL);
	if (named) {
		check_resume(&url, &general);
	}
	return 0;
}
