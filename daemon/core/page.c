#include "page.h"

#include <inttypes.h>
#include <string.h>

#include "html.h"
#include "page_assets.h"
#include "page_parts.h"

/* ---- what all of it comes to ---- */

/* Why it is not ready: as the health paths say it, the first few of it. */
#define REASONS_MAX 8

struct reasons {
	struct html *html;
	unsigned count;
};

static void
put_reason(void *ctx, const char *text)
{
	struct reasons *list = ctx;

	if (list->count++ < REASONS_MAX) {
		html_put(list->html, "<li>");
		html_text(list->html, text);
		html_put(list->html, "</li>\n");
	}
}

static void
put_reasons(struct html *html, const struct page_input *input)
{
	struct reasons list = {.html = html};

	html_put(html, "<ul class=\"reasons\">\n");
	health_reasons(input->health, put_reason, &list);
	if (list.count > REASONS_MAX) {
		html_put(html, "<li>and %u more</li>\n", list.count - REASONS_MAX);
	}
	html_put(html, "</ul>\n");
}

/* What a stranger may know. */
static void
put_brief(struct html *html, const struct page_input *input)
{
	const struct health_input *health = input->health;
	const struct page_word *word = page_state_word(health_state(health));

	html_put(html,
	    "<main>\n<section id=\"now\">\n<h1><span aria-hidden=\"true\">%s</span> ",
	    word->shape);
	html_text(html, health->bot);
	html_put(html, ": <span class=\"%s\">%s</span></h1>\n", word->class,
	    word->text);
	html_put(html, "<p role=\"status\" class=\"soft\">version ");
	html_text(html, health->version);
	html_put(html, " · gwbotd ");
	html_text(html, input->gwbotd);
	html_put(html, "</p>\n</section>\n</main>\n");
}

/* How the process before ended, and how often the watchdog ended one. */
static void
put_lives(struct html *html, const struct life *life)
{
	uint64_t trips = 0;

	for (unsigned i = 0; i < LIFE_TRIPS; i++) {
		trips += life->trips[i];
	}
	html_put(html, "<p class=\"soft\">start %" PRIu64, life->starts);
	if (life->last_end != LIFE_END_UNKNOWN) {
		html_put(html, " · the process before: %s",
		    life_end_word(life->last_end));
	}
	html_put(html, " · ended by the watchdog: %" PRIu64 " %s</p>\n", trips,
	    trips == 1 ? "time" : "times");
}

static void
put_now(struct html *html, const struct page_input *input)
{
	const struct health_input *health = input->health;
	const struct page_word *word = page_state_word(health_state(health));
	struct snapshot_total total = snapshot_aggregate(health->shards, health->count);

	html_put(html,
	    "<section id=\"now\">\n<h1><span aria-hidden=\"true\">%s</span> ",
	    word->shape);
	html_text(html, health->bot);
	html_put(html, ": <span class=\"%s\">%s</span></h1>\n", word->class,
	    word->text);
	html_put(html, "<p role=\"status\" class=\"state %s\">%u of %u %s ready</p>\n",
	    word->class, total.connected, total.shards,
	    total.shards == 1 ? "shard" : "shards");
	if (strcmp(health_state(health), "ready") != 0) {
		put_reasons(html, input);
	}
	html_put(html, "<p class=\"soft\">");
	if (health->version && health->version[0] != '\0') {
		html_put(html, "version ");
		html_text(html, health->version);
		html_put(html, " · ");
	}
	html_put(html, "profile ");
	html_text(html, health->env);
	html_put(html, " · gwbotd ");
	html_text(html, input->gwbotd);
	html_put(html, "%s · process %" PRId64 " · up ",
	    input->simulated ? " · built-in gateway (--sim)" : "", input->pid);
	html_span(html, health->uptime);
	html_put(html, ", since ");
	html_time(html, input->started_wall_ms);
	html_put(html, "</p>\n");
	put_lives(html, &input->life);
	html_put(html, "</section>\n");
}

/* ---- shards ---- */

static void
put_shards(struct html *html, const struct page_input *input)
{
	const struct health_input *health = input->health;
	uint32_t shown = 0;

	html_put(html,
	    "<section id=\"shards\">\n<h2>Shards</h2>\n<div class=\"tiles\">\n");
	/* Twice: those in trouble come first. */
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < health->count && shown < PAGE_TILES_MAX; i++) {
			const struct snapshot *shard = &health->shards[i];

			if (page_shard_is_well(shard, &health->limits) == (pass == 1)) {
				page_put_tile(html, input, i);
				shown++;
			}
		}
	}
	html_put(html, "</div>\n");
	if (shown < health->count) {
		html_put(html,
		    "<p class=\"soft\">and %" PRIu32
		    " more: <code>gwctl shards</code></p>\n",
		    health->count - shown);
	}
	html_put(html, "</section>\n");
}

/* ---- watchdog ---- */

static void
put_limit(struct html *html, const struct page_input *input, enum page_limit which,
    const char *name, mono_ns value, const char *meaning)
{
	html_put(html, "<tr><th scope=\"row\">%s</th><td class=\"number\">", name);
	html_span(html, value);
	html_put(html, "</td><td>%s</td><td class=\"soft\" data-column=\"From\">",
	    meaning);
	html_text(html, input->sources ? input->sources[which] : NULL);
	html_put(html, "</td></tr>\n");
}

static void
put_watchdog(struct html *html, const struct page_input *input)
{
	const struct watchdog_limits *limits = &input->health->limits;

	html_put(html, "<section id=\"watchdog\">\n<h2>Watchdog</h2>\n");
	page_put_verdict(html, input);
	html_put(html,
	    "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"limits "
	    "of the watchdog\">\n"
	    "<table>\n<thead><tr><th scope=\"col\">Limit</th><th scope=\"col\" "
	    "class=\"number\">Value</th>"
	    "<th scope=\"col\">Past it</th><th "
	    "scope=\"col\">From</th></tr></thead>\n<tbody>\n");
	put_limit(html, input, PAGE_STALL, "stall", limits->stall,
	    "silent for longer, with latency bad: exit 1");
	put_limit(html, input, PAGE_MAX_LATENCY, "max_latency", limits->max_latency,
	    "a heartbeat's answer slower than this is bad");
	put_limit(html, input, PAGE_DISCONNECT_GRACE, "disconnect_grace",
	    limits->disconnect_grace, "down for longer since the first loss: exit 1");
	put_limit(html, input, PAGE_KEEPALIVE, "keepalive", limits->keepalive,
	    "time between two checks");
	html_put(html, "</tbody>\n</table>\n</div>\n</section>\n");
}

/* ---- identify budget ---- */

static void
put_identify(struct html *html, const struct page_input *input)
{
	const struct health_input *health = input->health;

	html_put(html,
	    "<section id=\"identify\">\n<h2>New sessions</h2>\n"
	    "<p>%" PRId64 " of %" PRId64 " IDENTIFYs used within 24 h; %" PRId64
	    " may still be sent, %" PRId64 " are kept in reserve.</p>\n"
	    "<meter aria-label=\"IDENTIFYs used within 24 hours\" min=\"0\" "
	    "max=\"%" PRId64 "\" high=\"%" PRId64 "\" optimum=\"0\" value=\"%" PRId64
	    "\">%" PRId64 "</meter>\n</section>\n",
	    input->identifies_used, input->identifies_total, health->identifies_left,
	    health->identify_reserve, input->identifies_total,
	    input->identifies_total * 8 / 10, input->identifies_used,
	    input->identifies_used);
}

/* ---- Discord's API ---- */

static void
put_rest(struct html *html, const struct page_input *input)
{
	html_put(html, "<section id=\"api\">\n<h2>Discord's API</h2>\n<p>");
	if (input->rest.limited_for > 0) {
		html_put(html, "Rate limited for ");
		html_span(html, input->rest.limited_for);
	} else {
		html_put(html, "No rate limit in force");
	}
	html_put(html,
	    "; %u %s waiting or on the way, %u refused within 10 min (10000 are a "
	    "ban).</p>\n</section>\n",
	    input->rest.queued, input->rest.queued == 1 ? "request" : "requests",
	    input->rest.invalid_10min);
}

/* ---- what happened ---- */

static const char *
level_class(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return "bad";
	case LOG_LEVEL_WARNING:
		return "warn";
	case LOG_LEVEL_INFO:
	case LOG_LEVEL_DEBUG:
		break;
	}
	return "soft";
}

static void
put_event(struct html *html, const struct feed_entry *entry)
{
	html_put(html, "<tr><td>");
	html_time(html, entry->wall_ms);
	html_put(html, "</td><td class=\"%s\">%s</td><td>", level_class(entry->level),
	    log_level_name(entry->level));
	if (entry->shard >= 0) {
		html_put(html, "shard %" PRId64, entry->shard);
	}
	html_put(html, "</td><td>");
	html_slice(html, entry->text.size > 0 ? entry->text : entry->type);
	html_put(html, "</td></tr>\n");
}

static void
put_events(struct html *html, const struct page_input *input)
{
	struct feed_entry last[PAGE_EVENTS_MAX];
	struct feed_entry entry;
	size_t count = 0;

	html_put(html,
	    "<section id=\"events\">\n<h2>What happened</h2>\n"
	    "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
	    "aria-label=\"what happened\">\n"
	    "<table>\n<thead><tr><th scope=\"col\">Time</th><th "
	    "scope=\"col\">Level</th>"
	    "<th scope=\"col\">Where</th><th scope=\"col\">What</th></tr></thead>\n"
	    "<tbody>\n");
	struct feed_walk walk = {.left = 0};

	if (input->history) {
		walk = feed_walk_of(input->history);
	}
	while (walk.left > 0 && feed_walk_next(&walk, &entry)) {
		last[count++ % PAGE_EVENTS_MAX] = entry;
	}
	for (size_t i = 0; i < count && i < PAGE_EVENTS_MAX; i++) {
		put_event(html, &last[(count - 1 - i) % PAGE_EVENTS_MAX]);
	}
	html_put(html, "</tbody>\n</table>\n</div>\n</section>\n");
}

static void
put_footer(struct html *html, const struct page_input *input)
{
	html_put(html, "<footer id=\"foot\">As of ");
	html_time(html, input->wall_ms);
	html_put(html,
	    " · <a href=\"/metrics\">metrics</a> · <a "
	    "href=\"/readyz?verbose\">checks</a> · <a href=\"/health\">health</a> · on "
	    "the host: "
	    "<code>gwctl status</code>, <code>gwctl explain</code></footer>\n");
}

/* ---- the document ---- */

static void
put_main(struct html *html, const struct page_input *input)
{
	if (input->brief) {
		put_brief(html, input);
		return;
	}
	html_put(html, "<main>\n");
	put_now(html, input);
	put_shards(html, input);
	put_watchdog(html, input);
	put_identify(html, input);
	put_rest(html, input);
	page_put_probes(html, input);
	page_put_jobs(html, input);
	put_events(html, input);
	put_footer(html, input);
	html_put(html, "</main>\n");
}

static void
put_bytes(struct html *html, const char *bytes)
{
	for (size_t size = strlen(bytes), at = 0; at < size;) {
		size_t part = size - at < 256 ? size - at : 256;

		html_put(html, "%.*s", (int)part, bytes + at);
		at += part;
	}
}

static void
put_head(struct html *html, const struct page_input *input)
{
	html_put(html,
	    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	    "<noscript><meta http-equiv=\"refresh\" "
	    "content=\"5\"></noscript>\n<title>");
	html_text(html, input->health->bot);
	html_put(html, ": %s</title>\n<style>", health_state(input->health));
	put_bytes(html, page_style);
	html_put(html,
	    "</style>\n</head>\n<body>\n<p id=\"lost\" role=\"alert\" hidden></p>\n");
}

enum gw_err
page_render(const struct page_input *input, bool live, struct buf *out)
{
	struct html html = {.out = out};
	size_t before = out->size;

	if (live) {
		put_main(&html, input);
	} else {
		put_head(&html, input);
		put_main(&html, input);
		html_put(&html, "<script>");
		put_bytes(&html, page_script);
		html_put(&html, "</script>\n</body>\n</html>\n");
	}
	if (!html_ok(&html)) {
		out->size = before;
	}
	return html.err;
}

const char *
page_policy(void)
{
	return PAGE_POLICY;
}
