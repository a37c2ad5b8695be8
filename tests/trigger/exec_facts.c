/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process whose facts are to be compared with what /proc says of it while it stays.
 *
 *   exec_facts stay [CODE [ARGUMENT...]]  until its standard input ends; exit status CODE
 *   exec_facts exit CODE                  at once
 *   exec_facts signal NUMBER              ended by that signal
 *   exec_facts threads COUNT CODE         COUNT threads, one of them ends the process
 *   exec_facts leader-first CODE          the first thread ends with CODE, another one stays longer
 *   exec_facts thread-exec                runs "stay" from a thread that is not the first
 *   exec_facts clone-parent               a CLONE_PARENT child, which the caller has to wait for
 *   exec_facts orphan                     a grandchild whose parent is gone
 *   exec_facts as-pid PID CODE            a child that has this pid
 *   exec_facts storm COUNT                COUNT children that exec "exit 0", one after the other
 */
#include "trigger.h"

#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const char self[] = "/proc/self/exe";

static void announce(const char *what, pid_t creator)
{
	say("{\"pid\":%d,\"what\":\"%s\",\"path\":\"\",\"ppid\":%d,\"creator\":%d}", getpid(), what,
	    getppid(), creator);
}

__attribute__((noreturn)) static void run_self(const char *mode, const char *arg)
{
	execv(self, (char *[]){ "exec_facts", (char *)mode, (char *)arg, NULL });
	die("execv");
}

static int status_of(pid_t pid)
{
	int status;
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("child");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void *ends_process(void *arg)
{
	exit(*(int *)arg);
}

static void *sleeps(void *arg)
{
	pause();
	return arg;
}

static int threads(int count, int code)
{
	pthread_t t;
	for (int i = 1; i < count; i++)
		if (pthread_create(&t, NULL, sleeps, NULL))
			die("pthread_create");
	if (pthread_create(&t, NULL, ends_process, &code))
		die("pthread_create");
	pause();
	return 1;
}

static void *outlives_leader(void *arg)
{
	wait_for_eof();
	syscall(SYS_exit,
		0); /* this thread alone; since 5.17 the last one's code is the process's */
	return arg;
}

__attribute__((noreturn)) static void leader_first(int code)
{
	pthread_t t;
	if (pthread_create(&t, NULL, outlives_leader, NULL))
		die("pthread_create");
	for (;;)
		syscall(SYS_exit, code);
}

static void *execs(void *arg)
{
	run_self("stay", "0");
	return arg;
}

static void thread_exec(void)
{
	pthread_t t;
	if (!pthread_create(&t, NULL, execs, NULL))
		pthread_join(t, NULL);
	die("thread");
}

static int clone_parent(void)
{
	pid_t creator = getpid();
	long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0);
	if (pid < 0)
		die("clone");
	if (!pid) {
		announce("clone-parent", creator);
		wait_for_eof();
		_exit(0);
	}
	wait_for_eof();
	return 0;
}

static int orphan(void)
{
	pid_t creator = fork();
	if (creator)
		return status_of(creator);
	creator = getpid();
	if (fork())
		_exit(0);
	while (getppid() == creator)
		usleep(1000);
	announce("orphan", creator);
	run_self("stay", "0");
}

static int as_pid(pid_t pid, const char *code)
{
	struct clone_args a = { .exit_signal = SIGCHLD,
				.set_tid = (uintptr_t)&pid,
				.set_tid_size = 1 };
	long rc = -1;

	/* The last one that had it may not be gone yet. */
	for (int i = 0; i < 1000 && (rc = syscall(SYS_clone3, &a, sizeof(a))) < 0; i++)
		usleep(1000);
	if (rc < 0)
		die("clone3");
	if (!rc) {
		announce("as-pid", getppid());
		run_self("exit", code);
	}
	return status_of((pid_t)rc);
}

static int storm(int count)
{
	char *args[] = { "storm", "exit", "0", NULL };

	for (int i = 0; i < count; i++) {
		pid_t pid;
		errno = posix_spawn(&pid, self, NULL, NULL, args, environ);
		if (errno || status_of(pid))
			die("posix_spawn");
	}
	say("{\"pid\":%d,\"what\":\"storm\",\"path\":\"\",\"count\":%d}", getpid(), count);
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	int n = argc > 2 ? atoi(argv[2]) : 0;
	int code = argc > 3 ? atoi(argv[3]) : 0;

	if (!strcmp(mode, "exit"))
		return n;
	if (!strcmp(mode, "storm"))
		return storm(n);
	if (!strcmp(mode, "clone-parent"))
		return clone_parent();
	if (!strcmp(mode, "orphan"))
		return orphan();
	if (!strcmp(mode, "thread-exec"))
		thread_exec();
	if (!strcmp(mode, "as-pid") && argc > 3)
		return as_pid(n, argv[3]);
	announce(mode, getppid());
	if (!strcmp(mode, "stay")) {
		wait_for_eof();
		return n;
	}
	if (!strcmp(mode, "threads"))
		return threads(n, code);
	if (!strcmp(mode, "leader-first"))
		leader_first(n);
	if (!strcmp(mode, "signal")) {
		signal(n, SIG_DFL);
		raise(n);
	}
	fprintf(stderr, "%s: there is no such mode\n", mode);
	return 2;
}
