/* SPDX-License-Identifier: Apache-2.0 */
/* proc records from /proc: against what this process knows of itself and of a child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "schema/schema.h"
#include "source/procfs.h"

static union rec_buf r;
static const struct ev_proc *const p = (const struct ev_proc *)&r;

static const char *text(struct ev_str s)
{
	static char buf[EV_PATH_MAX + 1];
	snprintf(buf, sizeof(buf), "%.*s", s.len, r.bytes + s.off);
	return buf;
}

static void record(pid_t pid)
{
	struct err e;
	assert_int_equal(procfs_record(pid, &r), 0);
	int rc = schema_check(&r, r.hdr.len, &e);
	if (rc)
		fail_msg("not a sound record: %s", e.text);
}

static void own(void **state)
{
	(void)state;
	char exe[EV_PATH_MAX] = "", cwd[EV_PATH_MAX];
	struct stat st, ns;

	record(getpid());
	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(stat("/proc/self/exe", &st), 0);
	assert_int_equal(stat("/proc/self/ns/mnt", &ns), 0);
	assert_int_equal(r.hdr.type, EV_proc);
	assert_int_equal(r.hdr.pid, getpid());
	assert_int_equal(r.hdr.ppid, getppid());
	assert_int_equal(r.hdr.uid, getuid());
	assert_int_equal(r.hdr.euid, geteuid());
	assert_int_equal(r.hdr.gid, getgid());
	assert_int_equal(r.hdr.mntns, ns.st_ino);
	assert_int_equal(r.hdr.start % 10000000, 0);
	assert_true(r.hdr.start && r.hdr.start <= r.hdr.time);
	assert_true(r.hdr.parent_start <= r.hdr.start);
	assert_true(r.hdr.unseen & UNSEEN_kernel);
	assert_int_equal(p->pgid, getpgid(0));
	assert_int_equal(p->sid, getsid(0));
	assert_int_equal(p->exe_ino, st.st_ino);
	assert_int_equal(p->exe_size, st.st_size);
	assert_int_equal(p->exe_mode, st.st_mode);
	assert_string_equal(text(p->exe), exe);
	assert_string_equal(text(p->cwd), cwd);
	assert_int_equal(p->exe_flags & (EXE_F_INTERNAL_MOUNT | EXE_F_UNHASHED), 0);
}

static pid_t child;

/* A child that executes fd and waits for nothing but its end. */
static void run_fd(int fd)
{
	int ready[2];
	char *const argv[] = { (char *)"sleep", (char *)"1000", NULL }, *const envp[] = { NULL };
	char c;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	child = fork();
	if (!child) {
		fexecve(fd, argv, envp);
		_exit(127);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 0); /* closed by the exec */
	close(ready[0]);
}

static int end_child(void **state)
{
	(void)state;
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	child = 0;
	return 0;
}

static void copy_sleep(int to)
{
	char buf[65536];
	ssize_t n;
	int from = open("/bin/sleep", O_RDONLY | O_CLOEXEC);
	assert_true(from >= 0);
	while ((n = read(from, buf, sizeof(buf))) > 0)
		assert_int_equal(write(to, buf, (size_t)n), n);
	close(from);
}

static void memfd(void **state)
{
	(void)state;
	int fd = memfd_create("x (deleted)", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	copy_sleep(fd);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	run_fd(fd);
	close(fd);
	record(child);
	assert_int_equal(p->exe_origin, EXE_ORIGIN_memfd);
	assert_int_equal(p->exe_flags, EXE_F_INTERNAL_MOUNT | EXE_F_MEMFD_NAME);
	assert_true(p->exe_seals & F_SEAL_GROW);
	assert_string_equal(text(p->exe), "/memfd:x (deleted)");
	assert_string_equal(text(p->exe_fs), "tmpfs");
}

/* Runs a copy at the path, which is unlinked first if so wished. */
static void run_file(const char *path, bool unlinked)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	copy_sleep(fd);
	close(fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	run_fd(fd);
	close(fd);
	if (unlinked)
		unlink(path);
	record(child);
}

static void removed_file(void **state)
{
	(void)state;
	char dir[] = "/var/tmp/redshank-test.XXXXXX", path[64], want[EV_PATH_MAX + 1];

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/memfd:x", dir);
	run_file(path, true);
	snprintf(want, sizeof(want), "%s", text(p->exe));
	rmdir(dir);
	assert_string_equal(want, path);
	assert_int_equal(p->exe_origin, EXE_ORIGIN_unlinked);
	assert_int_equal(p->exe_flags, EXE_F_UNHASHED);
	assert_int_equal(p->exe_nlink, 0);
}

static void file_called_deleted(void **state)
{
	(void)state;
	char dir[] = "/var/tmp/redshank-test.XXXXXX", path[64], want[EV_PATH_MAX + 1];

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/x (deleted)", dir);
	run_file(path, false);
	snprintf(want, sizeof(want), "%s", text(p->exe));
	unlink(path);
	rmdir(dir);
	assert_string_equal(want, path);
	assert_int_equal(p->exe_flags, 0);
	assert_int_equal(p->exe_nlink, 1);
}

static void gone(void **state)
{
	(void)state;
	pid_t pid = fork();
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	assert_true(procfs_record(pid, &r) < 0);
	assert_true(procfs_record(0, &r) < 0);
	assert_true(procfs_record(-1, &r) < 0);
}

static pid_t wanted;

static int see(void *ctx, const void *rec, size_t len)
{
	const struct ev_proc *seen = rec;
	unsigned *found = ctx;

	assert_int_equal(schema_check(rec, len, NULL), 0);
	*found += seen->hdr.pid == (u32)wanted && seen->args.len && !seen->hdr.truncated;
	return 0;
}

static int refuse(void *ctx, const void *rec, size_t len)
{
	(void)rec;
	(void)len;
	++*(unsigned *)ctx;
	return 7;
}

static void everything(void **state)
{
	(void)state;
	uint64_t count = 0;
	unsigned found = 0, calls = 0;
	int stop = 0;
	struct err e;

	wanted = getpid();
	assert_int_equal(procfs_inventory(&r, see, &found, &count, &stop, &e), 0);
	assert_int_equal(found, 1);
	assert_int_equal(stop, 0);
	assert_true(count >= 1);
	count = 0;
	assert_int_equal(procfs_inventory(&r, refuse, &calls, &count, &stop, &e), 0);
	assert_int_equal(stop, 7);
	assert_int_equal(calls, 1);
	assert_int_equal(count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own),
		cmocka_unit_test_teardown(memfd, end_child),
		cmocka_unit_test_teardown(removed_file, end_child),
		cmocka_unit_test_teardown(file_called_deleted, end_child),
		cmocka_unit_test(gone),
		cmocka_unit_test(everything),
	};
	return cmocka_run_group_tests_name("procfs", tests, NULL, NULL);
}
