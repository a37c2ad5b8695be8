/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a memfd that was just executed a copy of the file which the process ran before, and is that a
 * file that only root can have put there? Asked of the live machine only; the answer goes into the
 * exec record, so that recordings hold it.
 */
#ifndef REDSHANK_ENRICH_EXE_CHECK_H
#define REDSHANK_ENRICH_EXE_CHECK_H

#include "schema/event.h"

#define EXE_CHECK_MAX (128ULL << 20) /* larger programs are not compared: unknown */
#define EXE_CHECK_PER_S                                                           \
	(64ULL << 20) /* bytes compared a second, in the long run; a burst of 4 s \
		       */

/* Does this record want the comparison? (An exec of a memfd.) */
int exe_check_wanted(const struct event *ev);

/*
 * Compares with the file of that path in our mount namespace or the host's: a copy of what root
 * installed is harmless whatever the process made us believe it ran before. unknown: the process is
 * gone, the file is not there, or not root's. Reads at most EXE_CHECK_MAX bytes of each. ev->proc
 * must be up to date.
 */
enum same_content exe_check(const struct event *ev);

#endif
