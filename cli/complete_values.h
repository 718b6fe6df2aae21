/*
 * What can stand for a value of a synopsis: from the tables, or asked from the daemon.
 */
#ifndef GWCTL_COMPLETE_VALUES_H
#define GWCTL_COMPLETE_VALUES_H

#include "buf.h"
#include "complete.h"

struct complete_source {
	complete_live live; /* NULL: nobody to ask */
	void *context;
};

/** What may stand for the value of a command; at least its name and what it is. */
void complete_value(const struct complete_source *source, const char *command,
    struct slice value, struct complete_list *list);

/** The commands, or only those that --watch is for. */
void complete_commands(struct complete_list *list, bool screens);

/** The help of a flag, without its dashes; "" where there is none. */
const char *complete_flag_help(struct slice name);

/** Adds what is not typed as it stands, e.g. "DURATION". */
void complete_name(struct complete_list *list, const char *name, const char *help);

#endif
