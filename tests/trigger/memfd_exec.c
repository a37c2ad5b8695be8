/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program, a copy of this one, that exists only in a memfd, by each way there is.
 *
 *   memfd_exec MODE [cloexec|nocloexec] [exit|stay] [PATH]
 *
 * "stay": the program runs until its standard input ends. PATH: where "symlink" makes its link, and
 * leaves it for its caller to remove.
 */
#include "trigger.h"

#include <linux/limits.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define NAME "kworker"

static char script[] = "#!/bin/sh\nread line\nexit 0\n";
static char *payload_argv[] = { "kworker/0:1", "payload", "exit", NULL };
static const char *mode;

static void announce(const char *path)
{
	say("{\"pid\":%d,\"what\":\"%s\",\"path\":\"%s\"}", getpid(), mode, path);
}

static void exec_fd(int fd)
{
	char path[64];
	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	announce(path);
	syscall(SYS_execveat, fd, "", payload_argv, environ, AT_EMPTY_PATH);
	die("execveat");
}

static void exec_path(const char *path)
{
	announce(path);
	execv(path, payload_argv);
	die(path);
}

__attribute__((format(printf, 1, 2))) static void exec_pathf(const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	exec_path(path);
}

/* Whoever got the descriptor has neither created nor written it. */
static void send_fd(int sock, int fd)
{
	char byte = 'x', control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(sock, &m, 0) != 1)
		die("sendmsg");
}

static int receive_fd(int sock)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(sock, &m, 0) != 1 || !CMSG_FIRSTHDR(&m))
		die("recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

static int wait_child(pid_t pid)
{
	int status;
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int exec_passed(const char *p, size_t n, unsigned flags)
{
	int sv[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
		die("socketpair");
	pid_t pid = fork();
	if (!pid)
		exec_fd(receive_fd(sv[1]));
	send_fd(sv[0], memfd_with(NAME, flags, p, n));
	return wait_child(pid);
}

static int exec_of_other(int fd)
{
	pid_t owner = getpid(), pid = fork();
	if (!pid) {
		close(fd);
		exec_pathf("/proc/%d/fd/%d", owner, fd);
	}
	return wait_child(pid);
}

static void *exec_in_thread(void *arg)
{
	exec_fd(*(int *)arg);
	return NULL;
}

int main(int argc, char **argv)
{
	const char *p = script, *link = NULL;
	unsigned flags = 0;
	size_t n = sizeof(script) - 1;

	if (argc == 3 && !strcmp(argv[1], "payload")) {
		if (!strcmp(argv[2], "stay"))
			wait_for_eof();
		return 0;
	}
	mode = argc > 1 ? argv[1] : "";
	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "cloexec"))
			flags = MFD_CLOEXEC;
		else if (!strcmp(argv[i], "stay") || !strcmp(argv[i], "exit"))
			payload_argv[2] = argv[i];
		else if (strcmp(argv[i], "nocloexec"))
			link = argv[i];
	}
	if (strncmp(mode, "script", 6))
		p = read_self(&n);
	if (!strcmp(mode, "passed"))
		return exec_passed(p, n, flags);
	int fd = memfd_with(NAME, flags, p, n);
	if (!strcmp(mode, "execveat") || !strcmp(mode, "script-execveat")) {
		exec_fd(fd);
	} else if (!strcmp(mode, "fexecve")) {
		announce("");
		fexecve(fd, payload_argv, environ);
	} else if (!strcmp(mode, "procfd")) {
		exec_pathf("/proc/self/fd/%d", fd);
	} else if (!strcmp(mode, "devfd") || !strcmp(mode, "script")) {
		exec_pathf("/dev/fd/%d", fd);
	} else if (!strcmp(mode, "threadself")) {
		exec_pathf("/proc/thread-self/fd/%d", fd);
	} else if (!strcmp(mode, "dirfd")) {
		char number[16];
		int dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		snprintf(number, sizeof(number), "%d", fd);
		announce(number);
		syscall(SYS_execveat, dir, number, payload_argv, environ, 0);
	} else if (!strcmp(mode, "symlink") && link) {
		char target[64];
		snprintf(target, sizeof(target), "/proc/self/fd/%d", fd);
		if (symlink(target, link))
			die(link);
		exec_path(link);
	} else if (!strcmp(mode, "otherproc")) {
		return exec_of_other(fd);
	} else if (!strcmp(mode, "thread")) {
		pthread_t thread;
		if (!pthread_create(&thread, NULL, exec_in_thread, &fd))
			pthread_join(thread, NULL);
	} else {
		fprintf(stderr, "%s: there is no such mode\n", mode);
		return 2;
	}
	die(mode);
}
