/*
 * A heap of instants: what comes first?  For timers.
 *
 * A pairing heap (Fredman, Sedgewick, Sleator, Tarjan 1986) whose nodes live in their
 * owners: nothing is allocated.  Insert takes constant time, removal logarithmic time
 * on average.
 */
#ifndef GWBOTD_HEAP_H
#define GWBOTD_HEAP_H

#include <stdbool.h>

#include "clock.h"

/* Zeroed at rest; the members belong to the heap while queued. */
struct heap_node {
	mono_ns at;
	bool queued;
	struct heap_node *child;
	struct heap_node *next; /* right sibling */
	struct heap_node *prev; /* left sibling; the parent for the first child */
};

/* Zeroed when empty. */
struct heap {
	struct heap_node *root;
};

/** The node with the earliest instant, borrowed; NULL where the heap is empty. */
struct heap_node *heap_first(const struct heap *heap);

/** Queues a node that is at rest. */
void heap_insert(struct heap *heap, struct heap_node *node, mono_ns at);

/** Takes a node out; one at rest is left alone. */
void heap_remove(struct heap *heap, struct heap_node *node);

#endif
