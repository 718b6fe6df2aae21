/* The probes and the jobs on the status page. */
#include "page_parts.h"

/* Begins a section with a table that scrolls on its own where the screen is narrower
 * than it, and has no columns where the screen is that of a phone: style.css.  columns
 * are the texts of its header. */
static void
begin_table(struct html *html, const char *id, const char *title,
    const char *const *columns)
{
	html_put(html,
	    "<section id=\"%s\">\n<h2>%s</h2>\n"
	    "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">\n"
	    "<table>\n<thead><tr>",
	    id, title, title);
	for (; *columns; columns++) {
		html_put(html, "<th scope=\"col\">%s</th>", *columns);
	}
	html_put(html, "</tr></thead>\n<tbody>\n");
}

static void
end_table(struct html *html)
{
	html_put(html, "</tbody>\n</table>\n</div>\n</section>\n");
}

static const char *
probe_class(const struct probe_view *view)
{
	switch (view->probe.state) {
	case PROBE_UP:
		return "good";
	case PROBE_DOWN:
		return view->required ? "bad" : "warn";
	case PROBE_UNKNOWN:
		return "soft";
	}
	return "soft";
}

static void
put_probe(struct html *html, const struct probe_view *view, mono_ns now)
{
	const struct probe *probe = &view->probe;
	bool known = probe->state != PROBE_UNKNOWN;

	html_put(html, "<tr><th scope=\"row\">");
	html_text(html, view->name);
	html_put(html, "</th><td>");
	html_text(html, view->kind);
	html_put(html, "%s</td><td class=\"%s\">%s", view->required ? ", required" : "",
	    probe_class(view), probe_state_text(probe->state));
	if (known) {
		html_put(html, " for ");
		html_span(html, now - probe->since);
	}
	html_put(html, "</td><td>");
	if (probe->runs > 0) {
		html_span(html, now - probe->last_at);
		html_put(html, " ago, took ");
		html_latency(html, probe->last_took);
	} else {
		html_put(html, "not yet");
	}
	html_put(html, "</td><td>");
	html_text(html, probe->reason);
	html_put(html, "</td></tr>\n");
}

void
page_put_probes(struct html *html, const struct page_input *input)
{
	static const char *const columns[] = {"Name", "Kind", "State", "Last run",
	    "Said", NULL};
	const struct health_input *health = input->health;

	if (health->probe_count == 0) {
		return;
	}
	begin_table(html, "probes", "Dependencies", columns);
	for (size_t i = 0; i < health->probe_count; i++) {
		put_probe(html, &health->probes[i], input->now);
	}
	end_table(html);
}

/* Microseconds since 1970 as a time; a word where there is none. */
static void
put_instant(struct html *html, wall_us wall, const char *none)
{
	if (wall == SCHEDULE_NEVER || wall == 0) {
		html_put(html, "%s", none);
	} else {
		html_time(html, wall / 1000);
	}
}

static void
put_job(struct html *html, const struct job_view *job)
{
	html_put(html, "<tr><th scope=\"row\">");
	html_text(html, job->name);
	html_put(html, "</th><td>");
	html_text(html, job->action);
	html_put(html, ", ");
	html_text(html, job->schedule);
	html_put(html, "%s", job->zone ? " " : "");
	html_text(html, job->zone);
	html_put(html, "</td><td data-column=\"Next\">");
	put_instant(html, job->next, "never");
	html_put(html, "</td><td data-column=\"Last\">");
	put_instant(html, job->begun_wall, "not yet");
	html_put(html, "</td><td class=\"%s\">",
	    job->ended && !job->good ? "bad" : "soft");
	if (job->running) {
		html_put(html, "runs");
	} else if (job->ended) {
		html_text(html, job->result);
		html_put(html, ", took ");
		html_latency(html, job->took);
	}
	html_put(html, "</td></tr>\n");
}

void
page_put_jobs(struct html *html, const struct page_input *input)
{
	static const char *const columns[] = {"Name", "What and when", "Next", "Last",
	    "Result", NULL};

	if (input->job_count == 0) {
		return;
	}
	begin_table(html, "jobs", "Jobs", columns);
	for (size_t i = 0; i < input->job_count; i++) {
		put_job(html, &input->jobs[i]);
	}
	end_table(html);
}
