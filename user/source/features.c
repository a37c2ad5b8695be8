/* SPDX-License-Identifier: Apache-2.0 */
/* Features of the running kernel. */
#include "source/features.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define BTF_PATH      "/sys/kernel/btf/vmlinux"
#define SECURITY_PATH "/sys/kernel/security"

/* include/uapi/linux/magic.h */
#define TRACEFS_MAGIC 0x74726163

/* The syscall is newer than Debian 12's headers (6.8); the number is the same everywhere. */
#ifndef SYS_lsm_list_modules
#define SYS_lsm_list_modules 461
#endif

static void set(struct feature *f, enum feature_state state, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void set(struct feature *f, enum feature_state state, const char *fmt, ...)
{
	va_list ap;
	f->state = state;
	va_start(ap, fmt);
	vsnprintf(f->detail, sizeof(f->detail), fmt, ap);
	va_end(ap);
}

/* The first line of a file; false if it can't be read. */
static bool first_line(const char *path, char *buf, size_t cap)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return false;
	bool ok = fgets(buf, (int)cap, f) != NULL;
	fclose(f);
	if (ok)
		buf[strcspn(buf, "\n")] = '\0';
	return ok;
}

/* Effective capabilities of this process, from /proc: no library is needed for one line. */
static uint64_t cap_effective(void)
{
	char line[256];
	unsigned long long caps = 0;
	FILE *f = fopen("/proc/self/status", "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	fclose(f);
	return caps;
}

static void check_privileges(struct feature *f)
{
	static const struct {
		unsigned bit;
		const char *name;
	} need[] = { { 39, "CAP_BPF" }, { 38, "CAP_PERFMON" }, { 19, "CAP_SYS_PTRACE" } };
	uint64_t caps = cap_effective();
	char missing[64] = "";

	f->name = "privileges";
	if (caps >> 21 & 1) { /* CAP_SYS_ADMIN includes the first two */
		set(f, FEATURE_yes, "CAP_SYS_ADMIN");
		return;
	}
	for (unsigned i = 0; i < sizeof(need) / sizeof(need[0]); i++)
		if (!(caps >> need[i].bit & 1))
			snprintf(missing + strlen(missing), sizeof(missing) - strlen(missing),
				 " %s", need[i].name);
	if (*missing)
		set(f, FEATURE_no, "missing%s: run as root, or give these capabilities", missing);
	else
		set(f, FEATURE_yes, "CAP_BPF CAP_PERFMON CAP_SYS_PTRACE");
}

static void check_ringbuf(struct feature *f)
{
	f->name = "ring_buffer";
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, NULL, 0, 0, (uint32_t)sysconf(_SC_PAGESIZE),
				NULL);
	int err = errno;
	if (fd >= 0) {
		close(fd);
		set(f, FEATURE_yes, "BPF_MAP_TYPE_RINGBUF");
	} else if (err == EPERM) {
		set(f, FEATURE_no,
		    "bpf(2) is not permitted: run as root; in a container allow bpf(2) "
		    "in its seccomp profile");
	} else if (err == EINVAL) {
		set(f, FEATURE_no,
		    "this kernel has no BPF ring buffer: Linux 5.8 or newer is needed");
	} else if (err == ENOSYS) {
		set(f, FEATURE_no, "this kernel has no bpf(2): CONFIG_BPF_SYSCALL is needed");
	} else {
		set(f, FEATURE_no, "bpf(2): %s", strerror(err));
	}
}

/* Where distributions and we keep the BTF of kernels that have none in them; %s: the release. */
static const char *const btf_places[] = {
	"/etc/redshank/btf/%s.btf",
	"/var/lib/redshank/btf/%s.btf",
	"/boot/vmlinux-%s",
	"/lib/modules/%s/vmlinux-%s",
	"/lib/modules/%s/build/vmlinux",
	"/usr/lib/debug/boot/vmlinux-%s",
	"/usr/lib/debug/lib/modules/%s/vmlinux",
};

int features_btf(const char *want, char *ret_path, size_t cap, struct err *e)
{
	struct utsname u;

	*ret_path = '\0';
	if (want) {
		if (access(want, R_OK))
			return err_set(e, -ENOENT, "BTF file %s: %s", want, strerror(errno));
		snprintf(ret_path, cap, "%s", want);
		return 0;
	}
	if (!access(BTF_PATH, R_OK) || uname(&u))
		return 0;
	for (size_t i = 0; i < sizeof(btf_places) / sizeof(btf_places[0]); i++) {
		const char *at = btf_places[i];
		size_t n = 0;
		while (*at && n + sizeof(u.release) < cap) {
			if (at[0] == '%') {
				n += (size_t)snprintf(ret_path + n, cap - n, "%s", u.release);
				at += 2;
			} else {
				ret_path[n++] = *at++;
			}
		}
		ret_path[n] = '\0';
		if (!access(ret_path, R_OK))
			return 0;
	}
	*ret_path = '\0';
	return err_set(e, -ENOENT,
		       BTF_PATH " is not there, nor a BTF file in the usual places: boot a kernel "
				"with CONFIG_DEBUG_INFO_BTF=y, or give one by --btf FILE");
}

static void check_btf(struct feature *f)
{
	char path[256];
	struct err e;

	f->name = "btf";
	if (!access(BTF_PATH, R_OK))
		set(f, FEATURE_yes, BTF_PATH);
	else if (!features_btf(NULL, path, sizeof(path), &e))
		set(f, FEATURE_yes, "%s", path);
	else
		set(f, FEATURE_no, "%.150s", e.text);
}

static void check_lockdown(struct feature *f)
{
	char line[128];
	f->name = "lockdown";
	if (!first_line(SECURITY_PATH "/lockdown", line, sizeof(line)))
		set(f, FEATURE_unknown,
		    "%s/lockdown can't be read: %s (no lockdown LSM, or securityfs is "
		    "not mounted)",
		    SECURITY_PATH, strerror(errno));
	else if (strstr(line, "[confidentiality]"))
		set(f, FEATURE_no,
		    "confidentiality: BPF programs may not read kernel memory; boot with "
		    "lockdown=integrity or less");
	else
		set(f, FEATURE_yes, "%s: kernel memory can be read", line);
}

/* include/uapi/linux/lsm.h, from LSM_ID_CAPABILITY (100) on. */
static const char *const lsm_names[] = { "capability", "selinux", "smack",    "tomoyo",
					 "apparmor",   "yama",	  "loadpin",  "safesetid",
					 "lockdown",   "bpf",	  "landlock", "ima",
					 "evm",	       "ipe" };

static void check_lsm(struct feature *f)
{
	char line[128] = "";
	uint64_t id[32];
	uint32_t size = sizeof(id);

	f->name = "bpf_lsm";
	if (!first_line(SECURITY_PATH "/lsm", line, sizeof(line))) {
		long n = syscall(SYS_lsm_list_modules, id, &size, 0);
		if (n < 0) {
			set(f, FEATURE_unknown,
			    "%s/lsm can't be read (mount -t securityfs securityfs %s)",
			    SECURITY_PATH, SECURITY_PATH);
			return;
		}
		for (long i = 0; i < n && i < 32; i++) {
			uint64_t k = id[i] - 100;
			const char *name =
				k < sizeof(lsm_names) / sizeof(lsm_names[0]) ? lsm_names[k] : "?";
			size_t at = strlen(line);
			snprintf(line + at, sizeof(line) - at, "%s%s", at ? "," : "", name);
		}
	}
	char list[160];
	snprintf(list, sizeof(list), ",%s,", line);
	if (strstr(list, ",bpf,"))
		set(f, FEATURE_yes, "active LSMs: %s", line);
	else
		set(f, FEATURE_no,
		    "active LSMs: %s; LSM programs attach but never fire: boot with "
		    "lsm=...,bpf",
		    line);
}

static void check_tracefs(struct feature *f)
{
	static const char *const path[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	f->name = "tracefs";
	for (unsigned i = 0; i < 2; i++) {
		struct statfs fs;
		if (!statfs(path[i], &fs) && fs.f_type == TRACEFS_MAGIC) {
			set(f, FEATURE_yes, "%s", path[i]);
			return;
		}
	}
	set(f, FEATURE_no,
	    "not mounted: syscall tracepoints can't be attached (mount -t tracefs tracefs "
	    "/sys/kernel/tracing)");
}

static void check_pid_ns(struct feature *f)
{
	/* The initial pid namespace's inode number is fixed: PROC_PID_INIT_INO, proc_ns.h. */
	char link[64] = "";
	f->name = "host_pid_namespace";
	if (readlink("/proc/self/ns/pid", link, sizeof(link) - 1) < 0)
		set(f, FEATURE_unknown, "/proc/self/ns/pid: %s", strerror(errno));
	else if (!strcmp(link, "pid:[4026531836]"))
		set(f, FEATURE_yes, "initial pid namespace");
	else
		set(f, FEATURE_no,
		    "%s is not the host's: arguments of processes that ran before the "
		    "sensor are missing (hostPID: true, --pid host)",
		    link);
}

static void check_kernel(struct feature *f)
{
	struct utsname u;
	f->name = "kernel";
	if (uname(&u))
		set(f, FEATURE_unknown, "uname: %s", strerror(errno));
	else
		set(f, FEATURE_yes, "%s %s", u.release, u.machine);
}

static void (*const checks[])(struct feature *) = {
	check_kernel,	check_privileges, check_ringbuf, check_btf,
	check_lockdown, check_lsm,	  check_tracefs, check_pid_ns,
};

unsigned features_list(struct feature ret[FEATURES_MAX])
{
	unsigned n = 0;
	for (; n < sizeof(checks) / sizeof(checks[0]); n++) {
		ret[n] = (struct feature){ 0 };
		checks[n](&ret[n]);
	}
	return n;
}

int features_require(struct err *e)
{
	static const struct {
		void (*check)(struct feature *);
		int error;
	} must[] = {
		{ check_privileges, -EPERM },
		{ check_ringbuf, -ENOTSUP },
		{ check_lockdown, -ENOTSUP },
	};
	for (unsigned i = 0; i < sizeof(must) / sizeof(must[0]); i++) {
		struct feature f = { 0 };
		must[i].check(&f);
		if (f.state == FEATURE_no)
			return err_set(e, must[i].error, "%s: %s", f.name, f.detail);
	}
	return 0;
}
