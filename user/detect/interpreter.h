/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program is that runs code it is given, or that fetches or decodes it, and where its
 * arguments say that the code is. By the resolved executable's name: arguments and thread names are
 * the caller's to choose. A copy under another name is known by the original's size
 * (program_learn()).
 */
#ifndef REDSHANK_DETECT_INTERPRETER_H
#define REDSHANK_DETECT_INTERPRETER_H

#include <stdbool.h>

#include "enrich/proctree.h"

enum program_kind {
	PROGRAM_other = 0,
	PROGRAM_shell,
	PROGRAM_interpreter,
	PROGRAM_runner, /* makes commands of its standard input: xargs */
	PROGRAM_network, /* writes what a network sends */
	PROGRAM_decoder,
	PROGRAM_applets, /* busybox: its arguments say which; never told */
};

/* Where a shell or an interpreter has its code from. */
enum code_from {
	CODE_file = 0, /* or nowhere: it only says its version */
	CODE_arguments,
	CODE_stdin,
	CODE_descriptor, /* /dev/fd/N, /proc/self/fd/N */
};

struct program;

/* Programs by the size of their files; bounded, the oldest makes room. */
#define PROGRAM_SIZES 64
struct program_sizes {
	unsigned next;
	struct {
		uint64_t size;
		const struct program *program;
	} of[PROGRAM_SIZES];
};

struct program_use {
	enum program_kind kind;
	enum code_from code;
	unsigned fd; /* of CODE_descriptor */
};

/* Remembers the size of a program that is installed. */
void program_learn(struct program_sizes *sizes, const struct image *im);
/* Of several programs in one file the one that its arguments choose. */
struct program_use program_use(const struct program_sizes *sizes, const struct image *im);

/* Base name of the executable; *ret is not NUL-terminated. */
size_t image_name(const struct image *im, const char **ret);
/* Root's file, in a place where packages put theirs, that nobody else can change? */
bool image_is_installed(const struct image *im);

#endif
