/*
 * Loop: epoll, descriptors and who wants to hear of them.  One thread.
 *
 * An owner keeps its watch alive until the turn is over in which it took it out, since
 * events of the same turn may still name it.
 */
#ifndef GWSIM_LOOP_H
#define GWSIM_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

struct loop {
	int epoll_fd;
};

struct loop_watch {
	int fd;
	uint32_t armed; /* EPOLL* bits that epoll knows; 0: it does not know the fd */
	void (*ready)(struct loop_watch *watch, uint32_t events);
	void *owner;
};

/** False where the kernel gives no epoll descriptor; errno says why. */
bool loop_init(struct loop *loop);

void loop_fini(struct loop *loop);

/** Asks for these events (level-triggered); 0 takes the watch out of the loop. */
void loop_arm(struct loop *loop, struct loop_watch *watch, uint32_t events);

/**
 * Waits until something is ready or wake_at has come, stores the instant of waking in
 * now and calls every owner concerned.
 */
void loop_turn(struct loop *loop, mono_ns wake_at, mono_ns *now);

#endif
