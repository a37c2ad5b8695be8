/* SPDX-License-Identifier: Apache-2.0 */
/* docs/rule-fields.md: the taxonomy as a page. Written by `make docs`; here it is only compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "detect/sigma_feeds.h"
#include "page.h"

#define PAGE "docs/rule-fields.md"

static void put_feeds(struct buf *b, const struct sigma_feed *f)
{
	for (; f && f->name; f++) {
		buf_printf(b, "| `%s` | ", f->name);
		if (f->flags & SIGMA_FEED_constant)
			buf_printf(b, "always `%s`", f->from);
		else if (f->from)
			buf_printf(b, "`%s`", f->from);
		buf_printf(b, " | %s%s |\n", f->doc, f->flags & SIGMA_FEED_keyword ? " (k)" : "");
	}
}

static void put_head(struct buf *b)
{
	buf_puts(b, "\n| field | ours | |\n|---|---|---|\n");
}

static void put_logsource(struct buf *b, const struct sigma_logsource *ls)
{
	buf_printf(b, "`product: %s`", ls->product);
	if (ls->category)
		buf_printf(b, ", `category: %s`", ls->category);
	if (ls->service)
		buf_printf(b, ", `service: %s`", ls->service);
}

static void page(struct buf *b)
{
	const struct sigma_feed *more = NULL;

	buf_puts(b, "# Fields that rules can use\n"
		    "Made from `user/detect/sigma_taxonomy.c` by `make docs`; edit that. How rules "
		    "are written and judged is told in [rules.md](rules.md).\n\n"
		    "A name that stands twice has several values: a test holds if it holds for one "
		    "of them. Keywords are looked for in the fields marked (k). Besides these, "
		    "every field of the event under its own name ([events.md](events.md)) can be "
		    "used.\n");
	for (unsigned i = 0; i < sigma_nsources; i++) {
		const struct sigma_source *s = &sigma_sources[i];
		buf_puts(b, "\n# ");
		put_logsource(b, &s->logsource);
		buf_printf(b, ": %s\n", s->doc);
		buf_printf(b,
			   s->fits ? "One record for each such event `%s`.\n"
				   : "One record for each event `%s`.\n",
			   ev_desc(s->event)->key);
		put_head(b);
		put_feeds(b, s->feed);
		if (s->more && s->more != more) {
			more = s->more;
			put_feeds(b, s->more);
		} else if (s->more) {
			buf_puts(b, "\nAnd the last rows of the table before.\n");
		}
	}
	buf_puts(b, "\n# In all of them, by pattern\n");
	put_head(b);
	put_feeds(b, sigma_patterns);
}

static void page_is_current(void **state)
{
	(void)state;
	page_compare(PAGE, page);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_is_current),
	};

	if (page_printed(argc, argv, page))
		return 0;
	return cmocka_run_group_tests_name("rule_fields_md", tests, NULL, NULL);
}
