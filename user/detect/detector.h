/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A detector is C code that judges events where a rule can't. It declares which events it wants
 * and answers with a verdict; the engine makes the alert. Detectors never see sinks.
 */
#ifndef REDSHANK_DETECT_DETECTOR_H
#define REDSHANK_DETECT_DETECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "schema/event.h"

/* Sigma's levels. */
enum severity {
	SEVERITY_none = 0,
	SEVERITY_informational,
	SEVERITY_low,
	SEVERITY_medium,
	SEVERITY_high,
	SEVERITY_critical,
};

/* MITRE ATT&CK, enterprise matrix. */
struct technique {
	const char *id, *name, *tactic; /* "T1620", "Reflective Code Loading", "Defense Evasion" */
};

#define EVIDENCE_MAX   16
#define EVIDENCE_VALUE 512
#define MESSAGE_MAX    1024
#define TECHNIQUES_MAX 4

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

struct detector {
	const char *id; /* stable, e.g. "redshank.fileless.memfd_exec" */
	const char *name; /* title of its alerts */
	const char *doc; /* what it means and what an analyst does next */
	const char *false_positives;
	const struct technique *techniques; /* ended by one without id; at most TECHNIQUES_MAX */
	const enum ev_type *wants; /* ended by EV_none */
	int (*init)(void **ret_state); /* may be NULL: no state */
	/* ret is zeroed. 0, or negative errno for an error of the detector's own. */
	int (*on_event)(void *state, const struct event *ev, struct verdict *ret);
	void (*free)(void *state); /* may be NULL */
};

/* The table; ended by NULL. */
extern const struct detector *const detectors[];

const char *severity_name(enum severity s); /* Sigma's word: "high" */
/* SEVERITY_none if there is no such name. */
enum severity severity_by_name(const char *name);

#endif
