/*
 * For the tests of the configuration: files in a folder of their own, an environment
 * and a command line as lists of texts, and one call that loads them all.
 */
#ifndef GWBOT_CONFIG_FIXTURE_H
#define GWBOT_CONFIG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"

#define LIST_MAX      8
#define FIXTURE_ROOM  512
#define FIXTURE_BYTES ((size_t)1024 * 1024)

/* What a test gives, and what it got. */
struct fixture {
	char folder[32];
	const char *file;              /* name in the folder; NULL: no file */
	const char *profile;           /* --profile */
	const char *entries[LIST_MAX]; /* "NAME=value" of the environment */
	const char *sets[LIST_MAX];    /* "path=value" of --set */
	struct config *config;
	struct config_report report;
	struct buf messages; /* the report as printed, ended by a NUL */
	struct buf value;    /* of fixture_value() */
};

static inline const char *
fixture_get(void *context, const char *name)
{
	const struct fixture *fixture = context;
	size_t size = strlen(name);

	for (size_t i = 0; i < LIST_MAX && fixture->entries[i]; i++) {
		if (strncmp(fixture->entries[i], name, size) == 0 &&
		    fixture->entries[i][size] == '=') {
			return fixture->entries[i] + size + 1;
		}
	}
	return NULL;
}

static inline void
fixture_path(const struct fixture *fixture, const char *name, char out[FIXTURE_ROOM])
{
	char whole[2 * FIXTURE_ROOM + 2];
	int size = snprintf(whole, sizeof whole, "%s/%s", fixture->folder, name);

	assert_in_range(size, 1, FIXTURE_ROOM - 1);
	memcpy(out, whole, (size_t)size + 1);
}

static inline void
fixture_write(const struct fixture *fixture, const char *name, struct slice text)
{
	char path[FIXTURE_ROOM];

	fixture_path(fixture, name, path);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(text.size > 0 ? fwrite(text.data, 1, text.size, file) : 0,
	    text.size);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0640), 0);
}

static inline void
fixture_init(struct fixture *fixture)
{
	*fixture = (struct fixture){.folder = "/tmp/gwbot-test-XXXXXX"};
	assert_non_null(mkdtemp(fixture->folder));
	buf_init(&fixture->messages, FIXTURE_BYTES);
	buf_init(&fixture->value, FIXTURE_BYTES);
}

/* Forgets what the last fixture_load() gave. */
static inline void
fixture_reset(struct fixture *fixture)
{
	config_free(fixture->config);
	fixture->config = NULL;
	config_report_free(&fixture->report);
	buf_clear(&fixture->messages);
}

static inline void
fixture_remove(const struct fixture *fixture, const char *name)
{
	char path[FIXTURE_ROOM];

	fixture_path(fixture, name, path);
	assert_int_equal(remove(path), 0);
}

static inline void
fixture_fini(struct fixture *fixture)
{
	fixture_reset(fixture);
	buf_fini(&fixture->messages);
	buf_fini(&fixture->value);
	assert_int_equal(rmdir(fixture->folder), 0);
}

/* Prints the report into messages; also after config_check_token(). */
static inline void
fixture_print(struct fixture *fixture)
{
	buf_clear(&fixture->messages);
	config_report_print(&fixture->report, &fixture->messages);
	assert_int_equal(buf_append(&fixture->messages, "", 1), GW_OK);
}

static inline void
fixture_load(struct fixture *fixture)
{
	struct config_override overrides[LIST_MAX];
	char path[FIXTURE_ROOM] = "";
	size_t count = 0;

	fixture_reset(fixture);
	if (fixture->file) {
		fixture_path(fixture, fixture->file, path);
	}
	for (; count < LIST_MAX && fixture->sets[count]; count++) {
		overrides[count] = (struct config_override){fixture->sets[count], NULL};
	}
	struct config_sources sources = {
	    .file = path,
	    .profile = fixture->profile,
	    .overrides = overrides,
	    .override_count = count,
	    .paths = {.get = fixture_get, .context = fixture, .run_dir = "/run/gwbot"},
	};

	fixture->config = config_load(&sources, &fixture->report);
	assert_int_equal(fixture->config == NULL, fixture->report.errors > 0);
	fixture_print(fixture);
}

/* The same with a file of this text. */
static inline void
fixture_load_text(struct fixture *fixture, const char *text)
{
	fixture->file = "gwbot.conf";
	fixture_write(fixture, fixture->file, slice_of(text));
	fixture_load(fixture);
	fixture_remove(fixture, fixture->file);
	fixture->file = NULL;
}

static inline bool
fixture_says(const struct fixture *fixture, const char *text)
{
	if (strstr(fixture->messages.data, text)) {
		return true;
	}
	print_message("not found: %s\nin: %s\n", text,
	    (const char *)fixture->messages.data);
	return false;
}

/* The name before the = of an assignment. */
static inline const char *
fixture_name(const char *entry, char out[64])
{
	struct slice name = {entry, strcspn(entry, "=")};

	assert_true(slice_copy(name, out, 64));
	return out;
}

/* An option's value and source, as "value (source)"; borrowed until the next call. */
static inline const char *
fixture_value(struct fixture *fixture, const char *path)
{
	struct buf *out = &fixture->value;
	size_t index;

	assert_non_null(fixture->config);
	assert_true(config_option_find(path, &index));
	buf_clear(out);
	assert_int_equal(config_value_text(fixture->config, index, out), GW_OK);
	assert_int_equal(buf_printf(out, " (%s)",
			     config_value_source(fixture->config, index)),
	    GW_OK);
	assert_int_equal(buf_append(out, "", 1), GW_OK);
	return out->data;
}

#endif
