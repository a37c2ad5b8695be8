/* SPDX-License-Identifier: Apache-2.0 */
/* Which container a process is in, told from the path of its cgroup alone: no runtime is asked. */
#ifndef REDSHANK_ENRICH_CONTAINER_H
#define REDSHANK_ENRICH_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Finds the container id in a cgroup path (as /proc/PID/cgroup shows it behind the second colon).
 * Of nested containers the innermost counts. False if there is none: the helper cgroups of conmon,
 * and names that a runtime did not make unmistakable (runc and ctr take any name).
 * *ret_id points into cgpath. Any bytes are safe.
 */
bool container_id(const char *cgpath, size_t len, const char **ret_id, size_t *ret_len);

/*
 * Best guess of what runs that container: "docker", "podman", "cri-o", "containerd"; "" where the
 * path does not tell (kubelet's cgroupfs layout) or there is no container. Static.
 */
const char *container_runtime(const char *cgpath, size_t len);

#endif
