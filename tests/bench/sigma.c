/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rules cost: time per process_creation record against the number of rules, and their memory.
 * Prints a Markdown table: CPU time, the best of many rounds.
 *
 *   sigma [PATH…]       rules of these files and directories instead of made-up ones, in an order
 *                       that does not depend on where they come from
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "sigma/compile.h"
#include "sigma/parse.h"
#include "sigma/view.h"

#define RECORDS 2000
#define ROUNDS	60
#define LEN_MIN 20
#define LEN_MAX 2000

static uint64_t seed = 1;

static unsigned next(unsigned n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(seed >> 33) % n;
}

static const char *const programs[] = {
	"bash",	    "sh",	 "dash",    "python3",	"perl",	  "curl",    "wget",   "nc",
	"ssh",	    "scp",	 "rsync",   "tar",	"gzip",	  "find",    "grep",   "sed",
	"awk",	    "cat",	 "ls",	    "cp",	"mv",	  "rm",	     "chmod",  "chown",
	"mount",    "systemctl", "crontab", "useradd",	"passwd", "id",	     "whoami", "uname",
	"ps",	    "netstat",	 "ip",	    "iptables", "docker", "kubectl", "git",    "make",
	"gcc",	    "ld",	 "node",    "npm",	"java",	  "ruby",    "php",    "nginx",
	"postgres", "sudo",
};
static const char *const words[] = {
	" -c ",		" -e ",		 " -rf ",      "/etc/passwd", "/etc/shadow",
	"/tmp/",	"/dev/shm/",	 "/dev/tcp/",  "http://",     "https://",
	"base64 -d",	"| sh",		 "chmod +x",   "/var/log/",   ".ssh/authorized_keys",
	"/bin/sh -i",	"import socket", "--insecure", "-o /tmp/",    "history -c",
	"LD_PRELOAD",	"/proc/self",	 "nohup ",     "crontab -l",  "xmrig",
	"stratum+tcp",	"/root/",	 "insmod ",    "sysctl -w",   "--privileged",
	"setenforce 0", "iptables -F",	 "useradd -o", "docker.sock", "authorized_keys",
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *one_of(const char *const *all, size_t n)
{
	return all[next((unsigned)n)];
}

/* A word that nobody has: names of malware, domains, options of rare tools. */
static void rare(struct buf *b)
{
	static const char *const parts[] = {
		"ka",  "ro",  "min", "ex",  "lo",  "tor", "pix", "ude",
		"sha", "vel", "qu",  "zan", "ber", "dro", "wi",	 "fen"
	};
	for (unsigned n = 2 + next(3); n; n--)
		buf_puts(b, one_of(parts, COUNT(parts)));
	if (!next(3))
		buf_printf(b, "%s%u", next(2) ? "-" : ".", next(100));
}

static void list(struct buf *b, const char *key, unsigned n)
{
	buf_printf(b, "        %s:\n", key);
	while (n--) {
		buf_puts(b, "            - '");
		rare(b);
		buf_puts(b, "'\n");
	}
}

/* Texts that records often have, made rare by others. */
static void all_of(struct buf *b)
{
	list(b, "CommandLine|contains|all", 1 + next(2));
	buf_printf(b, "            - '%s'\n", one_of(words, COUNT(words)));
}

static void images(struct buf *b, const char *key, unsigned n)
{
	buf_printf(b, "        %s|endswith:\n", key);
	while (n--) {
		buf_puts(b, "            - '/");
		if (next(3))
			rare(b);
		else
			buf_puts(b, one_of(programs, COUNT(programs)));
		buf_puts(b, "'\n");
	}
}

/* In the shares of the public rules: programs with texts, lists, a few expressions, filters. As of
 * these, next to none may match what is harmless. */
static void make_rule(struct buf *b, unsigned number)
{
	unsigned kind = next(100);
	const char *condition = "selection";

	buf_printf(b,
		   "title: Rule %u\nid: 00000000-0000-4000-8000-%012u\nlogsource:\n    product: "
		   "linux\n"
		   "    category: process_creation\ndetection:\n    selection:\n",
		   number, number);
	if (kind < 50) {
		images(b, "Image", 1 + next(4));
		all_of(b);
	} else if (kind < 75) {
		list(b, "CommandLine|contains", 2 + next(9));
	} else if (kind < 85) {
		images(b, "ParentImage", 1 + next(3));
		images(b, "Image", 1 + next(3));
		all_of(b);
		buf_puts(b, "    filter:\n");
		list(b, "CommandLine|contains", 2);
		condition = "selection and not filter";
	} else if (kind < 92) {
		buf_puts(b, "        CommandLine: '*");
		rare(b);
		buf_printf(b, " * %s*'\n", one_of(words, COUNT(words)));
	} else if (kind < 96) {
		buf_puts(b, "        CommandLine|re: '");
		rare(b);
		buf_puts(b, "\\s+(?:-[a-z]+\\s+){1,4}https?://'\n");
	} else if (kind < 97) {
		list(b, "CommandLine|contains", 200);
	} else {
		list(b, "CommandLine|startswith", 3);
		buf_puts(b, "        User: root\n");
	}
	buf_printf(b, "    condition: %s\n---\n", condition);
}

struct record {
	struct sigma_scalar v[7];
};
enum { IMAGE, IMAGE_RESOLVED, COMMAND, PARENT_IMAGE, PARENT_COMMAND, USER, DIRECTORY };

static struct sigma_scalar keep(struct buf *b)
{
	struct sigma_scalar s = { .type = SIGMA_str, .len = b->len };

	s.text = strdup(buf_str(b));
	buf_reset(b);
	return s;
}

static void command(struct buf *b, const char *program)
{
	unsigned len = LEN_MIN;

	/* Most are short. */
	while (len < LEN_MAX && next(3))
		len += len / 2;
	buf_puts(b, program);
	while (b->len < len) {
		switch (next(5)) {
		case 0:
			buf_printf(b, " --%c%c%c%c=%u", 'a' + next(26), 'a' + next(26),
				   'a' + next(26), 'a' + next(26), next(10000));
			break;
		case 1:
			buf_printf(b, " /usr/%s/%s/%c%c%c%c%c.%c", next(2) ? "lib" : "share",
				   one_of(programs, COUNT(programs)), 'a' + next(26),
				   'a' + next(26), 'a' + next(26), 'a' + next(26), 'a' + next(26),
				   'a' + next(26));
			break;
		case 2:
			buf_printf(b, " -%c", 'a' + next(26));
			break;
		case 3:
			buf_printf(b, " %s", one_of(programs, COUNT(programs)));
			break;
		default:
			buf_putc(b, ' ');
			for (unsigned n = 3 + next(9); n; n--)
				buf_putc(b, (char)('a' + next(26)));
		}
		/* One in a hundred words is one that rules look for. */
		if (!next(100))
			buf_printf(b, " %s", one_of(words, COUNT(words)));
	}
}

static void make_record(struct record *r)
{
	const char *program = one_of(programs, COUNT(programs));
	const char *parent = one_of(programs, COUNT(programs));
	struct buf b = { 0 };

	buf_printf(&b, "/usr/bin/%s", program);
	r->v[IMAGE] = keep(&b);
	buf_printf(&b, "/bin/%s", program);
	r->v[IMAGE_RESOLVED] = keep(&b);
	command(&b, program);
	r->v[COMMAND] = keep(&b);
	buf_printf(&b, "/usr/sbin/%s", parent);
	r->v[PARENT_IMAGE] = keep(&b);
	command(&b, parent);
	r->v[PARENT_COMMAND] = keep(&b);
	buf_puts(&b, next(3) ? "root" : "www-data");
	r->v[USER] = keep(&b);
	buf_printf(&b, "/home/%s/work", program);
	r->v[DIRECTORY] = keep(&b);
	buf_free(&b);
}

static const struct {
	const char *name;
	unsigned first, n;
} fields[] = {
	{ "Image", IMAGE, 2 },
	{ "CommandLine", COMMAND, 1 },
	{ "ParentImage", PARENT_IMAGE, 1 },
	{ "ParentCommandLine", PARENT_COMMAND, 1 },
	{ "User", USER, 1 },
	{ "CurrentDirectory", DIRECTORY, 1 },
};

struct totals {
	uint64_t ns, matches;
};

/* Of this thread: other processes do not count. */
static uint64_t cpu_time(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static struct totals run(struct sigma_view *v, const struct record *records)
{
	struct sigma_values *values = calloc(sigma_view_nfields(v) + 1, sizeof(*values));
	struct sigma_record rec = { .field = values };
	struct totals t = { 0 };
	int at[COUNT(fields)];

	for (unsigned f = 0; f < COUNT(fields); f++)
		at[f] = sigma_view_find(v, fields[f].name);
	uint64_t start = cpu_time();
	for (unsigned i = 0; i < RECORDS; i++) {
		const struct sigma_match *m;
		for (unsigned f = 0; f < COUNT(fields); f++)
			if (at[f] >= 0)
				values[at[f]] = (struct sigma_values){
					.present = true,
					.n = fields[f].n,
					.v = &records[i].v[fields[f].first],
				};
		rec.all = (struct sigma_values){ true, COUNT(records[i].v), records[i].v };
		t.matches += sigma_view_eval(v, &rec, &m);
	}
	t.ns = cpu_time() - start;
	free(values);
	return t;
}

struct subject {
	struct sigma_view *v;
	unsigned rules;
	double built; /* ms */
	struct totals best;
};

/* A view of the first n rules that apply. false: there are not as many. */
static bool make(struct sigma_rules *r, unsigned n, struct subject *ret)
{
	/* No product: what Windows rules cost is of interest too. */
	const struct sigma_logsource ls = { .category = "process_creation" };
	unsigned taken = 0;

	for (unsigned i = 0; i < r->n; i++) {
		struct sigma_rule *rule = r->rule[i];
		bool fits =
			rule->logsource.category && !strcmp(rule->logsource.category, ls.category);
		rule->logsource.product = NULL;
		/* A rule that is not in this view is hidden as one that is broken. */
		rule->broken = !fits || taken >= n;
		taken += !rule->broken;
	}
	if (taken < n && n != UINT32_MAX)
		return false;
	uint64_t start = cpu_time();
	if (sigma_view_new(r, &ls, &ret->v))
		exit(1);
	ret->built = (double)(cpu_time() - start) / 1e6;
	ret->rules = taken;
	ret->best.ns = UINT64_MAX;
	return true;
}

static void print(const struct subject *s, const struct subject *ten)
{
	struct sigma_view_stats st;

	sigma_view_get_stats(s->v, &st);
	printf("| %u | %.0f | %.2f | %.2f | %.3f | %u | %.0f | %.1f |\n", s->rules,
	       (double)s->best.ns / RECORDS, (double)s->best.ns / (double)ten->best.ns,
	       (double)st.evaluated / (double)st.records, (double)s->best.matches / RECORDS,
	       st.always, (double)st.bytes / 1024, s->built);
}

static struct sigma_rules *load(int argc, char **argv)
{
	struct sigma_rules *r;
	struct buf b = { 0 };

	if (sigma_rules_new(&r))
		exit(1);
	for (int i = 1; i < argc; i++)
		sigma_load(r, argv[i]);
	for (unsigned i = 0; argc < 2 && i < 5000; i++) {
		make_rule(&b, i);
		if (i % 100 == 99) {
			sigma_parse(r, "made-up.yml", b.data, b.len);
			buf_reset(&b);
		}
	}
	buf_free(&b);
	if (sigma_link(r) || sigma_compile(r, NULL))
		exit(1);
	if (r->problems.errors)
		fprintf(stderr, "%u errors, the first: %s\n", r->problems.errors,
			r->problems.problem[0].text);
	return r;
}

static int by_id(const void *a, const void *b)
{
	return strcmp((*(struct sigma_rule *const *)a)->id, (*(struct sigma_rule *const *)b)->id);
}

int main(int argc, char **argv)
{
	static const unsigned counts[] = { 10, 100, 500, 2000, 5000, UINT32_MAX };
	static struct record records[RECORDS];
	struct sigma_rules *r = load(argc, argv);
	struct subject subject[COUNT(counts)] = { 0 };
	unsigned n = 0;
	size_t bytes = 0;

	/* Rules from files: by id, which says nothing about what they look for. */
	if (argc > 1) {
		qsort(r->rule, r->n, sizeof(struct sigma_rule *), by_id);
		for (unsigned i = 0; i < r->n; i++)
			r->rule[i]->index = i;
	}
	for (unsigned i = 0; i < RECORDS; i++) {
		make_record(&records[i]);
		for (unsigned k = 0; k < COUNT(records[i].v); k++)
			bytes += records[i].v[k].len;
	}
	printf("%u rules in %zu KiB; %d records of %zu bytes of text on average\n\n", r->n,
	       arena_used(r->arena) / 1024, RECORDS, bytes / RECORDS);
	printf("| rules | ns per record | to 10 rules | evaluated | matches | always | view KiB | "
	       "made in ms |\n|---|---|---|---|---|---|---|---|\n");
	for (unsigned i = 0; i < COUNT(counts); i++)
		if (counts[i] != UINT32_MAX || argc > 1)
			n += make(r, counts[i], &subject[n]);
	/* In turns: the machine's speed changes. */
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < n; i++) {
			struct totals t = run(subject[i].v, records);
			if (t.ns < subject[i].best.ns)
				subject[i].best = t;
		}
	}
	for (unsigned i = 0; i < n; i++) {
		print(&subject[i], &subject[0]);
		sigma_view_free(subject[i].v);
	}
	for (unsigned i = 0; i < RECORDS; i++)
		for (unsigned k = 0; k < COUNT(records[i].v); k++)
			free((char *)records[i].v[k].text);
	sigma_rules_free(r);
	return 0;
}
