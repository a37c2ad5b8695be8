/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes of a scenario of logins.h, kept as lines:
 *
 *   ACTION OUTCOME REASON USER METHOD SOURCE   ("-" for what is absent; "!" before it: not
 * verified)
 *
 * and tables of scenarios with what has to come of them, with all sources and with some missing.
 */
#ifndef REDSHANK_TESTS_LOGIN_MATRIX_H
#define REDSHANK_TESTS_LOGIN_MATRIX_H

#include "logins.h"
#include "schema/value.h"

#define KEPT_MAX  64
#define LINE_MAX_ 400

static char kept[KEPT_MAX][LINE_MAX_];
static unsigned nkept;
static _Alignas(8) char last_rec[EV_LEN_MAX]; /* the latest record */

static inline const char *shown(const struct event *ev, const char *name, char *tmp)
{
	struct value v;
	const struct field *f = field_find(ev->desc, name);

	assert(f);
	value_get(ev, f, &v);
	if (v.kind == VALUE_none)
		return "-";
	snprintf(tmp, 64, "%.*s", (int)v.len, v.p);
	return tmp;
}

static inline void keep(void *ctx, const struct ev_hdr *rec)
{
	struct event ev = rec_event(rec);
	char t[6][64];

	(void)ctx;
	assert(!schema_check(rec, rec->len, NULL));
	memcpy(last_rec, rec, rec->len);
	if (nkept == KEPT_MAX)
		return;
	snprintf(kept[nkept++], LINE_MAX_, "%s%s %s %s %s %s %s",
		 EVENT_AS(auth, &ev)->verified ? "" : "!", shown(&ev, "redshank.auth.action", t[0]),
		 shown(&ev, "event.outcome", t[1]), shown(&ev, "redshank.auth.reason", t[2]),
		 shown(&ev, "user.target.name", t[3]), shown(&ev, "redshank.auth.method", t[4]),
		 shown(&ev, "source.address", t[5]));
}

static inline void fuse_start(unsigned with, unsigned conversations)
{
	sources = with;
	nkept = 0;
	now = 1000000000000;
	assert(!auth_fuse_new(conversations, AUTH_FUSE_CLAIMED, keep, NULL, &fuse));
}

static inline void fuse_stop(void)
{
	auth_fuse_free(fuse);
	fuse = NULL;
}

struct login_row {
	const char *name;
	void (*run)(void);
	const char *all, *ac, *bc, *c, *a, *b; /* NULL: as with all sources */
};

static inline bool row_is(const char *name, const char *with, unsigned mask, void (*run)(void),
			  const char *expected)
{
	char got[8192] = "";

	fuse_start(mask, 64);
	run();
	auth_fuse_flush(fuse);
	fuse_stop();
	for (unsigned i = 0; i < nkept; i++) {
		strcat(got, kept[i]);
		strcat(got, "\n");
	}
	if (!strcmp(got, expected))
		return true;
	print_error("%s, %s: expected\n%sbut there was\n%s", name, with, expected, got);
	return false;
}

static inline void login_matrix(const struct login_row *rows, size_t n)
{
	bool ok = true;

	for (size_t i = 0; i < n; i++) {
		const struct {
			const char *with;
			unsigned mask;
			const char *expected;
		} columns[] = {
			{ "all sources", ALL, rows[i].all },
			{ "without PAM", A | C, rows[i].ac },
			{ "without audit", B | C, rows[i].bc },
			{ "by lines only", C, rows[i].c },
			{ "by audit only", A, rows[i].a },
			{ "by PAM only", B, rows[i].b },
		};
		for (size_t k = 0; k < sizeof(columns) / sizeof(columns[0]); k++)
			ok &= row_is(rows[i].name, columns[k].with, columns[k].mask, rows[i].run,
				     columns[k].expected ? columns[k].expected : rows[i].all);
	}
	assert_true(ok);
}

#endif
