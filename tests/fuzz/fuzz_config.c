/*
 * Configuration: a file, then variables and --set assignments, parted by NUL bytes.
 *
 * Whatever is accepted must print as a file that reads back to the same values.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config.h"

#define ENTRIES_MAX   16
#define ENTRY_ROOM    256
#define PRINTED_BYTES ((size_t)1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* "NAME=value" for the environment, "--set PATH=VALUE" without its "--set " as "-...".
 */
struct entries {
	char text[ENTRIES_MAX][ENTRY_ROOM];
	size_t count;
};

static const char *
entry_get(void *context, const char *name)
{
	const struct entries *entries = context;
	size_t size = strlen(name);

	for (size_t i = 0; entries && i < entries->count; i++) {
		if (strncmp(entries->text[i], name, size) == 0 &&
		    entries->text[i][size] == '=') {
			return entries->text[i] + size + 1;
		}
	}
	return NULL;
}

/* The file lies in memory, under a name that opens like any other. */
static int
memory_file(const void *data, size_t size)
{
	int fd = memfd_create("gwbot.conf", MFD_CLOEXEC);

	if (fd < 0 || (size > 0 && write(fd, data, size) != (ssize_t)size)) {
		abort();
	}
	return fd;
}

static struct config *
load(const struct slice text, const struct entries *entries)
{
	struct entries none = {.count = 0};
	struct entries copy = entries ? *entries : none;
	struct config_override overrides[ENTRIES_MAX];
	struct config_report report = {NULL, 0, 0};
	char path[] = "/proc/self/fd/-NNNNNNNNNN";
	int fd = memory_file(text.data, text.size);
	size_t count = 0;

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	for (size_t i = 0; i < copy.count; i++) {
		if (copy.text[i][0] == '-') {
			overrides[count++] =
			    (struct config_override){copy.text[i] + 1, NULL};
		}
	}
	struct config_sources sources = {
	    .file = path,
	    .overrides = overrides,
	    .override_count = count,
	    .paths = {.get = entry_get, .context = &copy, .run_dir = "/run/gwbot"},
	};
	struct config *config = config_load(&sources, &report);

	if ((config == NULL) != (report.errors > 0)) {
		abort();
	}
	if (config) {
		(void)config_check_token(config, &report);
	}
	config_report_free(&report);
	(void)close(fd);
	return config;
}

static void
check_round_trip(const struct config *config)
{
	struct buf printed;

	buf_init(&printed, PRINTED_BYTES);
	if (config_print(config, true, &printed) != GW_OK) {
		abort();
	}
	struct config *again = load(buf_slice(&printed), NULL);

	if (!again) {
		abort();
	}
	for (size_t i = 0; i < config_option_count(); i++) {
		/* A token is not printed. */
		if (config_option(i)->type != CONFIG_SECRET &&
		    !config_value_same(config, again, i)) {
			abort();
		}
	}
	config_free(again);
	buf_fini(&printed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice left = {(const char *)data, size};
	struct slice text = {left.data, size};
	struct entries entries = {.count = 0};
	const char *nul = size > 0 ? memchr(left.data, '\0', left.size) : NULL;

	if (nul) {
		text.size = (size_t)(nul - left.data);
	}
	while (nul && entries.count < ENTRIES_MAX) {
		left.size -= (size_t)(nul + 1 - left.data);
		left.data = nul + 1;
		nul = left.size > 0 ? memchr(left.data, '\0', left.size) : NULL;
		struct slice entry = {left.data,
		    nul ? (size_t)(nul - left.data) : left.size};

		(void)slice_copy(entry, entries.text[entries.count++], ENTRY_ROOM);
	}
	struct config *config = load(text, &entries);

	if (config) {
		check_round_trip(config);
	}
	config_free(config);
	return 0;
}
