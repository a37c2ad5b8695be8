/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program of a view. An atom is a predicate of one field; a rule is a graph of nodes over
 * atoms. Each rule has a cover: atoms of which one must hold for it to match. Atoms of covers are
 * searched for in one pass over the field ("scanned"); those that hold name the rules to evaluate.
 * All other atoms are worked out when a rule asks, once per event.
 */
#ifndef REDSHANK_SIGMA_VIEW_PRIVATE_H
#define REDSHANK_SIGMA_VIEW_PRIVATE_H

#include "sigma/grams.h"
#include "sigma/idmap.h"
#include "sigma/test.h"
#include "sigma/trie.h"
#include "sigma/view.h"

#define VIEW_TEXT_MAX \
	((size_t)64 << 20) /* bytes of one field's values; what is beyond is not seen */
#define VIEW_SCAN_LEN  5 /* texts from here on are scanned for, shorter ones only for covers */
#define VIEW_SCAN_MANY 64 /* so many of them are worth a pass of their own */
#define VIEW_LONG_LIST 32 /* from here on a list asks what was found, not for each of its own */
#define VIEW_NONE      UINT32_MAX

struct view_column {
	/* What is scanned for; NULL: nothing of the kind. */
	struct grams *grams;
	struct trie *head, *tail;
	uint32_t present; /* scanned atom "has a value", or VIEW_NONE */
	bool numbers; /* some of head's are numbers */
	/* The values of the event that folded_at tells. */
	uint32_t folded_at;
	struct fold fold;
	struct sigma_look *look;
	unsigned nlooks, looks_cap;
};

struct view_atom {
	const struct sigma_pred *pred;
	uint32_t column;
	uint32_t other; /* column of fieldref */
	uint32_t needs, nneeds; /* in sigma_view.kid: atoms, of which one must hold */
	uint32_t uses; /* how many items have it: what many rules want is often there */
	bool scanned;
};

enum view_op { VIEW_AND, VIEW_OR, VIEW_NOT, VIEW_ANY, VIEW_ALL }; /* the last two: of atoms */

struct view_node {
	uint8_t op; /* enum view_op */
	bool shared; /* more than one parent: its result is kept */
	bool scanned; /* VIEW_ANY: all its atoms are */
	uint32_t first, n; /* in sigma_view.kid */
};

struct sigma_view {
	const struct sigma_rules *rules;
	unsigned nrules;
	const struct sigma_rule **rule; /* of one expression: NULL */
	uint32_t *root; /* per rule */

	unsigned nfields;
	const char **field;
	struct view_column *column; /* nfields, and the keywords' */
	bool wants_all;

	struct view_atom *atom;
	struct view_node *node;
	uint32_t *kid; /* of nodes: nodes or atoms; of atoms: what they need */
	size_t natoms, nnodes, nkids;

	/* Rules to evaluate when atom i holds: rule_of[rules_at[i]] to rule_of[rules_at[i + 1] -
	 * 1]. */
	uint32_t *rules_at, *rule_of;

	/* Of the event at hand; results are 2 * now + (0 or 1), all else is of older events. */
	const struct sigma_record *record;
	uint32_t now;
	uint32_t *atom_result, *node_result;
	uint32_t *hit;
	size_t nhits;
	/* A bit per rule to evaluate, and one in top per word of these that is not 0. */
	uint64_t *candidate, *top, *always, *always_top;
	size_t nwords, ntops;
	struct sigma_match *match;

	struct regex_scratch *scratch;
	struct sigma_view_stats stats;
};

/* Program in the making. */
struct view_builder {
	struct sigma_view *v;
	struct idmap fields, exprs,
		atoms; /* by hash of name, by address, by column and predicate */
	struct ids kids;
	struct ids *cover; /* per node, when it is worked out */
	double *cost; /* per node, what its cover lets through; negative: not known yet */
	size_t fields_cap, atoms_cap, nodes_cap;
};

/* view_build.c. 0 or -ENOMEM. */
int view_field(struct view_builder *b, const char *name, uint32_t *ret);
int view_atom(struct view_builder *b, uint32_t column, const struct sigma_pred *p, uint32_t *ret);
int view_expr(struct view_builder *b, const struct sigma_expr *e, uint32_t *ret);

/* view_cover.c: which atoms are scanned for, and what they set going. 0 or -ENOMEM. */
int view_cover(struct view_builder *b);
/* view_scan.c: what looks for the scanned atoms. 0 or -ENOMEM. */
int view_scan_new(struct sigma_view *v);
void view_scan(struct sigma_view *v);
/* Values of a column, folded; once per event. */
const struct view_column *view_fold(struct sigma_view *v, uint32_t column);
const struct sigma_values *view_values(const struct sigma_view *v, uint32_t column);

/* view_atom.c */
bool view_atom_holds(struct sigma_view *v, uint32_t atom);
/* It does not hold, but the values' missing ends may have what it wants. */
bool view_atom_open(struct sigma_view *v, uint32_t atom);
/* The i-th value of its column alone. */
bool view_atom_matches(struct sigma_view *v, uint32_t atom, unsigned i);

bool view_node_holds(struct sigma_view *v, uint32_t node);

/* view_match.c: of a rule that matched, could the missing end of a value have made a test under a
 * "not" hold, so that it would not match? */
bool view_uncertain(struct sigma_view *v, uint32_t root);

#endif
