/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One-line errors: a function that can fail for a reason worth telling takes a struct err * and
 * fills it with what happened, where, and what to do. The caller decides whether to print it.
 */
#ifndef REDSHANK_BASE_ERR_H
#define REDSHANK_BASE_ERR_H

#include <stdarg.h>

struct err {
	char text[512]; /* one line, no newline, no trailing full stop */
};

/* Formats the text (when e is not NULL) and returns code unchanged, so: return err_set(e, -EIO, …).
 */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "what: " before the text. Returns code unchanged. */
int err_prefix(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
