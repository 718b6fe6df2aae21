/*
 * What gwsim says of itself as JSON members: where it is; counters are the command
 * stats.
 */
#ifndef GWSIM_REPORT_H
#define GWSIM_REPORT_H

#include "jsonw.h"
#include "sim.h"

/** Appends the members port, api_base, gateway, control, ca_file and pid. */
void report_place(const struct sim *sim, struct jsonw *out);

#endif
