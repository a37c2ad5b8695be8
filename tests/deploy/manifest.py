# SPDX-License-Identifier: Apache-2.0
"""What a kubelet and its runtime make of the DaemonSet, as far as it matters to the sensor.

The input is the manifest as it is shipped: what is tested is what people apply. What is not
understood is an error, so that a new line in the manifest is not left out of the test.
"""
import glob
import json
import os
import re

import yaml

KNOWN = {
    "pod": {"serviceAccountName", "automountServiceAccountToken", "priorityClassName", "hostPID",
            "tolerations", "nodeSelector", "terminationGracePeriodSeconds", "securityContext",
            "containers", "volumes"},
    "container": {"name", "image", "imagePullPolicy", "args", "securityContext", "resources",
                  "startupProbe", "livenessProbe", "volumeMounts"},
    "security": {"privileged", "allowPrivilegeEscalation", "readOnlyRootFilesystem", "runAsUser",
                 "appArmorProfile", "seLinuxOptions", "capabilities"},
}
UNITS = {"Mi": 1 << 20, "Gi": 1 << 30}


def load(path):
    with open(path) as f:
        [document] = yaml.safe_load_all(f)
    return document


def kustomized(directory):
    """All objects that kustomization.yaml names, by kind."""
    names = load(os.path.join(directory, "kustomization.yaml"))["resources"]
    there = {os.path.basename(p) for p in glob.glob(os.path.join(directory, "*.yaml"))}
    assert set(names) == there - {"kustomization.yaml"}, (names, there)
    objects = [load(os.path.join(directory, name)) for name in names]
    by_kind = {o["kind"]: o for o in objects}
    assert len(by_kind) == len(objects), "one object of a kind is expected"
    return by_kind


def known(what, members):
    strange = set(members) - KNOWN[what]
    assert not strange, f"{what}: the test does not know what to do with {strange}"
    return members


def quantity(text):
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", text).groups()
    return int(number) * UNITS[unit]


def entrypoint(containerfile):
    """Of the image's last stage."""
    with open(containerfile) as f:
        [line] = re.findall(r"^ENTRYPOINT (\[.*\])$", f.read(), re.M)
    return json.loads(line)


def bind(source, target, read_only):
    return {"destination": target, "type": "bind", "source": source,
            "options": ["rbind", "rprivate", "ro" if read_only else "rw"]}


def config_volume(data, directory):
    """A ConfigMap's files, behind the two symbolic links that let a kubelet change all at once."""
    version = os.path.join(directory, "..2026_01_01")
    os.makedirs(version)
    os.symlink("..2026_01_01", os.path.join(directory, "..data"))
    for name, text in data.items():
        with open(os.path.join(version, name), "w") as f:
            f.write(text)
        os.symlink(os.path.join("..data", name), os.path.join(directory, name))
    return directory


class Pod:
    def __init__(self, objects, containerfile):
        self.objects = objects
        self.pod = known("pod", objects["DaemonSet"]["spec"]["template"]["spec"])
        [self.container] = self.pod["containers"]
        known("container", self.container)
        self.security = known("security", self.container["securityContext"])
        self.args = entrypoint(containerfile) + self.container["args"]

    def capabilities(self):
        assert self.security["capabilities"]["drop"] == ["ALL"]
        return {"CAP_" + name for name in self.security["capabilities"]["add"]}

    def mounts(self, scratch):
        """Volumes. scratch: a directory that stands for the node's root and the kubelet's own."""
        sources = {}
        for volume in self.pod["volumes"]:
            name = volume["name"]
            if "configMap" in volume:
                config = self.objects["ConfigMap"]
                assert config["metadata"]["name"] == volume["configMap"]["name"]
                sources[name] = config_volume(config["data"], os.path.join(scratch, name))
            elif "hostPath" in volume:
                assert volume["hostPath"]["type"] == "DirectoryOrCreate"
                sources[name] = scratch + volume["hostPath"]["path"]
                os.makedirs(sources[name], mode=0o755)
            else:
                assert volume["emptyDir"]["medium"] == "Memory"
                sources[name] = None
        for mount in self.container["volumeMounts"]:
            source, target = sources[mount["name"]], mount["mountPath"]
            if source:
                yield bind(source, target, mount.get("readOnly", False))
            else:
                yield {"destination": target, "type": "tmpfs", "source": "tmpfs",
                       "options": ["mode=0777"]}

    def fill(self, spec, scratch, possible):
        """Changes a runtime's default specification; possible: capabilities that can be given."""
        process = spec["process"]
        process["terminal"] = False
        process["args"] = self.args
        process["user"] = {"uid": self.security["runAsUser"], "gid": 0}
        process["noNewPrivileges"] = not self.security["allowPrivilegeEscalation"]
        given = sorted(self.capabilities() & possible)
        process["capabilities"] = {s: given for s in ("bounding", "effective", "permitted")}
        spec["root"]["readonly"] = self.security["readOnlyRootFilesystem"]
        spec["mounts"] += self.mounts(scratch)
        linux = spec["linux"]
        linux["resources"]["memory"] = {
            "limit": quantity(self.container["resources"]["limits"]["memory"])}
        if self.pod["hostPID"]:
            linux["namespaces"] = [n for n in linux["namespaces"] if n["type"] != "pid"]
        # Unconfined is what a specification says without a profile.
        assert self.pod["securityContext"]["seccompProfile"]["type"] == "Unconfined"
        assert "seccomp" not in linux and "apparmorProfile" not in process
        assert not self.security["privileged"]
