/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reverse shell with a relay: connects to a port of this machine, starts a shell on a socket pair
 * and passes bytes in both directions until the shell ends.
 *
 * usage: relay PORT
 */
#include <arpa/inet.h>
#include <err.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int connected(unsigned port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (s < 0 || connect(s, (struct sockaddr *)&a, sizeof(a)))
		err(1, "connect");
	return s;
}

/* False when there is no more. */
static int pass(int from, int to)
{
	char buf[4096];
	ssize_t n = read(from, buf, sizeof(buf));

	return n > 0 && write(to, buf, (size_t)n) == n;
}

int main(int argc, char **argv)
{
	int pair[2], net;

	if (argc != 2)
		errx(2, "usage: relay PORT");
	net = connected((unsigned)atoi(argv[1]));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		err(1, "socketpair");
	if (!fork()) {
		for (int fd = 0; fd < 3; fd++)
			dup2(pair[1], fd);
		execl("/bin/sh", "sh", (char *)NULL);
		_exit(127);
	}
	close(pair[1]);
	struct pollfd p[2] = { { .fd = net, .events = POLLIN },
			       { .fd = pair[0], .events = POLLIN } };
	while (poll(p, 2, -1) > 0) {
		if (p[0].revents && !pass(net, pair[0]))
			break;
		if (p[1].revents && !pass(pair[0], net))
			break;
	}
	close(pair[0]);
	return wait(NULL) < 0;
}
