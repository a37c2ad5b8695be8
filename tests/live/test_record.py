#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recordings: what is recorded as root is replayed, to the same verdict, by anybody."""
import json
import os
import random
import signal
import stat
import struct
import subprocess
import sys

from sensor import PATIENCE, REDSHANK, ROOT, Sensor, Trigger, directory, get, pid_of, start, until
from tap import equal, run, test

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
GOLDEN = os.path.join(ROOT, "tests/golden/memfd-not-utf8.rsk")
MAGIC = 16  # bytes before the first record
DATAERR = 65
USER_NAMES = "user.name", "user.effective.name", "redshank.login.user"


def replay(recording, *args, by=(), env=None):
    with open(recording, "rb") as f:
        return subprocess.run([*by, REDSHANK, "replay", "-o", "json", *args, "-"], stdin=f,
                              capture_output=True, timeout=PATIENCE, env=env)


def without(line, *names):
    """A copy without these members."""
    line = json.loads(json.dumps(line))
    for name in names:
        *path, last = name.split(".")
        inner = line
        for part in path:
            inner = inner.get(part, {})
        inner.pop(last, None)
    return line


class Recorder:
    def __init__(self, *args):
        self.path = os.path.join(directory(), "recording.rsk")
        self.process = start([REDSHANK, "record", *args, self.path], stdin=subprocess.DEVNULL,
                             stderr=subprocess.PIPE)
        until(self.has_now, "recording")

    def has_now(self):
        """Is something recorded that happens now?"""
        assert self.process.poll() is None, self.process.stderr.read()
        mark = start(["/bin/true"])
        mark.wait()
        return self.has(struct.pack("<II", mark.pid, mark.pid))  # pid and tid of a record

    def has(self, data):
        try:
            with open(self.path, "rb") as f:
                return data in f.read()
        except FileNotFoundError:
            return False

    def end(self, how=signal.SIGTERM):
        until(self.has_now, "recorded")
        self.process.send_signal(how)
        equal(self.process.wait(PATIENCE), 0, "exit status")
        return self.path


@test
def same_verdict(_):
    """What a sensor said live, a recording replayed by nobody in particular says too."""
    sensor, recorder = Sensor(), Recorder()
    pids = []
    for trigger, mode, *options in (("memfd_exec", "execveat", "cloexec", "stay"),
                                    ("memfd_exec", "script"), ("reexec_sealed", "honest"),
                                    ("reexec_sealed", "impostor")):
        with Trigger(trigger, mode, *options) as t:
            pids.append(t.pid)
            if mode == "honest":
                sensor.sync()
                until(lambda: recorder.has(b"honest\0again\0"), "recorded")
            else:
                sensor.wait(pid=t.pid, kind="alert")
            until(recorder.has_now, "recorded")
    live = [e for pid in pids for e in sensor.sync().of(pid)]
    path = recorder.end()
    equal(oct(stat.S_IMODE(os.stat(path).st_mode)), "0o600", "mode of the recording")

    done = replay(path, by=NOBODY)
    equal((done.returncode, done.stderr), (0, b""))
    replayed = [json.loads(line) for line in done.stdout.splitlines()]
    again = [e for pid in pids for e in pid.of([e for e in replayed if pid_of(e) == pid])]
    equal([(pid_of(e), e["event"]["kind"], e["event"]["action"]) for e in again],
          [(pid_of(e), e["event"]["kind"], e["event"]["action"]) for e in live])
    # Two sensors number and time what they see each for itself, and an alert's id is made of the
    # time; the replay does not know this machine's user names and files. What led to an alert is told
    # with all of these.
    own = ("process.hash", "redshank.exe.hash_missing", "redshank.story", "@timestamp", "event.id", "event.sequence", "redshank.seq", "redshank.alert.id",
           "redshank.alert.seq", "redshank.exec.time", "redshank.cpu", *USER_NAMES)

    def comparable(line):
        line = without(line, *own)
        for ancestor in get(line, "redshank.ancestors", []):
            ancestor.get("user", {}).pop("name", None)
        line["process"].pop("start"), line["process"]["parent"].pop("start")
        for ancestor in get(line, "redshank.ancestors", []):
            ancestor.pop("start")
        return line
    for one, other in zip(again, live):
        equal(comparable(one), comparable(other))
    levels = [get(e, "redshank.alert.level") for e in again if e["event"]["kind"] == "alert"]
    equal(levels, ["high"] * 3)
    equal(sensor.stop()[0], 0)

    other = replay(path, env=dict(os.environ, TZ="Asia/Kathmandu", LC_ALL="C"))
    equal(other.stdout, done.stdout, "replay by root in another time zone")


@test
def pipes(_):
    """record - | replay - shows live what happens."""
    recorder = start([REDSHANK, "record", "-"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                     stderr=subprocess.DEVNULL)
    player = start([REDSHANK, "replay", "-o", "json", "--alerts-only", "--count", "1", "-"],
                   stdin=recorder.stdout, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    recorder.stdout.close()

    def attack():
        with Trigger("memfd_exec", "execveat"):
            pass
        return player.poll() is not None
    until(attack, "an alert")
    equal(json.loads(player.stdout.read())["event"]["kind"], "alert")
    recorder.terminate()
    assert recorder.wait(PATIENCE) in (0, 74), "a recorder whose reader has left"


@test
def duration(_):
    """record --duration ends by itself, with a whole recording."""
    path = os.path.join(directory(), "recording.rsk")
    done = subprocess.run([REDSHANK, "record", "--duration", "1", path], capture_output=True,
                          text=True, timeout=PATIENCE)
    equal(done.returncode, 0)
    assert f"records in {path}" in done.stderr, done.stderr
    equal(replay(path).returncode, 0)


@test
def truncated(_):
    """A recording cut at any byte is refused with the offset of the record that is not whole."""
    with open(GOLDEN, "rb") as f:
        whole = f.read()
    ends = [MAGIC]
    while ends[-1] < len(whole):
        ends.append(ends[-1] + struct.unpack_from("<I", whole, ends[-1])[0])
    whole = whole[:ends[4]]  # four records are enough to try each byte
    for cut in range(len(whole)):
        done = subprocess.run([REDSHANK, "replay", "-"], input=whole[:cut], capture_output=True,
                              timeout=PATIENCE)
        if cut in ends:
            equal((done.returncode, done.stderr), (0, b""), f"cut at {cut}")
            continue
        begin = max([0] + [e for e in ends if e < cut])
        equal(done.returncode, DATAERR, f"exit status, cut at {cut}")
        assert f"offset {begin}:".encode() in done.stderr, f"cut at {cut}: {done.stderr}"
        equal(done.stderr.count(b"\n"), 1, "lines on stderr")


@test
def damaged(_):
    """A damaged recording never crashes replay, in any of its forms."""
    with open(GOLDEN, "rb") as f:
        whole = f.read()
    chance = random.Random(1620)
    for turn in range(600):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(MAGIC, len(data))] = chance.choice(
                (0, 1, 0x7f, 0x80, 0xff, chance.randrange(256)))
        form = ("text", "json", "proto")[turn % 3]
        done = subprocess.run([REDSHANK, "replay", "-o", form, "-"], input=data,
                              capture_output=True, timeout=PATIENCE)
        assert done.returncode in (0, DATAERR), f"turn {turn}: {done.returncode} {done.stderr}"
        if done.returncode:
            assert b": offset " in done.stderr and done.stderr.count(b"\n") == 1, done.stderr
        if form == "json":
            for line in done.stdout.splitlines():
                json.loads(line.decode("utf-8"))


if __name__ == "__main__":
    sys.exit(run(None))
