/* SPDX-License-Identifier: Apache-2.0 */
/* What runtimes wrote about a container: the first byte says which of their files it is. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enrich/container_info.h"
#include "fuzz.h"

#define ID    "0c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee0"
#define FILES (sizeof(files) / sizeof(files[0]))

static const char *const files[] = {
	"/var/lib/docker/containers/" ID "/config.v2.json",
	"/var/lib/containers/storage/overlay-containers/containers.json",
	"/run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID "/config.json",
};
static char root[] = "/tmp/fuzz_container_info.XXXXXX";
static int fd[FILES];

static void remove_root(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	must(!system(command));
}

/* The files stay, and are filled anew: an empty one is none. */
static void make_root(void)
{
	char path[512];

	must(mkdtemp(root) == root);
	atexit(remove_root);
	for (size_t i = 0; i < FILES; i++) {
		size_t n = (size_t)snprintf(path, sizeof(path), "%s", root);
		snprintf(path + n, sizeof(path) - n, "%s", files[i]);
		for (char *slash = strchr(path + n + 1, '/'); slash;
		     slash = strchr(slash + 1, '/')) {
			*slash = '\0';
			mkdir(path, 0755);
			*slash = '/';
		}
		fd[i] = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
		must(fd[i] >= 0);
	}
}

#define ended(text_) must(memchr(text_, 0, sizeof(text_)))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct container_info *c;
	int at;

	if (!size)
		return 0;
	if (!fd[0])
		make_root();
	at = fd[*data % FILES];
	must(pwrite(at, data + 1, size - 1, 0) == (ssize_t)size - 1);
	container_info_enable(root);
	c = container_info(ID, sizeof(ID) - 1);
	if (c) {
		ended(c->name);
		ended(c->image);
		ended(c->image_name);
		ended(c->image_tag);
		ended(c->image_id);
		must(!strncmp(c->image, c->image_name, strlen(c->image_name)));
		must(*c->name || *c->image || *c->image_id);
	}
	must(!ftruncate(at, 0));
	return 0;
}
