/*
 * The configuration of control_client: that of a prod bot without a file, with values
 * that the methods may set over it.
 */
#ifndef GWBOT_CONTROL_CONFIG_H
#define GWBOT_CONTROL_CONFIG_H

#include "methods.h"

/** Reads it; free it with control_config_free(). */
void control_config_load(void);
void control_config_free(void);

/** Somebody set a limit some time ago, and nobody here has a name for him. */
void control_config_override(void);

/** The watchdog's limits that run. */
struct watchdog_limits control_config_limits(void);

/** Gives source the functions that speak of it. */
void control_config_fill(struct methods_source *source);

#endif
