#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""deploy/kubernetes and deploy/Containerfile: the container that they describe watches its host.

runc runs it, with what manifest.py reads out of the DaemonSet. There is no registry, so the root
directory is made of the program and the libraries that it is linked with here.
"""
import atexit
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time

from sensor import (OUT, PATIENCE, REDSHANK, ROOT, TRIGGERS, Lines, Trigger, directory, get, start,
                    until)
from tap import Skip, equal, run, test

DEPLOY = os.path.join(ROOT, "deploy")
CONTAINERFILE = os.path.join(DEPLOY, "Containerfile")
CGROUP = f"redshank-test-{os.getpid()}"
HIGH = 73  # event.severity of level high
STOP_MAX = 2


def output(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def status_of(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def possible_capabilities():
    """Names of those that this machine can give; a virtual machine may itself have been given few."""
    with open("/usr/include/linux/capability.h") as f:
        numbers = re.findall(r"^#define (CAP_\w+)\s+(\d+)$", f.read(), re.M)
    have = int(status_of("self")["CapBnd"], 16)
    return {name for name, number in numbers if have >> int(number) & 1}


def copy_program(root):
    """The program where the image has it, and its libraries where it has them here."""
    for path in [REDSHANK, *re.findall(r"(/\S+) \(0x", output("ldd", REDSHANK))]:
        to = "/usr/sbin/redshank" if path == REDSHANK else path
        os.makedirs(root + os.path.dirname(to), exist_ok=True)
        shutil.copy(path, root + to)


def remove_cgroups():
    """runc removes a container's cgroup, not those above it."""
    for top, below, _ in os.walk("/sys/fs/cgroup"):
        if CGROUP in below:
            for path, _, _ in os.walk(os.path.join(top, CGROUP), topdown=False):
                os.rmdir(path)
            below.remove(CGROUP)


class Container:
    """One that runc runs."""

    def __init__(self, id, pod, inside=()):
        self.id = id
        self.dir = directory()
        os.chmod(self.dir, 0o755)
        self.runc = [*inside, "runc", "--root", os.path.join(self.dir, "runc")]
        self.root = os.path.join(self.dir, "rootfs")
        for path in "proc", "sys", "dev", "etc", "run", "var/lib", "tmp":
            os.makedirs(os.path.join(self.root, path))
        subprocess.run(["runc", "spec"], cwd=self.dir, check=True)
        with open(os.path.join(self.dir, "config.json")) as f:
            self.spec = json.load(f)
        self.spec["process"]["terminal"] = False
        self.spec["hostname"] = "a-container"
        self.spec["linux"]["cgroupsPath"] = f"/{CGROUP}/kubepods/burstable/pod{pod}/{id}"

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self):
        with open(self.path("config.json"), "w") as f:
            json.dump(self.spec, f)
        with open(self.path("stdout"), "wb") as stdout, open(self.path("stderr"), "wb") as stderr:
            self.process = start([*self.runc, "run", "--bundle", self.dir, self.id],
                                 stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        atexit.register(self.kill)
        self.pid = until(self.running, "container")

    def running(self):
        assert self.process.poll() is None, f"the container ended: {self.stderr()}"
        state = subprocess.run([*self.runc, "state", self.id], capture_output=True, text=True)
        found = json.loads(state.stdout) if state.returncode == 0 else {}
        return found.get("status") == "running" and found["pid"]

    def stderr(self):
        with open(self.path("stderr"), errors="replace") as f:
            return f.read()

    def exec(self, *argv):
        return subprocess.run([*self.runc, "exec", self.id, *argv], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE)

    def kill(self):
        subprocess.run([*self.runc, "delete", "--force", self.id], capture_output=True)


class Node:
    """This machine, with the DaemonSet's pod on it."""

    def __init__(self):
        atexit.register(remove_cgroups)  # the first registered is the last to run
        self.expected = set()  # pids of programs that had to be alerted

    def load(self):
        from manifest import Pod, kustomized
        self.pod = Pod(kustomized(os.path.join(DEPLOY, "kubernetes")), CONTAINERFILE)

    def start_sensor(self, inside=()):
        self.sensor = Container(secrets.token_hex(32), "11111111-2222-3333-4444-555555555555",
                                inside)
        self.scratch = directory()
        os.chmod(self.scratch, 0o755)
        copy_program(self.sensor.root)
        self.possible = possible_capabilities()
        self.pod.fill(self.sensor.spec, self.scratch, self.possible)
        self.sensor.start()
        self.lines = Lines(self.sensor.path("stdout"))
        probe = self.pod.container["startupProbe"]
        until(lambda: self.sensor.running() and
              self.sensor.exec(*probe["exec"]["command"]).returncode == 0, "startup probe",
              probe["periodSeconds"] * probe["failureThreshold"])

    def alert(self, pid):
        self.expected.add(pid)
        return self.lines.wait(kind="alert", pid=pid)


@test
def manifests(node):
    """kustomization.yaml names every manifest; names and namespaces agree; the version is ours."""
    node.load()
    objects = node.pod.objects
    for kind, o in objects.items():
        assert o["apiVersion"] and o["metadata"]["name"] == "redshank", o
        equal(o["metadata"].get("namespace"), None if kind == "Namespace" else "redshank", kind)
    spec = objects["DaemonSet"]["spec"]
    equal(spec["selector"]["matchLabels"], spec["template"]["metadata"]["labels"], "labels")
    with open(os.path.join(ROOT, "VERSION")) as f:
        equal(node.pod.container["image"], "redshank:" + f.read().strip(), "image")
    mounts = [m["name"] for m in node.pod.container["volumeMounts"]]
    equal(sorted(mounts), sorted(v["name"] for v in node.pod.pod["volumes"]), "volumes")


@test
def image(node):
    """The image has each package that a library of the program comes from."""
    if not shutil.which("dpkg-query"):
        raise Skip("needs a Debian, as the image is one")
    with open(CONTAINERFILE) as f:
        last_stage = f.read().split("\nFROM ")[-1]
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", output("readelf", "-d", REDSHANK))
    where = dict(re.findall(r"(\S+) => (\S+)", output("ldd", REDSHANK)))
    for soname in needed:
        if soname in ("libc.so.6", "libm.so.6"):  # every image has them
            continue
        # Other packages have files of the same name, for other architectures. /lib may be a link
        # to /usr/lib, and the package know the file by either.
        path = os.path.realpath(where[soname])
        package = ""
        for name in path, path.removeprefix("/usr"):
            owners = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True).stdout
            package = package or owners.split(":")[0]
        assert package and re.search(rf"\b{re.escape(package)}\b", last_stage), \
            f"{soname} is in package {package or '?'}, which the image does not install"


@test
def starts(node):
    """The container starts with the manifest's capabilities and mounts, and every hook is seen."""
    # It runs before the sensor: what is known of it comes from the inventory.
    node.older = start(["sh", "-c", 'read -r go; "$@"; :', "ran-before-the-sensor",
                        os.path.join(TRIGGERS, "memfd_exec"), "execveat", "exit"],
                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    node.start_sensor()
    for hook in "fork", "exec", "exit", "proc":
        assert re.search(rf"^ *{hook} +seen by \S+ +fired$", node.sensor.stderr(), re.M), \
            node.sensor.stderr()
    assert "NOT SEEN" not in node.sensor.stderr(), node.sensor.stderr()


@test
def confined(node):
    """It has these capabilities and no others, no new privileges, a root that it can't write to."""
    status = status_of(node.sensor.pid)
    with open("/usr/include/linux/capability.h") as f:
        bit = {n: int(v) for n, v in re.findall(r"^#define (CAP_\w+)\s+(\d+)$", f.read(), re.M)}
    want = sum(1 << bit[name] for name in node.pod.capabilities() & node.possible)
    equal({k: int(status[k], 16) for k in ("CapEff", "CapPrm", "CapBnd")},
          {"CapEff": want, "CapPrm": want, "CapBnd": want})
    equal((status["NoNewPrivs"], status["Uid"].split()[0]), ("1", "0"))
    with open(f"/proc/{node.sensor.pid}/mountinfo") as f:
        root = [line.split()[5] for line in f if line.split()[4] == "/"]
    assert root and root[-1].split(",")[0] == "ro", root


@test
def host(node):
    """A program run from a memfd on the host is one JSON line on standard output."""
    with Trigger("memfd_exec", "execveat") as t:
        pid = t.pid
    alert = node.alert(pid)
    equal(get(alert, "rule.id"), "redshank.fileless.memfd_exec")
    equal(get(alert, "event.severity"), HIGH)
    equal(get(alert, "process.args"), ["kworker/0:1", "payload", "exit"])
    equal(get(alert, "container.id"), None)


@test
def own_copy(node):
    """What runc does is no alert, also where another user than root runs it."""
    if not os.path.samefile("/proc/2/root", "/"):
        raise Skip("our root is not the host's, where the sensor looks for files")
    home = directory()
    program = shutil.copy(os.path.join(TRIGGERS, "reexec_sealed"), home)
    os.chmod(home, 0o711)  # root's: of what users installed themselves, a copy proves nothing
    with Trigger("setpriv", "--reuid=nobody", "--clear-groups", program, "honest",
                 program=shutil.which("setpriv")) as copy:
        with Trigger("memfd_exec", "execveat") as t:
            pid = t.pid
        node.alert(pid)  # what was before it has been judged
        equal(node.lines.alerts(copy.pid), [], "alerts")


@test
def inventory(node):
    """Processes that ran before the sensor are known with their arguments."""
    node.older.stdin.write("go\n")
    node.older.stdin.close()
    pid = json.loads(node.older.stdout.readline())["pid"]
    node.older.wait(PATIENCE)
    alert = node.alert(pid)
    assert "ran-before-the-sensor" in json.dumps(get(alert, "process.parent.args")), alert


@test
def other_container(node):
    """A program run from a memfd in another container: the alert has that container's id."""
    other = Container(secrets.token_hex(32), "66666666-7777-8888-9999-aaaaaaaaaaaa")
    os.makedirs(other.root + "/bin")
    shutil.copy(os.path.join(TRIGGERS, "memfd_exec"), other.root + "/bin/")
    shutil.copy(shutil.which("busybox"), other.root + "/bin/busybox")
    other.spec["process"]["args"] = ["/bin/busybox", "sleep", "1000"]
    other.start()
    done = other.exec("/bin/memfd_exec", "procfd", "exit")
    equal(done.returncode, 0, done.stderr)
    vpid = json.loads(done.stdout)["pid"]  # as the container counts
    alert = node.lines.wait(kind="alert", where=lambda a: get(a, "container.id") == other.id)
    node.expected.add(get(alert, "process.pid"))
    equal(get(alert, "process.vpid"), vpid)
    other.kill()


@test
def probed(node):
    """The liveness probe's command answers in time; a probe is no alert."""
    probe = node.pod.container["livenessProbe"]
    for _ in range(3):
        begin = time.monotonic()
        done = node.sensor.exec(*probe["exec"]["command"])
        assert time.monotonic() - begin < probe["timeoutSeconds"]
        equal(done.returncode, 0, done.stderr)
    with Trigger("memfd_exec", "execveat") as t:
        pid = t.pid
    node.alert(pid)  # what was before it has been judged
    lines = node.lines.more()
    equal({get(line, "event.kind") for line in lines}, {"alert"}, "kinds of lines")
    equal([line for line in lines if "runc" in get(line, "message")], [], "alerts about runc")


@test
def stopped(node):
    """SIGTERM ends it within 2 s with status 0; its alerts are in the node's state directory."""
    begin = time.monotonic()
    subprocess.run([*node.sensor.runc, "kill", node.sensor.id, "TERM"], check=True)
    equal(node.sensor.process.wait(PATIENCE), 0, node.sensor.stderr())
    took = time.monotonic() - begin
    assert took < STOP_MAX, f"{took:.1f} s"
    store = node.scratch + "/var/lib/redshank/alerts.db"
    kept = [json.loads(l) for l in output(REDSHANK, "alerts", "--store", store, "-o", "json")
            .splitlines()]
    equal([get(a, "event.id") for a in kept], [get(a, "event.id") for a in node.lines.more()])
    assert node.expected <= {get(a, "process.pid") for a in kept}, node.expected


@test
def names(node):
    """Host and users have the names that pid 1 knows them by, not the container's."""
    # A node made for this: on some virtual machines the real pid 1 is closed even to root.
    etc = directory()
    for name, text in (("hostname", "node-1"), ("machine-id", "0123456789abcdef" * 2),
                       ("passwd", "toor:x:0:0::/:/bin/sh")):
        with open(os.path.join(etc, name), "w") as f:
            f.write(text + "\n")
    first = start(["unshare", "--fork", "--kill-child", "--pid", "--mount-proc", "sh", "-ec",
                   'for name in *; do mount --bind "$name" "/etc/$name"; done; echo ready; read -r end'],
                  cwd=etc, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert first.stdout.readline() == "ready\n"
    with open(f"/proc/{first.pid}/task/{first.pid}/children") as f:
        inside = ["nsenter", "-t", f.read().strip(), "-p", "-m"]
    node.start_sensor(inside)
    with Trigger("nsenter", *inside[1:], os.path.join(TRIGGERS, "memfd_exec"), "execveat",
                 program=shutil.which("nsenter")):
        alert = node.lines.wait(kind="alert", where=lambda a: get(a, "user.name") == "toor")
    equal(get(alert, "host.name"), "node-1")
    equal(get(alert, "host.id"), "0123456789abcdef" * 2)
    node.sensor.kill()
    first.stdin.close()
    first.wait(PATIENCE)


def missing():
    if os.geteuid():
        return "needs root"
    absent = [p for p in ("runc", "busybox") if not shutil.which(p)]
    try:
        import yaml  # noqa: F401
    except ImportError:
        absent.append("python3-yaml")
    return f"needs {' '.join(absent)}" if absent else None


if __name__ == "__main__":
    why = missing()
    if why:
        print(f"1..0 # SKIP {why}")
        sys.exit(0)
    sys.exit(run(Node()))
