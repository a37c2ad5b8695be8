/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reaches into processes and into the kernel in ways that are meant not to be seen; what is written
 * is what was there, settings of the kernel are opened and not changed.
 *
 *   evade_reach reach vectors PID    by process_vm_writev, of several vectors one in the vDSO
 *   evade_reach reach twice PID      again, by another program of the same process
 *   evade_reach reach thread PID     by a thread, when the first one has ended
 *   evade_reach reach int80 PID      by the 32-bit entry
 *   evade_reach reach refused PID    as nobody, who may not
 *   evade_reach reach register PID   its instruction pointer, by PTRACE_POKEUSER
 *   evade_reach reach setns PID      its mount namespace, by a pidfd, from one of its own
 *   evade_reach set WAY PATH         opens it for writing: openat2, creat, int80,
 *     again                          by the link of a descriptor that could do nothing
 *     passed                         by a child, which hands the descriptor over
 *   evade_reach race PATH N          opens it N times; another thread exchanges the descriptor
 *   evade_reach uring open PATH N    opens N harmless files and then PATH
 *   evade_reach uring set PATH       opens it for writing
 *   evade_reach uring write PATH     opens it without a descriptor and writes what was in it
 *   evade_reach module               hands garbage over, from a memfd; also by the 32-bit entry
 *   evade_reach mount WAY FROM TYPE  in a namespace of its own: int80,
 *     old                            with the magic number of old programs
 *     loose                          by fsmount alone
 *   evade_reach idle                 waits, to be reached
 */
#include "evade.h"

#include <linux/openat2.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

static long marker = 4711; /* at the same address in each process of this program */

#ifdef __x86_64__
static long open32(const char *path)
{
	return call32(5, low_text(path), (void *)O_WRONLY, NULL, NULL, 0);
}

static long writev32(pid_t pid)
{
	long *word = low(&marker, sizeof(marker));
	uint32_t here[2] = { (uint32_t)(uintptr_t)word, sizeof(*word) };
	/* The target of 64 bits has its own word there by the same layout. */
	return call32(348, pid, low(here, sizeof(here)), (void *)1, low(here, sizeof(here)), 1);
}

static long module32(int fd)
{
	return call32(350, fd, low("", 1), NULL, NULL, 0);
}

static long mount32(const char *from, const char *type)
{
	return call32(21, low_text(from), (void *)low_text("/tmp"), (void *)low_text(type), NULL,
		      0);
}

static long attach32(pid_t pid)
{
	return call32(26, PTRACE_ATTACH, (void *)(intptr_t)pid, NULL, NULL, 0);
}
#endif

/* --- reach --- */

static void write_word(pid_t pid, void *second)
{
	long word = marker;
	struct iovec here = { &word, sizeof(word) };
	struct iovec there[] = { { &marker, sizeof(marker) / 2 },
				 { second ?: (char *)&marker + 4, sizeof(marker) / 2 } };
	if (process_vm_writev(pid, &here, 1, there, 2, 0) <= 0)
		die("process_vm_writev");
}

static void *write_thread(void *pid)
{
	wait_for_leader();
	write_word((pid_t)(intptr_t)pid, NULL);
	announce("thread");
	wait_for_eof();
	exit(0);
}

static void reach(const char *way, pid_t pid, char *number)
{
	if (!strcmp(way, "vectors")) {
		write_word(pid, (void *)vdso_of(pid));
	} else if (!strcmp(way, "twice")) {
		write_word(pid, NULL);
		execl("/proc/self/exe", "evade_reach", "reach", "once", number, NULL);
	} else if (!strcmp(way, "once")) {
		write_word(pid, NULL);
	} else if (!strcmp(way, "thread")) {
		in_thread(write_thread, (void *)(intptr_t)pid);
	} else if (!strcmp(way, "setns")) {
		int fd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (unshare(CLONE_NEWNS) || setns(fd, CLONE_NEWNS))
			die("setns");
#ifdef __x86_64__
	} else if (!strcmp(way, "register")) {
		void *rip = (void *)offsetof(struct user_regs_struct, rip);
		if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) || waitpid(pid, NULL, __WALL) != pid ||
		    ptrace(PTRACE_POKEUSER, pid, rip,
			   (void *)ptrace(PTRACE_PEEKUSER, pid, rip, NULL)))
			die("PTRACE_POKEUSER");
#endif
	} else if (!strcmp(way, "refused")) {
		if (setresuid(65534, 65534, 65534) || !ptrace(PTRACE_SEIZE, pid, NULL, NULL))
			die("PTRACE_SEIZE");
#ifdef __x86_64__
	} else if (!strcmp(way, "int80")) {
		if (attach32(pid) || waitpid(pid, NULL, __WALL) != pid)
			die("int 0x80");
		writev32(pid); /* the word is not there: EFAULT or not */
#endif
	} else {
		die(way);
	}
}

/* --- set --- */

static int received(int from)
{
	char byte, space[CMSG_SPACE(sizeof(int))];
	struct iovec io = { &byte, 1 };
	struct msghdr m = { .msg_iov = &io,
			    .msg_iovlen = 1,
			    .msg_control = space,
			    .msg_controllen = sizeof(space) };
	int fd = -1;

	if (recvmsg(from, &m, 0) != 1 || !CMSG_FIRSTHDR(&m))
		die("recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

static void pass(int to, int fd)
{
	char space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec io = { "x", 1 };
	struct msghdr m = { .msg_iov = &io,
			    .msg_iovlen = 1,
			    .msg_control = space,
			    .msg_controllen = sizeof(space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(to, &m, 0) != 1)
		die("sendmsg");
}

static int open_passed(const char *path)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		die("socketpair");
	if (!fork()) {
		pass(pair[1], open(path, O_WRONLY | O_CLOEXEC));
		_exit(0);
	}
	wait(NULL);
	return received(pair[0]);
}

static int open_again(const char *path)
{
	char link[64];
	int fd = open(path, O_PATH | O_CLOEXEC);
	snprintf(link, sizeof(link), "/proc/thread-self/fd/%d", fd);
	return open(link, O_RDWR | O_APPEND | O_CLOEXEC);
}

static void set(const char *way, const char *path)
{
	struct open_how how = { .flags = O_WRONLY | O_CLOEXEC };
	long fd = -1;

	if (!strcmp(way, "openat2"))
		fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	else if (!strcmp(way, "creat"))
		fd = creat(path, 0600);
	else if (!strcmp(way, "again"))
		fd = open_again(path);
	else if (!strcmp(way, "passed"))
		fd = open_passed(path);
#ifdef __x86_64__
	else if (!strcmp(way, "int80"))
		fd = open32(path);
#endif
	if (fd < 0)
		die(path);
}

struct swap {
	int decoy, at;
	bool over;
};

/* Puts the decoy where the other thread's descriptor is, as soon as it is there. */
static void *swap_thread(void *arg)
{
	struct swap *s = arg;
	while (!__atomic_load_n(&s->over, __ATOMIC_RELAXED))
		if (fcntl(s->at, F_GETFD) >= 0)
			dup2(s->decoy, s->at);
	return NULL;
}

/* Opens the file again and again, while another thread exchanges the descriptor for one of
 * /dev/null. */
static void race(const char *path, int times)
{
	struct swap s = { .decoy = open("/dev/null", O_RDONLY | O_CLOEXEC) };
	pthread_t t;

	s.at = s.decoy + 1;
	if (pthread_create(&t, NULL, swap_thread, &s))
		die("pthread_create");
	for (int i = 0; i < times; i++) {
		close(s.at);
		int fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd > s.at)
			close(fd);
	}
	__atomic_store_n(&s.over, true, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
}

/* --- uring --- */

static int open_by(struct ring *r, const char *path, int flags, unsigned slot)
{
	return ring_do(r, (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
						 .fd = AT_FDCWD,
						 .addr = (uintptr_t)path,
						 .file_index = slot,
						 .open_flags = (unsigned)flags });
}

static void uring(const char *way, const char *path, int before)
{
	struct ring r;
	int none[] = { -1 };
	char text[256];

	ring_open(&r, 0);
	if (!strcmp(way, "set")) {
		if (open_by(&r, path, O_WRONLY, 0) < 0)
			die(path);
		return;
	}
	if (!strcmp(way, "open")) {
		for (int i = 0; i < before; i++)
			close(open_by(&r, "/dev/null", O_RDONLY, 0));
		if (open_by(&r, path, O_RDONLY, 0) < 0)
			die(path);
		return;
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text));
	if (n <= 0 || unshare(CLONE_NEWUTS) ||
	    syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_FILES, none, 1))
		die("io_uring_register");
	if (open_by(&r, path, O_WRONLY, 1) ||
	    ring_do(&r, (struct io_uring_sqe){ .opcode = IORING_OP_WRITE,
					       .flags = IOSQE_FIXED_FILE,
					       .addr = (uintptr_t)text,
					       .len = (unsigned)n }) < 0)
		die("write");
}

/* --- module, mount --- */

static void module(void)
{
	static const char garbage[4096] = "not a module";
	int fd = memfd_with("module", 0, garbage, sizeof(garbage));

	if (!syscall(SYS_finit_module, fd, "", 0))
		die("finit_module");
#ifdef __x86_64__
	module32(fd);
#endif
}

static void mount_by(const char *way, const char *from, const char *type)
{
	long rc = -1;

	private_mounts(0);
	if (!strcmp(way, "old"))
		rc = mount(from, "/tmp", type, MS_MGC_VAL | MS_RDONLY, NULL);
	else if (!strcmp(way, "loose"))
		rc = loose_mount(type) < 0;
#ifdef __x86_64__
	else if (!strcmp(way, "int80"))
		rc = mount32(from, type);
#endif
	if (rc)
		die("mount");
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *way = argc > 2 ? argv[2] : "";
	char *arg = argc > 3 ? argv[3] : "";

	if (!strcmp(what, "reach"))
		reach(way, atoi(arg), arg);
	else if (!strcmp(what, "set"))
		set(way, arg);
	else if (!strcmp(what, "race"))
		race(way, atoi(arg));
	else if (!strcmp(what, "uring"))
		uring(way, arg, argc > 4 ? atoi(argv[4]) : 0);
	else if (!strcmp(what, "mount") && argc > 4)
		mount_by(way, arg, argv[4]);
	else if (!strcmp(what, "module"))
		module();
	else if (strcmp(what, "idle"))
		die(what);
	announce(what);
	wait_for_eof();
	return 0;
}
