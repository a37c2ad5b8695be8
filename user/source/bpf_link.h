/* SPDX-License-Identifier: Apache-2.0 */
/* Putting programs to their places, and taking them away again. */
#ifndef REDSHANK_SOURCE_BPF_LINK_H
#define REDSHANK_SOURCE_BPF_LINK_H

#include <stdbool.h>
#include <stdint.h>

struct bpf_program;

/* A program at its place. */
struct hook_link;

/* Where its section says. NULL with errno. */
struct hook_link *hook_attach(struct bpf_program *p);

/*
 * At an offset of a file (bytes from its beginning), in all processes; at_return: of the function
 * there. NULL with errno: EACCES where perf_event_open(2) wants CAP_SYS_ADMIN for it.
 */
struct hook_link *uprobe_attach(struct bpf_program *p, bool at_return, const char *path,
				uint64_t offset);

/* Before load: by which call such a program will be attached has to be said then. */
void uprobe_prepare(struct bpf_program *p);

/* Descriptor of the link: for bpf_iter_create(). */
int hook_link_fd(const struct hook_link *l);
/* Accepts NULL. */
void hook_detach(struct hook_link *l);

#endif
