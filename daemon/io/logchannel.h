/*
 * The log channel: tells a channel of Discord what core/herald.c takes in.
 *
 * It hears the changes of state where the feed of events does, waits for the first
 * READY, and has one call under way at a time.  What fails is logged once per cause and
 * never told in the channel.
 */
#ifndef GWBOTD_LOGCHANNEL_H
#define GWBOTD_LOGCHANNEL_H

#include "events.h"
#include "loop.h"
#include "rest.h"

struct logchannel;

struct logchannel_options {
	struct loop *loop;
	struct rest *rest;
	struct events *events; /* all three are borrowed while it lives */
	const char *version;   /* of gwbotd */
	const char *profile;
};

struct logchannel *logchannel_new(const struct logchannel_options *options);

/** Stops hearing, and ends the call under way.  NULL is allowed. */
void logchannel_free(struct logchannel *owned_channel);

/** Another channel's id; empty: nothing is told. */
void logchannel_configure(struct logchannel *channel, const char *id, mono_ns now);

/** True where nothing waits that could be sent at present. */
bool logchannel_is_idle(const struct logchannel *channel, mono_ns now);

#endif
