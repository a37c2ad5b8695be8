/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code that an interpreter reads from a pipe: `curl … | sh`, `base64 -d | bash`, `bash <(wget …)`,
 * here-documents. Judged by what is at the pipe's other end, whatever the programs are called.
 *
 * A pipe's inode is the same at both ends. Each program that is started with a pipe is remembered
 * with its inodes, so that either end may come first, and a pipeline of any length is followed up
 * to where its data comes from. What a program is, its name says, or a file of the same size that
 * is installed; that one hears a network, its connecting does (event connect), whatever its name.
 *
 * A pipe that no program is known to write into (a shell's own echo, a here-document, a service
 * manager) says little. That is told at the interpreter's end, when nothing else can come.
 */
#include "detect/d_piped_code.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "detect/pipe_ends.h"

#define SERVED_MAX 6 /* ancestors looked at */

/* --- verdicts --- */

static size_t put(char *to, size_t at, size_t cap, const char *p, size_t len)
{
	for (size_t i = 0; i < len && at + 1 < cap; i++)
		to[at++] = p[i] ? p[i] : ' ';
	to[at] = '\0';
	return at;
}

/* As a reader would write it: "curl -s http://… | base64 -d | sh". */
static void put_pipeline(const struct event *ev, const struct pipeline *l, char *to, size_t cap)
{
	size_t at = 0;

	for (unsigned i = l->n; i-- > 0;) {
		const struct image *im = end_image(ev, l->end[i]);
		size_t len = im ? im->args_len : 0;
		if (len && !im->args[len - 1])
			len--;
		/* A long one leaves room for the others. */
		size_t share = (cap - at) / (i + 1);
		at = len ? put(to, at, at + share, im->args, len) : put(to, at, cap, "?", 1);
		if (i)
			at = put(to, at, cap, " | ", 3);
	}
}

static bool is_known_installer(const struct image *im)
{
	static const char *const vendors[] = {
#define INSTALLER(address_) "https://" address_,
#include "detect/installers.def"
#undef INSTALLER
	};

	for (unsigned i = 0; im && i < sizeof(vendors) / sizeof(vendors[0]); i++) {
		size_t n = strlen(vendors[i]);
		const char *p = memmem(im->args, im->args_len, vendors[i], n);
		if (p && (p + n == im->args + im->args_len || strchr("/\0", p[n])))
			return true;
	}
	return false;
}

/* Started by a login from elsewhere, or by a package's script? Installed files only. */
static bool is_served(const struct event *ev, const struct end *e)
{
	static const char *const services[] = { "sshd", "sshd-session", "sshd-auth", "dpkg",
						"rpm" };
	const struct proc *p = ev->tree ? proctree_find(ev->tree, e->pid, e->start) : NULL;
	const struct proc *up[SERVED_MAX];
	unsigned n = p ? proctree_ancestors(ev->tree, p, up, SERVED_MAX) : 0;

	for (unsigned i = 0; i < n; i++) {
		const char *name;
		size_t len = up[i]->image ? image_name(up[i]->image, &name) : 0;
		if (!len || !image_is_installed(up[i]->image))
			continue;
		for (unsigned k = 0; k < sizeof(services) / sizeof(services[0]); k++)
			if (strlen(services[k]) == len && !memcmp(services[k], name, len))
				return true;
	}
	return false;
}

static void name_ends(const struct event *ev, const struct pipeline *l, struct verdict *v)
{
	const struct end *reader = l->end[0], *source = l->end[l->n - 1];
	const struct image *im = end_image(ev, reader);
	char text[EVIDENCE_VALUE];

	put_pipeline(ev, l, text, sizeof(text));
	verdict_evidence(v, "redshank.pipeline.command_line", "%s", text);
	verdict_evidence(v, "redshank.pipeline.inode", "%llu", (unsigned long long)reader->in);
	verdict_evidence(v, "redshank.pipeline.reader.pid", "%u", reader->pid);
	if (im)
		verdict_evidence(v, "redshank.pipeline.reader.executable", "%.*s", (int)im->exe_len,
				 im->exe);
	if (source == reader)
		return;
	im = end_image(ev, source);
	verdict_evidence(v, "redshank.pipeline.source.pid", "%u", source->pid);
	if (im)
		verdict_evidence(v, "redshank.pipeline.source.executable", "%.*s", (int)im->exe_len,
				 im->exe);
}

static const char *what_it_runs(u32 flags)
{
	if (flags & END_NETWORK)
		return "what a network client receives";
	if (flags & END_DECODER)
		return "decoded data";
	if (flags & END_CODE)
		return "code that other code in a command line makes";
	if (flags & END_ODD)
		return "the output of a program that no ordinary file holds";
	return "the output of another program";
}

static void tell(const struct event *ev, const struct pipeline *l, struct verdict *v)
{
	char text[EVIDENCE_VALUE];

	put_pipeline(ev, l, text, sizeof(text));
	name_ends(ev, l, v);
	verdict_message(v, "An interpreter runs %s: %s", what_it_runs(l->flags), text);
}

/* Judges by what is known of the pipeline; leaves it pending if that is nothing bad. */
static void judge(struct pipes *s, const struct event *ev, struct end *reader, struct verdict *v)
{
	struct pipeline l;

	follow_up(s, ev, reader, &l);
	if (!(l.flags & END_WORSE))
		return;
	reader->flags &= ~(u32)END_PENDING;
	v->severity = SEVERITY_medium;
	if (l.flags & END_NETWORK && is_known_installer(end_image(ev, l.end[l.n - 1])))
		v->severity = SEVERITY_low;
	tell(ev, &l, v);
}

static u32 flags_of(const struct image *im, const struct program_use *use)
{
	u32 flags = 0;

	if (use->kind == PROGRAM_network)
		flags |= END_NETWORK;
	if (use->kind == PROGRAM_decoder)
		flags |= END_DECODER;
	if (use->kind == PROGRAM_shell)
		flags |= END_SHELL;
	if (use->kind == PROGRAM_runner)
		flags |= END_RUNNER;
	if (use->kind == PROGRAM_interpreter && use->code == CODE_arguments)
		flags |= END_CODE;
	if (im->exe_origin == EXE_ORIGIN_memfd || im->exe_origin == EXE_ORIGIN_unlinked)
		flags |= END_ODD;
	return flags;
}

/* Its creator, if that is an interpreter with its code in a command line: the pipe's likely end. */
static const struct image *coded_creator(const struct pipes *s, const struct event *ev)
{
	const struct proc *p = ev->tree && ev->proc ? proctree_parent(ev->tree, ev->proc) : NULL;

	if (!p || !p->image)
		return NULL;
	struct program_use use = program_use(&s->sizes, p->image);
	return flags_of(p->image, &use) & END_CODE ? p->image : NULL;
}

/* It ends, and nothing bad was found to feed it. */
static void judge_last(struct pipes *s, const struct event *ev, struct end *reader,
		       struct verdict *v)
{
	struct pipeline l;

	reader->flags &= ~(u32)END_PENDING;
	if (reader->flags & (END_RUNNER | END_RELAYED) || is_served(ev, reader))
		return;
	follow_up(s, ev, reader, &l);
	v->severity = reader->flags & END_SHELL ? SEVERITY_low : SEVERITY_informational;
	if (l.n > 1) {
		tell(ev, &l, v);
		return;
	}
	name_ends(ev, &l, v);
	const struct image *creator = coded_creator(s, ev);
	if (creator) {
		v->severity = SEVERITY_medium;
		verdict_message(v, "An interpreter ran %s, which started it: %.*s",
				what_it_runs(END_CODE), (int)creator->exe_len, creator->exe);
		return;
	}
	verdict_message(
		v, "An interpreter ran code from a pipe that no program was seen to write into: "
		   "a shell's own output, a here-document, or its parent's");
}

/* --- events --- */

static bool is_pipe(u32 type)
{
	return type == FD_TYPE_pipe || type == FD_TYPE_fifo;
}

/* Of a script on a descriptor the pipe of the highest one that is a pipe: what a shell's <(...)
 * leaves open there is often the same under two numbers. */
static u64 code_pipe(const struct ev_exec *x, const struct program_use *use)
{
	if (use->code == CODE_stdin && is_pipe(x->stdin_type))
		return x->stdin_ino;
	return use->code == CODE_descriptor && use->fd != x->memfd_fd ? x->pipe_ino : 0;
}

/* Code in a file without a name: a here-document of older shells, or a memfd. */
static void judge_file(const struct event *ev, const struct program_use *use, struct verdict *v)
{
	const struct ev_exec *x = EVENT_AS(exec, ev);
	bool memfd = x->stdin_origin == EXE_ORIGIN_memfd;

	if (use->code != CODE_stdin || (!memfd && x->stdin_origin != EXE_ORIGIN_unlinked))
		return;
	v->severity = memfd			   ? SEVERITY_high
		      : use->kind == PROGRAM_shell ? SEVERITY_low
						   : SEVERITY_informational;
	verdict_message(v, "An interpreter's standard input is %s",
			memfd ? "a memfd: its code is in no file"
			      : "a deleted file, as of a here-document");
	static const char *const keys[] = { "redshank.stdin.type", "redshank.stdin.origin",
					    "redshank.stdin.inode" };
	verdict_fields(v, ev, keys, sizeof(keys) / sizeof(keys[0]));
}

/* A descriptor as script, and no pipe. */
static void judge_descriptor(const struct event *ev, const struct program_use *use,
			     struct verdict *v)
{
	bool memfd = use->fd == EVENT_AS(exec, ev)->memfd_fd;

	v->severity = memfd ? SEVERITY_high : SEVERITY_low;
	verdict_message(v, "An interpreter's script is its descriptor %u, %s", use->fd,
			memfd ? "a memfd: its code is in no file" : "which has no name");
	static const char *const keys[] = { "process.executable", "process.args",
					    "redshank.fd.memfd.number" };
	verdict_fields(v, ev, keys, sizeof(keys) / sizeof(keys[0]));
}

static void on_exec(struct pipes *s, const struct event *ev, struct verdict *v)
{
	const struct ev_exec *x = EVENT_AS(exec, ev);
	const struct image *im = ev->proc ? ev->proc->image : NULL;
	struct end *e = end_of(s, ev->rec->pid, ev->rec->start);
	struct end before = e ? *e : (struct end){ 0 };

	if (e)
		*e = (struct end){ 0 }; /* what it was */
	if (!im)
		return;
	program_learn(&s->sizes, im);
	struct program_use use = program_use(&s->sizes, im);
	u64 code = code_pipe(x, &use);
	bool pipes = is_pipe(x->stdin_type) || is_pipe(x->stdout_type) || x->pipe_ino;
	if (pipes) {
		e = end_new(s, ev->rec->pid, ev->rec->start);
		e->in = code ? code : is_pipe(x->stdin_type) ? x->stdin_ino : 0;
		e->out = is_pipe(x->stdout_type) ? x->stdout_ino : 0;
		e->side = x->pipe_ino;
		e->flags = flags_of(im, &use) | (code ? END_PENDING : 0);
		if (x->stdin_type == FD_TYPE_inet_socket)
			e->flags |= END_NETWORK;
		if (x->parent_inet && use.kind == PROGRAM_shell)
			e->flags |= END_RELAYED;
	}
	if (code) {
		judge(s, ev, e, v);
	} else if (use.code == CODE_descriptor && !(x->exe_flags & EXE_F_SCRIPT)) {
		/* A script that was executed by its descriptor is memfd_exec's. */
		judge_descriptor(ev, &use, v);
	} else if (pipes && (e->out || e->side)) {
		struct end *reader = follow_down(s, e);
		if (reader)
			judge(s, ev, reader, v);
	}
	if (!v->severity)
		judge_file(ev, &use, v);
	if (!v->severity && before.flags & END_PENDING) {
		before.flags |= END_REPLACED;
		judge_last(s, ev, &before, v);
	}
}

static void on_connect(struct pipes *s, const struct event *ev, struct verdict *v)
{
	const struct ev_connect *c = EVENT_AS(connect, ev);
	struct end *e = end_of(s, ev->rec->pid, ev->rec->start);

	if (!e) /* it forked, and changed its output without an exec */
		e = end_new(s, ev->rec->pid, ev->rec->start);
	e->out = c->stdout_ino;
	e->flags |= END_NETWORK;
	struct end *reader = follow_down(s, e);
	if (!reader)
		return;
	judge(s, ev, reader, v);
	static const char *const keys[] = { "destination.address" };
	verdict_fields(v, ev, keys, sizeof(keys) / sizeof(keys[0]));
}

static int on_event(void *state, const struct event *ev, struct verdict *v)
{
	struct pipes *s = state;
	struct end *e;

	switch (ev->rec->type) {
	case EV_proc:
		if (ev->proc && ev->proc->image)
			program_learn(&s->sizes, ev->proc->image);
		break;
	case EV_exec:
		on_exec(s, ev, v);
		break;
	case EV_connect:
		on_connect(s, ev, v);
		break;
	case EV_exit:
		e = end_of(s, ev->rec->pid, ev->rec->start);
		if (e && e->flags & END_PENDING)
			judge_last(s, ev, e, v);
		break;
	}
	return 0;
}

static int init(void **ret)
{
	struct pipes *s = calloc(1, sizeof(*s));

	*ret = s;
	return s ? 0 : -ENOMEM;
}

static const struct technique techniques[] = {
	{ "T1059", "Command and Scripting Interpreter", "Execution" },
	{ "T1105", "Ingress Tool Transfer", "Command and Control" },
	{ "T1140", "Deobfuscate/Decode Files or Information", "Defense Evasion" },
	{ "T1027", "Obfuscated Files or Information", "Defense Evasion" },
	{ NULL, NULL, NULL },
};

static const enum ev_type wants[] = { EV_proc, EV_exec, EV_connect, EV_exit, EV_none };

const struct detector detector_piped_code = {
	.info = {
		.id = "redshank.fileless.piped_code",
		.name = "Code fed to an interpreter by a pipe or a descriptor",
		.doc = "A shell or an interpreter reads its code from a pipe, a descriptor or a file without "
		       "a name, so that the code is on no disk to be looked at. The evidence has the whole "
		       "pipeline. Fetch the address, or decode the data, in a safe place to see what was "
		       "run; what it started is below the reader's process id.",
		.false_positives =
			"Vendors' installers (the best known are at level low), bootstrapping of build "
			"agents, administrators' one-liners. Code from a program that neither hears a "
			"network nor decodes is at level low, here-documents and code from the parent at "
			"level low for shells and informational for others; what sshd, dpkg and rpm start "
			"is left out there.",
		.techniques = techniques,
	},
	.wants = wants,
	.init = init,
	.on_event = on_event,
	.free = free,
};
