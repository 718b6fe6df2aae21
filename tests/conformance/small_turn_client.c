/*
 * ws_client with a turn so small that reading stops while received bytes are left:
 * what happens rarely in the daemon happens in each burst here.  Its own copy of the
 * reading half comes before the library's.
 */
#define STREAM_TURN_BYTES 1

/* NOLINTBEGIN(bugprone-suspicious-include): see above */
#include "../../daemon/io/stream_read.c"

#include "ws_client.c"
/* NOLINTEND(bugprone-suspicious-include) */
