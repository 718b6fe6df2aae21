/* How to keep a value that was set while the daemon runs. */
#include "config_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#define TEXT_BYTES  ((size_t)32 * 1024)
#define PLACE_BYTES ((size_t)8 * 1024)

/* The text of a buffer whose appends did not fail, in fresh memory. */
static char *
take_text(struct buf *buf)
{
	char *text = xstrndup(buf->data ? buf->data : "", buf->size);

	buf_fini(buf);
	return text;
}

/* "stall = "20min";" inside of its group, or with the group around it. */
static char *
setting_text(const struct config *wanted, enum config_id id, bool whole)
{
	const char *path = config_option(id)->path;
	const char *dot = strchr(path, '.');
	struct buf text;

	buf_init(&text, TEXT_BYTES);
	if (dot && whole) {
		(void)buf_printf(&text, "%.*s: { ", (int)(dot - path), path);
	}
	(void)buf_printf(&text, "%s = ", dot ? dot + 1 : path);
	(void)config_value_literal(wanted, id, &text);
	(void)buf_printf(&text, dot && whole ? "; };" : ";");
	return take_text(&text);
}

/* The same for the environment or the command line: "PORT=", "--set http.port=". */
static char *
assignment_text(const struct config *wanted, enum config_id id, const char *flag,
    const char *name)
{
	struct buf text;

	buf_init(&text, TEXT_BYTES);
	(void)buf_printf(&text, "%s%s=", flag, name);
	(void)config_value_text(wanted, id, &text);
	return take_text(&text);
}

/* "gwbot.conf:12" with the folder in which that file lies. */
static char *
full_place(const struct config *read, const char *source)
{
	size_t size = strcspn(source, ":");
	struct buf place;

	buf_init(&place, PLACE_BYTES);
	for (size_t i = 0; i < read->files.count; i++) {
		const char *path = read->files.items[i];
		const char *slash = strrchr(path, '/');
		const char *base = slash ? slash + 1 : path;

		if (strlen(base) == size && strncmp(base, source, size) == 0) {
			(void)buf_append(&place, path, (size_t)(base - path));
			break;
		}
	}
	(void)buf_printf(&place, "%s", source);
	return take_text(&place);
}

/* "/etc/gwbot.d/watchdog-stall.conf" */
static char *
drop_in_place(const struct config *read, const char *path)
{
	const char *dot = strchr(path, '.');
	struct buf place;

	buf_init(&place, PLACE_BYTES);
	(void)buf_printf(&place, "%s/%.*s%s%s.conf", read->drop_ins,
	    dot ? (int)(dot - path) : 0, path, dot ? "-" : "", dot ? dot + 1 : path);
	return take_text(&place);
}

struct config_keep
config_keep(const struct config *read, const struct config *wanted, size_t index)
{
	enum config_id id = (enum config_id)index;
	const struct config_option *option = config_option(id);
	const char *source = config_value_source(read, index);
	enum config_layer layer = read->origins->at[id].layer;

	if (layer == LAYER_FILE || layer == LAYER_SECTION) {
		return (struct config_keep){full_place(read, source),
		    setting_text(wanted, id, false)};
	}
	if (layer == LAYER_ENV) {
		const char *name = strchr(source, ':');

		return (struct config_keep){xstrdup(source),
		    assignment_text(wanted, id, "", name ? name + 1 : option->env)};
	}
	if (layer == LAYER_CLI || !read->drop_ins) {
		return (struct config_keep){xstrdup("cli"),
		    assignment_text(wanted, id, "--set ", option->path)};
	}
	return (struct config_keep){drop_in_place(read, option->path),
	    setting_text(wanted, id, true)};
}

void
config_keep_free(struct config_keep *keep)
{
	free(keep->where);
	free(keep->text);
	*keep = (struct config_keep){NULL, NULL};
}
