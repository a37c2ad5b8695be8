/* SPDX-License-Identifier: Apache-2.0 */
/* Names of descriptors in all their spellings. */
#include "enrich/exec_way.h"

#include <stdbool.h>
#include <string.h>

#define PARTS_MAX 16 /* a name that leads to a descriptor has 7 */

struct part {
	const char *p;
	size_t len;
};

struct parts {
	struct part at[PARTS_MAX];
	unsigned n; /* may be larger than PARTS_MAX: then the path is no descriptor's */
};

static bool is(const struct part *a, const char *word)
{
	return a->len == strlen(word) && !memcmp(a->p, word, a->len);
}

static bool is_number(const struct part *a)
{
	for (size_t i = 0; i < a->len; i++)
		if (a->p[i] < '0' || a->p[i] > '9')
			return false;
	return a->len > 0;
}

static bool is_process(const struct part *a)
{
	return is(a, "self") || is(a, "thread-self") || is_number(a);
}

static void add(struct parts *to, const char *p, size_t len)
{
	struct part new = { p, len };

	if (!len || is(&new, "."))
		return;
	if (is(&new, "..")) {
		to->n -= to->n > 0;
		return;
	}
	if (to->n < PARTS_MAX)
		to->at[to->n] = new;
	to->n++;
	/* /proc/PID/root is the root directory again, as far as can be told from a name. */
	if (to->n == 3 && is(&to->at[0], "proc") && is_process(&to->at[1]) &&
	    is(&to->at[2], "root"))
		to->n = 0;
}

static void split(struct parts *to, const char *path, size_t len)
{
	while (len) {
		const char *slash = memchr(path, '/', len);
		size_t n = slash ? (size_t)(slash - path) : len;
		add(to, path, n);
		n += slash != NULL;
		path += n;
		len -= n;
	}
}

/* What follows /proc/PID/. */
static const char *way_of_process(const struct part *who, const struct part *at, unsigned n)
{
	if (n == 4 && is(&at[0], "task") && is_number(&at[1]) && is(&at[2], "fd"))
		return "execve of /proc/PID/task/TID/fd";
	if (n != 2 || !is(&at[0], "fd"))
		return "execve of a /proc path";
	if (is(who, "self"))
		return "execve of /proc/self/fd";
	return is(who, "thread-self") ? "execve of /proc/thread-self/fd" : "execve of /proc/PID/fd";
}

const char *exec_way(const char *name, size_t name_len, const char *cwd, size_t cwd_len)
{
	struct parts path = { .n = 0 };

	if (name_len && name[0] != '/')
		split(&path, cwd, cwd_len);
	split(&path, name, name_len);
	if (path.n < 2 || path.n > PARTS_MAX)
		return NULL;
	if (is(&path.at[0], "dev")) {
		if (is(&path.at[1], "fd") && path.n > 2)
			return "execveat or fexecve on a descriptor";
		return is(&path.at[1], "stdin") ? "execve of /dev/stdin" : NULL;
	}
	if (!is(&path.at[0], "proc"))
		return NULL;
	if (path.n > 2 && is_process(&path.at[1]))
		return way_of_process(&path.at[1], &path.at[2], path.n - 2);
	return "execve of a /proc path";
}
