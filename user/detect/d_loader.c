/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program started by the dynamic loader in place of execve(2): `ld.so ./payload`. The exec event
 * shows the loader, a file that everybody trusts; nobody checks whether the payload may be
 * executed.
 *
 * Which file is a loader is not known by name, but learned: the kernel says of each exec which
 * interpreter it mapped (redshank.loader.*), and a process whose own program is one of these files
 * was started as a launcher. So was any other that was started without an interpreter and maps a
 * file executable: a copy of the loader, of this system's or of another's, or a loader of their
 * own. What libc loads into static programs is known by where it is, unless the arguments name it.
 *
 * The payload is the first file that such a process maps executable; the kernel names it. What is
 * preloaded comes after it.
 */
#include "detect/d_loader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

struct text {
	const char *p;
	size_t len;
};

static bool text_is(struct text t, const char *s)
{
	return strlen(s) == t.len && !memcmp(s, t.p, t.len);
}

static bool begins_with(struct text t, const char *s)
{
	size_t n = strlen(s);

	return t.len >= n && !memcmp(s, t.p, n);
}

static struct text base_name(struct text t)
{
	const char *slash = memrchr(t.p, '/', t.len);
	struct text base = t;

	if (slash) {
		base.p = slash + 1;
		base.len -= (size_t)(base.p - t.p);
	}
	return base;
}

/* The next argument of what is left of a vector. False at its end. */
static bool next_arg(struct text *left, struct text *ret)
{
	const char *nul = memchr(left->p, '\0', left->len);
	size_t len = nul ? (size_t)(nul - left->p) : left->len;

	if (!left->len)
		return false;
	*ret = (struct text){ left->p, len };
	len += nul ? 1 : 0;
	*left = (struct text){ left->p + len, left->len - len };
	return true;
}

static struct text args_of(const struct image *im)
{
	return (struct text){ im->args, im->args_len };
}

/* Does an argument but the first name the file? By its last component, for the rest may be any way
 * to it. */
static bool args_name(const struct image *im, struct text path)
{
	struct text left = args_of(im), arg, base = base_name(path);
	bool first = true;

	while (next_arg(&left, &arg)) {
		arg = base_name(arg);
		if (!first && arg.len && arg.len == base.len && !memcmp(arg.p, base.p, arg.len))
			return true;
		first = false;
	}
	return false;
}

/* Options of glibc's and musl's loader that have a value after them (elf/rtld.c, ldso/dynlink.c).
 */
static bool has_value(struct text option)
{
	static const char *const options[] = {
		"--library-path",	  "--inhibit-rpath",	"--audit", "--preload", "--argv0",
		"--glibc-hwcaps-prepend", "--glibc-hwcaps-mask"
	};

	for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (text_is(option, options[i]))
			return true;
	return false;
}

/* Is a loader told to look at a program only? What stands behind the program is the program's. */
static bool only_looks(const struct image *im)
{
	struct text left = args_of(im), arg;

	if (!next_arg(&left, &arg))
		return false;
	while (next_arg(&left, &arg) && begins_with(arg, "--")) {
		if (text_is(arg, "--list") || text_is(arg, "--verify"))
			return true;
		if (has_value(arg) && !next_arg(&left, &arg))
			return false;
	}
	return false;
}

static bool under(struct text path, const char *const *dirs)
{
	for (; *dirs; dirs++)
		if (begins_with(path, *dirs))
			return true;
	return false;
}

/* Programs that root installed and that start others on their own: valgrind. Not among them are
 * loaders that no program has asked for yet: these are with the libraries. */
static bool is_installed(const struct image *im)
{
	static const char *const dirs[] = { "/usr/bin/", "/usr/sbin/",	       "/usr/libexec/",
					    "/bin/",	 "/usr/lib/valgrind/", NULL };

	return !im->exe_uid && !(im->exe_mode & 022) && im->exe_origin == EXE_ORIGIN_regular &&
	       !(im->exe_flags & EXE_F_DETACHED) &&
	       under((struct text){ im->exe, im->exe_len }, dirs);
}

/*
 * ldd(1), a shell script, has the loader list what a library needs; the variable that asks for it
 * is not known here. A lower level, not none: who starts a program chooses its arguments.
 */
static bool parent_is_ldd(const struct event *ev)
{
	const struct proc *p = ev->tree ? proctree_parent(ev->tree, ev->proc) : NULL;
	struct text left, arg;

	if (!p || !p->image || !is_installed(p->image))
		return false;
	left = args_of(p->image);
	return next_arg(&left, &arg) && next_arg(&left, &arg) &&
	       (text_is(arg, "/usr/bin/ldd") || text_is(arg, "/bin/ldd"));
}

/* What static programs load that are no loaders: libc's modules for names and character sets.
 * Files without a name have alerts of their own. */
static bool is_no_payload(struct text path, const struct ev_map *m)
{
	static const char *const dirs[] = { "/lib", "/usr/lib", "/usr/local/lib", NULL };

	if (m->exe_origin == EXE_ORIGIN_memfd || m->exe_origin == EXE_ORIGIN_unlinked)
		return true;
	return !m->exe_uid && !(m->facts & MAP_F_OTHERS) && under(path, dirs);
}

/* A file that no path leads to. */
static bool file_is_nowhere(const struct ev_map *m)
{
	return m->exe_origin == EXE_ORIGIN_memfd || m->exe_origin == EXE_ORIGIN_unlinked ||
	       m->exe_flags & EXE_F_DETACHED;
}

static void judge(const struct loaders *l, const struct event *ev, struct verdict *v)
{
	const struct ev_map *m = EVENT_AS(map, ev);
	const struct image *im = ev->proc ? ev->proc->image : NULL;
	struct text path;

	if (m->kind == MAP_KIND_anon || m->op != MAP_OP_mmap || m->facts & MAP_F_SHARED ||
	    !(m->facts & MAP_F_NO_LOADER) || !im)
		return;
	path.p = rec_str(ev->rec, m->exe, &path.len);
	if (!path.len || (im->exe_ino == m->exe_ino && im->exe_dev == m->exe_dev))
		return;
	bool known = is_loader(l, im->exe_dev, im->exe_ino), named = args_name(im, path);
	bool odd = file_is_nowhere(m) || m->exe_origin == EXE_ORIGIN_tmpfs;
	if (known ? only_looks(im) : !named && is_no_payload(path, m))
		return;
	/* Libraries that the payload needs come after it; those that were asked for are named. */
	if (m->count > 1 && !odd && !named)
		return;
	v->severity = odd ? SEVERITY_high : SEVERITY_medium;
	if (known ? parent_is_ldd(ev) && !file_is_nowhere(m) : is_installed(im) && !odd)
		v->severity = SEVERITY_low;
	verdict_message(v, "%.*s was run by %s (%.*s)%s", (int)path.len, path.p,
			known ? "the dynamic loader" : "a program that works as a dynamic loader",
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
			"loader's path. ld.so --list and --verify, and so ldd(1) on programs, do not alert; "
			"ldd on libraries does so at level low, and so do installed programs that load "
			"others on their own, as valgrind.",
		.techniques = techniques,
	},
	.wants = wants,
	.facts = 1U << FACT_map_mmap,
	.init = init,
	.on_event = on_event,
	.free = free,
};
