/* The methods of dependency probes and scheduled jobs. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "methods_rows.h"
#include "snapshot.h"

#define LOCAL_ROOM 48
#define NAMES_ROOM 96

/* ---- probes ---- */

static struct json *
describe_probe(const struct probe_view *view, mono_ns now)
{
	const struct probe *probe = &view->probe;
	bool known = probe->state != PROBE_UNKNOWN;
	bool ran = probe->runs > 0;
	struct json *object = json_new_object();

	json_add_text(object, "name", view->name);
	json_add_text(object, "kind", view->kind);
	json_add_bool(object, "required", view->required);
	json_add_text(object, "state", probe_state_text(probe->state));
	json_add_seconds(object, "state_age_seconds",
	    known ? now - probe->since : SNAPSHOT_NONE);
	json_add_bool(object, "running", view->running);
	json_add_seconds(object, "interval_seconds", view->interval);
	json_add_seconds(object, "last_run_age_seconds",
	    ran ? now - probe->last_at : SNAPSHOT_NONE);
	json_add_seconds(object, "last_duration_seconds",
	    ran ? probe->last_took : SNAPSHOT_NONE);
	if (ran) {
		json_add_bool(object, "last_good", probe->last_good);
	} else {
		json_add_null(object, "last_good");
	}
	json_add_text(object, "reason", probe->reason[0] ? probe->reason : NULL);
	json_add_int(object, "streak", probe->streak);
	json_add_int(object, "runs", (int64_t)probe->runs);
	json_add_int(object, "failures", (int64_t)probe->failures);
	return object;
}

/* "db, site, ..." */
static void
join_name(char out[NAMES_ROOM], const char *name)
{
	size_t size = strlen(out);

	if (size + strlen(name) + 8 < NAMES_ROOM) {
		(void)snprintf(out + size, NAMES_ROOM - size, "%s%s",
		    size > 0 ? ", " : "", name);
	} else if (size > 0 && strcmp(out + size - 3, "...") != 0) {
		(void)snprintf(out + size, NAMES_ROOM - size, ", ...");
	}
}

static void
refuse_name(const struct visit *visit, const char *what, const char *name,
    const char *names)
{
	visit_refuse(visit, RPC_ERR_REFUSED,
	    "they stand in the configuration: man gwbot.conf",
	    "there is no %s \"%.40s\"%s%s", what, name,
	    names[0] ? "; there are: " : ", nor any other", names);
}

/* The text of an argument; false where it is something else: the call has ended. */
static bool
read_name(const struct visit *visit, size_t index, const char **out)
{
	const struct json *argument = visit_argument(visit, index);

	*out = json_text(argument);
	if (argument && !*out && json_kind(argument) != JSON_NULL) {
		visit_refuse(visit, RPC_ERR_PARAMS, NULL, "NAME must be a text");
		return false;
	}
	return true;
}

void
methods_probes(const struct visit *visit)
{
	const struct probe_view *views = NULL;
	size_t count = visit->source->probes(visit->source->ctx, &views);
	const char *wanted = NULL;
	char names[NAMES_ROOM] = "";

	if (!read_name(visit, 0, &wanted)) {
		return;
	}
	struct json *probes = json_new_array();

	for (size_t i = 0; i < count; i++) {
		if (!wanted || strcmp(views[i].name, wanted) == 0) {
			json_append(probes, describe_probe(&views[i], visit->now));
		}
		join_name(names, views[i].name);
	}
	if (wanted && json_count(probes) == 0) {
		json_free(probes);
		refuse_name(visit, "probe", wanted, names);
		return;
	}
	struct json *answer = visit_new_answer("probes");

	json_add(answer, "probes", probes);
	visit_answer(visit, answer);
}

/* ---- jobs ---- */

/* "2026-11-28 18:00:00 +01:00" */
static void
put_local(const struct job_view *view, char out[LOCAL_ROOM])
{
	time_t seconds = (time_t)(view->next / SCHEDULE_S(1) + view->next_offset);
	int32_t minutes = view->next_offset / 60;
	int32_t size = minutes < 0 ? -minutes : minutes;
	struct tm parts;
	char text[24] = "";

	if (gmtime_r(&seconds, &parts)) {
		(void)strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
	}
	(void)snprintf(out, LOCAL_ROOM, "%s %c%02d:%02d", text, minutes < 0 ? '-' : '+',
	    size / 60, size % 60);
}

static void
add_next(struct json *object, const struct job_view *view)
{
	char local[LOCAL_ROOM];

	if (view->next == SCHEDULE_NEVER) {
		json_add_null(object, "next_time");
		json_add_null(object, "next_local");
		json_add_null(object, "next_in_seconds");
		return;
	}
	mono_ns left = CLOCK_US(view->next) - CLOCK_MS(clock_wall_ms());

	put_local(view, local);
	json_add_time(object, "next_time", view->next / 1000);
	json_add_text(object, "next_local", local);
	json_add_seconds(object, "next_in_seconds", left > 0 ? left : 0);
}

static void
add_last(struct json *object, const struct job_view *view, mono_ns now)
{
	bool begun = view->begun_wall != 0;

	if (begun) {
		json_add_time(object, "last_time", view->begun_wall / 1000);
	} else {
		json_add_null(object, "last_time");
	}
	json_add_seconds(object, "last_age_seconds",
	    begun ? now - view->begun_at : SNAPSHOT_NONE);
	json_add_seconds(object, "last_duration_seconds",
	    view->ended ? view->took : SNAPSHOT_NONE);
	if (view->ended) {
		json_add_bool(object, "last_good", view->good);
	} else {
		json_add_null(object, "last_good");
	}
	json_add_text(object, "last_result", view->ended ? view->result : NULL);
	json_add_text(object, "last_output",
	    view->ended && view->output[0] ? view->output : NULL);
}

static struct json *
describe_job(const struct job_view *view, mono_ns now)
{
	struct json *object = json_new_object();

	json_add_text(object, "name", view->name);
	json_add_text(object, "action", view->action);
	json_add_text(object, "schedule", view->schedule);
	json_add_text(object, "zone", view->zone);
	json_add_bool(object, "standard", view->standard);
	json_add_bool(object, "running", view->running);
	add_next(object, view);
	add_last(object, view, now);
	json_add_int(object, "runs", (int64_t)view->runs);
	json_add_int(object, "failures", (int64_t)view->failures);
	json_add_int(object, "missed", (int64_t)view->missed);
	return object;
}

void
methods_jobs(const struct visit *visit)
{
	const struct job_view *views = NULL;
	size_t count = visit->source->jobs(visit->source->ctx, &views);
	struct json *answer = visit_new_answer("jobs");
	struct json *jobs = json_new_array();

	for (size_t i = 0; i < count; i++) {
		json_append(jobs, describe_job(&views[i], visit->now));
	}
	json_add(answer, "jobs", jobs);
	visit_answer(visit, answer);
}

static void
answer_job(const struct visit *visit, const char *name)
{
	const struct job_view *views = NULL;
	size_t count = visit->source->jobs(visit->source->ctx, &views);
	struct json *answer = visit_new_answer("job");

	json_add_bool(answer, "accepted", true);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(views[i].name, name) == 0) {
			json_add(answer, "job", describe_job(&views[i], visit->now));
		}
	}
	visit_answer(visit, answer);
}

static void
refuse_job(const struct visit *visit, const char *name)
{
	const struct job_view *views = NULL;
	size_t count = visit->source->jobs(visit->source->ctx, &views);
	char names[NAMES_ROOM] = "";

	for (size_t i = 0; i < count; i++) {
		join_name(names, views[i].name);
	}
	refuse_name(visit, "job", name, names);
}

/* Only "run" is a form of the synopsis; that it stands there has been checked. */
void
methods_job(const struct visit *visit)
{
	const struct methods_source *source = visit->source;
	const char *name = NULL;

	if (!read_name(visit, 1, &name)) {
		return;
	}
	if (!name) {
		visit_refuse(visit, RPC_ERR_PARAMS, "job run NAME", "NAME is missing");
		return;
	}
	enum gw_err err = source->run_job(source->ctx, name, visit->now);

	if (err == GW_OK) {
		answer_job(visit, name);
	} else if (err == GW_ERR_BUSY) {
		visit_refuse(visit, RPC_ERR_REFUSED, "what it does: gwctl jobs",
		    "job \"%s\" runs already", name);
	} else if (err == GW_ERR_CLOSED) {
		visit_refuse(visit, RPC_ERR_REFUSED, NULL, "gwbotd is stopping");
	} else {
		refuse_job(visit, name);
	}
}
