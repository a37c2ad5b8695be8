// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Processes: fork, exec, exit, and an inventory of those that were there before us.
 *
 * Each event has one body and thin variants named <event>__<kind of program>; user space takes the
 * first variant that this kernel loads and fires (user/source/hooks.c).
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "again.h"
#include "fresh.h"
#include "mem.h"

char LICENSE[] SEC("license") __weak = "Dual BSD/GPL";

static __always_inline int on_fork(struct task_struct *creator, struct task_struct *child)
{
	if (BPF_CORE_READ(child, pid) != BPF_CORE_READ(child, tgid))
		return 0; /* a thread */
	struct ev_fork *e = ev_reserve(&ring_main, fork);
	if (!e)
		return 0;
	hdr_fill(&e->hdr, child);
	/* With CLONE_PARENT the parent is another: lineage is who created it. */
	e->hdr.ppid = BPF_CORE_READ(creator, tgid);
	e->hdr.parent_start = BPF_CORE_READ(creator, group_leader, start_boottime);
	ev_submit(e, EV_fork);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(fork__tp_btf, struct task_struct *parent, struct task_struct *child)
{
	first_begins(EV_fork);
	return on_fork(parent, child);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(again_fork__tp_btf, struct task_struct *parent, struct task_struct *child)
{
	return first_was_here(EV_fork) ? 0 : on_fork(parent, child);
}

SEC("raw_tp/sched_process_fork")
int fork__raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	first_begins(EV_fork);
	return on_fork((void *)ctx->args[0], (void *)ctx->args[1]);
}

SEC("raw_tp/sched_process_fork")
int again_fork__raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	return first_was_here(EV_fork) ? 0 : on_fork((void *)ctx->args[0], (void *)ctx->args[1]);
}

/* --- exec --- */

#define ENV_STRINGS_MAX 256 /* environment strings that are looked at */
#define ENV_ROUND	16 /* those of them that the verifier looks at */

/* Is the string in path[] one of the chosen variables? */
static __always_inline bool env_chosen(struct scratch *s)
{
	u64 *w = (u64 *)s->path;
	for (u32 i = 0; i < ENV_NAMES_MAX; i++) {
		if (i >= knob_env_names)
			break;
		const volatile struct env_name *n = &knob_env_name[i];
		if ((w[0] & n->mask[0]) == n->word[0] && (w[1] & n->mask[1]) == n->word[1])
			return true;
	}
	return false;
}

/* Takes one environment string. Returns 1 at the end, with env.at below env.end if more is there.
 */
static __always_inline int env_step(struct scratch *s)
{
	if (s->env.at >= s->env.end)
		return 1;
	((u64 *)s->path)[0] = ((u64 *)s->path)[1] = 0;
	long n = bpf_probe_read_user_str(s->path, EV_PATH_MAX, (void *)s->env.at);
	if (n <= 0)
		return 1;
	if (env_chosen(s)) {
		u64 off = s->off, len = n;
		barrier_var(len);
		if (len > EV_PATH_MAX || s->env.used + len > EV_ENV_MAX || off > REC_OFF_MASK)
			return 1;
		off &= REC_OFF_MASK;
		if (bpf_probe_read_kernel(&s->rec[off], len, s->path))
			return 1;
		s->off = off + len;
		s->env.used += len;
	}
	s->env.at += n;
	return 0;
}

/*
 * Walks the environment strings, and some of them. Global functions with their state in the
 * scratch, for the reasons that path_walk_round() has.
 */
__weak __noinline int env_walk_round(u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratches, &slot);
	if (!s)
		return 1;
	for (int i = 0; i < ENV_ROUND; i++)
		if (env_step(s))
			return 1;
	return 0;
}

__weak __noinline int env_walk(u32 slot)
{
	for (int i = 0; i < ENV_STRINGS_MAX / ENV_ROUND; i++)
		if (env_walk_round(slot))
			break;
	return 0;
}

/*
 * Appends the chosen environment variables. The others hold secrets and never leave the process:
 * each string is read, compared with the chosen names, and dropped.
 */
static __always_inline void put_env(struct scratch *s, u32 slot, struct ev_exec *e,
				    struct mm_struct *mm)
{
	u64 start = s->off;

	s->env.at = BPF_CORE_READ(mm, env_start);
	s->env.end = BPF_CORE_READ(mm, env_end);
	s->env.used = 0;
	if (knob_env_names)
		env_walk(slot);
	if (s->env.used) {
		e->env.off = start;
		e->env.len = s->env.used;
	}
	if (knob_env_names && s->env.at < s->env.end)
		e->hdr.truncated |= 1ULL << EVF_exec_env;
}

/*
 * The kernel checks each file of an exec: first the one that was named, and if that is a script,
 * its interpreter. The first one is kept for the exec event.
 */
static __always_inline int on_exec_check(struct linux_binprm *bprm)
{
	count_fact(FACT_script);
	if (BPF_CORE_READ(bprm, interp) != BPF_CORE_READ(bprm, filename))
		return 0; /* an interpreter */
	struct file *f = BPF_CORE_READ(bprm, file);
	struct exec_file ef = {
		.ino = BPF_CORE_READ(f, f_inode, i_ino),
		.dev = BPF_CORE_READ(f, f_inode, i_sb, s_dev),
		.nlink = BPF_CORE_READ(f, f_inode, i_nlink),
		.origin = file_origin(f),
	};
	u64 key = bpf_get_current_pid_tgid();
	bpf_map_update_elem(&exec_files, &key, &ef, BPF_ANY);
	return 0;
}

SEC("lsm/bprm_check_security")
int BPF_PROG(script__lsm, struct linux_binprm *bprm)
{
	return on_exec_check(bprm);
}

SEC("fentry/security_bprm_check")
int BPF_PROG(script__fentry, struct linux_binprm *bprm)
{
	return on_exec_check(bprm);
}

SEC("kprobe/security_bprm_check")
int BPF_KPROBE(script__kprobe, struct linux_binprm *bprm)
{
	return on_exec_check(bprm);
}

#define PROC_SUPER_MAGIC 0x9fa0 /* include/uapi/linux/magic.h */

/* Can this name lead to one of the task's own descriptors, symbolic links apart? */
static __always_inline bool name_in_proc(struct scratch *s, struct ev_exec *e,
					 struct task_struct *t)
{
	const char *n = &s->rec[e->filename.off & REC_OFF_MASK];

	if (n[0] != '/')
		return BPF_CORE_READ(t, fs, pwd.dentry, d_sb, s_magic) == PROC_SUPER_MAGIC;
	return (n[1] == 'p' && n[2] == 'r' && n[3] == 'o' && n[4] == 'c' && n[5] == '/') ||
	       (n[1] == 'd' && n[2] == 'e' && n[3] == 'v' && n[4] == '/');
}

/*
 * Where no hook tells which file a script is in: that file is closed again when its interpreter has
 * been opened, and what is left is the name. If that is one of a descriptor, the descriptor is
 * still there, for the interpreter is to open it.
 */
static __always_inline bool script_in_memfd(struct scratch *s, struct ev_exec *e,
					    struct task_struct *t)
{
	u64 end = e->filename.off + e->filename.len, fd = 0, scale = 1;
	int i;

	if (!name_in_proc(s, e, t))
		return false;
	for (i = 0; i < 10 && i < e->filename.len; i++) {
		u64 at = (end - 1 - i) & REC_OFF_MASK;
		u8 c = s->rec[at];
		if (c < '0' || c > '9')
			break;
		fd += (c - '0') * scale;
		scale *= 10;
	}
	u64 at = (end - 1 - i) & REC_OFF_MASK;
	if (i ? i < e->filename.len && s->rec[at] != '/' : s->rec[at] != 'n') /* n: /dev/stdin, 0 */
		return false;
	struct fdtable *fdt = BPF_CORE_READ(t, files, fdt);
	if (fd >= BPF_CORE_READ(fdt, max_fds))
		return false;
	struct file **slot = BPF_CORE_READ(fdt, fd), *file = NULL;
	bpf_probe_read_kernel(&file, sizeof(file), slot + fd);
	return file && file_is_memfd(file);
}

/* What on_exec_check() kept. False if there is nothing: no such hook is at work, or it was evicted.
 * old_pid: of the thread, before an exec by another than the leader gave it the leader's. */
static __always_inline bool put_script(struct ev_exec *e, struct task_struct *t, pid_t old_pid)
{
	u64 key = (u64)e->hdr.pid << 32 | (u32)old_pid;
	struct exec_file *ef = bpf_map_lookup_elem(&exec_files, &key);
	if (!ef)
		return false;
	e->script_ino = ef->ino;
	e->script_dev = ef->dev;
	e->script_nlink = ef->nlink;
	e->script_origin = ef->origin;
	return true;
}

/* What the kernel mapped besides the program itself: its interpreter, its stack. Returns EXE_F_*.
 */
static __always_inline u32 put_memory(struct ev_exec *e, struct task_struct *t,
				      struct mm_struct *mm)
{
	u64 base = loader_base((u64)mm);
	struct vm_area_struct *loader = base ? (void *)vma_at((u64)mm, base) : NULL;
	struct vm_area_struct *stack = (void *)vma_at((u64)mm, BPF_CORE_READ(mm, start_stack));
	struct file *f = loader ? BPF_CORE_READ(loader, vm_file) : NULL;
	u32 flags = 0;

	if (f) {
		struct inode *i = shown_inode(f);
		e->loader_ino = BPF_CORE_READ(i, i_ino);
		e->loader_dev = BPF_CORE_READ(i, i_sb, s_dev);
		e->loader_origin = file_origin(f);
	}
	if (stack && BPF_CORE_READ(stack, vm_flags) & VM_EXEC)
		flags |= EXE_F_STACK_EXEC;
	if (BPF_CORE_READ(t, personality) & PERSONA_READ_EXEC)
		flags |= EXE_F_READ_IMPLIES_EXEC;
	return flags;
}

/* What a script or a shell may be fed from besides a file: descriptors, and who holds connections.
 */
static __always_inline void put_feeds(struct ev_exec *e, struct task_struct *t)
{
	struct file **table = BPF_CORE_READ(t, files, fdt, fd), *f = NULL;
	u32 own = fds_look(bpf_get_current_task()); /* t, but a number to the verifier */

	e->stdin_origin = stdin_origin(task_file(t, 0), e->stdin_type);
	e->pipe_fd = own >> 16 & 0xff;
	e->memfd_fd = own >> 24;
	bpf_probe_read_kernel(&f, sizeof(f), table + e->pipe_fd);
	e->pipe_ino = e->pipe_fd ? BPF_CORE_READ(f, f_inode, i_ino) : 0;
	if (e->stdin_type == FD_TYPE_file || e->stdin_type == FD_TYPE_null)
		return;
	u32 parents = fds_look((u64)BPF_CORE_READ(t, real_parent));
	e->parent_inet = parents & 0xff;
	e->parent_inet_stdio = parents >> 8 & 0xff;
}

static __always_inline int on_exec(struct task_struct *t, pid_t old_pid, struct linux_binprm *bprm)
{
	u32 slot = 0;
	struct scratch *s = rec_begin_cpu(&slot, EV_exec, sizeof(struct ev_exec));
	if (!s)
		return 0;
	struct ev_exec *e = (void *)s->rec;
	struct mm_struct *mm = BPF_CORE_READ(t, mm);
	const char *filename = BPF_CORE_READ(bprm, filename), *interp = BPF_CORE_READ(bprm, interp);
	u32 flags = put_memory(e, t, mm);

	hdr_fill(&e->hdr, t);
	e->argc = BPF_CORE_READ(bprm, argc);
	e->secure = BPF_CORE_READ_BITFIELD_PROBED(bprm, secureexec);
	rec_put_cstr(s, &e->filename, EVF_exec_filename, filename, EV_PATH_MAX);
	if (interp != filename) {
		flags |= EXE_F_SCRIPT;
		rec_put_cstr(s, &e->interp, EVF_exec_interp, interp, 256); /* BINPRM_BUF_SIZE */
		bool known = put_script(e, t, old_pid);
		if (!known)
			e->hdr.unseen |= UNSEEN_script;
		if (known ? e->script_origin == EXE_ORIGIN_memfd : script_in_memfd(s, e, t))
			flags |= EXE_F_SCRIPT_MEMFD;
		if (known)
			flags |= put_written(e, e->script_ino, e->script_dev);
	} else {
		struct inode *i = BPF_CORE_READ(bprm, file, f_inode);
		flags |= put_written(e, BPF_CORE_READ(i, i_ino), BPF_CORE_READ(i, i_sb, s_dev));
	}
	EXE_FILL(s, slot, e, t, BPF_CORE_READ(bprm, file), flags, exec);
	PROC_FILL(s, slot, e, t, exec);
	STDIO_FILL(e, t);
	put_feeds(e, t);
	put_env(s, slot, e, mm);
	u64 arg = BPF_CORE_READ(mm, arg_start), size = BPF_CORE_READ(mm, arg_end) - arg;
	e->args_size = size;
	rec_put(s, &e->args, EVF_exec_args, (void *)arg, size, EV_ARGS_MAX, REC_USER);
	rec_submit(s, &ring_main, EV_exec);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(exec__tp_btf, struct task_struct *t, pid_t old_pid, struct linux_binprm *bprm)
{
	first_begins(EV_exec);
	return on_exec(t, old_pid, bprm);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(again_exec__tp_btf, struct task_struct *t, pid_t old_pid, struct linux_binprm *bprm)
{
	return first_was_here(EV_exec) ? 0 : on_exec(t, old_pid, bprm);
}

SEC("raw_tp/sched_process_exec")
int exec__raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	first_begins(EV_exec);
	return on_exec((void *)ctx->args[0], (pid_t)ctx->args[1], (void *)ctx->args[2]);
}

SEC("raw_tp/sched_process_exec")
int again_exec__raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	return first_was_here(EV_exec)
		       ? 0
		       : on_exec((void *)ctx->args[0], (pid_t)ctx->args[1], (void *)ctx->args[2]);
}

/* --- exit --- */

#define SIGNAL_GROUP_EXIT 0x4 /* include/linux/sched/signal.h */

static __always_inline int on_exit(struct task_struct *t)
{
	struct signal_struct *sig = BPF_CORE_READ(t, signal);
	if (BPF_CORE_READ(sig, live.counter))
		return 0; /* other threads live on */
	struct ev_exit *e = ev_reserve(&ring_main, exit);
	if (!e)
		return 0;
	struct task_struct *leader = BPF_CORE_READ(t, group_leader);
	hdr_fill(&e->hdr, t);
	BPF_CORE_READ_STR_INTO(&e->hdr.name, leader, comm);
	/* As wait(2) will see it: a whole-group exit counts, else the leader's own code. */
	u32 code = BPF_CORE_READ(sig, flags) & SIGNAL_GROUP_EXIT
			   ? BPF_CORE_READ(sig, group_exit_code)
			   : BPF_CORE_READ(leader, exit_code);
	e->signal = code & 0x7f;
	e->code = e->signal ? -1 : code >> 8 & 0xff;
	ev_submit(e, EV_exit);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(exit__tp_btf, struct task_struct *t)
{
	first_begins(EV_exit);
	return on_exit(t);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(again_exit__tp_btf, struct task_struct *t)
{
	return first_was_here(EV_exit) ? 0 : on_exit(t);
}

SEC("raw_tp/sched_process_exit")
int exit__raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	first_begins(EV_exit);
	return on_exit((void *)ctx->args[0]);
}

SEC("raw_tp/sched_process_exit")
int again_exit__raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	return first_was_here(EV_exit) ? 0 : on_exit((void *)ctx->args[0]);
}

/* --- rename --- */

/* execve(2) renames, too; its own record tells that. Another thread may do it meanwhile. */
static __always_inline bool renamed_by_exec(struct task_struct *t)
{
	if ((void *)t != (void *)bpf_get_current_task() || !bpf_core_field_exists(t->in_execve))
		return false;
	return BPF_CORE_READ_BITFIELD_PROBED(t, in_execve);
}

static __always_inline int on_rename(struct task_struct *t, const char *name)
{
	if (BPF_CORE_READ(t, flags) & PF_KTHREAD || renamed_by_exec(t))
		return 0;
	struct ev_rename *e = ev_reserve(&ring_bulk, rename);
	if (!e)
		return 0;
	hdr_fill(&e->hdr, t);
	/* The tracepoint comes first, the change after it; the record is about what is then. */
	__builtin_memcpy(e->old, e->hdr.name, sizeof(e->old));
	bpf_probe_read_kernel_str(e->new, sizeof(e->new), name);
	__builtin_memcpy(e->hdr.name, e->new, sizeof(e->new));
	ev_submit(e, EV_rename);
	return 0;
}

SEC("tp_btf/task_rename")
int BPF_PROG(rename__tp_btf, struct task_struct *t, const char *name)
{
	first_begins(EV_rename);
	return on_rename(t, name);
}

SEC("tp_btf/task_rename")
int BPF_PROG(again_rename__tp_btf, struct task_struct *t, const char *name)
{
	return first_was_here(EV_rename) ? 0 : on_rename(t, name);
}

SEC("raw_tp/task_rename")
int rename__raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	first_begins(EV_rename);
	return on_rename((void *)ctx->args[0], (void *)ctx->args[1]);
}

SEC("raw_tp/task_rename")
int again_rename__raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	return first_was_here(EV_rename) ? 0
					 : on_rename((void *)ctx->args[0], (void *)ctx->args[1]);
}

/* --- inventory --- */

/* One proc record for each process, through the iterator's own file (seq_write, not a ring). */
SEC("iter/task")
int proc__iter(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;
	if (!t || BPF_CORE_READ(t, pid) != BPF_CORE_READ(t, tgid))
		return 0;
	u32 slot = knob_iter_slot;
	struct scratch *s = rec_begin(slot, EV_proc, sizeof(struct ev_proc));
	if (!s)
		return 0;
	struct ev_proc *e = (void *)s->rec;
	struct mm_struct *mm = BPF_CORE_READ(t, mm);

	hdr_fill(&e->hdr, t);
	if (mm) {
		struct file *exe = BPF_CORE_READ(mm, exe_file);
		e->args_size = BPF_CORE_READ(mm, arg_end) - BPF_CORE_READ(mm, arg_start);
		if (exe)
			EXE_FILL(s, slot, e, t, exe, 0, proc);
	}
	PROC_FILL(s, slot, e, t, proc);
	STDIO_FILL(e, t);
	u64 len = rec_finish(s);
	barrier_var(len);
	if (len <= EV_LEN_MAX)
		bpf_seq_write(ctx->meta->seq, s->rec, len);
	rec_release(s);
	return 0;
}
