/*
 * man_gen in parts: running text, lists of groups, and what stands in gwbot-control(7)
 * and gwbot-metrics(7).
 */
#ifndef GEN_H
#define GEN_H

#include <stdbool.h>

#include "config.h"

#define ALLOWED_TEXT_BYTES 512

/** Prints running text, wrapped, with nothing in it that mdoc takes for its own. */
void put_text(const char *text);

/** Prints label and text as a sentence: a capital letter first, a full stop last. */
void put_sentence(const char *label, const char *text);

/** Prints " Oo Ar NAME Oc", " Ar NAME ..." and " Oo Fl -flag Oc" for a command's
 * synopsis. */
void put_synopsis(const char *synopsis);

/** What an option allows, as a C string. */
const char *allowed_text(const struct config_option *option,
    char out[ALLOWED_TEXT_BYTES]);

/** Prints the keys of the groups in each list. */
void put_lists(void);

/** Prints a list's part of the example file. */
void put_example_list(const struct config_option *option);

/** Prints the table of the control protocol's errors. */
void put_errors(void);

/** Prints each method, its parameters and the members of its result. */
void put_methods(void);

/** Prints the types of events with their texts. */
void put_events(void);

/** Prints the objects that stand inside of results. */
void put_objects(void);

/** Prints each metric with type, unit, labels and help. */
void put_metrics(void);

/** Prints the words that the label state can have, as the end of a sentence. */
void put_states(void);

/** Prints line with the limits of control protocol and metrics in place of their names.
 */
void put_line(const char *line);

#endif
