/*
 * Sessions of other shards in the state folder; for store.c only.
 */
#ifndef GWBOTD_STORE_OTHERS_H
#define GWBOTD_STORE_OTHERS_H

#include "store.h"
#include "store_file.h"

/** Removes the records of all but these shards. */
void store_discard_others(const struct store_folder *folder,
    const struct store_shards *shards);

#endif
