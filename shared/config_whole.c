/* What only the whole configuration shows: groups that name others, and what a job that
 * speaks to Discord needs. */
#include "config_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "json.h"
#include "template.h"
#include "text.h"

/* Of an embed; lists.def allows less. */
#define EMBED_MAX_BYTES ((size_t)16 * 1024)

__attribute__((format(printf, 3, 4))) static void
complain(struct config_report *report, const struct config_job *job, const char *format,
    ...)
{
	char text[CONFIG_REASON_ROOM + 128];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	config_report_add(report, CONFIG_ERROR,
	    job->group.source ? job->group.source : "", "job \"%s\"%s", job->name,
	    text);
}

static void
check_probe(const struct config *config, const struct config_job *job,
    struct config_report *report)
{
	struct config_nearest nearest;

	if (job->probe[0] == '\0' ||
	    config_groups_find(config_rows(config_option(CONFIG_ID_probes)),
		&config->probes, job->probe)) {
		return;
	}
	config_nearest_init(&nearest, job->probe);
	for (size_t j = 0; j < config->probes.count; j++) {
		config_nearest_offer(&nearest, config_probe(config, j)->name);
	}
	complain(report, job, ": there is no probe \"%s\"%s%s", job->probe,
	    nearest.best ? "; nearest: " : "", nearest.best ? nearest.best : "");
}

/* ---- templates ---- */

enum gw_err
config_read_template(const char *path, char where, struct buf *out, char *reason)
{
	struct stat status;
	enum gw_err err = config_slurp(path, out->max_bytes, out, &status, reason);

	if (err != GW_OK) {
		return err;
	}
	/* Editors end the last line too. */
	while (out->size > 0 && strchr("\r\n", out->data[out->size - 1])) {
		out->size--;
	}
	if (out->size == 0 || memchr(out->data, '\0', out->size) ||
	    !text_is_utf8(buf_slice(out))) {
		(void)snprintf(reason, CONFIG_REASON_ROOM, "%s",
		    out->size == 0 ? "is empty" : "is no text in UTF-8");
		return GW_ERR_SYNTAX;
	}
	return template_check(buf_slice(out), where, reason, CONFIG_REASON_ROOM);
}

static void
check_text(const struct config_job *job, const char *key, const char *text,
    struct config_report *report)
{
	char reason[CONFIG_REASON_ROOM];

	if (template_check(slice_of(text), TEMPLATE_POST, reason, sizeof reason) !=
	    GW_OK) {
		complain(report, job, ": %s: %s", key, reason);
	}
}

static void
check_file(const struct config_job *job, struct config_report *report)
{
	char reason[CONFIG_REASON_ROOM];
	struct buf text;

	if (job->file[0] == '\0') {
		return;
	}
	buf_init(&text, CONFIG_TEMPLATE_MAX_BYTES);
	if (config_read_template(job->file, TEMPLATE_POST, &text, reason) != GW_OK) {
		char shown[CONFIG_SHOWN_ROOM];

		config_shown(job->file, shown);
		complain(report, job, ": file %s: %s", shown, reason);
	}
	buf_fini(&text);
}

/* Every text in an embed is a template; json bounds how deep it goes. */
static void
check_embed_value(const struct config_job *job, const struct json *value,
    struct config_report *report)
{
	const char *text = json_text(value);

	if (text) {
		check_text(job, "embed", text, report);
	}
	for (const struct json *at = json_first(value); at; at = json_next(at)) {
		check_embed_value(job, at, report);
	}
}

static void
check_embed(const struct config_job *job, struct config_report *report)
{
	struct json *embed = NULL;

	if (job->embed[0] == '\0') {
		return;
	}
	if (json_parse(slice_of(job->embed), EMBED_MAX_BYTES, &embed) != GW_OK) {
		complain(report, job, ": embed: not well-formed JSON");
		return;
	}
	check_embed_value(job, embed, report);
	json_free(embed);
}

/* ---- each action ---- */

static void
check_action(const struct config_job *job, struct config_report *report)
{
	const struct config_rows *rows = config_rows(config_option(CONFIG_ID_jobs));
	struct slice action = config_group_kind(rows, &job->group);

	if (slice_equal(action, SLICE_LITERAL("post"))) {
		check_text(job, "text", job->text, report);
		check_file(job, report);
		check_embed(job, report);
		if (!job->text[0] && !job->file[0] && !job->embed[0] &&
		    job->program.count == 0) {
			complain(report, job,
			    " has nothing to post: give it text, file, program or "
			    "embed");
		}
	} else if (slice_equal(action, SLICE_LITERAL("cleanup"))) {
		if (job->channels.count == 0) {
			complain(report, job, " needs channels: the ones to clean");
		}
	} else if (slice_equal(action, SLICE_LITERAL("keepalive-threads"))) {
		check_text(job, "text", job->text, report);
		if (job->channels.count == 0 && job->threads.count == 0) {
			complain(report, job,
			    " needs channels or threads: what is kept open");
		}
	}
}

void
config_groups_check(const struct config *config, struct config_report *report)
{
	for (size_t i = 0; i < config->jobs.count; i++) {
		check_probe(config, config_job(config, i), report);
		check_action(config_job(config, i), report);
	}
}
