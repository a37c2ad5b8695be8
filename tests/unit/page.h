/* SPDX-License-Identifier: Apache-2.0 */
/* Pages that are made from tables: `make docs` prints them, the test compares. */
#ifndef REDSHANK_TESTS_PAGE_H
#define REDSHANK_TESTS_PAGE_H

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

typedef void page_fn(struct buf *b);

/* Fails unless the file is what the page would be. path: from the root of the tree. */
static inline void page_compare(const char *path, page_fn *page)
{
	struct buf b = { 0 }, have = { 0 };
	FILE *f = fopen(path, "re");

	if (!f)
		fail_msg("%s can't be opened: run this in the root of the tree", path);
	for (int c; (c = fgetc(f)) != EOF;)
		buf_putc(&have, (char)c);
	fclose(f);
	page(&b);
	if (strcmp(buf_str(&b), buf_str(&have)) != 0)
		fail_msg("%s is not what the tables give: make docs", path);
	buf_free(&b);
	buf_free(&have);
}

/* Prints the page and is true if that is what the program was called for. */
static inline bool page_printed(int argc, char **argv, page_fn *page)
{
	struct buf b = { 0 };

	if (argc != 2 || strcmp(argv[1], "--print"))
		return false;
	page(&b);
	fputs(buf_str(&b), stdout);
	buf_free(&b);
	return true;
}

#endif
