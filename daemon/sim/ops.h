/*
 * Opcodes: what the client sends, checked as strictly as Discord does.
 */
#ifndef GWSIM_OPS_H
#define GWSIM_OPS_H

#include "gateway.h"

/** Handles one complete text message; may close the connection. */
void ops_handle(struct gate *gate, struct slice message);

/** Answers op 8, Request Guild Members. */
void ops_members(struct gate *gate, const cJSON *d);

#endif
