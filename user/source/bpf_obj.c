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
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "redshank.skel.h"
#include "schema/schema.h"
#include "source/bpf_btf.h"
#include "source/bpf_link.h"
#include "source/bpf_pam.h"
#include "source/fire.h"
#include "source/pid_here.h"

/* Kinds of program, best first: what they see can't be changed behind them, and costs least. */
const char *const variant_kinds[] = { "lsm",	"fentry",     "fexit", "kprobe", "tp_btf",
				      "raw_tp", "raw_tp_sqe", "tp",    "uprobe", "iter" };

const unsigned variant_kinds_count = sizeof(variant_kinds) / sizeof(variant_kinds[0]);

static const char *btf_path;

void bpf_obj_btf(const char *path)
{
	btf_path = path;
}

static struct redshank_bpf *open_with(const char *btf)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = btf);
	return redshank_bpf__open_opts(&opts);
}

/* What hooks there are needs no types. */
static struct redshank_bpf *open_object(void)
{
	return open_with(btf_path);
}

/* With the kernel's types that it needs, which are looked for once. */
static struct redshank_bpf *open_to_load(void)
{
	static char reduced[64];
	static bool tried;

	if (!tried) {
		struct redshank_bpf *o = open_object();
		if (o)
			bpf_btf_reduce(o->obj, btf_path, reduced, sizeof(reduced));
		redshank_bpf__destroy(o);
		tried = true;
	}
	return open_with(*reduced ? reduced : btf_path);
}

static unsigned rank(const char *kind)
{
	unsigned i = 0;
	while (i < variant_kinds_count && strcmp(variant_kinds[i], kind))
		i++;
	return i;
}

bool variant_is_iter(const char *variant)
{
	size_t n = strlen(variant);
	return n > 6 && !strcmp(variant + n - 6, "__iter");
}

const char *variant_kind(const char *variant)
{
	const char *kind = strstr(variant, "__");
	return kind ? kind + 2 : "";
}

static const char shared[] = "calls__";

bool variant_is_shared(const char *variant)
{
	return !strncmp(variant, shared, strlen(shared));
}

bool variant_is_uprobe(const char *variant)
{
	return !strcmp(variant_kind(variant), "uprobe");
}

bool kind_patches(const char *kind)
{
	return rank(kind) < rank("tp_btf");
}

static void add_variant(struct hook *h, const char *variant)
{
	unsigned at = h->nvariants;
	if (at == HOOK_VARIANTS_MAX)
		return;
	for (; at && rank(variant_kind(h->variant[at - 1])) > rank(variant_kind(variant)); at--)
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

/* Where nothing better works, events come from the system calls' own program. */
static void add_shared(struct hook *table, int n, struct redshank_bpf *o)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, o->obj)
	{
		if (!variant_is_shared(bpf_program__name(p)))
			continue;
		for (int i = 0; i < n; i++)
			if (CALL_EVENTS >> table[i].event & 1 || CALL_FACTS >> table[i].fact & 1)
				add_variant(&table[i], bpf_program__name(p));
	}
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
	add_shared(ret, n, o);
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
			const char *of = variant_kind(h->variant[k]);
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
	struct redshank_bpf *o = open_to_load();
	if (!o)
		return err_set(e, -errno, "BPF object: %s", strerror(errno));

	struct bpf_program *p;
	bpf_object__for_each_program(p, o->obj) bpf_program__set_autoload(p, false);
	bpf_map__set_max_entries(o->maps.ring_main, c->ring_main_bytes);
	bpf_map__set_max_entries(o->maps.ring_bulk, c->ring_bulk_bytes);
	bpf_map__set_max_entries(o->maps.stats, (u32)cpus);
	bpf_map__set_max_entries(o->maps.scratches, (u32)cpus * SCRATCHES_PER_CPU + 1);
	o->rodata->knob_iter_slot = (u32)cpus * SCRATCHES_PER_CPU;
	o->rodata->knob_self = pid_initial();
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

struct hook_link *bpf_obj_attach(struct bpf_program *p, const char *variant)
{
	return variant_is_uprobe(variant) ? uprobe_try(p) : hook_attach(p);
}

bool variant_at_every_call(struct redshank_bpf *o, const char *variant)
{
	struct bpf_program *p = bpf_obj_program(o, variant);
	return p && strstr(bpf_program__section_name(p), "/sys_");
}

/* What libpam answers takes programs for its questions, too, and to be told of its copies. */
static void use_pam(struct redshank_bpf *o)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, o->obj)
	{
		if (strncmp(bpf_program__name(p), "pam_", 4) != 0)
			continue;
		bpf_program__set_autoload(p, true);
		uprobe_prepare(p);
	}
	o->rodata->knob_pam = true;
}

void bpf_obj_use(struct redshank_bpf *o, const struct hook *h, const char *variant)
{
	bpf_program__set_autoload(bpf_obj_program(o, variant), true);
	if (variant_is_uprobe(variant))
		use_pam(o);
	if (!variant_is_shared(variant))
		return;
	if (h->event != EV_none)
		o->rodata->knob_call_events |= 1ULL << h->event;
	else
		o->rodata->knob_call_facts |= 1U << h->fact;
}

/* What the last hooks_fire() caused, by its child's own word. */
static struct fire_caused caused;

int hooks_fire(struct err *e)
{
	int status = 0, fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	struct fire_caused *said = mmap(NULL, sizeof(*said), PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (said == MAP_FAILED)
		return err_set(e, -errno, "memory: %s", strerror(errno));
	pid_t pid = fork();
	if (!pid) {
		fire_cause(said);
		execl("/proc/self/exe", "redshank", FIRE_ARGUMENT, (char *)NULL);
		_exit(errno & 0x7f);
	}
	int error = pid < 0 ? errno : 0;
	while (!error && waitpid(pid, &status, 0) == pid && WIFSTOPPED(status))
		fire_go_on(pid, WSTOPSIG(status), said);
	if (!error && WIFEXITED(status))
		error = WEXITSTATUS(status);
	caused = *said;
	munmap(said, sizeof(*said));
	if (error)
		return err_set(
			e, -error,
			"no hook can be seen to fire, for this program can't be run once more: %s",
			strerror(error));
	return pid;
}

/* Caused by whatever starts: a fork, an exec, its loader's work, an exit. */
#define ALWAYS_EVENTS (1ULL << EV_fork | 1ULL << EV_exec | 1ULL << EV_exit)
#define ALWAYS_FACTS                                                                            \
	(1U << FACT_script | 1U << FACT_map_mmap | 1U << FACT_map_prot | 1U << FACT_anon_prog | \
	 1U << FACT_anon_fork | 1U << FACT_anon_start)

bool hooks_fire_causes(const struct hook *h)
{
	return !h->without || (caused.events | ALWAYS_EVENTS) >> h->event & 1 ||
	       (caused.facts | ALWAYS_FACTS) >> h->fact & 1;
}
