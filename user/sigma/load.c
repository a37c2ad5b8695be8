/* SPDX-License-Identifier: Apache-2.0 */
/* Files and directories of rules. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sigma/parser.h"

#define DIRECTORIES_DEPTH_MAX 16
#define FILES_MAX	      100000

/* What lies below a directory. */
struct walk {
	struct sigma_rules *r;
	char *root; /* as realpath() has it */
	size_t given_len; /* of the path given for root */
	char **path, **link; /* regular files; symbolic links to such, inside of root */
	size_t n, cap, nlinks, links_cap;
};

static void problem(struct sigma_rules *r, enum sigma_problem_kind kind, const char *path,
		    const char *what)
{
	struct sigma_pos pos = { .file = arena_str(r->arena, path) };

	sigma_problem_add(&r->problems, kind, pos, "%s", what);
}

/* --- one file --- */

/* At most max bytes and one more. The bytes are for free(). */
static int read_all(int fd, size_t max, char **ret, size_t *ret_len)
{
	size_t len = 0, cap = 0;
	char *text = NULL;
	ssize_t got = 1;

	while (got && len <= max) {
		if (len == cap) {
			cap = cap ? cap * 2 : 16384;
			char *grown = realloc(text, cap);
			if (!grown) {
				free(text);
				return -ENOMEM;
			}
			text = grown;
		}
		do
			got = read(fd, text + len, cap - len);
		while (got < 0 && errno == EINTR);
		if (got < 0) {
			int rc = -errno;
			free(text);
			return rc;
		}
		len += (size_t)got;
	}
	*ret = text;
	*ret_len = len;
	return 0;
}

/* found: by walking a directory; only a regular file is read then. */
static int load_file(struct sigma_rules *r, const char *path, bool found)
{
	struct stat st;
	char *text = NULL;
	size_t len = 0;
	int rc = 0;

	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (found ? O_NONBLOCK : 0));
	if (fd < 0 || fstat(fd, &st))
		rc = -errno;
	else if (found && !S_ISREG(st.st_mode))
		goto out;
	else
		rc = read_all(fd, SIGMA_FILE_MAX, &text, &len);
	if (rc)
		problem(r, SIGMA_ERROR, path, strerror(-rc));
	else
		rc = found ? sigma_parse_found(r, path, text, len)
			   : sigma_parse(r, path, text, len);
out:
	if (fd >= 0)
		close(fd);
	free(text);
	return rc == -ENOMEM ? rc : 0;
}

/* --- directories --- */

static int add(char ***list, size_t *n, size_t *cap, const char *path)
{
	if (*n == *cap) {
		size_t more = *cap ? *cap * 2 : 64;
		char **grown = realloc(*list, more * sizeof(char *));
		if (!grown)
			return -ENOMEM;
		*list = grown;
		*cap = more;
	}
	(*list)[*n] = strdup(path);
	if (!(*list)[*n])
		return -ENOMEM;
	(*n)++;
	return 0;
}

static bool is_rule_name(const char *name)
{
	const char *dot = strrchr(name, '.');
	return dot && (!strcmp(dot, ".yml") || !strcmp(dot, ".yaml"));
}

static int add_link(struct walk *w, const char *path)
{
	size_t len = strlen(w->root);
	struct stat st;
	char *to = realpath(path, NULL);
	int rc = 0;

	if (!to || stat(to, &st)) {
		problem(w->r, SIGMA_ERROR, path, strerror(errno));
	} else if (S_ISREG(st.st_mode)) {
		bool inside =
			!strncmp(to, w->root, len) && (to[len] == '/' || w->root[len - 1] == '/');
		if (inside)
			rc = add(&w->link, &w->nlinks, &w->links_cap, path);
		else
			problem(w->r, SIGMA_WARNING, path,
				"a symbolic link out of the directory: left out");
	}
	free(to);
	return rc;
}

static int walk(struct walk *w, const char *dir, unsigned depth);

static int walk_entry(struct walk *w, const char *dir, const char *name, unsigned depth)
{
	struct stat st;
	char *path;
	int rc = 0;

	if (name[0] == '.')
		return 0;
	const char *slash = dir[strlen(dir) - 1] == '/' ? "" : "/";
	if (asprintf(&path, "%s%s%s", dir, slash, name) < 0)
		return -ENOMEM;
	if (lstat(path, &st))
		problem(w->r, SIGMA_ERROR, path, strerror(errno));
	else if (S_ISDIR(st.st_mode))
		rc = walk(w, path, depth + 1);
	else if (!is_rule_name(name))
		rc = 0;
	else if (w->n + w->nlinks == FILES_MAX)
		rc = -E2BIG;
	else if (S_ISREG(st.st_mode))
		rc = add(&w->path, &w->n, &w->cap, path);
	else if (S_ISLNK(st.st_mode))
		rc = add_link(w, path);
	free(path);
	return rc;
}

static int walk(struct walk *w, const char *dir, unsigned depth)
{
	struct dirent *entry;
	int rc = 0;

	if (depth > DIRECTORIES_DEPTH_MAX) {
		problem(w->r, SIGMA_WARNING, dir, "directories this deep are left out");
		return 0;
	}
	DIR *d = opendir(dir);
	if (!d) {
		problem(w->r, SIGMA_ERROR, dir, strerror(errno));
		return 0;
	}
	while (!rc && (entry = readdir(d)))
		rc = walk_entry(w, dir, entry->d_name, depth);
	closedir(d);
	return rc;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(char **list, size_t n)
{
	if (n)
		qsort(list, n, sizeof(char *), by_path);
}

/* A link to what was found by itself too adds nothing; one into a hidden directory does, and a
 * Kubernetes volume has only such. */
static int take_links(struct walk *w, const char *given)
{
	size_t nfiles = w->n;
	int rc = 0;

	for (size_t i = 0; !rc && i < w->nlinks; i++) {
		char *to = realpath(w->link[i], NULL), *same = NULL;
		if (!to)
			continue;
		const char *rest = to + strlen(w->root);
		rest += *rest == '/';
		if (asprintf(&same, "%.*s/%s", (int)w->given_len, given, rest) < 0)
			rc = -ENOMEM;
		else if (!nfiles || !bsearch(&same, w->path, nfiles, sizeof(char *), by_path)) {
			/* Behind the sorted ones, for now. */
			rc = add(&w->path, &w->n, &w->cap, w->link[i]);
		}
		free(same);
		free(to);
	}
	sort(w->path, w->n);
	return rc;
}

static int load_directory(struct sigma_rules *r, const char *given)
{
	struct walk w = { .r = r, .root = realpath(given, NULL), .given_len = strlen(given) };
	int rc = 0;

	while (w.given_len && given[w.given_len - 1] == '/')
		w.given_len--;
	if (!w.root) {
		problem(r, SIGMA_ERROR, given, strerror(errno));
		goto out;
	}
	rc = walk(&w, given, 0);
	if (rc == -E2BIG) {
		problem(r, SIGMA_ERROR, given, "more than 100000 files: none of them is read");
		rc = 0;
		goto out;
	}
	sort(w.path, w.n);
	if (!rc)
		rc = take_links(&w, given);
	if (!rc && !w.n)
		problem(r, SIGMA_WARNING, given, "no *.yml or *.yaml in this directory");
	for (size_t i = 0; !rc && i < w.n; i++)
		rc = load_file(r, w.path[i], true);
out:
	for (size_t i = 0; i < w.n; i++)
		free(w.path[i]);
	for (size_t i = 0; i < w.nlinks; i++)
		free(w.link[i]);
	free(w.path);
	free(w.link);
	free(w.root);
	return rc;
}

int sigma_load(struct sigma_rules *r, const char *path)
{
	struct stat st;

	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return load_directory(r, path);
	return load_file(r, path, false);
}
