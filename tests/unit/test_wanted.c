/* SPDX-License-Identifier: Apache-2.0 */
/* Which events and facts are wanted by whom, and what coverage says of those that are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "coverage.h"
#include "detect/detector.h"
#include "heartbeats.h"
#include "wanted.h"

#define BIT(key_)   (1ULL << EV_##key_)
#define TREE_EVENTS (BIT(fork) | BIT(exec) | BIT(exit) | BIT(proc))

static void the_process_table(void **state)
{
	(void)state;
	struct wanted w = { 0 };
	wanted_by_enrichment(&w);
	assert_int_equal(w.events, TREE_EVENTS);
	assert_int_equal(w.facts, 0);
}

static void detection(void **state)
{
	(void)state;
	struct wanted w = { 0 };
	wanted_by_detection(&w);
	for (const struct detector *const *d = detectors; *d; d++) {
		for (const enum ev_type *t = (*d)->wants; *t != EV_none; t++)
			assert_true(w.events >> *t & 1);
		assert_int_equal(w.facts & (*d)->facts, (*d)->facts);
	}
	assert_true(w.facts >> FACT_script & 1);
	assert_int_equal(w.events >> EV_none & 1, 0);
}

static void sinks(void **state)
{
	(void)state;
	struct filter f = { 0 };
	struct wanted all = { 0 }, shown = { 0 }, none = { 0 }, some = { 0 };

	wanted_by_sink(&all, NULL);
	assert_int_equal(all.events, UINT64_MAX);
	uint32_t every = 0;
#define FACT(id_, name_, ...) every |= 1U << FACT_##name_;
#include "abi/facts.def"
#undef FACT
	assert_int_equal(all.facts, every);

	wanted_by_sink(&shown, &f);
	assert_int_equal(shown.events & BIT(rename), BIT(rename));
	assert_int_equal(shown.events & BIT(proc), 0); /* not shown unasked */

	f.alerts_only = true;
	wanted_by_sink(&none, &f);
	assert_int_equal(none.events & ~BIT(gap), 0);
	assert_int_equal(none.facts, 0);

	f.alerts_only = false;
	assert_int_equal(filter_add_types(&f, "rename", NULL), 0);
	wanted_by_sink(&some, &f);
	assert_int_equal(some.events & ~BIT(gap), BIT(rename));
	assert_int_equal(some.facts, 0); /* those are of exec */
	assert_int_equal(filter_add_types(&f, "exec", NULL), 0);
	wanted_by_sink(&some, &f);
	assert_int_equal(some.events & ~BIT(gap), BIT(rename) | BIT(exec));
	assert_int_equal(some.facts, 1U << FACT_script | 1U << FACT_written);
}

/* A rule may use any field of its events. */
static void rules(void **state)
{
	(void)state;
	struct wanted w = { 0 };
	wanted_by_rules(&w, BIT(rename));
	assert_int_equal(w.events, BIT(rename));
	assert_int_equal(w.facts, 0);
	wanted_by_rules(&w, BIT(exec));
	assert_int_equal(w.events, BIT(rename) | BIT(exec));
	assert_int_equal(w.facts, 1U << FACT_script | 1U << FACT_written);
}

static void hooks(void **state)
{
	(void)state;
	const struct bpf_config c = { .events = BIT(fork), .facts = 1U << FACT_script },
				nothing = { 0 };
	struct hook fork = { .event = EV_fork }, exec = { .event = EV_exec },
		    rename = { .event = EV_rename }, script = { .fact = FACT_script };

	assert_true(hook_wanted(&fork, &c));
	assert_true(hook_wanted(&script, &c));
	assert_false(hook_wanted(&rename, &c));
	assert_false(hook_wanted(&script, &nothing));
	assert_true(hook_wanted(&exec, &nothing)); /* there is no sensor without */
	rename.named = true;
	assert_true(hook_wanted(&rename, &nothing));
}

static const unsigned nhooks = sizeof(heartbeat_hooks) / sizeof(heartbeat_hooks[0]);

/* "Not wanted" is not "can't". */
static void told_apart(void **state)
{
	(void)state;
	struct buf b = { 0 };

	coverage_json(&b, heartbeat_hooks, nhooks);
	json_t *j = json_loadb(b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(json_array_size(j), nhooks);
	json_t *script = json_array_get(j, 1), *rename = json_array_get(j, 2);
	assert_string_equal(json_string_value(json_object_get(script, "fact")), "script");
	assert_true(json_is_true(json_object_get(script, "wanted")));
	assert_true(json_is_false(json_object_get(script, "covered")));
	assert_string_equal(json_string_value(json_object_get(script, "why")), "refused");
	assert_string_equal(json_string_value(json_object_get(rename, "event")), "rename");
	assert_true(json_is_false(json_object_get(rename, "wanted")));
	assert_null(json_object_get(rename, "cannot_see"));
	json_decref(j);
	buf_reset(&b);
	coverage_text(&b, heartbeat_hooks, nhooks);
	assert_non_null(strstr(buf_str(&b), "rename   not loaded"));
	assert_null(strstr(buf_str(&b), "NOT SEEN"));
	buf_free(&b);
}

/* Who asks for an event that does not come is told; of the others and of facts, nothing. */
static void missing(void **state)
{
	(void)state;
	struct buf b = { 0 };

	coverage_missing(&b, heartbeat_hooks, nhooks, BIT(exec) | BIT(proc));
	assert_string_equal(buf_str(&b), "");
	coverage_missing(&b, heartbeat_hooks, nhooks, BIT(exec) | BIT(rename));
	assert_non_null(strstr(buf_str(&b), "rename events do not come"));
	assert_null(strchr(buf_str(&b), '\n'));
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_process_table),
		cmocka_unit_test(detection),
		cmocka_unit_test(sinks),
		cmocka_unit_test(hooks),
		cmocka_unit_test(rules),
		cmocka_unit_test(told_apart),
		cmocka_unit_test(missing),
	};
	return cmocka_run_group_tests_name("wanted", tests, NULL, NULL);
}
