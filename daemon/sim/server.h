/*
 * Server: listening sockets, HTTP/1.1, and the step from HTTP to the gateway.
 */
#ifndef GWSIM_SERVER_H
#define GWSIM_SERVER_H

#include <stdbool.h>

#include "conn.h"
#include "sim.h"

/**
 * Listens on all hosts of the command line, on one port.
 *
 * NULL where a socket cannot be had: told on stderr.
 */
struct server *server_new(struct sim *sim);

void server_free(struct server *owned_server);

/** The port, which the kernel may have chosen. */
uint16_t server_port(const struct server *server);

/** All connections, newest first. */
struct conn *server_conns(const struct server *server);

/** Closes or opens the listening sockets again; false where that fails. */
bool server_refuse(struct server *server, bool refuse);

/** Looks at the faults again, for the listeners and all connections. */
void server_rearm(struct server *server);

/** Deadlines of all connections; returns when it wants to be called again. */
mono_ns server_tick(struct server *server);

/** Frees the connections that ended in this turn. */
void server_sweep(struct server *server);

#endif
