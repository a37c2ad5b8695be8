/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Lines with ECS field names (nested objects, RFC 3339 times with nanoseconds). What ECS has no
 * name for stands under "redshank". Strings are valid UTF-8; where bytes had to be replaced by
 * U+FFFD, the raw bytes stand as base64 under redshank.raw, by the field's full name. Names of
 * fields that hold only the beginning of a value are listed in redshank.truncated.
 */
#ifndef REDSHANK_ENCODE_JSON_H
#define REDSHANK_ENCODE_JSON_H

#include "base/buf.h"
#include "detect/alert.h"

/*
 * Append one object, without newline. line_seq becomes event.sequence: the line's number in its
 * stream, from 1; 0 leaves it out.
 */
void json_event(struct buf *out, const struct event *ev, uint64_t line_seq);
void json_alert(struct buf *out, const struct alert *al, uint64_t line_seq);

/* A JSON string with its quotes, sanitised. Returns whether the bytes were valid UTF-8. */
int json_string(struct buf *out, const char *p, size_t len);

#endif
