/* SPDX-License-Identifier: Apache-2.0 */
/* Small files. */
#include "base/file.h"

#include <fcntl.h>
#include <unistd.h>

size_t file_slurp(int dir, const char *name, char *buf, size_t cap)
{
	size_t n = 0;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && n < cap - 1) {
		ssize_t k = read(fd, buf + n, cap - 1 - n);
		if (k <= 0)
			break;
		n += (size_t)k;
	}
	if (fd >= 0)
		close(fd);
	buf[n] = '\0';
	return n;
}
