/*
 * What the files of the doctor share: its checks, and how they speak.
 */
#ifndef GWBOTD_DOCTOR_PRIVATE_H
#define GWBOTD_DOCTOR_PRIVATE_H

#include "doctor.h"
#include "duration.h"

#define CHECK(name, function)                                    \
	void doctor_##function(const struct doctor_facts *facts, \
	    struct doctor_finding *out);
#include "doctor.def"
#undef CHECK

/** Ends a check with a level and one sentence. */
void doctor_say(struct doctor_finding *out, enum doctor_level level, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/** Adds what to do about it. */
void doctor_fix(struct doctor_finding *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "90s"; to be passed by value. */
struct doctor_span {
	char text[DURATION_TEXT_ROOM];
};

/** A duration as the configuration writes it. */
struct doctor_span doctor_span(mono_ns distance);

/** "s" unless it is one. */
const char *doctor_plural(uint64_t count);

const char *doctor_text_or(const char *text, const char *otherwise);

#endif
