#include "emoji_ask.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "url.h"

/* ---- pieces of a URL ---- */

#define ID_DIGITS_MAX       20
#define EXTENSION_BYTES_MAX 5
#define ARGUMENTS_MAX       128

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

/* Takes the text off the front; false where it is not there. */
static bool
take_text(struct slice *from, const char *text)
{
	size_t size = strlen(text);

	if (from->size < size || memcmp(from->data, text, size) != 0) {
		return false;
	}
	from->data += size;
	from->size -= size;
	return true;
}

/* Takes the bytes that `fits` accepts; false for none, and for more than max. */
static bool
take_run(struct slice *from, bool (*fits)(char c), size_t max)
{
	size_t size = 0;

	while (size < from->size && fits(from->data[size])) {
		size++;
	}
	from->data += size;
	from->size -= size;
	return size > 0 && size <= max;
}

static bool
is_extension(char c)
{
	return is_lower(c) || is_digit(c);
}

/* What the CDN's own parameters are made of: size=96&quality=lossless. */
static bool
is_argument(char c)
{
	return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z') ||
	    (c != '\0' && strchr("=&_-.", c));
}

/* /emojis/NUMBER.EXTENSION, maybe with a query. */
static bool
is_emoji_path(struct slice path)
{
	return take_text(&path, "/emojis/") &&
	    take_run(&path, is_digit, ID_DIGITS_MAX) && take_text(&path, ".") &&
	    take_run(&path, is_extension, EXTENSION_BYTES_MAX) &&
	    (path.size == 0 ||
		(take_text(&path, "?") && take_run(&path, is_argument, ARGUMENTS_MAX) &&
		    path.size == 0));
}

/* The configured host that the authority is, byte for byte; NULL: none. */
static const char *
find_host(struct slice authority, const struct config_list *hosts)
{
	for (size_t i = 0; i < hosts->count; i++) {
		if (slice_equal(authority, slice_of(hosts->items[i]))) {
			return hosts->items[i];
		}
	}
	return NULL;
}

static bool
is_this_machine(const char *host)
{
	char name[URL_HOST_BYTES];
	struct slice only = {host, strcspn(host, ":")};

	return slice_copy(only, name, sizeof name) && url_is_loopback(name);
}

const char *
emoji_url_check(struct slice url, const struct config_list *hosts, bool *loopback)
{
	bool plain = take_text(&url, "http://");

	if (!plain && !take_text(&url, "https://")) {
		return "u must begin with https://";
	}
	const char *slash = url.size > 0 ? memchr(url.data, '/', url.size) : NULL;
	size_t size = slash ? (size_t)(slash - url.data) : url.size;
	const char *host = find_host((struct slice){url.data, size}, hosts);

	if (!host) {
		return "the host of u is not one of those that are allowed "
		       "(emoji.hosts)";
	}
	*loopback = is_this_machine(host);
	if (plain && !*loopback) {
		return "u must begin with https://";
	}
	if (!is_emoji_path((struct slice){url.data + size, url.size - size})) {
		return "the path of u must be /emojis/NUMBER.EXTENSION";
	}
	return NULL;
}

/* ---- arguments ---- */

#define NUMBER_BYTES_MAX 12
#define NUMBER_HELD_AT   1000000U

/* A decimal number times 10 to the power of places, what is behind them dropped; held
 * at a million.  False for anything but digits, and a point where there are places. */
static bool
read_number(struct slice text, unsigned places, uint32_t *out)
{
	uint32_t value = 0;
	unsigned left = places;
	bool point = false;
	bool digits = false;

	for (size_t i = 0; i < text.size; i++) {
		char c = text.data[i];

		if (c == '.' && places > 0 && !point) {
			point = true;
		} else if (!is_digit(c) || text.size > NUMBER_BYTES_MAX) {
			return false;
		} else if (!point || left > 0) {
			value = value * 10 + (uint32_t)(c - '0');
			value = value < NUMBER_HELD_AT ? value : NUMBER_HELD_AT;
			left -= point ? 1 : 0;
			digits = true;
		}
	}
	for (; left > 0; left--) {
		value = value * 10 < NUMBER_HELD_AT ? value * 10 : NUMBER_HELD_AT;
	}
	*out = value;
	return digits;
}

static uint32_t
within(uint32_t value, uint32_t min, uint32_t max)
{
	return value < min ? min : (value > max ? max : value);
}

static const char *
read_side(const struct query *query, uint32_t *out)
{
	struct slice text;
	uint32_t side = EMOJI_SIDE_DEFAULT;
	enum query_found found = query_find(query, "s", &text);

	if (found == QUERY_SEVERAL ||
	    (found == QUERY_ONE && !read_number(text, 0, &side))) {
		return "s must be a whole number of pixels from 64 to 512";
	}
	*out = within(side, EMOJI_SIDE_MIN, EMOJI_SIDE_MAX);
	return NULL;
}

static const char *
read_box(const struct query *query, uint32_t *out)
{
	struct slice text;
	uint32_t box = EMOJI_BOX_DEFAULT;
	enum query_found found = query_find(query, "box", &text);

	if (found == QUERY_SEVERAL ||
	    (found == QUERY_ONE && !read_number(text, 3, &box))) {
		return "box must be a number from 0.2 to 0.95";
	}
	*out = within(box, EMOJI_BOX_MIN, EMOJI_BOX_MAX);
	return NULL;
}

static const char *
read_version(const struct query *query, char out[EMOJI_VERSION_BYTES])
{
	struct slice text = {NULL, 0};
	bool fits = query_find(query, "v", &text) != QUERY_SEVERAL &&
	    slice_copy(text, out, EMOJI_VERSION_BYTES);

	for (size_t i = 0; fits && i < text.size; i++) {
		fits = text.data[i] > ' ' && text.data[i] < 0x7F;
	}
	return fits ? NULL : "v must be one word of at most 64 bytes";
}

const char *
emoji_ask_read(const struct query *query, const struct config_list *hosts,
    struct emoji_ask *out)
{
	struct slice url;
	enum query_found found = query_find(query, "u", &url);

	if (query->cut) {
		return "too many arguments, or too long ones";
	}
	if (found == QUERY_NONE || (found == QUERY_ONE && url.size == 0)) {
		return "u is missing: the URL of the emoji";
	}
	if (found == QUERY_SEVERAL) {
		return "u is there more than once";
	}
	const char *why = emoji_url_check(url, hosts, &out->loopback);

	if (!why && !slice_copy(url, out->url, sizeof out->url)) {
		why = "u is too long";
	}
	why = why ? why : read_side(query, &out->side);
	why = why ? why : read_box(query, &out->box);
	return why ? why : read_version(query, out->version);
}

bool
emoji_ask_same(const struct emoji_ask *a, const struct emoji_ask *b)
{
	return a->side == b->side && a->box == b->box && strcmp(a->url, b->url) == 0 &&
	    strcmp(a->version, b->version) == 0;
}

/* ---- addresses ---- */

struct range {
	uint32_t first; /* host order */
	unsigned bits;
};

/* IANA's registry of special addresses (RFC 6890 and after), and what has none. */
static bool
v4_is_public(uint32_t address)
{
	static const struct range closed[] = {
	    {0x00000000, 8},  /* this network */
	    {0x0A000000, 8},  /* private */
	    {0x64400000, 10}, /* shared by a provider's customers */
	    {0x7F000000, 8},  /* loopback */
	    {0xA9FE0000, 16}, /* link-local: where clouds keep their metadata */
	    {0xAC100000, 12}, /* private */
	    {0xC0000000, 24}, /* protocol assignments */
	    {0xC0000200, 24}, /* documentation */
	    {0xC0586300, 24}, /* 6to4 relays */
	    {0xC0A80000, 16}, /* private */
	    {0xC6120000, 15}, /* benchmarks */
	    {0xC6336400, 24}, /* documentation */
	    {0xCB007100, 24}, /* documentation */
	    {0xE0000000, 4},  /* multicast */
	    {0xF0000000, 4},  /* reserved, broadcast */
	};

	for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++) {
		if ((address ^ closed[i].first) >> (32 - closed[i].bits) == 0) {
			return false;
		}
	}
	return true;
}

static uint32_t
v4_at(const struct in6_addr *address, size_t offset)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		bits = bits << 8 | address->s6_addr[offset + i];
	}
	return bits;
}

/* Only what is handed out to the Internet, 2000::/3, and of it nothing special. */
static bool
v6_is_public(const struct in6_addr *address)
{
	uint32_t high = v4_at(address, 0);

	if (IN6_IS_ADDR_V4MAPPED(address)) {
		return v4_is_public(v4_at(address, 12));
	}
	if (high == 0x0064FF9B && v4_at(address, 4) == 0 && v4_at(address, 8) == 0) {
		return v4_is_public(v4_at(address, 12)); /* NAT64 */
	}
	if (high >> 29 != 1) {
		return false;
	}
	if (high >> 16 == 0x2002) {
		return v4_is_public(v4_at(address, 2)); /* 6to4 */
	}
	return high >> 9 != 0x20010000 >> 9 &&           /* protocols, Teredo */
	    high != 0x20010DB8 && high >> 12 != 0x3FFF0; /* documentation */
}

bool
emoji_address_is_public(const char *address)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, address, &v4) == 1) {
		return v4_is_public(ntohl(v4.s_addr));
	}
	return inet_pton(AF_INET6, address, &v6) == 1 && v6_is_public(&v6);
}

/* ---- answers ---- */

bool
emoji_type_is_image(const char *type)
{
	static const char prefix[] = "image/";

	return strncasecmp(type, prefix, sizeof prefix - 1) == 0 &&
	    type[sizeof prefix - 1] != '\0' && type[sizeof prefix - 1] != ';';
}

bool
emoji_is_png_of(struct slice bytes, uint32_t side)
{
	static const char signature[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
	const size_t size = sizeof signature - 1;
	const char side_bytes[4] = {0, 0, (char)(side >> 8), (char)(side & 0xFF)};

	return bytes.size >= size + 8 && memcmp(bytes.data, signature, size) == 0 &&
	    memcmp(bytes.data + size, side_bytes, 4) == 0 &&
	    memcmp(bytes.data + size + 4, side_bytes, 4) == 0;
}

unsigned
emoji_status_of(unsigned upstream)
{
	/* 304 without a condition, and a success without a picture, make no sense. */
	return upstream >= 300 && upstream <= 599 && upstream != 304 ? upstream : 502;
}
