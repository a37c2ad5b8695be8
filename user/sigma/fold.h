/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Case folding of text that may be hostile: Unicode full case folding (Unicode standard, 3.13,
 * D144: "Straße" and "STRASSE" are one), bytes that are not UTF-8 stay as they are.
 */
#ifndef REDSHANK_SIGMA_FOLD_H
#define REDSHANK_SIGMA_FOLD_H

#include <stddef.h>
#include <stdint.h>

#define FOLD_PAD 8 /* zero bytes behind each text, so that words can be read at its end */

/* One character that became several: a wildcard for one character takes all of them. */
struct fold_span {
	uint32_t off, len; /* in the buffer */
};

/* Folded texts one after the other; reused, so that it stops growing. */
struct fold {
	char *s;
	size_t len, cap;
	struct fold_span *span;
	size_t nspans, spans_cap;
};

static inline void fold_reset(struct fold *f)
{
	f->len = 0;
	f->nspans = 0;
}

/* Appends n bytes, folded. *ret_off, *ret_len: where it is in f->s. 0 or -ENOMEM, -E2BIG. */
int fold_add(struct fold *f, const char *p, size_t n, size_t *ret_off, size_t *ret_len);
void fold_free(struct fold *f);

/* Bytes that one character at off of the buffer takes: a whole span, one code point, or one byte
 * that is not UTF-8. end > off: where the text ends. */
size_t fold_char(const struct fold *f, size_t off, size_t end);

#endif
