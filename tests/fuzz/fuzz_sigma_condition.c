/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as the condition of a rule and of a correlation: it is taken, or there is an error. */
#include "base/buf.h"
#include "sigma_walk.h"

#define HEAD                                                                     \
	"title: t\nlogsource: {product: p}\ndetection:\n  a: [x]\n  b: {f: y}\n" \
	"  sel_1: [1]\n  sel_2: [2]\n  _h: [h]\n  condition: "
#define CORRELATION                                                         \
	"\n---\ntitle: c\ncorrelation:\n  type: temporal\n  timespan: 1m\n" \
	"  condition: "

/* In double quotes, so that each byte arrives. */
static void quote(struct buf *b, const uint8_t *p, size_t n)
{
	buf_putc(b, '"');
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "\\x%02x", p[i]);
	buf_putc(b, '"');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct buf b;
	struct sigma_rules *r;

	if (size > 20000)
		return 0;
	buf_reset(&b);
	buf_puts(&b, HEAD);
	quote(&b, data, size);
	buf_puts(&b, CORRELATION);
	quote(&b, data, size);
	buf_putc(&b, '\n');
	must(!b.failed && !sigma_rules_new(&r));
	must(!sigma_parse(r, "fuzz.yml", b.data, b.len));
	must(r->n + r->problems.errors >= 2);
	must(arena_used(r->arena) < (1 << 20) + 4000 * size);
	must(!sigma_link(r));
	walk_rules(r);
	sigma_rules_free(r);
	return 0;
}
