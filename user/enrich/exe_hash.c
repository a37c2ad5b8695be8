/* SPDX-License-Identifier: Apache-2.0 */
/* Hashing executables, by OpenSSL's libcrypto. */
#include "enrich/exe_hash.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/budget.h"
#include "base/hash.h"
#include "enrich/exe_open.h"

#define CHUNK	  65536
#define OVERLAYFS 0x794c7630U
#define BTRFS	  0x9123683eU

/* A file as it was when it was read: any change of it makes another key. */
struct file_key {
	uint64_t dev, ino, size;
	struct timespec mtime, ctime;
};

struct known {
	struct file_key key;
	char sha256[EXE_SHA256_LEN];
};

/* Used by the pipeline's thread only. */
static bool enabled;
static struct known cache[EXE_HASH_CACHE]; /* by hash of the key: a newer one takes the place */

void exe_hash_enable(void)
{
	enabled = true;
}

/*
 * Reading must not wait for somebody else's server: that of a FUSE or network file system may never
 * answer. An overlay that a user namespace has mounted may have such a one below it.
 */
static bool is_local(const struct image *im)
{
	static const uint32_t local[] = {
		0xef53 /* ext4 */,	   0x58465342 /* xfs */,       BTRFS,
		0x01021994 /* tmpfs */,	   0xf2f52010 /* f2fs */,      0x73717368 /* squashfs */,
		0xe0f5e1e2 /* erofs */,	   0x9660 /* isofs */,	       0x4d44 /* vfat */,
		0x2011bab0 /* exfat */,	   0x858458f6 /* ramfs */,     0x2fc12fc1 /* zfs */,
		0xca451a4e /* bcachefs */, 0x958458f6 /* hugetlbfs */,
	};

	if (im->exe_magic == OVERLAYFS)
		return im->userns == USERNS_INIT;
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		if (im->exe_magic == local[i])
			return true;
	return false;
}

static void key_of(const struct stat *st, struct file_key *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->dev = st->st_dev;
	ret->ino = st->st_ino;
	ret->size = (uint64_t)st->st_size;
	ret->mtime.tv_sec = st->st_mtim.tv_sec;
	ret->mtime.tv_nsec = st->st_mtim.tv_nsec;
	ret->ctime.tv_sec = st->st_ctim.tv_sec;
	ret->ctime.tv_nsec = st->st_ctim.tv_nsec;
}

static struct known *slot_of(const struct file_key *key)
{
	uint64_t h = hash_bytes(HASH_INIT, key, sizeof(*key));
	return &cache[(h ^ h >> 32) % EXE_HASH_CACHE];
}

/* Who runs many large programs must not keep the pipeline from reading events. */
static struct budget budget = { .per_s = EXE_HASH_PER_S };

static bool digest(int fd, uint64_t size, char ret[EXE_SHA256_LEN])
{
	static char chunk[CHUNK];
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = c && EVP_DigestInit_ex(c, EVP_sha256(), NULL);

	for (uint64_t at = 0; ok && at < size;) {
		ssize_t got = pread(fd, chunk, CHUNK, (off_t)at);
		ok = got > 0 && EVP_DigestUpdate(c, chunk, (size_t)got);
		at += ok ? (uint64_t)got : 0;
	}
	ok = ok && EVP_DigestFinal_ex(c, md, &n);
	EVP_MD_CTX_free(c);
	for (unsigned i = 0; ok && i < n; i++)
		snprintf(ret + (size_t)2 * i, 3, "%02x", md[i]);
	return ok;
}

/* NULL, or why there is no hash. */
static const char *hash_file(int fd, char ret[EXE_SHA256_LEN])
{
	struct file_key key, after;
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return "not a file";
	key_of(&st, &key);
	struct known *k = slot_of(&key);
	if (!memcmp(&k->key, &key, sizeof(key))) {
		memcpy(ret, k->sha256, sizeof(k->sha256));
		return NULL;
	}
	if (key.size > EXE_HASH_MAX)
		return "larger than 128 MiB";
	if (!budget_take(&budget, key.size))
		return "too many bytes to read at that time";
	if (!digest(fd, key.size, ret) || fstat(fd, &st))
		return "it could not be read";
	key_of(&st, &after);
	if (memcmp(&key, &after, sizeof(key)))
		return "it was changed while it was read";
	k->key = key;
	memcpy(k->sha256, ret, sizeof(k->sha256));
	return NULL;
}

/*
 * Of a process that has ended, the file of its path on the host, if only root can have put it there
 * and it was not touched since the program started (users can't set a file's ctime).
 */
static int open_left(const struct event *ev, const struct image *im)
{
	struct stat st;

	for (int host = 0; host <= 1; host++) {
		int fd = exe_open_trusted(host, im->exe, im->exe_len);
		if (fd < 0)
			continue;
		uint64_t began = ev->proc->exec_time + (uint64_t)ev->host->unix_offset;
		if (!fstat(fd, &st) && st.st_ino == im->exe_ino &&
		    (uint64_t)st.st_size == im->exe_size && ev->proc->exec_time &&
		    (uint64_t)st.st_ctim.tv_sec * NSEC_PER_SEC + (uint64_t)st.st_ctim.tv_nsec <
			    began)
			return fd;
		close(fd);
	}
	return -1;
}

void exe_hash_learn(const struct event *ev)
{
	const struct image *im = ev->proc ? ev->proc->image : NULL;
	char sha256[EXE_SHA256_LEN] = "";
	const char *why;

	if (!enabled || !im || image_hash_known(im) || !im->exe_ino)
		return;
	if (!is_local(im)) {
		image_set_hash(im, "", "on a file system that others answer for");
		return;
	}
	struct exe_id id = { .dev = im->exe_dev, .ino = im->exe_ino };
	/* These have other numbers in stat(2) than in the superblock. */
	id.any_dev = im->exe_magic == OVERLAYFS || im->exe_magic == BTRFS;
	int fd = exe_open(ev->proc->pid, &id);
	if (fd < 0)
		fd = open_left(ev, im);
	why = fd < 0 ? "the process had ended, or ran another program" : hash_file(fd, sha256);
	if (fd >= 0)
		close(fd);
	image_set_hash(im, sha256, why);
}
