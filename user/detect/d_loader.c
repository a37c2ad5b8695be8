/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program started by the dynamic loader in place of execve(2): `ld.so ./payload`. The exec event
 * shows the loader, a file that everybody trusts; nobody checks whether the payload may be
 * executed.
 *
 * Which file is a loader is not known by name, but learned: the kernel says of each exec which
 * interpreter it mapped (redshank.loader.*), and a process whose own program is one of these files
 * was started as a launcher. So was one that was started without an interpreter and maps a file
 * that its arguments name: a copy of the loader, of this system's or of another's. Static programs
 * that load plugins of libc are neither. Valgrind maps the program that it is given likewise; such
 * programs are root's, in a directory of the system, which a copy that somebody made is not.
 *
 * The payload is the first file that such a process maps executable; the kernel names it.
 */
#include "detect/d_loader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "abi/knobs.h"
#include "enrich/proctree.h"
#include "schema/value.h"

#define LOADERS_MAX 64 /* of the system and of containers; the oldest makes room */

struct loader_file {
	u64 ino;
	u32 dev;
};

struct loaders {
	unsigned n, next;
	struct loader_file file[LOADERS_MAX];
};

static bool is_loader(const struct loaders *l, u32 dev, u64 ino)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->file[i].ino == ino && l->file[i].dev == dev)
			return true;
	return false;
}

static void learn(struct loaders *l, const struct ev_exec *x)
{
	/* A program chooses its interpreter: only one that others can't write says what one is. */
	if (!x->loader_ino || x->loader_origin == EXE_ORIGIN_memfd ||
	    is_loader(l, x->loader_dev, x->loader_ino))
		return;
	l->file[l->next] = (struct loader_file){ x->loader_ino, x->loader_dev };
	l->next = (l->next + 1) % LOADERS_MAX;
	if (l->n < LOADERS_MAX)
		l->n++;
}

static size_t base_name(const char *p, size_t len, const char **ret)
{
	const char *slash = memrchr(p, '/', len);

	*ret = slash ? slash + 1 : p;
	return len - (size_t)(*ret - p);
}

/* Calls fn for each argument but the first, until it says true. */
static bool any_arg(const struct image *im,
		    bool (*fn)(const char *arg, size_t len, const void *ctx), const void *ctx)
{
	const char *p = im->args, *end = im->args + im->args_len;
	bool first = true;

	while (p < end) {
		const char *nul = memchr(p, '\0', (size_t)(end - p));
		size_t len = nul ? (size_t)(nul - p) : (size_t)(end - p);
		if (!first && fn(p, len, ctx))
			return true;
		first = false;
		p += len + 1;
	}
	return false;
}

struct path {
	const char *p;
	size_t len;
};

static bool arg_names(const char *arg, size_t len, const void *ctx)
{
	const struct path *path = ctx;
	const char *a, *b;
	size_t alen = base_name(arg, len, &a), blen = base_name(path->p, path->len, &b);

	return alen && alen == blen && !memcmp(a, b, alen);
}

/* Options with which the loader looks at a program and does not run it. */
static bool arg_only_looks(const char *arg, size_t len, const void *ctx)
{
	static const char *const options[] = { "--verify", "--list" };

	(void)ctx;
	for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strlen(options[i]) == len && !memcmp(options[i], arg, len))
			return true;
	return false;
}

/*
 * Did root install it, and not as a shared object? By the kernel's account of the file. That root
 * chose the name is what lets it say something: a loader that nobody used yet is called ld-….so.N.
 */
static bool is_installed_program(const struct image *im)
{
	static const struct path dirs[] = { { "/usr/", 5 }, { "/opt/", 5 } };

	if (im->exe_origin != EXE_ORIGIN_regular || im->exe_flags & EXE_F_DETACHED || im->exe_uid ||
	    im->exe_mode & (S_IWGRP | S_IWOTH))
		return false;
	const char *name;
	size_t len = base_name(im->exe, im->exe_len, &name);
	if (memmem(name, len, ".so", 3))
		return false;
	for (unsigned i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (im->exe_len > dirs[i].len && !memcmp(im->exe, dirs[i].p, dirs[i].len))
			return true;
	return false;
}

/*
 * ldd(1), a shell script, has the loader list what a library needs; the variable that asks for it
 * is not known here. A lower level, not none: who starts a program chooses its arguments.
 */
static bool parent_is_ldd(const struct event *ev)
{
	static const struct path scripts[] = { { "/usr/bin/ldd", 13 }, { "/bin/ldd", 9 } };
	const struct proc *p = ev->tree ? proctree_parent(ev->tree, ev->proc) : NULL;
	const struct image *im = p ? p->image : NULL;
	const char *script = im ? memchr(im->args, '\0', im->args_len) : NULL;

	if (!script || !is_installed_program(im))
		return false;
	script++;
	size_t left = im->args_len - (size_t)(script - im->args);
	for (unsigned i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		if (left >= scripts[i].len && !memcmp(script, scripts[i].p, scripts[i].len))
			return true;
	return false;
}

static void judge(const struct loaders *l, const struct event *ev, struct verdict *v)
{
	const struct ev_map *m = EVENT_AS(map, ev);
	const struct image *im = ev->proc ? ev->proc->image : NULL;
	struct path path;

	if (m->kind == MAP_KIND_anon || m->op != MAP_OP_mmap || !(m->facts & MAP_F_NO_LOADER) ||
	    !im)
		return;
	path.p = rec_str(ev->rec, m->exe, &path.len);
	if (!path.len || (im->exe_ino == m->exe_ino && im->exe_dev == m->exe_dev))
		return;
	bool known = is_loader(l, im->exe_dev, im->exe_ino);
	if (!known && !any_arg(im, arg_names, &path))
		return;
	if (any_arg(im, arg_only_looks, NULL))
		return;
	bool nowhere = m->exe_origin == EXE_ORIGIN_memfd || m->exe_origin == EXE_ORIGIN_unlinked ||
		       m->exe_flags & EXE_F_DETACHED;
	bool odd = nowhere || m->exe_origin == EXE_ORIGIN_tmpfs;
	/* Libraries that the payload needs come after it and are not odd. */
	if (m->count > 1 && !odd)
		return;
	v->severity = odd ? SEVERITY_high : SEVERITY_medium;
	if ((!nowhere && parent_is_ldd(ev)) || (!known && !odd && is_installed_program(im)))
		v->severity = SEVERITY_low;
	verdict_message(v, "%.*s was run by the dynamic loader (%.*s)%s", (int)path.len, path.p,
			(int)im->exe_len, im->exe,
			m->error ? "; the kernel refused to map it" : "");
	verdict_evidence(v, "redshank.map.path", "%.*s", (int)path.len, path.p);
	verdict_evidence(v, "redshank.map.origin", "%s", exe_origin_name(m->exe_origin));
	verdict_evidence(v, "redshank.map.inode", "%llu", (unsigned long long)m->exe_ino);
}

static int on_event(void *state, const struct event *ev, struct verdict *v)
{
	struct loaders *l = state;

	if (ev->rec->type == EV_exec)
		learn(l, EVENT_AS(exec, ev));
	else
		judge(l, ev, v);
	return 0;
}

static int init(void **ret)
{
	struct loaders *l = calloc(1, sizeof(*l));

	*ret = l;
	return l ? 0 : -ENOMEM;
}

static const struct technique techniques[] = {
	{ "T1218", "System Binary Proxy Execution", "Defense Evasion" },
	{ "T1620", "Reflective Code Loading", "Defense Evasion" },
	{ NULL, NULL, NULL },
};

static const enum ev_type wants[] = { EV_exec, EV_map, EV_none };

const struct detector detector_loader = {
	.info = {
		.id = "redshank.fileless.loader",
		.name = "Program run by the dynamic loader",
		.doc = "A program was started as an argument of the dynamic loader (ld.so), not by execve. "
		       "That passes by what only looks at executed files, runs files without the "
		       "permission to be executed, and hides the program's name. The payload is in the "
		       "evidence: get a copy, and look at the ancestors for what started it.",
		.false_positives =
			"Programs that are shipped with a C library of their own (some bundles, Nix, "
			"Homebrew, Steam's runtime) are started so by their wrappers: except them by the "
			"loader's path. Valgrind does the same: programs that root installed in /usr "
			"or /opt and that are no loaders do so at level low. ld.so --list and --verify, "
			"and so ldd(1) on programs, do not alert; "
			"ldd on libraries does so at level low.",
		.techniques = techniques,
	},
	.wants = wants,
	.facts = 1U << FACT_map_mmap,
	.init = init,
	.on_event = on_event,
	.free = free,
};
