/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each variant of each hook costs in the kernel, by the kernel's own statistics
 * (BPF_ENABLE_STATS: run time and runs of a program) and by the CPU time of the operation, each
 * beside a program on the same hook that does nothing (tests/bpf/empty.bpf.c). The probe__*
 * programs count their runs: system-wide syscall tracing is what probe__tp_btf and probe__raw_tp
 * do. Prints a Markdown row per variant and operation.
 *
 *   hooks [SECONDS [HOOK]]   of one measurement, default 0.5; of all hooks or of one
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "source/bpf_obj.h"

#include "empty.skel.h"
#include "redshank.skel.h"

static char self[4096]; /* this program */

static void op_getppid(void)
{
	syscall(SYS_getppid);
}

static void op_openat(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
}

static void op_exec(void)
{
	char *const args[] = { self, (char *)"child", NULL };
	char *const env[] = { NULL };
	pid_t pid;
	if (!posix_spawn(&pid, self, NULL, NULL, args, env))
		waitpid(pid, NULL, 0);
}

/* Pairs that this program sends to itself by: what is sent is of no interest to anybody. */
static int udp[2], stream[2], pipes[2];
static char text[64] = "a line of text that says nothing of a login";

static void op_udp(void)
{
	if (send(udp[0], text, sizeof(text), 0) < 0 || recv(udp[1], text, sizeof(text), 0) < 0)
		exit(1);
}

static void op_stream(void)
{
	if (send(stream[0], text, sizeof(text), 0) < 0 ||
	    recv(stream[1], text, sizeof(text), 0) < 0)
		exit(1);
}

static void op_pipe(void)
{
	if (write(pipes[1], text, sizeof(text)) < 0 || read(pipes[0], text, sizeof(text)) < 0)
		exit(1);
}

static void open_pairs(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	udp[0] = socket(AF_INET, SOCK_DGRAM, 0);
	udp[1] = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(udp[1], (void *)&a, len) || getsockname(udp[1], (void *)&a, &len) ||
	    connect(udp[0], (void *)&a, len) || socketpair(AF_UNIX, SOCK_STREAM, 0, stream) ||
	    pipe(pipes)) {
		perror("hooks");
		exit(1);
	}
}

static const struct op {
	const char *name;
	void (*run)(void);
	unsigned batch; /* between two looks at the clock */
	uint64_t events; /* whose hooks it is for; 0: of all, or of no events */
} ops[] = { { "getppid", op_getppid, 1000, 0 },
	    { "openat+close", op_openat, 100, 0 },
	    { "exec", op_exec, 1, 0 },
	    { "send+recv UDP", op_udp, 100, 1ULL << EV_auth_text },
	    { "send+recv unix stream", op_stream, 100, 1ULL << EV_auth_text },
	    { "write+read pipe", op_pipe, 100, 1ULL << EV_auth_text } };

static double cpu_ns(void)
{
	double ns = 0;
	for (int who = RUSAGE_CHILDREN; who <= RUSAGE_SELF; who++) {
		struct rusage u;
		getrusage(who, &u);
		ns += ((double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec) * 1e9 +
		      ((double)u.ru_utime.tv_usec + (double)u.ru_stime.tv_usec) * 1e3;
	}
	return ns;
}

/* CPU ns of one operation; *ret_n: how many were done. */
static double measure(const struct op *op, double seconds, unsigned long *ret_n)
{
	uint64_t end = clock_monotonic() + (uint64_t)(seconds * 1e9);
	double cpu = cpu_ns();
	unsigned long n = 0;
	do {
		for (unsigned i = 0; i < op->batch; i++)
			op->run();
		n += op->batch;
	} while (clock_monotonic() < end);
	*ret_n = n;
	return (cpu_ns() - cpu) / (double)n;
}

/* What one program costs while an operation is done. */
struct cost {
	double ns; /* of one run */
	double per_op; /* runs in one operation */
	double cpu; /* CPU ns of one operation, without what the statistics cost */
};

/* False if the program can't be attached. */
static bool cost_of(const struct op *op, struct bpf_program *p, double seconds, struct cost *ret)
{
	struct bpf_prog_info before = { 0 }, after = { 0 };
	uint32_t len = sizeof(before);
	unsigned long n;

	struct bpf_link *link = bpf_program__attach(p);
	if (!link)
		return false;
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	bpf_obj_get_info_by_fd(bpf_program__fd(p), &before, &len);
	measure(op, seconds / 2, &n);
	bpf_obj_get_info_by_fd(bpf_program__fd(p), &after, &len);
	if (stats >= 0)
		close(stats);
	double runs = (double)(after.run_cnt - before.run_cnt);
	ret->ns = runs > 0 ? (double)(after.run_time_ns - before.run_time_ns) / runs : 0;
	ret->per_op = runs / (double)n;
	ret->cpu = measure(op, seconds, &n);
	bpf_link__destroy(link);
	return true;
}

/* Of the program of this name that does nothing; all 0 if there is none. */
static struct cost cost_of_empty(const struct op *op, const char *name, double seconds)
{
	struct cost c = { 0 };
	struct empty *o = empty__open();
	struct bpf_program *p, *wanted = NULL;

	if (!o)
		return c;
	bpf_object__for_each_program(p, o->obj)
	{
		bool it = !strcmp(bpf_program__name(p), name);
		bpf_program__set_autoload(p, it);
		wanted = it ? p : wanted;
	}
	if (wanted && !empty__load(o))
		cost_of(op, wanted, seconds, &c);
	empty__destroy(o);
	return c;
}

static void row(const struct op *op, const char *variant, struct bpf_program *p, double seconds)
{
	struct cost c;
	unsigned long n;

	double base = measure(op, seconds, &n);
	if (!cost_of(op, p, seconds, &c))
		return;
	struct cost none = cost_of_empty(op, variant, seconds);
	printf("| %s | %s | %.2f | %.0f | %.0f | %.1f | %.2f | %.2f |\n", op->name, variant,
	       c.per_op, c.ns, none.ns, none.ns > 0 ? c.ns / none.ns : 0, c.cpu / base,
	       none.cpu / base);
	fflush(stdout);
}

/* One variant alone, loaded and attached as the sensor does it, under one operation. */
static void one(const struct op *op, const struct hook *h, const char *name, double seconds)
{
	static const struct bpf_config c = { .ring_main_bytes = 8 << 20,
					     .ring_bulk_bytes = 4 << 20 };
	struct redshank_bpf *o;

	if (bpf_obj_open(&c, &o, NULL))
		return;
	struct bpf_program *p = bpf_obj_program(o, name);
	bpf_obj_use(o, h, name);
	if (!redshank_bpf__load(o))
		row(op, name, p, seconds);
	redshank_bpf__destroy(o);
}

/* Hooks of processes rest under all but exec. */
static bool suits(const struct op *op, const struct hook *h)
{
	enum ev_type event = h->fact == FACT_auth_stderr ? EV_auth_text : h->event;

	if (op->events || event == EV_auth_text)
		return op->events >> event & 1;
	return !h->without || op->run == op_exec;
}

/* Under every operation; loaded anew for each, as Linux 5.10 attaches some kinds only once. */
static void variant(const struct hook *h, const char *name, double seconds)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]) && !variant_is_iter(name); i++)
		if (suits(&ops[i], h))
			one(&ops[i], h, name, seconds);
}

int main(int argc, char **argv)
{
	static struct hook table[HOOKS_MAX];
	double seconds = argc >= 2 && strcmp(argv[1], "child") ? atof(argv[1]) : 0.5;

	if (argc == 2 && (!strcmp(argv[1], "child") || !strcmp(argv[1], FIRE_ARGUMENT)))
		return 0;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0 || seconds <= 0) {
		fprintf(stderr, "usage: hooks [SECONDS [HOOK]]\n");
		return 64;
	}
	open_pairs();
	bpf_obj_log(NULL);
	puts("| operation | program | runs per operation | ns per run | empty program, ns | ratio "
	     "| "
	     "CPU time: with it / without | with an empty one / without |\n"
	     "|---|---|---|---|---|---|---|---|");
	for (int probes = 1; probes >= 0; probes--) {
		int hooks = hooks_list(probes, table, NULL);
		for (int i = 0; i < hooks; i++)
			for (unsigned k = 0; k < table[i].nvariants &&
					     (argc < 3 || !strcmp(argv[2], table[i].name));
			     k++)
				variant(&table[i], table[i].variant[k], seconds);
	}
	return 0;
}
