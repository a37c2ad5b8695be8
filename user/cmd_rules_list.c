/* SPDX-License-Identifier: Apache-2.0 */
/* `redshank rules list`: one line per rule. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "base/log.h"
#include "cmd.h"
#include "cmd_rules.h"
#include "encode/json_writer.h"

static const char usage[] =
	"usage: redshank rules list [OPTION...] [PATH...]\n\n"
	"The rules that could be loaded, the gravest first, then by title.\n\n"
	"      --level LEVEL    this level and above: informational, low, medium, high, critical\n"
	"      --tag TAG        only rules with this tag; attack.t1059 is also attack.t1059.004\n"
	"  -o, --output FORMAT  text (default) or json (JSON Lines)\n"
	"  -h, --help\n";

struct listing {
	int level; /* this and above */
	const char *tag; /* NULL: any */
	bool json;
};

static bool has_tag(const struct sigma_rule *rule, const char *tag)
{
	size_t n = strlen(tag);

	for (unsigned i = 0; i < rule->tags.n; i++) {
		const char *s = rule->tags.s[i];
		if (!strncasecmp(s, tag, n) && (!s[n] || s[n] == '.'))
			return true;
	}
	return false;
}

static int compare(const void *a, const void *b)
{
	const struct sigma_rule *x = *(const struct sigma_rule *const *)a;
	const struct sigma_rule *y = *(const struct sigma_rule *const *)b;
	int by_title = strcmp(x->title, y->title);

	if (x->level != y->level)
		return x->level < y->level ? 1 : -1;
	return by_title ? by_title : x->index < y->index ? -1 : 1;
}

static void put_json(struct buf *b, const struct sigma_rule *rule)
{
	const struct sigma_logsource *ls = &rule->logsource;
	const struct {
		const char *key, *value;
	} parts[] = { { "product", ls->product },
		      { "category", ls->category },
		      { "service", ls->service } };
	struct jw j = { .out = b };

	jw_open(&j, '{');
	jw_key(&j, "id");
	jw_text(&j, rule->id);
	jw_key(&j, "level");
	jw_text(&j, sigma_level_name(rule->level));
	jw_key(&j, "title");
	jw_text(&j, rule->title);
	jw_key(&j, "type");
	jw_text(&j,
		rule->correlation ? sigma_correlation_type_name(rule->correlation->type) : "rule");
	jw_key(&j, "logsource");
	jw_open(&j, '{');
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!parts[i].value)
			continue;
		jw_key(&j, parts[i].key);
		jw_text(&j, parts[i].value);
	}
	jw_close(&j, '}');
	jw_key(&j, "file");
	jw_text(&j, rule->pos.file);
	jw_key(&j, "tags");
	jw_open(&j, '[');
	for (unsigned i = 0; i < rule->tags.n; i++)
		jw_text(&j, rule->tags.s[i]);
	jw_close(&j, ']');
	jw_close(&j, '}');
	buf_putc(b, '\n');
}

static void put_text(struct buf *b, const struct sigma_rule *rule)
{
	buf_printf(b, "%-13s ", rule->level ? sigma_level_name(rule->level) : "-");
	cmd_rules_put(b, rule->id);
	buf_puts(b, "  ");
	cmd_rules_put(b, rule->title);
	buf_puts(b, "  ");
	if (rule->correlation)
		buf_puts(b, sigma_correlation_type_name(rule->correlation->type));
	else
		cmd_rules_put_logsource(b, &rule->logsource);
	buf_puts(b, "  ");
	cmd_rules_put(b, rule->pos.file);
	for (unsigned i = 0; i < rule->tags.n; i++) {
		buf_putc(b, ' ');
		cmd_rules_put(b, rule->tags.s[i]);
	}
	buf_putc(b, '\n');
}

static int list(char *const *paths, const struct listing *l)
{
	struct sigma_engine *g;
	struct buf b = { 0 };
	struct err e;
	unsigned n = 0;
	int rc = cmd_rules_load_usable(paths, &g);

	if (rc)
		return rc;
	const struct sigma_rules *r = sigma_engine_rules(g);
	const struct sigma_rule **chosen = calloc(r->n, sizeof(*chosen));
	if (!chosen) {
		rc = err_set(&e, -ENOMEM, "out of memory");
		goto out;
	}
	for (unsigned i = 0; i < r->n; i++) {
		const struct sigma_rule *rule = r->rule[i];
		if (rule->kind != SIGMA_FILTER && !rule->broken && (int)rule->level >= l->level &&
		    (!l->tag || has_tag(rule, l->tag)))
			chosen[n++] = rule;
	}
	qsort(chosen, n, sizeof(*chosen), compare);
	for (unsigned i = 0; i < n; i++) {
		if (l->json)
			put_json(&b, chosen[i]);
		else
			put_text(&b, chosen[i]);
	}
	rc = cmd_rules_write(&b, true, &e);
out:
	free(chosen);
	buf_free(&b);
	sigma_engine_free(g);
	return rc ? cmd_fail(rc, &e) : 0;
}

int cmd_rules_list(int argc, char **argv)
{
	enum { OPT_LEVEL = 256, OPT_TAG };
	static const struct option longs[] = {
		{ "level", required_argument, NULL, OPT_LEVEL },
		{ "tag", required_argument, NULL, OPT_TAG },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct listing l = { 0 };
	int opt;

	while ((opt = getopt_long(argc, argv, ":o:h", longs, NULL)) != -1) {
		switch (opt) {
		case OPT_LEVEL:
			l.level = sigma_level_by_name(optarg);
			if (l.level <= SIGMA_LEVEL_none) {
				log_error("--level %s: informational, low, medium, high or "
					  "critical is expected",
					  optarg);
				return EX_USAGE;
			}
			break;
		case OPT_TAG:
			l.tag = optarg;
			break;
		case 'o':
			if (cmd_output(optarg, &l.json))
				return EX_USAGE;
			break;
		case 'h':
			return cmd_usage(usage);
		default:
			return cmd_bad_option(usage, opt, argv);
		}
	}
	return list(argv + optind, &l);
}
