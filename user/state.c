/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes are put together between two events; a thread of its own writes them, for the disk may
 * take its time.
 */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define SAVE_MIN_NS (5 * NSEC_PER_SEC)
#define SAVE_MAX_NS (60 * NSEC_PER_SEC)
#define SAVE_SHARE  1000 /* of the time, at most so small a part goes into putting it together */
#define STATE_MAX   ((off_t)256 << 20) /* bytes of the file */

struct state {
	struct pipeline *pipeline;
	const char *path;
	uint64_t saved, pause; /* CLOCK_MONOTONIC ns; ns until the next time */
	uint64_t check; /* the last bytes of what was saved last */
	bool writing; /* there is a thread */
	pthread_t thread;
	atomic_bool done;
	struct buf bytes; /* the thread's, while there is one */
	int error; /* its result */
};

/* --- reading --- */

/* Root's own file, or it is not looked at: whoever writes it says what counts as a fourth failure.
 */
static int read_file(const char *path, struct buf *out)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		rc = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 022 ||
		 st.st_size > STATE_MAX)
		rc = -EPERM;
	while (!rc && out->len < (size_t)st.st_size) {
		char *to = buf_reserve(out, (size_t)st.st_size - out->len);
		ssize_t n = to ? read(fd, to, (size_t)st.st_size - out->len) : -1;
		if (n <= 0)
			rc = -EIO;
		else
			out->len += (size_t)n;
	}
	close(fd);
	return rc;
}

static void restore(struct state *s)
{
	struct buf b = { 0 };
	char aside[4096];
	int rc = read_file(s->path, &b);

	if (!rc)
		rc = pipeline_restore(s->pipeline, b.data, b.len);
	buf_free(&b);
	if (!rc || rc == -ENOENT)
		return;
	snprintf(aside, sizeof(aside), "%s.damaged", s->path);
	if (rc == -EBADMSG && !rename(s->path, aside))
		log_warning("rules.state %s: not in a form that this version wrote: the windows of "
			    "correlations begin anew; it is kept as %s",
			    s->path, aside);
	else
		log_warning("rules.state %s: %s: the windows of correlations begin anew", s->path,
			    rc == -EPERM ? "not a file that only the sensor can write"
					 : strerror(-rc));
}

/* --- writing --- */

/* Whole or not at all: written beside and renamed. */
static int write_file(const char *path, const struct buf *b)
{
	char tmp[4096];
	int rc = 0;

	snprintf(tmp, sizeof(tmp), "%s.new", path);
	unlink(tmp);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	for (size_t done = 0; !rc && done < b->len;) {
		ssize_t n = write(fd, b->data + done, b->len - done);
		if (n < 0)
			rc = -errno;
		else
			done += (size_t)n;
	}
	if (!rc && fdatasync(fd))
		rc = -errno;
	if (close(fd) && !rc)
		rc = -errno;
	if (!rc && rename(tmp, path))
		rc = -errno;
	if (rc)
		unlink(tmp);
	return rc;
}

static void *write_thread(void *arg)
{
	struct state *s = arg;

	s->error = write_file(s->path, &s->bytes);
	atomic_store(&s->done, true);
	return NULL;
}

static void complain(const struct state *s, int rc)
{
	log_warning("rules.state %s: %s: a restart loses the windows of correlations", s->path,
		    strerror(-rc));
}

static void end_thread(struct state *s)
{
	pthread_join(s->thread, NULL);
	buf_free(&s->bytes);
	s->writing = false;
	if (!s->error)
		return;
	s->check = 0; /* tried again, but not each second */
	s->pause = SAVE_MAX_NS;
	complain(s, s->error);
}

/* Puts the bytes together. False: they are as they were. */
static bool gather(struct state *s)
{
	uint64_t check = 0, begun = clock_monotonic();

	pipeline_save(s->pipeline, &s->bytes);
	s->saved = clock_monotonic();
	s->pause = (s->saved - begun) * SAVE_SHARE;
	if (s->pause < SAVE_MIN_NS)
		s->pause = SAVE_MIN_NS;
	if (s->pause > SAVE_MAX_NS)
		s->pause = SAVE_MAX_NS;
	if (s->bytes.failed) {
		complain(s, -ENOMEM);
		buf_free(&s->bytes);
		return false;
	}
	memcpy(&check, s->bytes.data + s->bytes.len - sizeof(check), sizeof(check));
	if (check == s->check) {
		buf_free(&s->bytes);
		return false;
	}
	s->check = check;
	return true;
}

void state_tick(struct state *s)
{
	if (s->writing && atomic_load(&s->done))
		end_thread(s);
	if (!*s->path || s->writing || clock_monotonic() - s->saved < s->pause || !gather(s))
		return;
	atomic_store(&s->done, false);
	int rc = -pthread_create(&s->thread, NULL, write_thread, s);
	s->writing = !rc;
	if (rc) {
		complain(s, rc);
		buf_free(&s->bytes);
	}
}

/* --- life --- */

int state_open(struct pipeline *p, const char *path, struct state **ret)
{
	struct state *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->pipeline = p;
	s->path = path;
	s->saved = clock_monotonic();
	s->pause = SAVE_MIN_NS;
	if (*path)
		restore(s);
	*ret = s;
	return 0;
}

void state_close(struct state *s)
{
	if (!s)
		return;
	if (s->writing)
		end_thread(s);
	int rc = *s->path && gather(s) ? write_file(s->path, &s->bytes) : 0;
	if (rc)
		complain(s, rc);
	buf_free(&s->bytes);
	free(s);
}
