/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the taxonomy that need code. */
#include "detect/sigma_feeds.h"

#include <ctype.h>
#include <string.h>

#include "enrich/exe_hash.h"
#include "enrich/proctree.h"
#include "enrich/users.h"

/* --- users --- */

/* Uid 0 is root in every container, whatever its passwd file says. */
static void put_user(struct sigma_fill *f, uint32_t uid, uint32_t mntns)
{
	const char *name = uid ? user_name(uid, mntns) : "root";
	struct value *v = &f->value;

	if (!*name)
		return;
	value_printf(v, "%s", name);
	v->truncated = false;
	v->joined = false;
	sigma_fill_value(f, v);
}

void sigma_feed_user(const struct event *ev, const char *name, struct sigma_fill *f)
{
	(void)name;
	put_user(f, ev->rec->uid, ev->rec->mntns);
	if (ev->rec->euid != ev->rec->uid)
		put_user(f, ev->rec->euid, ev->rec->mntns);
}

static const struct proc *parent(const struct event *ev)
{
	return ev->proc && ev->tree ? proctree_parent(ev->tree, ev->proc) : NULL;
}

void sigma_feed_parent_user(const struct event *ev, const char *name, struct sigma_fill *f)
{
	const struct proc *p = parent(ev);

	(void)name;
	if (p)
		put_user(f, p->uid, p->mntns);
}

/* --- the executable's hash: read when a rule asks --- */

static void put_hash(const struct event *ev, const char *prefix, struct sigma_fill *f)
{
	struct value *v = &f->value;

	exe_hash_learn(ev);
	if (!ev->proc || !ev->proc->image || !*ev->proc->image->sha256)
		return;
	value_printf(v, "%s%s", prefix, ev->proc->image->sha256);
	v->truncated = false;
	v->joined = false;
	sigma_fill_value(f, v);
}

void sigma_feed_sha256(const struct event *ev, const char *name, struct sigma_fill *f)
{
	(void)name;
	put_hash(ev, "", f);
}

void sigma_feed_hashes(const struct event *ev, const char *name, struct sigma_fill *f)
{
	(void)name;
	put_hash(ev, "SHA256=", f);
}

/* --- ancestors --- */

static unsigned ancestors(const struct event *ev, const struct proc *ret[PROC_ANCESTORS_MAX])
{
	return ev->proc && ev->tree
		       ? proctree_ancestors(ev->tree, ev->proc, ret, PROC_ANCESTORS_MAX)
		       : 0;
}

void sigma_feed_ancestor_image(const struct event *ev, const char *name, struct sigma_fill *f)
{
	const struct proc *p[PROC_ANCESTORS_MAX];
	unsigned n = ancestors(ev, p);

	(void)name;
	for (unsigned i = 0; i < n; i++)
		if (p[i]->image && p[i]->image->exe_len)
			sigma_fill_str(f, p[i]->image->exe, p[i]->image->exe_len, false);
}

void sigma_feed_ancestor_args(const struct event *ev, const char *name, struct sigma_fill *f)
{
	const struct proc *p[PROC_ANCESTORS_MAX];
	unsigned n = ancestors(ev, p);
	struct value *v = &f->value;

	(void)name;
	for (unsigned i = 0; i < n; i++) {
		const struct image *im = p[i]->image;
		if (!im || !im->args_len)
			continue;
		v->kind = VALUE_list;
		v->joined = true;
		v->truncated = im->args_truncated;
		v->p = im->args;
		v->len = im->args_len - !im->args[im->args_len - 1];
		sigma_fill_value(f, v);
	}
}

/* --- by pattern --- */

static bool get_list(const struct event *ev, const char *ours, struct value *v)
{
	struct any_field field;

	if (!any_field_find(ev->desc, ours, &field))
		return false;
	any_field_get(&field, ev, v);
	return v->kind == VALUE_list;
}

/* a0, a1, …: one argument, as in an EXECVE record. */
static void get_arg(const struct event *ev, const char *name, struct sigma_fill *f)
{
	unsigned want = 0, i = 0;
	size_t pos = 0, len;
	const char *p;

	for (name++; *name; name++)
		want = want * 10 + (unsigned)(*name - '0');
	if (!get_list(ev, "process.args", &f->value))
		return;
	while (value_next(&f->value, &pos, &p, &len))
		if (i++ == want) {
			sigma_fill_str(f, p, len, f->value.truncated && pos >= f->value.len);
			return;
		}
}

/* EnvLdPreload is LD_PRELOAD: without underscores, whatever the case. */
static bool env_name_is(const char *var, size_t len, const char *name)
{
	for (; len; var++, len--) {
		if (*var == '_')
			continue;
		if (toupper((unsigned char)*var) != toupper((unsigned char)*name))
			return false;
		name++;
	}
	return !*name;
}

static void get_env(const struct event *ev, const char *name, struct sigma_fill *f)
{
	size_t pos = 0, len;
	const char *p;

	if (!get_list(ev, "process.env_vars", &f->value))
		return;
	while (value_next(&f->value, &pos, &p, &len)) {
		const char *eq = memchr(p, '=', len);
		if (!eq || !env_name_is(p, (size_t)(eq - p), name + 3))
			continue;
		sigma_fill_str(f, eq + 1, len - (size_t)(eq + 1 - p),
			       f->value.truncated && pos >= f->value.len);
	}
}

const struct sigma_feed sigma_patterns[] = {
	{ "a0, a1, …", "process.args", get_arg, SIGMA_FEED_plain, "one argument" },
	{ "Env<Name>", "process.env_vars", get_env, SIGMA_FEED_plain,
	  "an environment variable of the configured ones: EnvLdPreload is LD_PRELOAD" },
	{ 0 },
};

const struct sigma_feed *sigma_pattern_find(const struct sigma_source *s, const char *name)
{
	const struct sigma_feed *found = NULL;
	struct any_field field;

	if (*name == 'a' && name[1] && strlen(name) <= 5 &&
	    strspn(name + 1, "0123456789") == strlen(name + 1))
		found = &sigma_patterns[0];
	else if (!strncmp(name, "Env", 3) && isupper((unsigned char)name[3]))
		found = &sigma_patterns[1];
	return found && any_field_find(ev_desc(s->event), found->from, &field) ? found : NULL;
}
