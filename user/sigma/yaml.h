/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML documents as trees with positions. Plain scalars are typed by the core schema of YAML 1.2
 * (section 10.3.2), all else is a string. Files are hostile: depth and size are bounded, also of
 * what aliases unfold to.
 */
#ifndef REDSHANK_SIGMA_YAML_H
#define REDSHANK_SIGMA_YAML_H

#include "sigma/rule.h"

#define SIGMA_YAML_DEPTH_MAX 48
#define SIGMA_YAML_NODES_MAX 250000 /* of one document, aliases unfolded */

enum sigma_node_kind { SIGMA_SCALAR, SIGMA_LIST, SIGMA_MAP };

struct sigma_node {
	enum sigma_node_kind kind;
	struct sigma_pos pos;
	unsigned size, depth; /* nodes in it and levels of them, itself counted; aliases unfolded */
	/* SIGMA_SCALAR */
	struct sigma_scalar scalar;
	unsigned text_col; /* text stands byte for byte in pos.line from here; 0: it does not */
	bool merge; /* the plain scalar << */
	/* SIGMA_LIST, SIGMA_MAP: keys of a map are scalars, each different */
	unsigned n;
	union {
		const struct sigma_node **item;
		struct sigma_pair *pair;
	};
};

struct sigma_pair {
	const struct sigma_node *key, *value;
};

/* NULL: no such key, or not a map. */
const struct sigma_node *sigma_node_get(const struct sigma_node *map, const char *key);

struct sigma_parser;

/* The next document of the text. Its nodes live in the parser's arena. */
typedef int sigma_document_fn(struct sigma_parser *p, const struct sigma_node *doc);

/*
 * Calls fn for each document that is not empty, until it returns other than 0. A document that is
 * not well-formed is a problem, and the next one is read. pos: where the text stands. Returns what
 * fn did, 0, or -ENOMEM.
 */
int sigma_yaml_read(struct sigma_parser *p, struct sigma_pos pos, const char *text, size_t len,
		    sigma_document_fn *fn);

/* type, i and f of a plain scalar with text and len. */
void sigma_scalar_type(struct sigma_scalar *s);

#endif
