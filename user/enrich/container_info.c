/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runtimes' files about containers. A container's id is of letters, digits and single separators
 * (container.h), so a path made with it leads nowhere else.
 */
#include "enrich/container_info.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"

#define ID_MAX	 76 /* container.c */
#define TRIES	 5 /* and as many seconds, for a container that nothing is known of */
#define PATH_CAP 512

struct entry {
	char id[ID_MAX + 1];
	bool found;
	unsigned tries;
	uint64_t next; /* CLOCK_MONOTONIC ns */
	struct container_info info;
};

/* Used by the pipeline's thread only. */
static struct {
	bool enabled;
	char root[PATH_CAP];
	struct entry
		entry[CONTAINER_INFO_ENTRIES]; /* by hash of the id: a newer one takes the place */
} known;

/* --- reading --- */

static json_t *parse(int fd)
{
	struct stat st;
	json_t *j = NULL;
	char *text = NULL;
	size_t len = 0;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || (st.st_uid && st.st_uid != geteuid()) ||
	    st.st_mode & S_IWOTH || st.st_size <= 0 || st.st_size > CONTAINER_INFO_FILE)
		return NULL;
	text = malloc((size_t)st.st_size);
	while (text && len < (size_t)st.st_size) {
		ssize_t n = read(fd, text + len, (size_t)st.st_size - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	if (text)
		j = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	return j;
}

static json_t *load(const char *format, const char *id)
{
	char path[2 * PATH_CAP + ID_MAX];
	int n = snprintf(path, sizeof(path), "%s", known.root);

	snprintf(path + n, sizeof(path) - (size_t)n, format, id);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	if (fd < 0)
		return NULL;
	json_t *j = parse(fd);
	close(fd);
	return j;
}

/* A text that fits; else nothing: half a name would be another one's. */
static void take(char *to, size_t cap, const json_t *text)
{
	const char *s = json_string_value(text);

	if (s && *s && strlen(s) < cap)
		snprintf(to, cap, "%s", s);
}

#define TAKE(to_, text_) take(to_, sizeof(to_), text_)

/* --- what runtimes write --- */

static void of_docker(const json_t *j, const char *id, struct container_info *ret)
{
	(void)id;
	TAKE(ret->name, json_object_get(j, "Name"));
	if (*ret->name == '/')
		memmove(ret->name, ret->name + 1, strlen(ret->name));
	TAKE(ret->image, json_object_get(json_object_get(j, "Config"), "Image"));
	TAKE(ret->image_id, json_object_get(j, "Image"));
}

/*
 * The annotations of an OCI runtime's config.json: those that who calls the runtime sets himself.
 * (An image's labels may become annotations too, and say what the image's author likes.)
 */
static void of_oci(const json_t *j, const char *id, struct container_info *ret)
{
	static const char *const names[] = { "io.kubernetes.cri.container-name",
					     "io.kubernetes.container.name", "nerdctl/name" };
	static const char *const images[] = { "io.kubernetes.cri.image-name",
					      "io.kubernetes.cri-o.ImageName", "nerdctl/image" };
	const json_t *a = json_object_get(j, "annotations");

	(void)id;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !*ret->name; i++)
		TAKE(ret->name, json_object_get(a, names[i]));
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]) && !*ret->image; i++)
		TAKE(ret->image, json_object_get(a, images[i]));
	TAKE(ret->image_id, json_object_get(a, "io.kubernetes.cri-o.ImageRef"));
}

/* containers/storage's list (podman, CRI-O): the image's name is in JSON within a text. */
static void of_storage(const json_t *j, const char *id, struct container_info *ret)
{
	const json_t *c;
	size_t i;

	json_array_foreach(j, i, c)
	{
		const char *other = json_string_value(json_object_get(c, "id"));
		if (!other || strcmp(other, id))
			continue;
		const char *text = json_string_value(json_object_get(c, "metadata"));
		json_t *m = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
		TAKE(ret->name, json_array_get(json_object_get(c, "names"), 0));
		TAKE(ret->image, json_object_get(m, "image-name"));
		TAKE(ret->image_id, json_object_get(c, "image"));
		json_decref(m);
	}
}

static const struct {
	const char *path; /* with the id */
	void (*read)(const json_t *j, const char *id, struct container_info *ret);
} places[] = {
	{ "/var/lib/docker/containers/%s/config.v2.json", of_docker },
	{ "/var/lib/containers/storage/overlay-containers/containers.json", of_storage },
	{ "/var/lib/containers/storage/vfs-containers/containers.json", of_storage },
	{ "/run/containers/storage/overlay-containers/%s/userdata/config.json", of_oci },
	{ "/run/containerd/io.containerd.runtime.v2.task/k8s.io/%s/config.json", of_oci },
	{ "/run/containerd/io.containerd.runtime.v2.task/default/%s/config.json", of_oci },
	{ "/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/%s/config.json", of_oci },
};

/* NAME[:TAG][@DIGEST], into what is empty yet; a port belongs to the registry, before the last
 * slash. */
static void split_image(struct container_info *c)
{
	size_t len = strcspn(c->image, "@");
	const char *slash = memrchr(c->image, '/', len);
	const char *from = slash ? slash : c->image;
	const char *colon = memchr(from, ':', len - (size_t)(from - c->image));
	size_t name = colon ? (size_t)(colon - c->image) : len;

	memcpy(c->image_name, c->image, name);
	if (colon && len - name - 1 < sizeof(c->image_tag))
		memcpy(c->image_tag, colon + 1, len - name - 1);
}

static bool look_up(const char *id, struct container_info *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !*ret->image; i++) {
		json_t *j = load(places[i].path, id);
		if (j)
			places[i].read(j, id, ret);
		json_decref(j);
	}
	split_image(ret);
	return *ret->name || *ret->image || *ret->image_id;
}

/* --- interface --- */

void container_info_enable(const char *root)
{
	struct stat own, host;

	for (unsigned i = 0; i < CONTAINER_INFO_ENTRIES; i++)
		if (*known.entry[i].id)
			memset(&known.entry[i], 0, sizeof(known.entry[i]));
	known.enabled = true;
	*known.root = '\0';
	if (root)
		snprintf(known.root, sizeof(known.root), "%s", root);
	else if (!stat("/proc/self/ns/mnt", &own) && !stat("/proc/1/ns/mnt", &host) &&
		 own.st_ino != host.st_ino)
		snprintf(known.root, sizeof(known.root), "/proc/1/root");
}

const struct container_info *container_info(const char *id, size_t len)
{
	if (!known.enabled || !len || len > ID_MAX || memchr(id, '/', len))
		return NULL;
	uint64_t h = hash_bytes(HASH_INIT, id, len);
	struct entry *e = &known.entry[(h ^ h >> 32) % CONTAINER_INFO_ENTRIES];

	if (strlen(e->id) != len || memcmp(e->id, id, len)) {
		memset(e, 0, sizeof(*e));
		memcpy(e->id, id, len);
	}
	if (!e->found && e->tries < TRIES && clock_monotonic() >= e->next) {
		e->tries++;
		e->next = clock_monotonic() + NSEC_PER_SEC;
		e->found = look_up(e->id, &e->info);
	}
	return e->found ? &e->info : NULL;
}
