/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's types, reduced to those that the BPF object names. libbpf looks through all of the
 * kernel's (some 100,000) for each of ours, which takes more time than all else of a start.
 */
#ifndef REDSHANK_SOURCE_BPF_BTF_H
#define REDSHANK_SOURCE_BPF_BTF_H

#include <stddef.h>

struct bpf_object;

/*
 * path: a BTF file; NULL: the running kernel's own. Sets a path of the reduced file, in memory and
 * there as long as this process, for bpf_object_open_opts.btf_custom_path. 0 or negative errno:
 * then the whole one is to be used, which differs in nothing but time.
 */
int bpf_btf_reduce(const struct bpf_object *o, const char *path, char *ret_path, size_t cap);

#endif
