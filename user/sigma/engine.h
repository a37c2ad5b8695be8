/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules at work: a compiled set, a view per logsource, the correlations on top. What has events
 * makes records of them and hands them in; what comes back are the rules that alert.
 */
#ifndef REDSHANK_SIGMA_ENGINE_H
#define REDSHANK_SIGMA_ENGINE_H

#include "sigma/compile.h"
#include "sigma/correlate.h"
#include "sigma/view.h"

#define SIGMA_VIEWS_MAX 256 /* different logsources that one engine serves */

struct sigma_engine;

struct sigma_engine_options {
	struct sigma_compile_options compile;
	struct sigma_correlator_options correlator;
};

/*
 * Links and compiles the rules and takes them over (also on error). Broken rules are left out:
 * their problems stay readable in sigma_engine_rules(). o may be NULL. 0 or -ENOMEM.
 */
int sigma_engine_new(struct sigma_rules *r, const struct sigma_engine_options *o,
		     struct sigma_engine **ret, struct err *e);
void sigma_engine_free(struct sigma_engine *g);
const struct sigma_rules *sigma_engine_rules(const struct sigma_engine *g);

/* The view for a logsource (NULL: all rules), made at the first call. NULL: -ENOMEM, too many. */
struct sigma_view *sigma_engine_view(struct sigma_engine *g, const struct sigma_logsource *ls);

/* A rule that alerts: correlated is NULL for a plain rule. Borrowed. */
struct sigma_alert {
	const struct sigma_rule *rule;
	bool uncertain;
	const struct sigma_correlated *correlated;
};
typedef void sigma_alert_fn(void *ctx, const struct sigma_alert *a);

/*
 * Evaluates the record in the view, feeds the correlations, and calls fn for each rule that alerts:
 * plain ones in the order of loading, then correlations; silent rules not. Returns how many.
 */
unsigned sigma_engine_judge(struct sigma_engine *g, struct sigma_view *v,
			    const struct sigma_record *rec, sigma_alert_fn *fn, void *ctx);

struct sigma_correlator *sigma_engine_correlator(struct sigma_engine *g);

#endif
