/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folding: the same finding in the same process again is not another alert but an update of the one
 * that there is, with how often, first and last. So is, when there were many already, what is alike
 * in other processes: the same command line, started by the same process over and over; and, when
 * there were very many, what is akin: any command line of one process and its children. Updates are
 * told at doubling counts or after a pause, so that a flood of findings is a trickle of updates;
 * none is forgotten.
 */
#ifndef REDSHANK_DETECT_ALERT_FOLD_H
#define REDSHANK_DETECT_ALERT_FOLD_H

#include "detect/alert.h"

#define ALERT_FOLD_ALIKE 20 /* alerts that are alike before they are folded */
#define ALERT_FOLD_KIN	 500 /* alerts that are akin before they are folded */
#define ALERT_FOLD_ENTRIES \
	4096 /* findings remembered; the least recently seen is told and forgotten */
#define ALERT_FOLD_WINDOW_NS \
	(300 * 1000000000ULL) /* a finding not seen for this long is news again */
#define ALERT_FOLD_PAUSE_NS \
	(10 * 1000000000ULL) /* between two updates that are not at a doubling */
#define ALERT_FOLD_HELD_BYTES                                                            \
	(16U << 20) /* of repeats kept whole; beyond, without their strings and evidence \
		     */

struct alert_fold;

int alert_fold_new(struct alert_fold **ret);
void alert_fold_free(struct alert_fold *f);

/* Two findings of the same key are the same, alike, or akin. */
struct alert_fold_keys {
	uint64_t same; /* in the same process */
	uint64_t alike, kin; /* in others; 0: none is */
	uint64_t times; /* it stands for so many of the same; 0: for itself */
	uint64_t number; /* its number in the process, where the kernel tells not every one; or 0 */
};

/* Gives the alert to fn now, or keeps a copy until alert_fold_flush(). Sets its id, count, first,
 * last. */
typedef void alert_fold_fn(void *ctx, struct alert *al);
void alert_fold_add(struct alert_fold *f, const struct alert_fold_keys *k, struct alert *al,
		    alert_fold_fn *fn, void *ctx);

/*
 * Tells what was kept and has waited for ALERT_FOLD_PAUSE_NS at the time now (Unix ns; UINT64_MAX:
 * all). The alert's event has neither proc nor tree: the caller looks them up again.
 */
void alert_fold_flush(struct alert_fold *f, uint64_t now, const struct host *host,
		      alert_fold_fn *fn, void *ctx);

/*
 * Which findings there were, as bytes and back, so that an alert goes on under its id and with its
 * count after a restart. What is kept back is not among them: flush before. restore: -EBADMSG for
 * bytes that save() did not make; what was remembered before is replaced.
 */
void alert_fold_save(const struct alert_fold *f, struct buf *out);
int alert_fold_restore(struct alert_fold *f, const void *p, size_t len);

#endif
