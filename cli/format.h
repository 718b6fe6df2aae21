/*
 * Figures as people read them.
 */
#ifndef GWCTL_FORMAT_H
#define GWCTL_FORMAT_H

#include "json.h"

/* A figure as text, to be passed by value: FORMAT... are expressions. */
struct format_text {
	char text[40];
};

/** "0.4 s", "42 s", "3 min 20 s", "4 h 12 min", "3 d 4 h". */
struct format_text format_seconds(double seconds);

/** "41 ms", "0.4 ms", from a second on as format_seconds(). */
struct format_text format_latency(double seconds);

/** "12.3 MiB". */
struct format_text format_bytes(double bytes);

/** A number for programs: to the microsecond, without an exponent or zeroes at the end.
 */
struct format_text format_decimal(double number);

/** The same of a JSON number; "-" where it is none. */
struct format_text format_json_seconds(const struct json *value);
struct format_text format_json_latency(const struct json *value);
struct format_text format_json_bytes(const struct json *value);

/** A scalar as it is: text, whole numbers without a point, "yes", "no", "-". */
struct format_text format_json_scalar(const struct json *value);

#endif
