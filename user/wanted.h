/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which events and facts somebody asks for: what nobody wants is not loaded into the kernel. Each
 * function adds what one kind of reader wants.
 */
#ifndef REDSHANK_WANTED_H
#define REDSHANK_WANTED_H

#include <stdint.h>

#include "sink/filter.h"

struct wanted {
	uint64_t events; /* bit per enum ev_type */
	uint32_t facts; /* bit per enum fact */
};

/* What every sensor needs: the process table, which gives events their process. */
void wanted_by_enrichment(struct wanted *w);

/* What the detectors look at. */
void wanted_by_detection(struct wanted *w);

/* What rules look at: events of these types (bit per enum ev_type), with all their facts. */
void wanted_by_rules(struct wanted *w, uint64_t types);

/* What an event sink with this filter shows; NULL: it takes everything. */
void wanted_by_sink(struct wanted *w, const struct filter *f);

/* What the events that are made of others are made of; after all that want events. */
void wanted_by_fusion(struct wanted *w);

#endif
