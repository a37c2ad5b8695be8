/* SPDX-License-Identifier: Apache-2.0 */
/* What an alert says of the detector or rule that raised it, whichever it was. */
#ifndef REDSHANK_DETECT_RULE_INFO_H
#define REDSHANK_DETECT_RULE_INFO_H

/* Sigma's levels. */
enum severity {
	SEVERITY_none = 0,
	SEVERITY_informational,
	SEVERITY_low,
	SEVERITY_medium,
	SEVERITY_high,
	SEVERITY_critical,
};

const char *severity_name(enum severity s); /* Sigma's word: "high" */
/* SEVERITY_none if there is no such name. */
enum severity severity_by_name(const char *name);

/* MITRE ATT&CK, enterprise matrix. */
struct technique {
	const char *id, *name, *tactic; /* "T1620", "Reflective Code Loading", "Defense Evasion" */
};

#define TECHNIQUES_MAX	16
#define DETECTOR_PREFIX "redshank." /* ids of detectors begin so, and no rule's */

struct rule_info {
	const char *id; /* stable: "redshank.fileless.memfd_exec", a Sigma rule's UUID */
	const char *name; /* title of its alerts */
	const char *doc; /* what it means and what an analyst does next */
	const char *false_positives;
	const struct technique *techniques; /* ended by one without id; at most TECHNIQUES_MAX */
};

#endif
