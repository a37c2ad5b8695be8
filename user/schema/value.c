/* SPDX-License-Identifier: Apache-2.0 */
/* Wire values to presented values. */
#include "schema/value.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Bit or enum number to name; the index is the number. */
struct names {
	const char *const *name;
	unsigned count;
};

#define COUNT(array_) (sizeof(array_) / sizeof((array_)[0]))
#define NAMES(array_)                 \
	{                             \
		array_, COUNT(array_) \
	}

/* include/uapi/linux/capability.h */
static const char *const cap_names[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};
/* include/uapi/linux/fcntl.h */
static const char *const seal_names[] = { "F_SEAL_SEAL",  "F_SEAL_SHRINK",	 "F_SEAL_GROW",
					  "F_SEAL_WRITE", "F_SEAL_FUTURE_WRITE", "F_SEAL_EXEC" };
static const char *const exe_flag_names[] = { "internal_mount", "unhashed",   "overlay_upper",
					      "detached",	"script",     "script_memfd",
					      "memfd_name",	"stack_exec", "read_implies_exec",
					      "never_linked",	"fresh" };
static const char *const unseen_names[] = {
#define FACT(id_, name_, ...)	 [id_] = #name_,
#define UNSEEN(bit_, name_, ...) [bit_] = #name_,
#include "abi/facts.def"
#include "abi/unseen.def"
#undef FACT
#undef UNSEEN
};
static const char *const fd_type_names[] = {
	[FD_TYPE_closed] = "closed",
	[FD_TYPE_file] = "file",
	[FD_TYPE_directory] = "directory",
	[FD_TYPE_block] = "block",
	[FD_TYPE_char] = "char",
	[FD_TYPE_null] = "null",
	[FD_TYPE_tty] = "tty",
	[FD_TYPE_pipe] = "pipe",
	[FD_TYPE_fifo] = "fifo",
	[FD_TYPE_unix_socket] = "unix_socket",
	[FD_TYPE_inet_socket] = "inet_socket",
	[FD_TYPE_socket] = "socket",
	[FD_TYPE_memfd] = "memfd",
	[FD_TYPE_anon] = "anon",
};
static const char *const exe_origin_names[] = { NULL,	    "regular", "memfd",
						"unlinked", "tmpfs",   "overlay_upper",
						"fuse",	    "network", "removable" };
static const char *const same_content_names[] = {
	[SAME_CONTENT_yes] = "yes", [SAME_CONTENT_no] = "no"
};
/* include/uapi/linux/bpf.h, enum bpf_prog_type */
static const char *const bpf_type_names[] = {
	"unspec",
	"socket_filter",
	"kprobe",
	"sched_cls",
	"sched_act",
	"tracepoint",
	"xdp",
	"perf_event",
	"cgroup_skb",
	"cgroup_sock",
	"lwt_in",
	"lwt_out",
	"lwt_xmit",
	"sock_ops",
	"sk_skb",
	"cgroup_device",
	"sk_msg",
	"raw_tracepoint",
	"cgroup_sock_addr",
	"lwt_seg6local",
	"lirc_mode2",
	"sk_reuseport",
	"flow_dissector",
	"cgroup_sysctl",
	"raw_tracepoint_writable",
	"cgroup_sockopt",
	"tracing",
	"struct_ops",
	"ext",
	"lsm",
	"sk_lookup",
	"syscall",
	"netfilter",
};
/* Of each enum of words.def its words, names_<PREFIX>. */
#define WORDS(enum_, prefix_) static const char *const names_##prefix_[] = {
#define BITS(enum_, prefix_)  WORDS(enum_, prefix_)
#define W(prefix_, word_)     [prefix_##_##word_] = #word_,
#define END_WORDS() \
	}           \
	;
#include "abi/words.def"
#undef WORDS
#undef BITS
#undef W
#undef END_WORDS
static const char *const gap_cause_names[] = {
	[GAP_ring_full] = "ring_full", [GAP_scratch_busy] = "scratch_busy",
	[GAP_reader] = "reader",       [GAP_invalid] = "invalid",
	[GAP_missed] = "missed",
};
static const char *const scan_flag_names[] = {
	"writable",
	"executing",
	"syscalls",
	"named",
	"heap",
	"stack",
	"all_executable",
	"elf",
	"writable_twin",
	"replaced",
	"temporary",
	"traced",
	"traps_caught",
	"text_relocations",
	"vdso",
	"incomplete",
	"only_breakpoints",
};
static const char *const map_fact_names[] = { "shared",	   "written",		"growsdown",
					      "no_loader", "by_loader",		"by_memory",
					      "compat",	   "read_implies_exec", "others",
					      "caller" };
/* Linux numbers of x86 and arm64, signal(7). */
static const char *const signal_names[] = {
	NULL,	     "SIGHUP",	"SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
	"SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
	"SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
	"SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS",
};

/* Formats that are words, and those that are sets of them: bits of the number. */
static const struct names enums[] = {
	[FMT_EXE_ORIGIN] = NAMES(exe_origin_names),
	[FMT_FD_TYPE] = NAMES(fd_type_names),
	[FMT_SAME_CONTENT] = NAMES(same_content_names),
	[FMT_GAP_CAUSE] = NAMES(gap_cause_names),
	[FMT_SCAN_KIND] = NAMES(names_SCAN),
	[FMT_MAP_OP] = NAMES(names_MAP_OP),
	[FMT_MAP_KIND] = NAMES(names_MAP_KIND),
	[FMT_ANON_CALL] = NAMES(names_ANON_CALL),
	[FMT_ACCESS_OP] = NAMES(names_ACCESS),
	[FMT_MODULE_OP] = NAMES(names_MODULE),
	[FMT_KERNEL_FILE] = NAMES(names_KERNEL_FILE),
	[FMT_NS_OP] = NAMES(names_NS),
	[FMT_CREDS_OP] = NAMES(names_CREDS),
	[FMT_URING_OP] = NAMES(names_URING),
	[FMT_AUTH_SOURCE] = NAMES(names_AUTH_SOURCE),
	[FMT_AUTH_TRUST] = NAMES(names_AUTH_TRUST),
	[FMT_PAM_OP] = NAMES(names_PAM),
	[FMT_AUTH_ACTION] = NAMES(names_AUTH),
	[FMT_AUTH_OUTCOME] = NAMES(names_AUTH_IS),
	[FMT_AUTH_REASON] = NAMES(names_AUTH_REASON),
	[FMT_AUTH_METHOD] = NAMES(names_AUTH_METHOD),
	[FMT_BPF_TYPE] = NAMES(bpf_type_names),
	[FMT_SIGNAL] = NAMES(signal_names),
};
static const struct names flags[] = {
	[FMT_CAPS] = NAMES(cap_names),
	[FMT_SEALS] = NAMES(seal_names),
	[FMT_EXE_FLAGS] = NAMES(exe_flag_names),
	[FMT_UNSEEN] = NAMES(unseen_names),
	[FMT_SCAN_FLAGS] = NAMES(scan_flag_names),
	[FMT_MAP_FACTS] = NAMES(map_fact_names),
	[FMT_ACCESS_FLAGS] = NAMES(names_ACCESS_F),
	[FMT_NS_KINDS] = NAMES(names_NS_F),
	[FMT_AUTH_SOURCES] = NAMES(names_AUTH_BY),
};

static const char *name_of(struct names n, uint64_t i)
{
	return i < n.count ? n.name[i] : NULL;
}

const char *exe_origin_name(unsigned origin)
{
	return name_of((struct names)NAMES(exe_origin_names), origin);
}

const char *gap_cause_name(unsigned cause)
{
	return name_of((struct names)NAMES(gap_cause_names), cause);
}

const char *scan_kind_name(unsigned kind)
{
	return name_of((struct names)NAMES(names_SCAN), kind);
}

const char *cap_name(unsigned bit)
{
	return name_of((struct names)NAMES(cap_names), bit);
}

void value_printf(struct value *v, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(v->tmp, sizeof(v->tmp), fmt, ap);
	va_end(ap);
	size_t len = n < 0 ? 0 : (size_t)n;
	value_str(v, v->tmp, len < sizeof(v->tmp) ? len : sizeof(v->tmp) - 1);
}

static void value_enum(struct value *v, struct names n, uint64_t i)
{
	const char *s = name_of(n, i);
	if (s)
		value_str(v, s, strlen(s));
	else if (i)
		value_printf(v, "%llu", (unsigned long long)i);
}

static void value_flags(struct value *v, struct names n, uint64_t bits)
{
	size_t len = 0;
	for (unsigned i = 0; i < 64; i++) {
		if (!(bits >> i & 1))
			continue;
		char num[16];
		const char *s = name_of(n, i);
		if (!s) {
			snprintf(num, sizeof(num), "bit%u", i);
			s = num;
		}
		size_t k = strlen(s);
		if (len + k + 1 > sizeof(v->tmp))
			break;
		memcpy(v->tmp + len, s, k);
		len += k;
		v->tmp[len++] = '\0';
	}
	if (!len)
		return;
	v->kind = VALUE_list;
	v->p = v->tmp;
	v->len = len - 1;
}

static uint64_t wire_num(const char *p, enum field_wire w)
{
	union {
		u8 u8;
		u16 u16;
		u32 u32;
		u64 u64;
	} n;
	switch (w) {
	case WIRE_u8:
		memcpy(&n.u8, p, 1);
		return n.u8;
	case WIRE_u16:
		memcpy(&n.u16, p, 2);
		return n.u16;
	case WIRE_u32:
	case WIRE_s32:
		memcpy(&n.u32, p, 4);
		return n.u32;
	case WIRE_u64:
		memcpy(&n.u64, p, 8);
		return n.u64;
	case WIRE_str:
	case WIRE_comm:
		break;
	}
	return 0;
}

static bool all_bits(uint64_t n, enum field_wire w)
{
	return w == WIRE_u64 ? n == UINT64_MAX : n == UINT32_MAX;
}

/* A struct sockaddr as the process gave it: of any length and content. */
static void value_sockaddr(struct value *v, const char *p, size_t len)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} a = { 0 };
	char text[INET6_ADDRSTRLEN];

	memcpy(&a, p, len < sizeof(a) ? len : sizeof(a));
	if (len >= sizeof(a.in) && a.sa.sa_family == AF_INET)
		value_printf(v, "%s:%u", inet_ntop(AF_INET, &a.in.sin_addr, text, sizeof(text)),
			     ntohs(a.in.sin_port));
	else if (len >= sizeof(a.in6) && a.sa.sa_family == AF_INET6)
		value_printf(v, "[%s]:%u",
			     inet_ntop(AF_INET6, &a.in6.sin6_addr, text, sizeof(text)),
			     ntohs(a.in6.sin6_port));
	else if (len > sizeof(a.sa.sa_family) && a.sa.sa_family == AF_UNIX)
		value_str(v, p + sizeof(a.sa.sa_family) + !p[sizeof(a.sa.sa_family)],
			  strnlen(p + sizeof(a.sa.sa_family) + !p[sizeof(a.sa.sa_family)],
				  len - sizeof(a.sa.sa_family) - !p[sizeof(a.sa.sa_family)]));
}

static void get_bytes(const struct event *ev, const struct field *f, struct value *v)
{
	const char *p = (const char *)ev->rec + f->off;
	if (f->wire == WIRE_comm) {
		value_str(v, p, strnlen(p, EV_COMM_LEN));
		return;
	}
	struct ev_str s;
	memcpy(&s, p, sizeof(s));
	if (f->fmt == FMT_SOCKADDR) {
		value_sockaddr(v, (const char *)ev->rec + s.off, s.len);
		return;
	}
	value_str(v, (const char *)ev->rec + s.off, s.len);
	if (f->fmt != FMT_LIST || v->kind == VALUE_none)
		return;
	v->kind = VALUE_list;
	if (!v->p[v->len - 1]) /* argv ends with NUL unless it was cut */
		v->len--;
}

static void get_num(const struct event *ev, const struct field *f, struct value *v)
{
	uint64_t n = wire_num((const char *)ev->rec + f->off, f->wire);
	const struct ev_desc *d;

	switch (f->fmt) {
	case FMT_OPT:
		if (!all_bits(n, f->wire))
			value_num(v, n);
		break;
	case FMT_POS:
		if (n)
			value_num(v, n);
		break;
	case FMT_DEC:
		value_num(v, n);
		break;
	case FMT_ID:
		value_printf(v, "%llu", (unsigned long long)n);
		break;
	case FMT_HEX:
		value_printf(v, "0x%llx", (unsigned long long)n);
		break;
	case FMT_OCT:
		if (!all_bits(n, f->wire))
			value_printf(v, "%04llo", (unsigned long long)n & 07777);
		break;
	case FMT_BOOL:
		v->kind = VALUE_bool;
		v->num = !!n;
		break;
	case FMT_TIME:
		if (n) {
			v->kind = VALUE_time;
			v->num = n + (uint64_t)ev->host->unix_offset;
		}
		break;
	case FMT_DEV: /* include/linux/kdev_t.h: 12 bits of major, 20 of minor */
		if (n)
			value_printf(v, "%llu:%llu", (unsigned long long)n >> 20,
				     (unsigned long long)n & 0xfffff);
		break;
	case FMT_MAP_PROT:
		if (!all_bits(n, f->wire))
			value_printf(v, "%c%c%c", n & MAP_PROT_read ? 'r' : '-',
				     n & MAP_PROT_write ? 'w' : '-', n & MAP_PROT_exec ? 'x' : '-');
		break;
	case FMT_EVENT:
		d = ev_desc((unsigned)n);
		if (d)
			value_str(v, d->key, strlen(d->key));
		else
			value_printf(v, "%llu", (unsigned long long)n);
		break;
	default:
		if (f->fmt < COUNT(enums) && enums[f->fmt].count)
			value_enum(v, enums[f->fmt], n);
		else if (f->fmt < COUNT(flags) && flags[f->fmt].count)
			value_flags(v, flags[f->fmt], n);
	}
}

void value_get(const struct event *ev, const struct field *f, struct value *ret)
{
	ret->kind = VALUE_none;
	ret->num = 0;
	ret->p = "";
	ret->len = 0;
	ret->joined = false;
	ret->truncated = f->index >= 0 && (ev->rec->truncated >> f->index & 1);
	if (f->wire == WIRE_str || f->wire == WIRE_comm)
		get_bytes(ev, f, ret);
	else
		get_num(ev, f, ret);
}

bool value_next(const struct value *v, size_t *pos, const char **ret_p, size_t *ret_len)
{
	if (*pos > v->len)
		return false;
	const char *p = v->p + *pos;
	const char *nul = memchr(p, '\0', v->len - *pos);
	*ret_p = p;
	*ret_len = nul ? (size_t)(nul - p) : v->len - *pos;
	*pos += *ret_len + 1;
	return true;
}
