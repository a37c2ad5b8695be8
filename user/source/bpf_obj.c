/* SPDX-License-Identifier: Apache-2.0 */
/* The BPF object. */
#include "source/bpf_obj.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "redshank.skel.h"
#include "schema/schema.h"

/* Kinds of program, best first: what they see can't be changed behind them, and costs least. */
static const char *const kinds[] = { "lsm",    "fentry", "fexit", "kprobe",
				     "tp_btf", "raw_tp", "tp",	  "iter" };

static const char *btf_path;

void bpf_obj_btf(const char *path)
{
	btf_path = path;
}

static struct redshank_bpf *open_object(void)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = btf_path);
	return redshank_bpf__open_opts(&opts);
}

static unsigned rank(const char *variant)
{
	const char *kind = strstr(variant, "__");
	unsigned i = 0;
	while (kind && i < sizeof(kinds) / sizeof(kinds[0]) && strcmp(kinds[i], kind + 2))
		i++;
	return i;
}

bool variant_is_iter(const char *variant)
{
	size_t n = strlen(variant);
	return n > 6 && !strcmp(variant + n - 6, "__iter");
}

bool variant_patches(const char *variant)
{
	return rank(variant) < rank("__tp_btf");
}

static void add_variant(struct hook *h, const char *variant)
{
	unsigned at = h->nvariants;
	if (at == HOOK_VARIANTS_MAX)
		return;
	for (; at && rank(h->variant[at - 1]) > rank(variant); at--)
		memcpy(h->variant[at], h->variant[at - 1], sizeof(h->variant[at]));
	snprintf(h->variant[at], sizeof(h->variant[at]), "%s", variant);
	h->nvariants++;
}

static const struct {
	enum fact id;
	const char *name, *without;
} facts[] = {
#define FACT(id_, name_, event_, without_) { FACT_##name_, #name_, without_ },
#include "abi/facts.def"
#undef FACT
};

/* What is hooked under this name. False if nothing is. */
static bool describe(const char *name, struct hook *ret)
{
	const struct ev_desc *d = ev_desc_by_key(name);

	*ret = (struct hook){ 0 };
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	if (d) {
		ret->event = d->id;
		ret->without = d->doc;
		return true;
	}
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		if (strcmp(facts[i].name, name))
			continue;
		ret->fact = facts[i].id;
		ret->without = facts[i].without;
		return true;
	}
	return false;
}

/* The hook of this description, at the end of the table if it is new. */
static struct hook *hook_of(struct hook *table, int *n, const struct hook *what)
{
	for (int i = 0; i < *n; i++)
		if (!strcmp(table[i].name, what->name))
			return &table[i];
	if (*n == HOOKS_MAX)
		return NULL;
	table[*n] = *what;
	return &table[(*n)++];
}

int hooks_list(bool probes, struct hook ret[HOOKS_MAX], struct err *e)
{
	struct redshank_bpf *o = open_object();
	struct bpf_program *p;
	int n = 0;

	if (!o)
		return err_set(e, -errno, "BPF object: %s", strerror(errno));
	bpf_object__for_each_program(p, o->obj)
	{
		const char *variant = bpf_program__name(p), *sep = strstr(variant, "__");
		struct hook what = { 0 };
		bool probe = !strncmp(variant, "probe__", strlen("probe__"));
		if (!sep || (size_t)(sep - variant) >= sizeof(what.name) || probe != probes)
			continue;
		char name[sizeof(what.name)];
		snprintf(name, sizeof(name), "%.*s", (int)(sep - variant), variant);
		if (probe)
			snprintf(what.name, sizeof(what.name), "%s", sep + 2);
		else if (!describe(name, &what))
			continue;
		struct hook *h = hook_of(ret, &n, &what);
		if (h)
			add_variant(h, variant);
	}
	redshank_bpf__destroy(o);
	return n;
}

/* Takes "name=kind", or "name=". */
static int force_one(struct hook *table, int n, const char *want, size_t len, struct err *e)
{
	const char *eq = memchr(want, '=', len);

	for (int i = 0; eq && i < n; i++) {
		struct hook *h = &table[i];
		size_t name = (size_t)(eq - want), kind = len - name - 1;
		if (strlen(h->name) != name || memcmp(h->name, want, name))
			continue;
		unsigned kept = 0;
		for (unsigned k = 0; k < h->nvariants; k++) {
			const char *of = h->variant[k] + name + strlen("__");
			if (strlen(of) == kind && !memcmp(of, eq + 1, kind))
				memmove(h->variant[kept++], h->variant[k], sizeof(h->variant[k]));
		}
		bool procfs = h->event == EV_proc && kind == 6 && !memcmp(eq + 1, "procfs", kind);
		if (kind && !kept && !procfs)
			break;
		h->nvariants = kept;
		h->named = true;
		return n;
	}
	return err_set(e, -EINVAL,
		       "hooks: there is no \"%.*s\"; redshank probe lists what there is", (int)len,
		       want);
}

int hooks_force(struct hook *table, int n, const char *want, struct err *e)
{
	while (*want) {
		size_t len = strcspn(want, ",");
		int rc = force_one(table, n, want, len, e);
		if (rc < 0)
			return rc;
		want += len + (want[len] == ',');
	}
	return n;
}

static void (*log_fn)(const char *line);

static int print_fn(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[512];
	if (!log_fn || level == LIBBPF_DEBUG)
		return 0;
	int n = vsnprintf(line, sizeof(line), fmt, ap);
	if (n > 0)
		log_fn(line);
	return n;
}

void bpf_obj_log(void (*fn)(const char *line))
{
	log_fn = fn;
	libbpf_set_print(print_fn);
}

int env_name_check(const char *name, struct err *e)
{
	size_t n = strlen(name);
	if (!n || n > ENV_NAME_LEN - 1)
		return err_set(
			e, -EINVAL,
			"environment variable name \"%.64s\": 1 to %d characters are possible",
			name, ENV_NAME_LEN - 1);
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			return err_set(e, -EINVAL,
				       "environment variable name \"%.64s\": only A-Z a-z 0-9 _ "
				       "are possible",
				       name);
	return 0;
}

/* "NAME=" as two words and the bytes of them that count. */
static void env_name_pack(const char *name, struct env_name *ret)
{
	char key[ENV_NAME_LEN] = { 0 };
	unsigned char mask[ENV_NAME_LEN] = { 0 };
	size_t n = strlen(name);

	memcpy(key, name, n);
	key[n] = '=';
	memset(mask, 0xff, n + 1);
	memcpy(ret->word, key, sizeof(key));
	memcpy(ret->mask, mask, sizeof(mask));
}

int bpf_obj_open(const struct bpf_config *c, struct redshank_bpf **ret, struct err *e)
{
	int cpus = libbpf_num_possible_cpus();
	if (cpus <= 0)
		return err_set(e, cpus, "number of CPUs: %s", strerror(-cpus));
	struct redshank_bpf *o = open_object();
	if (!o)
		return err_set(e, -errno, "BPF object: %s", strerror(errno));

	struct bpf_program *p;
	bpf_object__for_each_program(p, o->obj) bpf_program__set_autoload(p, false);
	bpf_map__set_max_entries(o->maps.ring_main, c->ring_main_bytes);
	bpf_map__set_max_entries(o->maps.ring_bulk, c->ring_bulk_bytes);
	bpf_map__set_max_entries(o->maps.stats, (u32)cpus);
	bpf_map__set_max_entries(o->maps.scratches, (u32)cpus * SCRATCHES_PER_CPU + 1);
	o->rodata->knob_iter_slot = (u32)cpus * SCRATCHES_PER_CPU;
	o->rodata->knob_env_names = c->env_count;
	for (unsigned i = 0; i < c->env_count; i++)
		env_name_pack(c->env_names[i], &o->rodata->knob_env_name[i]);
	*ret = o;
	return 0;
}

struct bpf_program *bpf_obj_program(struct redshank_bpf *o, const char *name)
{
	return bpf_object__find_program_by_name(o->obj, name);
}

bool variant_at_every_call(struct redshank_bpf *o, const char *variant)
{
	struct bpf_program *p = bpf_obj_program(o, variant);
	return p && strstr(bpf_program__section_name(p), "/sys_");
}

struct bpf_program *calls_program(struct redshank_bpf *o, const char *variant)
{
	return strstr(variant, "__tp_btf") ? o->progs.calls__tp_btf : o->progs.calls__raw_tp;
}

bool variant_joins_calls(struct redshank_bpf *o, const char *variant)
{
	const struct bpf_program *p = bpf_obj_program(o, variant);
	return p && !strcmp(bpf_program__section_name(p),
			    bpf_program__section_name(calls_program(o, variant)));
}

int hooks_fire(struct err *e)
{
	int status = 0, fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock >= 0)
		close(sock);
	pid_t pid = fork();
	if (!pid) {
		execl("/proc/self/exe", "redshank", FIRE_ARGUMENT, (char *)NULL);
		_exit(errno & 0x7f);
	}
	int error = pid < 0 ? errno : 0;
	if (!error && waitpid(pid, &status, 0) == pid && WIFEXITED(status))
		error = WEXITSTATUS(status);
	if (error)
		return err_set(
			e, -error,
			"no hook can be seen to fire, for this program can't be run once more: %s",
			strerror(error));
	return pid;
}

bool hooks_fire_causes(const struct hook *h)
{
	return !h->without || h->event == EV_fork || h->event == EV_exec || h->event == EV_exit ||
	       h->fact != FACT_none;
}

bool hook_seen(const struct hook *h, const volatile struct cpu_stats *st)
{
	return h->event != EV_none ? st->emitted[h->event] > 0 : st->facts[h->fact] > 0;
}

/* Has this program, or the event it makes, been seen? */
static bool seen(struct redshank_bpf *o, const struct hook *h)
{
	if (!h->without)
		return o->bss->probe_hits > 0;
	static struct cpu_stats st; /* 1.5 KiB and more; probing is single-threaded */
	int cpus = libbpf_num_possible_cpus();
	for (u32 cpu = 0; cpu < (u32)cpus; cpu++)
		if (!bpf_map_lookup_elem(bpf_map__fd(o->maps.stats), &cpu, &st) &&
		    hook_seen(h, &st))
			return true;
	return false;
}

/* Reads an iterator to see whether it gives anything. */
static bool iter_gives(struct bpf_link *link)
{
	char buf[4096];
	int fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		return false;
	ssize_t n = read(fd, buf, sizeof(buf));
	close(fd);
	return n > 0;
}

struct variant_result variant_try(const struct hook *h, const char *variant)
{
	static const struct bpf_config small = { .ring_main_bytes = 65536,
						 .ring_bulk_bytes = 65536 };
	struct variant_result r = { 0 };
	struct redshank_bpf *o;
	struct bpf_link *link = NULL;

	r.error = bpf_obj_open(&small, &o, NULL);
	if (r.error)
		return r;
	struct bpf_program *p = bpf_obj_program(o, variant);
	bpf_program__set_autoload(p, true);
	r.error = redshank_bpf__load(o);
	if (r.error)
		goto out;
	r.loaded = true;
	link = bpf_program__attach(p);
	if (!link) {
		r.error = -errno;
		goto out;
	}
	r.attached = true;
	if (variant_is_iter(variant)) {
		r.fired = iter_gives(link);
	} else {
		hooks_fire(NULL);
		r.fired = seen(o, h);
	}
out:
	bpf_link__destroy(link);
	redshank_bpf__destroy(o);
	return r;
}
