/*
 * One function a row of commands.def: a row without its function does not link.
 */
#ifndef GWBOTD_METHODS_ROWS_H
#define GWBOTD_METHODS_ROWS_H

#include "methods_visit.h"

#define FUNCTION_READ(id)                         void methods_##id(const struct visit *visit);
#define FUNCTION_WRITE(id)                        FUNCTION_READ(id)
#define FUNCTION_EITHER(id)                       FUNCTION_READ(id)
#define FUNCTION_CLIENT(id)                       /* gwctl has it */
#define COMMAND(id, name, synopsis, access, help) FUNCTION_##access(id)
#include "commands.def"
#undef COMMAND
#undef FUNCTION_READ
#undef FUNCTION_WRITE
#undef FUNCTION_EITHER
#undef FUNCTION_CLIENT

#endif
