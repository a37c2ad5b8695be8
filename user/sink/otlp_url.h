/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoint's URL: checked, completed, and as the name of a cursor. */
#ifndef REDSHANK_SINK_OTLP_URL_H
#define REDSHANK_SINK_OTLP_URL_H

#include <stddef.h>

#include "base/err.h"

#define OTLP_URL_MAX	2048 /* bytes */
#define OTLP_CURSOR_MAX 65 /* what store.c takes, and NUL */

/*
 * Checks as otlp_url_check() and gives the URL that requests go to, with /v1/logs if it had no
 * path. Errors never repeat the URL: it may hold what should not be in a log.
 */
int otlp_url_resolve(const char *url, char ret[OTLP_URL_MAX + 16], struct err *e);

/*
 * The name of the store's cursor for a resolved URL: "otlp:" and the URL; of one that is too long
 * the beginning and a hash (FNV-1a, 64 bits) of all of it.
 */
void otlp_cursor_name(const char *url, char ret[OTLP_CURSOR_MAX]);

#endif
