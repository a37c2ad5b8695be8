/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the parser share. Functions that report what is wrong return -EINVAL. */
#ifndef REDSHANK_SIGMA_PARSER_H
#define REDSHANK_SIGMA_PARSER_H

#include "sigma/parse.h"
#include "sigma/yaml.h"

/* Nodes looked at and names compared for one file, whatever its collections multiply. */
#define SIGMA_WORK_MAX 50000000U

/* One file being parsed. */
struct sigma_parser {
	struct sigma_rules *rules;
	struct arena *nodes; /* trees, and all else that the rules do not keep */
	const char *file; /* in the arena of the rules */
	bool directory; /* found in one: what is no rule at all is left out with a warning */
	size_t used_before; /* of the rules' arena, by other files */
	unsigned work;
	unsigned documents; /* that were Sigma */
	/* Rule collections. */
	const struct sigma_node *global, *previous;
	/* sigma_parse_map() */
	const struct sigma_expr *map;
};

void sigma_parser_error(struct sigma_parser *p, struct sigma_pos pos, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void sigma_parser_warn(struct sigma_parser *p, struct sigma_pos pos, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* -E2BIG, reported, when the file has had its share. */
int sigma_parser_work(struct sigma_parser *p, struct sigma_pos pos, size_t n);

/* Into the arena of the rules. NULL: -ENOMEM. */
char *sigma_parser_copy(struct sigma_parser *p, const struct sigma_scalar *s);

/*
 * The attribute of a map as text. Not there or null: *ret stays as it is. Of a list of texts, all,
 * joined by a comma.
 */
int sigma_parser_text(struct sigma_parser *p, const struct sigma_node *map, const char *key,
		      const char **ret);
/* A scalar or a list of scalars as texts. what is for messages. */
int sigma_parser_texts(struct sigma_parser *p, const struct sigma_node *node, const char *what,
		       struct sigma_strings *ret);
/*
 * Warns of keys that are not among known. Of those which look like one of them only when own keys
 * are allowed.
 */
void sigma_parser_unknown(struct sigma_parser *p, const struct sigma_node *map,
			  const char *const *known, unsigned n, bool own);

/* The one of n names that was probably meant, or NULL. */
const char *sigma_nearest(const char *name, const char *const *names, unsigned n);

/* A search identifier, or a rule of a correlation. */
struct sigma_ident {
	const char *name;
	struct sigma_pos pos;
	const struct sigma_expr *expr;
	unsigned depth; /* of expr */
	bool used;
};

#define SIGMA_IDENTS_MAX    4096
#define SIGMA_CONDITION_MAX 65536 /* bytes */
#define SIGMA_REFS_MAX	    1000 /* rules of one correlation */

struct sigma_idents {
	unsigned n;
	struct sigma_ident *ident;
};

/* The search identifiers of a detection or filter: all keys but those named in skip. */
int sigma_parse_idents(struct sigma_parser *p, const struct sigma_node *map,
		       const char *const *skip, unsigned nskip, struct sigma_idents *ret);
/* FIELD|modifier: value, … of a map, ANDed. *ret_depth: of the expression. */
int sigma_parse_items(struct sigma_parser *p, const struct sigma_node *map,
		      const struct sigma_expr **ret, unsigned *ret_depth);

/* A condition or a list of them, ORed. Marks what it uses. */
int sigma_parse_condition(struct sigma_parser *p, const struct sigma_node *node,
			  struct sigma_idents *idents, const struct sigma_expr **ret);
/* The names in a condition's text, each once, in the parser's arena. */
int sigma_condition_names(struct sigma_parser *p, const struct sigma_node *node,
			  struct sigma_strings *ret);

/* When a filter ends, Unix ns. *ret is left alone where the document does not say. */
int sigma_parse_expires(struct sigma_parser *p, const struct sigma_node *doc, uint64_t *ret);
/* Attributes that rules, correlations and filters share; keys that none of them has are reported.
 */
int sigma_parse_common(struct sigma_parser *p, const struct sigma_node *doc, struct sigma_rule *r);
int sigma_parse_logsource(struct sigma_parser *p, const struct sigma_node *doc,
			  struct sigma_logsource *ret);
int sigma_parse_rule(struct sigma_parser *p, const struct sigma_node *doc, struct sigma_rule *r);
int sigma_parse_correlation(struct sigma_parser *p, const struct sigma_node *doc,
			    struct sigma_rule *r);
int sigma_parse_filter(struct sigma_parser *p, const struct sigma_node *doc, struct sigma_rule *r);

/* A UUID (version 8, RFC 9562) that is the same whenever text and n are. In the arena. */
const char *sigma_derived_id(struct arena *a, const char *text, unsigned n);

/* sigma_parse() of a file found in a directory. */
int sigma_parse_found(struct sigma_rules *r, const char *file, const char *text, size_t len);

#endif
