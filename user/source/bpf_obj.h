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
struct hook_link;
struct bpf_program;

#define HOOK_VARIANTS_MAX 6
#define HOOKS_MAX	  48

/*
 * A hook is named after the event whose records it makes, or the fact that it adds to others, and
 * its programs <name>__<kind>: the table is read from the object, so that a new program needs no
 * line in user space. Programs named probe__<kind> make nothing; they try out what this kernel
 * allows.
 */
struct hook {
	enum ev_type event; /* whose records it makes, or EV_none */
	enum fact fact; /* which it adds to records of others (facts.def), or FACT_none */
	char name[32]; /* of the event or the fact; of a probe, the kind of program */
	const char *without; /* what can't be seen without it; NULL for probes */
	bool named; /* bpf_config.hooks asks for it */
	unsigned nvariants;
	char variant[HOOK_VARIANTS_MAX][40]; /* program names, best kind first */
};

/* The hooks of events and facts, or (probes) the probed kinds of program. Returns how many, or
 * negative errno. */
int hooks_list(bool probes, struct hook ret[HOOKS_MAX], struct err *e);

/* Leaves of a table (of n) what bpf_config.hooks wants. n, or -EINVAL. */
int hooks_force(struct hook *table, int n, const char *want, struct err *e);

/* Without exec events there is no sensor. */
static inline bool hook_required(const struct hook *h)
{
	return h->event == EV_exec;
}

/*
 * Does each run of its programs make a record? Then what they were not called for is a loss. Other
 * programs look at much that nobody asks for, such as every open file.
 */
static inline bool hook_tells_all(const struct hook *h)
{
	return (1ULL << EV_fork | 1ULL << EV_exec | 1ULL << EV_exit | 1ULL << EV_rename) >>
		       h->event &
	       1;
}

/* Does this variant give its records when it is read, not when something happens? */
bool variant_is_iter(const char *variant);

/* Is this variant put on files that are found when it is at work (bpf_pam.h)? */
bool variant_is_uprobe(const char *variant);

/*
 * Is this variant the program that looks at system calls for several hooks (calls__<kind>)? It is
 * loaded and attached once, told by bpf_obj_use() what it is to make.
 */
bool variant_is_shared(const char *variant);

/* Does every system call of the machine run into this program? */
bool variant_at_every_call(struct redshank_bpf *o, const char *variant);

/* What became of one variant. */
struct variant_result {
	bool loaded, attached;
	bool fired; /* seen to give what it should; false also where we can't cause it */
	int error; /* negative errno of the first step that failed; 0: none */
};

struct bpf_config {
	uint64_t events; /* wanted ones: bit per enum ev_type; of others nothing is loaded */
	uint32_t facts; /* the same, bit per enum fact */
	unsigned ring_main_bytes, ring_bulk_bytes; /* powers of two, multiples of the page size */
	const char *const *env_names; /* environment variables to report */
	unsigned env_count; /* at most ENV_NAMES_MAX */
	/*
	 * Variants to take and no others, as "exec=raw_tp,fork=raw_tp" ("exec=" switches the hook
	 * off); NULL: the best. What is named here is wanted. For tests and for the search of a
	 * fault.
	 */
	const char *hooks;
};

/* Does somebody want its records, or what it adds to them? */
static inline bool hook_wanted(const struct hook *h, const struct bpf_config *c)
{
	if (h->named || hook_required(h))
		return true;
	return h->event != EV_none ? c->events >> h->event & 1 : c->facts >> h->fact & 1;
}

/* BTF of this kernel from a file, where it does not bring its own. NULL: its own. Borrowed. */
void bpf_obj_btf(const char *path);

/* Checks names of environment variables: [A-Za-z_][A-Za-z0-9_]*, at most ENV_NAME_LEN - 1 long. */
int env_name_check(const char *name, struct err *e);

/* Opens the object with nothing set to load, maps sized and knobs set. 0 or negative errno. */
int bpf_obj_open(const struct bpf_config *c, struct redshank_bpf **ret, struct err *e);
/* Attaches a program that is loaded; one for user space's functions only to try whether that can be
 * done. NULL with errno. */
struct hook_link *bpf_obj_attach(struct bpf_program *p, const char *variant);
/* Sets this variant of a hook to be loaded. */
void bpf_obj_use(struct redshank_bpf *o, const struct hook *h, const char *variant);
struct bpf_program *bpf_obj_program(struct redshank_bpf *o, const char *name);

/* Tries out what this kernel makes of a kind of program, by the probe of that kind. */
struct variant_result kind_try(const char *kind);

/* Kinds of programs, best first, and whether one patches the kernel's text: some platforms refuse.
 */
extern const char *const variant_kinds[];
extern const unsigned variant_kinds_count;
bool kind_patches(const char *kind);

/* The kind of program that a variant is. */
const char *variant_kind(const char *variant);

/* Loads and attaches this one program alone, makes it fire, and takes it away again. */
struct variant_result variant_try(const struct hook *h, const char *variant);

/*
 * The same for all variants of a table's hooks, those of a kind together where that is possible.
 * ret has a row for each hook.
 */
void variants_try(const struct hook *table, int n, struct variant_result (*ret)[HOOK_VARIANTS_MAX]);

/*
 * Does, harmlessly, what hooks look at: a child runs /proc/self/exe and ends, a file is opened;
 * more of it in fire.h. Returns the child's pid, or negative errno if there could be none. An event
 * that this does not cause counts as covered when it first comes.
 */
int hooks_fire(struct err *e);

/* Did the last hooks_fire() cause what makes this hook fire? */
bool hooks_fire_causes(const struct hook *h);

/* Did the hook fire on this CPU, by its programs' own count? */
bool hook_seen(const struct hook *h, const volatile struct cpu_stats *st);

/* What this argv[1] means: the child that hooks_fire() made. It has nothing to do but to end. */
#define FIRE_ARGUMENT "_fire"

/* Sends libbpf's messages to fn (NULL: drops them). */
void bpf_obj_log(void (*fn)(const char *line));

#endif
