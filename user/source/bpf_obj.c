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
#include <sys/wait.h>
#include <unistd.h>

#include "redshank.skel.h"

const struct hook hooks[] = {
	{ EV_exec, "exec", FIRE_exec, true, "which programs are started: no sensor without it",
	  { "exec__tp_btf", "exec__raw_tp", NULL } },
	{ EV_fork, "fork", FIRE_exec, false, "who created a process that does not exec",
	  { "fork__tp_btf", "fork__raw_tp", NULL } },
	{ EV_exit, "exit", FIRE_exec, false, "when and how processes end",
	  { "exit__tp_btf", "exit__raw_tp", NULL } },
	{ EV_proc, "proc", FIRE_iter, false, "what ran before the sensor started",
	  { "proc__iter", NULL } },
	{ .name = NULL },
};

const struct hook probe_hooks[] = {
	{ EV_none, "lsm", FIRE_open, false, NULL, { "probe__lsm", NULL } },
	{ EV_none, "fentry", FIRE_open, false, NULL, { "probe__fentry", NULL } },
	{ EV_none, "kprobe", FIRE_open, false, NULL, { "probe__kprobe", NULL } },
	{ EV_none, "tp_btf", FIRE_open, false, NULL, { "probe__tp_btf", NULL } },
	{ EV_none, "raw_tracepoint", FIRE_open, false, NULL, { "probe__raw_tp", NULL } },
	{ EV_none, "tracepoint", FIRE_open, false, NULL, { "probe__tp", NULL } },
	{ .name = NULL },
};

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
		return err_set(e, -EINVAL,
			       "environment variable name \"%.64s\": 1 to %d characters are possible",
			       name, ENV_NAME_LEN - 1);
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			return err_set(e, -EINVAL,
				       "environment variable name \"%.64s\": only A-Z a-z 0-9 _ are possible",
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
	struct redshank_bpf *o = redshank_bpf__open();
	if (!o)
		return err_set(e, -errno, "BPF object: %s", strerror(errno));

	struct bpf_program *p;
	bpf_object__for_each_program(p, o->obj)
		bpf_program__set_autoload(p, false);
	bpf_map__set_max_entries(o->maps.ring_main, c->ring_main_bytes);
	bpf_map__set_max_entries(o->maps.ring_bulk, c->ring_bulk_bytes);
	bpf_map__set_max_entries(o->maps.stats, (u32)cpus);
	bpf_map__set_max_entries(o->maps.scratches, (u32)cpus + 1);
	o->rodata->knob_iter_slot = (u32)cpus;
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

int hook_fire(enum hook_fire how)
{
	int fd;
	pid_t pid;

	switch (how) {
	case FIRE_open:
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			close(fd);
		return 0;
	case FIRE_exec:
		pid = fork();
		if (!pid) {
			execl("/proc/self/exe", "redshank", FIRE_ARGUMENT, (char *)NULL);
			_exit(127);
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
		return pid;
	case FIRE_iter:
		break;
	}
	return 0;
}

/* Has this program, or the event it makes, been seen? */
static bool seen(struct redshank_bpf *o, const struct hook *h)
{
	if (h->event == EV_none)
		return o->bss->probe_hits > 0;
	static struct cpu_stats st; /* 1.5 KiB and more; probing is single-threaded */
	int cpus = libbpf_num_possible_cpus();
	for (u32 cpu = 0; cpu < (u32)cpus; cpu++)
		if (!bpf_map_lookup_elem(bpf_map__fd(o->maps.stats), &cpu, &st) &&
		    st.emitted[h->event])
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
	static const struct bpf_config small = { .ring_main_bytes = 65536, .ring_bulk_bytes = 65536 };
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
	if (h->fire == FIRE_iter) {
		r.fired = iter_gives(link);
	} else {
		hook_fire(h->fire);
		r.fired = seen(o, h);
	}
out:
	bpf_link__destroy(link);
	redshank_bpf__destroy(o);
	return r;
}
