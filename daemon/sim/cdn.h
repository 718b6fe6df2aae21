/*
 * The CDN: emoji as Discord's serves them, and what a CDN can do wrong.
 */
#ifndef GWSIM_CDN_H
#define GWSIM_CDN_H

#include "rest.h"

/** True where the path is one of the CDN's; the request is answered then. */
bool cdn_handle(struct sim *sim, const struct http_request *request,
    struct rest_answer *answer);

/** The kind of fault that the word names; false for another word. */
bool cdn_fault_kind(const char *word, enum fault_cdn_kind *out);

#endif
