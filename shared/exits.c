#include "exits.h"

static const struct exit_row rows[] = {
#define EXIT(id, status, help, next) {"gwbotd", status, help, next},
#include "exits.def"
#undef EXIT
#define FAILURE_EXIT_ROW(name, status, meaning) {"gwctl", status, meaning, ""},
    FAILURE_EXIT_TABLE(FAILURE_EXIT_ROW)
#undef FAILURE_EXIT_ROW
};

size_t
exits_count(void)
{
	return sizeof rows / sizeof rows[0];
}

const struct exit_row *
exits_at(size_t index)
{
	return &rows[index];
}

const char *
exits_next(int status)
{
	switch (status) {
#define EXIT(id, status, help, next) \
	case status:                 \
		return next;
#include "exits.def"
#undef EXIT
	default:
		return "";
	}
}
