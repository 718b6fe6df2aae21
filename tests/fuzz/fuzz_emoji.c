/*
 * The arguments of /emoji-pad: whatever they are, what is accepted has the one form
 * that may be fetched, and reads the same again.  Pieces of the query end in zero
 * bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "emoji_ask.h"
#include "url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char cdn[] = "cdn.discordapp.com";
static char media[] = "media.discordapp.net";
static char here[] = "localhost:8443";
static char *items[] = {cdn, media, here};
static const struct config_list hosts = {items, sizeof items / sizeof items[0]};

static void
check_url(const struct emoji_ask *ask)
{
	struct url url;
	bool known = false;

	if (url_parse(ask->url, &url) != GW_OK || url.websocket) {
		abort();
	}
	for (size_t i = 0; i < hosts.count; i++) {
		size_t name = strcspn(hosts.items[i], ":");

		known = known ||
		    (strlen(url.host) == name &&
			memcmp(url.host, hosts.items[i], name) == 0);
	}
	bool local = strcmp(url.host, "localhost") == 0;

	if (!known || strncmp(url.path, "/emojis/", 8) != 0 ||
	    strstr(url.path, "/..") || local != ask->loopback || (!url.tls && !local) ||
	    url.port != (local ? 8443 : 443)) {
		abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct query query;
	struct emoji_ask ask;
	struct emoji_ask again;
	const char *at = (const char *)data;
	size_t left = size;

	query_clear(&query);
	while (left > 0) {
		const char *end = memchr(at, '\0', left);
		size_t piece = end ? (size_t)(end - at) : left;

		query_add(&query, (struct slice){at, piece});
		at += end ? piece + 1 : piece;
		left -= end ? piece + 1 : piece;
	}
	if (emoji_ask_read(&query, &hosts, &ask)) {
		return 0;
	}
	check_url(&ask);
	if (ask.side < EMOJI_SIDE_MIN || ask.side > EMOJI_SIDE_MAX ||
	    ask.box < EMOJI_BOX_MIN || ask.box > EMOJI_BOX_MAX ||
	    emoji_ask_read(&query, &hosts, &again) || !emoji_ask_same(&ask, &again)) {
		abort();
	}
	return 0;
}
