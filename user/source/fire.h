/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the child of hooks_fire() does so that hooks fire. It is harmless: it reads its parent's
 * memory, opens files and writes nothing, says nothing to the audit system.
 */
#ifndef REDSHANK_SOURCE_FIRE_H
#define REDSHANK_SOURCE_FIRE_H

#include <stdint.h>
#include <sys/types.h>

/* What could be done: where a seccomp filter or a lack of privileges forbids it, no hook is blamed.
 */
struct fire_caused {
	uint64_t events; /* bit per enum ev_type */
	uint32_t facts; /* bit per enum fact */
};

/* In the child, before it executes the program again. */
void fire_cause(struct fire_caused *said);

/* In the parent: the child, which lets itself be traced, has stopped for a signal. */
void fire_go_on(pid_t pid, int sig, struct fire_caused *said);

#endif
