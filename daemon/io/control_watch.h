/*
 * Tells when the control socket's file may be gone: removed, moved, or its folder
 * moved.
 *
 * By inotify on the file itself, not on what is in its folder, so that a busy folder
 * wakes nobody.  What it does not see (a folder further up moved, something mounted
 * over it) is left to a look now and then.
 */
#ifndef GWBOTD_CONTROL_WATCH_H
#define GWBOTD_CONTROL_WATCH_H

#include <stdbool.h>

#include "loop.h"

struct control_watch;

/** A watch of nothing; changed(ctx) comes on the loop.  NULL where there is no inotify
 * (its instances are counted per user) or no descriptor. */
struct control_watch *control_watch_new(struct loop *loop,
    void (*changed)(void *ctx, mono_ns now), void *ctx);

/** NULL is allowed. */
void control_watch_free(struct control_watch *owned_watch);

/** Watches nothing.  Well before control_watch_free(): the kernel takes some 20 ms to
 * forget a watch, and whoever closes sooner waits for that. */
void control_watch_clear(struct control_watch *watch);

/** Watches the file that path leads to now, and no other.  False: it cannot. */
bool control_watch_set(struct control_watch *watch, const char *path);

#endif
