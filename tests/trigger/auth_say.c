/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Says something, as programs say something of a login, by each of the system calls that can.
 *
 *   auth_say [-n] HOW audit TYPE TEXT   to the kernel's audit system
 *   auth_say [-n] HOW log PATH TEXT     to whoever reads the datagram socket PATH
 *   auth_say [-n] HOW udp PORT TEXT     to a port of loopback
 *   auth_say HOW pipe - TEXT            into a pipe
 *   auth_say HOW fd N TEXT              to a descriptor that it was given
 *
 * HOW: send, named (to an address, without a connection), sendmsg, pieces (sendmsg of several),
 * sendmmsg, write, writev, int80 (sendto by the 32-bit entry), socketcall (of old 32-bit programs).
 * -n: the socket is opened by nobody, and used by root.
 */
#include "trigger.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#define NOBODY 65534

static union {
	struct sockaddr any;
	struct sockaddr_nl netlink;
	struct sockaddr_un un;
	struct sockaddr_in in;
} to; /* static: 32-bit calls reach it */
static socklen_t to_len;
static char data[8192];
static size_t len;

static void put_text(const char *text)
{
	len = strlen(text);
	if (len >= sizeof(data) - NLMSG_HDRLEN - 4)
		exit(64);
	memcpy(data, text, len);
}

static void put_audit(const char *type, const char *text)
{
	struct nlmsghdr h = { .nlmsg_type = (uint16_t)atoi(type), .nlmsg_flags = NLM_F_REQUEST };

	put_text(text);
	memmove(data + NLMSG_HDRLEN, data, len + 1);
	len = NLMSG_ALIGN(NLMSG_HDRLEN + len + 1);
	h.nlmsg_len = (uint32_t)len;
	memcpy(data, &h, sizeof(h));
}

static int open_socket(const char *what, const char *where)
{
	if (!strcmp(what, "audit")) {
		to.netlink.nl_family = AF_NETLINK;
		to_len = sizeof(to.netlink);
		return socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT);
	}
	if (!strcmp(what, "log")) {
		to.un.sun_family = AF_UNIX;
		strncpy(to.un.sun_path, where, sizeof(to.un.sun_path) - 1);
		to_len = sizeof(to.un);
		return socket(AF_UNIX, SOCK_DGRAM, 0);
	}
	to.in.sin_family = AF_INET;
	to.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.in.sin_port = htons((uint16_t)atoi(where));
	to_len = sizeof(to.in);
	return socket(AF_INET, SOCK_DGRAM, 0);
}

static int open_pipe(void)
{
	int fd[2];

	if (pipe(fd))
		die("pipe");
	return fd[1]; /* with the other end open: there is a reader */
}

static long call32(long nr, long a, long b, long c, long d, long e)
{
#if defined(__x86_64__)
	long ret;
	__asm__ volatile("push %%rbp\n\txor %%ebp, %%ebp\n\tint $0x80\n\tpop %%rbp"
			 : "=a"(ret)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory", "r8", "r9", "r10", "r11");
	return ret;
#else
	(void)nr, (void)a, (void)b, (void)c, (void)d, (void)e;
	errno = ENOSYS;
	die("int 0x80");
#endif
}

static bool is(const char *how, const char *name)
{
	return !strcmp(how, name);
}

static long sent(const char *how, int fd)
{
	static char rest[sizeof(data)];
	size_t head = data[0] == '<' ? strcspn(data, ">") + 1 : NLMSG_HDRLEN;
	head = head < len ? head : len;
	memcpy(rest, data + head, len - head);
	struct iovec whole = { data, len }, part[] = { { data, head }, { rest, len - head } };
	struct mmsghdr m = { .msg_hdr = { .msg_iov = &whole, .msg_iovlen = 1 } };

	if (is(how, "named"))
		return sendto(fd, data, len, 0, &to.any, to_len);
	if (is(how, "send"))
		return send(fd, data, len, MSG_NOSIGNAL);
	if (is(how, "sendmsg"))
		return sendmsg(fd, &m.msg_hdr, 0);
	if (is(how, "pieces"))
		return sendmsg(fd, &(struct msghdr){ .msg_iov = part, .msg_iovlen = 2 }, 0);
	if (is(how, "sendmmsg"))
		return sendmmsg(fd, &m, 1, 0) == 1 ? (long)len : -1;
	if (is(how, "write"))
		return write(fd, data, len);
	if (is(how, "writev"))
		return writev(fd, &whole, 1);
	if (is(how, "int80"))
		return call32(369, fd, (intptr_t)data, (long)len, 0, 0);
	if (is(how, "socketcall")) {
		static uint32_t args[6];
		args[0] = (uint32_t)fd;
		args[1] = (uint32_t)(uintptr_t)data;
		args[2] = (uint32_t)len;
		return call32(102, 9, (intptr_t)args, 0, 0, 0); /* SYS_SEND */
	}
	exit(64);
}

int main(int argc, char **argv)
{
	bool nobody = argc > 1 && is(argv[1], "-n");
	int fd;

	argv += nobody;
	argc -= nobody;
	if (argc != 5)
		return 64;
	const char *how = argv[1], *what = argv[2];
	if (is(what, "audit"))
		put_audit(argv[3], argv[4]);
	else
		put_text(argv[4]);
	if (nobody && seteuid(NOBODY))
		die("seteuid");
	if (is(what, "fd")) {
		fd = atoi(argv[3]);
	} else if (is(what, "pipe")) {
		fd = open_pipe();
	} else {
		fd = open_socket(what, argv[3]);
		if (fd >= 0 && !is(how, "named") && connect(fd, &to.any, to_len))
			die("connect");
	}
	if (fd < 0)
		die("socket");
	if (nobody && seteuid(0))
		die("seteuid");
	if (sent(how, fd) != (long)len)
		die(how);
	if (!is(what, "fd"))
		say("{\"pid\":%d,\"what\":\"%s %s\"}", getpid(), how, what);
	return 0;
}
