/*
 * One function a row of commands.def: a row without its function does not link.
 */
#ifndef GWBOTD_METHODS_ROWS_H
#define GWBOTD_METHODS_ROWS_H

#include "methods_visit.h"

#define COMMAND(id, name, synopsis, access, help) \
	void methods_##id(const struct visit *visit);
#include "commands.def"
#undef COMMAND

#endif
