/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a copy of itself from a file of another kind. What only memory holds: memfd_exec.
 *
 *   exec_origin unlinked|tmpfile|tmpfile-excl|file|rename DIR  a file there: deleted, never linked,
 *                           as it is, written under another name
 *   exec_origin again DIR   a program that was deleted after its start runs itself once more
 *   exec_origin stranger DIR  a file that a process of another session wrote
 *   exec_origin overlay DIR a new file in an overlay that is mounted there
 *   exec_origin fuse DIR    a file that a process of its own serves there
 *   exec_origin fuse-gone DIR  the same with a link count of 0
 *   exec_origin mount DIR TYPE SOURCE  a file on what is mounted there
 *
 * Mounts are made in a mount namespace of its own. The copy ends with its standard input.
 */
#include "trigger.h"

#include <limits.h>
#include <linux/fuse.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const char *mode;

static const char *in(const char *dir, const char *name)
{
	static char path[4][PATH_MAX];
	static unsigned next;
	char *p = path[next++ % 4];
	snprintf(p, PATH_MAX, "%s/%s", dir, name);
	return p;
}

static void announce(const char *path)
{
	say("{\"pid\":%d,\"what\":\"%s\",\"path\":\"%s\"}", getpid(), mode, path);
}

static void copy_to(int fd)
{
	size_t n;
	char *p = read_self(&n);
	if (fd < 0)
		die("open");
	write_all(fd, p, n);
	free(p);
	if (fchmod(fd, 0755))
		die("fchmod");
}

static void copy(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	copy_to(fd);
	close(fd);
}

__attribute__((noreturn)) static void run(const char *path)
{
	announce(path);
	execl(path, "payload", "payload", (char *)NULL);
	die(path);
}

__attribute__((noreturn)) static void run_fd(int fd)
{
	if (fd < 0)
		die("open");
	announce("");
	syscall(SYS_execveat, fd, "", ((char *[]){ "payload", "payload", NULL }), environ,
		AT_EMPTY_PATH);
	die("execveat");
}

static void run_unlinked(const char *dir)
{
	const char *path = in(dir, "payload");
	copy(path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (unlink(path))
		die(path);
	run_fd(fd);
}

static void run_tmpfile(const char *dir, int flags)
{
	char path[64];
	int fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC | flags, 0755);
	copy_to(fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int again = open(path, O_RDONLY | O_CLOEXEC);
	close(fd);
	run_fd(again);
}

static void run_renamed(const char *dir)
{
	const char *path = in(dir, "payload");
	copy(in(dir, "download"));
	if (rename(in(dir, "download"), path))
		die(path);
	run(path);
}

/* The copy removes itself and is run once more. */
static void run_again(const char *dir)
{
	const char *path = in(dir, "payload");
	copy(path);
	execl(path, "payload", "remove", path, (char *)NULL);
	die(path);
}

static void remove_and_run(const char *path)
{
	mode = "again";
	if (unlink(path))
		die(path);
	run("/proc/self/exe");
}

/* A process of init's, in a session of its own, writes the file. */
static void run_strangers(const char *dir)
{
	const char *path = in(dir, "payload");
	int pipes[2];
	char c;

	if (pipe2(pipes, O_CLOEXEC))
		die("pipe");
	pid_t pid = fork();
	if (!pid) {
		if (setsid() < 0 || fork())
			_exit(0);
		pid_t parent = getppid();
		while (getppid() != 1 && getppid() == parent)
			usleep(1000);
		copy(path);
		_exit(getppid() == 1 && write(pipes[1], "x", 1) == 1 ? 0 : 1);
	}
	close(pipes[1]);
	if (waitpid(pid, NULL, 0) != pid || read(pipes[0], &c, 1) != 1)
		die("a process of init's");
	run(path);
}

static void own_mounts(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		die("mount namespace");
}

static void run_mounted(const char *dir, const char *type, const char *source)
{
	own_mounts();
	if (mount(source, dir, type, 0, NULL))
		die(dir);
	copy(in(dir, "payload"));
	run(in(dir, "payload"));
}

static void run_overlay(const char *dir)
{
	static const char *const dirs[] = { "lower", "upper", "work", "merged" };
	char options[PATH_MAX * 3];

	own_mounts();
	if (mount("redshank-test", dir, "tmpfs", 0, NULL))
		die(dir);
	for (int i = 0; i < 4; i++)
		if (mkdir(in(dir, dirs[i]), 0755))
			die(dirs[i]);
	snprintf(options, sizeof(options), "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work",
		 dir, dir, dir);
	const char *merged = in(dir, "merged");
	if (mount("overlay", merged, "overlay", 0, options))
		die(merged);
	copy(in(merged, "payload"));
	run(in(merged, "payload"));
}

/* --- a file system with one file, served by this process --- */

#define FUSE_BUFFER (256 << 10)
#define PAYLOAD	    2 /* node id; the root's is 1 */

static char *served;
static size_t served_size;
static uint32_t served_nlink = 1;

static void fuse_attr(struct fuse_attr *a, uint64_t node)
{
	bool file = node == PAYLOAD;
	*a = (struct fuse_attr){ .ino = node,
				 .mode = file ? S_IFREG | 0755 : S_IFDIR | 0755,
				 .size = file ? served_size : 0,
				 .nlink = file ? served_nlink : 2,
				 .blksize = 4096 };
}

static void fuse_reply(int dev, uint64_t id, int error, const void *p, size_t n)
{
	static char out[FUSE_BUFFER];
	struct fuse_out_header h = { .len = (uint32_t)(sizeof(h) + n),
				     .error = -error,
				     .unique = id };
	memcpy(out, &h, sizeof(h));
	if (n)
		memcpy(out + sizeof(h), p, n);
	if (write(dev, out, h.len) != (ssize_t)h.len && errno != ENOENT)
		die("/dev/fuse");
}

static void fuse_read(int dev, const struct fuse_in_header *h, const struct fuse_read_in *r)
{
	size_t at = r->offset < served_size ? r->offset : served_size, n = served_size - at;
	fuse_reply(dev, h->unique, 0, served + at, n < r->size ? n : r->size);
}

static void fuse_answer(int dev, const struct fuse_in_header *h)
{
	struct fuse_init_out init = {
		.major = 7, .minor = 31, .max_write = 4096, .max_readahead = 65536
	};
	struct fuse_entry_out entry = { .nodeid = PAYLOAD, .attr_valid = 60, .entry_valid = 60 };
	struct fuse_attr_out attr = { .attr_valid = 60 };
	struct fuse_open_out opened = { .fh = 1 };

	switch (h->opcode) {
	case FUSE_INIT:
		fuse_reply(dev, h->unique, 0, &init, sizeof(init));
		return;
	case FUSE_LOOKUP:
		fuse_attr(&entry.attr, PAYLOAD);
		fuse_reply(dev, h->unique, strcmp((const char *)(h + 1), "payload") ? ENOENT : 0,
			   &entry, sizeof(entry));
		return;
	case FUSE_GETATTR:
		fuse_attr(&attr.attr, h->nodeid);
		fuse_reply(dev, h->unique, 0, &attr, sizeof(attr));
		return;
	case FUSE_OPEN:
		fuse_reply(dev, h->unique, 0, &opened, sizeof(opened));
		return;
	case FUSE_READ:
		fuse_read(dev, h, (const void *)(h + 1));
		return;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		fuse_reply(dev, h->unique, 0, NULL, 0);
		return;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT: /* no reply */
		return;
	}
	fuse_reply(dev, h->unique, ENOSYS, NULL, 0);
}

/* Until it is unmounted, with the end of the last process of the namespace. */
static void fuse_serve(int dev)
{
	static _Alignas(8) char request[FUSE_BUFFER];

	while (read(dev, request, sizeof(request)) > 0)
		fuse_answer(dev, (const void *)request);
}

static void run_served(const char *dir)
{
	char options[128];
	int dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (dev < 0)
		die("/dev/fuse");
	served = read_self(&served_size);
	own_mounts();
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", dev);
	if (mount("redshank-test", dir, "fuse", 0, options))
		die(dir);
	pid_t pid = fork();
	if (!pid) {
		close(dev);
		run(in(dir, "payload"));
	}
	pid_t server = fork();
	if (!server)
		fuse_serve(dev);
	close(dev);
	waitpid(pid, NULL, 0);
	umount2(dir, MNT_DETACH);
	waitpid(server, NULL, 0);
}

int main(int argc, char **argv)
{
	mode = argc > 1 ? argv[1] : "";
	const char *dir = argc > 2 ? argv[2] : "";

	if (!strcmp(mode, "payload")) {
		wait_for_eof();
		return 0;
	}
	if (!strcmp(mode, "remove"))
		remove_and_run(dir);
	else if (!strcmp(mode, "unlinked"))
		run_unlinked(dir);
	else if (!strcmp(mode, "tmpfile"))
		run_tmpfile(dir, 0);
	else if (!strcmp(mode, "tmpfile-excl"))
		run_tmpfile(dir, O_EXCL);
	else if (!strcmp(mode, "rename"))
		run_renamed(dir);
	else if (!strcmp(mode, "again"))
		run_again(dir);
	else if (!strcmp(mode, "stranger"))
		run_strangers(dir);
	else if (!strcmp(mode, "overlay"))
		run_overlay(dir);
	else if (!strcmp(mode, "mount") && argc == 5)
		run_mounted(dir, argv[3], argv[4]);
	else if (!strncmp(mode, "fuse", 4)) {
		served_nlink = !strcmp(mode, "fuse");
		run_served(dir);
		return 0;
	}
	if (!strcmp(mode, "file")) {
		copy(in(dir, "payload"));
		run(in(dir, "payload"));
	}
	fprintf(stderr, "%s: there is no such mode\n", mode);
	return 2;
}
