/* The begin of a setting: its name, and whether there may be one of that name here. */
#include "config_scan.h"

#include <ctype.h>
#include <string.h>

int
config_brief_size(const struct config_place *place)
{
	return (
	    int)(place->size < CONFIG_BRIEF_BYTES ? place->size : CONFIG_BRIEF_BYTES);
}

bool
config_place_holds(const struct config_place *place, const char *word)
{
	return memmem(place->at, place->size, word, strlen(word)) != NULL;
}

static bool
same_name(const struct config_place *a, const struct config_place *b)
{
	return a->size == b->size && memcmp(a->at, b->at, a->size) == 0;
}

static size_t
parent_of(const struct config_scan *scan)
{
	return scan->bracket_count > 0 ?
	    scan->brackets[scan->bracket_count - 1].setting :
	    CONFIG_NO_SETTING;
}

static const struct config_scan_setting *
find_same(struct config_scan *scan, const struct config_place *name)
{
	size_t parent = parent_of(scan);
	size_t first =
	    scan->bracket_count > 0 ? scan->brackets[scan->bracket_count - 1].first : 0;

	for (size_t i = first; i < scan->setting_count; i++) {
		const struct config_scan_setting *other = &scan->settings[i];

		if (other->parent == parent && !other->passed &&
		    same_name(&other->name, name)) {
			return other;
		}
	}
	return NULL;
}

/* Says what is wrong with a name; true where nothing is. */
static bool
check_name(struct config_scan *scan, const struct config_place *name)
{
	const char *dot = memchr(name->at, '.', name->size);
	const struct config_scan_setting *same;

	if (dot && dot > name->at) {
		int group = (int)(dot - name->at);

		if (name->size > CONFIG_BRIEF_BYTES) {
			config_scan_complain(scan, name,
			    "a name has no dot; a group is written NAME: { ... };");
		} else {
			config_scan_complain(scan, name,
			    "a name has no dot; write %.*s: { %.*s = ...; };", group,
			    name->at, config_brief_size(name) - group - 1, dot + 1);
		}
		return false;
	}
	for (size_t i = 0; i < name->size; i++) {
		unsigned char c = (unsigned char)name->at[i];
		bool first = c < 0x80 && isalpha(c);

		if (!first &&
		    (i == 0 || c >= 0x80 || !(isdigit(c) || strchr("_-", c)))) {
			config_scan_complain(scan, name,
			    "no name of a setting; those have letters, digits, _ and "
			    "-");
			return false;
		}
	}
	same = find_same(scan, name);
	if (same) {
		char first[512];

		config_scan_where(scan, &same->name, true, first, sizeof first);
		config_scan_complain(scan, name, "%.*s is set again; first at %.100s",
		    config_brief_size(name), name->at, first);
	}
	return !same;
}

void
config_scan_begin(struct config_scan *scan, const struct config_place *name)
{
	size_t parent = parent_of(scan);

	if (scan->setting_count == CONFIG_SETTINGS_MAX) {
		config_scan_complain(scan, name, "more than %d settings",
		    CONFIG_SETTINGS_MAX);
		scan->failed = true;
		return;
	}
	bool inherits = parent != CONFIG_NO_SETTING && scan->settings[parent].passed;
	bool good = check_name(scan, name) && !inherits;

	scan->current = scan->setting_count++;
	scan->settings[scan->current] = (struct config_scan_setting){
	    .name = *name,
	    .value = *name,
	    .parent = parent,
	    .passed = !good,
	    .has_secret = config_scan_is_secret(name),
	};
	config_scan_put(scan, "\n", 1);
	if (good) {
		config_scan_put(scan, name->at, name->size);
	} else {
		/* A name of its own, which no option has. */
		char own[24] = "*";
		size_t number = scan->current;

		for (size_t i = 1; i < sizeof own - 1 && (i == 1 || number > 0); i++) {
			own[i] = (char)('a' + number % 26);
			number /= 26;
		}
		config_scan_put(scan, own, strlen(own));
	}
	scan->want = WANT_ASSIGN;
}
