/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing an executed memfd with the program that ran before. This program is its own victim: a
 * child of it runs a copy of it in a file, then one in a memfd, and waits to be looked at.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "enrich/exe_check.h"
#include "processes.h"

#define PADDING 300000 /* behind the program, where bytes can be changed without harm */

static char dir[] = "/tmp/redshank-test-XXXXXX";
static char file[64]; /* the program, copied into it */
static char *program; /* its bytes */
static size_t size;

static pid_t child;
static int memfd = -1;

/* What the child is, once this program runs in it again: it says so and stays until killed. */
static int victim(const char *fd)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (write(atoi(fd), "!", 1) != 1)
		return 1;
	for (;;)
		pause();
}

static void write_whole(int fd, const char *p, size_t n)
{
	assert_true(fd >= 0);
	for (size_t at = 0; at < n;) {
		ssize_t k = write(fd, p + at, n - at);
		assert_true(k > 0);
		at += (size_t)k;
	}
}

static void make_file(void)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	write_whole(fd, program, size);
	close(fd);
}

static int setup_group(void **state)
{
	(void)state;
	struct stat st;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) || !mkdtemp(dir))
		return -1;
	size = (size_t)st.st_size + PADDING;
	program = calloc(1, size);
	if (!program || pread(fd, program, size, 0) != (ssize_t)(size - PADDING))
		return -1;
	close(fd);
	snprintf(file, sizeof(file), "%s/program", dir);
	return 0;
}

static int teardown_group(void **state)
{
	(void)state;
	free(program);
	return rmdir(dir);
}

static int setup(void **state)
{
	(void)state;
	tree_new(16, 1 << 20);
	make_file();
	return 0;
}

static void end_child(void)
{
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	child = 0;
}

static int teardown(void **state)
{
	(void)state;
	end_child();
	if (memfd >= 0)
		close(memfd);
	memfd = -1;
	unlink(file);
	tree_free();
	return 0;
}

/* A child that runs a memfd with these bytes, when this returns. */
static void run_memfd(const char *p, size_t n)
{
	int ready[2];
	char byte, number[16];

	memfd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	write_whole(memfd, p, n);
	assert_return_code(fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK),
			   errno);
	assert_return_code(pipe(ready), errno);
	snprintf(number, sizeof(number), "%d", ready[1]);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		char *const argv[] = { (char[]){ "x" }, (char[]){ "--victim" }, number, NULL };
		char *const envp[] = { (char[]){ "ASAN_OPTIONS=detect_leaks=0" }, NULL };
		close(ready[0]);
		fexecve(memfd, argv, envp);
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

static struct proc_id self_id(void)
{
	return id((u32)child, 2);
}

/* The child's program before, as a record tells it: this path, the inode that is there. */
static void ran_before(const char *path, enum exe_origin origin)
{
	struct ev_exec *r = REC_NEW(exec);
	struct stat st = { 0 };
	stat(path, &st);
	set_ids(&r->hdr, self_id(), id((u32)getpid(), 1));
	REC_STR(exec, r, exe, path);
	r->exe_origin = origin;
	r->exe_ino = st.st_ino;
	r->exe_size = (u64)st.st_size;
	update(r);
}

static u32 wrong_device; /* 1: the record is of a memfd on another one */

/* What the exec of the memfd is judged to be. */
static enum same_content check(void)
{
	struct ev_exec *r = REC_NEW(exec);
	struct stat st;
	assert_return_code(fstat(memfd, &st), errno);
	set_ids(&r->hdr, self_id(), id((u32)getpid(), 1));
	REC_STR(exec, r, exe, "/memfd:x (deleted)");
	r->exe_origin = EXE_ORIGIN_memfd;
	r->exe_ino = st.st_ino;
	r->exe_dev = major(st.st_dev) << 20 | minor(st.st_dev); /* as the kernel has it */
	r->exe_dev += wrong_device;
	r->exe_size = (u64)st.st_size;
	struct event ev = rec_event(r);
	proctree_update(tree, &ev);
	assert_true(exe_check_wanted(&ev));
	enum same_content same = exe_check(&ev);
	rec_free(r);
	return same;
}

static void honest_copy(void **state)
{
	(void)state;
	run_memfd(program, size);
	ran_before(file, EXE_ORIGIN_regular);
	assert_int_equal(check(), SAME_CONTENT_yes);
}

/* What the process says of itself is not enough: the path must lead to a file of root's. */
static void spoil_nothing(void)
{
}

static void write_for_all(void)
{
	assert_return_code(chmod(file, 0702), errno);
}

static void directory_for_all(void)
{
	assert_return_code(chmod(dir, 0777), errno);
}

static void sticky_directory(void)
{
	assert_return_code(chmod(dir, 01777), errno);
}

static void behind_a_link(void)
{
	char other[80];
	snprintf(other, sizeof(other), "%s-behind", file);
	assert_return_code(rename(file, other), errno);
	assert_return_code(symlink(other, file), errno);
}

static void another_device(void)
{
	wrong_device = 1;
}

static void file_of_another(void)
{
	assert_return_code(chown(file, 65534, 65534), errno);
}

static void directory_of_another(void)
{
	assert_return_code(chown(dir, 65534, 65534), errno);
}

static const struct spoiler {
	const char *what;
	void (*spoil)(void);
	enum same_content want;
	bool root; /* can do it only */
} spoilers[] = {
	{ "nothing", spoil_nothing, SAME_CONTENT_yes, false },
	{ "sticky directory", sticky_directory, SAME_CONTENT_yes, false },
	{ "anybody may write the file", write_for_all, SAME_CONTENT_unknown, false },
	{ "anybody may replace the file", directory_for_all, SAME_CONTENT_unknown, false },
	{ "symbolic link", behind_a_link, SAME_CONTENT_unknown, false },
	{ "another device", another_device, SAME_CONTENT_unknown, false },
	{ "file of another user", file_of_another, SAME_CONTENT_unknown, true },
	{ "directory of another user", directory_of_another, SAME_CONTENT_unknown, true },
};

static void files_to_trust(void **state)
{
	(void)state;
	char other[80];
	snprintf(other, sizeof(other), "%s-behind", file);
	for (size_t i = 0; i < sizeof(spoilers) / sizeof(spoilers[0]); i++) {
		if (spoilers[i].root && geteuid())
			continue;
		end_child();
		if (memfd >= 0)
			close(memfd);
		run_memfd(program, size);
		spoilers[i].spoil();
		ran_before(file, EXE_ORIGIN_regular); /* follows the link, as execve(2) does */
		enum same_content same = check();
		wrong_device = 0;
		unlink(other);
		unlink(file);
		if (!geteuid())
			assert_return_code(chown(dir, 0, 0), errno);
		assert_return_code(chmod(dir, 0700), errno);
		make_file();
		if (same != spoilers[i].want)
			fail_msg("%s: %u", spoilers[i].what, same);
	}
}

static void no_path_at_all(void **state)
{
	(void)state;
	static const char *const paths[] = {
		"", "/", "//", "/nonexistent/program", "relative", "/proc/self/exe", "/.."
	};
	run_memfd(program, size);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct ev_exec *r = REC_NEW(exec);
		struct stat st;
		assert_return_code(fstat(memfd, &st), errno);
		set_ids(&r->hdr, self_id(), id((u32)getpid(), 1));
		REC_STR(exec, r, exe, paths[i]);
		r->exe_origin = EXE_ORIGIN_regular;
		r->exe_ino = st.st_ino; /* of the memfd itself: it must not be found as its own */
		r->exe_size = (u64)st.st_size;
		update(r);
		assert_int_equal(check(), SAME_CONTENT_unknown);
	}
	/* Components longer than names can be. */
	static char longest[EV_PATH_MAX];
	memset(longest, 'l', sizeof(longest) - 1);
	ran_before(longest, EXE_ORIGIN_regular);
	assert_int_not_equal(check(), SAME_CONTENT_yes);
}

static void changed_at(size_t at, char by)
{
	char *copy = malloc(size);
	assert_non_null(copy);
	memcpy(copy, program, size);
	copy[at] = (char)(copy[at] + by);
	run_memfd(copy, size);
	free(copy);
	ran_before(file, EXE_ORIGIN_regular);
	assert_int_equal(check(), SAME_CONTENT_no);
}

/* One byte, near the end: wherever the pieces end in which it is read. */
static void one_byte_differs(void **state)
{
	(void)state;
	for (size_t back = 1; back < PADDING; back += 65536) {
		end_child();
		if (memfd >= 0)
			close(memfd);
		changed_at(size - back, 1);
	}
}

static void first_bytes_differ(void **state)
{
	(void)state;
	changed_at(9, 1); /* padding of e_ident: nobody looks at it */
}

static void longer_copy(void **state)
{
	(void)state;
	char *copy = calloc(1, size + 1);
	assert_non_null(copy);
	memcpy(copy, program, size);
	run_memfd(copy, size + 1);
	free(copy);
	ran_before(file, EXE_ORIGIN_regular);
	assert_int_equal(check(), SAME_CONTENT_no);
}

/* What ran before had no file to be found even then. */
static void nothing_on_disk_before(void **state)
{
	(void)state;
	static const enum exe_origin origins[] = { EXE_ORIGIN_memfd, EXE_ORIGIN_unlinked,
						   EXE_ORIGIN_unknown };
	run_memfd(program, size);
	for (unsigned i = 0; i < 3; i++) {
		ran_before(file, origins[i]);
		assert_int_equal(check(), SAME_CONTENT_no);
	}
}

/* Deleted meanwhile: what nobody can find excuses nothing. */
static void deleted_before_the_look(void **state)
{
	(void)state;
	run_memfd(program, size);
	ran_before(file, EXE_ORIGIN_regular);
	unlink(file);
	assert_int_equal(check(), SAME_CONTENT_unknown);
}

/* Another file under the old name, of the same size and even with the same content. */
static void replaced_by_another(void **state)
{
	(void)state;
	run_memfd(program, size);
	ran_before(file, EXE_ORIGIN_regular);
	char other[80];
	snprintf(other, sizeof(other), "%s-old", file);
	assert_return_code(rename(file, other), errno);
	make_file();
	enum same_content same = check();
	unlink(other);
	assert_int_equal(same, SAME_CONTENT_unknown);
}

/* What can block or do something when opened is not a program. */
static void trap_of_a_pipe(void **state)
{
	(void)state;
	run_memfd(program, size);
	ran_before(file, EXE_ORIGIN_regular);
	unlink(file);
	assert_return_code(mkfifo(file, 0600), errno);
	assert_int_equal(check(), SAME_CONTENT_unknown);
}

static void trap_of_a_device(void **state)
{
	(void)state;
	run_memfd(program, size);
	ran_before(file, EXE_ORIGIN_regular);
	unlink(file);
	assert_return_code(symlink("/dev/zero", file), errno);
	assert_int_equal(check(), SAME_CONTENT_unknown);
}

static void process_gone(void **state)
{
	(void)state;
	run_memfd(program, size);
	ran_before(file, EXE_ORIGIN_regular);
	pid_t was = child;
	end_child();
	child = was; /* for the records; not ours to kill any more */
	enum same_content same = check();
	child = 0;
	assert_int_equal(same, SAME_CONTENT_unknown);
}

static void nothing_known_of_before(void **state)
{
	(void)state;
	run_memfd(program, size);
	assert_int_equal(check(), SAME_CONTENT_unknown);
}

static void too_large_to_compare(void **state)
{
	(void)state;
	struct ev_exec *r = REC_NEW(exec);
	run_memfd(program, size);
	for (unsigned i = 0; i < 2; i++) {
		r->exe_origin = i ? EXE_ORIGIN_memfd : EXE_ORIGIN_regular;
		r->exe_size = EXE_CHECK_MAX + 1;
		set_ids(&r->hdr, self_id(), id(1, 0));
		struct event ev = rec_event(r);
		proctree_update(tree, &ev);
		if (i)
			assert_int_equal(exe_check(&ev), SAME_CONTENT_unknown);
	}
	rec_free(r);
}

static void only_memfds_are_wanted(void **state)
{
	(void)state;
	struct ev_exec *r = REC_NEW(exec);
	struct event ev = rec_event(r);
	for (u32 o = EXE_ORIGIN_unknown; o <= EXE_ORIGIN_overlay_upper; o++) {
		r->exe_origin = o;
		assert_int_equal(!!exe_check_wanted(&ev), o == EXE_ORIGIN_memfd);
	}
	rec_free(r);
	struct ev_proc *p = REC_NEW(proc);
	p->exe_origin = EXE_ORIGIN_memfd;
	ev = rec_event(p);
	assert_false(exe_check_wanted(&ev));
	rec_free(p);
}

#define T(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(honest_copy),
		T(files_to_trust),
		T(no_path_at_all),
		T(one_byte_differs),
		T(first_bytes_differ),
		T(longer_copy),
		T(nothing_on_disk_before),
		T(deleted_before_the_look),
		T(replaced_by_another),
		T(trap_of_a_pipe),
		T(trap_of_a_device),
		T(process_gone),
		T(nothing_known_of_before),
		T(too_large_to_compare),
		T(only_memfds_are_wanted),
	};
	if (argc == 3 && !strcmp(argv[1], "--victim"))
		return victim(argv[2]);
	return cmocka_run_group_tests_name("exe_check", tests, setup_group, teardown_group);
}
