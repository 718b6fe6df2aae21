/* The file of a zone. */
#include "zone.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config_private.h"

static bool
is_utc(const char *name)
{
	return strcasecmp(name, "UTC") == 0 || strcmp(name, "Etc/UTC") == 0;
}

enum gw_err
zone_read(const char *name, struct zone *out, char *why, size_t room)
{
	char path[sizeof ZONE_FOLDER + 1 + ZONE_NAME_MAX_BYTES];
	char reason[CONFIG_REASON_ROOM] = "";
	struct stat status;
	struct buf content;

	memset(out, 0, sizeof *out);
	if (!zone_name_is_sound(name)) {
		(void)snprintf(why, room, "no name of a time zone");
		return GW_ERR_SYNTAX;
	}
	(void)slice_copy(slice_of(name), out->name, sizeof out->name);
	if (is_utc(name)) {
		return GW_OK;
	}
	(void)snprintf(path, sizeof path, ZONE_FOLDER "/%s", name);
	buf_init(&content, ZONE_FILE_MAX_BYTES);
	enum gw_err err =
	    config_slurp(path, ZONE_FILE_MAX_BYTES, &content, &status, reason);

	if (err != GW_OK) {
		(void)snprintf(why, room, "there is no such time zone (%s)", path);
		err = GW_ERR_UNKNOWN;
	} else if (zone_parse(buf_slice(&content), out) != GW_OK) {
		(void)snprintf(why, room, "%s is no file of a time zone", path);
		err = GW_ERR_SYNTAX;
	}
	buf_fini(&content);
	return err;
}
