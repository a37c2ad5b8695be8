/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings. */
#include "sink/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source/replay.h"

struct record {
	struct sink sink;
	FILE *f;
	uint64_t records, bytes;
};

static int on_event(struct sink *s, const struct event *ev)
{
	struct record *r = (struct record *)s;
	/* A replay makes it again, of the records that it was made of. */
	if (ev->rec->type == EV_auth)
		return 0;
	if (fwrite(ev->rec, ev->rec->len, 1, r->f) != 1)
		return -EIO;
	r->records++;
	r->bytes += ev->rec->len;
	return 0;
}

static int flush(struct sink *s)
{
	return fflush(((struct record *)s)->f) ? -errno : 0;
}

static void stats(const struct sink *s, void (*put)(void *ctx, const char *key, uint64_t value),
		  void *ctx)
{
	const struct record *r = (const struct record *)s;
	put(ctx, "records", r->records);
	put(ctx, "bytes", r->bytes);
}

static void record_close(struct sink *s, uint64_t deadline)
{
	struct record *r = (struct record *)s;
	(void)deadline;
	if (!r)
		return;
	fclose(r->f);
	free(r);
}

static const struct sink_ops ops = {
	.name = "record",
	.event = on_event,
	.flush = flush,
	.stats = stats,
	.close = record_close,
};

int record_open(const char *path, struct sink **ret, struct err *e)
{
	int fd = strcmp(path, "-") ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)
				   : dup(STDOUT_FILENO);
	if (fd < 0 && errno == EEXIST)
		return err_set(e, -EEXIST, "%s: there is such a file already; choose another name",
			       path);
	if (fd < 0)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	struct record *r = calloc(1, sizeof(*r));
	FILE *f = fdopen(fd, "wb");
	if (!r || !f) {
		free(r);
		close(fd);
		return err_set(e, -ENOMEM, "out of memory");
	}
	r->sink.ops = &ops;
	r->f = f;
	fwrite(RECORDING_MAGIC, RECORDING_MAGIC_LEN, 1, f); /* an error shows at the next flush */
	*ret = &r->sink;
	return 0;
}
