/* Heap: the earliest first, whatever was inserted, moved or taken out between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "heap.h"

#define NODES 10000

static struct heap_node nodes[NODES];

static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525U + 1013904223U;
	return *state >> 8;
}

static void
empty_heap_has_no_first(void **state)
{
	struct heap heap = {0};
	struct heap_node node = {0};

	(void)state;
	assert_null(heap_first(&heap));
	heap_remove(&heap, &node);
	assert_null(heap_first(&heap));
}

static void
ten_thousand_come_out_in_order(void **state)
{
	struct heap heap = {0};
	uint32_t random = 7;
	unsigned count = 0;
	mono_ns last = 0;

	(void)state;
	for (unsigned i = 0; i < NODES; i++) {
		heap_insert(&heap, &nodes[i], (mono_ns)(next_random(&random) % 5000));
	}
	/* Every third is moved, every seventh taken out. */
	for (unsigned i = 0; i < NODES; i += 3) {
		heap_remove(&heap, &nodes[i]);
		heap_insert(&heap, &nodes[i], (mono_ns)(next_random(&random) % 5000));
	}
	for (unsigned i = 0; i < NODES; i += 7) {
		heap_remove(&heap, &nodes[i]);
		heap_remove(&heap, &nodes[i]);
	}
	for (struct heap_node *first; (first = heap_first(&heap)) != NULL; count++) {
		assert_true(first->at >= last);
		assert_true(first->queued);
		last = first->at;
		heap_remove(&heap, first);
		assert_false(first->queued);
	}
	assert_int_equal(count, NODES - (NODES + 6) / 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(empty_heap_has_no_first),
	    cmocka_unit_test(ten_thousand_come_out_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
