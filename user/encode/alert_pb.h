/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts and events as protobuf (proto/redshank.proto). A pb_arena owns every byte of the messages
 * built in it, so that building allocates nothing once it has grown.
 */
#ifndef REDSHANK_ENCODE_ALERT_PB_H
#define REDSHANK_ENCODE_ALERT_PB_H

#include "base/buf.h"
#include "detect/alert.h"
#include "redshank.pb-c.h"

/*
 * Bump allocator in chunks: pointers stay valid until pb_arena_reset(). A failure is sticky until
 * then, so a builder looks once, at the end.
 */
struct pb_arena {
	struct pb_chunk *first, *current;
	bool failed;
};

void *pb_alloc(struct pb_arena *a, size_t n); /* zeroed, 8-byte aligned; NULL when out of memory */
void pb_arena_reset(struct pb_arena *a); /* keeps the memory */
void pb_arena_free(struct pb_arena *a);

/*
 * The bytes as a NUL-terminated string that is valid UTF-8: U+FFFD stands for each byte that is not
 * part of a well-formed sequence, and for NUL. If there was one, *ret_raw (may be NULL) gets a copy
 * of the bytes as they were. Never NULL; "" when out of memory.
 */
char *pb_text(struct pb_arena *a, const char *p, size_t len, ProtobufCBinaryData *ret_raw);

/* Builds the message in the arena; NULL when out of memory. Valid until the arena is reset. */
Redshank__V1__Alert *alert_to_pb(struct pb_arena *a, const struct alert *al);
Redshank__V1__Event *event_to_pb(struct pb_arena *a, const struct event *ev);
Redshank__V1__Host *host_to_pb(struct pb_arena *a, const struct host *h);

/* Appends the packed message. */
void alert_pack(struct buf *out, const Redshank__V1__Alert *pb);

/* For -o proto: a varint length, then a Record that holds one of them with the stream's number. */
void record_pack(struct buf *out, Redshank__V1__Event *ev, Redshank__V1__Alert *al, uint64_t seq);

/*
 * Decodes an alert that this program stored. NULL if it is not one, or if a string in it is not
 * UTF-8: what is returned can be packed again into what every decoder takes. Free with
 * redshank__v1__alert__free_unpacked(alert, NULL). Safe on hostile bytes: the schema is flat.
 */
Redshank__V1__Alert *alert_unpack(const void *p, size_t len);

#endif
