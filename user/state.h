/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What detection is to know after a restart, in a file: windows of correlations, alerts that may be
 * updated, what detectors learnt. Saved when it has changed, seconds later, and at the end; a
 * sensor that is killed loses those seconds.
 */
#ifndef REDSHANK_STATE_H
#define REDSHANK_STATE_H

#include "pipeline.h"

struct state;

/*
 * Brings back what the file holds; a file that can't be used is told, and put aside where it is
 * damaged. path "": nothing is kept. p and path must outlive *ret. 0 or -ENOMEM.
 */
int state_open(struct pipeline *p, const char *path, struct state **ret);
/* Once a second. */
void state_tick(struct state *s);
/* Saves. Before pipeline_free(); NULL is fine. */
void state_close(struct state *s);

#endif
