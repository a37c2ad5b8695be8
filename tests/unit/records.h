/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in memory for tests, built from the same tables that the programs use:
 *
 *   struct ev_exec *r = REC_NEW(exec);          header filled with plausible values
 *   r->exe_ino = 7;
 *   REC_STR(exec, r, exe, "/bin/sh");            or rec_add_str(r, &r->exe, bytes, len)
 *   REC_LIST(exec, r, args, "sh", "-c", "id");
 *   ... schema_check(r, r->hdr.len, NULL) == 0
 *   rec_free(r);
 */
#ifndef REDSHANK_TESTS_RECORDS_H
#define REDSHANK_TESTS_RECORDS_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "schema/event.h"

/* A record of the type without string bytes, in EV_LEN_MAX bytes of room. */
static inline void *rec_new(unsigned type)
{
	const struct ev_desc *d = ev_desc(type);
	assert(d);
	struct ev_hdr *h = aligned_alloc(8, EV_LEN_MAX);
	assert(h);
	memset(h, 0, EV_LEN_MAX);
	h->len = d->size;
	h->type = (u16)type;
	h->fixed = (u16)d->size;
	h->time = 5000000000;
	h->start = 4000000000;
	h->parent_start = 3000000000;
	h->pid = h->tid = h->vpid = 4242;
	h->ppid = 1234;
	h->uid = h->euid = h->gid = h->egid = 1000;
	h->loginuid = h->session = UINT32_MAX;
	memcpy(h->name, "test", 5);
	return h;
}

#define REC_NEW(key_) ((struct ev_##key_ *)rec_new(EV_##key_))

static inline void rec_free(void *rec)
{
	free(rec);
}

/* Appends the bytes to the tail and points s (a member of the record) to them. */
static inline void rec_add_str(void *rec, struct ev_str *s, const void *p, size_t len)
{
	struct ev_hdr *h = rec;

	assert(h->len + len <= EV_LEN_MAX && len <= UINT16_MAX);
	s->off = (u16)h->len;
	s->len = (u16)len;
	memcpy((char *)h + h->len, p, len);
	h->len += (u32)len;
}

#define REC_STR(key_, r_, member_, str_) rec_add_str(r_, &(r_)->member_, str_, strlen(str_))

/* As argv: each string ended by NUL. */
static inline void rec_add_list(void *rec, struct ev_str *s, const char *const *strings, size_t n)
{
	struct ev_hdr *h = rec;
	struct ev_str one = { (u16)h->len, 0 };
	size_t total = 0;

	for (size_t i = 0; i < n; i++) {
		struct ev_str part;
		rec_add_str(h, &part, strings[i], strlen(strings[i]) + 1);
		total += part.len;
	}
	assert(total <= UINT16_MAX);
	one.len = (u16)total;
	*s = one;
}

#define REC_LIST(key_, r_, member_, ...)                                       \
	rec_add_list(r_, &(r_)->member_, (const char *const[]){ __VA_ARGS__ }, \
		     sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

/* Marks an own field as cut. */
#define REC_TRUNCATED(key_, r_, member_) ((r_)->hdr.truncated |= 1ULL << EVF_##key_##_##member_)

/* A host that a struct event can point to. */
static const struct host rec_host = {
	.unix_offset = 1700000000000000000,
	.boot_id = "4a52bdb7-a6a4-4ea0-9f66-9a4b4d0c0ffe",
	.hostname = "testhost",
	.machine_id = "0123456789abcdef0123456789abcdef",
	.kernel = "6.1.0-test",
	.arch = "x86_64",
};

/* An event around a record, without a process table. */
static inline struct event rec_event(const void *rec)
{
	const struct ev_hdr *h = rec;
	return (struct event){ .rec = h, .desc = ev_desc(h->type), .seq = 1, .host = &rec_host };
}

#endif
