/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State as bytes, for a restart or other rules on the same machine: numbers lie as in memory.
 *
 *   magic, struct file_head, for each correlation: struct corr_head, bytes of groups;
 *   a group: struct group_head, key, its window as its kind writes it;
 *   the end: SipHash of all before it, with no key: against damage, not against people.
 */
#include <errno.h>
#include <string.h>

#include "sigma/correlate_private.h"

static const char magic[8] = { 'r', 's', 'h', 'k', 'c', 'o', 'r', '1' };
static const struct siphash_key no_key;

struct file_head {
	struct siphash_key value_key;
	uint64_t newest, episodes;
	uint64_t ncorrs;
};

struct corr_head {
	uint64_t definition;
	uint64_t bytes, ngroups;
};

struct group_head {
	uint64_t newest, episode;
	uint32_t key_len, late;
};

bool reader_take(struct reader *r, void *to, size_t n)
{
	if (n > r->left)
		return false;
	if (to && n)
		memcpy(to, r->p, n);
	r->p += n;
	r->left -= n;
	return true;
}

/* --- save --- */

static void save_group(const struct group *g, struct buf *out)
{
	struct group_head h = { g->newest, g->episode, g->key_len, g->late };

	buf_put(out, &h, sizeof(h));
	buf_put(out, g->key, g->key_len);
	g->of->kind->save(g, out);
}

/* Those that were used last come last: so they are used last when they are put back. */
static void save_corr(const struct corr *corr, struct buf *out)
{
	struct corr_head h = { .definition = corr->definition, .ngroups = corr->ngroups };
	size_t at = out->len;

	buf_put(out, &h, sizeof(h));
	for (unsigned i = 0; i < CLASSES; i++)
		for (const struct group *g = corr->lru[i].oldest; g; g = g->newer)
			save_group(g, out);
	if (out->failed)
		return;
	h.bytes = out->len - at - sizeof(h);
	memcpy(out->data + at, &h, sizeof(h));
}

void sigma_correlator_save(const struct sigma_correlator *c, struct buf *out)
{
	struct file_head h = { c->value_key, c->newest, c->episodes, c->ncorrs };
	size_t at = out->len;
	uint64_t check;

	buf_put(out, magic, sizeof(magic));
	buf_put(out, &h, sizeof(h));
	for (unsigned i = 0; i < c->ncorrs; i++)
		save_corr(&c->corr[i], out);
	if (out->failed)
		return;
	check = siphash(&no_key, out->data + at, out->len - at);
	buf_put(out, &check, sizeof(check));
}

/* --- restore --- */

static struct corr *find(struct sigma_correlator *c, uint64_t definition)
{
	for (unsigned i = 0; i < c->ncorrs; i++)
		if (c->corr[i].definition == definition)
			return &c->corr[i];
	return NULL;
}

static bool restore_group(struct sigma_correlator *c, struct corr *corr, struct reader *r,
			  const struct file_head *file, bool apply)
{
	struct sigma_group_value value[GROUP_BY_MAX];
	struct group *g = NULL;
	struct group_head h;

	if (!reader_take(r, &h, sizeof(h)) || h.key_len > sizeof(c->key) || h.key_len > r->left ||
	    !h.newest || h.newest > file->newest || h.episode > file->episodes ||
	    h.late > UINT8_MAX || !key_parse(corr, r->p, h.key_len, value))
		return false;
	c->key_len = h.key_len;
	reader_take(r, c->key, h.key_len);
	if (apply)
		g = group_get(c, corr, h.newest);
	if (g && g->n) /* the same group twice */
		g = NULL;
	if (g)
		g->pins++;
	if (!corr->kind->load(c, corr, g, h.newest, r))
		return false;
	if (g) {
		g->newest = h.newest;
		g->episode = h.episode;
		g->late = (uint8_t)h.late;
		g->pins--;
		group_touch(g);
	}
	return true;
}

/* Once to see that all of it is sound, and once to take it. */
static bool restore_all(struct sigma_correlator *c, struct reader r, const struct file_head *file,
			bool apply)
{
	struct corr_head h;

	for (uint64_t i = 0; i < file->ncorrs; i++) {
		if (!reader_take(&r, &h, sizeof(h)) || h.bytes > r.left)
			return false;
		struct corr *corr = find(c, h.definition);
		struct reader groups = { r.p, h.bytes };
		reader_take(&r, NULL, h.bytes);
		for (uint64_t k = 0; corr && k < h.ngroups; k++)
			if (!restore_group(c, corr, &groups, file, apply))
				return false;
		if (corr && groups.left)
			return false;
	}
	return !r.left;
}

int sigma_correlator_restore(struct sigma_correlator *c, const void *p, size_t len)
{
	struct reader r = { p, len };
	struct file_head file;
	char m[sizeof(magic)];
	uint64_t check;

	if (len < sizeof(check))
		return -EBADMSG;
	memcpy(&check, (const char *)p + len - sizeof(check), sizeof(check));
	r.left -= sizeof(check);
	if (siphash(&no_key, p, r.left) != check || !reader_take(&r, m, sizeof(m)) ||
	    memcmp(m, magic, sizeof(m)) != 0 || !reader_take(&r, &file, sizeof(file)) ||
	    file.episodes > INT64_MAX || !restore_all(c, r, &file, false))
		return -EBADMSG;
	if (!c->ncorrs)
		return 0;
	groups_clear(c);
	c->value_key = file.value_key;
	c->newest = file.newest;
	c->episodes = file.episodes > c->episodes ? file.episodes : c->episodes;
	restore_all(c, r, &file, true);
	return 0;
}
