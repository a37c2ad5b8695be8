/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sorted literals, and above them nodes for what their beginnings share. A node stands for a
 * range of them; one that is left with a single literal compares the rest of it at once.
 */
#include "sigma/trie.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct node {
	uint32_t first_kid, nkids; /* kids stand together; their bytes are in label */
	uint32_t first, nends; /* literals that end here; a leaf: the one to compare */
};

struct trie {
	bool backwards;
	struct literal *literal; /* sorted in the direction of the walk */
	size_t nliterals, nnodes, cap;
	struct node *node; /* the root is the first */
	uint8_t *label;
};

/* A node in the making: its range, all of which share depth bytes. */
struct range {
	uint32_t from, to, depth;
};

static unsigned char byte_at(const struct literal *l, uint32_t depth, bool backwards)
{
	return (unsigned char)l->s[backwards ? l->len - 1 - depth : depth];
}

static int compare(const void *pa, const void *pb, void *ctx)
{
	const struct literal *a = pa, *b = pb;
	const bool backwards = *(const bool *)ctx;

	for (uint32_t i = 0; i < a->len && i < b->len; i++) {
		int d = byte_at(a, i, backwards) - byte_at(b, i, backwards);
		if (d)
			return d;
	}
	return (a->len > b->len) - (a->len < b->len);
}

static int add_node(struct trie *t, struct range **ranges, struct range r, uint8_t label)
{
	if (t->nnodes == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 64;
		struct node *node = realloc(t->node, cap * sizeof(*node));
		if (node)
			t->node = node;
		uint8_t *labels = realloc(t->label, cap);
		if (labels)
			t->label = labels;
		struct range *more = realloc(*ranges, cap * sizeof(*more));
		if (more)
			*ranges = more;
		if (!node || !labels || !more)
			return -ENOMEM;
		t->cap = cap;
	}
	t->node[t->nnodes] = (struct node){ 0 };
	t->label[t->nnodes] = label;
	(*ranges)[t->nnodes++] = r;
	return 0;
}

/* Breadth first, so that kids stand together. */
static int build(struct trie *t)
{
	struct range *ranges = NULL;
	int rc = add_node(t, &ranges, (struct range){ .to = (uint32_t)t->nliterals }, 0);

	for (size_t i = 0; i < t->nnodes && !rc; i++) {
		struct range r = ranges[i];
		struct node n = { .first = r.from, .first_kid = (uint32_t)t->nnodes };
		if (r.to - r.from == 1) {
			t->node[i] = n;
			continue;
		}
		while (r.from < r.to && t->literal[r.from].len == r.depth) {
			r.from++;
			n.nends++;
		}
		while (r.from < r.to && !rc) {
			uint8_t label = byte_at(&t->literal[r.from], r.depth, t->backwards);
			struct range kid = { .from = r.from, .depth = r.depth + 1 };
			while (r.from < r.to &&
			       byte_at(&t->literal[r.from], r.depth, t->backwards) == label)
				r.from++;
			kid.to = r.from;
			n.nkids++;
			rc = add_node(t, &ranges, kid, label);
		}
		t->node[i] = n;
	}
	free(ranges);
	return rc;
}

int trie_new(const struct literal *l, size_t n, bool backwards, struct trie **ret)
{
	struct trie *t = calloc(1, sizeof(*t));

	if (t)
		t->literal = calloc(n ? n : 1, sizeof(*t->literal));
	if (!t || !t->literal) {
		trie_free(t);
		return -ENOMEM;
	}
	t->backwards = backwards;
	t->nliterals = n;
	if (n)
		memcpy(t->literal, l, n * sizeof(*l));
	qsort_r(t->literal, n, sizeof(*t->literal), compare, &backwards);
	int rc = build(t);
	if (rc)
		trie_free(t);
	else
		*ret = t;
	return rc;
}

void trie_free(struct trie *t)
{
	if (!t)
		return;
	free(t->literal);
	free(t->node);
	free(t->label);
	free(t);
}

size_t trie_bytes(const struct trie *t)
{
	return sizeof(*t) + t->nliterals * sizeof(*t->literal) +
	       t->cap * (sizeof(*t->node) + sizeof(*t->label));
}

static void leaf(const struct trie *t, const struct literal *l, const char *s, size_t n,
		 literal_fn *fn, void *ctx)
{
	if (l->len > n || (l->whole && l->len != n))
		return;
	if (!memcmp(t->backwards ? s + n - l->len : s, l->s, l->len))
		fn(ctx, l->id);
}

#define KIDS_FEW 8 /* up to here a call of memchr() takes longer than looking */

static const struct node *kid_of(const struct trie *t, const struct node *n, unsigned char c)
{
	const uint8_t *labels = t->label + n->first_kid;

	if (n->nkids > KIDS_FEW) {
		const uint8_t *at = memchr(labels, c, n->nkids);
		return at ? &t->node[n->first_kid + (size_t)(at - labels)] : NULL;
	}
	for (uint32_t i = 0; i < n->nkids; i++)
		if (labels[i] == c)
			return &t->node[n->first_kid + i];
	return NULL;
}

void trie_walk(const struct trie *t, const char *s, size_t n, literal_fn *fn, void *ctx)
{
	const struct node *node = &t->node[0];

	for (size_t depth = 0;; depth++) {
		const struct literal *l = &t->literal[node->first];
		if (!node->nkids && !node->nends) {
			if (t->nliterals)
				leaf(t, l, s, n, fn, ctx);
			return;
		}
		for (uint32_t i = 0; i < node->nends; i++)
			if (!l[i].whole || depth == n)
				fn(ctx, l[i].id);
		if (depth == n)
			return;
		node = kid_of(t, node, (unsigned char)(t->backwards ? s[n - 1 - depth] : s[depth]));
		if (!node)
			return;
	}
}
