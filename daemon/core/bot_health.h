/*
 * The text of the command health: how the daemon does, in one line of a message.  Pure.
 */
#ifndef GWBOTD_BOT_HEALTH_H
#define GWBOTD_BOT_HEALTH_H

#include "bot.h"

/** Appends the line; with many probes it ends with how many more there are, so that it
 * fits a message. */
void bot_health(const struct bot_facts *facts, struct buf *out);

/** Appends an uptime as HH:MM:SS; hours may have more digits. */
void bot_health_uptime(mono_ns uptime, struct buf *out);

#endif
