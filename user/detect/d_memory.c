/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges what the memory scan found (user/scan/), from the scan record alone, so that a replay
 * judges as the live run did. docs/scan.md has the table of what is how severe, and why.
 */
#include "detect/d_memory.h"

#include <string.h>

#include "schema/value.h"

/* Below it, memory that is executable and has no sign of anything is not a JIT compiler's shape. */
#define JIT_SIZE    (64U << 10) /* bytes, all regions together */
#define JIT_REGIONS 4

struct scanned {
	const struct ev_scan *e;
	const char *path;
	int path_len;
};

static struct scanned scanned(const struct event *ev)
{
	const struct ev_scan *e = EVENT_AS(scan, ev);
	size_t len;
	const char *path = rec_str(ev->rec, e->path, &len);

	return (struct scanned){ e, path, (int)len };
}

static int with_evidence(const struct event *ev, struct verdict *v)
{
	static const char *const keys[] = {
		"redshank.scan.finding",     "redshank.scan.address",
		"redshank.scan.permissions", "file.path",
		"redshank.scan.at",	     "redshank.scan.bytes",
		"redshank.scan.flags",	     "redshank.scan.size",
		"redshank.scan.regions",     "redshank.scan.thread",
		"redshank.scan.tracer",	     "redshank.scan.yara.rule",
	};
	static const char *const changed[] = {
		"redshank.scan.expected",
		"redshank.scan.file_offset",
		"redshank.scan.differing",
		"redshank.scan.breakpoints",
	};

	if (v->severity == SEVERITY_none)
		return 0;
	verdict_fields(v, ev, keys, sizeof(keys) / sizeof(keys[0]));
	if (EVENT_AS(scan, ev)->kind == SCAN_text_changed)
		verdict_fields(v, ev, changed, sizeof(changed) / sizeof(changed[0]));
	return 0;
}

/* --- executable memory without a file --- */

static bool has_jit_shape(const struct ev_scan *e)
{
	return e->flags & SCAN_F_NAMED || e->size >= JIT_SIZE || e->regions >= JIT_REGIONS;
}

static int on_code(void *state, const struct event *ev, struct verdict *v)
{
	const struct ev_scan *e = EVENT_AS(scan, ev);
	bool writable = e->flags & SCAN_F_WRITABLE;
	const char *what = "executable memory that no file is behind";

	(void)state;
	if (e->kind != SCAN_anon_code)
		return 0;
	if (e->flags & SCAN_F_EXECUTING) {
		v->severity = SEVERITY_high;
		verdict_message(v, "Thread %u is in a system call that was made from %s, at 0x%llx",
				e->thread, what, (unsigned long long)e->at);
	} else if (e->flags & SCAN_F_SYSCALLS) {
		v->severity = SEVERITY_medium;
		verdict_message(
			v,
			"Code in %s makes system calls itself, at 0x%llx: what JIT compilers "
			"make does not",
			what, (unsigned long long)e->at);
	} else if (e->flags & SCAN_F_ALL_EXECUTABLE) {
		return 0;
	} else if (e->flags & SCAN_F_HEAP) {
		v->severity = SEVERITY_medium;
		verdict_message(v, "The heap was made executable");
	} else if (!has_jit_shape(e)) {
		v->severity = writable ? SEVERITY_low : SEVERITY_informational;
		verdict_message(v, "A small piece of %s%s: %llu bytes", what,
				writable ? ", and writable" : "", (unsigned long long)e->size);
	}
	return with_evidence(ev, v);
}

static int on_image(void *state, const struct event *ev, struct verdict *v)
{
	const struct ev_scan *e = EVENT_AS(scan, ev);

	(void)state;
	if (e->kind != SCAN_elf_image)
		return 0;
	v->severity = SEVERITY_high;
	verdict_message(v,
			"An ELF file was loaded by hand into memory that no file is behind, at "
			"0x%llx",
			(unsigned long long)e->at);
	return with_evidence(ev, v);
}

/* --- files without a name --- */

static int on_memory_file(void *state, const struct event *ev, struct verdict *v)
{
	struct scanned s = scanned(ev);
	const struct ev_scan *e = s.e;

	(void)state;
	if (e->kind != SCAN_memory_file)
		return 0;
	if (e->flags & SCAN_F_EXECUTING) {
		v->severity = SEVERITY_high;
		verdict_message(v, "Thread %u is in a system call that was made from %.*s",
				e->thread, s.path_len, s.path);
	} else if (e->flags & SCAN_F_ELF) {
		v->severity = SEVERITY_high;
		verdict_message(v,
				"A program or library is loaded from a file that only memory "
				"holds: %.*s",
				s.path_len, s.path);
	} else if (e->flags & SCAN_F_SYSCALLS) {
		v->severity = SEVERITY_medium;
		verdict_message(v,
				"Code in %.*s, a file that only memory holds, makes system calls "
				"itself",
				s.path_len, s.path);
	} else if (!(e->flags & SCAN_F_WRITABLE_TWIN)) {
		/* A JIT compiler maps it twice: once to write, once to execute. */
		v->severity = SEVERITY_low;
		verdict_message(v, "Executable mapping of a file that only memory holds: %.*s",
				s.path_len, s.path);
	}
	return with_evidence(ev, v);
}

static int on_deleted(void *state, const struct event *ev, struct verdict *v)
{
	struct scanned s = scanned(ev);
	bool exe = s.e->kind == SCAN_deleted_exe, temporary = s.e->flags & SCAN_F_TEMPORARY;
	const char *what = exe ? "The program that runs" : "A library that is loaded";

	(void)state;
	if (!exe && s.e->kind != SCAN_deleted_file)
		return 0;
	if (s.e->flags & SCAN_F_REPLACED) {
		v->severity = temporary ? SEVERITY_low : SEVERITY_informational;
		verdict_message(v, "%s was replaced by another file: %.*s", what, s.path_len,
				s.path);
	} else if (temporary) {
		v->severity = SEVERITY_medium;
		verdict_message(v,
				"%s was deleted from a directory that everybody may write to: %.*s",
				what, s.path_len, s.path);
	} else {
		v->severity = exe ? SEVERITY_low : SEVERITY_informational;
		verdict_message(v, "%s was deleted: %.*s", what, s.path_len, s.path);
	}
	return with_evidence(ev, v);
}

/* --- changed code --- */

/*
 * Where the sensor has uprobes of its own (source/bpf_pam.c). Somebody else's breakpoint there is
 * no hook either: nobody catches what it raises.
 */
static bool has_own_uprobes(const struct scanned *s)
{
	static const char *const files[] = { "libpam.so", "redshank" };
	const char *slash = memrchr(s->path, '/', (size_t)s->path_len);
	const char *leaf = slash ? slash + 1 : s->path;
	size_t len = (size_t)(s->path + s->path_len - leaf);

	if (s->e->flags & (SCAN_F_TRACED | SCAN_F_TRAPS_CAUGHT))
		return false;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (len >= strlen(files[i]) && !memcmp(leaf, files[i], strlen(files[i])))
			return true;
	return false;
}

static int on_text(void *state, const struct event *ev, struct verdict *v)
{
	struct scanned s = scanned(ev);
	const struct ev_scan *e = s.e;
	bool traced = e->flags & SCAN_F_TRACED;

	(void)state;
	if (e->kind != SCAN_text_changed)
		return 0;
	if (e->flags & SCAN_F_ONLY_BREAKPOINTS && has_own_uprobes(&s))
		return 0;
	if (e->flags & SCAN_F_ONLY_BREAKPOINTS) {
		/* A debugger's or a uprobe's; but who catches SIGTRAP could make hooks of them. */
		v->severity = !traced && e->flags & SCAN_F_TRAPS_CAUGHT ? SEVERITY_low
									: SEVERITY_informational;
		verdict_message(v, "Breakpoints are set in %.*s: %llu", s.path_len, s.path,
				(unsigned long long)e->breakpoints);
		return with_evidence(ev, v);
	}
	v->severity = e->flags & SCAN_F_TEXT_RELOCATIONS ? SEVERITY_informational
		      : traced				 ? SEVERITY_low
							 : SEVERITY_high;
	verdict_message(
		v, "Code of %.*s was changed in memory: %llu bytes are not those of the file%s",
		s.path_len, s.path, (unsigned long long)e->differing,
		e->flags & SCAN_F_TEXT_RELOCATIONS ? ", which asks for that"
		: traced			   ? "; a debugger is attached"
						   : "");
	return with_evidence(ev, v);
}

/* --- YARA --- */

/* A rule may say in its metadata what it is worth: level = "low". */
static enum severity level_of(const struct event *ev)
{
	struct value meta;
	size_t pos = 0, len;
	const char *p;

	value_get(ev, field_find(ev->desc, "redshank.scan.yara.meta"), &meta);
	while (meta.kind == VALUE_list && value_next(&meta, &pos, &p, &len)) {
		char word[32];
		if (len < 7 || memcmp(p, "level=", 6) || len - 6 >= sizeof(word))
			continue;
		memcpy(word, p + 6, len - 6);
		word[len - 6] = '\0';
		enum severity s = severity_by_name(word);
		if (s != SEVERITY_none)
			return s;
	}
	return SEVERITY_high;
}

static int on_yara(void *state, const struct event *ev, struct verdict *v)
{
	const struct ev_scan *e = EVENT_AS(scan, ev);
	size_t len;

	(void)state;
	if (e->kind != SCAN_yara)
		return 0;
	const char *rule = rec_str(ev->rec, e->rule, &len);
	v->severity = level_of(ev);
	verdict_message(v, "The YARA rule %.*s matches memory of the process", (int)len, rule);
	return with_evidence(ev, v);
}

/* --- what they are --- */

static const enum ev_type wants[] = { EV_scan, EV_none };

#define INJECTION                                               \
	{                                                       \
		"T1055", "Process Injection", "Defense Evasion" \
	}
#define REFLECTIVE                                                    \
	{                                                             \
		"T1620", "Reflective Code Loading", "Defense Evasion" \
	}

static const struct technique loaded[] = { REFLECTIVE, INJECTION, { NULL, NULL, NULL } };
static const struct technique injected[] = { INJECTION, { NULL, NULL, NULL } };
static const struct technique deleted[] = {
	{ "T1070.004", "Indicator Removal: File Deletion", "Defense Evasion" },
	{ NULL, NULL, NULL },
};

const struct detector detector_memory_code = {
	.info = {
		.id = "redshank.memory.code",
		.name = "Executable memory without a file",
		.doc = "The memory scan found code in a process that no file is behind. High: a thread "
		       "was waiting in a system call made from there, which code of a JIT compiler "
		       "never does. Save the region (gdb: dump memory; or /proc/PID/mem) before the "
		       "process ends, disassemble it, and look at how the process was started and at "
		       "its connections.",
		.false_positives =
			"JIT compilers have large, several or named regions, and call into their "
			"runtime for system calls: these do not alert. Small ones without any sign "
			"(libffi closures, PCRE2 patterns) are low at most. Binary translators and "
			"tracers that emit system calls themselves (Valgrind's relatives, DynamoRIO, "
			"rr, Wine) do alert: except them by executable.",
		.techniques = loaded,
	},
	.wants = wants,
	.on_event = on_code,
};

const struct detector detector_memory_image = {
	.info = {
		.id = "redshank.memory.image",
		.name = "ELF file loaded by hand",
		.doc = "An ELF header stands in or before executable memory that no file is behind: "
		       "somebody loaded a program or library without the kernel's or the dynamic "
		       "loader's help, so that nothing of it is on disk (userland exec, reflective "
		       "loading). Save the image, look for what it opened and connected to.",
		.false_positives = "Programs packed with UPX and the like unpack themselves this way: "
				   "except them by path and hash.",
		.techniques = loaded,
	},
	.wants = wants,
	.on_event = on_image,
};

const struct detector detector_memory_file = {
	.info = {
		.id = "redshank.memory.memory_file",
		.name = "Code of a file that only memory holds",
		.doc = "A process has mapped a memfd, or other memory that has no name on any file "
		       "system, to execute it. With an ELF file in it: a library loaded so that no "
		       "file scanner sees it (dlopen of /proc/self/fd/N). Copy it from "
		       "/proc/PID/map_files while the process runs.",
		.false_positives = "JIT compilers that map their code twice, once writable and once "
				   "executable (.NET, QEMU), do not alert. Protectors that unpack "
				   "libraries into a memfd do: except them by path.",
		.techniques = loaded,
	},
	.wants = wants,
	.on_event = on_memory_file,
};

const struct detector detector_memory_deleted = {
	.info = {
		.id = "redshank.memory.deleted",
		.name = "Code of a deleted file",
		.doc = "A process runs a program, or has a library loaded, whose file was deleted. "
		       "Malware removes its file once it runs. Copy it from /proc/PID/exe or "
		       "/proc/PID/map_files. Informational: an upgrade put another file in its place, "
		       "and the process should be restarted.",
		.false_positives = "Package upgrades are informational. Installers, test runs and Java "
				   "libraries that unpack native code to /tmp and delete it look like "
				   "malware that does the same: except them by executable and parent.",
		.techniques = deleted,
	},
	.wants = wants,
	.on_event = on_deleted,
};

const struct detector detector_memory_text = {
	.info = {
		.id = "redshank.memory.text",
		.name = "Code changed in memory",
		.doc = "Code of a program or library in memory is not what its file has: somebody wrote "
		       "into it (inline hooks, code put into another process by ptrace or "
		       "/proc/PID/mem). The evidence shows the first bytes of both. Compare "
		       "the region with the file, find out who wrote: ptrace events, debuggers, "
		       "injected libraries.",
		.false_positives =
			"Breakpoints of debuggers and uprobes (perf, bpftrace) are told apart and "
			"informational, other changes while a debugger is attached low. Libraries "
			"with text relocations are informational. Programs that patch themselves "
			"(some profilers, frida-based tools, anti-cheat) alert: except them by path.",
		.techniques = injected,
	},
	.wants = wants,
	.on_event = on_text,
};

const struct detector detector_memory_yara = {
	.info = {
		.id = "redshank.memory.yara",
		.name = "YARA rule matches a process",
		.doc = "A YARA rule that this machine's administrator gave (scan.yara, --yara) matches "
		       "memory of the process. What that means is the rule's to say: its metadata "
		       "stands in the event. High, unless its metadata says level = \"low\" or "
		       "another of Sigma's levels.",
		.false_positives = "Programs that hold the same strings for honest reasons: other "
				   "scanners, editors and shells in which the rules are open.",
		.techniques = injected,
	},
	.wants = wants,
	.on_event = on_yara,
};
