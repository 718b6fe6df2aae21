/*
 * Where a value came from, as people read it; of one that gwctl set also who did, when,
 * and when it reverts.
 */
#ifndef GWCTL_ORIGIN_H
#define GWCTL_ORIGIN_H

#include "buf.h"
#include "format.h"
#include "json.h"

/** Appends "gwbot.conf:12", or "control, uid 1000 (ada), 5 min ago". */
void origin_put(const struct json *source, const struct json *override,
    struct buf *out);

/** "in 55 min", "at the restart"; "-" where nothing was set. */
struct format_text origin_reverts(const struct json *override);

/** The instant so many seconds from now by the local clock: "16:48", with seconds where
 * it is near, with the date where it is far. */
struct format_text origin_instant(double seconds);

#endif
