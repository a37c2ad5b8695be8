/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel as a source of records. */
#ifndef REDSHANK_SOURCE_BPF_H
#define REDSHANK_SOURCE_BPF_H

#include "source/bpf_obj.h"
#include "source/source.h"

/* Which variant of a hook is at work. */
struct hook_state {
	struct hook hook;
	const char *variant; /* NULL: the hook is not covered */
	bool wanted; /* false: it is not covered because nobody asks for it */
	bool fired; /* it was seen to fire; one that we can't cause, when it first comes */
	bool every_call; /* it is at the end of each system call, of which all pay some 10s of ns */
	int error; /* negative errno that the last variant given up failed with; 0: none */
	char why[160]; /* why it is not covered, or why not by a better variant; "" else */
};

/*
 * Loads, attaches and fires the best variant of each hook. All or nothing: on error nothing stays
 * attached. *e says what to change: not root, no BTF, kernel too old, …
 */
int bpf_source_open(const struct bpf_config *c, struct source **ret, struct err *e);

#endif
