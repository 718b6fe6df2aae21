/*
 * Settings in answers: a value, a change, and what gwctl set over the files.
 */
#ifndef GWBOTD_METHODS_SETTING_H
#define GWBOTD_METHODS_SETTING_H

#include "config.h"
#include "methods_visit.h"

/** Adds the value as the environment would have it, and a duration in seconds as
 * "NAME_seconds" as well; of a secret nothing. */
void setting_add_value(struct json *object, const char *name,
    const struct config *config, size_t index);

/** A setting with its two values; acts says when the new one does. */
struct json *setting_describe_change(const struct config *old,
    const struct config *fresh, size_t index, const char *acts);

/** Who set an option while the daemon runs, when, and until when; null where nobody
 * did. */
struct json *setting_describe_override(const struct visit *visit, size_t index);

/** The same of a reload on trial; null where none is. */
struct json *setting_describe_trial(const struct visit *visit);

/** What became of the last reload: "trial" as above, "set_back_age_seconds". */
struct json *setting_describe_config(const struct visit *visit);

#endif
