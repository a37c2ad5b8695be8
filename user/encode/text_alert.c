/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An alert as a report that tells somebody who was just woken up what happened, who did it, where,
 * how it came about, why we think so, and what to do next. From the protobuf form, because stored
 * alerts are shown by the same code; its strings are as hostile as the processes they describe.
 */
#include <string.h>

#include "detect/detector.h"
#include "encode/text.h"
#include "encode/text_put.h"

#define COLUMNS	     100
#define INDENT	     10 /* of what stands behind the labels */
#define TEXT_CUT     2048 /* bytes of one value */
#define ANCESTOR_CUT 240 /* bytes of an ancestor's command line, and of each argument in it */
#define COMMANDS_MAX 4 /* processes whose whole command line is shown */
#define UNSET	     UINT32_MAX /* loginuid and session without a login */

struct report {
	struct buf *out;
	struct buf words; /* the paragraph being built, printable */
	bool colour;
};

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static void put(struct buf *b, const char *s)
{
	text_put(b, or_empty(s), strlen(or_empty(s)), false, TEXT_CUT);
}

/* The bytes as they were, where the string had to replace some. */
static void put_raw(struct buf *b, const char *s, ProtobufCBinaryData raw)
{
	if (raw.len)
		text_put(b, (const char *)raw.data, raw.len, false, TEXT_CUT);
	else
		put(b, s);
}

static void new_line(struct buf *out, unsigned indent)
{
	buf_putc(out, '\n');
	for (unsigned i = 0; i < indent; i++)
		buf_putc(out, ' ');
}

static void label(struct report *r, const char *name)
{
	buf_putc(r->out, '\n');
	text_style(r->out, r->colour, STYLE_DIM);
	buf_printf(r->out, "  %-*s", INDENT - 2, name);
	text_style(r->out, r->colour, STYLE_OFF);
}

/* Puts the paragraph, broken at spaces. A longer word, such as a path, stays whole to be copied. */
static void end_paragraph(struct report *r)
{
	const char *p = buf_str(&r->words);
	size_t column = INDENT;

	while (*p) {
		size_t len = strcspn(p, " "), width = text_columns(p, len);
		if (column > INDENT && column + 1 + width > COLUMNS) {
			new_line(r->out, INDENT);
			column = INDENT;
		} else if (column > INDENT) {
			buf_putc(r->out, ' ');
			column++;
		}
		buf_put(r->out, p, len);
		column += width;
		p += len;
		p += strspn(p, " ");
	}
	buf_reset(&r->words);
}

static void paragraph(struct report *r, const char *name, const char *text)
{
	if (!or_empty(text)[0])
		return;
	label(r, name);
	put(&r->words, text);
	end_paragraph(r);
}

static void title(struct report *r, const Redshank__V1__Alert *al)
{
	static const char *const words[] = {
		"UNRATED", "INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"
	};
	static const char *const styles[] = { STYLE_DIM,    STYLE_DIM,	 STYLE_CYAN,
					      STYLE_YELLOW, STYLE_ALARM, STYLE_ALARM };
	unsigned level = (unsigned)al->severity;

	if (level >= sizeof(words) / sizeof(words[0]))
		level = 0;
	text_style(r->out, r->colour, styles[level]);
	buf_printf(r->out, "%-*s", INDENT - 1, words[level]);
	text_style(r->out, r->colour, STYLE_OFF);
	buf_putc(r->out, ' ');
	text_style(r->out, r->colour, STYLE_BOLD);
	put(r->out, al->rule ? al->rule->name : "alert");
	text_style(r->out, r->colour, STYLE_OFF);
	for (size_t i = 0; i < al->n_techniques; i++) {
		buf_puts(r->out, i ? ", " : "  [");
		put(r->out, al->techniques[i]->id);
	}
	if (al->n_techniques)
		buf_putc(r->out, ']');
}

static void techniques(struct report *r, const Redshank__V1__Alert *al)
{
	for (size_t i = 0; i < al->n_techniques; i++) {
		const Redshank__V1__Technique *t = al->techniques[i];
		if (i)
			new_line(r->out, INDENT);
		else
			label(r, "ATT&CK");
		put(&r->words, t->id);
		buf_putc(&r->words, ' ');
		put(&r->words, t->name);
		if (or_empty(t->tactic)[0]) {
			buf_puts(&r->words, ", ");
			put(&r->words, t->tactic);
		}
		end_paragraph(r);
	}
}

/* A text field of the event; "" if it has none such. */
static const char *event_text(const Redshank__V1__Alert *al, const char *key)
{
	for (size_t i = 0; al->event && i < al->event->n_attributes; i++) {
		const Redshank__V1__Attribute *a = al->event->attributes[i];
		if (a->value_case == REDSHANK__V1__ATTRIBUTE__VALUE_TEXT &&
		    !strcmp(or_empty(a->key), key))
			return or_empty(a->text);
	}
	return "";
}

static void put_user(struct buf *b, const char *name, uint32_t id)
{
	put(b, name);
	buf_printf(b, *or_empty(name) ? " (uid %u)" : "uid %u", id);
}

static void who(struct report *r, const Redshank__V1__Alert *al, const Redshank__V1__Process *p)
{
	struct buf *b = &r->words;

	label(r, "who");
	put_user(b, p->user_name, p->real_user_id);
	if (p->user_id != p->real_user_id) {
		buf_puts(b, ", with the rights of ");
		put_user(b, event_text(al, "user.effective.name"), p->user_id);
	}
	if (p->login_user_id == UNSET) {
		buf_puts(b, ", no login (a service, or started by one)");
	} else {
		buf_puts(b, ", logged in as ");
		put_user(b, event_text(al, "redshank.login.user"), p->login_user_id);
	}
	if (p->session_id != UNSET)
		buf_printf(b, ", session %u", p->session_id);
	if (*or_empty(p->tty)) {
		buf_puts(b, ", terminal ");
		put(b, p->tty);
	}
	const char *from = event_text(al, "redshank.session.source.ip");
	if (*from) {
		buf_puts(b, ", in a session from ");
		put(b, from);
		buf_puts(b, " as ");
		put(b, event_text(al, "redshank.session.source.user"));
	}
	end_paragraph(r);
}

static void put_container(struct buf *b, const Redshank__V1__Process *p)
{
	buf_puts(b, ", container ");
	if (*or_empty(p->container_name)) {
		put(b, p->container_name);
		buf_putc(b, ' ');
	}
	put(b, p->container_id);
	if (!*or_empty(p->container_image_name))
		return;
	buf_puts(b, " of image ");
	put(b, p->container_image_name);
	if (*or_empty(p->container_image_tag)) {
		buf_putc(b, ':');
		put(b, p->container_image_tag);
	}
}

static void where(struct report *r, const Redshank__V1__Alert *al)
{
	struct buf *b = &r->words;
	const Redshank__V1__Host *h = al->host;

	label(r, "where");
	buf_puts(b, "host ");
	put(b, h && *or_empty(h->name) ? h->name : "unknown");
	if (h && *or_empty(h->os_kernel)) {
		buf_puts(b, " (Linux ");
		put(b, h->os_kernel);
		buf_putc(b, ')');
	}
	if (al->process && *or_empty(al->process->container_id)) {
		put_container(b, al->process);
	}
	end_paragraph(r);
}

static void program(struct report *r, const Redshank__V1__Process *p)
{
	struct buf *b = &r->words;

	label(r, "program");
	if (*or_empty(p->executable))
		put_raw(b, p->executable, p->executable_raw);
	else
		buf_puts(b, "unknown");
	if (*or_empty(p->executable_origin)) {
		buf_puts(b, ", origin ");
		put(b, p->executable_origin);
	}
	if (*or_empty(p->working_directory)) {
		buf_puts(b, ", started in ");
		put_raw(b, p->working_directory, p->working_directory_raw);
	}
	end_paragraph(r);
	if (*or_empty(p->executable_sha256)) {
		new_line(r->out, INDENT);
		buf_puts(r->out, "SHA-256 ");
		put(r->out, p->executable_sha256);
	} else if (*or_empty(p->executable_sha256_missing)) {
		new_line(r->out, INDENT);
		buf_puts(r->out, "SHA-256 not known: ");
		put(r->out, p->executable_sha256_missing);
	}
}

/* An argument as a shell would need it, so that `sh -c 'a b'` can't pass for `sh -c a b`. */
static void put_arg(struct buf *b, const char *p, size_t len, bool more, size_t cut)
{
	bool quote = !len || memchr(p, ' ', len) || memchr(p, '\'', len);

	if (!quote) {
		text_put(b, p, len, more, cut);
		return;
	}
	buf_putc(b, '\'');
	for (size_t done = 0, start = b->len; done < len;) {
		const char *q = memchr(p + done, '\'', len - done);
		size_t n = q ? (size_t)(q - p) - done : len - done;
		text_put(b, p + done, n, more && !q, cut);
		if (b->len - start > cut)
			break;
		if (q)
			buf_puts(b, "'\\''");
		done += n + !!q;
	}
	buf_putc(b, '\'');
}

static void put_command(struct buf *b, const Redshank__V1__Process *p, size_t cut)
{
	size_t start = b->len;
	bool raw = p->n_args_raw == p->n_args;

	if (!p->n_args) { /* as ps(1) shows it */
		buf_putc(b, '[');
		put_raw(b, p->name, p->name_raw);
		buf_putc(b, ']');
	}
	for (size_t i = 0; i < p->n_args; i++) {
		const char *arg = or_empty(p->args[i]);
		if (i)
			buf_putc(b, ' ');
		if (i && b->len - start > cut) {
			buf_puts(b, TEXT_ELLIPSIS);
			return;
		}
		bool more = p->args_truncated && i + 1 == p->n_args;
		if (raw)
			put_arg(b, (const char *)p->args_raw[i].data, p->args_raw[i].len, more,
				cut);
		else
			put_arg(b, arg, strlen(arg), more, cut);
	}
}

static void put_process(struct buf *b, const Redshank__V1__Process *p)
{
	put_raw(b, p->name, p->name_raw);
	buf_printf(b, "(%u)", p->pid);
}

static void tree(struct report *r, const Redshank__V1__Alert *al)
{
	label(r, "tree");
	for (size_t i = al->n_ancestors; i-- > 0;) {
		put_process(&r->words, al->ancestors[i]);
		buf_puts(&r->words, " > ");
	}
	put_process(&r->words, al->process);
	end_paragraph(r);
	for (size_t i = 0; i < COMMANDS_MAX && i <= al->n_ancestors; i++) {
		new_line(r->out, INDENT);
		const Redshank__V1__Process *p = i ? al->ancestors[i - 1] : al->process;
		buf_printf(r->out, "%7u  ", p->pid);
		put_command(r->out, p, i ? ANCESTOR_CUT : TEXT_CUT);
	}
}

/* What happened before: one line each, which is not broken, so that it can be copied. */
static void story(struct report *r, const Redshank__V1__Alert *al)
{
	for (size_t i = 0; i < al->n_story; i++) {
		const Redshank__V1__Step *s = al->story[i];
		if (i)
			new_line(r->out, INDENT);
		else
			label(r, "before");
		text_time(r->out, s->time_unix_nano, "%T", "");
		buf_printf(r->out, "  %7u  %-9.32s ", s->pid, or_empty(s->action));
		put_raw(r->out, s->name, s->name_raw);
		buf_puts(r->out, ": ");
		put(r->out, s->text);
		if (s->count > 1) {
			buf_printf(r->out, "  (%llu times, last ", (unsigned long long)s->count);
			text_time(r->out, s->last_unix_nano, "%T", ")");
		}
	}
}

static void put_value(struct buf *b, const Redshank__V1__Attribute *a)
{
	switch (a->value_case) {
	case REDSHANK__V1__ATTRIBUTE__VALUE_TEXT:
		put_raw(b, a->text, a->raw);
		break;
	case REDSHANK__V1__ATTRIBUTE__VALUE_NUMBER:
		buf_u64(b, a->number);
		break;
	case REDSHANK__V1__ATTRIBUTE__VALUE_FLAG:
		buf_puts(b, a->flag ? "true" : "false");
		break;
	case REDSHANK__V1__ATTRIBUTE__VALUE_TIME_UNIX_NANO:
		text_time(b, a->time_unix_nano, "%F %T", "");
		break;
	case REDSHANK__V1__ATTRIBUTE__VALUE_LIST:
		for (size_t i = 0; a->list && i < a->list->n_values; i++) {
			if (i)
				buf_putc(b, ' ');
			put(b, a->list->values[i]);
		}
		break;
	default:
		buf_putc(b, '-');
	}
	if (a->truncated)
		buf_puts(b, TEXT_ELLIPSIS);
}

static void why(struct report *r, const Redshank__V1__Alert *al)
{
	for (size_t i = 0; i < al->n_evidence; i++) {
		if (i)
			new_line(r->out, INDENT);
		else
			label(r, "why");
		put(&r->words, al->evidence[i]->key);
		buf_puts(&r->words, " = ");
		put_value(&r->words, al->evidence[i]);
		end_paragraph(r);
	}
}

void text_alert(struct buf *out, const Redshank__V1__Alert *al, bool colour)
{
	struct report r = { .out = out, .colour = colour };

	title(&r, al);
	label(&r, "when");
	text_time(out, al->time_unix_nano, "%F %T", " %z");
	if (al->count > 1) {
		label(&r, "again");
		buf_printf(out, "%llu times, first ", (unsigned long long)al->count);
		text_time(out, al->first_unix_nano, "%F %T", "");
		buf_puts(out, ", last ");
		text_time(out, al->last_unix_nano, "%F %T", "");
	}
	paragraph(&r, "what", al->message);
	techniques(&r, al);
	if (al->process)
		who(&r, al, al->process);
	where(&r, al);
	if (al->process) {
		program(&r, al->process);
		tree(&r, al);
	}
	story(&r, al);
	why(&r, al);
	if (al->rule) {
		paragraph(&r, "next", al->rule->description);
		paragraph(&r, "benign", al->rule->false_positives);
	}
	label(&r, "id");
	put(out, al->id);
	if (al->rule) {
		buf_puts(out, "  rule ");
		put(out, al->rule->id);
	}
	buf_free(&r.words);
}
