#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A thread changes its name: every way to do it comes as an event, exec's own renaming does not."""
import subprocess
import sys
import time

from sensor import Sensor, Trigger, get, start
from tap import equal, run, test

SECONDS = 4  # some thousand programs, or a hundred where the processor is emulated
RENAMES = """
import ctypes, json, os, sys, threading

def set_name(name):
    ctypes.CDLL(None).prctl(15, name, 0, 0, 0)  # PR_SET_NAME

def in_thread():
    set_name(b"rs-thread")
    named.set()
    done.wait()

set_name(b"rs-before")
set_name(b"[kworker/0:9]")
named, done = threading.Event(), threading.Event()
thread = threading.Thread(target=in_thread)
thread.start()
named.wait()
with open(f"/proc/self/task/{thread.native_id}/comm", "w") as f:
    f.write("rs-name-that-is-far-too-long")
print(json.dumps({"pid": os.getpid(), "tid": thread.native_id}), flush=True)
done.set()
sys.stdin.read()
"""


def renames(sensor):
    """What was said, and the process's rename events."""
    with Trigger("-", "-c", RENAMES, program=sys.executable) as t:
        return t.said[-1], sensor.settle().find("rename", t.pid)


def names(event):
    return get(event, "redshank.rename.old"), get(event, "redshank.rename.new")


@test
def of_process(sensor):
    """prctl(PR_SET_NAME) comes with the name before and after"""
    said, events = renames(sensor)
    event = [e for e in events if names(e) == ("rs-before", "[kworker/0:9]")][0]
    equal(get(event, "process.thread.id"), said["pid"])
    equal(get(event, "process.name"), "[kworker/0:9]", "the name from now on")
    assert "python" in get(event, "process.executable"), "the program behind the name"
    equal(get(event, "event.category"), ["process"])
    equal(get(event, "event.type"), ["change"])


@test
def of_thread(sensor):
    """A thread's own name; another thread may change it by /proc, cut at 15 bytes"""
    said, events = renames(sensor)
    found = [names(e)[1] for e in events if get(e, "process.thread.id") == said["tid"]]
    equal(found[-2:], ["rs-thread", "rs-name-that-is"])


@test
def known_afterwards(sensor):
    """The process table knows the new name: a child's parent is called so"""
    script = "printf rs-parent >/proc/$$/comm; read line; /bin/true; exit 0"
    shell = start(["/bin/sh", "-c", script], stdin=subprocess.PIPE)
    sensor.wait("rename", shell.pid)
    shell.communicate(b"go on\n")
    children = [e for e in sensor.sync().find("exec")
                if get(e, "process.parent.pid") == shell.pid]
    equal([get(e, "process.parent.name") for e in children], ["rs-parent"])


@test
def not_by_exec(sensor):
    """A rename by execve(2) is left to the exec event"""
    shell = start(["/bin/sh", "-c", "exec /bin/true"])
    shell.wait()
    equal([get(e, "process.name") for e in sensor.settle().find("exec", shell.pid)], ["sh", "true"])
    equal(sensor.find("rename", shell.pid), [])


@test
def in_order(sensor):
    """What a program does at once is told of that program, though it comes through another ring"""
    turn = "printf rs-turn >/proc/$$/comm"
    script = f"n=0; trap stop=1 TERM; while [ -z $stop ]; do /bin/sh -c '{turn}'; n=$((n + 1)); done; echo $n"
    loop = start(["/bin/sh", "-c", script], stdout=subprocess.PIPE)
    time.sleep(SECONDS)
    loop.terminate()
    done = int(loop.communicate()[0])
    turns = [e for e in sensor.settle().find("rename")
             if get(e, "process.parent.pid") == loop.pid and names(e)[1] == "rs-turn"]
    equal(len(turns), done)
    equal({get(e, "process.command_line") for e in turns}, {f"/bin/sh -c {turn}"})


if __name__ == "__main__":
    common = Sensor()
    code = run(common)
    common.stop()
    sys.exit(code)
