/*
 * What of the outlook other answers show as well.
 */
#ifndef GWBOTD_METHODS_EXPLAIN_H
#define GWBOTD_METHODS_EXPLAIN_H

#include "methods_visit.h"
#include "outlook.h"

/**
 * Takes the outlook of the shard at index of all; crowd: how many other shards are not
 * ready.
 */
void methods_explain_take(const struct visit *visit, const struct visit_shards *all,
    uint32_t index, uint32_t crowd, struct outlook *out);

#endif
