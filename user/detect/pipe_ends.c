/* SPDX-License-Identifier: Apache-2.0 */
/* Programs with pipes, and the pipelines that they make. */
#include "detect/pipe_ends.h"

#define PASSED_MAX 3 /* ancestors looked at */

struct end *end_of(struct pipes *s, u32 pid, u64 start)
{
	for (unsigned i = 0; i < ENDS_MAX; i++)
		if (s->end[i].pid == pid && s->end[i].start == start)
			return &s->end[i];
	return NULL;
}

struct end *end_new(struct pipes *s, u32 pid, u64 start)
{
	struct end *e = &s->end[s->next];

	s->next = (s->next + 1) % ENDS_MAX;
	*e = (struct end){ .pid = pid, .start = start };
	return e;
}

const struct image *end_image(const struct event *ev, const struct end *e)
{
	const struct proc *p = ev->tree ? proctree_find(ev->tree, e->pid, e->start) : NULL;

	if (!p)
		return NULL;
	return e->flags & END_REPLACED ? p->prev_image : p->image;
}

/* Who writes into the pipe; of several the one that says most, else the latest. */
static const struct end *writer(const struct pipes *s, u64 pipe, const struct end *reader)
{
	const struct end *best = NULL;

	for (unsigned i = 0; pipe && i < ENDS_MAX; i++) {
		const struct end *e = &s->end[(s->next + i) % ENDS_MAX];
		if (e == reader || (e->out != pipe && (e->side != pipe || e->in == pipe)))
			continue;
		if (!best || (e->flags & END_WORSE) >= (best->flags & END_WORSE))
			best = e;
	}
	return best;
}

/* The creator that reads a pipe and may pass it on by another one: sudo, script(1). A shell or an
 * interpreter makes pipes for its own purposes. */
static const struct end *passes_on(struct pipes *s, const struct event *ev,
				   const struct end *reader)
{
	const struct proc *p =
		ev->tree ? proctree_find(ev->tree, reader->pid, reader->start) : NULL;
	const struct proc *up[PASSED_MAX];
	unsigned n = p ? proctree_ancestors(ev->tree, p, up, PASSED_MAX) : 0;

	for (unsigned i = 0; i < n && up[i]->image; i++) {
		struct program_use use = program_use(&s->sizes, up[i]->image);
		const struct end *e = end_of(s, up[i]->pid, up[i]->start);
		if (use.kind == PROGRAM_shell || use.kind == PROGRAM_interpreter)
			break;
		if (e && e->in && e->in != reader->in)
			return e;
	}
	return NULL;
}

void follow_up(struct pipes *s, const struct event *ev, const struct end *reader,
	       struct pipeline *ret)
{
	*ret = (struct pipeline){ .n = 1, .end = { reader } };
	while (ret->n < PIPELINE_MAX) {
		const struct end *last = ret->end[ret->n - 1], *e = writer(s, last->in, last);
		if (!e && last == reader)
			e = passes_on(s, ev, reader);
		if (!e)
			break;
		ret->end[ret->n++] = e;
		ret->flags |= e->flags;
	}
}

struct end *follow_down(struct pipes *s, const struct end *from)
{
	u64 pipe[2] = { from->out, from->side };

	for (unsigned depth = 0; depth < PIPELINE_MAX && (pipe[0] || pipe[1]); depth++) {
		struct end *next = NULL;
		for (unsigned i = 0; i < ENDS_MAX; i++) {
			struct end *e = &s->end[i];
			if (!e->in || e == from || (e->in != pipe[0] && e->in != pipe[1]))
				continue;
			if (e->flags & END_PENDING)
				return e;
			next = e;
		}
		if (!next)
			return NULL;
		pipe[0] = next->out;
		pipe[1] = next->side;
	}
	return NULL;
}
