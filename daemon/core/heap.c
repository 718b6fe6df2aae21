#include "heap.h"

#include <stddef.h>

/* The root of both; either may be NULL.  Neither has siblings. */
static struct heap_node *
merge(struct heap_node *a, struct heap_node *b)
{
	if (!a || !b) {
		return a ? a : b;
	}
	if (b->at < a->at) {
		struct heap_node *later = a;

		a = b;
		b = later;
	}
	b->prev = a;
	b->next = a->child;
	if (b->next) {
		b->next->prev = b;
	}
	a->child = b;
	return a;
}

static struct heap_node *
detach(struct heap_node *node)
{
	node->next = NULL;
	node->prev = NULL;
	return node;
}

/* One tree of a row of siblings: neighbours in pairs, then the pairs from the last to
 * the first.  Without recursion, as a row may be as long as the heap. */
static struct heap_node *
merge_row(struct heap_node *row)
{
	struct heap_node *pairs = NULL;
	struct heap_node *root = NULL;

	while (row) {
		struct heap_node *a = row;
		struct heap_node *b = a->next;

		row = b ? b->next : NULL;
		a = merge(detach(a), b ? detach(b) : NULL);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct heap_node *rest = pairs->next;

		root = merge(root, detach(pairs));
		pairs = rest;
	}
	return root;
}

struct heap_node *
heap_first(const struct heap *heap)
{
	return heap->root;
}

void
heap_insert(struct heap *heap, struct heap_node *node, mono_ns at)
{
	*node = (struct heap_node){.at = at, .queued = true};
	heap->root = merge(heap->root, node);
}

void
heap_remove(struct heap *heap, struct heap_node *node)
{
	if (!node->queued) {
		return;
	}
	struct heap_node *below = merge_row(node->child);

	if (node == heap->root) {
		heap->root = below;
	} else {
		if (node->prev->child == node) {
			node->prev->child = node->next;
		} else {
			node->prev->next = node->next;
		}
		if (node->next) {
			node->next->prev = node->prev;
		}
		heap->root = merge(heap->root, below);
	}
	*node = (struct heap_node){.at = node->at};
}
