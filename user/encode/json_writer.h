/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes compact JSON (RFC 8259) into a buffer, with the commas where they belong. Strings may be
 * any bytes. Allocation failures stick to the buffer (base/buf.h), so nothing here returns one.
 * Named jw_, because json_ is jansson's, whose functions a name of ours would replace at link time.
 */
#ifndef REDSHANK_ENCODE_JSON_WRITER_H
#define REDSHANK_ENCODE_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * A JSON string with its quotes: U+FFFD for each byte that is not UTF-8, and \u escapes for what
 * would act on a terminal. Returns whether the bytes were valid UTF-8.
 */
int json_quote(struct buf *out, const char *p, size_t len);

/* Starts as { .out = buf }. */
struct jw {
	struct buf *out;
	bool comma; /* the next value or key needs one before it */
};

/* bracket: '{' or '['; it is closed with '}' or ']'. */
void jw_open(struct jw *j, char bracket);
void jw_close(struct jw *j, char bracket);
/* The key of the next value. jw_key(): plain ASCII, written as it is. */
void jw_key(struct jw *j, const char *key);
void jw_key_n(struct jw *j, const char *key, size_t len);
void jw_key_any(struct jw *j, const char *prefix, const char *key);

bool jw_str(struct jw *j, const char *p, size_t len); /* as json_quote() */
void jw_text(struct jw *j, const char *s);
/* A list of strings, each but the last ended by NUL, as one string with a space between them. */
bool jw_joined(struct jw *j, const char *p, size_t len);
void jw_num(struct jw *j, uint64_t n);
void jw_bool(struct jw *j, bool b);
void jw_base64(struct jw *j, const void *p, size_t len); /* RFC 4648 section 4 */
void jw_time(struct jw *j, uint64_t unix_ns); /* RFC 3339 in UTC, nine decimals */

#endif
