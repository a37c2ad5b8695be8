/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of a library by its symbols: where they really are, and files that are anybody's. */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "source/elf_symbol.h"

static const char *const names[] = { "pcre2_compile_8", "no_such_function", "pcre2_match_8" };
enum { NAMES = sizeof(names) / sizeof(names[0]) };

static char *image;
static size_t size;

/* A library that this program is linked with, whole. */
static int setup(void **state)
{
	Dl_info info;
	struct stat st;
	void *at = dlsym(RTLD_DEFAULT, names[0]);
	(void)state;

	if (!at || !dladdr(at, &info))
		return -1;
	int fd = open(info.dli_fname, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return -1;
	size = (size_t)st.st_size;
	image = malloc(size);
	bool whole = image && read(fd, image, size) == (ssize_t)size;
	close(fd);
	return whole ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(image);
	return 0;
}

static int look(size_t len, uint64_t *ret)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, image, len), (ssize_t)len);
	int rc = elf_symbols(fd, names, NAMES, ret);
	close(fd);
	return rc;
}

static void found(void **state)
{
	uint64_t offset[NAMES];
	(void)state;

	assert_int_equal(look(size, offset), 2);
	assert_int_equal(offset[1], 0);
	/* The code in the file is that in memory. */
	for (unsigned i = 0; i < NAMES; i += 2)
		assert_memory_equal(image + offset[i], dlsym(RTLD_DEFAULT, names[i]), 16);
}

static void cut(void **state)
{
	uint64_t offset[NAMES];
	(void)state;

	for (size_t len = 0; len < size; len += len < 256 ? 1 : size / 61)
		assert_true(look(len, offset) <= 0);
}

/* Whatever the header and the tables say: nothing outside of the file, and no more than a bound. */
static void hostile(void **state)
{
	uint64_t offset[NAMES];
	Elf64_Ehdr before;
	(void)state;

	memcpy(&before, image, sizeof(before));
	char *table = image + before.e_shoff;
	size_t len = (size_t)before.e_shnum * sizeof(Elf64_Shdr);
	for (size_t i = 0; i < sizeof(before); i++) {
		image[i] = (char)~image[i];
		assert_true(look(size, offset) <= NAMES);
		image[i] = (char)~image[i];
	}
	for (size_t i = 0; i < len; i += 3) {
		char was = table[i];
		table[i] = (char)0xff;
		assert_true(look(size, offset) <= NAMES);
		table[i] = was;
	}
	assert_int_equal(look(size, offset), 2);
}

static void other_machines(void **state)
{
	uint64_t offset[NAMES];
	Elf64_Ehdr *h = (void *)image, before = *h;
	(void)state;

	h->e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(look(size, offset), -EINVAL);
	*h = before;
	h->e_machine = EM_SPARC;
	assert_int_equal(look(size, offset), -EINVAL);
	*h = before;
	h->e_type = ET_CORE;
	assert_int_equal(look(size, offset), -EINVAL);
	*h = before;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found),
		cmocka_unit_test(cut),
		cmocka_unit_test(hostile),
		cmocka_unit_test(other_machines),
	};
	return cmocka_run_group_tests_name("elf_symbol", tests, setup, teardown);
}
