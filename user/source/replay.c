/* SPDX-License-Identifier: Apache-2.0 */
/* Reads recordings. */
#include "source/replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "source/rec.h"

struct replay {
	struct source source;
	FILE *f;
	char *path;
	uint64_t offset;
	uint64_t records;
	union rec_buf rec;
};

static int replay_fd(struct source *s)
{
	(void)s;
	return -1;
}

/* Reads one record into r->rec. -ENODATA at a clean end. */
static int read_record(struct replay *r, struct err *e)
{
	size_t n = fread(&r->rec.hdr.len, 1, sizeof(r->rec.hdr.len), r->f);
	if (!n && feof(r->f))
		return -ENODATA;
	if (n < sizeof(r->rec.hdr.len))
		goto cut;
	size_t len = r->rec.hdr.len;
	if (len < sizeof(struct ev_hdr) || len > EV_LEN_MAX || len % 8)
		return err_set(e, -EBADMSG,
			       "%s: offset %llu: record length %zu is not possible (%zu to %d, a "
			       "multiple of 8); the recording is damaged",
			       r->path, (unsigned long long)r->offset, len, sizeof(struct ev_hdr),
			       EV_LEN_MAX);
	n = fread(r->rec.bytes + sizeof(u32), 1, len - sizeof(u32), r->f);
	if (n < len - sizeof(u32))
		goto cut;
	return 0;
cut:
	if (ferror(r->f))
		return err_set(e, -EIO, "%s: offset %llu: %s", r->path,
			       (unsigned long long)r->offset, strerror(errno));
	return err_set(e, -EBADMSG, "%s: offset %llu: the file ends within a record", r->path,
		       (unsigned long long)r->offset);
}

static int replay_drain(struct source *s, record_fn *fn, void *ctx, unsigned budget, struct err *e)
{
	struct replay *r = (struct replay *)s;

	while (budget--) {
		int rc = read_record(r, e);
		if (rc)
			return rc;
		rc = fn(ctx, &r->rec, r->rec.hdr.len);
		if (rc < 0)
			return err_prefix(e, rc, "%s: offset %llu", r->path,
					  (unsigned long long)r->offset);
		r->offset += r->rec.hdr.len;
		r->records++;
		if (rc)
			return rc;
	}
	return 1;
}

static void replay_stats(const struct source *s, source_counter_fn *put, void *ctx)
{
	put(ctx, "records", ((const struct replay *)s)->records);
	put(ctx, "lost", 0);
}

static void replay_close(struct source *s)
{
	struct replay *r = (struct replay *)s;
	if (!r)
		return;
	if (r->f && r->f != stdin)
		fclose(r->f);
	free(r->path);
	free(r);
}

static const struct source_ops replay_ops = {
	.name = "replay",
	.fd = replay_fd,
	.drain = replay_drain,
	.stats = replay_stats,
	.close = replay_close,
};

int replay_open(const char *path, struct source **ret, struct err *e)
{
	struct replay *r = calloc(1, sizeof(*r));
	char magic[RECORDING_MAGIC_LEN];
	struct stat st;
	int rc;

	if (!r)
		return err_set(e, -ENOMEM, "out of memory");
	r->source.ops = &replay_ops;
	r->path = strdup(path);
	r->f = strcmp(path, "-") ? fopen(path, "rbe") : stdin;
	if (!r->path || !r->f || fstat(fileno(r->f), &st)) {
		rc = err_set(e, -errno, "%s: %s", path, strerror(errno));
		goto out;
	}
	if (S_ISDIR(st.st_mode)) {
		rc = err_set(e, -EISDIR, "%s: is a directory, not a recording", path);
		goto out;
	}
	if (fread(magic, 1, sizeof(magic), r->f) != sizeof(magic) ||
	    memcmp(magic, RECORDING_MAGIC, RECORDING_MAGIC_LEN)) {
		rc = err_set(e, -EBADMSG,
			     "%s: offset 0: not a recording of this version (redshank record makes "
			     "them)",
			     path);
		goto out;
	}
	r->offset = sizeof(magic);
	*ret = &r->source;
	return 0;
out:
	replay_close(&r->source);
	return rc;
}
