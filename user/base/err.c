/* SPDX-License-Identifier: Apache-2.0 */
/* Error texts. */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

int err_set(struct err *e, int code, const char *fmt, ...)
{
	if (!e)
		return code;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return code;
}

int err_prefix(struct err *e, int code, const char *fmt, ...)
{
	if (!e)
		return code;
	char old[sizeof(e->text)];
	memcpy(old, e->text, sizeof(old));
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(e->text))
		return code;
	/* A long text loses its end. */
	size_t room = sizeof(e->text) - (size_t)n;
	snprintf(e->text + n, room, ": %.*s", (int)room, old);
	return code;
}
