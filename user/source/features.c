/* SPDX-License-Identifier: Apache-2.0 */
/* Features of the running kernel. */
#include "source/features.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define BTF_PATH      "/sys/kernel/btf/vmlinux"
#define SECURITY_PATH "/sys/kernel/security"

/* include/uapi/linux/magic.h */
#define TRACEFS_MAGIC	 0x74726163
#define PROC_SUPER_MAGIC 0x9fa0

#define USER_NS_INO 0xEFFFFFFDU /* PROC_USER_INIT_INO, include/linux/proc_ns.h */

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

/* What is missing, the error that it makes of a start, and what to change. */
#define no(f_, error_, ...)                       \
	do {                                      \
		(f_)->error = -(error_);          \
		set(f_, FEATURE_no, __VA_ARGS__); \
	} while (0)

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

/* Effective capabilities of this process. The call needs no /proc, and one line no library. */
static uint64_t cap_effective(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3] = { 0 };
	if (syscall(SYS_capget, &h, d))
		return 0;
	return (uint64_t)d[1].effective << 32 | d[0].effective;
}

static bool has_cap(unsigned bit)
{
	return cap_effective() >> bit & 1;
}

static void check_privileges(struct feature *f)
{
	static const struct {
		unsigned bit, or_else;
		const char *name;
	} need[] = { { CAP_BPF, CAP_SYS_ADMIN, "CAP_BPF" },
		     { CAP_PERFMON, CAP_SYS_ADMIN, "CAP_PERFMON" },
		     { CAP_SYS_PTRACE, CAP_SYS_ADMIN, "CAP_SYS_PTRACE" } };
	char missing[64] = "";
	struct stat ns;

	f->name = "privileges";
	if (!stat("/proc/self/ns/user", &ns) && ns.st_ino != USER_NS_INO) {
		no(f, EPERM,
		   "in a user namespace capabilities count for nothing here: run as root outside "
		   "of it "
		   "(container: hostUsers: true, --userns=host, not rootless)");
		return;
	}
	for (unsigned i = 0; i < sizeof(need) / sizeof(need[0]); i++)
		if (!has_cap(need[i].bit) && !has_cap(need[i].or_else))
			snprintf(missing + strlen(missing), sizeof(missing) - strlen(missing),
				 " %s", need[i].name);
	if (*missing)
		no(f, EPERM, "missing%s: run as root, or give these capabilities", missing);
	else
		set(f, FEATURE_yes, "%s",
		    has_cap(CAP_SYS_ADMIN) ? "CAP_SYS_ADMIN"
					   : "CAP_BPF CAP_PERFMON CAP_SYS_PTRACE");
}

/* Processes that ran before, and ourselves as the program that makes hooks fire, are found there.
 */
static void check_proc(struct feature *f)
{
	struct statfs fs;
	f->name = "proc";
	if (!statfs("/proc/self/", &fs) && fs.f_type == PROC_SUPER_MAGIC)
		set(f, FEATURE_yes, "/proc");
	else
		no(f, ENOTSUP, "not mounted: mount -t proc proc /proc");
}

/*
 * May programs read kernel memory? 1, 0, or negative errno where none can be loaded. (By a program
 * that does: what libbpf_probe_bpf_helper() takes for the kernel's no is not what Linux 7 says.)
 */
static int kernel_can_be_read(void)
{
	static const struct bpf_insn reads[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X,
		  .dst_reg = BPF_REG_1,
		  .src_reg = BPF_REG_10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_1, .imm = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_kernel },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "reads", "Dual BSD/GPL", reads,
			       sizeof(reads) / sizeof(reads[0]), NULL);

	if (fd < 0)
		return errno == EINVAL ? 0 : -errno;
	close(fd);
	return 1;
}

/*
 * Only lockdown=confidentiality keeps BPF programs from reading kernel memory. Where securityfs
 * does not say what is set, the kernel is asked by a program that would read.
 */
static void check_lockdown(struct feature *f)
{
	char line[128] = "";
	bool said = first_line(SECURITY_PATH "/lockdown", line, sizeof(line));
	int can = said ? !strstr(line, "[confidentiality]") : kernel_can_be_read();

	f->name = "lockdown";
	if (can < 0)
		set(f, FEATURE_unknown, "BPF programs can't be tried: %s", strerror(-can));
	else if (!can)
		no(f, ENOTSUP,
		   "confidentiality: BPF programs may not read kernel memory; boot with "
		   "lockdown=integrity or less");
	else
		set(f, FEATURE_yes, "%s%skernel memory can be read", line, said ? ": " : "");
}

/* Where locked memory is bounded for us, its bound in bytes; else RLIM_INFINITY. */
static rlim_t memlock_bound(void)
{
	struct rlimit most = { RLIM_INFINITY, RLIM_INFINITY }, own;
	if (!setrlimit(RLIMIT_MEMLOCK, &most) || getrlimit(RLIMIT_MEMLOCK, &own))
		return RLIM_INFINITY;
	own.rlim_cur = own.rlim_max;
	setrlimit(RLIMIT_MEMLOCK, &own);
	return own.rlim_max;
}

void features_memlock(void)
{
	memlock_bound();
}

void features_why(int error, char *ret, size_t cap)
{
	rlim_t bound = memlock_bound();
	size_t n = 0;

	*ret = '\0';
	if (error == -EPERM && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_FILTER)
		n += (size_t)snprintf(ret + n, cap - n,
				      "; a seccomp filter is at work: let it allow bpf(2) and "
				      "perf_event_open(2)");
	if (error == -EPERM && bound != RLIM_INFINITY && n < cap)
		snprintf(ret + n, cap - n,
			 "; RLIMIT_MEMLOCK is %llu KiB, and Linux before 5.11 counts BPF "
			 "maps: LimitMEMLOCK=infinity, or CAP_SYS_RESOURCE",
			 (unsigned long long)bound / 1024);
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
	} else if (err == EPERM || err == EACCES) {
		char why[sizeof(f->detail)];
		features_why(-EPERM, why, sizeof(why));
		no(f, EPERM, "bpf(2) is not permitted%s",
		   *why ? why : ": a security module or the platform refuses it");
	} else if (err == EINVAL) {
		no(f, ENOTSUP, "this kernel has no BPF ring buffer: Linux 5.8 or newer is needed");
	} else if (err == ENOSYS) {
		no(f, ENOTSUP,
		   "there is no bpf(2): the kernel needs CONFIG_BPF_SYSCALL; in a container, the "
		   "seccomp profile must allow it");
	} else {
		no(f, err, "bpf(2): %s", strerror(err));
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

/* Sources of what is known of logins (bpf/auth.bpf.c). */
static void check_audit(struct feature *f)
{
	f->name = "audit";
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
	if (fd < 0 && errno == EPROTONOSUPPORT)
		set(f, FEATURE_no,
		    "no audit in this kernel: programs send no audit messages of logins");
	else if (fd < 0)
		set(f, FEATURE_unknown, "AF_NETLINK, NETLINK_AUDIT: %s", strerror(errno));
	else
		set(f, FEATURE_yes, "the kernel takes audit messages");
	if (fd >= 0)
		close(fd);
}

static void check_syslog(struct feature *f)
{
	f->name = "syslog";
	if (access("/dev/log", F_OK))
		set(f, FEATURE_no,
		    "nobody listens at /dev/log: what programs say to the system's log is not "
		    "said at all (start rsyslogd or journald); containers have their own");
	else
		set(f, FEATURE_yes, "/dev/log");
}

static void check_uprobe(struct feature *f)
{
	f->name = "uprobe";
	if (access("/sys/bus/event_source/devices/uprobe/type", R_OK))
		set(f, FEATURE_no, "no CONFIG_UPROBE_EVENTS: libpam can't be watched");
	else
		set(f, FEATURE_yes, "functions of libraries can be watched");
}

static void (*const checks[])(struct feature *) = {
	check_kernel, check_proc,    check_privileges, check_ringbuf, check_btf,    check_lockdown,
	check_lsm,    check_tracefs, check_pid_ns,     check_audit,   check_syslog, check_uprobe,
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
	static void (*const must[])(struct feature *) = { check_proc, check_privileges,
							  check_ringbuf, check_lockdown };
	for (unsigned i = 0; i < sizeof(must) / sizeof(must[0]); i++) {
		struct feature f = { 0 };
		must[i](&f);
		if (f.state == FEATURE_no)
			return err_set(e, f.error, "%s: %s", f.name, f.detail);
	}
	return 0;
}
