/* The token: which of its places counts, its file, and whether it can be one at all. */
#include "config_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "xalloc.h"

/* A token and a newline; a larger file is something else. */
#define TOKEN_FILE_MAX_BYTES 4096

/* What the service's user and group need at most. */
#define TOKEN_FILE_MODE 0640

static bool
file_counts(const struct config *config)
{
	enum config_layer direct = config->origins->at[CONFIG_ID_discord_token].layer;
	enum config_layer file =
	    config->origins->at[CONFIG_ID_discord_token_file].layer;

	if (config->discord_token_file[0] == '\0') {
		return false;
	}
	return !config->discord_token || file > direct;
}

static void
warn_mode(const struct config *config, mode_t mode, struct config_report *report)
{
	if ((mode & 0777 & ~(mode_t)TOKEN_FILE_MODE) != 0) {
		config_report_add(report, CONFIG_WARNING, config->discord_token_file,
		    "holds the token and has mode %04o; 0640 is the widest that is "
		    "safe",
		    (unsigned)(mode & 07777));
	}
}

/* Newlines at the end go, nothing else: blanks are an error that someone must see. */
static struct secret *
secret_of_file(const struct buf *content)
{
	size_t size = content->size;

	while (size > 0 &&
	    (content->data[size - 1] == '\n' || content->data[size - 1] == '\r')) {
		size--;
	}
	return size > 0 ? secret_new(content->data, size) : NULL;
}

static struct secret *
read_secret(const struct config *config, char reason[CONFIG_REASON_ROOM],
    struct config_report *report)
{
	struct secret *token = NULL;
	struct stat status;
	struct buf content;

	buf_init(&content, TOKEN_FILE_MAX_BYTES);
	if (config_slurp(config->discord_token_file, TOKEN_FILE_MAX_BYTES, &content,
		&status, reason) == GW_OK) {
		warn_mode(config, status.st_mode, report);
		token = secret_of_file(&content);
		(void)snprintf(reason, CONFIG_REASON_ROOM, "is empty");
	}
	if (content.data) {
		explicit_bzero(content.data, content.size);
	}
	buf_fini(&content);
	return token;
}

void
config_token_read(struct config *config, struct config_report *report)
{
	char reason[CONFIG_REASON_ROOM] = "";

	if (!file_counts(config)) {
		return;
	}
	secret_free(config->discord_token);
	config->discord_token = read_secret(config, reason, report);
	if (!config->discord_token) {
		char shown[CONFIG_SHOWN_ROOM];
		char text[CONFIG_REASON_ROOM + CONFIG_SHOWN_ROOM];

		config_shown(config->discord_token_file, shown);
		(void)snprintf(text, sizeof text, "%s %s", shown, reason);
		config->token_problem = xstrdup(text);
	}
	config_note(config, CONFIG_ID_discord_token,
	    config->origins->at[CONFIG_ID_discord_token_file].layer,
	    config_value_source(config, CONFIG_ID_discord_token_file));
}

/* Any other byte would end a header line or hide a mistake in copying. */
static bool
is_clean(const struct secret *token)
{
	const char *bytes = secret_reveal(token);

	for (size_t i = 0; i < secret_size(token); i++) {
		if (bytes[i] <= ' ' || bytes[i] > '~') {
			return false;
		}
	}
	return true;
}

static bool
has_quote(const struct secret *token)
{
	const char *bytes = secret_reveal(token);

	return memchr(bytes, '"', secret_size(token)) ||
	    memchr(bytes, '\'', secret_size(token));
}

bool
config_check_token(const struct config *config, struct config_report *report)
{
	const char *source = config_value_source(config, CONFIG_ID_discord_token);
	const struct secret *token = config->discord_token;

	if (config->token_problem) {
		config_report_add(report, CONFIG_ERROR, source, "no token: %s",
		    config->token_problem);
		return false;
	}
	if (!token) {
		config_report_add(report, CONFIG_ERROR, "",
		    "no token: set DISCORD_TOKEN, DISCORD_TOKEN_FILE, the systemd "
		    "credential discord_token, or discord.token_file%s",
		    config->no_credential ?
			"; this unit's credentials have no discord_token: put it into "
			"the file that LoadCredential= names "
			"(/etc/gwbot/discord_token)" :
			"");
		return false;
	}
	if (secret_size(token) < CONFIG_TOKEN_MIN_BYTES) {
		config_report_add(report, CONFIG_ERROR, source,
		    "the token has %zu characters, and a Discord token has %d or more",
		    secret_size(token), CONFIG_TOKEN_MIN_BYTES);
		return false;
	}
	if (!is_clean(token)) {
		config_report_add(report, CONFIG_ERROR, source,
		    "the token has a blank or a byte that is not printable ASCII");
		return false;
	}
	/* Environment files of containers keep the quotes that a shell would take off.
	 */
	if (has_quote(token)) {
		config_report_add(report, CONFIG_ERROR, source,
		    "the token stands in quotes here; write it without them");
		return false;
	}
	return true;
}
