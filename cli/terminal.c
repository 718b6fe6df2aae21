#include "terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static size_t
environment_columns(void)
{
	const char *text = getenv("COLUMNS");
	char *end = NULL;
	long number = text ? strtol(text, &end, 10) : 0;

	return text && end != text && *end == '\0' && number > 0 ? (size_t)number : 0;
}

static struct winsize
window_size(void)
{
	struct winsize size = {0};

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
		return (struct winsize){0};
	}
	return size;
}

size_t
terminal_columns(void)
{
	size_t columns = environment_columns();

	if (columns == 0) {
		columns = window_size().ws_col;
	}
	if (columns == 0) {
		return 0;
	}
	if (columns < TERMINAL_COLUMNS_MIN) {
		return TERMINAL_COLUMNS_MIN;
	}
	return columns < TERMINAL_COLUMNS_MAX ? columns : TERMINAL_COLUMNS_MAX;
}

size_t
terminal_lines(void)
{
	return window_size().ws_row;
}
