/*
 * Parts of the status answer that others show as well.
 */
#ifndef GWBOTD_METHODS_STATUS_H
#define GWBOTD_METHODS_STATUS_H

#include "methods_visit.h"

/** The process: its bot, state, age and size. */
struct json *methods_status_daemon(const struct visit *visit);

/** The watchdog's verdict on all shards, its next check and its limits. */
struct json *methods_status_watchdog(const struct visit *visit,
    const struct visit_shards *selection, const struct watchdog_limits *limits);

#endif
