/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs on libpam: on each copy of it that is in use, in containers too. A thread of its own
 * does it, for a file may be on a file system that does not answer.
 */
#ifndef REDSHANK_SOURCE_BPF_PAM_H
#define REDSHANK_SOURCE_BPF_PAM_H

#include "base/err.h"

struct bpf_program;
struct hook_link;
struct pam_watch;
struct redshank_bpf;

#define PAM_FILES_MAX  32 /* copies of libpam that are watched at a time */
#define PAM_OTHERS_MAX 8 /* of these, files that are not root's: anybody can make such */

struct pam_counts {
	unsigned files; /* watched now */
	unsigned refused; /* not watched: too many, or no library that we know, since the start */
};

/*
 * Begins to watch, with the programs of an object that is loaded; returns when what is mapped
 * already has been looked for, or after a second. 0 or negative errno.
 */
int pam_watch_start(struct redshank_bpf *o, struct pam_watch **ret, struct err *e);
struct pam_counts pam_watch_counts(const struct pam_watch *w);
/* Takes the programs away again. Accepts NULL. */
void pam_watch_stop(struct pam_watch *w);

/* Puts a program on a function of our own which nobody calls, to see whether that can be done. NULL
 * with errno if not. */
struct hook_link *uprobe_try(struct bpf_program *p);

#endif
