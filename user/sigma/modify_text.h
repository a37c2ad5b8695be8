/* SPDX-License-Identifier: Apache-2.0 */
/* Modifiers that make other texts, or several, of one: expand, windash, encodings. */
#ifndef REDSHANK_SIGMA_MODIFY_TEXT_H
#define REDSHANK_SIGMA_MODIFY_TEXT_H

#include "sigma/modify.h"

/* Replaces %name% by its values; each makes a text of its own. In a regular expression they stand
 * for themselves. -EINVAL naming one that is not defined. */
int modify_expand(struct modified *m, const struct sigma_compile_options *o, struct err *e);
/* windash, base64, base64offset, wide, utf16, utf16le, utf16be. */
int modify_encode(struct modified *m, enum sigma_modifier mod, struct err *e);

#endif
