/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts machine code into memory in each way there is, makes it executable, and has it do something.
 *
 *   mem_exec MEMORY ACTION
 *
 * The code is one system call and a return, so that everything else stays in this program's text;
 * behind it another one that calls a function of this program, as code that calls libc does. Prints
 * {"pid", "what", "action"} when it has done both, then waits for the end of its input.
 */
#include "trigger.h"

#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define SIZE	8192
#define CALLING 64 /* where the second code is */

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

/* int call(int (*function)(int, int, int), int, int, int) */
static const unsigned char calling[] = {
#if defined(__x86_64__)
	0x48, 0x83, 0xec, 0x08, /* sub $8,%rsp */
	0x48, 0x89, 0xf8, /* mov %rdi,%rax */
	0x48, 0x89, 0xf7, /* mov %rsi,%rdi */
	0x48, 0x89, 0xd6, /* mov %rdx,%rsi */
	0x48, 0x89, 0xca, /* mov %rcx,%rdx */
	0xff, 0xd0, /* call *%rax */
	0x48, 0x83, 0xc4, 0x08, /* add $8,%rsp */
	0xc3, /* ret */
#elif defined(__aarch64__)
	0xfd, 0x7b, 0xbf, 0xa9, /* stp x29, x30, [sp, #-16]! */
	0xe9, 0x03, 0x00, 0xaa, /* mov x9, x0 */
	0xe0, 0x03, 0x01, 0xaa, /* mov x0, x1 */
	0xe1, 0x03, 0x02, 0xaa, /* mov x1, x2 */
	0xe2, 0x03, 0x03, 0xaa, /* mov x2, x3 */
	0x20, 0x01, 0x3f, 0xd6, /* blr x9 */
	0xfd, 0x7b, 0xc1, 0xa8, /* ldp x29, x30, [sp], #16 */
	0xc0, 0x03, 0x5f, 0xd6, /* ret */
#endif
};

typedef long call_fn(long number, long a, long b, long c, long d, long e);

static char data[SIZE] __attribute__((aligned(4096))) = { 1 };
static char decoy[SIZE] __attribute__((aligned(4096))) = { 1 };

static void *checked(void *p, const char *what)
{
	if (p == MAP_FAILED)
		die(what);
	return p;
}

static void *filled(void *p)
{
	memcpy(p, code, sizeof(code));
	memcpy((char *)p + CALLING, calling, sizeof(calling));
	__builtin___clear_cache((char *)p, (char *)p + SIZE);
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

static int unnamed_file(void)
{
	int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, SIZE))
		die("O_TMPFILE");
	return fd;
}

static int own_file(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("/proc/self/exe");
	return fd;
}

/* A private copy of a file's pages, written and executable. */
static void *file_copy(void)
{
	return filled(checked(mmap(NULL, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE,
				   own_file(), 0),
			      "mmap"));
}

/* Two protections one after the other: the second must not hide the first. */
static void *before_decoy(void)
{
	written_then_executable(data);
	written_then_executable(decoy);
	return data;
}

static void *vdso(void)
{
	char *p = (char *)getauxval(AT_SYSINFO_EHDR);
	size_t n = SIZE / 2;
	/* It can't be split, and its size is the kernel's. */
	while (mprotect(p, n, PROT_READ | PROT_WRITE | PROT_EXEC))
		if ((n += SIZE / 2) > SIZE * 8)
			die("mprotect");
	return filled(p);
}

/* Executable anonymous memory put where a file was mapped. */
static void *over_file(int moved)
{
	int fd = own_file();
	char *at = checked(mmap(NULL, SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), "mmap");
	if (moved) {
		char *p = written_then_executable(anon(PROT_READ | PROT_WRITE, MAP_PRIVATE));
		return checked(mremap(p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, at), "mremap");
	}
	return filled(checked(mmap(at, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			      "mmap"));
}

static void *mremapped(void)
{
	return over_file(1);
}

static void *fixed(void)
{
	return over_file(0);
}

/* Never writable: a userfaultfd gives it its pages. */
static void *userfault(void)
{
	static char page[SIZE] __attribute__((aligned(4096)));
	char *p = anon(PROT_READ | PROT_EXEC, MAP_PRIVATE);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .range = { (uintptr_t)p, SIZE },
					 .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_copy copy = { .dst = (uintptr_t)p, .src = (uintptr_t)page, .len = SIZE };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	filled(page);
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &range) ||
	    ioctl(fd, UFFDIO_COPY, &copy))
		die("userfaultfd");
	return p;
}

/* The heap grows executable: no call says so. */
static void *brk_implied(void)
{
	if (personality(READ_IMPLIES_EXEC) < 0)
		die("personality");
	uintptr_t p = ((uintptr_t)sbrk(SIZE * 64) + SIZE * 32) & ~(uintptr_t)(SIZE - 1);
	return filled((void *)p);
}

static void *zero(void)
{
	int fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	return filled(checked(
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, fd, 0), "mmap"));
}

static void *two_views_of(int fd)
{
	char *w = checked(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), "mmap");
	filled(w);
	return checked(mmap(NULL, SIZE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0), "mmap");
}

static void *two_views(void)
{
	return two_views_of(memfd());
}

static void *two_views_unlinked(void)
{
	return two_views_of(unnamed_file());
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

/* Changed pages of a file behind a dozen of untouched mappings, by one call. */
static void *behind_many(void)
{
	int fd = own_file();
	char *at = checked(mmap(NULL, SIZE * 13, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
			   "mmap");
	char *p = at;

	for (int i = 0; i < 12; i++, p += SIZE) /* apart in the file, so that they are not merged */
		checked(mmap(p, SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, SIZE * (i % 2)),
			"mmap");
	filled(checked(mmap(p, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0),
		       "mmap"));
	protect(at, SIZE * 13, PROT_READ | PROT_EXEC);
	return p;
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
		{ "unlinked", unlinked },   { "two-views-unlinked", two_views_unlinked },
		{ "file-copy", file_copy }, { "decoy", before_decoy },
		{ "vdso", vdso },	    { "mremap", mremapped },
		{ "fixed", fixed },	    { "userfault", userfault },
		{ "brk", brk_implied },	    { "behind-many", behind_many },
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
	} else if (!strcmp(action, "child")) { /* the call is a child's */
		pid_t pid = fork();
		if (!pid) {
			call(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	} else if (!strcmp(action, "libc")) {
		int (*by)(int (*)(int, int, int), int, int, int);
		uintptr_t at = (uintptr_t)call + CALLING;
		memcpy(&by, &at, sizeof(by));
		by(socket, AF_INET, SOCK_STREAM, 0);
	} else if (!strcmp(action, "open")) {
		call(SYS_openat, AT_FDCWD, (long)"/dev/null", O_RDONLY | O_CLOEXEC, 0, 0);
	} else if (!strcmp(action, "setuid")) {
		call(SYS_setuid, (long)getuid(), 0, 0, 0, 0);
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
