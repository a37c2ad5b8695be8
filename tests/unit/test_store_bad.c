/* SPDX-License-Identifier: Apache-2.0 */
/* The alert store when things go wrong: damage, a full disk, other users. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "store_fixture.h"

/* --- damage --- */

static void write_file(const char *p, const char *text, mode_t mode)
{
	int fd = open(p, O_WRONLY | O_CREAT | O_TRUNC, mode);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void overwrite(off_t from, size_t n)
{
	char junk[4096];
	int fd = open(path, O_WRONLY);

	memset(junk, 0xa5, sizeof(junk));
	for (; n; n -= sizeof(junk), from += (off_t)sizeof(junk))
		assert_int_equal(pwrite(fd, junk, sizeof(junk), from), sizeof(junk));
	close(fd);
}

static void test_corrupt_is_set_aside(void **state)
{
	(void)state;
	static const char junk[] = "this was an alert store once, but a disk had other ideas";
	struct store *s = NULL;
	struct err e;
	char text[sizeof(junk)] = "";

	write_file(path, junk, 0600);
	assert_int_equal(store_open(path, 0, &s, &e), -EBADMSG);
	assert_int_equal(store_open(path, 1, &s, &e), 0);
	store_close(s);
	char *name = strstr(e.text, "it is now ");
	assert_non_null(name);
	name += strlen("it is now ");
	*strchr(name, ',') = '\0';
	assert_non_null(strstr(name, "alerts.db.corrupt-"));
	int fd = open(name, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, text, sizeof(text)), sizeof(junk) - 1);
	close(fd);
	assert_string_equal(text, junk);
	fill(1, 2);
	assert_int_equal(query(&(struct store_query){ 0 }).n, 2);
}

static void test_wrong_file_is_left_alone(void **state)
{
	(void)state;
	struct store *s = NULL;
	struct err e;
	struct stat st;

	snprintf(path, sizeof(path), "%s/passwd", dir);
	write_file(path, "root:x:0:0:root:/root:/bin/bash\n", 0644);
	assert_int_equal(store_open(path, 1, &s, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "is not an alert store"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 32);

	snprintf(path, sizeof(path), "%s/other.db", dir);
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE t(x)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(store_open(path, 1, &s, &e), -EBADMSG);
	assert_int_equal(store_open(path, 0, &s, &e), -EBADMSG);
}

static void test_newer_schema(void **state)
{
	(void)state;
	struct store *s = NULL;
	struct err e;
	sqlite3 *db;

	fill(1, 1);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(store_open(path, 1, &s, &e), -ENOTSUP);
	assert_int_equal(store_open(path, 0, &s, &e), -ENOTSUP);
	assert_non_null(strstr(e.text, "99"));
}

static void test_corrupted_while_running(void **state)
{
	(void)state;
	struct sink *k = sink_open(50);
	struct store *s = open_store(1);
	struct err e;
	struct stat st;
	int64_t row;

	put(k, 1, 50);
	assert_int_equal(store_cursor_set(s, "a", 40, &e), 0);
	assert_int_equal(sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
						   NULL),
			 SQLITE_OK);
	assert_int_equal(stat(path, &st), 0);
	overwrite(4096, (size_t)st.st_size - 4096);
	put(k, 51, 120); /* must trim damaged pages */
	assert_int_equal(stat_of(k, "dropped"), 0);

	/* The other handle goes on with the fresh file; rows still ascend. */
	assert_int_equal(store_cursor_get(s, "a", &row, &e), 0);
	assert_int_equal(row, 0);
	struct seen r = { 0 };
	assert_int_equal(store_each(s, &(struct store_query){ .after_row = 50 }, see, &r, &e), 0);
	assert_true(r.n >= 50 && r.row[0] > 50);
	store_close(s);
	put(k, 121, 130); /* what the other's close did to its files did not touch ours */
	k->ops->close(k, 0);
	assert_int_equal(query(&(struct store_query){ 0 }).seq[49], 130);
}

static void test_truncated_file(void **state)
{
	(void)state;
	struct store *s = NULL;
	struct err e;

	fill(1, 100);
	assert_int_equal(truncate(path, 8192), 0);
	assert_int_equal(store_open(path, 1, &s, &e), 0);
	assert_non_null(strstr(e.text, "corrupt"));
	store_close(s);
}

static void test_removed_while_running(void **state)
{
	(void)state;
	struct sink *k = sink_open(0);
	char wal[160];

	put(k, 1, 5);
	assert_int_equal(unlink(path), 0);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	unlink(wal);
	snprintf(wal, sizeof(wal), "%s-shm", path);
	unlink(wal);
	put(k, 6, 7);
	k->ops->close(k, 0);
	struct seen r = query(&(struct store_query){ 0 });
	assert_true(r.n == 2 && r.seq[0] == 6 && r.row[0] == 6);
}

/* Nothing is written to what another program has put in the store's place. */
static void test_replaced_while_running(void **state)
{
	(void)state;
	struct sink *k = sink_open(0);
	char other[128];
	sqlite3 *db;

	put(k, 1, 1);
	snprintf(other, sizeof(other), "%s/other", dir);
	assert_int_equal(sqlite3_open(other, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE alert(x)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(rename(other, path), 0);
	assert_int_equal(k->ops->alert(k, test_alert_number(&ta, 2)), 0);
	assert_int_equal(k->ops->flush(k), -EBADMSG);
	assert_int_equal(unlink(path), 0);
	k->ops->close(k, 0); /* what waited goes to a fresh one */
	assert_int_equal(query(&(struct store_query){ 0 }).n, 1);
}

static void limit_file_size(rlim_t n)
{
	struct rlimit l;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = n < l.rlim_max ? n : l.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

static void test_writing_fails_for_a_while(void **state)
{
	(void)state;
	struct sink *k = sink_open(0);
	unsigned refused = 0;

	signal(SIGXFSZ, SIG_IGN);
	put(k, 1, 10);
	limit_file_size(4096);
	for (unsigned n = 11; n <= 1500; n++)
		refused += k->ops->alert(k, test_alert_number(&ta, n)) != 0;
	assert_true(k->ops->flush(k) <= 0);
	limit_file_size(RLIM_INFINITY);
	assert_true(stat_of(k, "errors") > 0);
	assert_int_equal(stat_of(k, "dropped"), refused);
	assert_int_equal(stat_of(k, "pending"), 1024);
	k->ops->close(k, 0); /* tries once more */
	assert_int_equal(query(&(struct store_query){ 0 }).n, 10 + 1024);
}

/* In a child with a mount namespace of its own: the disk is full, then there is room again. */
static int disk_full(void)
{
	char ballast[160];
	int rc = 0;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", dir, "tmpfs", 0, "size=512k,mode=0700"))
		return 2;
	struct sink *k = sink_open(0);
	put(k, 1, 3);
	snprintf(ballast, sizeof(ballast), "%s/ballast", dir);
	int fd = open(ballast, O_WRONLY | O_CREAT, 0600);
	while (write(fd, ballast, sizeof(ballast)) > 0)
		;
	close(fd);
	for (unsigned n = 4; n <= 60; n++)
		k->ops->alert(k, test_alert_number(&ta, n));
	rc |= k->ops->flush(k) != -ENOSPC || stat_of(k, "errors") != 1;
	unlink(ballast);
	k->ops->close(k, 0);
	rc |= query(&(struct store_query){ 0 }).n < 4;
	return rc;
}

static void test_disk_full(void **state)
{
	(void)state;
	int status = 0;

	pid_t pid = fork();
	if (!pid)
		_exit(disk_full());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		skip(); /* may not mount */
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- who may touch it --- */

static void test_modes(void **state)
{
	(void)state;
	static const char *const suffix[] = { "", "-wal", "-shm" };
	char p[200];
	struct stat st;

	snprintf(path, sizeof(path), "%s/new/alerts.db", dir);
	mode_t old = umask(0);
	struct sink *k = sink_open(0);
	put(k, 1, 1);
	umask(old);
	snprintf(p, sizeof(p), "%s/new", dir);
	assert_int_equal(stat(p, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(p, sizeof(p), "%s%s", path, suffix[i]);
		assert_int_equal(stat(p, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	k->ops->close(k, 0);
}

static void expect_refused(int code)
{
	struct store *s = NULL;
	struct err e;
	assert_int_equal(store_open(path, 1, &s, &e), code);
	assert_true(strlen(e.text) > 0);
	assert_int_equal(store_open(path, 0, &s, &e), code);
}

static void test_links_and_modes_refused(void **state)
{
	(void)state;
	char other[128];

	fill(1, 1);
	snprintf(other, sizeof(other), "%s", path);
	snprintf(path, sizeof(path), "%s/link.db", dir);
	assert_int_equal(symlink(other, path), 0);
	expect_refused(-ELOOP);
	snprintf(path, sizeof(path), "%s/dangling.db", dir);
	assert_int_equal(symlink("/nonexistent/x.db", path), 0);
	expect_refused(-ELOOP);
	snprintf(path, sizeof(path), "%s/fifo.db", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_refused(-EINVAL);
	snprintf(path, sizeof(path), "%s/", dir);
	expect_refused(-EINVAL);

	snprintf(path, sizeof(path), "%s", other);
	assert_int_equal(chmod(path, 0620), 0);
	expect_refused(-EPERM);
	assert_int_equal(chmod(path, 0602), 0);
	expect_refused(-EPERM);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(chmod(dir, 0770), 0);
	expect_refused(-EPERM);
	assert_int_equal(chmod(dir, 01777), 0); /* as /tmp: a -wal file could be planted */
	expect_refused(-EPERM);
	assert_int_equal(chmod(dir, 0700), 0);
	assert_int_equal(query(&(struct store_query){ 0 }).n, 1);
}

static void test_foreign_owner_refused(void **state)
{
	(void)state;

	if (geteuid())
		skip();
	fill(1, 1);
	assert_int_equal(chown(path, 12345, 12345), 0);
	expect_refused(-EPERM);
	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(chown(dir, 12345, 12345), 0);
	expect_refused(-EPERM);
	snprintf(path, sizeof(path), "%s/ours/alerts.db", dir); /* a directory above is theirs */
	char p[160];
	snprintf(p, sizeof(p), "%s/ours", dir);
	assert_int_equal(mkdir(p, 0700), 0);
	expect_refused(-EPERM);
	assert_int_equal(chown(dir, 0, 0), 0);
}

static void test_nothing_to_read(void **state)
{
	(void)state;
	struct store *s = NULL;
	struct err e;
	struct stat st;
	char p[160];

	assert_int_equal(store_open(path, 0, &s, &e), -ENOENT);
	assert_non_null(strstr(e.text, path));
	assert_non_null(strstr(e.text, "redshank run"));
	assert_int_equal(stat(path, &st), -1);
	snprintf(path, sizeof(path), "%s/new/alerts.db", dir);
	assert_int_equal(store_open(path, 0, &s, &e), -ENOENT);
	snprintf(p, sizeof(p), "%s/new", dir);
	assert_int_equal(stat(p, &st), -1);
}

static int read_without_rights(void)
{
	struct store *s = NULL;
	struct seen r = { 0 };
	struct err e;

	if (!geteuid() && (setgid(65534) || setuid(65534)))
		return 2;
	if (store_open(path, 0, &s, &e) || store_each(s, &(struct store_query){ 0 }, see, &r, &e))
		print_error("%s\n", e.text);
	store_close(s);
	return r.n != 3;
}

/* Where nothing can be written beside the file: no -shm can be made. */
static void test_read_only_directory(void **state)
{
	(void)state;
	int status;

	fill(1, 3);
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(chmod(dir, 0555), 0);
	pid_t pid = fork();
	if (!pid)
		_exit(read_without_rights());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(chmod(dir, 0700), 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_corrupt_is_set_aside),
		T(test_wrong_file_is_left_alone),
		T(test_newer_schema),
		T(test_corrupted_while_running),
		T(test_truncated_file),
		T(test_removed_while_running),
		T(test_replaced_while_running),
		T(test_writing_fails_for_a_while),
		T(test_disk_full),
		T(test_modes),
		T(test_links_and_modes_refused),
		T(test_foreign_owner_refused),
		T(test_nothing_to_read),
		T(test_read_only_directory),
	};
	return cmocka_run_group_tests_name("store_bad", tests, NULL, NULL);
}
