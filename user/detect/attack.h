/* SPDX-License-Identifier: Apache-2.0 */
/* MITRE ATT&CK: names for the tags of Sigma rules (spec: tags, namespace attack). */
#ifndef REDSHANK_DETECT_ATTACK_H
#define REDSHANK_DETECT_ATTACK_H

#include "base/arena.h"
#include "detect/rule_info.h"
#include "sigma/rule.h"

/*
 * The techniques that tags such as attack.t1059.004 name, each under the tactic that the rule names
 * too (attack.execution), else under its first. Ended by one without id, at most TECHNIQUES_MAX.
 * An id that the table does not know keeps its id as name. NULL when memory is out.
 */
const struct technique *attack_techniques(struct arena *a, const struct sigma_strings *tags);

#endif
