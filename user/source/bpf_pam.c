/* SPDX-License-Identifier: Apache-2.0 */
/* Programs on libpam: which files, and for how long. */
#include "source/bpf_pam.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "source/bpf_link.h"
#include "source/bpf_private.h"
#include "source/elf_symbol.h"
#include "source/pam_file.h"

#define UPKEEP_MS  2000
#define OTHERS_NS  NSEC_PER_SEC /* between two files that are not root's */
#define PATIENCE_S 1 /* for the thread, at the start and at the end */
#define FILES_OPEN 4096 /* descriptors that we ask for: two for each program and function */

enum {
	START,
	SET_ITEM,
	AUTHENTICATE,
	ACCT_MGMT,
	OPEN_SESSION,
	CLOSE_SESSION,
	CHAUTHTOK,
	FUNCTIONS
};

static const char *const functions[FUNCTIONS] = {
	[START] = "pam_start",
	[SET_ITEM] = "pam_set_item",
	[AUTHENTICATE] = "pam_authenticate",
	[ACCT_MGMT] = "pam_acct_mgmt",
	[OPEN_SESSION] = "pam_open_session",
	[CLOSE_SESSION] = "pam_close_session",
	[CHAUTHTOK] = "pam_chauthtok",
};

struct watched {
	struct pam_file file;
	struct pam_lib lib; /* by which the kernel told of it; {0}: found by us */
	uint64_t since; /* a number that grows */
	struct hook_link *link[FUNCTIONS][2];
};

struct pam_watch {
	struct redshank_bpf *obj;
	struct ring_buffer *ring;
	pthread_t thread;
	sem_t scanned, ended;
	int wake; /* eventfd: stop */
	atomic_uint nfiles, refused;
	/* Of the thread alone: */
	struct watched slot[PAM_FILES_MAX]; /* in use: file.fd >= 0 */
	uint64_t next, other_at;
};

/* --- one file --- */

static void forget_key(struct pam_watch *w, const struct pam_lib *lib)
{
	if (lib->ino)
		bpf_map_delete_elem(bpf_map__fd(w->obj->maps.pam_libs), lib);
}

static void unwatch(struct pam_watch *w, struct watched *s)
{
	for (unsigned i = 0; i < FUNCTIONS; i++)
		for (unsigned k = 0; k < 2; k++)
			hook_detach(s->link[i][k]);
	forget_key(w, &s->lib);
	pam_file_close(&s->file);
	memset(s, 0, sizeof(*s));
	s->file.fd = -1;
	atomic_fetch_sub(&w->nfiles, 1);
}

static struct hook_link *put(struct bpf_program *p, bool at_return, const struct pam_file *f,
			     uint64_t offset)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->fd);
	return uprobe_attach(p, at_return, path, offset);
}

/* 0, or negative errno: then nothing is attached. */
static int attach(struct pam_watch *w, struct watched *s)
{
	struct bpf_program *const program[FUNCTIONS][2] = {
		[START] = { w->obj->progs.pam_enter_start, w->obj->progs.pam_leave_start },
		[SET_ITEM] = { w->obj->progs.pam_enter_set_item, NULL },
		[AUTHENTICATE] = { w->obj->progs.pam_enter_authenticate,
				   w->obj->progs.pam__uprobe },
		[ACCT_MGMT] = { w->obj->progs.pam_enter_acct_mgmt, w->obj->progs.pam__uprobe },
		[OPEN_SESSION] = { w->obj->progs.pam_enter_open_session,
				   w->obj->progs.pam__uprobe },
		[CLOSE_SESSION] = { w->obj->progs.pam_enter_close_session,
				    w->obj->progs.pam__uprobe },
		[CHAUTHTOK] = { w->obj->progs.pam_enter_chauthtok, w->obj->progs.pam__uprobe },
	};
	uint64_t offset[FUNCTIONS];

	int rc = pam_file_symbols(&s->file, functions, FUNCTIONS, offset);
	if (rc >= 0 && rc < FUNCTIONS)
		rc = -EINVAL;
	for (unsigned i = 0; rc >= 0 && i < FUNCTIONS; i++) {
		for (unsigned k = 0; rc >= 0 && k < 2 && program[i][k]; k++) {
			s->link[i][k] = put(program[i][k], k, &s->file, offset[i]);
			if (!s->link[i][k])
				rc = -errno;
		}
	}
	return rc < 0 ? rc : 0;
}

/* --- all files --- */

static struct watched *known(struct pam_watch *w, const struct pam_file *f)
{
	for (unsigned i = 0; i < PAM_FILES_MAX; i++)
		if (w->slot[i].file.fd >= 0 && pam_file_same(&w->slot[i].file, f))
			return &w->slot[i];
	return NULL;
}

/* The first of the files of a kind that should make room: one that is gone, of those that are not
 * root's any. */
static struct watched *oldest(struct pam_watch *w, bool root)
{
	struct watched *found = NULL;

	for (unsigned i = 0; i < PAM_FILES_MAX; i++) {
		struct watched *s = &w->slot[i];
		if (s->file.fd < 0 || s->file.root != root || (root && !pam_file_gone(&s->file)))
			continue;
		if (!found || s->since < found->since)
			found = s;
	}
	return found;
}

/* NULL: there is no room for a file of this kind. */
static struct watched *make_room(struct pam_watch *w, bool root)
{
	unsigned limit = root ? PAM_FILES_MAX - PAM_OTHERS_MAX : PAM_OTHERS_MAX, n = 0;
	struct watched *empty = NULL;

	for (unsigned i = 0; i < PAM_FILES_MAX; i++) {
		if (w->slot[i].file.fd < 0)
			empty = &w->slot[i];
		else
			n += w->slot[i].file.root == root;
	}
	if (n < limit)
		return empty;
	struct watched *s = oldest(w, root);
	if (s)
		unwatch(w, s);
	return s;
}

/* Takes the file over. False if it is not watched. */
static bool watch(struct pam_watch *w, struct pam_file *f, const struct pam_lib *lib)
{
	struct watched *s = known(w, f);
	uint64_t now = clock_monotonic();

	if (s) {
		if (lib->ino)
			s->lib = *lib;
		pam_file_close(f);
		return true;
	}
	if (!f->root && w->other_at && now - w->other_at < OTHERS_NS)
		goto refuse;
	s = make_room(w, f->root);
	if (!s)
		goto refuse;
	if (!f->root)
		w->other_at = now;
	s->file = *f;
	s->lib = *lib;
	s->since = w->next++;
	atomic_fetch_add(&w->nfiles, 1);
	if (!attach(w, s))
		return true;
	unwatch(w, s);
	atomic_fetch_add(&w->refused, 1);
	return false;
refuse:
	pam_file_close(f);
	atomic_fetch_add(&w->refused, 1);
	return false;
}

static void on_found(void *ctx, struct pam_file *f)
{
	static const struct pam_lib none;

	watch(ctx, f, &none);
}

/* The kernel tells of a copy that it has not told of before. What is not watched may be told again.
 */
static int on_mapped(void *ctx, void *data, size_t len)
{
	struct pam_watch *w = ctx;
	const struct pam_mapped *m = data;
	struct pam_file f;

	if (len < sizeof(*m))
		return 0;
	if (pam_file_of(m->pid, &f) || !watch(w, &f, &m->lib))
		forget_key(w, &m->lib);
	return 0;
}

/* A probe holds the mount that its file is on: it goes when the last process of the container does.
 */
static void upkeep(struct pam_watch *w)
{
	struct pam_file *lost[PAM_FILES_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < PAM_FILES_MAX; i++)
		if (w->slot[i].file.fd >= 0 && !pam_file_in_use(&w->slot[i].file))
			lost[n++] = &w->slot[i].file;
	if (n)
		pam_files_find_users(lost, n);
	for (unsigned i = 0; i < PAM_FILES_MAX; i++)
		if (w->slot[i].file.fd >= 0 && !w->slot[i].file.user)
			unwatch(w, &w->slot[i]);
}

static void *work(void *arg)
{
	struct pam_watch *w = arg;
	struct pollfd p[] = { { .fd = w->wake, .events = POLLIN },
			      { .fd = ring_buffer__epoll_fd(w->ring), .events = POLLIN } };
	uint64_t looked = clock_monotonic();

	pam_files_scan(on_found, w);
	sem_post(&w->scanned);
	while (!(p[0].revents & POLLIN)) {
		poll(p, 2, UPKEEP_MS);
		ring_buffer__consume(w->ring);
		if (clock_monotonic() - looked < UPKEEP_MS * NSEC_PER_MSEC)
			continue;
		upkeep(w);
		looked = clock_monotonic();
	}
	for (unsigned i = 0; i < PAM_FILES_MAX; i++)
		if (w->slot[i].file.fd >= 0)
			unwatch(w, &w->slot[i]);
	sem_post(&w->ended);
	return NULL;
}

/* --- start and end --- */

static bool wait_for(sem_t *s)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	while (sem_timedwait(s, &until))
		if (errno != EINTR)
			return false;
	return true;
}

static void raise_file_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) || l.rlim_cur >= FILES_OPEN)
		return;
	l.rlim_cur = l.rlim_max < FILES_OPEN ? l.rlim_max : FILES_OPEN;
	setrlimit(RLIMIT_NOFILE, &l);
}

static void discard(struct pam_watch *w)
{
	if (w->wake >= 0)
		close(w->wake);
	ring_buffer__free(w->ring);
	free(w);
}

int pam_watch_start(struct redshank_bpf *o, struct pam_watch **ret, struct err *e)
{
	struct pam_watch *w = calloc(1, sizeof(*w));
	sigset_t all, before;

	if (!w)
		return err_set(e, -ENOMEM, "out of memory");
	w->obj = o;
	for (unsigned i = 0; i < PAM_FILES_MAX; i++)
		w->slot[i].file.fd = -1;
	sem_init(&w->scanned, 0, 0);
	sem_init(&w->ended, 0, 0);
	w->wake = eventfd(0, EFD_CLOEXEC);
	w->ring = ring_buffer__new(bpf_map__fd(o->maps.pam_mapped), on_mapped, w, NULL);
	raise_file_limit();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = w->wake < 0 || !w->ring ? EMFILE : pthread_create(&w->thread, NULL, work, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc) {
		discard(w);
		return err_set(e, -rc, "watching libpam: %s", strerror(rc));
	}
	wait_for(&w->scanned);
	*ret = w;
	return 0;
}

struct pam_counts pam_watch_counts(const struct pam_watch *w)
{
	return (struct pam_counts){ .files = atomic_load(&w->nfiles),
				    .refused = atomic_load(&w->refused) };
}

/* A thread that hangs at somebody's file system is left behind: the process is about to end. */
void pam_watch_stop(struct pam_watch *w)
{
	if (!w)
		return;
	eventfd_write(w->wake, 1);
	if (!wait_for(&w->ended))
		return;
	pthread_join(w->thread, NULL);
	discard(w);
}

/* --- can it be done at all? --- */

__attribute__((noinline, used)) static void nobody_calls_this(void)
{
	__asm__ volatile("");
}

struct hook_link *uprobe_try(struct bpf_program *p)
{
	uint64_t offset = pam_own_offset((uintptr_t)nobody_calls_this);

	if (!offset) {
		errno = ENOENT;
		return NULL;
	}
	return uprobe_attach(p, true, "/proc/self/exe", offset);
}
