/* SPDX-License-Identifier: Apache-2.0 */
/* ATT&CK tags to techniques with names. */
#include "detect/attack.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum tactic {
#define TACTIC(tag_, name_) TACTIC_##tag_,
#define TECHNIQUE(...)
#include "detect/attack.def"
#undef TACTIC
#undef TECHNIQUE
};

static const struct {
	const char *tag, *name;
} tactics[] = {
#define TACTIC(tag_, name_) { #tag_, name_ },
#define TECHNIQUE(...)
#include "detect/attack.def"
#undef TACTIC
#undef TECHNIQUE
};
#define NTACTICS (sizeof(tactics) / sizeof(tactics[0]))

struct known {
	const char *id, *name;
	unsigned tactics; /* bit per enum tactic */
};

static const struct known known[] = {
#define T(tag_) 1U << TACTIC_##tag_
#define TACTIC(...)
#define TECHNIQUE(id_, name_, tactics_) { id_, name_, tactics_ },
#include "detect/attack.def"
#undef TACTIC
#undef TECHNIQUE
#undef T
};

static int by_id(const void *key, const void *elem)
{
	return strcasecmp(key, ((const struct known *)elem)->id);
}

/* "attack.x" to x; NULL for tags of other namespaces. */
static const char *attack_tag(const char *tag)
{
	return strncasecmp(tag, "attack.", 7) ? NULL : tag + 7;
}

/* T1059 or T1059.004, in either case. */
static bool is_technique(const char *s)
{
	if (toupper((unsigned char)*s++) != 'T')
		return false;
	for (int i = 0; i < 4; i++)
		if (!isdigit((unsigned char)*s++))
			return false;
	if (!*s)
		return true;
	return s[0] == '.' && isdigit((unsigned char)s[1]) && isdigit((unsigned char)s[2]) &&
	       isdigit((unsigned char)s[3]) && !s[4];
}

/* Tactics are written with hyphens, in old rules with underscores. */
static bool same_tactic(const char *tag, const char *name)
{
	for (; *tag && *name; tag++, name++)
		if ((*tag == '-' ? '_' : tolower((unsigned char)*tag)) != *name)
			return false;
	return *tag == *name;
}

static unsigned named_tactics(const struct sigma_strings *tags)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < tags->n; i++) {
		const char *tag = attack_tag(tags->s[i]);
		for (unsigned t = 0; tag && t < NTACTICS; t++)
			if (same_tactic(tag, tactics[t].tag))
				bits |= 1U << t;
	}
	return bits;
}

static const char *tactic_name(unsigned bits)
{
	return bits ? tactics[__builtin_ctz(bits)].name : "";
}

static const char *upper(struct arena *a, const char *s)
{
	char *copy = arena_str(a, s);

	for (char *c = copy; c && *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return copy;
}

static bool fill(struct arena *a, const char *id, unsigned named, struct technique *ret)
{
	const struct known *k =
		bsearch(id, known, sizeof(known) / sizeof(known[0]), sizeof(known[0]), by_id);

	if (k) {
		ret->id = k->id;
		ret->name = k->name;
		ret->tactic = tactic_name(k->tactics & named ? k->tactics & named : k->tactics);
		return true;
	}
	ret->id = ret->name = upper(a, id);
	ret->tactic = tactic_name(named);
	return ret->id != NULL;
}

const struct technique *attack_techniques(struct arena *a, const struct sigma_strings *tags)
{
	unsigned named = named_tactics(tags), n = 0;
	struct technique *t = arena_array(a, TECHNIQUES_MAX + 1, sizeof(*t));

	for (unsigned i = 0; t && i < tags->n && n < TECHNIQUES_MAX; i++) {
		const char *tag = attack_tag(tags->s[i]);
		if (tag && is_technique(tag) && !fill(a, tag, named, &t[n++]))
			return NULL;
	}
	return t;
}
