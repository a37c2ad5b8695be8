/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and checks a file of request headers. */
#include "sink/http_headers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_file(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "%s: not a regular file", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_set(e, -EPERM, "%s: belongs to uid %u; it must be root's or ours", path,
			       st.st_uid);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return err_set(e, -EPERM,
			       "%s: holds secrets but others may access it; chmod 600 it", path);
	return 0;
}

/* tchar of RFC 9110, section 5.6.2. */
static bool is_token(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = p[i];
		bool alnum =
			(c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!alnum && (!c || !strchr("!#$%&'*+-.^_`|~", c)))
			return false;
	}
	return n > 0;
}

/* Visible ASCII, space and tab: no CR, LF or NUL that would start another header. */
static bool is_value(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((p[i] < ' ' || p[i] > '~') && p[i] != '\t')
			return false;
	return n > 0;
}

static bool is_ours(const char *p, size_t n)
{
	static const char *const names[] = { "Connection",	 "Content-Encoding",
					     "Content-Length",	 "Content-Type",
					     "Expect",		 "Host",
					     "Transfer-Encoding" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == n && !strncasecmp(names[i], p, n))
			return true;
	return false;
}

/* What is wrong with a line; NULL if it is a header. The line is NUL-terminated at p[n]. */
static const char *check_line(const char *p, size_t n)
{
	const char *colon = memchr(p, ':', n);
	if (!colon || !is_token(p, (size_t)(colon - p)))
		return "is not \"Name: value\"";
	if (is_ours(p, (size_t)(colon - p)))
		return "sets a header that the client sets itself";
	const char *v = colon + 1;
	while (*v == ' ' || *v == '\t')
		v++;
	if (!is_value(v, n - (size_t)(v - p)))
		return "has an empty value or one with control characters or not in ASCII";
	return NULL;
}

/* text is NUL-terminated at text[len]; it is cut into lines in place. */
static int parse(char *text, size_t len, const char *path, struct curl_slist **ret, struct err *e)
{
	struct curl_slist *list = NULL;
	unsigned line = 0;
	int r = 0;

	for (char *p = text, *end = text + len, *next; p < end; p = next) {
		char *nl = memchr(p, '\n', (size_t)(end - p));
		next = nl ? nl + 1 : end;
		if (nl)
			*nl = '\0';
		size_t n = (size_t)((nl ? nl : end) - p);
		line++;
		if (!n || *p == '#')
			continue;
		const char *wrong = check_line(p, n);
		if (wrong) {
			r = err_set(e, -EINVAL, "%s: line %u %s", path, line, wrong);
			goto out;
		}
		struct curl_slist *longer = curl_slist_append(list, p);
		if (!longer) {
			r = err_set(e, -ENOMEM, "%s: out of memory", path);
			goto out;
		}
		list = longer;
	}
	*ret = list;
	list = NULL;
out:
	curl_slist_free_all(list);
	return r;
}

int http_headers_read(const char *path, struct curl_slist **ret, struct err *e)
{
	char text[HTTP_HEADERS_FILE_MAX + 1];
	size_t len = 0;
	int r;

	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	r = check_file(fd, path, e);
	if (r < 0)
		goto out;
	while (len < sizeof(text)) {
		ssize_t n = read(fd, text + len, sizeof(text) - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = err_set(e, -errno, "%s: %s", path, strerror(errno));
			goto out;
		}
		if (!n)
			break;
		len += (size_t)n;
	}
	if (len == sizeof(text)) {
		r = err_set(e, -EFBIG, "%s: longer than %d bytes", path, HTTP_HEADERS_FILE_MAX);
		goto out;
	}
	text[len] = '\0';
	r = parse(text, len, path, ret, e);
out:
	explicit_bzero(text, sizeof(text));
	close(fd);
	return r;
}
