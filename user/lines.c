/* SPDX-License-Identifier: Apache-2.0 */
/* Reads lines. Each byte is moved once at most, however long its line is. */
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 65536

/* Reads more behind what is there; sets end. */
static int read_more(struct lines *l)
{
	struct buf *b = &l->buf;

	if (l->next) {
		memmove(b->data, b->data + l->next, b->len - l->next);
		b->len -= l->next;
		l->scanned -= l->next;
		l->next = 0;
	}
	if (b->len > LINE_MAX_BYTES) { /* the line's end is still looked for */
		l->too_long = true;
		b->len = 0;
		l->scanned = 0;
	}
	char *to = buf_reserve(b, CHUNK);
	if (!to)
		return -ENOMEM;
	if (l->flush)
		fflush(l->flush);
	ssize_t n;
	do
		n = read(l->fd, to, b->cap - b->len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	l->end = !n;
	b->len += (size_t)n;
	return 0;
}

int lines_next(struct lines *l, const char **ret, size_t *ret_len)
{
	for (;;) {
		const char *start = l->buf.data + l->next, *nl = NULL;
		size_t left = l->buf.len - l->scanned;
		if (left)
			nl = memchr(l->buf.data + l->scanned, '\n', left);
		l->scanned = l->buf.len;
		if (nl || (l->end && (l->buf.len > l->next || l->too_long))) {
			const char *end = nl ? nl : l->buf.data + l->buf.len;
			bool too_long = l->too_long || (size_t)(end - start) > LINE_MAX_BYTES;
			l->n++;
			l->too_long = false;
			l->next = (size_t)(end - l->buf.data) + (nl != NULL);
			l->scanned = l->next;
			if (too_long)
				return -EMSGSIZE;
			*ret = start;
			*ret_len = (size_t)(end - start);
			return 1;
		}
		if (l->end)
			return 0;
		int rc = read_more(l);
		if (rc)
			return rc;
	}
}

void lines_free(struct lines *l)
{
	buf_free(&l->buf);
}

int lines_open(const char *path)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);

	return fd < 0 ? -errno : fd;
}
