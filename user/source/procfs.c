/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc records from /proc (proc_pid_stat(5) and its neighbours). All of a process's files are
 * opened below one descriptor of its directory, which stays that process's when its number is used
 * again.
 */
#include "source/procfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/file.h"
#include "source/inventory.h"
#include "source/procfs_private.h"

#define TICK_NS	   10000000ULL /* of /proc: USER_HZ is 100 */
#define PID_NS_INO 0xEFFFFFFCU /* PROC_PID_INIT_INO, include/linux/proc_ns.h */
#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */

/* include/uapi/linux/magic.h */
#define PROC_SUPER_MAGIC    0x9fa0
#define CGROUP2_SUPER_MAGIC 0x63677270

int procfs_usable(struct err *e)
{
	struct statfs fs;
	struct stat ns;

	if (statfs("/proc", &fs) || fs.f_type != PROC_SUPER_MAGIC)
		return err_set(e, -ENOTSUP, "/proc is not mounted");
	if (stat("/proc/self/ns/pid", &ns) || ns.st_ino != PID_NS_INO)
		return err_set(e, -ENOTSUP, "/proc shows another pid namespace than the host's");
	return 0;
}

static u32 number_of(int dir, const char *name, u32 otherwise)
{
	char text[32];
	return file_slurp(dir, name, text, sizeof(text)) ? (u32)strtoul(text, NULL, 10) : otherwise;
}

static u32 inode_of(int dir, const char *name)
{
	struct stat st;
	return fstatat(dir, name, &st, 0) ? 0 : (u32)st.st_ino;
}

/* --- stat --- */

struct stat_line {
	u64 flags, start, arg_start, arg_end;
	u32 ppid, pgid, sid, tty;
	char name[64]; /* of a kernel worker with what it does: longer than the thread's name */
};

static int read_stat(int dir, struct stat_line *ret)
{
	char line[2048];
	file_slurp(dir, "stat", line, sizeof(line));
	char *open = strchr(line, '('), *close = strrchr(line, ')');
	if (!open || !close || close < open)
		return -ESRCH;
	*ret = (struct stat_line){ 0 };
	snprintf(ret->name, sizeof(ret->name), "%.*s", (int)(close - open - 1), open + 1);
	unsigned long long v[53] = { 0 }; /* numbered from 1, as in proc_pid_stat(5) */
	unsigned i = 4;
	for (char *at = close + 3; *at && i < 53; i++) /* ") S": a letter, the others numbers */
		v[i] = strtoull(at, &at, 10);
	if (i < 52)
		return -ESRCH;
	ret->ppid = (u32)v[4];
	ret->pgid = (u32)v[5];
	ret->sid = (u32)v[6];
	ret->tty = (u32)v[7];
	ret->flags = v[9];
	ret->start = v[22] * TICK_NS;
	ret->arg_start = v[48];
	ret->arg_end = v[49];
	return 0;
}

static u64 start_of(u32 pid)
{
	char path[32];
	struct stat_line s;
	snprintf(path, sizeof(path), "/proc/%u", pid);
	int dir = pid ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (dir < 0)
		return 0;
	int rc = read_stat(dir, &s);
	close(dir);
	return rc ? 0 : s.start;
}

/* /proc adds to a kernel worker's name what it works for: "kworker/0:1-events". */
static void put_name(struct ev_hdr *h, struct stat_line *s)
{
	if (s->flags & PF_KTHREAD && !strncmp(s->name, "kworker/", 8) && s->name[8] != 'R')
		s->name[strcspn(s->name, "+-")] = '\0';
	memcpy(h->name, s->name, strnlen(s->name, sizeof(h->name) - 1));
}

/* The terminal's name, as the kernel has it: pts0, tty1, ttyS0. */
static void put_tty(union rec_buf *r, struct ev_proc *p, u32 tty)
{
	char path[48], name[64] = "";
	unsigned maj = tty >> 8 & 0xfff, min = (tty & 0xff) | (tty >> 12 & 0xfff00);

	if (!tty)
		return;
	if (maj >= 136 && maj <= 143) { /* UNIX98_PTY_SLAVE_MAJOR, include/uapi/linux/major.h */
		snprintf(name, sizeof(name), "pts%u", (maj - 136) * 256 + min);
	} else {
		char link[256];
		snprintf(path, sizeof(path), "/sys/dev/char/%u:%u", maj, min);
		ssize_t n = readlink(path, link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = '\0';
		const char *base = strrchr(link, '/');
		snprintf(name, sizeof(name), "%.63s", base ? base + 1 : "");
	}
	rec_append(r, &p->tty, EVF_proc_tty, name, strlen(name));
}

/* --- status --- */

static void read_status(int dir, struct ev_proc *p)
{
	static const struct {
		const char *key;
		size_t off;
	} caps[] = {
		{ "\nCapInh:", offsetof(struct ev_proc, cap_inheritable) },
		{ "\nCapPrm:", offsetof(struct ev_proc, cap_permitted) },
		{ "\nCapEff:", offsetof(struct ev_proc, cap_effective) },
	};
	static _Thread_local char text[16384]; /* lists of CPUs and memory nodes make it long */
	struct ev_hdr *h = &p->hdr;
	const char *at;

	file_slurp(dir, "status", text, sizeof(text));
	if ((at = strstr(text, "\nUid:")))
		sscanf(at + 5, "%u %u %u", &h->uid, &h->euid, &p->suid);
	if ((at = strstr(text, "\nGid:")))
		sscanf(at + 5, "%u %u %u", &h->gid, &h->egid, &p->sgid);
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		if ((at = strstr(text, caps[i].key))) {
			u64 bits = strtoull(at + strlen(caps[i].key), NULL, 16);
			memcpy((char *)p + caps[i].off, &bits, sizeof(bits));
		}
	h->vpid = h->pid;
	at = strstr(text, "\nNSpid:");
	if (!at)
		return;
	for (at += 7; *at == '\t' || isdigit((unsigned char)*at);) /* the innermost stands last */
		h->vpid = (u32)strtoul(at, (char **)(uintptr_t)&at, 10);
}

/* --- cgroup --- */

/* The path in the line that begins "<number>:<controllers>:". NULL if there is none. */
static char *cgroup_path(char *text, const char *controller)
{
	for (char *next, *line = text; line && *line; line = next) {
		next = strchr(line, '\n');
		char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;
		if (!path || (next && path > next))
			return NULL;
		next = next ? next + 1 : NULL;
		size_t n = (size_t)(path - names - 1);
		if (n == strlen(controller) && !memcmp(names + 1, controller, n))
			return path + 1;
	}
	return NULL;
}

static void put_cgroup(union rec_buf *r, struct ev_proc *p, int dir)
{
	static _Thread_local char text[EV_PATH_MAX * 4], path[EV_PATH_MAX + 64];
	static const char *const mounts[] = { "/sys/fs/cgroup/unified", "/sys/fs/cgroup" };
	struct statfs fs;
	struct stat st;

	file_slurp(dir, "cgroup", text, sizeof(text));
	char *own = cgroup_path(text, "");
	for (size_t i = 0; own && i < sizeof(mounts) / sizeof(mounts[0]) && !r->hdr.cgroup; i++) {
		if (statfs(mounts[i], &fs) || fs.f_type != CGROUP2_SUPER_MAGIC)
			continue;
		snprintf(path, sizeof(path), "%s%.*s", mounts[i], (int)strcspn(own, "\n"), own);
		r->hdr.cgroup = stat(path, &st) ? 0 : st.st_ino;
	}
	if (own && !strncmp(own, "/\n", 2)) { /* as the kernel's programs choose */
		char *v1 = cgroup_path(text, "memory");
		v1 = v1 ? v1 : cgroup_path(text, "pids");
		own = v1 ? v1 : own;
	}
	if (own)
		rec_append(r, &p->cgpath, EVF_proc_cgpath, own, strcspn(own, "\n"));
}

/* --- a process --- */

static void fill(union rec_buf *r, int dir, u32 pid, struct stat_line *s)
{
	static const struct {
		const char *name;
		size_t off;
	} ns[] = {
		{ "ns/pid", offsetof(struct ev_hdr, pidns) },
		{ "ns/mnt", offsetof(struct ev_hdr, mntns) },
		{ "ns/net", offsetof(struct ev_proc, netns) },
		{ "ns/uts", offsetof(struct ev_proc, utsns) },
		{ "ns/ipc", offsetof(struct ev_proc, ipcns) },
		{ "ns/cgroup", offsetof(struct ev_proc, cgroupns) },
		{ "ns/user", offsetof(struct ev_proc, userns) },
	};
	struct ev_proc *p = (struct ev_proc *)r;
	int cpu = sched_getcpu();

	rec_init(r, EV_proc, sizeof(*p));
	p->hdr.unseen = UNSEEN_kernel;
	p->hdr.pid = p->hdr.tid = pid;
	p->hdr.start = s->start;
	p->hdr.ppid = s->ppid;
	p->hdr.parent_start = start_of(s->ppid);
	p->hdr.cpu = cpu < 0 ? 0 : (u32)cpu;
	p->hdr.loginuid = number_of(dir, "loginuid", UINT32_MAX);
	p->hdr.session = number_of(dir, "sessionid", UINT32_MAX);
	p->pgid = s->pgid;
	p->sid = s->sid;
	p->args_size = (u32)(s->arg_end - s->arg_start);
	put_name(&p->hdr, s);
	read_status(dir, p);
	for (size_t i = 0; i < sizeof(ns) / sizeof(ns[0]); i++) {
		u32 inode = inode_of(dir, ns[i].name);
		memcpy((char *)p + ns[i].off, &inode, sizeof(inode));
	}
	procfs_put_exe(r, dir);
	procfs_put_cwd(r, dir);
	put_tty(r, p, s->tty);
	put_cgroup(r, p, dir);
}

int procfs_record(pid_t pid, union rec_buf *ret)
{
	char path[32];
	struct stat_line s;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	int rc = read_stat(dir, &s);
	if (!rc)
		fill(ret, dir, (u32)pid, &s);
	if (!rc && fstatat(dir, "stat", &(struct stat){ 0 }, 0)) /* it ended meanwhile */
		rc = -ESRCH;
	close(dir);
	return rc;
}

int procfs_inventory(union rec_buf *scratch, record_fn *fn, void *ctx, uint64_t *count,
		     int *ret_stop, struct err *e)
{
	DIR *all = opendir("/proc");
	if (!all)
		return err_set(e, -errno, "process inventory: /proc: %s", strerror(errno));
	for (struct dirent *d; (d = readdir(all)) && !*ret_stop;) {
		if (!isdigit((unsigned char)*d->d_name) || procfs_record(atoi(d->d_name), scratch))
			continue;
		inventory_args(scratch);
		++*count;
		*ret_stop = fn(ctx, scratch, scratch->hdr.len);
	}
	closedir(all);
	return 0;
}
