/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of rules and events. long double holds every int64_t and every double exactly. */
#ifndef REDSHANK_SIGMA_NUMBER_H
#define REDSHANK_SIGMA_NUMBER_H

#include "sigma/rule.h"

#define NUMBER_TEXT_MAX 64 /* with NUL; longer texts are not numbers */

/* The value of an int, a float, or text that is a decimal number as a whole. */
bool number_of(const struct sigma_scalar *s, long double *ret);
/* One spelling per value: 5 and 5.0 have the same. false: not an int or a finite float. */
bool number_canonical(const struct sigma_scalar *s, char ret[NUMBER_TEXT_MAX], size_t *ret_len);
bool number_compare(enum sigma_compare op, long double a, long double b);

#endif
