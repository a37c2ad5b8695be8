/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reducing BTF. What CO-RE looks at of a type (libbpf, relo_core.c) is kept: its name without
 * flavor, its kind and size, and its members, down to what they hold by value. Behind pointers it
 * never looks; qualifiers and typedefs of members it skips.
 */
#include "source/bpf_btf.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"

#define NAMES_MAX 4096 /* a power of two, several times what an object names */

struct reduction {
	const struct btf *from;
	struct btf *to;
	int *id; /* of each type of from: its id in to; 0: not there */
	int pointer; /* id of the one pointer type */
	const char *name[NAMES_MAX]; /* by hash */
	size_t len[NAMES_MAX];
	unsigned names;
};

/* --- names --- */

/* Without the flavor: struct task_struct___old is task_struct to CO-RE. */
static size_t essential(const char *name)
{
	const char *flavor = *name ? strstr(name + 1, "___") : NULL;

	return flavor ? (size_t)(flavor - name) : strlen(name);
}

/* Where the name is, or where it would be. */
static unsigned place(const struct reduction *r, const char *name, size_t len)
{
	unsigned at = (unsigned)hash_bytes(HASH_INIT, name, len) % NAMES_MAX;

	while (r->name[at] && (r->len[at] != len || memcmp(r->name[at], name, len)))
		at = (at + 1) % NAMES_MAX;
	return at;
}

static bool has_name(const struct reduction *r, const char *name)
{
	return *name && r->name[place(r, name, essential(name))];
}

static bool may_be_asked_for(const struct btf_type *t)
{
	return btf_is_composite(t) || btf_is_any_enum(t) || btf_is_typedef(t);
}

static int take_names(struct reduction *r, const struct btf *own)
{
	for (unsigned i = 1; i < btf__type_cnt(own); i++) {
		const struct btf_type *t = btf__type_by_id(own, i);
		const char *name = btf__name_by_offset(own, t->name_off);

		if (!may_be_asked_for(t) || !*name)
			continue;
		unsigned at = place(r, name, essential(name));
		if (r->name[at])
			continue;
		if (++r->names > NAMES_MAX / 2)
			return -E2BIG;
		r->name[at] = name;
		r->len[at] = essential(name);
	}
	return 0;
}

/* --- types --- */

static int add(struct reduction *r, unsigned id);

static int add_composite(struct reduction *r, const struct btf_type *t, const char *name)
{
	const struct btf_member *m = btf_members(t);
	int *member = calloc(btf_vlen(t) + 1U, sizeof(*member)), id = member ? 0 : -ENOMEM;

	/* A type is made in one go: what it holds comes before it. */
	for (unsigned i = 0; id >= 0 && i < btf_vlen(t); i++)
		id = member[i] = add(r, m[i].type);
	if (id >= 0)
		id = btf_is_struct(t) ? btf__add_struct(r->to, name, t->size)
				      : btf__add_union(r->to, name, t->size);
	for (unsigned i = 0; id >= 0 && i < btf_vlen(t); i++) {
		int rc = btf__add_field(r->to, btf__name_by_offset(r->from, m[i].name_off),
					member[i], btf_member_bit_offset(t, i),
					btf_member_bitfield_size(t, i));
		id = rc < 0 ? rc : id;
	}
	free(member);
	return id;
}

static int add_enum(struct reduction *r, const struct btf_type *t, const char *name)
{
	int id = btf_is_enum(t) ? btf__add_enum(r->to, name, t->size)
				: btf__add_enum64(r->to, name, t->size, btf_kflag(t));

	for (unsigned i = 0; id >= 0 && i < btf_vlen(t); i++) {
		int rc;
		if (btf_is_enum(t)) {
			const struct btf_enum *e = &btf_enum(t)[i];
			rc = btf__add_enum_value(r->to, btf__name_by_offset(r->from, e->name_off),
						 e->val);
		} else {
			const struct btf_enum64 *e = &btf_enum64(t)[i];
			rc = btf__add_enum64_value(r->to, btf__name_by_offset(r->from, e->name_off),
						   btf_enum64_value(e));
		}
		id = rc < 0 ? rc : id;
	}
	return id;
}

static int add_array(struct reduction *r, const struct btf_array *a)
{
	int index = add(r, a->index_type), element = add(r, a->type);

	if (index < 0 || element < 0)
		return index < 0 ? index : element;
	return btf__add_array(r->to, index, element, a->nelems);
}

static int add_new(struct reduction *r, const struct btf_type *t)
{
	const char *name = btf__name_by_offset(r->from, t->name_off);

	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return add_composite(r, t, name);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return add_enum(r, t, name);
	case BTF_KIND_ARRAY:
		return add_array(r, btf_array(t));
	case BTF_KIND_INT:
		return btf__add_int(r->to, name, t->size, btf_int_encoding(t));
	case BTF_KIND_FLOAT:
		return btf__add_float(r->to, name, t->size);
	}
	return 0; /* a function or what is only declared: no member is of it */
}

/* Returns the id in the reduced one (0: void), or negative errno. */
static int add(struct reduction *r, unsigned id)
{
	const struct btf_type *t = btf__type_by_id(r->from, id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t))) {
		id = t->type;
		t = btf__type_by_id(r->from, id);
	}
	if (!t)
		return -EINVAL;
	if (btf_is_ptr(t))
		return r->pointer;
	if (!r->id[id])
		r->id[id] = add_new(r, t);
	return r->id[id];
}

static int reduce(struct reduction *r)
{
	r->pointer = btf__add_ptr(r->to, 0);
	for (unsigned i = 1; i < btf__type_cnt(r->from); i++) {
		const struct btf_type *t = btf__type_by_id(r->from, i);
		const char *name = btf__name_by_offset(r->from, t->name_off);

		if (!may_be_asked_for(t) || !has_name(r, name))
			continue;
		int id = add(r, i);
		if (id >= 0 && btf_is_typedef(t))
			id = btf__add_typedef(r->to, name, id);
		if (id < 0)
			return id;
	}
	return 0;
}

/* --- the file --- */

static int write_file(const struct btf *b, char *ret_path, size_t cap)
{
	uint32_t len;
	const void *p = btf__raw_data(b, &len);
	int fd = p ? memfd_create("btf", MFD_CLOEXEC) : -1;

	if (fd < 0)
		return -ENOMEM;
	if (write(fd, p, len) != (ssize_t)len) {
		close(fd);
		return -ENOMEM;
	}
	snprintf(ret_path, cap, "/proc/self/fd/%d", fd);
	return 0;
}

int bpf_btf_reduce(const struct bpf_object *o, const char *path, char *ret_path, size_t cap)
{
	struct reduction *r = calloc(1, sizeof(*r));
	struct btf *from = path ? btf__parse(path, NULL) : btf__load_vmlinux_btf();
	int rc = -ENOMEM;

	if (r && from) {
		r->from = from;
		r->to = btf__new_empty();
		r->id = calloc(btf__type_cnt(from), sizeof(*r->id));
	}
	if (r && r->to && r->id)
		rc = take_names(r, bpf_object__btf(o));
	if (!rc)
		rc = reduce(r);
	if (!rc)
		rc = write_file(r->to, ret_path, cap);
	if (r) {
		btf__free(r->to);
		free(r->id);
	}
	btf__free(from);
	free(r);
	return rc;
}
