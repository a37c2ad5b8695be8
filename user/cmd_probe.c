/* SPDX-License-Identifier: Apache-2.0 */
/* `redshank probe`: what this kernel lets a sensor see, found out by trying each hook variant. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/log.h"
#include "cmd.h"
#include "encode/json.h"
#include "live.h"
#include "schema/schema.h"
#include "source/bpf_obj.h"
#include "source/features.h"
#include "source/procfs.h"

static const char usage[] =
	"usage: redshank probe [OPTION...]\n\n"
	"Load, attach and fire every hook variant, one after the other, and say which work on "
	"this\n"
	"kernel, which a sensor takes, and what can't be seen. Attaching proves nothing: a hook\n"
	"counts when it was seen to fire. Root only; nothing stays loaded.\n\n"
	"  -o, --output FORMAT  text (default) or json\n"
	"      --btf FILE       BTF of this kernel, where it has none itself\n"
	"  -v, --verbose        with what libbpf and the verifier say\n"
	"  -h, --help\n";

static const char *const states[] = {
	[FEATURE_no] = "no", [FEATURE_yes] = "yes", [FEATURE_unknown] = "unknown"
};

static const char *outcome(const struct hook *h, const struct variant_result *r)
{
	if (r->attached && !r->fired && !hooks_fire_causes(h))
		return "attaches; its event was not caused here";
	return r->fired	     ? "fires"
	       : r->attached ? "attaches, does not fire"
	       : r->loaded   ? "loads, does not attach"
			     : "does not load";
}

static void variant_text(struct buf *b, const struct hook *h, const char *v,
			 const struct variant_result *r, bool chosen)
{
	buf_printf(b, "  %-16s %-14s %s%s%s%s\n", h->name, v, outcome(h, r), r->error ? ": " : "",
		   r->error ? strerror(-r->error) : "", chosen ? "  <- chosen" : "");
}

static void variant_json(struct buf *b, const char *v, const struct variant_result *r, bool chosen,
			 bool first)
{
	buf_printf(b,
		   "%s{\"variant\":\"%s\",\"loaded\":%s,\"attached\":%s,\"fired\":%s,\"chosen\":%s",
		   first ? "" : ",", v, r->loaded ? "true" : "false",
		   r->attached ? "true" : "false", r->fired ? "true" : "false",
		   chosen ? "true" : "false");
	if (r->error) {
		buf_puts(b, ",\"error\":");
		json_quote(b, strerror(-r->error), strlen(strerror(-r->error)));
	}
	buf_putc(b, '}');
}

/* What the sensor does without an iterator. */
static bool try_procfs(struct buf *b, const struct hook *h, bool json)
{
	struct variant_result r = { .loaded = true, .attached = true, .fired = true };

	if (h->event != EV_proc || procfs_usable(NULL))
		return false;
	if (json)
		variant_json(b, PROCFS_VARIANT, &r, true, !h->nvariants);
	else
		variant_text(b, h, PROCFS_VARIANT, &r, true);
	return true;
}

/* Did a program of this kind fire for any hook? Where the kernel takes them and never calls them,
 * what can't be fired here does not work either. */
static bool kind_fired(const struct hook *table, int n,
		       struct variant_result (*results)[HOOK_VARIANTS_MAX], const char *kind)
{
	for (int i = 0; i < n; i++)
		for (unsigned k = 0; k < table[i].nvariants; k++)
			if (results[i][k].fired && !strcmp(variant_kind(table[i].variant[k]), kind))
				return true;
	return false;
}

/* Tries all variants of all hooks. 0, or negative errno: one that the sensor needs has none. */
static int try_all(struct buf *b, bool probes, bool json, struct err *e)
{
	static struct hook table[HOOKS_MAX];
	static struct variant_result results[HOOKS_MAX][HOOK_VARIANTS_MAX];
	int rc = 0, n = hooks_list(probes, table, e);

	if (n > 0)
		variants_try(table, n, results);

	for (int i = 0; i < n; i++) {
		const struct hook *h = &table[i];
		const char *doc = h->without;
		bool found = false;
		int error = -ENOTSUP;
		if (json)
			buf_printf(b, "%s{\"hook\":\"%s\",\"variants\":[", i ? "," : "", h->name);
		for (unsigned k = 0; k < h->nvariants; k++) {
			struct variant_result r = results[i][k];
			const char *kind = variant_kind(h->variant[k]);
			bool works = r.fired ||
				     (r.attached && !hooks_fire_causes(h) &&
				      (!kind_patches(kind) || kind_fired(table, n, results, kind)));
			bool chosen = works && !found && doc;
			found |= works;
			error = r.error ? r.error : error;
			if (json)
				variant_json(b, h->variant[k], &r, chosen, !k);
			else
				variant_text(b, h, h->variant[k], &r, chosen);
		}
		found = found || try_procfs(b, h, json);
		if (json) {
			buf_printf(b, "],\"covered\":%s", found ? "true" : "false");
			if (!found && doc) {
				buf_puts(b, ",\"cannot_see\":");
				json_quote(b, doc, strlen(doc));
			}
			buf_putc(b, '}');
		} else if (!found && doc) {
			buf_printf(b, "  %-16s %s: %s\n", h->name,
				   h->fact ? "not known" : "NOT SEEN", doc);
		}
		if (!found && hook_required(h)) {
			char why[320];
			features_why(error, why, sizeof(why));
			rc = err_set(e, error == -EPERM ? error : -ENOTSUP,
				     "%s, which a sensor needs, does not work here: %s%s", h->name,
				     strerror(-error), why);
		}
	}
	return n < 0 ? n : rc;
}

static void features_text(struct buf *b, const struct feature *f, unsigned n)
{
	buf_puts(b, "kernel and privileges\n");
	for (unsigned i = 0; i < n; i++)
		buf_printf(b, "  %-18s %-8s %s\n", f[i].name, states[f[i].state], f[i].detail);
}

static void features_json(struct buf *b, const struct feature *f, unsigned n)
{
	buf_puts(b, "{\"features\":{");
	for (unsigned i = 0; i < n; i++) {
		buf_printf(b, "%s\"%s\":{\"state\":\"%s\",\"detail\":", i ? "," : "", f[i].name,
			   states[f[i].state]);
		json_quote(b, f[i].detail, strlen(f[i].detail));
		buf_putc(b, '}');
	}
	buf_putc(b, '}');
}

static void bpf_log(const char *line)
{
	log_debug("libbpf: %s", line);
}

static int probe(bool json, const char *want_btf)
{
	static char btf[512];
	struct feature f[FEATURES_MAX];
	struct buf b = { 0 };
	struct err e;
	unsigned n = features_list(f);
	int rc = features_require(&e);
	if (!rc)
		rc = live_btf(want_btf, btf, sizeof(btf), &e);
	int fired = rc ? 0 : hooks_fire(&e);
	rc = fired < 0 ? fired : rc;

	bpf_obj_log(bpf_log);
	if (json)
		features_json(&b, f, n);
	else
		features_text(&b, f, n);
	if (!rc) {
		buf_puts(&b, json ? ",\"hooks\":[" : "hooks of the sensor\n");
		rc = try_all(&b, false, json, &e);
		buf_puts(&b, json ? "],\"program_types\":[" : "kinds of programs\n");
		try_all(&b, true, json, NULL);
		buf_puts(&b, json ? "]" : "");
	}
	if (json)
		buf_printf(&b, ",\"usable\":%s}\n", rc ? "false" : "true");
	fputs(buf_str(&b), stdout);
	buf_free(&b);
	if (!rc && (fflush(stdout) || ferror(stdout)))
		rc = err_set(&e, -EIO, "the output could not be written (disk full?)");
	return rc ? cmd_fail(rc, &e) : 0;
}

int cmd_probe(int argc, char **argv)
{
	enum { OPT_BTF = 256 };
	static const struct option longs[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "btf", required_argument, NULL, OPT_BTF },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *btf = NULL;
	bool json = false;
	int opt;

	while ((opt = getopt_long(argc, argv, ":o:vh", longs, NULL)) != -1) {
		switch (opt) {
		case 'o':
			if (cmd_output(optarg, &json))
				return EX_USAGE;
			break;
		case OPT_BTF:
			btf = optarg;
			break;
		case 'v':
			log_set_level(LOG_LEVEL_debug);
			break;
		case 'h':
			return cmd_usage(usage);
		default:
			return cmd_bad_option(usage, opt, argv);
		}
	}
	if (optind < argc)
		return cmd_no_arguments("probe", argv);
	return probe(json, btf);
}
