/*
 * Call log: the last calls of REST, whole, so that tests can look at them.
 */
#ifndef GWSIM_CALLLOG_H
#define GWSIM_CALLLOG_H

#include "http.h"
#include "jsonw.h"

#define CALLLOG_KEPT 256

struct calllog;

struct calllog *calllog_new(void);

void calllog_free(struct calllog *owned_log);

/** Keeps a copy; the oldest one goes.  status 0: not answered on purpose. */
void calllog_add(struct calllog *log, const struct http_request *request, int status);

/** The last count ones (at most CALLLOG_KEPT) as a list, oldest first, and how many
 * there ever were. */
void calllog_put(const struct calllog *log, uint64_t count, struct jsonw *out);

#endif
