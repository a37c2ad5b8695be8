/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reaches into another process, or does to the kernel what attackers do, harmlessly: what is
 * written is what was there, files of the kernel are opened and closed again.
 *
 *   reach attach|seize|poke|regs|writev|readv|memwrite|getfd|vdso PID
 *   reach traceme       a child lets itself be traced
 *   reach self          writes to read-only memory by /proc/self/mem (ddexec)
 *   reach open PATH     opens it for writing
 *   reach userfault     as nobody
 *   reach bpf           loads a BPF program
 *   reach init|finit    hands garbage over as a module, from memory or from a memfd
 *   reach setuid        a process that is not root, but has CAP_SETUID, becomes root
 *   reach setns PID KIND  enters that process's namespace
 *   reach unshare       a user and a mount namespace of its own
 *   reach mount         mounts a tmpfs in a namespace of its own
 *   reach int80         ptrace(2) by the 32-bit entry
 *   reach uring PATH    opens, renames and unlinks PATH by io_uring; sqpoll: by a kernel thread
 *   reach idle          waits, to be reached
 */
#include "trigger.h"
#include "uring.h"

#include <linux/bpf.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

static volatile long marker = 4711; /* at the same address in each process of this program */

static void announce(const char *what)
{
	say("{\"pid\":%d,\"what\":\"%s\",\"path\":\"\"}", getpid(), what);
}

static void attach(pid_t pid)
{
	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) || waitpid(pid, NULL, __WALL) != pid)
		die("PTRACE_ATTACH");
}

static void poke(pid_t pid)
{
	attach(pid);
	errno = 0;
	long word = ptrace(PTRACE_PEEKTEXT, pid, &marker, NULL);
	if (errno || ptrace(PTRACE_POKETEXT, pid, &marker, (void *)word))
		die("PTRACE_POKETEXT");
}

static void set_registers(pid_t pid)
{
	struct user_regs_struct regs;
	struct iovec io = { &regs, sizeof(regs) };

	attach(pid);
	if (ptrace(PTRACE_GETREGSET, pid, (void *)1, &io) ||
	    ptrace(PTRACE_SETREGSET, pid, (void *)1, &io))
		die("PTRACE_SETREGSET");
}

static void copy(pid_t pid, bool to_it)
{
	long word = marker;
	struct iovec here = { &word, sizeof(word) },
		     there = { (void *)(uintptr_t)&marker, sizeof(marker) };
	ssize_t n = to_it ? process_vm_writev(pid, &here, 1, &there, 1, 0)
			  : process_vm_readv(pid, &here, 1, &there, 1, 0);
	if (n != sizeof(word))
		die("process_vm");
}

static void write_memory(pid_t pid, const volatile void *at)
{
	char path[64];
	long word;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || pread(fd, &word, sizeof(word), (off_t)(uintptr_t)at) != sizeof(word) ||
	    pwrite(fd, &word, sizeof(word), (off_t)(uintptr_t)at) != sizeof(word))
		die(path);
	close(fd);
}

/* The first word of the other's vDSO, by PTRACE_POKEDATA, as it was. */
static void overwrite_vdso(pid_t pid)
{
	unsigned long at = vdso_of(pid);

	attach(pid);
	errno = 0;
	long word = ptrace(PTRACE_PEEKDATA, pid, (void *)at, NULL);
	if (errno || ptrace(PTRACE_POKEDATA, pid, (void *)at, (void *)word))
		die("PTRACE_POKEDATA");
}

static void get_descriptor(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0 || syscall(SYS_pidfd_getfd, fd, 0, 0) < 0)
		die("pidfd_getfd");
}

static void traceme(void)
{
	pid_t pid = fork();
	if (!pid) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			die("PTRACE_TRACEME");
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	errno = 0;
	long word = ptrace(PTRACE_PEEKTEXT, pid, &marker, NULL);
	if (errno || ptrace(PTRACE_POKETEXT, pid, &marker, (void *)word))
		die("PTRACE_POKETEXT of a child");
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	waitpid(pid, NULL, 0);
}

static void userfault(void)
{
	if (setresuid(65534, 65534, 65534) || prctl(PR_SET_DUMPABLE, 1) ||
	    syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY) < 0)
		die("userfaultfd");
}

static void load_bpf(void)
{
	struct bpf_insn code[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K },
				   { .code = BPF_JMP | BPF_EXIT } };
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
				.insns = (uintptr_t)code,
				.insn_cnt = 2,
				.license = (uintptr_t) "GPL",
				.prog_name = "rs_reach" };
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY }; /* before 5.11 programs count */
	setrlimit(RLIMIT_MEMLOCK, &all);
	if (syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)) < 0)
		die("BPF_PROG_LOAD");
}

static void module(bool from_file)
{
	static const char garbage[4096] = "not a module";
	long rc = from_file ? syscall(SYS_finit_module,
				      memfd_with("module", 0, garbage, sizeof(garbage)), "", 0)
			    : syscall(SYS_init_module, garbage, sizeof(garbage), "");
	if (!rc || errno == ENOSYS)
		die("module");
}

static void become_root(void)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setresuid(65534, 65534, 65534))
		die("setresuid");
	struct {
		uint32_t version;
		int pid;
	} header = { 0x20080522, 0 };
	uint32_t data[6] = { 1U << 7, 1U << 7 }; /* CAP_SETUID, effective and permitted */
	if (syscall(SYS_capset, &header, data) || setuid(0))
		die("setuid");
}

static void enter(pid_t pid, const char *kind)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kind);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, 0))
		die(path);
}

static void mount_own(void)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("rs-source", "/tmp", "tmpfs", 0, "size=4k"))
		die("mount");
}

#ifdef __x86_64__
static void int80(pid_t pid)
{
	long rc;
	__asm__ volatile("int $0x80"
			 : "=a"(rc)
			 : "a"(26), "b"(PTRACE_ATTACH), "c"(pid), "d"(0), "S"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	if (rc)
		die("int 0x80");
	waitpid(pid, NULL, __WALL);
}
#else
static void int80(pid_t pid)
{
	attach(pid);
}
#endif

static void uring(const char *path, unsigned flags)
{
	struct ring r;
	char to[4096];
	struct sockaddr_in peer = { .sin_family = AF_INET,
				    .sin_port = htons(9),
				    .sin_addr = { htonl(INADDR_LOOPBACK) } };

	snprintf(to, sizeof(to), "%s.renamed", path);
	ring_open(&r, flags);
	int fd = ring_do(&r, (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
						    .fd = AT_FDCWD,
						    .addr = (uintptr_t)path,
						    .len = 0600,
						    .open_flags = O_CREAT | O_WRONLY });
	if (fd < 0 || ring_do(&r, (struct io_uring_sqe){ .opcode = IORING_OP_RENAMEAT,
							 .fd = AT_FDCWD,
							 .addr = (uintptr_t)path,
							 .len = (unsigned)AT_FDCWD,
							 .addr2 = (uintptr_t)to }))
		die("openat, renameat");
	if (ring_do(&r, (struct io_uring_sqe){ .opcode = IORING_OP_UNLINKAT,
					       .fd = AT_FDCWD,
					       .addr = (uintptr_t)to }))
		die("unlinkat");
	ring_do(&r, (struct io_uring_sqe){ .opcode = IORING_OP_CONNECT,
					   .fd = socket(AF_INET, SOCK_STREAM, 0),
					   .addr = (uintptr_t)&peer,
					   .off = sizeof(peer) });
}

static bool on_process(const char *mode, pid_t pid)
{
	if (!strcmp(mode, "attach"))
		attach(pid);
	else if (!strcmp(mode, "seize"))
		return !ptrace(PTRACE_SEIZE, pid, NULL, NULL);
	else if (!strcmp(mode, "poke"))
		poke(pid);
	else if (!strcmp(mode, "regs"))
		set_registers(pid);
	else if (!strcmp(mode, "writev"))
		copy(pid, true);
	else if (!strcmp(mode, "readv"))
		copy(pid, false);
	else if (!strcmp(mode, "memwrite"))
		write_memory(pid, &marker);
	else if (!strcmp(mode, "getfd"))
		get_descriptor(pid);
	else if (!strcmp(mode, "vdso"))
		overwrite_vdso(pid);
	else if (!strcmp(mode, "int80"))
		int80(pid);
	else
		return false;
	return true;
}

static bool alone(const char *mode)
{
	if (!strcmp(mode, "traceme"))
		traceme();
	else if (!strcmp(mode, "self"))
		write_memory(getpid(), (const void *)(uintptr_t)&announce); /* its own text */
	else if (!strcmp(mode, "userfault"))
		userfault();
	else if (!strcmp(mode, "bpf"))
		load_bpf();
	else if (!strcmp(mode, "init") || !strcmp(mode, "finit"))
		module(*mode == 'f');
	else if (!strcmp(mode, "setuid"))
		become_root();
	else if (!strcmp(mode, "unshare"))
		return !unshare(CLONE_NEWUSER | CLONE_NEWNS);
	else if (!strcmp(mode, "mount"))
		mount_own();
	else
		return !strcmp(mode, "idle");
	return true;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "", *arg = argc > 2 ? argv[2] : "";
	pid_t pid = atoi(arg);
	int fd;

	if (!strcmp(mode, "open")) {
		if ((fd = open(arg, O_WRONLY | O_CLOEXEC)) < 0)
			die(arg);
		close(fd);
	} else if (!strcmp(mode, "uring") || !strcmp(mode, "sqpoll")) {
		uring(arg, *mode == 's' ? IORING_SETUP_SQPOLL : 0);
	} else if (!strcmp(mode, "setns") && argc > 3) {
		enter(pid, argv[3]);
	} else if (!(pid ? on_process(mode, pid) : alone(mode))) {
		die(mode);
	}
	announce(mode);
	wait_for_eof();
	return 0;
}
