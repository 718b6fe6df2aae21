#include "page_parts.h"

#include <inttypes.h>
#include <string.h>

#include "closecode.h"

#define SPARK_WIDTH  240
#define SPARK_HEIGHT 32
#define SPARK_POINTS 60 /* answers at most: 41 minutes at Discord's usual interval */

const struct page_word *
page_state_word(const char *state)
{
	static const struct page_word words[] = {
	    {"ready", "ready", "●", "good"},
	    {"degraded", "degraded", "◐", "warn"},
	    {"reconnecting", "reconnecting", "↻", "warn"},
	    {"starting", "starting", "○", "warn"},
	    {"draining", "stopping", "◇", "warn"},
	    {"waiting", "waiting for the older instance", "○", "warn"},
	    {"yielded", "yielded to a newer instance", "◇", "warn"},
	    {"down", "down", "✕", "bad"},
	    {"fatal", "refused by Discord", "✕", "bad"},
	};
	static const struct page_word unknown = {"", "unknown", "?", "warn"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(words[i].state, state) == 0) {
			return &words[i];
		}
	}
	return &unknown;
}

bool
page_shard_is_well(const struct snapshot *shard, const struct watchdog_limits *limits)
{
	return shard->connected && watchdog_decide(shard, limits) == WATCHDOG_OK;
}

/* ---- a bar against a limit ---- */

static void
put_bar(struct html *html, const char *label, mono_ns value, mono_ns limit)
{
	html_put(html,
	    "<meter aria-label=\"%s\" min=\"0\" max=\"%.0f\" low=\"%.0f\" "
	    "high=\"%.0f\" optimum=\"0\" "
	    "value=\"%.1f\">",
	    label, clock_seconds(limit), clock_seconds(limit) / 2,
	    clock_seconds(limit) * 0.8, clock_seconds(value < 0 ? 0 : value));
	html_span(html, value);
	html_put(html, " of ");
	html_span(html, limit);
	html_put(html, "</meter>\n");
}

static void
put_row(struct html *html, const char *name)
{
	html_put(html, "<dt>%s</dt><dd>", name);
}

static void
put_count(struct html *html, const char *name, uint64_t count)
{
	put_row(html, name);
	html_put(html, "%" PRIu64 "</dd>\n", count);
}

/* ---- latencies as a line ---- */

/* The sample that came count - index answers ago. */
static mono_ns
sample_of(const struct latency_window *window, uint32_t count, uint32_t index)
{
	uint32_t at = (window->next + LATENCY_WINDOW - count + index) % LATENCY_WINDOW;

	return window->samples[at];
}

static void
put_sparkline(struct html *html, const struct latency_window *window)
{
	mono_ns highest = 1;
	mono_ns lowest = CLOCK_NEVER;

	if (window->count < 2) {
		return; /* no line yet */
	}
	uint32_t count = SPARK_POINTS;

	if (window->count < count) {
		count = window->count;
	}
	for (uint32_t i = 0; i < count; i++) {
		mono_ns sample = sample_of(window, count, i);

		highest = sample > highest ? sample : highest;
		lowest = sample < lowest ? sample : lowest;
	}
	html_put(html,
	    "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" "
	    "aria-label=\""
	    "latency of the last %" PRIu32 " heartbeats, from ",
	    SPARK_WIDTH, SPARK_HEIGHT, count);
	html_latency(html, lowest);
	html_put(html, " to ");
	html_latency(html, highest);
	html_put(html, "\"><polyline points=\"");
	for (uint32_t i = 0; i < count; i++) {
		double share = (double)sample_of(window, count, i) / (double)highest;

		html_put(html, "%s%.1f,%.1f", i > 0 ? " " : "",
		    (double)i * SPARK_WIDTH / (count - 1),
		    1 + (SPARK_HEIGHT - 2) * (1 - share));
	}
	html_put(html, "\"/></svg>\n");
}

/* ---- the tile ---- */

/* A shard as the whole: by a word, a shape and a colour. */
static const struct page_word *
shard_word(const struct snapshot *shard, const struct watchdog_limits *limits)
{
	if (shard->state == SNAPSHOT_FATAL) {
		return page_state_word("fatal");
	}
	if (shard->connected) {
		return page_state_word(
		    page_shard_is_well(shard, limits) ? "ready" : "degraded");
	}
	return page_state_word(shard->last_ready_age < 0 ? "starting" : "reconnecting");
}

/* What acts next, and what ends the process if nothing comes. */
static void
put_outlook(struct html *html, const struct outlook *outlook)
{
	html_put(html, "<ul class=\"next\">\n");
	for (unsigned i = 0; i < outlook->count; i++) {
		const struct outlook_entry *entry = &outlook->list[i];
		bool told =
		    i == 0 || outlook_action(entry->rule) == OUTLOOK_ACTION_EXIT;

		if (!told) {
			continue;
		}
		html_put(html, "<li>");
		if (entry->in >= 0) {
			html_put(html, "in ");
			html_span(html, entry->in);
			html_put(html, ": ");
		}
		html_text(html, outlook_rule_text(entry->rule));
		html_put(html, "</li>\n");
	}
	html_put(html, "</ul>\n");
}

static void
put_trouble(struct html *html, const struct snapshot *shard,
    const struct outlook *outlook)
{
	html_put(html, "<p class=\"warn\">");
	html_text(html, shard->reason[0] ? shard->reason : "not connected yet");
	html_put(html, "</p>\n");
	put_outlook(html, outlook);
}

static void
put_close(struct html *html, const struct snapshot *shard)
{
	uint64_t closes = 0;

	for (size_t i = 0; i < SNAPSHOT_CLOSES; i++) {
		closes += shard->closes[i];
	}
	put_count(html, "closes", closes);
	if (shard->last_close_code == 0) {
		return;
	}
	put_row(html, "last close");
	html_put(html, "%u, ", shard->last_close_code);
	html_text(html, closecode_find(shard->last_close_code)->text);
	html_put(html, "</dd>\n");
}

/* How near it is to the limit that counts for it now. */
static void
put_distance(struct html *html, const struct snapshot *shard,
    const struct watchdog_limits *limits)
{
	bool up = shard->connected;
	mono_ns age = up ? shard->last_event_age : shard->disconnect_age;
	mono_ns limit = up ? limits->stall : limits->disconnect_grace;

	html_put(html, "<dl>\n");
	put_row(html, up ? "silence" : "down");
	html_span(html, age < 0 ? 0 : age);
	html_put(html, " of ");
	html_span(html, limit);
	html_put(html, "</dd>\n</dl>\n");
	put_bar(html,
	    up ? "silence against stall" : "time down against disconnect_grace",
	    age < 0 ? 0 : age, limit);
}

void
page_put_tile(struct html *html, const struct page_input *input, uint32_t index)
{
	const struct watchdog_limits *limits = &input->health->limits;
	const struct snapshot *shard = &input->health->shards[index];
	const struct session *session = input->session(input->ctx, index);
	const struct page_word *word = shard_word(shard, limits);
	struct outlook outlook;

	page_take_outlook(input, index, &outlook);
	html_put(html,
	    "<div class=\"tile\">\n<h3><span aria-hidden=\"true\" "
	    "class=\"%s\">%s</span> "
	    "Shard %" PRIu32 ": <span class=\"%s\">",
	    word->class, word->shape, shard->shard_id, word->class);
	html_text(html, snapshot_state_text(shard->state));
	html_put(html, "</span></h3>\n");
	if (!page_shard_is_well(shard, limits)) {
		put_trouble(html, shard, &outlook);
	}
	put_distance(html, shard, limits);
	html_put(html, "<dl>\n");
	put_row(html, "latency");
	html_latency(html, shard->latency);
	html_put(html, "</dd>\n");
	if (shard->connected) {
		put_row(html, "up");
		html_span(html, shard->uptime);
		html_put(html, "</dd>\n");
	}
	put_count(html, "resumes", shard->resumes);
	put_count(html, "new sessions", shard->identifies);
	put_count(html, "events", shard->dispatches);
	put_close(html, shard);
	html_put(html, "</dl>\n");
	put_sparkline(html, &session->latencies);
	html_put(html, "</div>\n");
}

/* ---- the watchdog ---- */

void
page_take_outlook(const struct page_input *input, uint32_t index, struct outlook *out)
{
	const struct health_input *health = input->health;
	struct snapshot_total total = snapshot_aggregate(health->shards, health->count);
	uint32_t down = total.shards - total.connected;
	const struct outlook_input in = {
	    .session = input->session(input->ctx, index),
	    .snap = &health->shards[index],
	    .limits = health->limits,
	    .check_at = input->check_at,
	    .now = input->now,
	    .crowd = down - (health->shards[index].connected || down == 0 ? 0 : 1),
	};

	outlook_take(&in, out);
}

/* The shard that is not well and whose watchdog exit is nearest; false: there is none.
 */
static bool
nearest_exit(const struct page_input *input, uint32_t *shard_id, mono_ns *left)
{
	const struct health_input *health = input->health;
	bool found = false;
	uint32_t looked = 0;

	for (uint32_t i = 0; i < health->count && looked < PAGE_TILES_MAX; i++) {
		struct outlook outlook;

		if (page_shard_is_well(&health->shards[i], &health->limits)) {
			continue;
		}
		page_take_outlook(input, i, &outlook);
		looked++;
		mono_ns in = outlook_exit_in(&outlook);

		if (in != SNAPSHOT_NONE && (!found || in < *left)) {
			*left = in;
			*shard_id = health->shards[i].shard_id;
			found = true;
		}
	}
	return found;
}

void
page_put_verdict(struct html *html, const struct page_input *input)
{
	mono_ns check_in = input->check_at - input->now;
	uint32_t shard_id = 0;
	mono_ns left = 0;

	if (nearest_exit(input, &shard_id, &left)) {
		html_put(html,
		    "<p class=\"warn\">Because of shard %" PRIu32
		    " the process ends with status 1 in ",
		    shard_id);
		html_span(html, left);
		html_put(html, ", unless it comes back.");
	} else {
		html_put(html, "<p class=\"good\">No shard is near a limit.");
	}
	html_put(html, " It looks again in ");
	html_span(html, check_in < 0 ? 0 : check_in);
	html_put(html, ".</p>\n");
}
