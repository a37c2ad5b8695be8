/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the seeds of fuzz_schema and fuzz_stream, so that fuzzing begins behind the first checks:
 * one record of every event with every field filled, one as an older build wrote it, and the
 * records of the recordings given.
 *
 * usage: seeds DIR [RECORDING...]
 */
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "../unit/records.h"
#include "source/replay.h"

struct output {
	const char *dir;
	const char *recording;
	FILE *stream;
	unsigned seen[EV_TYPE_MAX]; /* records of each type in this recording */
};

#define PER_TYPE 4 /* of one recording, as seeds of their own */

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static FILE *create(const char *dir, const char *target, const char *name, unsigned n)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, target);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/%s/%s-%u", dir, target, name, n);
	FILE *f = fopen(path, "w");
	if (!f)
		die(path);
	return f;
}

static void put(FILE *f, const void *p, size_t len)
{
	if (fwrite(p, 1, len, f) != len)
		die("write");
}

static void put_seed(const char *dir, const char *name, unsigned n, const struct ev_hdr *h)
{
	FILE *f = create(dir, "fuzz_schema", name, n);
	put(f, h, h->len);
	fclose(f);
}

/* A record with something in each field, and of a kind that a detector has something to say on. */
static struct ev_hdr *filled(const struct ev_desc *d)
{
	static const char list[] = "/bin/sh\0-c\0id \xff";
	struct ev_hdr *h = rec_new(d->id);
	struct ev_str s;

	for (unsigned i = 0; i < d->nfields; i++) {
		const struct field *f = &d->fields[i];
		char *p = (char *)h + f->off;
		if (f->wire != WIRE_str) {
			*p = f->fmt == FMT_EXE_ORIGIN ? EXE_ORIGIN_memfd : 1;
			continue;
		}
		rec_add_str(h, &s, list, f->fmt == FMT_LIST ? sizeof(list) : strlen(list));
		memcpy(p, &s, sizeof(s));
	}
	h->len = (h->len + 7) & ~7U;
	return h;
}

static int split(void *ctx, const void *rec, size_t len)
{
	struct output *out = ctx;
	const struct ev_hdr *h = rec;

	put(out->stream, rec, len);
	if (h->type < EV_TYPE_MAX && out->seen[h->type]++ < PER_TYPE)
		put_seed(out->dir, out->recording, h->type * 100U + out->seen[h->type], h);
	return 0;
}

static void from_recording(const char *dir, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct output out = { .dir = dir, .recording = slash ? slash + 1 : path };
	struct source *s;
	struct err e;
	int rc;

	if (replay_open(path, &s, &e)) {
		fprintf(stderr, "seeds: %s\n", e.text);
		exit(1);
	}
	out.stream = create(dir, "fuzz_stream", out.recording, 0);
	do
		rc = s->ops->drain(s, split, &out, 1000, &e);
	while (rc == 1);
	/* A recording that is damaged on purpose is a seed up to there. */
	s->ops->close(s);
	fclose(out.stream);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: seeds DIR [RECORDING...]\n");
		return 64;
	}
	mkdir(argv[1], 0755);
	FILE *stream = create(argv[1], "fuzz_stream", "every-event", 0);
	for (unsigned id = 1; id < EV_TYPE_MAX; id++) {
		const struct ev_desc *d = ev_desc(id);
		if (!d)
			continue;
		struct ev_hdr *h = filled(d);
		put(stream, h, h->len);
		put_seed(argv[1], d->key, 0, h);
		/* As if the event had had no fields at first. */
		h->fixed = h->len = sizeof(*h);
		put_seed(argv[1], d->key, 1, h);
		rec_free(h);
	}
	fclose(stream);
	for (int i = 2; i < argc; i++)
		from_recording(argv[1], argv[i]);
	return 0;
}
