#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same events on each kernel, whichever variant of its hooks brings them: as variants.json has
them, but for the fields listed here.

usage: tests/live/test_variants.py [--update]
"""
import difflib
import functools
import json
import os
import re
import subprocess
import sys

from sensor import OUT, PATIENCE, REDSHANK, ROOT, TRIGGERS, Sensor, get, start, until
from tap import equal, run, test

GOLDEN = os.path.join(ROOT, "tests/live/variants.json")

# What happens: all of it below one shell, one after the other.
SCRIPT = """
cd /
exec_facts exit 7
exec_facts signal 9
exec_facts threads 4 3
memfd_exec procfd cloexec exit
memfd_exec script
memfd_exec threadself cloexec exit
mem_exec wx none
mem_exec wtox socket
mem_exec wtox fork
mem_exec memfd none
shell=000000$$ shell=${shell#"${shell%???????}"}  # of seven digits always
reach attach $shell
reach seize $shell
reach getfd $shell
reach traceme
reach bpf
reach open /proc/sys/kernel/core_pattern
reach setuid
reach unshare
reach mount
/bin/sh -c 'printf rs-renamed >/proc/$$/comm; read line'
exit 0
"""

# Of this moment and this machine; a pattern matches whole names. Here only that they are there counts.
ANY = re.compile(r"""@timestamp|event\.(id|sequence)|host|ecs\.version
    |process\.(pid|vpid|entity_id|start)|process\.thread\.id
    |process\.parent\.(pid|entity_id|start)|process\.(group_leader|session_leader)\.pid
    |redshank\.(seq|cpu)|redshank\.ns\.(pid|mnt|net|uts|ipc|cgroup|user|time)|redshank\.exec\.time|redshank\.alert\.(id|seq)|redshank\.cgroup\.(id|path)
    |redshank\.loader\.(dev|inode)
    |redshank\.map\.(address|ip|dev|inode)|redshank\.alert\.evidence\.redshank\.map\.(address|ip)
    |redshank\.access\.address|redshank\.access\.target\.(entity_id|pid|tid|pidns|start)
    |redshank\.bpf\.id|redshank\.story
    |redshank\.exe\.(dev|inode|size|ctime|mtime|uid|gid)|redshank\.std(in|out)\.inode
    |redshank\.ancestors|redshank\.alert\.evidence\.redshank\.exe\.(size|inode|dev)
    |process\.thread\.capabilities\.(effective|permitted)""", re.X)
# Some machines have them and some not: who logged in, containers, a terminal. Whether a file could
# still be compared is a matter of time.
DROPPED = re.compile(r"redshank\.(login|container)|container|process\.(tty|interactive)"
                     r"|redshank\.exe\.same_content|redshank\.alert\.evidence\.redshank\.exe\.same_content"
                     r"|redshank\.capabilities\.inheritable"
                     r"|redshank\.map\.protection_before"  # seen before it is done, not after it
                     r"|redshank\.creds\.old_(uid|euid)"
                     # what was written, and what else is open, is this run's
                     r"|redshank\.exec\.written|redshank\.(fd|parent)|process\.hash|redshank\.exe\.hash_missing"
                     r"|redshank\.(script|unseen)")  # not all kernels show it; looked at for itself


# O_LARGEFILE, which each open has: another bit on each architecture (asm/fcntl.h); Python's is 0.
LARGE_FILE = 0o400000 if os.uname().machine == "aarch64" else 0o100000


def normal(value, name=""):
    if name == "redshank.open.flags":
        return hex(int(value, 16) & ~LARGE_FILE)
    if isinstance(value, dict):
        kept = {k: normal(v, f"{name}.{k}" if name else k) for k, v in value.items()
                if not DROPPED.fullmatch(f"{name}.{k}" if name else k)}
        return "*" if ANY.fullmatch(name) else kept
    if ANY.fullmatch(name):
        return "*"
    if isinstance(value, list):
        return [normal(v, name) for v in value if v != "fresh"]
    if isinstance(value, str):
        if name.endswith("working_directory") and value == os.getcwd():
            return "/CWD"
        value = value.replace(SCRIPT, "SCRIPT").replace(TRIGGERS, "/TRIGGERS").replace(os.path.realpath("/bin/sh"), "/bin/sh")
        return re.sub(r"/proc/\d+/", "/proc/PID/", value)
    return value


def events(config):
    """What a sensor says of the script, normalised; where it says that scripts were, and whether it
    says that it can't."""
    sensor = Sensor(config=config)
    env = {"PATH": f"{TRIGGERS}:/usr/bin:/bin"}
    shell = start(["/bin/sh", "-c", SCRIPT], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                  stderr=subprocess.DEVNULL, env=env, start_new_session=True)
    shell.wait(PATIENCE)
    until(lambda: sensor.find("rename", where=lambda e: get(e, "process.name") == "rs-renamed"),
          "the change of a name")
    shell_entity = sensor.sync().entity(shell.pid)
    seen = [e for e in sensor.more() if get(e, "process.parent.entity_id") == shell_entity]
    for event in seen:  # who a process is: before the call or after it
        if get(event, "event.action") in ("creds", "ns"):
            for owner, name in (event, "user"), (event["process"], "user"), (event["process"], "real_user"):
                owner.pop(name, None)
    seen.sort(key=lambda e: get(e, "@timestamp"))  # they come by two rings
    equal(sensor.stop()[0], 0)
    text = "".join(json.dumps(normal(e), indent="\t", sort_keys=True) + "\n" for e in seen)
    text = re.sub(rf"\b0*{shell.pid}\b", "SHELL", text)
    scripts = {(get(e, "redshank.script.origin"), *get(e, "redshank.unseen", []))
               for e in seen if get(e, "redshank.exec.interpreter")}
    others = [e for e in seen if not get(e, "redshank.exec.interpreter")]
    equal([e for e in others if set(get(e, "redshank.unseen", [])) - {"path"}], [],
          "records that lack something")
    return text, scripts


@functools.cache
def probe():
    """What `redshank probe` says; where it takes long, a file that has it already."""
    path = os.environ.get("REDSHANK_PROBE")
    if path:
        with open(path) as f:
            return json.load(f)
    return json.loads(subprocess.run([REDSHANK, "probe", "-o", "json"], capture_output=True,
                                     text=True, timeout=PATIENCE).stdout)


def nth_variants(n):
    """What to force to have each hook's n-th variant of those that work here; None if it is no other
    than the one before."""
    chosen, other = [], n == 0
    silent = {v["variant"].split("__")[1] for t in probe()["program_types"] for v in t["variants"]
              if not v["fired"]}
    for hook in probe()["hooks"]:
        # The shared program is chosen for all of its hooks or for none: that each of them was seen
        # to fire is a matter of what else goes on.
        caused = any(v["fired"] and not v["variant"].startswith("calls__") for v in hook["variants"])
        works = [v["variant"] for v in hook["variants"] if v["fired" if caused else "attached"]
                 and v["variant"].split("__")[1] not in silent]
        if works:
            other |= n < len(works)
            kind = works[min(n, len(works) - 1)].split("__")[1]
            chosen.append(f"{hook['hook']}={kind}")
    return ",".join(chosen) if other else None


def by_variants(hooks, which):
    def body(_):
        with open(GOLDEN) as f:
            want = f.read()
        got, scripts = events(f'kernel:\n  hooks: "{hooks}"\n')
        assert got == want, "\n".join(difflib.unified_diff(
            want.splitlines(), got.splitlines(), "variants.json", hooks, lineterm="", n=4))
        equal(scripts, {("memfd",) if "script=" in hooks else (None, "script")},
              "where the script was, or that it was not seen")

    body.__name__ = which.split()[0]
    body.__doc__ = f"The same events by the {which} variant of each hook"
    return test(body)


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        with open(GOLDEN, "w") as file:
            file.write(events(None)[0])
        sys.exit()
    # As many tests as there are variants here: two where only tracepoints work, up to four elsewhere.
    for rank, which in enumerate(("best", "second best", "third best", "fourth best")):
        hooks = nth_variants(rank)
        if hooks:
            by_variants(hooks, which)
    sys.exit(run(None))
