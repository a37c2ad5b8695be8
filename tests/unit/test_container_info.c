/* SPDX-License-Identifier: Apache-2.0 */
/* Files as runtimes write them, and as nobody should believe them. */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "enrich/container_info.h"

#define ID    "4f1b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85"
#define OTHER "5f1b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85"

static char root[64];

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/redshank-test.XXXXXX");
	if (!mkdtemp(root))
		return -1;
	container_info_enable(root);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* path: from the root, with its directories. */
static const char *write_file(const char *path, const char *text, size_t len)
{
	static char full[512];

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *c = full + strlen(root) + 1; (c = strchr(c, '/')); c++) {
		*c = '\0';
		assert_true(!mkdir(full, 0755) || errno == EEXIST);
		*c = '/';
	}
	FILE *f = fopen(full, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	return full;
}

static const struct container_info *of(const char *id)
{
	return container_info(id, strlen(id));
}

static void expect(const char *id, const char *name, const char *image, const char *image_name,
		   const char *tag, const char *image_id)
{
	const struct container_info *c = of(id);

	assert_non_null(c);
	assert_string_equal(c->name, name);
	assert_string_equal(c->image, image);
	assert_string_equal(c->image_name, image_name);
	assert_string_equal(c->image_tag, tag);
	assert_string_equal(c->image_id, image_id);
}

#define DOCKER		    "/var/lib/docker/containers/" ID "/config.v2.json"
#define WRITE(path_, text_) write_file(path_, text_, strlen(text_))

static void docker(void **state)
{
	(void)state;
	WRITE(DOCKER,
	      "{\"StreamConfig\":{},\"State\":{\"Running\":true,\"Pid\":4242},\"ID\":\"" ID
	      "\",\"Created\":\"2026-11-21T10:00:00Z\",\"Path\":\"nginx\",\"Args\":[\"-g\"],"
	      "\"Config\":{\"Hostname\":\"4f1b0c44298f\",\"Env\":[\"PATH=/usr/bin\"],"
	      "\"Image\":\"registry.example.org:5000/web/nginx:1.25\",\"Labels\":{}},"
	      "\"Image\":\"sha256:aa11\",\"Name\":\"/web-1\",\"Driver\":\"overlay2\"}");
	expect(ID, "web-1", "registry.example.org:5000/web/nginx:1.25",
	       "registry.example.org:5000/web/nginx", "1.25", "sha256:aa11");
	/* It is known from now on. */
	char full[512];
	snprintf(full, sizeof(full), "%s" DOCKER, root);
	assert_int_equal(unlink(full), 0);
	assert_non_null(of(ID));
	assert_null(of(OTHER));
}

static void containerd_of_kubelet(void **state)
{
	(void)state;
	WRITE("/run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID "/config.json",
	      "{\"ociVersion\":\"1.1.0\",\"process\":{\"args\":[\"/pause\"]},\"annotations\":{"
	      "\"io.kubernetes.cri.container-name\":\"app\","
	      "\"io.kubernetes.cri.container-type\":\"container\","
	      "\"io.kubernetes.cri.image-name\":\"docker.io/library/app@sha256:0011\","
	      "\"io.kubernetes.cri.sandbox-id\":\"" OTHER "\"}}");
	expect(ID, "app", "docker.io/library/app@sha256:0011", "docker.io/library/app", "", "");
}

static void crio(void **state)
{
	(void)state;
	WRITE("/run/containers/storage/overlay-containers/" ID "/userdata/config.json",
	      "{\"annotations\":{\"io.kubernetes.container.name\":\"db\","
	      "\"io.kubernetes.cri-o.ImageName\":\"quay.io/x/db:16\","
	      "\"io.kubernetes.cri-o.ImageRef\":\"sha256:bb22\"}}");
	expect(ID, "db", "quay.io/x/db:16", "quay.io/x/db", "16", "sha256:bb22");
}

static void podman(void **state)
{
	(void)state;
	WRITE("/var/lib/containers/storage/overlay-containers/containers.json",
	      "[{\"id\":\"" OTHER "\",\"names\":[\"other\"],\"image\":\"cc33\",\"metadata\":"
	      "\"{\\\"image-name\\\":\\\"localhost/other:9\\\"}\"},"
	      "{\"id\":\"" ID "\",\"names\":[\"mine\"],\"image\":\"dd44\",\"layer\":\"x\","
	      "\"metadata\":\"{\\\"image-name\\\":\\\"localhost/mine:1.2\\\","
	      "\\\"image-id\\\":\\\"dd44\\\",\\\"name\\\":\\\"mine\\\"}\"}]");
	expect(ID, "mine", "localhost/mine:1.2", "localhost/mine", "1.2", "dd44");
	expect(OTHER, "other", "localhost/other:9", "localhost/other", "9", "cc33");
}

/* What an image's author can write becomes an annotation with some runtimes. */
static void labels_are_not_believed(void **state)
{
	(void)state;
	WRITE("/run/containers/storage/overlay-containers/" ID "/userdata/config.json",
	      "{\"annotations\":{\"org.opencontainers.image.ref.name\":\"trusted\","
	      "\"org.opencontainers.image.title\":\"trusted\"}}");
	assert_null(of(ID));
}

static void hostile_files(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"null",
		"7",
		"[]",
		"[1, null, {}, {\"id\": 3}]",
		"{\"Config\": 1, \"Name\": [], \"Image\": {}}",
		"{\"Config\": {\"Image\": null}}",
		"{\"Config\": {\"Image\": \"a\"}, \"Config\": {\"Image\": \"b\"}}",
		"{\"Config\": {\"Image\": \"\xff\xfe\"}}",
	};
	static char deep[200000], big[400];
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		container_info_enable(root);
		WRITE(DOCKER, texts[i]);
		WRITE("/var/lib/containers/storage/overlay-containers/containers.json", texts[i]);
		assert_null(of(ID));
	}
	memset(deep, '[', sizeof(deep));
	container_info_enable(root);
	write_file(DOCKER, deep, sizeof(deep));
	assert_null(of(ID));
	/* Half a name would be another's. */
	snprintf(big, sizeof(big), "{\"Name\":\"/n\",\"Config\":{\"Image\":\"%0300d\"}}", 1);
	container_info_enable(root);
	WRITE(DOCKER, big);
	expect(ID, "n", "", "", "", "");
	/* A tag beyond its room is none. */
	snprintf(big, sizeof(big), "{\"Config\":{\"Image\":\"a:%0200d\"}}", 1);
	container_info_enable(root);
	WRITE(DOCKER, big);
	assert_non_null(of(ID));
	assert_string_equal(of(ID)->image_tag, "");
}

/* Not a file of root's (or ours), one that all may write, a link, a directory: not read. */
static void what_is_not_the_runtimes(void **state)
{
	static const char good[] = "{\"Config\":{\"Image\":\"x:1\"}}";
	char elsewhere[512];
	(void)state;
	const char *path = WRITE(DOCKER, good);
	assert_int_equal(chmod(path, 0646), 0);
	assert_null(of(ID));
	assert_int_equal(chmod(path, 0644), 0);
	container_info_enable(root);
	assert_non_null(of(ID));
	if (!geteuid()) {
		assert_int_equal(chown(path, 1000, 1000), 0);
		container_info_enable(root);
		assert_null(of(ID));
		assert_int_equal(chown(path, 0, 0), 0);
	}
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", root);
	assert_int_equal(rename(path, elsewhere), 0);
	assert_int_equal(symlink(elsewhere, path), 0);
	container_info_enable(root);
	assert_null(of(ID));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	container_info_enable(root);
	assert_null(of(ID));
}

static void ids_that_are_none(void **state)
{
	static char long_id[4096];
	(void)state;
	memset(long_id, 'a', sizeof(long_id) - 1);
	assert_null(of(""));
	assert_null(of(long_id));
	assert_null(of("../../../etc"));
}

#define T(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(docker),
		T(containerd_of_kubelet),
		T(crio),
		T(podman),
		T(labels_are_not_believed),
		T(hostile_files),
		T(what_is_not_the_runtimes),
		T(ids_that_are_none),
	};
	return cmocka_run_group_tests_name("container_info", tests, NULL, NULL);
}
