/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strings of rules: text with wildcards (spec, "String Wildcard", "Escape Character") as a row
 * of elements, which modifiers change one after the other.
 */
#ifndef REDSHANK_SIGMA_PATTERN_H
#define REDSHANK_SIGMA_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* An element below 256 is that byte. */
enum {
	PATTERN_ANY = 256, /* *: any text, also none */
	PATTERN_ONE, /* ?: one character */
	PATTERN_DASH, /* windash: - / en dash, em dash, horizontal bar */
};

struct pattern {
	uint16_t *e;
	size_t n, cap;
	bool failed; /* memory was out; sticky */
};

void pattern_free(struct pattern *p);
void pattern_put(struct pattern *p, uint16_t e);
void pattern_append(struct pattern *p, const uint16_t *e, size_t n);
/* Text as in a rule: \* \? \\ are escapes, * and ? wildcards. */
void pattern_parse(struct pattern *p, const char *text, size_t len);
/* Bytes as they are. */
void pattern_bytes(struct pattern *p, const char *text, size_t len);
/* A * in front of it, behind it, unless there is one. */
void pattern_open_head(struct pattern *p);
void pattern_open_tail(struct pattern *p);
/* Dashes that begin a parameter: behind no letter or digit, before one. */
void pattern_windash(struct pattern *p);
/* Literal runs folded, rows of * made one. */
void pattern_normalize(struct pattern *p, bool fold);
bool pattern_has(const struct pattern *p, uint16_t e);
bool pattern_has_wildcard(const struct pattern *p);
/* The bytes of one without other elements. */
void pattern_text(const struct pattern *p, struct buf *out);

/*
 * The next %name% at or behind *pos: *pos is then where it begins, *ret_end is behind it, and name
 * has its bytes. \% is a plain per cent sign.
 */
bool pattern_placeholder(const struct pattern *p, size_t *pos, size_t *ret_end, struct buf *name);
/* \% made %, when all placeholders are replaced. */
void pattern_unescape_percent(struct pattern *p);

#endif
