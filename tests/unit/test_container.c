/* SPDX-License-Identifier: Apache-2.0 */
/* Container ids in the cgroup paths that runtimes make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "enrich/container.h"

#define A     "0c0f3b1d5a7e9c2486fd0123456789ab0c0f3b1d5a7e9c2486fd0123456789ab"
#define B     "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define POD   "7fb54b4c-8a5e-4e5c-9d56-0123456789ab"
#define POD_U "7fb54b4c_8a5e_4e5c_9d56_0123456789ab"
#define POD_S "7fb54b4c8a5e4e5c9d560123456789ab"

struct row {
	const char *path, *id, *runtime; /* id NULL: none */
};

static const struct row rows[] = {
	/* kubelet, cgroupfs */
	{ "/kubepods/burstable/pod" POD "/" A, A, "" },
	{ "/kubepods/besteffort/pod" POD "/" A, A, "" },
	{ "/kubepods/pod" POD "/" A, A, "" },
	{ "/kubepods/burstable/pod" POD "/crio-" A, A, "cri-o" },
	{ "/kubepods/burstable/pod" POD "/c1", "c1", "" }, /* ctr run --cgroup */
	{ "/kubepods/burstable/pod" POD, NULL, "" },
	{ "/kubepods/burstable", NULL, "" },
	/* kubelet, systemd */
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD_U
	  ".slice/cri-containerd-" A ".scope",
	  A, "containerd" },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD_U ".slice/crio-" A
	  ".scope",
	  A, "cri-o" },
	{ "/kubepods.slice/kubepods-pod" POD_U ".slice/docker-" A ".scope", A, "docker" },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD_U
	  ".slice/crio-conmon-" A ".scope",
	  NULL, "" },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD_U ".slice", NULL,
	  "" },
	/* driver mismatch */
	{ "/system.slice/containerd.service/kubepods-burstable-pod" POD_U
	  ".slice:cri-containerd:" A,
	  A, "containerd" },
	/* kind, nested */
	{ "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
	  "kubelet-kubepods-besteffort-pod" POD_U ".slice/cri-containerd-" A ".scope",
	  A, "containerd" },
	{ "/system.slice/docker-" B ".scope/kubelet/kubepods/besteffort/pod" POD "/" A, A, "" },
	{ "/docker/" B "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" POD_U
	  ".slice/cri-containerd-" A ".scope",
	  A, "containerd" },
	/* static pod */
	{ "/kubepods/burstable/pod" POD_S "/" A, A, "" },
	{ "/kubepods/burstable/pod" POD_S "/c1", "c1", "" },
	/* docker */
	{ "/docker/" A, A, "docker" },
	{ "/system.slice/docker-" A ".scope", A, "docker" },
	{ "/system.slice/docker.service", NULL, "" },
	/* podman */
	{ "/machine.slice/libpod-" A ".scope", A, "podman" },
	{ "/machine.slice/libpod-" A ".scope/container", A, "podman" },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" A ".scope/container",
	  A, "podman" },
	{ "/libpod_parent/libpod-" A, A, "podman" },
	{ "/libpod_parent/libpod-" A "/conmon", NULL, "" },
	{ "/libpod_parent/conmon", NULL, "" },
	{ "/machine.slice/libpod-conmon-" A ".scope", NULL, "" },
	{ "/docker/" B "/libpod_parent/libpod-" A "/conmon", B, "docker" },
	/* what runs inside has cgroups of its own */
	{ "/docker/" A "/init.scope", A, "docker" },
	{ "/machine.slice/libpod-" A ".scope/container/system.slice/cron.service", A, "podman" },
	{ "/docker/" A "/conmon", A, "docker" }, /* only podman's own helper is one */
	/* ctr and runc take any name; the path alone does not make one a container */
	{ "/default/c1", NULL, "" },
	{ "/default/" A, A, "" },
	{ "/testc1", NULL, "" },
	{ "/" A, A, "" },
	{ "/some_agent/3d37601aa0b78f9187fe89505ad608cb", NULL, "" },
	/* no container */
	{ "", NULL, "" },
	{ "/", NULL, "" },
	{ "//", NULL, "" },
	{ "/user.slice/user-1000.slice/session-3.scope", NULL, "" },
	{ "/system.slice/ssh.service", NULL, "" },
	/* near misses */
	{ "/docker/0c0f3b1d5a7e9c2486fd0123456789ab0c0f3b1d5a7e9c2486fd0123456789a", NULL, "" },
	{ "/docker/" A "a", NULL, "" },
	{ "/docker/0C0F3B1D5A7E9C2486FD0123456789AB0C0F3B1D5A7E9C2486FD0123456789AB", NULL, "" },
	{ "/system.slice/docker-" A ".service", NULL, "" },
	{ "/system.slice/docker-.scope", NULL, "" },
	{ "/kubepods/burstable/pod1234/c1", NULL, "" },
	{ "/other/pod" POD "/c1", NULL, "" }, /* not below kubelet's root */
	{ "/kubepods/burstable/pod" POD "/a..b", NULL, "" }, /* not a containerd identifier */
	{ "/kubepods/burstable/pod" POD "/-c1", NULL, "" },
	/* relative to a cgroup namespace */
	{ "/../../docker/" A, A, "docker" },
};

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		size_t len = strlen(r->path), n = 0;
		const char *id = NULL;
		/* Exactly as many bytes as there are, so that a sanitizer sees what reads on. */
		char *path = malloc(len ? len : 1);
		assert_non_null(path);
		memcpy(path, r->path, len);
		bool found = container_id(path, len, &id, &n);
		if (found != (r->id != NULL))
			fail_msg("%s: %s", r->path, found ? "found one" : "found none");
		if (found && (n != strlen(r->id) || memcmp(id, r->id, n) != 0))
			fail_msg("%s: found %.*s", r->path, (int)n, id);
		if (strcmp(container_runtime(path, len), r->runtime) != 0)
			fail_msg("%s: runtime '%s'", r->path, container_runtime(path, len));
		free(path);
	}
}

static void unset_without_id(void **state)
{
	(void)state;
	const char *id = "untouched";
	size_t n = 99;
	assert_false(container_id("/init.scope", 11, &id, &n));
	assert_string_equal(id, "untouched");
	assert_int_equal(n, 99);
}

/* Random bytes, and random cuts of real paths: no answer may lie outside of the input. */
static void hostile(void **state)
{
	(void)state;
	static const char alphabet[] = "/pod-_.:0af:cri-containerd:libpod-conmon\0\xff";
	srand(1);
	for (unsigned i = 0; i < 20000; i++) {
		const char *from = rows[(size_t)rand() % (sizeof(rows) / sizeof(rows[0]))].path;
		size_t len = (size_t)rand() % (strlen(from) + 1);
		char *path = malloc(len + 1);
		assert_non_null(path);
		memcpy(path, from, len);
		for (int k = rand() % 4; k && len; k--)
			path[(size_t)rand() % len] = alphabet[(size_t)rand() % sizeof(alphabet)];
		char *tight = realloc(path, len ? len : 1);
		assert_non_null(tight);
		const char *id;
		size_t n;
		if (container_id(tight, len, &id, &n)) {
			assert_true(id >= tight && id + n <= tight + len && n > 0 && n <= 76);
			assert_null(memchr(id, '/', n));
		}
		free(tight);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(unset_without_id),
		cmocka_unit_test(hostile),
	};
	return cmocka_run_group_tests_name("container", tests, NULL, NULL);
}
