/*
 * The list of slash commands: as Discord's API wants it, and whether it has it already.
 *
 * Pure.  bot_menu() says which commands there are; io/slash_list.c asks and registers.
 * Who may use a command is bot_judge()'s to say, whatever a server's menu shows.
 */
#ifndef GWBOTD_MENU_H
#define GWBOTD_MENU_H

#include "bot.h"
#include "buf.h"
#include "err.h"

/* Discord: 100 slash commands of an application in one place. */
#define MENU_MAX 100

/* What GET answers with at most: some 500 bytes a command, and words of others. */
#define MENU_ANSWER_MAX_BYTES ((size_t)1 << 20)

/* The name of the one option, which stands behind the command. */
#define MENU_OPTION "text"

/* Discord: of an option's text; a message has no more either. */
#define MENU_OPTION_MAX_CHARACTERS 2000

/** Appends the JSON array for PUT /applications/{a}/commands; errors as buf_append().
 */
enum gw_err menu_write(const struct bot_menu_entry *entries, size_t count,
    struct buf *out);

/* What a list that Discord answered with is, next to ours. */
enum menu_verdict {
	MENU_SAME,
	MENU_DIFFERS,
	MENU_UNREADABLE, /* no list of commands */
};

/**
 * Compares the answer of GET with the entries, in any order.
 *
 * What Discord adds (ids, version, members that are null, false or empty) is no
 * difference.
 */
enum menu_verdict menu_compare(const struct bot_menu_entry *entries, size_t count,
    struct slice registered);

/** True where one of the entries is in the list, just as it would be written. */
bool menu_shares(const struct bot_menu_entry *entries, size_t count,
    struct slice registered);

#endif
