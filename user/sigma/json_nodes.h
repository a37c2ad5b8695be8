/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON text (RFC 8259) as a flat list of its values, in the order of the text. A reader of our
 * own, because events are judged by their bytes: numbers keep the digits they were written with,
 * strings any byte that stands in them, a key that comes twice both its values; and memory is used
 * again for the next text.
 *
 * More is accepted than the RFC does: any byte in strings (broken UTF-8, control characters). A \u
 * escape of half a surrogate pair is U+FFFD.
 */
#ifndef REDSHANK_SIGMA_JSON_NODES_H
#define REDSHANK_SIGMA_JSON_NODES_H

#include "base/err.h"
#include "sigma/rule.h"

#define JN_NODES_MAX (1U << 20) /* values of one text */
#define JN_DEPTH_MAX 128

enum jn_kind { JN_scalar, JN_object, JN_array };

struct jn_node {
	enum jn_kind kind;
	unsigned depth; /* of the outermost value 0, of what is in it 1 … */
	const char *key; /* its name in an object, ended by NUL; NULL: not in an object */
	size_t keylen; /* more than strlen(key) if a NUL is part of it */
	struct sigma_scalar scalar; /* of JN_scalar */
};

/* Starts as zeroes. */
struct jn {
	size_t n, cap;
	struct jn_node *node;
	size_t text_cap;
	char *text; /* keys and values */
};

/* The nodes are valid until the next call. 0, -ENOMEM, or -EBADMSG for what is not JSON. */
int jn_parse(struct jn *j, const char *p, size_t len, struct err *e);
void jn_free(struct jn *j);

#endif
