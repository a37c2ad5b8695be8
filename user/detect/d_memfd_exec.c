/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Execution from a memfd: the program, or the script, exists only in memory.
 *
 * What is a memfd is the kernel's judgement (bpf/lib/exe.h), from the mount that the file is on;
 * the way in (execveat, /proc/self/fd/N, fexecve, another process's fd, a symbolic link to any of
 * them) and the name do not matter.
 *
 * One honest use looks the same: container runtimes (runc since CVE-2019-5736) copy their own
 * executable to a memfd, seal it and run that, so that a container can't overwrite the file on the
 * host. It is told apart by what it is, not by a name: the memfd is sealed against writing, and its
 * content is that of the file which the same process was running before (enrich/exe_check.c
 * compares them). Code with a file behind it, byte for byte, is not fileless.
 */
#include "detect/d_memfd_exec.h"

#include <string.h>
#include <sys/stat.h>

#include "abi/knobs.h"
#include "enrich/exe_check.h"
#include "enrich/exec_way.h"
#include "enrich/proctree.h"

/* include/uapi/linux/fcntl.h */
#define SEAL_SHRINK 0x2
#define SEAL_GROW   0x4
#define SEAL_WRITE  0x8

static bool sealed(u32 seals)
{
	u32 need = SEAL_SHRINK | SEAL_GROW | SEAL_WRITE;
	return (seals & need) == need;
}

/*
 * Could this be a runtime that runs a copy of itself? Runtimes are root's files; of what belongs to
 * somebody else, nothing follows from a copy.
 */
static bool claims_own_copy(const struct event *ev, u64 size, u32 seals)
{
	const struct image *prev = ev->proc ? ev->proc->prev_image : NULL;
	return sealed(seals) && prev && prev->exe_size == size && !prev->exe_uid &&
	       !(prev->exe_mode & S_IWOTH) && size <= EXE_CHECK_MAX && image_is_linked(prev);
}

static void previous_evidence(struct verdict *v, const struct event *ev)
{
	const struct image *prev = ev->proc ? ev->proc->prev_image : NULL;
	if (prev)
		verdict_evidence(v, "redshank.previous.executable", "%.*s", (int)prev->exe_len,
				 prev->exe);
}

static int on_exec(const struct event *ev, struct verdict *v)
{
	const struct ev_exec *x = EVENT_AS(exec, ev);
	size_t exe_len, name_len, cwd_len;
	const char *exe = rec_str(ev->rec, x->exe, &exe_len);
	const char *name = rec_str(ev->rec, x->filename, &name_len);
	const char *cwd = rec_str(ev->rec, x->cwd, &cwd_len);
	const char *way = exec_way(name, name_len, cwd, cwd_len);
	const char *note = "";

	if (x->exe_flags & EXE_F_SCRIPT_MEMFD) {
		v->severity = SEVERITY_high;
		verdict_message(v, "%.*s ran a script that exists only in memory (%.*s)",
				(int)exe_len, exe, (int)name_len, name);
		verdict_evidence(v, "redshank.exec.interpreter", "%.*s", (int)x->interp.len,
				 (const char *)ev->rec + x->interp.off);
	} else if (x->exe_origin == EXE_ORIGIN_memfd) {
		if (sealed(x->exe_seals) && x->same_content == SAME_CONTENT_yes)
			return 0;
		v->severity = SEVERITY_high;
		if (claims_own_copy(ev, x->exe_size, x->exe_seals)) {
			if (x->same_content == SAME_CONTENT_unknown) {
				/* Runtimes are started by root, or by users who get a question. */
				v->severity = ev->rec->euid ? SEVERITY_medium : SEVERITY_low;
				note = "; it may be a copy of the program before it, but was not "
				       "there to be compared";
			} else {
				note = "; it has the size of the program before it, but another "
				       "content";
			}
		}
		verdict_message(v, "%.*s, a program that exists only in memory, was executed%s",
				(int)exe_len, exe, note);
	} else {
		return 0;
	}
	verdict_evidence(v, "redshank.exec.filename", "%.*s", (int)name_len, name);
	verdict_evidence(v, "redshank.exec.way", "%s",
			 way ? way : "execve of a path that leads to it");
	previous_evidence(v, ev);
	return 0;
}

static int on_proc(const struct event *ev, struct verdict *v)
{
	const struct ev_proc *p = EVENT_AS(proc, ev);
	if (p->exe_origin != EXE_ORIGIN_memfd)
		return 0;
	/* Nothing is known of what it ran before: a sealed one may be a runtime's own copy. */
	v->severity = sealed(p->exe_seals) ? SEVERITY_low : SEVERITY_high;
	verdict_message(v, "%.*s, a program that exists only in memory, was running already",
			(int)p->exe.len, (const char *)ev->rec + p->exe.off);
	return 0;
}

static void common_evidence(const struct event *ev, struct verdict *v)
{
	static const char *const keys[] = {
		"redshank.exe.origin", "redshank.exe.flags", "redshank.exe.seals",
		"redshank.exe.nlink",  "redshank.exe.size",  "redshank.exe.same_content",
	};
	verdict_fields(v, ev, keys, sizeof(keys) / sizeof(keys[0]));
}

static int on_event(void *state, const struct event *ev, struct verdict *v)
{
	(void)state;
	int rc = ev->rec->type == EV_exec ? on_exec(ev, v) : on_proc(ev, v);
	if (!rc && v->severity != SEVERITY_none)
		common_evidence(ev, v);
	return rc;
}

static const struct technique techniques[] = {
	{ "T1620", "Reflective Code Loading", "Defense Evasion" },
	{ NULL, NULL, NULL },
};

static const enum ev_type wants[] = { EV_exec, EV_proc, EV_none };

const struct detector detector_memfd_exec = {
	.info = {
		.id = "redshank.fileless.memfd_exec",
		.name = "Program executed from memory (memfd)",
		.doc = "Code ran that no file on this machine holds: it leaves nothing to find on disk and "
		       "escapes file scanners. Look at the ancestors for what fetched and started it, copy "
		       "the "
		       "program from /proc/PID/exe while it runs, and see what it did since: network "
		       "connections, children, changed files. Contain the host if nobody can explain it.",
		.false_positives =
			"Container runtimes that run a sealed copy of themselves are compared with "
			"their file and do not alert; when such a process is gone too soon to be "
			"compared, the level is low. Self-updating or self-protecting programs that run "
			"another program from a memfd on purpose do alert: except them by their parent.",
		.techniques = techniques,
	},
	.wants = wants,
	.facts = 1U << FACT_script,
	.on_event = on_event,
};
