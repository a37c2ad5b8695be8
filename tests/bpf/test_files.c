/* SPDX-License-Identifier: Apache-2.0 */
/* lib/path.h, lib/exe.h and lib/task.h against what the system calls say of this process. */
#include "helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "files.skel.h"

#define SELF_NAME "test_files"

static struct files *obj;
static char top[] = "/tmp/redshank-test.XXXXXX"; /* a tmpfs in a mount namespace of our own */

static int setup(void **state)
{
	(void)state;
	obj = files__open();
	if (!obj)
		return -1;
	size_stats(obj->maps.stats);
	if (files__load(obj))
		return -1;
	if (!mkdtemp(top) || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("redshank-test", top, "tmpfs", 0, NULL))
		return -1;
	return chdir(top);
}

static int teardown(void **state)
{
	(void)state;
	files__destroy(obj);
	int rc = chdir("/");
	umount2(top, MNT_DETACH);
	rmdir(top);
	return rc;
}

static struct ev_exec *facts(int fd)
{
	obj->data->fd = fd;
	assert_int_equal(run(obj->progs.facts), 0);
	struct ev_exec *e = record_of(obj->maps.scratches);
	assert_int_equal(schema_check(e, e->hdr.len, NULL), 0);
	return e;
}

static int new_file(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0700);
	assert_true(fd >= 0);
	return fd;
}

/* Goes down `depth` directories with names of that length. */
static void descend(int depth, int length)
{
	char name[NAME_MAX + 1];
	for (int i = 0; i < depth; i++) {
		memset(name, 'd', (size_t)length);
		name[length] = '\0';
		assert_int_equal(mkdir(name, 0700), 0);
		assert_int_equal(chdir(name), 0);
	}
}

/* Is the working directory told as getcwd(2) tells it, or as cut? */
static void check_cwd(int cut)
{
	struct ev_exec *e = facts(-1);
	char want[PATH_MAX];

	assert_int_equal(is_truncated(e, EVF_exec_cwd), cut);
	if (cut) {
		assert_int_equal(e->cwd.len <= EV_PATH_MAX, 1);
	} else {
		assert_non_null(getcwd(want, sizeof(want)));
		assert_str_is(e, e->cwd, want);
	}
	free(e);
}

static void depths(void **state)
{
	(void)state;
	assert_int_equal(chdir("/"), 0);
	check_cwd(0);
	assert_int_equal(chdir("/usr"), 0);
	check_cwd(0);
	static const int depth[] = { 1, 60, 200, 250 };
	for (unsigned i = 0; i < sizeof(depth) / sizeof(depth[0]); i++) {
		char name[] = "X";
		name[0] = (char)('A' + i);
		assert_int_equal(chdir(top), 0);
		assert_int_equal(mkdir(name, 0700), 0);
		assert_int_equal(chdir(name), 0);
		descend(depth[i], 3);
		check_cwd(0);
	}
	descend(50, 3); /* deeper than the walk goes */
	check_cwd(1);
}

static void lengths(void **state)
{
	char path[PATH_MAX];
	(void)state;
	assert_int_equal(chdir(top), 0);
	assert_int_equal(mkdir("long", 0700), 0);
	assert_int_equal(chdir("long"), 0);
	descend(15, NAME_MAX);
	assert_non_null(getcwd(path, sizeof(path)));
	int room = EV_PATH_MAX - 1 - (int)strlen(path); /* to a path of PATH_MAX with its NUL */
	descend(1, room - 2);
	check_cwd(0); /* 4094 bytes */
	assert_int_equal(chdir(".."), 0);
	descend(1, room - 1);
	check_cwd(0); /* 4095 bytes, the longest that a system call takes */
	descend(1, 100);
	check_cwd(1); /* longer than any system call would tell */
}

static void in_child(void (*body)(void))
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		body();
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define CHILD_CHECK(cond)                          \
	do {                                       \
		if (!(cond))                       \
			_exit(__LINE__ % 255 + 1); \
	} while (0)

static int str_is(const void *rec, struct ev_str s, const char *want)
{
	size_t len;
	const char *p = rec_str(rec, s, &len);
	return len == strlen(want) && !memcmp(p, want, len);
}

static void chrooted(void)
{
	CHILD_CHECK(!chdir(top) && !mkdir("root", 0755) && !mkdir("root/in", 0755));
	int inside = open("root/in/file", O_RDWR | O_CREAT | O_CLOEXEC, 0700);
	int outside = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	CHILD_CHECK(inside >= 0 && outside >= 0 && !chroot("root") && !chdir("/in"));
	struct ev_exec *e = facts(inside);
	CHILD_CHECK(str_is(e, e->cwd, "/in"));
	CHILD_CHECK(str_is(e, e->exe, "/in/file"));
	CHILD_CHECK(!(e->exe_flags & EXE_F_DETACHED));
	e = facts(outside);
	CHILD_CHECK(str_is(e, e->exe, "/etc/passwd"));
	CHILD_CHECK(e->exe_flags & EXE_F_DETACHED);
	CHILD_CHECK(!chdir("/"));
	e = facts(-1);
	CHILD_CHECK(str_is(e, e->cwd, "/"));
}

static void chroots(void **state)
{
	(void)state;
	in_child(chrooted);
}

static void mounts(void **state)
{
	char want[PATH_MAX];
	(void)state;
	assert_int_equal(chdir(top), 0);
	assert_int_equal(mkdir("from", 0755) | mkdir("from/sub", 0755) | mkdir("to", 0755), 0);
	close(new_file("from/sub/file"));
	assert_int_equal(mount("from", "to", NULL, MS_BIND, NULL), 0);
	int fd = open("to/sub/file", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	struct ev_exec *e = facts(fd);
	snprintf(want, sizeof(want), "%s/to/sub/file", top);
	assert_str_is(e, e->exe, want);
	assert_int_equal(e->exe_flags, 0);
	free(e);
	/* Unmounted under an open file: what is left of the path, and a flag. */
	assert_int_equal(umount2("to", MNT_DETACH), 0);
	e = facts(fd);
	assert_str_is(e, e->exe, "/sub/file");
	assert_int_equal(e->exe_flags, EXE_F_DETACHED);
	free(e);
	close(fd);
}

/* One kind of file: what its facts must be. fd is closed. */
static void check_kind(int fd, unsigned origin, unsigned flags, const char *fs)
{
	struct stat st;
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	struct ev_exec *e = facts(fd);
	assert_int_equal(e->exe_origin, origin);
	assert_int_equal(e->exe_flags, flags);
	assert_str_is(e, e->exe_fs, fs);
	assert_int_equal(e->exe_ino, st.st_ino);
	assert_int_equal(e->exe_nlink, st.st_nlink);
	assert_int_equal(e->exe_mode & 07777, st.st_mode & 07777);
	assert_int_equal(e->exe_size, st.st_size);
	assert_int_equal(e->exe_dev >> 20, major(st.st_dev));
	assert_int_equal(e->exe_dev & 0xfffff, minor(st.st_dev));
	free(e);
	close(fd);
}

static void kinds(void **state)
{
	const unsigned memfd = EXE_F_INTERNAL_MOUNT | EXE_F_MEMFD_NAME;
	(void)state;
	assert_int_equal(chdir(top), 0);
	check_kind(memfd_create("x", MFD_CLOEXEC), EXE_ORIGIN_memfd, memfd, "tmpfs");
	int huge = memfd_create("x", MFD_CLOEXEC | MFD_HUGETLB);
	if (huge >= 0)
		check_kind(huge, EXE_ORIGIN_memfd, memfd, "hugetlbfs");
	check_kind(new_file("memfd:x"), EXE_ORIGIN_tmpfs, 0, "tmpfs");
	int fd = new_file("gone");
	assert_int_equal(unlink("gone"), 0);
	check_kind(fd, EXE_ORIGIN_unlinked, EXE_F_UNHASHED, "tmpfs");
	check_kind(open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0700), EXE_ORIGIN_unlinked,
		   EXE_F_UNHASHED | EXE_F_NEVER_LINKED, "tmpfs");
	check_kind(open(".", O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0700), EXE_ORIGIN_unlinked,
		   EXE_F_UNHASHED | EXE_F_NEVER_LINKED, "tmpfs");
	check_kind(new_file("#1"), EXE_ORIGIN_tmpfs, 0, "tmpfs");
	fd = new_file("#0");
	assert_int_equal(unlink("#0"), 0);
	check_kind(fd, EXE_ORIGIN_unlinked, EXE_F_UNHASHED, "tmpfs");
	/* The second name of a file whose first was removed is a name. */
	fd = new_file("one");
	assert_int_equal(link("one", "two") | unlink("one"), 0);
	check_kind(fd, EXE_ORIGIN_tmpfs, EXE_F_UNHASHED, "tmpfs");
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	check_kind(fds[0], EXE_ORIGIN_regular, EXE_F_INTERNAL_MOUNT, "pipefs");
	close(fds[1]);
}

static void shared_memory(void **state)
{
	char path[64];
	(void)state;
	/* Anonymous shared memory is of the same mount as memfds: code without a file as well. */
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	uintptr_t at = (uintptr_t)p;
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)at,
		 (unsigned long)at + 4096);
	check_kind(open(path, O_RDWR | O_CLOEXEC), EXE_ORIGIN_memfd, EXE_F_INTERNAL_MOUNT, "tmpfs");
	munmap(p, 4096);
}

static void seals(void **state)
{
	static const unsigned cases[] = {
		0, F_SEAL_WRITE, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE
	};
	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		assert_true(fd >= 0);
		assert_int_equal(fcntl(fd, F_ADD_SEALS, cases[i]), 0);
		struct ev_exec *e = facts(fd);
		assert_int_equal(e->exe_seals, fcntl(fd, F_GET_SEALS));
		free(e);
		close(fd);
	}
}

static void on_disk(void **state)
{
	(void)state;
	char want[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", want, sizeof(want) - 1);
	assert_true(n > 0);
	want[n] = '\0';
	/* By its name: /proc/self/exe is still on a mount of the namespace that we have left. */
	int fd = open(want, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	struct ev_exec *e = facts(fd);
	assert_str_is(e, e->exe, want);
	assert_int_equal(e->exe_seals, 0);
	assert_int_equal(e->exe_flags & ~(unsigned)EXE_F_OVERLAY_UPPER, 0);
	assert_memory_equal(e->hdr.name, SELF_NAME, sizeof(SELF_NAME));
	assert_int_equal(e->hdr.pid, getpid());
	assert_int_equal(e->hdr.ppid, getppid());
	assert_int_equal(e->sid, getsid(0));
	assert_int_equal(e->pgid, getpgrp());
	free(e);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(depths),  cmocka_unit_test(lengths),
		cmocka_unit_test(chroots), cmocka_unit_test(mounts),
		cmocka_unit_test(kinds),   cmocka_unit_test(shared_memory),
		cmocka_unit_test(seals),   cmocka_unit_test(on_disk),
	};
	return cmocka_run_group_tests_name("files", tests, setup, teardown);
}
