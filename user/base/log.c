/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to stderr. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static enum log_level level_max = LOG_LEVEL_info;

void log_set_level(enum log_level max)
{
	level_max = max;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const prefix[] = {
		[LOG_LEVEL_error] = "redshank: error: ",
		[LOG_LEVEL_warning] = "redshank: warning: ",
		[LOG_LEVEL_info] = "redshank: ",
		[LOG_LEVEL_debug] = "redshank: debug: ",
	};
	if (level > level_max)
		return;
	char line[1024];
	int n = snprintf(line, sizeof(line), "%s", prefix[level]);
	va_list ap;
	va_start(ap, fmt);
	int m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	if (m > 0)
		n += m;
	if ((size_t)n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	for (int i = 0; i < n; i++) {
		unsigned char c = (unsigned char)line[i];
		if (c < 0x20 || c == 0x7f)
			line[i] = '?';
	}
	line[n++] = '\n';
	/* One write, so that lines of several threads do not mix; nothing can be done if it fails.
	 */
	ssize_t rc = write(STDERR_FILENO, line, (size_t)n);
	(void)rc;
}
