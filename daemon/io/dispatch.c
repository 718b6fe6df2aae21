#include "dispatch.h"

#include <stddef.h>

static void
sum_up(struct dispatch *dispatch)
{
	dispatch->wanted = (struct dispatch_set){{0}};
	for (const struct dispatch_consumer *consumer = dispatch->first; consumer;
	     consumer = consumer->next) {
		dispatch_set_merge(&dispatch->wanted, &consumer->wants);
	}
}

void
dispatch_dock(struct dispatch *dispatch, struct dispatch_consumer *consumer)
{
	struct dispatch_consumer **link = &dispatch->first;

	while (*link) {
		link = &(*link)->next;
	}
	consumer->next = NULL;
	*link = consumer;
	sum_up(dispatch);
}

void
dispatch_undock(struct dispatch *dispatch, struct dispatch_consumer *consumer)
{
	for (struct dispatch_consumer **link = &dispatch->first; *link;
	     link = &(*link)->next) {
		if (*link == consumer) {
			*link = consumer->next;
			sum_up(dispatch);
			return;
		}
	}
}

void
dispatch_want(struct dispatch *dispatch, struct dispatch_consumer *consumer,
    const struct dispatch_set *wants)
{
	consumer->wants = *wants;
	sum_up(dispatch);
}

void
dispatch_hand_on(const struct dispatch *dispatch, const struct dispatch_event *event)
{
	struct dispatch_consumer *next;

	for (struct dispatch_consumer *consumer = dispatch->first; consumer;
	     consumer = next) {
		next = consumer->next;
		if (dispatch_set_has(&consumer->wants, event->name)) {
			consumer->take(consumer->ctx, event);
		}
	}
}
