/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code at work in memory that no file is behind: a system call whose instruction lies there.
 *
 * That code is there says nothing: every compiler at run time (V8, HotSpot, LuaJIT, PCRE2, libffi)
 * writes some. But these call the runtime or libc for what they want of the kernel, because the
 * code that they generate is the program's, and a program in JavaScript has no system calls.
 * Shellcode, reflective loaders, packers and programs started by an exec in user space bring their
 * own.
 *
 * One honest thing looks like it: a translator of machine code (DynamoRIO, Pin) copies the
 * program's own instructions, its system calls among them, into a cache. It is known by how often
 * it makes such memory, and gets a lower level, not none.
 *
 * Code that calls libc in place of the kernel is a hint: compilers that let programs call C
 * functions (LuaJIT, SBCL, GHCi, cling) do the same from anonymous memory. They do not from a
 * stack, a heap, changed pages of a file or a memfd that is mapped privately.
 */
#include "detect/d_anon_exec.h"

#include "abi/knobs.h"
#include "enrich/proctree.h"

#define CACHE_REGIONS 64 /* made executable so often: a code cache */

static const char *const call_text[] = {
	[ANON_CALL_exec] = "executed a program",
	[ANON_CALL_fork] = "created a process or thread",
	[ANON_CALL_socket] = "made a socket",
	[ANON_CALL_connect] = "connected a socket",
	[ANON_CALL_bind] = "bound a socket",
	[ANON_CALL_ptrace] = "called ptrace",
	[ANON_CALL_process_vm_writev] = "wrote to a process's memory",
	[ANON_CALL_memfd_create] = "made a memfd",
	[ANON_CALL_io_uring_setup] = "made an io_uring",
	[ANON_CALL_start] = "started a program without execve",
	[ANON_CALL_process_vm_readv] = "read a process's memory",
	[ANON_CALL_pidfd_getfd] = "took a process's descriptor",
	[ANON_CALL_module] = "loaded code into the kernel",
	[ANON_CALL_bpf] = "called bpf",
	[ANON_CALL_userfaultfd] = "made a userfaultfd",
	[ANON_CALL_setuid] = "changed its user",
	[ANON_CALL_namespace] = "changed namespaces or mounts",
	[ANON_CALL_open] = "opened a file",
};

static const char *const kind_text[] = {
	[MAP_KIND_file] = "changed pages of a file",
	[MAP_KIND_anon] = "anonymous memory",
	[MAP_KIND_stack] = "the stack",
	[MAP_KIND_heap] = "the heap",
	[MAP_KIND_memfd] = "a memfd",
	[MAP_KIND_shm] = "shared anonymous memory",
	[MAP_KIND_secret] = "secret memory",
	[MAP_KIND_vdso] = "the changed vDSO",
};

static const char *text_of(const char *const *text, size_t n, u32 i, const char *other)
{
	return i < n && text[i] ? text[i] : other;
}

static const char *exe_of(const struct event *ev, int *ret_len)
{
	const struct image *im = ev->proc ? ev->proc->image : NULL;

	*ret_len = im && im->exe_len ? (int)im->exe_len : 9;
	return im && im->exe_len ? im->exe : "A process";
}

static void memory_evidence(struct verdict *v, u64 ip, u64 address, u64 length)
{
	verdict_evidence(v, "redshank.map.ip", "0x%llx", (unsigned long long)ip);
	verdict_evidence(v, "redshank.map.address", "0x%llx", (unsigned long long)address);
	verdict_evidence(v, "redshank.map.length", "%llu", (unsigned long long)length);
}

/* Is it memory as compilers at run time use it? */
static bool compilers_use(const struct ev_anon_exec *a)
{
	return a->kind == MAP_KIND_anon || ((a->kind == MAP_KIND_memfd || a->kind == MAP_KIND_shm ||
					     a->kind == MAP_KIND_file) &&
					    a->facts & MAP_F_SHARED);
}

static void on_call(const struct event *ev, struct verdict *v)
{
	const struct ev_anon_exec *a = EVENT_AS(anon_exec, ev);
	const char *call = text_of(call_text, sizeof(call_text) / sizeof(call_text[0]), a->call,
				   "made a system call");
	const char *kind = text_of(kind_text, sizeof(kind_text) / sizeof(kind_text[0]), a->kind,
				   "memory without a file");
	if (a->kind == MAP_KIND_file && a->facts & MAP_F_SHARED)
		kind = "a deleted file's buffer";
	bool cache = a->regions >= CACHE_REGIONS && a->kind == MAP_KIND_anon;
	bool caller = a->facts & MAP_F_CALLER;
	int len;
	const char *exe = exe_of(ev, &len);

	if (caller)
		v->severity = compilers_use(a) ? SEVERITY_low : SEVERITY_medium;
	else
		v->severity = cache ? SEVERITY_medium : SEVERITY_high;
	verdict_message(v, "%.*s %s by %scode in %s, which no file holds%s", len, exe, call,
			caller ? "a function that was called by " : "", kind,
			cache ? "; it has many such regions, as a translator of machine code" : "");
	memory_evidence(v, a->ip, a->address, a->length);
	verdict_evidence(v, "redshank.anon_exec.regions", "%u", a->regions);
}

/* Memory that such code makes executable: it loads more of itself. */
static void on_map(const struct event *ev, struct verdict *v)
{
	const struct ev_map *m = EVENT_AS(map, ev);
	const char *kind =
		text_of(kind_text, sizeof(kind_text) / sizeof(kind_text[0]), m->kind, "memory");
	int len;
	const char *exe = exe_of(ev, &len);

	if (!(m->facts & MAP_F_BY_MEMORY))
		return;
	v->severity = SEVERITY_high;
	verdict_message(v, "%.*s made %s executable by code that no file holds", len, exe,
			m->kind == MAP_KIND_file ? "a file" : kind);
	memory_evidence(v, m->ip, m->address, m->length);
}

static int on_event(void *state, const struct event *ev, struct verdict *v)
{
	(void)state;
	if (ev->rec->type == EV_anon_exec)
		on_call(ev, v);
	else
		on_map(ev, v);
	return 0;
}

static const struct technique techniques[] = {
	{ "T1620", "Reflective Code Loading", "Defense Evasion" },
	{ "T1106", "Native API", "Execution" },
	{ NULL, NULL, NULL },
};

static const enum ev_type wants[] = { EV_anon_exec, EV_map, EV_none };

const struct detector detector_anon_exec = {
	.info = {
		.id = "redshank.fileless.anon_exec",
		.name = "Code at work in memory that no file holds",
		.doc = "A system call came from machine code that is in no file: shellcode, a program that "
		       "was loaded into memory without execve, an unpacked program, an injected payload. "
		       "What it did since is in the events of the process; its code can be copied from "
		       "/proc/PID/mem at the address in the evidence while it runs. Contain the host if "
		       "nobody can explain it.",
		.false_positives =
			"Compilers at run time (JavaScript, Java, .NET, Lua, regular expressions, libffi) "
			"do not alert: the code that they generate makes no system calls of its own. Packed "
			"programs (UPX), checkpoint and restore (CRIU), and programs that copy their own "
			"text into large pages and are linked statically do; instruments that translate "
			"machine code (DynamoRIO, Pin) do so at level medium. Except them by executable and "
			"its owner.",
		.techniques = techniques,
	},
	.wants = wants,
	.facts = 1U << FACT_map_mmap | 1U << FACT_map_prot | 1U << FACT_anon_prog |
		 1U << FACT_anon_fork | 1U << FACT_anon_net | 1U << FACT_anon_start,
	.on_event = on_event,
};
