#include "dispatch.h"

#include <stddef.h>

void
dispatch_dock(struct dispatch *dispatch, struct dispatch_consumer *consumer)
{
	struct dispatch_consumer **link = &dispatch->first;

	while (*link) {
		link = &(*link)->next;
	}
	consumer->next = NULL;
	*link = consumer;
}

void
dispatch_undock(struct dispatch *dispatch, struct dispatch_consumer *consumer)
{
	for (struct dispatch_consumer **link = &dispatch->first; *link;
	     link = &(*link)->next) {
		if (*link == consumer) {
			*link = consumer->next;
			return;
		}
	}
}

void
dispatch_hand_on(const struct dispatch *dispatch, const struct dispatch_event *event)
{
	struct dispatch_consumer *next;

	for (struct dispatch_consumer *consumer = dispatch->first; consumer;
	     consumer = next) {
		next = consumer->next;
		consumer->take(consumer->ctx, event);
	}
}
