/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening, loading and attaching the BPF object: the only place, with source/bpf.c, that talks to
 * libbpf. A hook is one thing to be seen in the kernel; its variants are programs that can see it,
 * best first.
 */
#ifndef REDSHANK_SOURCE_BPF_OBJ_H
#define REDSHANK_SOURCE_BPF_OBJ_H

#include <stdbool.h>

#include "abi/knobs.h"
#include "base/err.h"

struct redshank_bpf;
struct bpf_link;

#define HOOK_VARIANTS_MAX 4
#define BPF_HOOKS_MAX	  16

/* How a hook is made to fire, to see that it does. */
enum hook_fire {
	FIRE_exec, /* a child runs /proc/self/exe and exits */
	FIRE_open, /* /dev/null is opened */
	FIRE_iter, /* the iterator is read */
};

struct hook {
	enum ev_type event; /* whose record it makes; EV_none: a probe of a kind of program */
	const char *name;
	enum hook_fire fire;
	bool required; /* without it there is no sensor */
	const char *without; /* what can't be seen without it */
	const char *variants[HOOK_VARIANTS_MAX + 1]; /* program names, ended by NULL */
};

/* The table of what the sensor hooks, ended by an entry without name. */
extern const struct hook hooks[];
/* Kinds of program, tested for `redshank probe` only; same end. */
extern const struct hook probe_hooks[];

/* What became of one variant. */
struct variant_result {
	bool loaded, attached, fired;
	int error; /* negative errno of the first step that failed; 0: none */
};

struct bpf_config {
	unsigned ring_main_bytes, ring_bulk_bytes; /* powers of two, multiples of the page size */
	const char *const *env_names; /* environment variables to report */
	unsigned env_count; /* at most ENV_NAMES_MAX */
};

/* Checks names of environment variables: [A-Za-z_][A-Za-z0-9_]*, at most ENV_NAME_LEN - 1 long. */
int env_name_check(const char *name, struct err *e);

/* Opens the object with nothing set to load, maps sized and knobs set. 0 or negative errno. */
int bpf_obj_open(const struct bpf_config *c, struct redshank_bpf **ret, struct err *e);
struct bpf_program *bpf_obj_program(struct redshank_bpf *o, const char *name);

/* Loads and attaches this one program alone, makes it fire, and takes it away again. */
struct variant_result variant_try(const struct hook *h, const char *variant);

/* Makes a hook fire; FIRE_iter is the caller's. Returns the child's pid for FIRE_exec, else 0. */
int hook_fire(enum hook_fire how);

/* What this argv[1] means: the child that hook_fire() made. It has nothing to do but to end. */
#define FIRE_ARGUMENT "_fire"

/* Sends libbpf's messages to fn (NULL: drops them). */
void bpf_obj_log(void (*fn)(const char *line));

#endif
