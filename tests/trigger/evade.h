/* SPDX-License-Identifier: Apache-2.0 */
/* What evade and evade_reach share: the 32-bit entry, threads without a first one, mounts. */
#ifndef REDSHANK_TRIGGER_EVADE_H
#define REDSHANK_TRIGGER_EVADE_H

#include "uring.h"

#include <linux/mount.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mount.h>

static inline void announce(const char *what)
{
	say("{\"pid\":%d,\"what\":\"%s\",\"path\":\"\"}", getpid(), what);
}

static inline void private_mounts(int flags)
{
	if (unshare(CLONE_NEWNS | flags) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		die("unshare");
}

static inline int loose_mount(const char *type)
{
	int fs = (int)syscall(SYS_fsopen, type, 0);
	if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		die("fsopen");
	int fd = (int)syscall(SYS_fsmount, fs, 0, 0);
	if (fd < 0)
		die("fsmount");
	return fd;
}

static inline void wait_for_leader(void)
{
	char path[64], state[512];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", getpid());
	do {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = read(fd, state, sizeof(state) - 1);
		close(fd);
		state[n > 0 ? n : 0] = 0;
		at = strrchr(state, ')');
	} while (!at || at[2] != 'Z');
}

static inline void in_thread(void *(*body)(void *), void *arg)
{
	pthread_t t;
	if (pthread_create(&t, NULL, body, arg))
		die("pthread_create");
	pthread_exit(NULL);
}

/* --- the 32-bit entry; on other machines there is none --- */

#ifdef __x86_64__
/* In the first 4 GiB, where a 32-bit call can point to. */
static inline void *low(const void *p, size_t n)
{
	char *at = mmap(NULL, n + 1, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (at == MAP_FAILED)
		die("mmap");
	return memcpy(at, p, n);
}

static inline long call32(long nr, long a, const void *b, const void *c, const void *d, long e)
{
	long rc;
	__asm__ volatile("int $0x80"
			 : "=a"(rc)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory", "r8", "r9", "r10", "r11");
	return rc;
}

static inline long low_text(const char *s)
{
	return (long)(intptr_t)low(s, strlen(s) + 1);
}
#endif

#endif
