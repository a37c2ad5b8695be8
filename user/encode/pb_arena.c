/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arena that protobuf messages are built in. protobuf-c wants every string and array behind a
 * pointer of its own; freeing them one by one is where leaks come from, so they are freed together.
 */
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "encode/alert_pb.h"

#define CHUNK_SIZE 65536

/* Not protobuf-c's own: it leaves out a string of a oneof if it points to the default value. */
static char empty[1];

struct pb_chunk {
	struct pb_chunk *next;
	size_t used, cap;
	alignas(8) char data[];
};

static struct pb_chunk *chunk_new(size_t n)
{
	size_t cap = n > CHUNK_SIZE ? n : CHUNK_SIZE;
	struct pb_chunk *c = malloc(sizeof(*c) + cap);
	if (!c)
		return NULL;
	c->next = NULL;
	c->used = 0;
	c->cap = cap;
	return c;
}

/* The chunk that has room for n bytes: this one, the next one of an earlier use, or a new one. */
static struct pb_chunk *chunk_for(struct pb_arena *a, size_t n)
{
	struct pb_chunk *c = a->current;

	if (c && c->cap - c->used >= n)
		return c;
	struct pb_chunk **at = c ? &c->next : &a->first;
	if (!*at || (*at)->cap < n) {
		struct pb_chunk *fresh = chunk_new(n);
		if (!fresh)
			return NULL;
		fresh->next = *at;
		*at = fresh;
	}
	a->current = *at;
	return a->current;
}

void *pb_alloc(struct pb_arena *a, size_t n)
{
	size_t size = (n + 7) & ~(size_t)7;
	struct pb_chunk *c = a->failed || n > SIZE_MAX / 2 ? NULL : chunk_for(a, size);
	if (!c) {
		a->failed = true;
		return NULL;
	}
	void *p = c->data + c->used;
	c->used += size;
	return memset(p, 0, size);
}

void pb_arena_reset(struct pb_arena *a)
{
	for (struct pb_chunk *c = a->first; c; c = c->next)
		c->used = 0;
	a->current = a->first;
	a->failed = false;
}

void pb_arena_free(struct pb_arena *a)
{
	if (!a)
		return;
	for (struct pb_chunk *c = a->first, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	memset(a, 0, sizeof(*a));
}

/* NUL is well-formed UTF-8 but ends a C string, which is what protobuf-c packs. */
static size_t seq(const char *p, size_t n)
{
	return *p ? utf8_seq((const unsigned char *)p, n) : 0;
}

char *pb_text(struct pb_arena *a, const char *p, size_t len, ProtobufCBinaryData *ret_raw)
{
	size_t size = 0, bad = 0, k;

	for (size_t i = 0; i < len; i += k ? k : 1) {
		k = seq(p + i, len - i);
		size += k ? k : strlen(UTF8_REPLACEMENT);
		bad += !k;
	}
	if (!len)
		return empty;
	char *text = pb_alloc(a, size + 1);
	uint8_t *raw = bad && ret_raw ? pb_alloc(a, len) : NULL;
	if (a->failed)
		return empty;
	if (raw) {
		ret_raw->data = memcpy(raw, p, len);
		ret_raw->len = len;
	}
	if (!bad)
		return memcpy(text, p, len);
	char *to = text;
	for (size_t i = 0; i < len; i += k ? k : 1) {
		k = seq(p + i, len - i);
		size_t n = k ? k : strlen(UTF8_REPLACEMENT);
		memcpy(to, k ? p + i : UTF8_REPLACEMENT, n);
		to += n;
	}
	return text;
}
