#include "doctor_private.h"

#include <stdarg.h>
#include <stdio.h>

void
doctor_say(struct doctor_finding *out, enum doctor_level level, const char *format, ...)
{
	va_list args;

	out->level = level;
	va_start(args, format);
	(void)vsnprintf(out->text, sizeof out->text, format, args);
	va_end(args);
}

void
doctor_fix(struct doctor_finding *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(out->fix, sizeof out->fix, format, args);
	va_end(args);
}

struct doctor_span
doctor_span(mono_ns distance)
{
	struct doctor_span span = {""};

	duration_format(distance > 0 ? distance : 0, span.text, sizeof span.text);
	return span;
}

const char *
doctor_plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

const char *
doctor_text_or(const char *text, const char *otherwise)
{
	return text ? text : otherwise;
}

/* ---- the table ---- */

static const struct {
	const char *name;
	void (*run)(const struct doctor_facts *facts, struct doctor_finding *out);
} checks[] = {
#define CHECK(name, function) {name, doctor_##function},
#include "doctor.def"
#undef CHECK
};

size_t
doctor_count(void)
{
	return sizeof checks / sizeof checks[0];
}

const char *
doctor_name(size_t index)
{
	return checks[index].name;
}

void
doctor_check(size_t index, const struct doctor_facts *facts, struct doctor_finding *out)
{
	*out = (struct doctor_finding){.level = DOCTOR_SILENT};
	checks[index].run(facts, out);
}

const char *
doctor_level_name(enum doctor_level level)
{
	switch (level) {
	case DOCTOR_SILENT:
		break;
	case DOCTOR_OK:
		return "ok";
	case DOCTOR_WARN:
		return "warn";
	case DOCTOR_FAIL:
		return "fail";
	}
	return "silent";
}
