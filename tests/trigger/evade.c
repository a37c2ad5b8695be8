/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executes this program from a memfd, in ways that are meant not to be seen: evade run WAY [ARG]
 *
 *   path FORMAT            by that path, %d being the descriptor
 *   link PATH              by a symbolic link, made there, to the link in /proc
 *   bind|pidns|chroot DIR  by a procfs that is bound to DIR, new there, or in a new root directory
 *   argv                   without any arguments
 *   long                   with 1.8 MB of them
 *   storm                  in a great-grandchild whose ancestors are gone, among forks
 *   sibling                in a child of this process's own parent (CLONE_PARENT)
 *   vfork                  in a child that shares its memory until then
 *   leaderless             from a thread, when the first one has ended
 *   int80                  by the 32-bit entry
 *   uring                  by a descriptor that io_uring opened
 *   lazy DIR, loose        from a tmpfs that is unmounted lazily, or never was mounted
 */
#include "evade.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define LONG_ARG 131000 /* MAX_ARG_STRLEN is 128 KiB */
#define LONG_N	 14
#define FORKS	 100

static char *no_args[] = { NULL };
static int program; /* a memfd */

static int memfd_of_self(void)
{
	size_t size;
	char *p = read_self(&size);
	int fd = memfd_with("a\nname \x1b[2J\xff\xfe", 0, p, size);
	free(p);
	return fd;
}

#ifdef __x86_64__
static void exec32(int fd)
{
	call32(358, fd, low("", 1), low(&(uint32_t){ 0 }, 4), NULL, AT_EMPTY_PATH);
}
#endif

static void execute(int fd)
{
	syscall(SYS_execveat, fd, "", no_args, environ, AT_EMPTY_PATH);
	die("execveat");
}

static int execute_in_child(void *fd)
{
	execute(*(int *)fd);
	return 1;
}

static void run_path(const char *format, const char *prefix)
{
	char path[4096], in[4096];

	snprintf(path, sizeof(path), "%s%s", prefix, format);
	snprintf(in, sizeof(in), "%s", path);
	char *number = strstr(in, "%d");
	if (number)
		snprintf(number, sizeof(in) - (size_t)(number - in), "%d%s", program,
			 strstr(path, "%d") + 2);
	execve(in, no_args, environ);
	die(in);
}

static void run_link(const char *at)
{
	char to[64];
	snprintf(to, sizeof(to), "/proc/%d/fd/%d", getpid(), program);
	if (symlink(to, at))
		die(at);
	execve(at, no_args, environ);
	die(at);
}

static void run_procfs(const char *way, const char *dir)
{
	char proc[4096];

	private_mounts(*way == 'p' ? CLONE_NEWPID : 0);
	snprintf(proc, sizeof(proc), "%s/proc", dir);
	if (*way == 'p' && fork()) {
		wait(NULL);
		exit(0);
	}
	if (mkdir(proc, 0700) ||
	    mount("/proc", proc, *way == 'p' ? "proc" : NULL, *way == 'p' ? 0 : MS_BIND, NULL))
		die(proc);
	if (*way == 'c' && (chroot(dir) || chdir("/")))
		die("chroot");
	run_path("/self/fd/%d", *way == 'c' ? "/proc" : proc);
}

static void run_long(void)
{
	static char text[LONG_ARG];
	char *argv[LONG_N + 1] = { NULL };

	memset(text, 'a', sizeof(text) - 1);
	argv[0] = "";
	for (int i = 1; i < LONG_N; i++)
		argv[i] = text;
	syscall(SYS_execveat, program, "", argv, environ, AT_EMPTY_PATH);
	die("execveat");
}

static void run_storm(void)
{
	for (int generation = 0; generation < 3; generation++) {
		for (int i = 0; i < FORKS; i++) {
			if (!fork())
				_exit(0);
			wait(NULL);
		}
		if (fork())
			_exit(0);
		prctl(PR_SET_NAME, "kworker/0:1");
		setsid();
	}
	execute(program);
}

static void run_sibling(void)
{
	struct clone_args args = { .flags = CLONE_PARENT };
	if (!syscall(SYS_clone3, &args, sizeof(args)))
		execute(program);
}

static void run_vfork(void)
{
	static char stack[65536];
	if (clone(execute_in_child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD,
		  &program) < 0)
		die("clone");
	wait(NULL);
}

static void *exec_thread(void *unused)
{
	wait_for_leader();
	execute(program);
	return unused;
}

static void run_uring(void)
{
	struct ring r;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", program);
	ring_open(&r, 0);
	int fd = ring_do(&r, (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
						    .fd = AT_FDCWD,
						    .addr = (uintptr_t)path,
						    .open_flags = O_RDONLY });
	execute(fd);
}

static int copy_of_self(int dir)
{
	size_t size;
	char *p = read_self(&size);
	int fd = openat(dir, "program", O_CREAT | O_WRONLY | O_CLOEXEC, 0700);
	if (fd < 0)
		die("program");
	write_all(fd, p, size);
	close(fd);
	free(p);
	return openat(dir, "program", O_PATH);
}

static void run_lazy(const char *dir)
{
	private_mounts(0);
	if (mount("none", dir, "tmpfs", 0, NULL))
		die(dir);
	int fd = copy_of_self(open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC));
	if (umount2(dir, MNT_DETACH))
		die("umount2");
	execute(fd);
}

static void run(const char *way, const char *arg)
{
	program = memfd_of_self();
	if (!strcmp(way, "path"))
		run_path(arg, "");
	else if (!strcmp(way, "link"))
		run_link(arg);
	else if (!strcmp(way, "bind") || !strcmp(way, "pidns") || !strcmp(way, "chroot"))
		run_procfs(way, arg);
	else if (!strcmp(way, "argv"))
		syscall(SYS_execveat, program, "", NULL, NULL, AT_EMPTY_PATH);
	else if (!strcmp(way, "long"))
		run_long();
	else if (!strcmp(way, "storm"))
		run_storm();
	else if (!strcmp(way, "sibling"))
		run_sibling();
	else if (!strcmp(way, "vfork"))
		run_vfork();
	else if (!strcmp(way, "leaderless"))
		in_thread(exec_thread, NULL);
	else if (!strcmp(way, "uring"))
		run_uring();
	else if (!strcmp(way, "lazy"))
		run_lazy(arg);
	else if (!strcmp(way, "loose"))
		execute(copy_of_self(loose_mount("tmpfs")));
#ifdef __x86_64__
	else if (!strcmp(way, "int80"))
		exec32(program);
#endif
	else
		die(way);
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "run")) {
		run(argv[2], argc > 3 ? argv[3] : "");
		return 0;
	}
	announce("payload");
	wait_for_eof();
	return 0;
}
