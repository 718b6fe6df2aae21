/*
 * JSON's grammar, RFC 8259 to the letter: cJSON alone would let pass what it forbids.
 *
 * For json.c only.
 */
#ifndef GWBOT_JSON_SCAN_H
#define GWBOT_JSON_SCAN_H

#include "buf.h"
#include "err.h"

/**
 * Whether text is one document, blanks around it allowed.
 *
 * GW_ERR_TOO_LARGE past JSON_MAX_DEPTH, GW_ERR_SYNTAX for what is none or holds U+0000;
 * numbers are as long as they like, and pairs of surrogates are not looked at.
 */
enum gw_err json_scan(struct slice text);

#endif
