/* SPDX-License-Identifier: Apache-2.0 */
/* The frame around the text of a line. */
#include "auth/log_text.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes a time off, as syslog(3) writes it ("Nov 21 17:09:07 ") or in the form of RFC 3339. */
static void drop_time(struct auth_piece *t)
{
	static const char shape[] = "Aaa dd dd:dd:dd ";

	if (t->len > sizeof(shape) - 1) {
		size_t i = 0;
		while (shape[i]) {
			char c = t->p[i];
			bool ok = shape[i] == 'A'   ? c >= 'A' && c <= 'Z'
				  : shape[i] == 'a' ? c >= 'a' && c <= 'z'
				  : shape[i] == 'd' ? is_digit(c) || c == ' '
						    : c == shape[i];
			if (!ok)
				break;
			i++;
		}
		if (!shape[i]) {
			t->p += i;
			t->len -= i;
			return;
		}
	}
	/* 2026-11-21T17:09:07+01:00 */
	const char *space = memchr(t->p, ' ', t->len);
	if (space && space - t->p >= 20 && is_digit(t->p[0]) && t->p[4] == '-' && t->p[10] == 'T') {
		t->len -= (size_t)(space + 1 - t->p);
		t->p = space + 1;
	}
}

/* "<38>" */
static void drop_priority(struct auth_piece *t)
{
	size_t n = 1;

	if (!t->len || *t->p != '<')
		return;
	while (n < t->len && is_digit(t->p[n]))
		n++;
	if (n < 2 || n == t->len || t->p[n] != '>')
		return;
	t->p += n + 1;
	t->len -= n + 1;
}

/* "sshd[25275]: " or "su: " */
static void take_tag(struct log_line *l)
{
	struct auth_piece *t = &l->text;
	size_t n = 0, end;

	while (n < t->len && t->p[n] != '[' && t->p[n] != ':' && t->p[n] != ' ')
		n++;
	end = n;
	if (end < t->len && t->p[end] == '[') {
		end++;
		while (end < t->len && is_digit(t->p[end]))
			end++;
		if (end == t->len || t->p[end] != ']')
			return;
		end++;
	}
	if (!n || end + 1 >= t->len || t->p[end] != ':' || t->p[end + 1] != ' ')
		return;
	l->tag = (struct auth_piece){ t->p, n };
	t->p += end + 2;
	t->len -= end + 2;
}

void log_line_split(const char *p, size_t len, struct log_line *ret)
{
	*ret = (struct log_line){ .text = { p, len } };
	drop_priority(&ret->text);
	drop_time(&ret->text);
	take_tag(ret);
}

void log_stderr_split(const char *p, size_t len, struct log_line *ret)
{
	struct auth_piece *t = &ret->text;
	size_t n = 1;

	*ret = (struct log_line){ .text = { p, len } };
	if (!len || *p != '[')
		return;
	while (n < len && is_digit(p[n]))
		n++;
	if (n + 2 > len || p[n] != ']' || p[n + 1] != ' ')
		return;
	t->p += n + 2;
	t->len -= n + 2;
	drop_time(t);
}
