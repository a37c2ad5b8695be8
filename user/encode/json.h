/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Lines with ECS field names (nested objects, RFC 3339 times with nanoseconds). What ECS has
 * no name for stands under "redshank". Strings are valid UTF-8; where bytes had to be replaced by
 * U+FFFD, the raw bytes stand as base64 under redshank.raw, by the field's full name. Names of
 * fields that hold only the beginning of a value are listed in redshank.truncated.
 *
 * Numbers are exact. Inode numbers, cgroup ids and sizes can be above 2^53, where readers that keep
 * numbers as doubles (jq) round them. For the pipeline's thread only, as the user table is.
 */
#ifndef REDSHANK_ENCODE_JSON_H
#define REDSHANK_ENCODE_JSON_H

#include "base/buf.h"
#include "detect/alert.h"
#include "encode/json_writer.h"

/*
 * Append one object, without newline. line_seq becomes event.sequence: the line's number in its
 * stream, from 1; 0 leaves it out.
 */
void json_event(struct buf *out, const struct event *ev, uint64_t line_seq);
void json_alert(struct buf *out, const struct alert *al, uint64_t line_seq);

#endif
