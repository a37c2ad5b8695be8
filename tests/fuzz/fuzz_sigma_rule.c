/* SPDX-License-Identifier: Apache-2.0 */
/* A file of rules, of whatever bytes: what is taken of it can be walked, linked and told about. */
#include "sigma_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sigma_pos pos = { .file = "map", .line = 1, .col = 1 };
	char *text = fuzz_copy(data, size);
	struct sigma_rules *r;

	must(!sigma_rules_new(&r));
	must(!sigma_parse(r, "fuzz.yml", text, size));
	must(r->n || r->problems.n || !size || memchr(text, ':', size));
	must(!sigma_link(r));
	walk_rules(r);

	unsigned errors = r->problems.errors, steps = 100000;
	const struct sigma_expr *e = sigma_parse_map(r, pos, text, size);
	must(!e == (r->problems.errors > errors));
	if (e)
		walk_expr(e, 1, 0, &steps);
	sigma_rules_free(r);
	free(text);
	return 0;
}
