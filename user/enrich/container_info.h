/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Name and image of a container, from the files that runtimes keep about it on the host: no runtime
 * is asked, nothing is sent. Of the live machine only.
 *
 * Docker, containerd (as kubelet and nerdctl use it), CRI-O, podman. Only files of root count:
 * those of rootless containers are their user's, who may write into them what he likes.
 */
#ifndef REDSHANK_ENRICH_CONTAINER_INFO_H
#define REDSHANK_ENRICH_CONTAINER_INFO_H

#include <stddef.h>

#define CONTAINER_INFO_ENTRIES 1024 /* containers that are remembered */
#define CONTAINER_INFO_FILE    (4U << 20) /* a larger file is not read */

struct container_info {
	char name[128];
	char image[256]; /* as it was asked for, "docker.io/library/nginx:1.25"; "": not known */
	char image_name[256], image_tag[128]; /* its parts; a digest is no tag */
	char image_id[128]; /* "sha256:…" */
};

/* From now on containers are looked up, below this root; NULL: the host's, wherever we run. */
void container_info_enable(const char *root);

/*
 * What is known of the container with this id; NULL if nothing is. Looked up once; again a few
 * times where there was nothing, as runtimes write late. Valid until the next call.
 */
const struct container_info *container_info(const char *id, size_t len);

#endif
