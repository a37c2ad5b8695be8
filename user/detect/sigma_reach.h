/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the taxonomy for what processes do to each other and to the kernel. */
#ifndef REDSHANK_DETECT_SIGMA_REACH_H
#define REDSHANK_DETECT_SIGMA_REACH_H

#include "detect/sigma_source.h"

/* What of the facts about a process is known at any of its events. */
extern const struct sigma_feed sigma_feed_acting[];

extern const struct sigma_feed sigma_feed_access[], sigma_feed_module[], sigma_feed_bpf[],
	sigma_feed_userfault[], sigma_feed_kernel_write[], sigma_feed_uring[], sigma_feed_creds[],
	sigma_feed_ns[];

#endif
