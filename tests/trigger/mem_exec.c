/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts machine code into memory in each way there is, makes it executable, and has it do something.
 *
 *   mem_exec MEMORY ACTION
 *
 * The code is one system call and a return, so that everything else stays in this program's text.
 * Prints {"pid", "what", "action"} when it has done both, then waits for the end of its input.
 */
#include "trigger.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define SIZE 8192

/* long call(long number, long a, long b, long c, long d, long e) */
static const unsigned char code[] = {
#if defined(__x86_64__)
	0x48, 0x89, 0xf8, /* mov %rdi,%rax */
	0x48, 0x89, 0xf7, /* mov %rsi,%rdi */
	0x48, 0x89, 0xd6, /* mov %rdx,%rsi */
	0x48, 0x89, 0xca, /* mov %rcx,%rdx */
	0x4d, 0x89, 0xc2, /* mov %r8,%r10 */
	0x4d, 0x89, 0xc8, /* mov %r9,%r8 */
	0x0f, 0x05, /* syscall */
	0xc3, /* ret */
#elif defined(__aarch64__)
	0xe8, 0x03, 0x00, 0xaa, /* mov x8, x0 */
	0xe0, 0x03, 0x01, 0xaa, /* mov x0, x1 */
	0xe1, 0x03, 0x02, 0xaa, /* mov x1, x2 */
	0xe2, 0x03, 0x03, 0xaa, /* mov x2, x3 */
	0xe3, 0x03, 0x04, 0xaa, /* mov x3, x4 */
	0xe4, 0x03, 0x05, 0xaa, /* mov x4, x5 */
	0x01, 0x00, 0x00, 0xd4, /* svc #0 */
	0xc0, 0x03, 0x5f, 0xd6, /* ret */
#endif
};

typedef long call_fn(long number, long a, long b, long c, long d, long e);

static char data[SIZE] __attribute__((aligned(4096))) = { 1 };

static void *checked(void *p, const char *what)
{
	if (p == MAP_FAILED)
		die(what);
	return p;
}

static void *filled(void *p)
{
	memcpy(p, code, sizeof(code));
	__builtin___clear_cache((char *)p, (char *)p + sizeof(code));
	return p;
}

static void *anon(int prot, int flags)
{
	return checked(mmap(NULL, SIZE, prot, flags | MAP_ANONYMOUS, -1, 0), "mmap");
}

static void protect(void *p, size_t n, int prot)
{
	if (mprotect(p, n, prot))
		die("mprotect");
}

static void *written_then_executable(void *p)
{
	filled(p);
	protect(p, SIZE, PROT_READ | PROT_EXEC);
	return p;
}

static int memfd(void)
{
	int fd = memfd_with("lib", MFD_CLOEXEC, (const char *)code, sizeof(code));
	if (ftruncate(fd, SIZE))
		die("ftruncate");
	return fd;
}

static void *sysv(void)
{
	int id = shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0700);
	void *p = id < 0 ? MAP_FAILED : shmat(id, NULL, SHM_EXEC);
	if (id >= 0)
		shmctl(id, IPC_RMID, NULL);
	return filled(checked(p, "shmat"));
}

static void *unlinked(void)
{
	char path[] = "/dev/shm/mem_exec.XXXXXX";
	int fd = mkstemp(path);
	if (fd < 0 || unlink(path))
		die(path);
	write_all(fd, (const char *)code, sizeof(code));
	return checked(mmap(NULL, SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), "mmap");
}

static void *zero(void)
{
	int fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	return filled(checked(
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, fd, 0), "mmap"));
}

static void *two_views(void)
{
	int fd = memfd();
	char *w = checked(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), "mmap");
	filled(w);
	return checked(mmap(NULL, SIZE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0), "mmap");
}

static void *implied(void)
{
	if (personality(READ_IMPLIES_EXEC) < 0)
		die("personality");
	return filled(anon(PROT_READ | PROT_WRITE, MAP_PRIVATE));
}

/* Below 4 GiB, for a 32-bit system call takes no other address. */
static void *int80(void)
{
#if defined(__x86_64__)
	void *p = checked(mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0),
			  "mmap");
	long rc;
	filled(p);
	__asm__ volatile("int $0x80"
			 : "=a"(rc)
			 : "a"(125L), "b"((long)p), "c"((long)SIZE), "d"(5L)
			 : "memory", "r8", "r9", "r10", "r11");
	if (!rc)
		return p;
#endif
	errno = ENOSYS;
	die("int $0x80");
}

static void *pkey(void)
{
	void *p = filled(anon(PROT_READ | PROT_WRITE, MAP_PRIVATE));
	if (syscall(SYS_pkey_mprotect, p, SIZE, PROT_READ | PROT_EXEC, -1))
		die("pkey_mprotect");
	return p;
}

static void *heap(void)
{
	uintptr_t p = ((uintptr_t)sbrk(SIZE * 2) + SIZE - 1) & ~(uintptr_t)(SIZE - 1);
	return written_then_executable((void *)p);
}

/* Code over two mappings, the first of which is an ordinary file's. */
static void *behind_a_file(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char *p = anon(PROT_READ | PROT_WRITE, MAP_PRIVATE);
	checked(mmap(p, SIZE / 2, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0), "mmap");
	filled(p + SIZE / 2);
	protect(p, SIZE, PROT_READ | PROT_EXEC);
	return p + SIZE / 2;
}

static void *memory(const char *what, char *stack)
{
	if (!strcmp(what, "wx"))
		return filled(anon(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE));
	if (!strcmp(what, "wtox"))
		return written_then_executable(anon(PROT_READ | PROT_WRITE, MAP_PRIVATE));
	if (!strcmp(what, "shared"))
		return filled(anon(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED));
	if (!strcmp(what, "memfd"))
		return checked(mmap(NULL, SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, memfd(), 0),
			       "mmap");
	if (!strcmp(what, "memfd-protect")) {
		void *p = checked(mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, memfd(), 0), "mmap");
		protect(p, SIZE, PROT_READ | PROT_EXEC);
		return p;
	}
	if (!strcmp(what, "data"))
		return written_then_executable(data);
	if (!strcmp(what, "stack")) {
		filled(stack);
		protect(stack, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
		return stack;
	}
	static const struct {
		const char *what;
		void *(*make)(void);
	} others[] = {
		{ "sysv", sysv },	    { "zero", zero },
		{ "two-views", two_views }, { "implied", implied },
		{ "int80", int80 },	    { "pkey", pkey },
		{ "heap", heap },	    { "behind", behind_a_file },
		{ "unlinked", unlinked },
	};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strcmp(what, others[i].what))
			return others[i].make();
	fprintf(stderr, "%s: there is no such memory\n", what);
	exit(2);
}

static void act(call_fn *call, const char *action)
{
	static char *const argv[] = { (char *)"mem_exec", (char *)"done", NULL };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (!strcmp(action, "socket")) {
		call(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0);
	} else if (!strcmp(action, "connect")) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);
		call(SYS_connect, fd, (long)&to, sizeof(to), 0, 0);
	} else if (!strcmp(action, "fork")) {
		long pid = call(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		if (!pid)
			_exit(0);
		waitpid((pid_t)pid, NULL, 0);
	} else if (!strcmp(action, "exec")) {
		pid_t pid = fork();
		if (!pid) {
			call(SYS_execve, (long)"/proc/self/exe", (long)argv, (long)environ, 0, 0);
			_exit(1);
		}
		waitpid(pid, NULL, 0);
	} else if (!strcmp(action, "map")) {
		void *more = anon(PROT_READ | PROT_WRITE, MAP_PRIVATE);
		call(SYS_mprotect, (long)more, SIZE, PROT_READ | PROT_EXEC, 0, 0);
	}
}

int main(int argc, char **argv)
{
	char room[SIZE * 2];
	char *stack = (char *)(((uintptr_t)room + SIZE - 1) & ~(uintptr_t)(SIZE - 1));

	if (argc == 2 && !strcmp(argv[1], "done"))
		return 0;
	if (argc != 3) {
		fprintf(stderr, "usage: mem_exec MEMORY ACTION\n");
		return 2;
	}
	void *p = memory(argv[1], stack);
	call_fn *call;
	memcpy(&call, &p, sizeof(call));
	act(call, argv[2]);
	say("{\"pid\":%d,\"what\":\"%s\",\"action\":\"%s\"}", getpid(), argv[1], argv[2]);
	wait_for_eof();
	return 0;
}
