/* SPDX-License-Identifier: Apache-2.0 */
/* Making hooks fire. */
#include "source/fire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "abi/knobs.h"

#define AUDIT_USER_AUTH 1100 /* the kernel knows only of a range of such messages; libaudit.h */

static void event(struct fire_caused *said, enum ev_type type)
{
	said->events |= 1ULL << type;
}

static void reach_parent(struct fire_caused *said)
{
	static char there, here;
	struct iovec from = { &there, 1 }, to = { &here, 1 };

	if (process_vm_readv(getppid(), &to, 1, &from, 1, 0) == 1)
		event(said, EV_access);
}

static void open_setting(struct fire_caused *said)
{
	int fd = open("/proc/sys/kernel/core_pattern", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	close(fd);
	event(said, EV_kernel_write);
	said->facts |= 1U << FACT_written;
}

static void load_program(struct fire_caused *said)
{
	struct bpf_insn code[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K }, /* r0 = 0 */
				   { .code = BPF_JMP | BPF_EXIT } };
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
				.insns = (uintptr_t)code,
				.insn_cnt = sizeof(code) / sizeof(code[0]),
				.license = (uintptr_t) "GPL",
				.prog_name = "redshank_fire" };
	int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	if (fd < 0)
		return;
	close(fd);
	event(said, EV_bpf_load);
}

static void new_namespace(struct fire_caused *said)
{
	if (!unshare(CLONE_NEWUTS))
		event(said, EV_ns);
}

static void make_socket(struct fire_caused *said)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	close(fd);
	said->facts |= 1U << FACT_anon_net;
}

/* An audit message without a text: the kernel drops it (756125289285, v5.7). */
static void say_nothing(struct fire_caused *said)
{
	struct nlmsghdr m = { .nlmsg_len = sizeof(m), .nlmsg_type = AUDIT_USER_AUTH };
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);

	if (fd < 0)
		return;
	if (sendto(fd, &m, sizeof(m), 0, (struct sockaddr *)&kernel, sizeof(kernel)) == sizeof(m))
		event(said, EV_auth_text);
	close(fd);
}

void fire_cause(struct fire_caused *said)
{
	make_socket(said);
	say_nothing(said);
	reach_parent(said);
	open_setting(said);
	load_program(said);
	new_namespace(said);
	/* The next exec stops with SIGTRAP, and the parent lets it go on. */
	if (!ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		said->facts |= 1U << FACT_traceme;
}

void fire_go_on(pid_t pid, int sig, struct fire_caused *said)
{
	if (!ptrace(PTRACE_CONT, pid, NULL, (void *)(intptr_t)(sig == SIGTRAP ? 0 : sig)))
		said->facts |= 1U << FACT_poke;
}
