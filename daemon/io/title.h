/*
 * What ps shows as this process's command line.
 *
 * Set by pointing the kernel at a text of ours, not by writing over argv: the command
 * line and the environment are read again at each reload.
 */
#ifndef GWBOTD_TITLE_H
#define GWBOTD_TITLE_H

#include <stdbool.h>

/**
 * Shows text, which must stay where it is for as long as the process lives.
 *
 * False where the kernel cannot do it (without CONFIG_CHECKPOINT_RESTORE) or /proc is
 * missing: the process's own command line stays.
 */
bool title_show(const char *text);

#endif
