/* SPDX-License-Identifier: Apache-2.0 */
/* What the encoding modifiers do to text (spec, appendix sigma-modifiers, "Encoding"). */
#ifndef REDSHANK_SIGMA_ENCODE_H
#define REDSHANK_SIGMA_ENCODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

void encode_base64(struct buf *out, const char *p, size_t n);
/*
 * The part of the Base64 of any text with these bytes at offset shift (0 to 2), modulo 3, that does
 * not depend on what stands around them. Empty for one byte at shift 1.
 */
void encode_base64_offset(struct buf *out, const char *p, size_t n, unsigned shift);
/* UTF-8 to UTF-16; a byte that is not UTF-8 becomes U+FFFD. */
void encode_utf16(struct buf *out, const char *p, size_t n, bool big_endian);

#endif
