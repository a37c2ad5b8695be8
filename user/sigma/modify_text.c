/* SPDX-License-Identifier: Apache-2.0 */
/* One text becomes another, or many; how many is bounded. */
#include "sigma/modify_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sigma/encode.h"

/* Texts in the making. */
struct texts {
	struct pattern *p;
	size_t n, cap;
};

static struct pattern *add(struct texts *t)
{
	if (t->n == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 4;
		struct pattern *p = realloc(t->p, cap * sizeof(*p));
		if (!p)
			return NULL;
		t->p = p;
		t->cap = cap;
	}
	t->p[t->n] = (struct pattern){ 0 };
	return &t->p[t->n++];
}

static void texts_free(struct texts *t)
{
	for (size_t i = 0; i < t->n; i++)
		pattern_free(&t->p[i]);
	free(t->p);
}

/* Takes what was made, or throws it away. */
static int settle(struct modified *m, struct texts *t, int rc)
{
	if (rc) {
		texts_free(t);
		return rc;
	}
	modified_free(m);
	m->text = t->p;
	m->n = (unsigned)t->n;
	return 0;
}

static int too_many(struct err *e)
{
	return err_set(e, -EINVAL, "this makes more than %d texts of one value", MODIFY_TEXTS_MAX);
}

static const struct sigma_strings *find(const struct sigma_compile_options *o, const char *name)
{
	for (unsigned i = 0; o && i < o->nplaceholders; i++)
		if (!strcmp(o->placeholder[i].name, name))
			return &o->placeholder[i].values;
	return NULL;
}

/* Every value that is not a letter or a digit is escaped: it stands for itself in an expression. */
static void put_quoted(struct pattern *p, const char *s)
{
	for (; *s; s++) {
		if (strchr("\\^$.[]|()?*+{}-#/ ", *s))
			pattern_put(p, '\\');
		pattern_put(p, (unsigned char)*s);
	}
}

/*
 * from's first placeholder at or behind pos replaced by each of its values. The texts go behind the
 * others, to be looked at again, each from behind what was put in.
 */
static int expand_first(struct texts *t, size_t *at, size_t i, const struct sigma_strings *values,
			size_t begin, size_t end, bool regex, struct err *e)
{
	for (unsigned v = 0; v < values->n; v++) {
		if (t->n >= MODIFY_TEXTS_MAX)
			return too_many(e);
		struct pattern *to = add(t);
		if (!to)
			return -ENOMEM;
		const struct pattern *from = &t->p[i];
		pattern_append(to, from->e, begin);
		if (regex)
			put_quoted(to, values->s[v]);
		else
			pattern_parse(to, values->s[v], strlen(values->s[v]));
		at[t->n - 1] = to->n;
		pattern_append(to, from->e + end, from->n - end);
		if (to->failed)
			return -ENOMEM;
	}
	return 0;
}

static int expand_all(struct texts *t, size_t *at, const struct sigma_compile_options *o,
		      bool regex, struct err *e)
{
	struct buf name = { 0 };
	size_t end, done = 0;
	int rc = 0;

	/* Texts with a placeholder are emptied once others stand for them. */
	for (size_t i = 0; i < t->n && !rc; i++) {
		if (!pattern_placeholder(&t->p[i], &at[i], &end, &name)) {
			struct pattern whole = t->p[i];
			pattern_unescape_percent(&whole);
			t->p[i] = (struct pattern){ 0 };
			t->p[done++] = whole;
			continue;
		}
		const struct sigma_strings *values = find(o, buf_str(&name));
		if (!values)
			rc = err_set(e, -EINVAL, "placeholder %%%s%% is not defined",
				     buf_str(&name));
		else if (!values->n)
			rc = err_set(e, -EINVAL, "placeholder %%%s%% has no values",
				     buf_str(&name));
		else
			rc = expand_first(t, at, i, values, at[i], end, regex, e);
		pattern_free(&t->p[i]);
	}
	if (!rc)
		t->n = done;
	buf_free(&name);
	return rc;
}

int modify_expand(struct modified *m, const struct sigma_compile_options *o, struct err *e)
{
	struct texts t = { 0 };
	size_t *at = calloc(MODIFY_TEXTS_MAX, sizeof(*at));
	int rc = at ? 0 : -ENOMEM;

	for (unsigned i = 0; i < m->n && !rc; i++) {
		struct pattern *p = add(&t);
		if (p)
			pattern_append(p, m->text[i].e, m->text[i].n);
		rc = p && !p->failed ? 0 : -ENOMEM;
	}
	if (!rc)
		rc = expand_all(&t, at, o, m->kind == MODIFY_regex, e);
	free(at);
	return settle(m, &t, rc);
}

/* Each dash element as each of the five: what an encoding makes of them differs. */
static int spell_dashes(struct modified *m, struct err *e)
{
	static const char *const dashes[] = { "-", "/", "\u2013", "\u2014", "\u2015" };
	struct texts t = { 0 };
	int rc = 0;

	for (unsigned i = 0; i < m->n && !rc; i++) {
		const struct pattern *from = &m->text[i];
		size_t count = 0, all = 1;
		for (size_t j = 0; j < from->n; j++)
			count += from->e[j] == PATTERN_DASH;
		for (size_t j = 0; j < count && all <= MODIFY_TEXTS_MAX; j++)
			all *= 5;
		if (t.n + all > MODIFY_TEXTS_MAX)
			rc = too_many(e);
		for (size_t number = 0; number < all && !rc; number++) {
			struct pattern *to = add(&t);
			size_t digit = number;
			for (size_t j = 0; j < from->n && to; j++) {
				if (from->e[j] != PATTERN_DASH) {
					pattern_put(to, from->e[j]);
					continue;
				}
				pattern_bytes(to, dashes[digit % 5], strlen(dashes[digit % 5]));
				digit /= 5;
			}
			rc = to && !to->failed ? 0 : -ENOMEM;
		}
	}
	return settle(m, &t, rc);
}

static bool is_ascii(const struct pattern *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->e[i] >= 128 && p->e[i] < 256)
			return false;
	return true;
}

/* Runs of bytes one by one; wildcards stay between them. */
static int encode_wide(struct modified *m, enum sigma_modifier mod)
{
	struct buf run = { 0 }, out = { 0 };
	bool failed = false;

	for (unsigned i = 0; i < m->n; i++) {
		struct pattern *p = &m->text[i], to = { 0 };
		m->utf16 |= !is_ascii(p);
		if (mod == SIGMA_MOD_utf16)
			pattern_bytes(&to, "\xFF\xFE", 2);
		for (size_t j = 0; j < p->n;) {
			buf_reset(&run);
			buf_reset(&out);
			while (j < p->n && p->e[j] < 256)
				buf_putc(&run, (char)p->e[j++]);
			encode_utf16(&out, run.data, run.len, mod == SIGMA_MOD_utf16be);
			pattern_bytes(&to, out.data, out.len);
			failed |= run.failed || out.failed;
			if (j < p->n)
				pattern_put(&to, p->e[j++]);
		}
		pattern_free(p);
		*p = to;
	}
	buf_free(&run);
	buf_free(&out);
	return failed ? -ENOMEM : 0;
}

static int check_base64(const struct modified *m, enum sigma_modifier mod, struct err *e)
{
	const char *name = sigma_modifier_name(mod);

	for (unsigned i = 0; i < m->n; i++) {
		if (pattern_has_wildcard(&m->text[i]))
			return err_set(e, -EINVAL,
				       "%s can't encode wildcards: put contains behind it, and "
				       "write \\* or \\? for the characters themselves",
				       name);
		if (m->text[i].n < (mod == SIGMA_MOD_base64offset ? 2 : 1))
			return err_set(e, -EINVAL, "%s: the value is too short", name);
	}
	return 0;
}

static int encode_base64s(struct modified *m, enum sigma_modifier mod, struct err *e)
{
	struct texts t = { 0 };
	struct buf text = { 0 }, out = { 0 };
	unsigned shifts = mod == SIGMA_MOD_base64offset ? 3 : 1;
	int rc = check_base64(m, mod, e);

	for (unsigned i = 0; i < m->n && !rc; i++) {
		buf_reset(&text);
		pattern_text(&m->text[i], &text);
		for (unsigned shift = 0; shift < shifts && !rc; shift++) {
			struct pattern *to = add(&t);
			buf_reset(&out);
			if (shifts == 1)
				encode_base64(&out, text.data, text.len);
			else
				encode_base64_offset(&out, text.data, text.len, shift);
			if (to)
				pattern_bytes(to, out.data, out.len);
			rc = to && !to->failed && !text.failed && !out.failed ? 0 : -ENOMEM;
		}
	}
	buf_free(&text);
	buf_free(&out);
	m->utf16 = false;
	m->fragment |= shifts > 1;
	return settle(m, &t, rc);
}

int modify_encode(struct modified *m, enum sigma_modifier mod, struct err *e)
{
	if (mod == SIGMA_MOD_windash) {
		for (unsigned i = 0; i < m->n; i++)
			pattern_windash(&m->text[i]);
		return 0;
	}
	int rc = spell_dashes(m, e);
	if (rc)
		return rc;
	return mod == SIGMA_MOD_base64 || mod == SIGMA_MOD_base64offset ? encode_base64s(m, mod, e)
									: encode_wide(m, mod);
}
