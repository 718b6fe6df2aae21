/* Commands about Google. */
#include "commands.h"

#include <stdlib.h>
#include <string.h>

#include "google.h"

static const char *
word_at(const struct command *command, int index)
{
	return index < command->word_count ? command->words[index] : "";
}

static void
take_fault(struct command *command, struct google_fault *fault,
    bool (*knows)(const char *word))
{
	struct google_fault fresh = {.count = UINT64_MAX};
	const char *word = word_at(command, 0);

	if (strcmp(word, "off") == 0) {
		fault->count = 0;
		return;
	}
	if (!knows(word) ||
	    !slice_copy(slice_of(word), fresh.what, sizeof fresh.what)) {
		command->error = "a fault of this endpoint or off is wanted";
		return;
	}
	if (command->word_count > 1 &&
	    !command_number(command->words[1], 1, 1000000000, &fresh.count)) {
		command->error = "a number of answers is wanted";
		return;
	}
	*fault = fresh;
}

void
command_token(struct command *command)
{
	take_fault(command, &command->sim->google->token_fault,
	    google_knows_token_fault);
}

void
command_sheet(struct command *command)
{
	take_fault(command, &command->sim->google->sheet_fault,
	    google_knows_sheet_fault);
}

void
command_google_key(struct command *command)
{
	if (command->word_count != 2) {
		command->error = "a file and the account's address are wanted";
		return;
	}
	command->error =
	    google_take_key(command->sim->google, command->words[0], command->words[1]);
}

void
command_google_clock(struct command *command)
{
	const char *word = word_at(command, 0);
	bool behind = word[0] == '-';
	uint64_t seconds = 0;

	if (!command_number(word + (behind ? 1 : 0), 0, 1000000000, &seconds)) {
		command->error = "a number of seconds is wanted";
		return;
	}
	command->sim->google->ahead_s = behind ? -(int64_t)seconds : (int64_t)seconds;
}

void
command_google_tokens(struct command *command)
{
	const char *word = word_at(command, 0);
	uint64_t seconds = 0;

	if (strcmp(word, "revoke") == 0) {
		google_revoke(command->sim->google);
	} else if (command_number(word, 1, 86400, &seconds)) {
		command->sim->google->lifetime_s = (int64_t)seconds;
	} else {
		command->error = "a lifetime in seconds or revoke is wanted";
	}
}
