/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which programs have which ends of which pipes. A pipe's inode is the same at both ends, so that a
 * pipeline of any length can be followed, whichever of its programs was started first. Bounded: the
 * programs that were started last are remembered.
 */
#ifndef REDSHANK_DETECT_PIPE_ENDS_H
#define REDSHANK_DETECT_PIPE_ENDS_H

#include "detect/interpreter.h"
#include "enrich/proctree.h"

#define ENDS_MAX     2048 /* programs remembered; the oldest makes room */
#define PIPELINE_MAX 8 /* programs of a pipeline that are followed */

enum end_flag {
	END_NETWORK = 1 << 0, /* it is a network client by name, or it connected */
	END_DECODER = 1 << 1,
	END_CODE = 1 << 2, /* an interpreter with its code in the arguments */
	END_ODD = 1 << 3, /* its own file is none of the ordinary sort */
	END_RUNNER = 1 << 4, /* makes commands of what it reads: little by itself */
	END_SHELL = 1 << 5,
	END_RELAYED = 1 << 6, /* its creator holds a connection: relayed_shell tells of it */
	END_PENDING = 1 << 7, /* reads code; not judged yet */
	END_REPLACED = 1 << 8, /* its process has just executed another program */
};
#define END_WORSE (END_NETWORK | END_DECODER | END_CODE | END_ODD)

/* A program with a pipe. Inodes; 0: none. */
struct end {
	u64 start;
	u64 in; /* what it reads: standard input, or the descriptor that its script is */
	u64 out, side; /* standard output; another descriptor (tee >(sh)) */
	u32 pid, flags;
};

struct pipes {
	unsigned next;
	struct end end[ENDS_MAX];
	struct program_sizes sizes;
};

/* A pipeline, from the reader of code upwards. */
struct pipeline {
	unsigned n;
	u32 flags; /* of all but the reader */
	const struct end *end[PIPELINE_MAX];
};

/* NULL: not remembered. */
struct end *end_of(struct pipes *s, u32 pid, u64 start);
struct end *end_new(struct pipes *s, u32 pid, u64 start);
/* Of the end's process, as it was; NULL: not known. */
const struct image *end_image(const struct event *ev, const struct end *e);

/* Up from a reader of code to where its data comes from. */
void follow_up(struct pipes *s, const struct event *ev, const struct end *reader,
	       struct pipeline *ret);
/* The reader of code that gets what this program writes, through others too; NULL: none waits. */
struct end *follow_down(struct pipes *s, const struct end *from);

#endif
