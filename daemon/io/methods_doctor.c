/* The doctor method: what the daemon finds about itself. */
#include "doctor.h"
#include "methods_rows.h"

static struct json *
describe_finding(size_t index, const struct doctor_finding *finding)
{
	struct json *object = json_new_object();

	json_add_text(object, "check", doctor_name(index));
	json_add_text(object, "level", doctor_level_name(finding->level));
	json_add_text(object, "text", finding->text);
	json_add_text(object, "fix", finding->fix[0] ? finding->fix : NULL);
	return object;
}

void
methods_doctor(const struct visit *visit)
{
	const struct methods_source *source = visit->source;
	struct json *doctor = visit_new_answer("doctor");
	struct json *findings = json_new_array();
	int64_t failures = 0;
	int64_t warnings = 0;
	struct doctor_facts facts;

	source->doctor_facts(source->ctx, visit->now, &facts);
	for (size_t i = 0; i < doctor_count(); i++) {
		struct doctor_finding finding;

		doctor_check(i, &facts, &finding);
		failures += finding.level == DOCTOR_FAIL ? 1 : 0;
		warnings += finding.level == DOCTOR_WARN ? 1 : 0;
		if (finding.level != DOCTOR_SILENT) {
			json_append(findings, describe_finding(i, &finding));
		}
	}
	json_add_int(doctor, "failures", failures);
	json_add_int(doctor, "warnings", warnings);
	json_add_text(doctor, "token_file", facts.token.file);
	json_add(doctor, "findings", findings);
	visit_answer(visit, doctor);
}
