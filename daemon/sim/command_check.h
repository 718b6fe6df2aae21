/*
 * Command check: whether Discord would take a list of application commands.
 */
#ifndef GWSIM_COMMAND_CHECK_H
#define GWSIM_COMMAND_CHECK_H

#include <cjson/cJSON.h>

#include "calls.h"

/** Refuses with the path of the first fault; false after an error was answered. */
bool command_check_list(struct call *call, const cJSON *list);

#endif
