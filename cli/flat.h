/*
 * Answers for programs that read lines: a value a line, or a table.
 *
 * Made of the same JSON as the screens, with its figures and its names: what is printed
 * here stays as it is, as the JSON does.
 */
#ifndef GWCTL_FLAT_H
#define GWCTL_FLAT_H

#include "buf.h"
#include "json.h"

/** "PATH<tab>VALUE" a line, as in "shards.0.latency_seconds"; null is "-". */
void flat_plain(const struct json *result, struct buf *out);

/**
 * The answer's list (its first array of objects) as CSV with a header, lines ended by
 * LF, an element a line; an answer without one is one line.  Lists within an element
 * are left out, null is empty.
 */
void flat_csv(const struct json *result, struct buf *out);

#endif
