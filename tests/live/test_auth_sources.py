#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is told of attempts where a source is missing. They are recorded once; the recording is then replayed
without the records of that source, which is what a sensor would have got there."""
import collections
import concurrent.futures
import os
import signal
import struct
import subprocess
import sys

import test_auth_other as other
import test_auth_pam as pam
import test_auth_ssh as ssh
from auth_cases import AT_ONCE, events_of
from auth_world import World, program
from sensor import PATIENCE, REDSHANK, ROOT, Lines, directory, get, start, until
from tap import Skip, equal, run, test

sys.path.insert(0, os.path.join(ROOT, "tests/golden"))
import trim  # noqa: E402

MAGIC = len(trim.MAGIC)
AUDIT, SYSLOG, STDERR = 1, 2, 3  # auth_text.source
TEXT = SYSLOG, STDERR
ATTEMPTS = "login", "become", "authenticate", "command_refused"

# case: (failures, successes) by all sources; and where it differs: by audit alone, by PAM alone, by text alone.
NONE = 0, 0
Row = collections.namedtuple("Row", "all audit pam text")
COUNTS = {
    "ssh.wrong": Row((1, 0), None, None, None),
    "ssh.right": Row((0, 1), None, None, None),
    "ssh.unknown_user": Row((1, 0), None, None, None),
    "ssh.kbdint_wrong": Row((1, 0), None, None, None),
    "ssh.publickey": Row((0, 1), None, None, None),
    "ssh.publickey_fourth": Row((0, 1), None, None, None),
    "ssh.publickey_refused": Row((1, 0), None, NONE, NONE),
    "ssh.wrong_then_right": Row((1, 1), None, None, None),
    "ssh.six_tries": Row((6, 0), None, None, None),
    "ssh.gave_up": Row(NONE, None, None, None),
    "ssh.disconnect": Row(NONE, None, None, None),
    "ssh.scan": Row(NONE, None, None, None),
    "ssh.expired_account": Row((1, 0), None, None, None),
    "ssh.expired_password": Row((0, 1), None, None, None),
    "ssh.locked": Row((3, 0), None, None, None),
    "ssh.without_pam_wrong": Row((1, 0), None, NONE, None),
    "ssh.without_pam_right": Row((0, 1), NONE, NONE, None),
    "ssh.stderr_wrong": Row((1, 0), None, None, None),
    "ssh.host_names": Row((1, 0), None, None, None),
    "ssh.ipv6": Row((1, 1), None, None, None),
    "pam.su_wrong": Row((1, 0), None, None, None),
    "pam.su_right": Row((0, 1), None, None, None),
    "pam.su_unknown_user": Row(NONE, None, None, None),
    "pam.su_of_root": Row(NONE, None, None, None),
    "pam.sudo_wrong": Row((3, 0), None, None, None),
    "pam.sudo_right": Row((0, 1), None, None, None),
    "pam.sudo_without_asking": Row((1, 0), None, NONE, None),
    "pam.login_wrong": Row((1, 0), None, None, None),
    "pam.login_right": Row((0, 1), None, None, None),
    "pam.own_wrong": Row((1, 0), None, None, None),
    "pam.unprivileged_wrong": Row((1, 0), None, None, None),
    "other.dropbear_wrong": Row((1, 0), NONE, NONE, None),
    "other.dropbear_unknown_user": Row((1, 0), NONE, NONE, None),
    "other.dropbear_right": Row((0, 1), NONE, NONE, None),
    "other.dropbear_key_refused": Row(NONE, None, None, None),
    "other.busybox_su_wrong": Row((1, 0), NONE, NONE, None),
    "other.vsftpd_wrong": Row((1, 0), None, None, None),
    "other.proftpd_wrong": Row((1, 0), None, None, None),
    "other.proftpd_unknown_user": Row((1, 0), NONE, NONE, None),
}
actors = {}  # case: who acted


def without(recording, drop):
    """A copy of it without the records that drop(record) is true of."""
    path = os.path.join(directory(), "recording")
    with open(recording, "rb") as f:
        data = f.read()
    texts = next(number for number, layout in trim.LAYOUTS.items() if layout[0] == "auth_text")
    source = next(at for name, _, at in trim.LAYOUTS[texts][1] if name == "source")
    with open(path, "wb") as f:
        f.write(data[:MAGIC])
        at = MAGIC
        while at < len(data):
            size, kind = struct.unpack_from("<IH", data, at)
            key = trim.LAYOUTS[kind][0]
            if not drop(key, struct.unpack_from("<I", data, at + source)[0] if kind == texts else None):
                f.write(data[at:at + size])
            at += size
    return path


def replayed(recording):
    """What a replay of it says."""
    path = os.path.join(directory(), "json")
    with open(path, "wb") as f:
        subprocess.run([REDSHANK, "replay", "-o", "json", recording], stdout=f, check=True,
                       timeout=PATIENCE)
    return Lines(path)


def counts(lines):
    found = {}
    for name, actor in actors.items():
        events = [e for a in (actor if isinstance(actor, list) else [actor]) for e in events_of(lines, a)]
        outcomes = collections.Counter(get(e, "event.outcome") for e in events
                                       if get(e, "redshank.auth.action") in ATTEMPTS)
        found[name] = outcomes["failure"], outcomes["success"]
    return found


def expected(*columns):
    """The counts if these sources are there: the first of them that has the attempts has them right."""
    found = {}
    for name in actors:
        row = COUNTS[name]
        values = [row.all if getattr(row, c) is None else getattr(row, c) for c in columns]
        found[name] = max(values)
    return found


def judge(lines, want):
    got = counts(lines)
    equal({n: c for n, c in got.items() if c != want[n]}, {n: c for n, c in want.items() if c != got[n]},
          "failures and successes")


@test
def all_sources(recording):
    """All sources: what the live sensor says"""
    assert len(actors) > len(COUNTS) / 2, f"only {list(actors)} could act"
    judge(replayed(recording), {name: COUNTS[name].all for name in actors})


@test
def audit_alone(recording):
    """Audit alone: nothing of who does without it"""
    judge(replayed(without(recording, lambda key, source: key == "pam" or source in TEXT)), expected("audit"))


@test
def pam_alone(recording):
    """PAM alone: nothing of who does without it"""
    judge(replayed(without(recording, lambda key, source: key == "auth_text")), expected("pam"))


@test
def text_alone(recording):
    """Text alone: all but refused keys"""
    judge(replayed(without(recording, lambda key, source: key == "pam" or source == AUDIT)), expected("text"))


@test
def without_pam(recording):
    """No probe in libpam: the same as with it"""
    judge(replayed(without(recording, lambda key, source: key == "pam")), expected("audit", "text"))


@test
def without_audit(recording):
    """A kernel without audit: keys that were refused are missing"""
    judge(replayed(without(recording, lambda key, source: source == AUDIT)), expected("pam", "text"))


@test
def without_text(recording):
    """No log: daemons without PAM and audit are missing"""
    judge(replayed(without(recording, lambda key, source: source in TEXT)), expected("audit", "pam"))


def perform(name):
    suite, case = name.split(".")
    try:
        actors[name] = getattr(globals()[suite], case).__wrapped__()
    except Skip:
        pass


if __name__ == "__main__":
    world = World()
    other.make_busybox(world)
    ssh.world = pam.world = other.world = world
    ssh.ports, other.ports = ssh.make_ports(world), other.make_ports(world)
    recording = os.path.join(directory(), "recording")
    recorder = start([REDSHANK, "record", recording], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: os.path.exists(recording) and os.path.getsize(recording) > 1000, "recording")
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(perform, COUNTS))
    size = os.path.getsize(recording)
    mark = start(["/bin/true"])
    mark.wait()
    def marked():
        with open(recording, "rb") as f:
            f.seek(size)
            return struct.pack("<II", mark.pid, mark.pid) in f.read()
    until(marked, "recorded")
    recorder.send_signal(signal.SIGTERM)
    equal(recorder.wait(PATIENCE), 0, "exit status of the recorder")
    world.end()
    sys.exit(run(recording))
