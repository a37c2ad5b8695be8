/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer that is reused from record to record: after the first few records it does
 * not allocate. An allocation failure is sticky: further writes do nothing and buf_error() is set.
 */
#ifndef REDSHANK_BASE_BUF_H
#define REDSHANK_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data; /* not NUL-terminated; see buf_str() */
	size_t len, cap;
	bool failed;
};

static inline void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
}

void buf_free(struct buf *b);

/* Makes room for n more bytes and returns where they go, or NULL. Does not change len. */
char *buf_reserve(struct buf *b, size_t n);
void buf_put(struct buf *b, const void *p, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_u64(struct buf *b, uint64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The contents as a C string (a NUL is kept behind them); "" after a failure. */
const char *buf_str(struct buf *b);

#endif
