/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a directory of its own for each test. */
#ifndef REDSHANK_TESTS_STORE_FIXTURE_H
#define REDSHANK_TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alerts.h"
#include "sink/store_db.h"

static char dir[64], path[128];
static struct test_alert ta;

static inline int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/redshank-store-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/alerts.db", dir);
	test_alert_init(&ta);
	return 0;
}

static inline int remove_one(const char *p, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(p);
}

static inline int teardown(void **state)
{
	(void)state;
	test_alert_free(&ta);
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline struct sink *sink_open(unsigned max)
{
	struct sink *k = NULL;
	struct err e;
	int rc = store_sink_open(path, max, -1, &k, &e);
	if (rc)
		print_error("%s\n", e.text);
	assert_int_equal(rc, 0);
	return k;
}

static inline struct store *open_store(int writable)
{
	struct store *s = NULL;
	struct err e;
	int rc = store_open(path, writable, &s, &e);
	if (rc)
		print_error("%s\n", e.text);
	assert_int_equal(rc, 0);
	return s;
}

/* Alerts number from to to, flushed. */
static inline void put(struct sink *k, unsigned from, unsigned to)
{
	for (unsigned n = from; n <= to; n++)
		assert_int_equal(k->ops->alert(k, test_alert_number(&ta, n)), 0);
	assert_int_equal(k->ops->flush(k), 0);
}

static inline void fill(unsigned from, unsigned to)
{
	struct sink *k = sink_open(0);
	put(k, from, to);
	k->ops->close(k, 0);
}

struct seen {
	unsigned n;
	uint64_t seq[64];
	int64_t row[64];
	int stop_at;
};

static inline int see(void *ctx, const struct store_alert *al)
{
	struct seen *s = ctx;
	if (s->n < 64) {
		s->seq[s->n] = al->seq;
		s->row[s->n] = al->row;
	}
	return (int)++s->n == s->stop_at ? 77 : 0;
}

static inline struct seen query(const struct store_query *q)
{
	struct seen seen = { 0 };
	struct store *s = open_store(0);
	struct err e;
	assert_int_equal(store_each(s, q, see, &seen, &e), 0);
	store_close(s);
	return seen;
}

static inline void counter(void *ctx, const char *key, uint64_t value)
{
	const char **want = ctx;
	if (!strcmp(key, want[0]))
		*(uint64_t *)(uintptr_t)want[1] = value;
}

static inline uint64_t stat_of(struct sink *k, const char *key)
{
	uint64_t v = UINT64_MAX;
	const char *ctx[2] = { key, (const char *)&v };
	k->ops->stats(k, counter, ctx);
	return v;
}

#define T(f_) cmocka_unit_test_setup_teardown(f_, setup, teardown)

#endif
