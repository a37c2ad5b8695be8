/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions (spec: Condition):
 *
 *	or	= and { "or" and }
 *	and	= not { "and" not }
 *	not	= { "not" } operand
 *	operand	= "(" or ")" | ("1" | "any" | "all") "of" ("them" | pattern) | identifier
 *
 * Keywords are taken in any case, as older Sigma tools do, unless there is an identifier of exactly
 * that name. What a name stands for is referred to, not copied: a condition grows in memory as its
 * text does.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sigma/parser.h"

#define KIDS_MAX 65536 /* search identifiers that one condition's patterns stand for */

enum token { END, OPEN, CLOSE, WORD };

struct condition {
	struct sigma_parser *p;
	struct sigma_idents *idents;
	const struct sigma_node *node;
	const char *text;
	size_t at, len; /* of the token */
	enum token token;
	unsigned level; /* of parentheses and nots around it */
	unsigned kids;
};

/* A part of the condition and how deep it is. */
struct part {
	const struct sigma_expr *expr;
	unsigned depth;
};

struct parts {
	struct part *part;
	unsigned n, cap;
};

/* --- tokens --- */

#define SPACE " \t\r\n"

static void read_token(struct condition *c)
{
	c->at += c->len;
	c->at += strspn(c->text + c->at, SPACE);
	c->len = 1;
	switch (c->text[c->at]) {
	case '\0':
		c->token = END;
		c->len = 0;
		break;
	case '(':
		c->token = OPEN;
		break;
	case ')':
		c->token = CLOSE;
		break;
	default:
		c->token = WORD;
		c->len = strcspn(c->text + c->at, SPACE "()");
	}
}

static bool is_word(const struct condition *c, size_t at, size_t len, const char *word)
{
	return strlen(word) == len && !strncasecmp(c->text + at, word, len);
}

static struct sigma_ident *find_ident(struct condition *c, const char *name, size_t len)
{
	for (unsigned i = 0; i < c->idents->n; i++) {
		struct sigma_ident *id = &c->idents->ident[i];
		if (!strncmp(id->name, name, len) && !id->name[len])
			return id;
	}
	return NULL;
}

/* In lower case it is the keyword; in other cases only if no identifier is called so. */
static bool is_keyword(struct condition *c, const char *word)
{
	if (c->token != WORD || !is_word(c, c->at, c->len, word))
		return false;
	return !strncmp(c->text + c->at, word, c->len) || !find_ident(c, c->text + c->at, c->len);
}

/* Does "of" follow the token? */
static bool before_of(const struct condition *c)
{
	size_t at = c->at + c->len;

	at += strspn(c->text + at, SPACE);
	return is_word(c, at, strcspn(c->text + at, SPACE "()"), "of");
}

/* Where in the file, if the text stands there as it is; else the message tells where in the text.
 */
static struct sigma_pos where(const struct condition *c, size_t at, char *ret_in, size_t size)
{
	struct sigma_pos pos = c->node->pos;

	*ret_in = '\0';
	if (c->node->text_col)
		pos.col = c->node->text_col + (unsigned)at;
	else
		snprintf(ret_in, size, " (character %zu of the condition)", at + 1);
	return pos;
}

static int wrong(struct condition *c, const char *what)
{
	char in[64];
	struct sigma_pos pos = where(c, c->at, in, sizeof(in));

	if (c->token == END)
		sigma_parser_error(c->p, pos, "the condition ends where %s is expected%s", what,
				   in);
	else
		sigma_parser_error(c->p, pos, "'%.*s' in the condition where %s is expected%s",
				   (int)(c->len < 64 ? c->len : 64), c->text + c->at, what, in);
	return -EINVAL;
}

/* --- expressions --- */

static int add_part(struct condition *c, struct parts *to, struct part part)
{
	if (to->n == to->cap) {
		unsigned cap = to->cap ? to->cap * 2 : 4;
		struct part *grown = arena_array(c->p->nodes, cap, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		if (to->n)
			memcpy(grown, to->part, to->n * sizeof(*grown));
		to->part = grown;
		to->cap = cap;
	}
	to->part[to->n++] = part;
	return 0;
}

static int join(struct condition *c, enum sigma_op op, const struct parts *from, struct part *ret)
{
	struct sigma_expr *e;
	unsigned depth = 0;

	if (from->n == 1 && op != SIGMA_not) {
		*ret = from->part[0];
		return 0;
	}
	e = arena_alloc(c->p->rules->arena, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->op = op;
	e->n = from->n;
	e->kid = arena_array(c->p->rules->arena, e->n, sizeof(const struct sigma_expr *));
	if (!e->kid)
		return -ENOMEM;
	for (unsigned i = 0; i < e->n; i++) {
		e->kid[i] = from->part[i].expr;
		if (from->part[i].depth > depth)
			depth = from->part[i].depth;
	}
	*ret = (struct part){ e, depth + 1 };
	return 0;
}

/* --- names and patterns --- */

/* '*' stands for any number of characters. */
static bool matches(const char *pattern, size_t n, const char *name)
{
	size_t i = 0, star = n;
	const char *from = name;

	while (*name) {
		if (i < n && pattern[i] == '*') {
			star = i++;
			from = name;
		} else if (i < n && pattern[i] == *name) {
			i++;
			name++;
		} else if (star < n) {
			i = star + 1;
			name = ++from;
		} else {
			return false;
		}
	}
	while (i < n && pattern[i] == '*')
		i++;
	return i == n;
}

static int unknown(struct condition *c)
{
	int shown = (int)(c->len < 64 ? c->len : 64);
	const char *name = c->text + c->at;
	const char **names = arena_array(c->p->nodes, c->idents->n, sizeof(*names));
	char in[64];
	struct sigma_pos pos = where(c, c->at, in, sizeof(in));

	const char *copy = arena_copy(c->p->nodes, name, c->len);
	if (!names || !copy)
		return -ENOMEM;
	for (unsigned i = 0; i < c->idents->n; i++)
		names[i] = c->idents->ident[i].name;
	const char *meant = sigma_nearest(copy, names, c->idents->n);
	if (memchr(name, '*', c->len))
		sigma_parser_error(c->p, pos,
				   "'%.*s' in the condition: patterns stand behind '1 of' or "
				   "'all of'%s",
				   shown, name, in);
	else if (meant)
		sigma_parser_error(c->p, pos,
				   "the condition names '%.*s', which is not defined: did you mean "
				   "'%s'?%s",
				   shown, name, meant, in);
	else
		sigma_parser_error(c->p, pos, "the condition names '%.*s', which is not defined%s",
				   shown, name, in);
	return -EINVAL;
}

static int parse_name(struct condition *c, struct part *ret)
{
	int rc = sigma_parser_work(c->p, c->node->pos, c->idents->n);
	if (rc)
		return rc;
	struct sigma_ident *id = find_ident(c, c->text + c->at, c->len);
	if (!id)
		return unknown(c);
	id->used = true;
	*ret = (struct part){ id->expr, id->depth };
	read_token(c);
	return 0;
}

/* The token is the quantifier, and "of" follows. */
static int parse_of(struct condition *c, struct part *ret)
{
	enum sigma_op op;
	struct parts parts = { 0 };

	if (is_word(c, c->at, c->len, "all"))
		op = SIGMA_and;
	else if (is_word(c, c->at, c->len, "1") || is_word(c, c->at, c->len, "any"))
		op = SIGMA_or;
	else
		return wrong(c, "1, any or all before 'of'");
	read_token(c);
	read_token(c);
	if (c->token != WORD)
		return wrong(c, "'them' or a pattern of search identifiers");

	const char *pattern = c->text + c->at;
	size_t len = c->len;
	int rc = sigma_parser_work(c->p, c->node->pos, c->idents->n * (len + 1));
	if (rc)
		return rc;
	bool hidden = *pattern == '_';
	if (is_keyword(c, "them")) {
		pattern = "*";
		len = 1;
	}
	for (unsigned i = 0; !rc && i < c->idents->n; i++) {
		struct sigma_ident *id = &c->idents->ident[i];
		if ((*id->name == '_' && !hidden) || !matches(pattern, len, id->name))
			continue;
		id->used = true;
		rc = add_part(c, &parts, (struct part){ id->expr, id->depth });
	}
	c->kids += parts.n;
	if (!rc && c->kids > KIDS_MAX) {
		sigma_parser_error(c->p, c->node->pos,
				   "the patterns of the condition stand for more than %d search "
				   "identifiers",
				   KIDS_MAX);
		return -EINVAL;
	}
	if (!rc && !parts.n)
		return wrong(c, "a pattern that a search identifier fits");
	read_token(c);
	return rc ? rc : join(c, op, &parts, ret);
}

/* --- grammar --- */

static int parse_or(struct condition *c, struct part *ret);

static int parse_operand(struct condition *c, struct part *ret)
{
	if (c->token == OPEN) {
		read_token(c);
		int rc = parse_or(c, ret);
		if (rc)
			return rc;
		if (c->token != CLOSE)
			return wrong(c, "'and', 'or' or ')'");
		read_token(c);
		return 0;
	}
	if (c->token != WORD)
		return wrong(c, "a search identifier");
	if (before_of(c) && !is_keyword(c, "and") && !is_keyword(c, "or"))
		return parse_of(c, ret);
	if (is_keyword(c, "and") || is_keyword(c, "or"))
		return wrong(c, "a search identifier");
	return parse_name(c, ret);
}

static int parse_not(struct condition *c, struct part *ret)
{
	struct parts parts = { 0 };
	bool is_not = is_keyword(c, "not");
	int rc;

	if (c->level == SIGMA_DEPTH_MAX)
		return wrong(c, "less nesting");
	c->level++;
	if (is_not) {
		read_token(c);
		rc = parse_not(c, ret);
		if (!rc)
			rc = add_part(c, &parts, *ret);
		if (!rc)
			rc = join(c, SIGMA_not, &parts, ret);
	} else {
		rc = parse_operand(c, ret);
	}
	c->level--;
	return rc;
}

static int parse_and(struct condition *c, struct part *ret)
{
	struct parts parts = { 0 };
	int rc;

	for (;;) {
		rc = parse_not(c, ret);
		if (!rc)
			rc = add_part(c, &parts, *ret);
		if (rc)
			return rc;
		if (!is_keyword(c, "and"))
			return join(c, SIGMA_and, &parts, ret);
		read_token(c);
	}
}

static int parse_or(struct condition *c, struct part *ret)
{
	struct parts parts = { 0 };
	int rc;

	for (;;) {
		rc = parse_and(c, ret);
		if (!rc)
			rc = add_part(c, &parts, *ret);
		if (rc)
			return rc;
		if (!is_keyword(c, "or"))
			return join(c, SIGMA_or, &parts, ret);
		read_token(c);
	}
}

static int check_text(struct sigma_parser *p, const struct sigma_node *node)
{
	const char *pipe;

	if (node->kind != SIGMA_SCALAR || node->scalar.type == SIGMA_null || !node->scalar.len) {
		sigma_parser_error(p, node->pos, "a condition must be a text");
		return -EINVAL;
	}
	if (node->scalar.len > SIGMA_CONDITION_MAX ||
	    strlen(node->scalar.text) < node->scalar.len) {
		sigma_parser_error(p, node->pos, "a condition of more than %d characters",
				   SIGMA_CONDITION_MAX);
		return -EINVAL;
	}
	pipe = strchr(node->scalar.text, '|');
	if (pipe) {
		struct sigma_pos pos = node->pos;
		if (node->text_col)
			pos.col = node->text_col + (unsigned)(pipe - node->scalar.text);
		sigma_parser_error(p, pos,
				   "aggregations by | are not supported any more: write a "
				   "correlation (type event_count or value_count)");
		return -EINVAL;
	}
	return 0;
}

static int parse_one(struct sigma_parser *p, const struct sigma_node *node,
		     struct sigma_idents *idents, struct condition *c, struct parts *to)
{
	struct part part;

	int rc = check_text(p, node);
	if (rc)
		return rc;
	*c = (struct condition){
		.p = p, .idents = idents, .node = node, .text = node->scalar.text
	};
	read_token(c);
	rc = parse_or(c, &part);
	if (!rc && c->token != END)
		rc = wrong(c, "'and', 'or' or the end");
	return rc ? rc : add_part(c, to, part);
}

int sigma_parse_condition(struct sigma_parser *p, const struct sigma_node *node,
			  struct sigma_idents *idents, const struct sigma_expr **ret)
{
	unsigned n = node->kind == SIGMA_LIST ? node->n : 1;
	struct parts parts = { 0 };
	struct condition c;
	struct part whole;
	int rc = 0;

	if (!n) {
		sigma_parser_error(p, node->pos, "an empty list of conditions");
		return -EINVAL;
	}
	for (unsigned i = 0; !rc && i < n; i++)
		rc = parse_one(p, node->kind == SIGMA_LIST ? node->item[i] : node, idents, &c,
			       &parts);
	if (!rc)
		rc = join(&c, SIGMA_or, &parts, &whole);
	if (rc)
		return rc;
	/* Two more are for the filters that are put around it. */
	if (whole.depth > SIGMA_DEPTH_MAX - 2) {
		sigma_parser_error(p, node->pos, "an expression of more than %d levels",
				   SIGMA_DEPTH_MAX - 2);
		return -EINVAL;
	}
	*ret = whole.expr;
	return 0;
}

int sigma_condition_names(struct sigma_parser *p, const struct sigma_node *node,
			  struct sigma_strings *ret)
{
	struct sigma_idents none = { 0 };
	struct condition c = { .p = p, .idents = &none, .node = node };

	int rc = check_text(p, node);
	if (rc)
		return rc;
	c.text = node->scalar.text;
	*ret = (struct sigma_strings){ 0 };
	/* A name and what parts it from the next are two characters at least. */
	ret->s = arena_array(p->nodes, node->scalar.len / 2 + 1, sizeof(*ret->s));
	if (!ret->s)
		return -ENOMEM;
	for (read_token(&c); c.token != END; read_token(&c)) {
		unsigned i = 0;
		if (c.token != WORD || is_keyword(&c, "and") || is_keyword(&c, "or") ||
		    is_keyword(&c, "not"))
			continue;
		rc = sigma_parser_work(p, node->pos, ret->n);
		if (rc)
			return rc;
		while (i < ret->n && (strncmp(ret->s[i], c.text + c.at, c.len) || ret->s[i][c.len]))
			i++;
		if (i < ret->n)
			continue;
		ret->s[ret->n] = arena_copy(p->nodes, c.text + c.at, c.len);
		if (!ret->s[ret->n++])
			return -ENOMEM;
	}
	return 0;
}
