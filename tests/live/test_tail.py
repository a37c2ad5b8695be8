#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The live view: from a running sensor, alone, filtered, in three forms; and the stored alerts."""
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time

from facts import CGROUPS, FACTS
from sensor import (PATIENCE, REDSHANK, ROOT, Lines, Sensor, Tail, Trigger, bpf_held_by,
                    directory, get, pid_of, start, until)
from tap import equal, run, test

GOLDEN = os.path.join(ROOT, "tests/golden/memfd-execveat.rsk")


def check_stream(lines):
    equal([get(e, "event.sequence") for e in lines], list(range(1, len(lines) + 1)), "sequence")
    for line in lines:
        assert get(line, "ecs.version") and get(line, "@timestamp"), line
        assert get(line, "event.kind") in ("event", "alert"), line


@test
def beside_a_daemon(sensor):
    """Beside a sensor it shows what that sees, without programs of its own."""
    tail = Tail(sensor)
    equal(bpf_held_by(tail.process.pid), set(), "programs and links that tail holds")
    with Trigger("memfd_exec", "execveat", "stay") as t:
        tail.wait(pid=t.pid, kind="alert")
    sensor.sync()
    tail.wait("exit", t.pid)
    lines = tail.end()
    check_stream(lines)
    equal([(get(e, "event.kind"), get(e, "event.action")) for e in tail.of(t.pid)],
          [("event", "fork"), ("event", "exec"), ("event", "exec"), ("alert", "exec"),
           ("event", "exit")])
    theirs, = sensor.alerts(t.pid)
    ours, = tail.alerts(t.pid)
    for line in theirs, ours:
        del line["event"]["sequence"]
    equal(ours, theirs, "the alert in both streams")
    with open(tail.out, encoding="utf-8") as f:
        text = f.read().splitlines()
    for line in text:
        compact = json.dumps(json.loads(line), separators=(",", ":"), ensure_ascii=False)
        equal(len(line), len(compact), "length of a line and of its most compact form")


@test
def alone(_):
    """Without a sensor it watches on its own, and takes its programs with it."""
    out = os.path.join(directory(), "out")
    with open(out, "wb") as stdout:
        tail = start([REDSHANK, "tail", "--alone", "-o", "json"], stdin=subprocess.DEVNULL,
                     stdout=stdout)
    lines = Lines(out)

    def seen():
        mark = start(["/bin/true"])
        mark.wait()
        return lines.find("exec")
    until(seen, "anything seen")
    assert bpf_held_by(tail.pid), "it holds no programs"
    with Trigger("memfd_exec", "execveat", "stay") as t:
        lines.wait(pid=t.pid, kind="alert")
    tail.send_signal(signal.SIGINT)
    equal(tail.wait(PATIENCE), 0, "exit status")
    check_stream(lines.more())


@test
def falls_back(_):
    """Where no sensor runs it falls back to that, unless a socket was named."""
    none = os.path.join(directory(), "none")
    config = os.path.join(directory(), "redshank.yaml")
    with open(config, "w") as f:
        f.write(f"socket: {none}\n")
    done = subprocess.run([REDSHANK, "tail", "-c", config, "-o", "json", "--duration", "1"],
                          capture_output=True, text=True, timeout=PATIENCE)
    equal(done.returncode, 0)
    named = subprocess.run([REDSHANK, "tail", "--socket", none], capture_output=True, text=True,
                           timeout=PATIENCE)
    assert named.returncode and "no sensor is running" in named.stderr, named


@test
def filters(sensor):
    """--type, --pid, --comm and --alerts-only each let through what they name, and all of it."""
    waiting = start(["/bin/sh", "-c", f"read x; exec {FACTS} exit 3"], stdin=subprocess.PIPE)
    tails = {
        "type": Tail(sensor, "--type", "exec,exit"),
        "pid": Tail(sensor, "--pid", str(waiting.pid)),
        "comm": Tail(sensor, "--comm", "exec_f*"),
        "alerts": Tail(sensor, "--alerts-only"),
        "both": Tail(sensor, "--type", "exec", "--comm", "exec_facts"),
    }
    waiting.stdin.close()
    equal(waiting.wait(PATIENCE), 3)
    with Trigger("memfd_exec", "execveat", "stay") as t:
        sensor.wait(pid=t.pid, kind="alert")
    sensor.sync()
    got = {}
    for name, tail in tails.items():
        until(lambda: tail.more(), name)
        got[name] = tail.end()
        check_stream(got[name])

    def of_ours(name, *pids):
        return [(get(e, "event.kind")[:1] + "/" + get(e, "event.action"))
                for pid in pids for e in tails[name].of(pid)]
    everything = sensor.find(pid=waiting.pid)
    assert len(everything) >= 3, everything
    equal(of_ours("type", waiting.pid, t.pid),
          ["e/exec", "e/exit", "e/exec", "e/exec", "a/exec", "e/exit"])
    equal({pid_of(e) for e in got["pid"]}, {waiting.pid})
    equal(of_ours("pid", waiting.pid), ["e/exec", "e/exit"])
    equal({get(e, "process.name") for e in got["comm"]}, {"exec_facts"})
    equal(of_ours("comm", waiting.pid), ["e/exec", "e/exit"])
    equal({get(e, "event.kind") for e in got["alerts"]}, {"alert"})
    equal(of_ours("alerts", t.pid), ["a/exec"])
    equal(of_ours("both", waiting.pid), ["e/exec"])


@test
def container(sensor):
    """--container takes a shortened id."""
    name = os.urandom(32).hex()
    group = os.path.join(CGROUPS, f"docker-{name}.scope")
    tail = Tail(sensor, "--container", name[:12])
    os.mkdir(group)
    try:
        def enter():
            with open(os.path.join(group, "cgroup.procs"), "w") as f:
                f.write("0")
        with Trigger("exec_facts", "stay", preexec_fn=enter) as t:
            pass
        sensor.sync()
    finally:
        os.rmdir(group)
    until(lambda: len(tail.more()) >= 2, "its exec and exit")
    equal([(pid_of(e), get(e, "event.action")) for e in tail.end()],
          [(t.pid, "exec"), (t.pid, "exit")])


@test
def count(sensor):
    """--count ends it after so many lines."""
    for source in ["--socket", sensor.socket], ["--alone"]:
        tail = start([REDSHANK, "tail", *source, "-o", "json", "--count", "3"],
                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

        def ended():
            start(["/bin/true"]).wait()
            return tail.poll() is not None
        until(ended, "3 lines")
        equal((tail.returncode, len(tail.stdout.read().splitlines())), (0, 3))


@test
def duration(sensor):
    """--duration ends it after that time, whether anything happens or not."""
    for source in ["--socket", sensor.socket], ["--alone"]:
        begin = time.monotonic()
        done = subprocess.run([REDSHANK, "tail", *source, "--pid", "4000000", "--duration", "1s"],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
        equal((done.returncode, done.stdout), (0, b""))
        assert time.monotonic() - begin >= 1, "too early"


def split(data):
    """The messages of a stream, each behind its length as a varint."""
    at = 0
    while at < len(data):
        length = shift = 0
        while True:
            byte = data[at]
            at, length, shift = at + 1, length | (byte & 0x7f) << shift, shift + 7
            if byte < 0x80:
                break
        assert at + length <= len(data), "the stream ends within a message"
        yield data[at:at + length]
        at += length


def decode(message):
    """By protobuf's own C++ implementation, as text."""
    return subprocess.run(["protoc", "-Iproto", "--decode=redshank.v1.Record", "redshank.proto"],
                          cwd=ROOT, input=message, capture_output=True, check=True,
                          timeout=PATIENCE).stdout.decode()


@test
def proto(sensor):
    """-o proto is a stream that another implementation of protobuf reads to the end."""
    tail = Tail(sensor, "--comm", "memfd*", output="proto")
    tail.more = lambda: []  # not JSON
    with Trigger("memfd_exec", "execveat", "stay") as t:
        sensor.wait(pid=t.pid, kind="alert")
    sensor.sync()
    until(lambda: os.path.getsize(tail.out), "anything written")
    tail.end()
    with open(tail.out, "rb") as f:
        texts = [decode(message) for message in split(f.read())]
    sequences = [line for text in texts for line in text.splitlines() if line.startswith("seq")]
    equal(sequences, [f"sequence: {i}" for i in range(1, len(texts) + 1)])
    alert, = [text for text in texts if text.startswith("alert {") and f"pid: {t.pid}\n" in text]
    for want in ("severity: SEVERITY_HIGH", 'id: "T1620"', 'id: "redshank.fileless.memfd_exec"',
                 "ancestors {", "evidence {", 'executable: "/memfd:kworker"',
                 f'id: "{get(sensor.alerts(t.pid)[0], "event.id")}"'):
        assert want in alert, f"no {want} in {alert}"


def on_terminal(*args, **env):
    """What the program writes to a terminal."""
    master, slave = pty.openpty()
    child = start([REDSHANK, *args], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
                  env=dict({k: v for k, v in os.environ.items() if k != "NO_COLOR"}, **env))
    os.close(slave)
    data = b""
    try:
        while chunk := os.read(master, 65536):
            data += chunk
    except OSError:  # the other side is closed
        pass
    os.close(master)
    equal(child.wait(PATIENCE), 0, "exit status")
    return data


@test
def colours(sensor):
    """Colours are for terminals, and not for those that ask for none."""
    escape = b"\x1b["
    assert escape in on_terminal("replay", GOLDEN)
    assert escape not in on_terminal("replay", GOLDEN, NO_COLOR="1")
    assert escape not in on_terminal("replay", "-o", "json", GOLDEN)
    assert escape not in subprocess.run([REDSHANK, "replay", GOLDEN], capture_output=True).stdout
    for args, coloured in ((["--color", "never"], False), ([], True)):
        storm = start([FACTS, "storm", "20000"], stdout=subprocess.DEVNULL)
        data = on_terminal("tail", "--socket", sensor.socket, "--count", "3", *args)
        storm.kill()
        equal(escape in data, coloured, f"colours with {args}")
    for when, coloured in ("always", True), ("never", False), ("auto", False):
        storm = start([FACTS, "storm", "20000"], stdout=subprocess.DEVNULL)
        piped = subprocess.run([REDSHANK, "tail", "--socket", sensor.socket, "--count", "3",
                                "--color", when], capture_output=True, timeout=PATIENCE).stdout
        storm.kill()
        equal(escape in piped, coloured, f"colours in a pipe, --color {when}")


@test
def hostile_terminal(_):
    """Control characters of processes do not reach the terminal."""
    recording = os.path.join(directory(), "recording.rsk")
    recorder = start([REDSHANK, "record", recording], stdin=subprocess.DEVNULL,
                     stderr=subprocess.DEVNULL)
    argument = "\x1b]0;owned\x07\x1b[2J\r\n\x9b31m"

    def recorded():
        start([FACTS, "exit", "0", argument]).wait()
        recorder.poll()
        return os.path.exists(recording) and b"owned" in open(recording, "rb").read()
    until(recorded, "recorded")
    recorder.terminate()
    equal(recorder.wait(PATIENCE), 0)
    text = subprocess.run([REDSHANK, "replay", recording], capture_output=True, check=True).stdout
    lines = [line for line in text.decode().splitlines() if "owned" in line]
    assert lines, "the argument is not shown at all"
    assert not set(text.decode()) & set("\x1b\x07\r\x9b"), "control characters in the output"


@test
def slow_client(_):
    """A client that does not read loses lines and is told how many; others are not disturbed."""
    sensor = Sensor()
    slow = socket.socket(socket.AF_UNIX)
    slow.connect(sensor.socket)
    slow.sendall(b'{"command":"tail","format":"json"}\n')
    until(lambda: sensor.streams() == 2, "subscribed")
    fast = Tail(sensor)
    for _ in range(8):  # each shorter than a queue: who reads at all keeps up
        with Trigger("exec_facts", "storm", "500") as storm:
            pass
        with Trigger("exec_facts", "stay") as last:
            fast.wait("exec", last.pid)
        equal(len(fast.children("exit", storm.pid)), 500, "exits it saw")
    check_stream(fast.end())
    slow.settimeout(PATIENCE)
    data = b""
    while True:
        data += slow.recv(1 << 20)
        if f'"pid":{last.pid},'.encode() in data and data.endswith(b"\n"):
            break
        start(["/bin/true"]).wait()  # something to tell, so that the gap is told
        if data.count(b'"reader"') and data.endswith(b"\n"):
            break
    slow.close()
    first, *lines = data.splitlines()
    equal(json.loads(first), {"ok": True})
    lines = [json.loads(line) for line in lines]
    expected = 0
    gaps = 0
    for line in lines:
        if get(line, "redshank.gap.cause") == "reader":
            gaps += 1
            expected += get(line, "redshank.gap.lost")
        expected += 1
        equal(get(line, "event.sequence"), expected, "sequence, with what was lost")
    assert gaps, "it lost nothing: this test shows nothing"
    equal(sensor.stop()[0], 0)


@test
def broken_clients(sensor):
    """Clients that send rubbish, too much or nothing are sent away; the sensor goes on."""
    for request in (b"rubbish\n", b"{}\n", b"[" * 4000 + b"\n", b"x" * 100000, b"\0\n",
                    b'{"command":"tail","format":"xml"}\n', b'{"command":"reboot"}\n'):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(PATIENCE)
        client.connect(sensor.socket)
        try:
            client.sendall(request)
            answer = client.recv(4096)
            assert b'"error"' in answer, f"{request[:40]}: {answer}"
        except (BrokenPipeError, ConnectionResetError):
            pass
        client.close()
    idle = [socket.socket(socket.AF_UNIX) for _ in range(100)]
    for client in idle:
        client.connect(sensor.socket)
    for client in idle:
        client.close()
    until(lambda: sensor.stats() is not None, "the sensor answers")
    sensor.sync()


@test
def stats(sensor):
    """stats shows the counters, SIGUSR1 prints them, and both say what the stream says."""
    before = sensor.stats()
    for section in "source", "pipeline", "processes", "detect", "sinks":
        assert section in before, before
    with Trigger("memfd_exec", "execveat", "stay") as t:
        sensor.wait(pid=t.pid, kind="alert")
    after = sensor.sync().stats()
    assert after["detect"]["alerts"] > before["detect"]["alerts"]
    assert after["pipeline"]["events"] >= before["pipeline"]["events"] + 6
    equal(after["pipeline"]["invalid"], 0)
    text = subprocess.run([REDSHANK, "stats", "--socket", sensor.socket], capture_output=True,
                          text=True, check=True).stdout
    assert "events" in text and "lost" in text and "{" not in text, text
    sensor.process.send_signal(signal.SIGUSR1)
    line = until(lambda: [s for s in sensor.stderr().splitlines() if s.startswith("{")],
                 "counters on stderr")[-1]
    equal(json.loads(line).keys(), after.keys())


@test
def stored_alerts(sensor):
    """alerts lists, filters and shows what is stored, as people, JSON and protobuf read it."""
    with Trigger("memfd_exec", "execveat", "stay") as t:
        alert = sensor.wait(pid=t.pid, kind="alert")
    ident = get(alert, "event.id")

    def alerts(*args, text=True):
        return subprocess.run([REDSHANK, "alerts", "--store", sensor.store, *args], text=text,
                              capture_output=True, check=True, timeout=PATIENCE).stdout
    until(lambda: ident in alerts("-o", "json"), "stored")
    stored, = [a for a in map(json.loads, alerts("-o", "json").splitlines())
               if get(a, "event.id") == ident]
    for line in stored, alert:
        line["event"].pop("sequence", None)
    equal(stored, alert, "the stored alert and that of the stream")
    newest = alerts("-n", "1").strip()
    assert ident[:8] in newest and "high" in newest, newest
    report = alerts("show", ident[:20])
    for word in "T1620", "/memfd:kworker", str(t.pid), ident:
        assert word in report, f"{word} is not in the report"
    equal(alerts("--level", "critical"), "")
    equal(alerts("--rule", "no.such.rule"), "")
    assert ident[:8] in alerts("--since", "1h", "--level", "high", "--rule",
                               "redshank.fileless.memfd_exec")
    message, = split(alerts("-o", "proto", "show", ident, text=False))
    assert f'id: "{ident}"' in decode(message)


if __name__ == "__main__":
    common = Sensor()
    code = run(common)
    common.stop()
    sys.exit(code)
