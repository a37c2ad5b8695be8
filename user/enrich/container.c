/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Container ids in cgroup paths. Every component of the path is looked at, and the last one that
 * names a container wins: a container that runs containers, or systemd, has cgroups of its own
 * below its id. Whoever may make cgroups can make such names; the path tells no more than that.
 */
#include "enrich/container.h"

#include <string.h>

struct span {
	const char *p;
	size_t len;
};

struct found {
	struct span id;
	const char *runtime;
};

/* Names that runtimes give to the cgroup of a container: PREFIX-ID, under systemd with ".scope". */
static const struct {
	const char *prefix, *runtime;
} prefixes[] = {
	{ "docker-", "docker" },
	{ "crio-", "cri-o" },
	{ "cri-containerd-", "containerd" },
	{ "libpod-", "podman" },
};

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool equals(struct span s, const char *str)
{
	return s.len == strlen(str) && !memcmp(s.p, str, s.len);
}

static bool starts(struct span s, const char *str)
{
	return s.len >= strlen(str) && !memcmp(s.p, str, strlen(str));
}

static bool contains(struct span s, const char *str)
{
	return memmem(s.p, s.len, str, strlen(str)) != NULL;
}

static struct span skip(struct span s, size_t n)
{
	return (struct span){ s.p + n, s.len - n };
}

static struct span without_suffix(struct span s, const char *suffix)
{
	size_t n = strlen(suffix);

	if (s.len > n && !memcmp(s.p + s.len - n, suffix, n))
		s.len -= n;
	return s;
}

static bool hex_id(struct span s)
{
	if (s.len != 64)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!is_hex(s.p[i]))
			return false;
	return true;
}

/* containerd's identifiers: letters and digits, single separators between them, at most 76. */
static bool identifier(struct span s)
{
	if (!s.len || s.len > 76 || !is_alnum(s.p[0]) || !is_alnum(s.p[s.len - 1]))
		return false;
	for (size_t i = 1; i < s.len; i++)
		if (!is_alnum(s.p[i]) && (!memchr("._-", s.p[i], 3) || !is_alnum(s.p[i - 1])))
			return false;
	return true;
}

/* A UUID with dashes or underscores, or (static pods) 32 hex digits. */
static bool pod_uid(struct span s)
{
	if (s.len != 36 && s.len != 32)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		bool sep = s.len == 36 && (i == 8 || i == 13 || i == 18 || i == 23);
		if (sep ? s.p[i] != '-' && s.p[i] != '_' : !is_hex(s.p[i]))
			return false;
	}
	return true;
}

/* "pod<uid>", or a slice that ends so: what kubelet puts a pod's containers in. */
static bool is_pod(struct span s)
{
	s = without_suffix(s, ".slice");
	for (size_t n = 32; n <= 36; n += 4)
		if (s.len >= n + 3 && !memcmp(s.p + s.len - n - 3, "pod", 3) &&
		    pod_uid(skip(s, s.len - n)))
			return true;
	return false;
}

/* Does the component name a container? in_pod: it is directly below a pod's cgroup. */
static bool parse(struct span s, struct span parent, bool in_pod, struct found *ret)
{
	static const char mark[] = ":cri-containerd:";
	const char *at = memmem(s.p, s.len, mark, strlen(mark));
	const char *runtime = equals(parent, "docker") ? "docker" : "";

	if (contains(s, "conmon")) /* crio-conmon-ID.scope, libpod-conmon-ID.scope */
		return false;
	if (at) { /* the runtime took systemd's notation for a cgroupfs path */
		size_t before = (size_t)(at - s.p);
		in_pod = is_pod((struct span){ s.p, before });
		s = skip(s, before + strlen(mark));
		runtime = "containerd";
	}
	for (size_t i = 0; !at && i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (!starts(s, prefixes[i].prefix))
			continue;
		s = without_suffix(skip(s, strlen(prefixes[i].prefix)), ".scope");
		runtime = prefixes[i].runtime;
		break;
	}
	if (!hex_id(s) && !(in_pod && identifier(s)))
		return false;
	ret->id = s;
	ret->runtime = runtime;
	return true;
}

static bool find(const char *path, size_t len, struct found *ret)
{
	struct found outer = { { NULL, 0 }, "" };
	struct span parent = { "", 0 };
	bool kube = false, libpod = false; /* below kubelet's root; parent is podman's container */

	ret->id = outer.id;
	ret->runtime = "";
	for (size_t i = 0; i < len;) {
		const char *slash = memchr(path + i, '/', len - i);
		struct span s = { path + i, slash ? (size_t)(slash - path) - i : len - i };
		struct found f;

		i += s.len + 1;
		if (!s.len)
			continue;
		kube = kube || contains(s, "kubepods");
		if (libpod && equals(s, "conmon"))
			*ret = outer; /* podman's helper, in a cgroup beside its container's */
		libpod = false;
		if (parse(s, parent, kube && is_pod(parent), &f)) {
			outer = *ret;
			*ret = f;
			libpod = starts(s, "libpod-");
		}
		parent = s;
	}
	return ret->id.len > 0;
}

bool container_id(const char *cgpath, size_t len, const char **ret_id, size_t *ret_len)
{
	struct found f;

	if (!find(cgpath, len, &f))
		return false;
	*ret_id = f.id.p;
	*ret_len = f.id.len;
	return true;
}

const char *container_runtime(const char *cgpath, size_t len)
{
	struct found f;

	find(cgpath, len, &f);
	return f.runtime;
}
