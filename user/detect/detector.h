/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A detector is C code that judges events where a rule can't. It declares which events it wants
 * and answers with a verdict; the engine makes the alert. Detectors never see sinks.
 */
#ifndef REDSHANK_DETECT_DETECTOR_H
#define REDSHANK_DETECT_DETECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "detect/rule_info.h"
#include "schema/event.h"

#define EVIDENCE_MAX   16
#define EVIDENCE_VALUE 512
#define MESSAGE_MAX    1024

struct evidence {
	const char *key; /* field name, static */
	char value[EVIDENCE_VALUE];
};

/* What a detector found. Zeroed before each call; severity SEVERITY_none means nothing. */
struct verdict {
	enum severity severity;
	char message[MESSAGE_MAX]; /* one sentence: what happened, for the analyst. Bytes of any
				      kind. */
	unsigned nevidence;
	struct evidence evidence[EVIDENCE_MAX];
};

void verdict_message(struct verdict *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Adds a fact; beyond EVIDENCE_MAX it is dropped. */
void verdict_evidence(struct verdict *v, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Adds those of the event's fields that it has; keys are static. */
void verdict_fields(struct verdict *v, const struct event *ev, const char *const *keys, unsigned n);

struct detector {
	struct rule_info info;
	const enum ev_type *wants; /* ended by EV_none */
	uint32_t facts; /* bit per enum fact (abi/knobs.h) that it looks at */
	int (*init)(void **ret_state); /* may be NULL: no state */
	/* ret is zeroed. 0, or negative errno for an error of the detector's own. */
	int (*on_event)(void *state, const struct event *ev, struct verdict *ret);
	void (*free)(void *state); /* may be NULL */
	/* What is to be known after a restart, as bytes and back; NULL: nothing. restore: -EBADMSG
	 * for bytes that save did not make; nothing is taken then. */
	void (*save)(const void *state, struct buf *out);
	int (*restore)(void *state, const void *p, size_t len);
};

/* The table; ended by NULL. */
extern const struct detector *const detectors[];

#endif
