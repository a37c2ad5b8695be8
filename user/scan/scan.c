/* SPDX-License-Identifier: Apache-2.0 */
/* One process after the other. */
#include "scan/scan.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clock.h"
#include "scan/scan_private.h"
#include "source/inventory.h"
#include "source/procfs.h"

/* Device of the kernel's own tmpfs mount, of which memfds are. */
static uint32_t find_shm_dev(void)
{
	struct stat st = { 0 };
	int fd = memfd_create("redshank", MFD_CLOEXEC);

	if (fd < 0)
		return 0;
	if (fstat(fd, &st))
		st.st_dev = 0;
	close(fd);
	return (uint32_t)(major(st.st_dev) << 20 | minor(st.st_dev));
}

/* Our own vDSO, by our own map: its length is nowhere else. */
static void find_vdso(struct scanner *s)
{
	struct maps *m = &s->target.maps;
	int dir = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = dir < 0 ? -errno : maps_read(m, dir);

	for (unsigned i = 0; !rc && i < m->n; i++) {
		const struct map *v = &m->map[i];
		if (v->kind != MAPPING_special || strcmp(map_name(m, v), "[vdso]"))
			continue;
		s->vdso = (const uint8_t *)(uintptr_t)v->start;
		s->vdso_len = v->end - v->start;
	}
	if (dir >= 0)
		close(dir);
}

int scanner_new(const struct scan_config *c, struct scanner **ret, struct err *e)
{
	struct scanner *s = calloc(1, sizeof(*s));
	int rc = 0;

	if (!s)
		return err_set(e, -ENOMEM, "out of memory");
	s->pace.percent = c->cpu_percent;
	s->pace.process_ns = c->process_seconds * NSEC_PER_SEC;
	s->shm_dev = find_shm_dev();
	find_vdso(s);
	if (c->nyara)
		rc = yara_new(c->yara, c->nyara, &s->yara, e);
	if (rc) {
		scanner_free(s);
		return rc;
	}
	*ret = s;
	return 0;
}

void scanner_free(struct scanner *s)
{
	if (!s)
		return;
	yara_free(s->yara);
	target_free(&s->target);
	free(s);
}

void scanner_stop(struct scanner *s)
{
	atomic_store(&s->pace.stop, true);
}

void scanner_begin(struct scanner *s)
{
	pace_start(&s->pace);
}

void scanner_get_stats(const struct scanner *s, struct scan_stats *ret)
{
	*ret = s->st;
}

unsigned scanner_yara_rules(const struct scanner *s)
{
	return yara_rules(s->yara);
}

/* --- what the parts share --- */

const struct mounts *scan_mounts(struct scanner *s)
{
	if (!s->mounts.known)
		mounts_read(&s->mounts, s->target.dir);
	return &s->mounts;
}

bool scan_is_memory_file(const struct scanner *s, const struct map *v)
{
	return v->kind == MAPPING_file && s->shm_dev && v->dev == s->shm_dev;
}

bool scan_next_run(const struct scanner *s, uint64_t *at, uint64_t end, size_t max, bool swapped,
		   bool private_only, uint64_t *ret_start, size_t *ret_len)
{
	const size_t page = page_size();
	uint64_t flags[512], start = 0;
	size_t len = 0;

	while (*at < end && len < max) {
		size_t want = (size_t)((end - *at) / page);
		size_t n = target_pages(&s->target, *at, flags, want < 512 ? want : 512);
		if (!n)
			break;
		for (size_t i = 0; i < n && len < max; i++, *at += page) {
			bool there =
				flags[i] & PAGE_PRESENT || (swapped && flags[i] & PAGE_SWAPPED);
			if (private_only && flags[i] & PAGE_FILE)
				there = false;
			if (!there && len)
				goto out;
			if (!there)
				continue;
			start = len ? start : *at;
			len += page;
		}
	}
out:
	*ret_start = start;
	*ret_len = len;
	return len;
}

/* --- records --- */

/* The process's own record comes first: who reads the stream may not know it yet. */
static bool tell_process(struct scanner *s)
{
	if (s->found)
		return true;
	if (procfs_record(s->target.pid, &s->proc))
		return false;
	inventory_args(&s->proc);
	s->stop = s->fn(s->ctx, &s->proc, s->proc.hdr.len);
	return !s->stop;
}

static void put_text(union rec_buf *r, struct ev_str *field, unsigned bit, const char *text)
{
	size_t len = strlen(text);

	if (len > EV_PATH_MAX) {
		r->hdr.truncated |= 1ULL << bit;
		len = EV_PATH_MAX;
	}
	rec_append(r, field, bit, text, len);
}

static void put_hex(union rec_buf *r, struct ev_str *field, unsigned bit, const uint8_t *p,
		    unsigned n)
{
	char hex[SCAN_BYTES * 2 + 1] = "";

	for (unsigned i = 0; i < n; i++)
		snprintf(hex + i * 2, 3, "%02x", p[i]);
	rec_append(r, field, bit, hex, n * 2);
}

static void put_place(struct scanner *s, struct ev_scan *e, const struct scan_finding *f)
{
	const struct map *v = f->map;

	e->address = v->start;
	e->size = f->size ? f->size : v->end - v->start;
	e->inode = v->inode;
	e->dev = v->dev;
	rec_append(&s->rec, &e->perms, EVF_scan_perms, v->perms, 4);
}

void scan_found(struct scanner *s, const struct scan_finding *f)
{
	struct ev_scan *e = (struct ev_scan *)&s->rec;

	if (s->stop || s->found == SCAN_FOUND_MAX || !tell_process(s))
		return;
	s->found++;
	s->st.findings++;
	rec_init(&s->rec, EV_scan, sizeof(*e));
	struct ev_hdr hdr = s->proc.hdr;
	hdr.len = e->hdr.len;
	hdr.type = e->hdr.type;
	hdr.fixed = e->hdr.fixed;
	hdr.time = e->hdr.time;
	hdr.truncated = 0;
	e->hdr = hdr;
	if (f->map)
		put_place(s, e, f);
	e->at = f->at;
	e->offset = f->offset;
	e->differing = f->differing;
	e->breakpoints = f->breakpoints;
	e->kind = f->kind;
	e->flags = f->flags | (s->target.tracer ? SCAN_F_TRACED : 0);
	e->regions = f->regions;
	e->tracer = s->target.tracer;
	e->thread = f->thread;
	put_text(&s->rec, &e->path, EVF_scan_path,
		 f->path  ? f->path
		 : f->map ? map_name(&s->target.maps, f->map)
			  : "");
	put_hex(&s->rec, &e->bytes, EVF_scan_bytes, f->bytes, f->nbytes);
	put_hex(&s->rec, &e->expected, EVF_scan_expected, f->expected,
		f->has_expected ? f->nbytes : 0);
	put_text(&s->rec, &e->rule, EVF_scan_rule, f->rule ? f->rule : "");
	rec_append(&s->rec, &e->tags, EVF_scan_tags, f->tags, f->tags_len);
	rec_append(&s->rec, &e->meta, EVF_scan_meta, f->meta, f->meta_len);
	s->stop = s->fn(s->ctx, &s->rec, s->rec.hdr.len);
}

/* --- a process --- */

static int look(struct scanner *s)
{
	int rc = scan_anon(s);

	if (!rc)
		rc = scan_files(s);
	if (!rc)
		rc = scan_text(s);
	/* Rules are in our own memory, and what they look for with them. */
	if (!rc && s->yara && s->target.pid != getpid())
		rc = yara_scan(s->yara, s);
	return rc;
}

int scanner_process(struct scanner *s, pid_t pid, record_fn *fn, void *ctx)
{
	uint64_t began = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	int rc = target_open(&s->target, pid);

	if (rc) {
		s->st.gone += rc == -ESRCH;
		s->st.refused += rc != -ESRCH && rc != -ENODATA;
		return rc == -ENODATA ? 0 : rc;
	}
	s->fn = fn;
	s->ctx = ctx;
	s->found = 0;
	s->stop = 0;
	s->cut = s->target.maps.cut;
	s->mounts.known = false;
	pace_process(&s->pace);
	rc = look(s);
	s->st.processes++;
	s->st.mappings += s->target.maps.n;
	s->st.incomplete += s->cut || rc == -ETIME;
	s->st.cpu_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID) - began;
	target_close(&s->target);
	if (s->stop)
		return s->stop;
	return rc == -ETIME ? 0 : rc;
}

int scan_pids(pid_t **ret, unsigned *ret_n)
{
	DIR *all = opendir("/proc");
	pid_t *pids = NULL;
	unsigned n = 0, cap = 0;
	int rc = all ? 0 : -errno;

	for (struct dirent *d; !rc && (d = readdir(all));) {
		if (!isdigit((unsigned char)*d->d_name))
			continue;
		if (n == cap) {
			cap = cap ? cap * 2 : 512;
			pid_t *more = realloc(pids, cap * sizeof(*more));
			rc = more ? 0 : -ENOMEM;
			pids = more ? more : pids;
		}
		if (!rc)
			pids[n++] = (pid_t)strtol(d->d_name, NULL, 10);
	}
	if (all)
		closedir(all);
	if (rc) {
		free(pids);
		return rc;
	}
	*ret = pids;
	*ret_n = n;
	return 0;
}
