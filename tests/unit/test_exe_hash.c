/* SPDX-License-Identifier: Apache-2.0 */
/* The hash of what a process runs: of this test itself, as the kernel would report it. */
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "enrich/exe_hash.h"
#include "processes.h"

static struct stat self;
static struct statfs fs;
static struct event event;
static struct ev_exec *rec;

static int setup(void **state)
{
	(void)state;
	exe_hash_enable();
	tree_new(64, 1 << 20);
	rec = NULL;
	return stat("/proc/self/exe", &self) || statfs("/proc/self/exe", &fs);
}

static int teardown(void **state)
{
	(void)state;
	rec_free(rec);
	tree_free();
	return 0;
}

/* An exec of this program by a process of ours. */
static struct ev_exec *runs(pid_t pid)
{
	rec = REC_NEW(exec);
	set_ids(&rec->hdr, id((u32)pid, 4), id(1, 1));
	rec->exe_ino = self.st_ino;
	rec->exe_dev = major(self.st_dev) << 20 | minor(self.st_dev);
	rec->exe_size = (u64)self.st_size;
	rec->exe_magic = (u64)fs.f_type;
	rec->userns = 0xEFFFFFFD;
	REC_STR(exec, rec, exe, "/no/such/file");
	return rec;
}

static const struct image *learn(void)
{
	event = rec_event(rec);
	proctree_update(tree, &event);
	assert_non_null(event.proc->image);
	exe_hash_learn(&event);
	return event.proc->image;
}

static void of_self(void **state)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	char chunk[4096], want[EXE_SHA256_LEN];
	unsigned n = 0;
	size_t got;
	(void)state;
	runs(getpid());
	const struct image *im = learn();

	EVP_MD_CTX *c = EVP_MD_CTX_new();
	FILE *f = fopen("/proc/self/exe", "re");
	assert_non_null(f);
	EVP_DigestInit_ex(c, EVP_sha256(), NULL);
	while ((got = fread(chunk, 1, sizeof(chunk), f)))
		EVP_DigestUpdate(c, chunk, got);
	EVP_DigestFinal_ex(c, md, &n);
	EVP_MD_CTX_free(c);
	fclose(f);
	for (unsigned i = 0; i < n; i++)
		snprintf(want + (size_t)2 * i, 3, "%02x", md[i]);
	assert_string_equal(im->sha256, want);
	assert_null(im->sha256_missing);
}

static void unknown(const char *word)
{
	const struct image *im = learn();

	assert_string_equal(im->sha256, "");
	assert_non_null(im->sha256_missing);
	if (!strstr(im->sha256_missing, word))
		fail_msg("%s: %s", word, im->sha256_missing);
}

/* The process runs something else by now. */
static void another_file(void **state)
{
	(void)state;
	runs(getpid())->exe_ino++;
	unknown("ended");
}

static void another_device(void **state)
{
	(void)state;
	if (fs.f_type == 0x794c7630 || fs.f_type == 0x9123683e)
		skip(); /* where devices say nothing */
	runs(getpid())->exe_dev++;
	unknown("ended");
}

static void ended(void **state)
{
	pid_t pid = fork();
	(void)state;
	if (!pid)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	runs(pid);
	unknown("ended");
}

/* Servers that may never answer are not asked. */
static void not_local(void **state)
{
	static const u64 magics[] = { 0x65735546 /* fuse */, 0x6969 /* nfs */,
				      0xfe534d42 /* smb2 */, 0x01021997 /* 9p */, 0 };
	(void)state;
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		runs(getpid())->exe_magic = magics[i];
		rec->hdr.start += i;
		unknown("file system");
		rec_free(rec);
	}
	/* An overlay of a user namespace may have one below it. */
	runs(getpid())->exe_magic = 0x794c7630;
	rec->userns = 4026532000U;
	rec->hdr.start += 100;
	unknown("file system");
}

#define T(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(of_self), T(another_file), T(another_device), T(ended), T(not_local),
	};
	return cmocka_run_group_tests_name("exe_hash", tests, NULL, NULL);
}
