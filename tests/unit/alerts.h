/* SPDX-License-Identifier: Apache-2.0 */
/* An alert in memory for tests, around an exec record of records.h. */
#ifndef REDSHANK_TESTS_ALERTS_H
#define REDSHANK_TESTS_ALERTS_H

#include <stdio.h>

#include "detect/alert.h"
#include "records.h"

static const struct technique test_techniques[] = {
	{ "T1620", "Reflective Code Loading", "Defense Evasion" },
	{ 0 },
};

static const struct rule_info test_rule = {
	.id = "test.rule",
	.name = "Test rule",
	.doc = "It means nothing. Look at the test that raised it.",
	.false_positives = "Every one.",
	.techniques = test_techniques,
};

/* Zero it, then fill what matters; alert points to the rest. */
struct test_alert {
	struct alert alert;
	struct verdict verdict;
	struct event event;
	struct ev_exec *rec;
};

static inline void test_alert_init(struct test_alert *t)
{
	memset(t, 0, sizeof(*t));
	t->rec = REC_NEW(exec);
	REC_STR(exec, t->rec, exe, "/memfd:x (deleted)");
	REC_LIST(exec, t->rec, args, "./x", "-a", "two words");
	t->rec->exe_origin = EXE_ORIGIN_memfd;
	t->event = rec_event(t->rec);
	t->verdict.severity = SEVERITY_high;
	snprintf(t->verdict.message, sizeof(t->verdict.message), "x was run from memory");
	t->alert.rule = &test_rule;
	t->alert.verdict = &t->verdict;
	t->alert.event = &t->event;
}

/* The n-th alert of a series: its number is in its id, sequence and time (n seconds). */
static inline const struct alert *test_alert_number(struct test_alert *t, unsigned n)
{
	t->alert.seq = n;
	t->alert.time = n * 1000000000ull;
	snprintf(t->alert.id, sizeof(t->alert.id), "%08x-0000-8000-8000-000000000000", n);
	return &t->alert;
}

static inline void test_alert_free(struct test_alert *t)
{
	rec_free(t->rec);
}

#endif
