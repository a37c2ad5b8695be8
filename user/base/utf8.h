/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 (RFC 3629) of hostile bytes: paths and argv are bytes, JSON and protobuf strings are not.
 */
#ifndef REDSHANK_BASE_UTF8_H
#define REDSHANK_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

#define UTF8_REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/*
 * Length (1 to 4) of the well-formed sequence at p, 0 if there is none: truncated, overlong,
 * surrogate or above U+10FFFF. n is the number of bytes available.
 */
size_t utf8_seq(const unsigned char *p, size_t n);

/* Are all n bytes well-formed UTF-8? */
bool utf8_valid(const char *p, size_t n);

/*
 * Does this well-formed sequence of k bytes act on a terminal, or reorder the text around it,
 * instead of being text? C0, DEL, C1, line separators, bidirectional controls; all below U+10000.
 */
bool utf8_acts(const unsigned char *p, size_t k);

/* Appends the bytes with U+FFFD for each byte that is not part of a well-formed sequence. */
void utf8_sanitize(struct buf *b, const char *p, size_t n);

/*
 * Appends the bytes for a terminal: control characters (C0, DEL, C1), bidirectional overrides and
 * broken bytes as \xNN, backslash as it is.
 */
void utf8_printable(struct buf *b, const char *p, size_t n);

#endif
