/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the name at the smallest edit distance, if that is small. */
#include <string.h>

#include "sigma/parser.h"

#define LEN_MAX 40

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours that make b of a. */
static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned row[3][LEN_MAX + 1], *before = row[0], *last = row[1], *now = row[2];

	for (unsigned j = 0; j <= nb; j++)
		last[j] = j;
	for (unsigned i = 1; i <= na; i++) {
		now[0] = i;
		for (unsigned j = 1; j <= nb; j++) {
			now[j] = least(least(last[j], now[j - 1]) + 1,
				       last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
		unsigned *spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[nb];
}

const char *sigma_nearest(const char *name, const char *const *names, unsigned n)
{
	size_t len = strlen(name);
	unsigned best = len < 4 ? 2 : 3; /* one more than is allowed */
	const char *found = NULL;

	if (len > LEN_MAX)
		return NULL;
	for (unsigned i = 0; i < n; i++) {
		size_t other = strlen(names[i]);
		if (other > LEN_MAX || other < 2 || other + 2 < len || len + 2 < other)
			continue;
		unsigned d = distance(name, len, names[i], other);
		if (d < best && d < len) {
			best = d;
			found = names[i];
		}
	}
	return found;
}
