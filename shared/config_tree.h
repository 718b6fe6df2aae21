/*
 * libconfig's tree on its way into options; for config_file.c and config_list.c only,
 * which are the only two that include libconfig.
 */
#ifndef GWBOT_CONFIG_TREE_H
#define GWBOT_CONFIG_TREE_H

#include <libconfig.h>

#include "config_scan.h"

#define CONFIG_PLACE_ROOM  512
#define CONFIG_VALUE_BYTES 16384

/* Where settings go: the configuration, or a blank one that is only there for checks.
 */
struct config_target {
	const struct config_file *file;
	struct config *config;
	enum config_layer layer;
	struct config_report *report;
	struct config_setters *setters;
};

/** What the scan knows of a setting; never NULL. */
const struct config_scan_setting *
config_tree_scanned(const struct config_target *target,
    const config_setting_t *setting);

/** Adds an error for a place. */
void config_tree_complain(const struct config_target *target,
    const struct config_place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Puts the value of a setting into a row's field, or says why not. */
bool config_tree_take(const struct config_target *target,
    const config_setting_t *setting, const struct config_option *option,
    const char *path, void *field);

/** Puts a list of groups into its option, or says why not. */
bool config_tree_take_list(const struct config_target *target,
    const config_setting_t *setting, enum config_id id);

#endif
