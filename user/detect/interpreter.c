/* SPDX-License-Identifier: Apache-2.0 */
/* Interpreters and what feeds them, by name and size; where their code is, by their arguments. */
#include "detect/interpreter.h"

#include <string.h>

struct program {
	const char *names; /* digits and dots behind them do not count */
	enum program_kind kind;
	/* Letters of options of an interpreter: */
	const char *code; /* code, or a module's name, follows: standard input is data */
	const char *value; /* a value follows, in the next argument if not in this one */
	const char *attached; /* the rest of the argument is a value */
};

static const struct program programs[] = {
	{ "sh bash dash zsh ksh mksh lksh oksh ash hush yash posh fish tcsh csh rbash elvish xonsh",
	  PROGRAM_shell, "c", "oO", "" },
	{ "python pypy micropython", PROGRAM_interpreter, "cm", "WXQ", "" },
	{ "perl", PROGRAM_interpreter, "eE", "I", "iMmxDCFV" },
	{ "ruby jruby", PROGRAM_interpreter, "e", "Ir", "iKFxTEWC" },
	{ "php php-cgi", PROGRAM_interpreter, "rBREfFS", "dczgt", "" },
	{ "node nodejs", PROGRAM_interpreter, "ep", "rC", "" },
	{ "bun deno", PROGRAM_interpreter, "e", "", "" },
	{ "lua luajit", PROGRAM_interpreter, "e", "l", "" },
	{ "tclsh wish expect", PROGRAM_interpreter, "c", "", "" },
	{ "irb guile julia R Rscript gjs", PROGRAM_interpreter, "ec", "", "" },
	{ "xargs parallel", PROGRAM_runner, "", "", "" },
	{ "curl wget fetch aria2c axel lwp-download lwp-request GET POST tftp ftp lftp http https "
	  "curlie "
	  "lynx w3m links elinks nc ncat netcat nc.traditional nc.openbsd cryptcat socat telnet "
	  "dig host "
	  "nslookup drill kdig gs-netcat smbclient",
	  PROGRAM_network, "", "", "" },
	{ "base64 base32 basenc uudecode xxd openssl gpg gzip gunzip zcat bzip2 bunzip2 bzcat xz "
	  "unxz "
	  "xzcat lzma unlzma lzcat zstd unzstd zstdcat lz4 lz4cat lzop uncompress rev unzip tar "
	  "cpio",
	  PROGRAM_decoder, "", "", "" },
	{ "busybox toybox", PROGRAM_applets, "", "", "" },
};

struct text {
	const char *p;
	size_t len;
};

static bool text_is(struct text t, const char *word)
{
	return t.len == strlen(word) && !memcmp(t.p, word, t.len);
}

static bool text_begins(struct text t, const char *word)
{
	return t.len >= strlen(word) && !memcmp(t.p, word, strlen(word));
}

static struct text text_base(const char *p, size_t len)
{
	const char *slash = len ? memrchr(p, '/', len) : NULL;

	return slash ? (struct text){ slash + 1, len - (size_t)(slash + 1 - p) }
		     : (struct text){ p, len };
}

/* Takes the next argument; false at the end. */
static bool next_arg(struct text *left, struct text *ret)
{
	if (!left->len)
		return false;
	const char *nul = memchr(left->p, '\0', left->len);
	ret->p = left->p;
	ret->len = nul ? (size_t)(nul - left->p) : left->len;
	size_t taken = ret->len + !!nul;
	left->p += taken;
	left->len -= taken;
	return true;
}

size_t image_name(const struct image *im, const char **ret)
{
	struct text t = text_base(im->exe, im->exe_len);

	*ret = t.p;
	return t.len;
}

bool image_is_installed(const struct image *im)
{
	static const char *const places[] = { "/usr/", "/bin/",	 "/sbin/",	"/lib",
					      "/opt/", "/snap/", "/nix/store/", "/gnu/store/" };
	struct text exe = { im->exe, im->exe_len };

	if (im->exe_uid || im->exe_mode & 022 || im->exe_origin != EXE_ORIGIN_regular)
		return false;
	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (text_begins(exe, places[i]))
			return true;
	return false;
}

static bool names_hold(const char *names, struct text name)
{
	for (const char *at = names; *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");
		if (n == name.len && !memcmp(at, name.p, n))
			return true;
		at += n;
	}
	return false;
}

static const struct program *by_name(struct text name)
{
	struct text plain = name;

	while (plain.len > 1 && strchr("0123456789.-", plain.p[plain.len - 1]))
		plain.len--;
	for (unsigned i = 0; name.len && i < sizeof(programs) / sizeof(programs[0]); i++)
		if (names_hold(programs[i].names, name) || names_hold(programs[i].names, plain))
			return &programs[i];
	return NULL;
}

static const struct program *by_size(const struct program_sizes *sizes, uint64_t size)
{
	for (unsigned i = 0; size && i < PROGRAM_SIZES; i++)
		if (sizes->of[i].size == size)
			return sizes->of[i].program;
	return NULL;
}

void program_learn(struct program_sizes *sizes, const struct image *im)
{
	const struct program *p = by_name(text_base(im->exe, im->exe_len));

	if (!p || !image_is_installed(im) || by_size(sizes, im->exe_size))
		return;
	sizes->of[sizes->next].size = im->exe_size;
	sizes->of[sizes->next].program = p;
	sizes->next = (sizes->next + 1) % PROGRAM_SIZES;
}

/* The applet is argv[0], or the argument after it when that is the file's own name. */
static const struct program *applet(const struct image *im, struct text *ret_args)
{
	struct text left = { im->args, im->args_len }, arg;
	const struct program *p = NULL;

	for (int i = 0; i < 2 && next_arg(&left, &arg); i++) {
		p = by_name(text_base(arg.p, arg.len));
		if (p && p->kind != PROGRAM_applets)
			break;
	}
	*ret_args = left;
	return p;
}

static bool has_letter(const char *letters, char c)
{
	return c && strchr(letters, c);
}

enum option { OPTION_flag, OPTION_value, OPTION_code, OPTION_stdin, OPTION_no_code };

static enum option long_option(const struct program *p, struct text arg)
{
	static const char *const values[] = { "--rcfile", "--init-file", "--require", "--import" };
	static const char *const nothing[] = { "--version", "--help", "--print-deps" };
	static const char *const code[] = { "--eval", "--print", "--command", "--run" };

	for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (text_is(arg, values[i]))
			return OPTION_value;
	for (unsigned i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
		if (text_is(arg, nothing[i]))
			return OPTION_no_code;
	for (unsigned i = 0; i < sizeof(code) / sizeof(code[0]); i++)
		if (p->kind == PROGRAM_interpreter && text_begins(arg, code[i]))
			return OPTION_code;
	return OPTION_flag;
}

static enum option option_is(const struct program *p, struct text arg)
{
	enum option is = OPTION_flag;

	if (arg.len > 1 && arg.p[0] == '-' && arg.p[1] == '-')
		return long_option(p, arg);
	if (arg.len == 2 && arg.p[0] == '-' && (arg.p[1] == 'V' || arg.p[1] == 'v') &&
	    p->kind == PROGRAM_interpreter)
		return OPTION_no_code;
	for (size_t i = 1; i < arg.len; i++) {
		char c = arg.p[i];
		if (has_letter(p->code, c))
			return OPTION_code;
		if (p->kind == PROGRAM_shell && c == 's' && arg.p[0] == '-')
			is = OPTION_stdin;
		/* bash -eo pipefail: of a shell the value is an argument of its own. */
		if (has_letter(p->value, c))
			return p->kind == PROGRAM_shell || i + 1 == arg.len ? OPTION_value
									    : OPTION_flag;
		if (has_letter(p->attached, c))
			break;
	}
	return is;
}

static bool number(struct text t, unsigned *ret)
{
	unsigned n = 0;

	if (!t.len || t.len > 6)
		return false;
	for (size_t i = 0; i < t.len; i++) {
		if (t.p[i] < '0' || t.p[i] > '9')
			return false;
		n = n * 10 + (unsigned)(t.p[i] - '0');
	}
	*ret = n;
	return true;
}

/* Is the name one of an own descriptor? Another process's is left to the rules. */
static bool names_descriptor(struct text arg, unsigned *ret_fd)
{
	static const char *const places[] = { "/dev/fd/", "/proc/self/fd/",
					      "/proc/thread-self/fd/" };

	*ret_fd = 0;
	if (text_is(arg, "/dev/stdin"))
		return true;
	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		size_t n = strlen(places[i]);
		if (arg.len > n && !memcmp(arg.p, places[i], n))
			return number((struct text){ arg.p + n, arg.len - n }, ret_fd);
	}
	return false;
}

/* left: the arguments behind the program's name. */
static enum code_from code_of(const struct program *p, struct text left, unsigned *ret_fd)
{
	struct text arg;
	bool from_stdin = false;

	while (next_arg(&left, &arg)) {
		if (text_is(arg, "--"))
			continue;
		if (!arg.len || text_is(arg, "-"))
			return CODE_stdin;
		if (arg.p[0] != '-' && !(arg.p[0] == '+' && p->kind == PROGRAM_shell)) {
			if (from_stdin)
				return CODE_stdin;
			if (!names_descriptor(arg, ret_fd))
				return CODE_file;
			return *ret_fd ? CODE_descriptor : CODE_stdin;
		}
		switch (option_is(p, arg)) {
		case OPTION_code:
			return CODE_arguments;
		case OPTION_no_code:
			return CODE_file;
		case OPTION_stdin:
			from_stdin = true;
			break;
		case OPTION_value:
			next_arg(&left, &arg);
			break;
		case OPTION_flag:
			break;
		}
	}
	return CODE_stdin;
}

struct program_use program_use(const struct program_sizes *sizes, const struct image *im)
{
	struct program_use use = { 0 };
	struct text left = { im->args, im->args_len }, name;
	const struct program *p = by_name(text_base(im->exe, im->exe_len));

	if (!p)
		p = by_size(sizes, im->exe_size);
	if (p && p->kind == PROGRAM_applets)
		p = applet(im, &left);
	else
		next_arg(&left, &name);
	if (!p)
		return use;
	use.kind = p->kind;
	if (p->kind == PROGRAM_shell || p->kind == PROGRAM_interpreter)
		use.code = code_of(p, left, &use.fd);
	else if (p->kind == PROGRAM_runner)
		use.code = CODE_stdin;
	return use;
}
