/*
 * The hand-over of a state folder from an older gwbotd to a newer one.
 *
 * The newer, which finds the folder locked, asks: it holds the lock of takeover.lock
 * as long as it waits, and leaves the file takeover, which says who asks.  The older
 * hears of that file by inotify(7), and looks now and then where a file system of
 * several hosts tells nothing; it yields only where somebody living holds
 * takeover.lock, and what yielding means is its owner's.  Several that ask do so one
 * after the other.
 */
#ifndef GWBOTD_TAKEOVER_H
#define GWBOTD_TAKEOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "loop.h"

/* A request with its NUL. */
#define TAKEOVER_BY_ROOM 160

/* ---- the newer ---- */

struct takeover_plea;

/** version is of this program.  Asks nothing yet. */
struct takeover_plea *takeover_plea_new(const char *dir, const char *version);

/** Asks, where no other one does: call it again until it is GW_OK, and then no more.
 * GW_ERR_BUSY: another one asks at present. */
enum gw_err takeover_plea_ask(struct takeover_plea *plea);

/** Takes the request back.  NULL is allowed. */
void takeover_plea_free(struct takeover_plea *owned_plea);

/* ---- the older ---- */

struct takeover_ear;

/** Has asked called, on the loop, when somebody asks for the folder; by is who.  It may
 * be called again as long as the ear is not freed, also from inside this call. */
struct takeover_ear *takeover_ear_new(struct loop *loop, const char *dir,
    void (*asked)(void *ctx, const char *by, mono_ns now), void *ctx);

/** Looks whether somebody asks, whatever inotify says. */
void takeover_ear_look(struct takeover_ear *ear, mono_ns now);

/** Hears no more; allowed inside asked.  NULL is allowed. */
void takeover_ear_free(struct takeover_ear *owned_ear);

/* ---- the one that has yielded ---- */

/** True where some process has the folder; also where that cannot be known. */
bool takeover_is_held(const char *dir);

#endif
