/* doctor: gwctl's own checks, then those of the daemon where there is one. */
#include <string.h>

#include "command.h"
#include "doctor.h"
#include "paths.h"

/* What a start by this caller would read: the service's environment may differ. */
static struct config *
load_config(struct config_report *report)
{
	const struct config_sources sources = {
	    .paths = paths_source_own(paths_getenv_process, NULL),
	};

	return config_load(&sources, report);
}

static void
run_own(const struct options *options, const struct client *client,
    const struct json *answer, const struct failure *failure, struct json *findings)
{
	struct config_report report = {.count = 0};
	struct config *config = answer ? NULL : load_config(&report);
	const struct doctor doctor = {
	    .socket = options->socket,
	    .client = client,
	    .answer = answer,
	    .failure = failure,
	    .config = config,
	    .report = &report,
	    .offline = !answer,
	};

	doctor_run(&doctor, findings);
	config_report_free(&report);
	config_free(config);
}

/* The daemon's, with where they come from. */
static void
append_daemons(const struct json *answer, struct json *findings)
{
	for (const struct json *finding = json_first(json_get(answer, "findings"));
	     finding; finding = json_next(finding)) {
		struct json *object = json_new_object();

		json_add_text(object, "where", "gwbotd");
		for (const struct json *member = json_first(finding); member;
		     member = json_next(member)) {
			if (strcmp(json_name(member), "where") != 0) {
				json_add(object, json_name(member), json_copy(member));
			}
		}
		json_append(findings, object);
	}
}

static int64_t
count_level(const struct json *findings, const char *level)
{
	int64_t count = 0;

	for (const struct json *finding = json_first(findings); finding;
	     finding = json_next(finding)) {
		const char *text = json_text(json_get(finding, "level"));

		count += text && strcmp(text, level) == 0 ? 1 : 0;
	}
	return count;
}

int
command_run_doctor(const struct options *options, bool colour, struct failure *failure)
{
	struct json *document = command_document("doctor");
	struct json *findings = json_new_array();
	struct client client;

	client_init(&client, options->socket);
	struct json *answer = command_ask(options, &client, failure);

	run_own(options, &client, answer, failure, findings);
	append_daemons(answer, findings);
	int64_t failures = count_level(findings, "fail");

	json_add_int(document, "failures", failures);
	json_add_int(document, "warnings", count_level(findings, "warn"));
	json_add(document, "findings", findings);
	command_show(options, colour, document);
	client_fini(&client);
	json_free(failure->details);
	failure->details = NULL;
	json_free(answer);
	json_free(document);
	return failures > 0 ? EXIT_REFUSED : EXIT_DONE;
}
