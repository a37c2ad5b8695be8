/* SPDX-License-Identifier: Apache-2.0 */
/* docs/detectors.md: what each detector means and when it is wrong; that none lacks it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "detect/detector.h"
#include "detect/sigma_source.h"
#include "page.h"

#define PAGE  "docs/detectors.md"
#define SHORT 60 /* bytes: less is no story */

static void page(struct buf *b)
{
	buf_puts(
		b,
		"# Detectors\n"
		"Made from `user/detect/d_*.c` by `make docs`; edit those. What they judge and how "
		"is told in [fileless.md](fileless.md), [scan.md](scan.md) and "
		"[authentication.md](authentication.md), how to except what is known to be "
		"harmless in [exceptions.md](exceptions.md). Rules have the same in "
		"their files: `redshank rules explain RULE`.\n");
	for (const struct detector *const *d = detectors; *d; d++) {
		const struct rule_info *i = &(*d)->info;
		buf_printf(b, "\n## %s\n`%s`", i->name, i->id);
		for (const struct technique *t = i->techniques; t->id; t++)
			buf_printf(b, ", %s %s", t->id, t->name);
		buf_puts(b, ". Judges");
		for (const enum ev_type *w = (*d)->wants; *w != EV_none; w++)
			buf_printf(b, "%s `%s`", w == (*d)->wants ? "" : ",", ev_desc(*w)->key);
		buf_printf(b, ".\n\n%s\n\n**When it is wrong.** %s\n", i->doc, i->false_positives);
	}
}

static void page_is_current(void **state)
{
	(void)state;
	page_compare(PAGE, page);
}

static void each_says_when_it_is_wrong(void **state)
{
	(void)state;
	for (const struct detector *const *d = detectors; *d; d++) {
		const struct rule_info *i = &(*d)->info;
		if (!i->doc || strlen(i->doc) < SHORT || !i->false_positives ||
		    strlen(i->false_positives) < SHORT || !i->techniques || !i->techniques[0].id)
			fail_msg("%s", i->id);
		assert_int_equal(strncmp(i->id, DETECTOR_PREFIX, strlen(DETECTOR_PREFIX)), 0);
	}
}

static bool is_judged(enum ev_type type)
{
	for (unsigned i = 0; i < sigma_njudged; i++)
		if (sigma_judged[i].event == type)
			return true;
	return false;
}

/* Filters can name what any structure of the events is that a detector alerts on. */
static void each_can_be_excepted(void **state)
{
	static const char *const fields[] = { "Image", "sha256",      "ContainerImage",
					      "User",  "ParentImage", "AncestorImage" };
	struct sigma_feeder f;
	(void)state;
	assert_true(sigma_njudged <= SIGMA_JUDGED_MAX);
	for (const struct detector *const *d = detectors; *d; d++)
		for (const enum ev_type *w = (*d)->wants; *w != EV_none; w++)
			if (!is_judged(*w))
				fail_msg("%s: filters can't see %s", (*d)->info.id,
					 ev_desc(*w)->key);
	for (unsigned i = 0; i < sigma_nsources + sigma_njudged; i++) {
		const struct sigma_source *s =
			i < sigma_nsources ? &sigma_sources[i] : &sigma_judged[i - sigma_nsources];
		if (s->logsource.service) /* audit records have names of their own */
			continue;
		for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++)
			if (!sigma_feeder_find(s, fields[k], &f))
				fail_msg("%s has no %s", s->doc, fields[k]);
	}
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_is_current),
		cmocka_unit_test(each_says_when_it_is_wrong),
		cmocka_unit_test(each_can_be_excepted),
	};

	if (page_printed(argc, argv, page))
		return 0;
	return cmocka_run_group_tests_name("detectors", tests, NULL, NULL);
}
