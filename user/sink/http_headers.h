/* SPDX-License-Identifier: Apache-2.0 */
/* Request headers from a file: credentials stay out of argv, the environment and the URL. */
#ifndef REDSHANK_SINK_HTTP_HEADERS_H
#define REDSHANK_SINK_HTTP_HEADERS_H

#include <curl/curl.h>

#include "base/err.h"

#define HTTP_HEADERS_FILE_MAX 16384 /* bytes */

/*
 * Reads lines "Name: value"; empty lines and those that start with # are skipped. The file must be
 * regular, owned by root or by us, and closed to everyone else. Headers that describe the body or
 * the connection are refused: the client sets them. Errors name the line, never what it holds.
 * 0 with a list (NULL if there was no header) to be freed with curl_slist_free_all(), or negative
 * errno.
 */
int http_headers_read(const char *path, struct curl_slist **ret, struct err *e);

#endif
