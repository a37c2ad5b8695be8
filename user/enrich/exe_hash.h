/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 of what a process runs: of the live machine only, and only when somebody asks: for an
 * alert, or where a rule or an exception is about it. Read through /proc/PID/exe, once it is clear
 * that this is still the file that the kernel reported. What can't be had has a reason.
 */
#ifndef REDSHANK_ENRICH_EXE_HASH_H
#define REDSHANK_ENRICH_EXE_HASH_H

#include "enrich/proctree.h"

#define EXE_HASH_MAX (128ULL << 20) /* larger programs are not read */
#define EXE_HASH_PER_S                                                        \
	(64ULL << 20) /* bytes read a second, in the long run; a burst of 4 s \
		       */
#define EXE_HASH_CACHE 1024 /* files whose hash is remembered */

/* From now on there are hashes; before, and so in a replay, none. */
void exe_hash_enable(void);

/*
 * Makes the hash of the event's process known, or why it is not: both are in the image from then
 * on (proctree.h), for all processes that run it. May read EXE_HASH_MAX bytes.
 */
void exe_hash_learn(const struct event *ev);

#endif
