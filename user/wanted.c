/* SPDX-License-Identifier: Apache-2.0 */
/* Which events and facts somebody asks for. */
#include "wanted.h"

#include "abi/knobs.h"
#include "detect/detector.h"

void wanted_by_enrichment(struct wanted *w)
{
	w->events |= 1ULL << EV_fork | 1ULL << EV_exec | 1ULL << EV_exit | 1ULL << EV_proc;
}

void wanted_by_detection(struct wanted *w)
{
	for (const struct detector *const *d = detectors; *d; d++) {
		for (const enum ev_type *type = (*d)->wants; *type != EV_none; type++)
			w->events |= 1ULL << *type;
		w->facts |= (*d)->facts;
	}
}

/* The facts that records of these events have. */
static uint32_t facts_of(uint64_t events)
{
	uint32_t facts = 0;
#define FACT(id_, name_, event_, without_) \
	if (events >> EV_##event_ & 1)     \
		facts |= 1U << FACT_##name_;
#include "abi/facts.def"
#undef FACT
	return facts;
}

void wanted_by_rules(struct wanted *w, uint64_t types)
{
	w->events |= types;
	w->facts |= facts_of(types);
}

void wanted_by_sink(struct wanted *w, const struct filter *f)
{
	uint64_t types = f ? filter_types(f) : UINT64_MAX;

	w->events |= types;
	w->facts |= facts_of(types);
}

void wanted_by_fusion(struct wanted *w)
{
	if (w->events >> EV_auth & 1)
		wanted_by_rules(w, 1ULL << EV_auth_text | 1ULL << EV_pam);
	if (w->events >> EV_pam & 1)
		w->facts |= 1U << FACT_map_mmap; /* tells which libpam there are */
}
