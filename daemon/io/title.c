#include "title.h"

#include <fcntl.h>
#include <linux/prctl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define STAT_BYTES 2048

/* Fields of /proc/PID/stat, counted from 1 as in proc(5). */
enum {
	FIRST_FIELD = 3, /* behind the name, which may have blanks and brackets */
	START_CODE = 26,
	END_CODE = 27,
	START_STACK = 28,
	START_DATA = 45,
	END_DATA = 46,
	START_BRK = 47,
	ARG_START = 48,
	ARG_END = 49,
	ENV_START = 50,
	ENV_END = 51,
	FIELDS,
};

static bool
read_fields(uint64_t fields[FIELDS])
{
	char text[STAT_BYTES];
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;

	if (fd >= 0) {
		(void)close(fd);
	}
	text[size > 0 ? size : 0] = '\0';
	char *at = strrchr(text, ')');
	int field = FIRST_FIELD;

	/* ") S 1 ...": the state is a letter. */
	at = at ? strchr(at + 1, ' ') : NULL;
	for (; at && field < FIELDS; field++) {
		fields[field] = strtoull(at + 1, NULL, 10);
		at = strchr(at + 1, ' ');
	}
	return field == FIELDS;
}

bool
title_show(const char *text)
{
	uint64_t fields[FIELDS] = {0};

	if (!read_fields(fields)) {
		return false;
	}
	/* All at once, and all but two as they are: to change those alone,
	 * PR_SET_MM_ARG_START, is for administrators only. */
	struct prctl_mm_map map = {
	    .start_code = fields[START_CODE],
	    .end_code = fields[END_CODE],
	    .start_data = fields[START_DATA],
	    .end_data = fields[END_DATA],
	    .start_brk = fields[START_BRK],
	    .brk = (uintptr_t)sbrk(0),
	    .start_stack = fields[START_STACK],
	    .arg_start = (uintptr_t)text,
	    .arg_end = (uintptr_t)text + strlen(text) + 1,
	    .env_start = fields[ENV_START],
	    .env_end = fields[ENV_END],
	    .exe_fd = (uint32_t)-1, /* as it is */
	};

	return prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0) == 0;
}
