/*
 * Lists of groups in the answers about the configuration: a row a key of each group, as
 * if it were a setting of its own ("probes.db.host").
 */
#ifndef GWBOTD_METHODS_LISTS_H
#define GWBOTD_METHODS_LISTS_H

#include "config.h"
#include "json.h"

/**
 * Appends the keys of the option at index, if it is a list, whose path fits wanted
 * (NULL: all).
 */
void methods_lists_items(struct json *options, const struct config *config,
    size_t index, const char *wanted);

/**
 * Appends what differs inside of the list at index: groups that come and go, keys.
 *
 * False where it is no list, or where nothing but the order differs: nothing is
 * appended then.
 */
bool methods_lists_changes(struct json *changes, const struct config *old,
    const struct config *fresh, size_t index, const char *acts);

#endif
