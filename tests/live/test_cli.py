#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bad input: one line that says what to do and an exit code. Stopping leaves nothing behind."""
import os
import signal
import socket
import stat
import struct
import subprocess
import sys

from sensor import (PATIENCE, REDSHANK, ROOT, Sensor, Trigger, bpf_existing, bpf_held_by,
                    directory, start, until)
from tap import equal, run, test

OK, USAGE, DATAERR, NOINPUT, UNAVAILABLE, CANTCREAT, IOERR, TEMPFAIL, NOPERM, CONFIG = (
    0, 64, 65, 66, 69, 73, 74, 75, 77, 78)  # sysexits.h
COMMANDS = ["run", "tail", "alerts", "record", "replay", "stats", "status", "probe"]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
STOP = 2.0  # seconds that a stop may take


def call(*args, by=(), stdout=subprocess.PIPE, **options):
    return subprocess.run([*by, REDSHANK, *args], stdin=subprocess.DEVNULL, stdout=stdout,
                          stderr=subprocess.PIPE, text=True, timeout=PATIENCE, **options)


def refused(code, says, *args, **options):
    """It ends with the code, and says so in exactly one line that holds these words."""
    done = call(*args, **options)
    equal(done.returncode, code, f"{args}: exit code ({done.stderr.strip()})")
    lines = done.stderr.splitlines()
    equal(len(lines), 1, f"{args}: lines on stderr ({lines})")
    assert lines[0].startswith("redshank: error: "), lines[0]
    for word in says.split("|"):
        assert word in lines[0], f"{args}: {word!r} is not in {lines[0]!r}"
    equal(done.stdout or "", "", f"{args}: stdout")


@test
def usage():
    """Unknown commands, options and values are named, exit 64."""
    cases = [
        ("nosuch|--help", "nosuch"), ("extra", "run", "extra"),
        ("json|text", "tail", "-o", "xml"), ("nosuch|exec", "tail", "--type", "nosuch"),
        ("--pid", "tail", "--pid", "self"), ("--pid", "tail", "--pid", "-1"),
        ("--count", "tail", "--count", "0"), ("--count", "tail", "--count", "99999999999999999999"),
        ("--duration", "tail", "--duration", "soon"), ("--duration", "run", "--duration", "-1"),
        ("--duration", "run", "--duration", "0"), ("json", "run", "-o", "xml"),
        ("file", "replay"), ("file", "replay", "a", "b"), ("file", "record"),
        ("show", "alerts", "show"), ("list", "alerts", "frob"),
        ("--level", "alerts", "--level", "loud"), ("--since", "alerts", "--since", "yesterday"),
        ("json", "stats", "-o", "xml"), ("json", "status", "-o", "xml"), ("json", "probe", "-o", "xml"),
    ]
    for command in COMMANDS:
        cases.append((f"--nosuch|{command} --help", command, "--nosuch"))
        cases.append((f"-Z|{command} --help", command, "-Z"))
    for says, *args in cases:
        refused(USAGE, says, *args)
    equal(call().returncode, USAGE)


@test
def help_texts():
    """Help and version go to stdout, exit 0."""
    for args in (["--help"], ["help"], ["--version"], *([c, "--help"] for c in COMMANDS)):
        done = call(*args)
        equal((done.returncode, done.stderr), (OK, ""), str(args))
        assert done.stdout


@test
def urls():
    """A URL that isn't one, or that holds credentials, is refused before anything starts."""
    for url in ("nonsense", "http://", "ftp://127.0.0.1/", "http://127.0.0.1:99999/",
                "http://a b/", "file:///etc/passwd", "http://127.0.0.1:4318\nX: y"):
        refused(USAGE, "--otlp", "run", "--otlp", url)
    refused(USAGE, "credentials|headers", "run", "--otlp", "http://user:secret@127.0.0.1:4318")


@test
def files():
    """Files that are not there, not readable or not what is expected are named."""
    top = directory()
    refused(NOINPUT, f"{top}/none|No such file", "replay", f"{top}/none")
    refused(NOINPUT, f"{top}|directory", "replay", top)
    refused(DATAERR, "offset 0", "replay", "/etc/passwd")
    refused(DATAERR, "offset 0", "replay", "/dev/null")
    refused(NOINPUT, f"{top}/none", "alerts", "--store", f"{top}/none")
    refused(NOINPUT, f"{top}/none", "run", "-c", f"{top}/none")
    secret = os.path.join(top, "secret")
    open(secret, "w").close()
    os.chmod(secret, 0)
    os.chmod(top, 0o755)
    refused(NOPERM, "Permission denied", "replay", secret, by=NOBODY)
    refused(CANTCREAT, "such a file already", "record", secret)
    equal(os.stat(secret).st_size, 0, "size of the file that was not to be written")


@test
def recordings():
    """A truncated or hostile recording is refused with the offset; nothing crashes."""
    with open(os.path.join(ROOT, "tests/golden/memfd-execveat.rsk"), "rb") as f:
        good = f.read()
    path = os.path.join(directory(), "bad.rsk")
    first = 16  # after the magic
    length, = struct.unpack_from("<I", good, first)
    second = first + length

    def bad(where, how, value, at):
        with open(path, "wb") as f:
            data = bytearray(good)
            struct.pack_into(how, data, at, value)
            f.write(data)
        done = call("replay", "-o", "json", path)
        equal(done.returncode, DATAERR, f"exit code of {how} {value:#x} at {at}")
        equal(len(done.stderr.splitlines()), 1, "lines on stderr")
        assert f"offset {where}:" in done.stderr, done.stderr

    for value in 0, 1, 7, 112, 2**16, 2**31, 2**32 - 1:
        bad(first, "<I", value, first)
    bad(second + 8, "<I", length + 8, first)  # the next record begins too late
    for value in 0, 8, 119, 0xffff:
        bad(first, "<H", value, first + 6)
    strings = struct.unpack_from("<H", good, first + 6)[0]
    for value in 0xffffffff, 0xffff0000 | strings, strings << 16 | 0xffff:
        bad(first, "<I", value, first + 128)
    with open(path, "wb") as f:
        f.write(good[:-1])
    refused_at = call("replay", "-o", "json", path)
    equal(refused_at.returncode, DATAERR)
    assert "ends within a record" in refused_at.stderr, refused_at.stderr


@test
def configuration():
    """Errors of the configuration are told with file, line and column, exit 78."""
    path = os.path.join(directory(), "redshank.yaml")
    for text, where in (("nosuch: 1\n", "1:9"), ("\nlimits:\n  ring_main_kib: 65\n", "3:18"),
                        ("limits:\n  ring_main_kib: many\n", "2:18"),
                        ("output: [a]\n", "1:9"), ("output:\n  format: [x]\n", "2:11"),
                        ("a: &x 1\nb: *x\n", "1:4"), ("\x00", "1:1"), ("output:\n\tx: 1", "2:1")):
        with open(path, "w") as f:
            f.write(text)
        refused(CONFIG, f"{path}:{where}:", "run", "-c", path)
        refused(CONFIG, f"{path}:{where}:", "tail", "--alone", "-c", path)
    with open(path, "w") as f:
        f.write("output: {format: xml}\n")
    refused(CONFIG, f"{path}", "run", "-c", path)


@test
def no_root():
    """Without root, one line says so, exit 77, and nothing is made."""
    top = directory()
    os.chmod(top, 0o777)
    for args in (["run", "--store", f"{top}/s/db", "--socket", f"{top}/r/socket"],
                 ["tail", "--alone"], ["record", f"{top}/file"]):
        refused(NOPERM, "root", *args, by=NOBODY)
    equal(os.listdir(top), [], "files left")
    done = call("probe", by=NOBODY)  # says on stdout what it could find out
    equal((done.returncode, len(done.stderr.splitlines())), (NOPERM, 1), "probe")


@test
def second_sensor():
    """A second sensor at the same socket is refused; the first goes on."""
    sensor = Sensor()
    refused(TEMPFAIL, "running already|tail", "run", "--socket", sensor.socket, "--store",
            os.path.join(sensor.dir, "other.db"))
    sensor.sync()
    equal(sensor.stop()[0], OK)


@test
def left_over_socket():
    """A sensor that was killed does not keep the next one from starting."""
    sensor = Sensor()
    held = until(lambda: bpf_held_by(sensor.pid), "programs seen by bpftool")
    equal(sensor.stop(signal.SIGKILL)[0], -signal.SIGKILL)
    assert os.path.exists(sensor.socket), "this test shows nothing"
    until(lambda: not held & bpf_existing(), "the killed sensor's programs gone")
    again = start([REDSHANK, "run", "-o", "none", "--socket", sensor.socket, "--store",
                   sensor.store], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(sensor_answers(sensor), "the next one")
    again.terminate()
    equal(again.wait(PATIENCE), OK)
    assert not os.path.exists(sensor.socket), "the socket is still there"


def sensor_answers(sensor):
    return lambda: sensor.stats() is not None


@test
def private_files():
    """Socket and store are for root alone."""
    sensor = Sensor(store=os.path.join(directory(), "new", "alerts.db"))
    for path, mode in ((sensor.socket, 0o600), (sensor.store, 0o600),
                       (os.path.dirname(sensor.store), 0o700)):
        equal(oct(stat.S_IMODE(os.stat(path).st_mode)), oct(mode), path)
    os.chmod(sensor.dir, 0o755)
    refused(NOPERM, "Permission denied", "stats", "--socket", sensor.socket, by=NOBODY)
    refused(NOPERM, "Permission denied", "tail", "--socket", sensor.socket, by=NOBODY)
    equal(sensor.stop()[0], OK)


def stops_in_time(sensor, how=signal.SIGTERM):
    held = until(lambda: bpf_held_by(sensor.pid), "programs seen by bpftool")
    code, seconds = sensor.stop(how)
    equal(code, OK, f"exit code ({sensor.stderr()})")
    assert seconds < STOP, f"took {seconds:.2f} s"
    until(lambda: not held & bpf_existing(), "its programs and links gone")
    assert not os.path.exists(sensor.socket), "the socket is still there"
    return seconds


@test
def stop():
    """SIGTERM and SIGINT end it within 2 s, and nothing stays in the kernel."""
    for how in signal.SIGTERM, signal.SIGINT:
        stops_in_time(Sensor(), how)


@test
def stop_under_load():
    """SIGTERM does so while processes come and go as fast as they can."""
    sensor = Sensor()
    with Trigger("exec_facts", "storm", "100000", lines=0) as storm:
        until(lambda: len(sensor.more()) > 500, "the storm seen")
        stops_in_time(sensor)
        storm.process.kill()


@test
def stop_without_backend():
    """SIGTERM does so while alerts wait for a server that refuses, or that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent, \
            socket.create_server(("127.0.0.1", 0)) as closed:
        ports = [silent.getsockname()[1], closed.getsockname()[1]]
        closed.close()
        for port in ports:
            sensor = Sensor("--otlp", f"http://127.0.0.1:{port}")
            with Trigger("memfd_exec", "execveat", "stay") as t:
                sensor.wait(pid=t.pid, kind="alert")
            stops_in_time(sensor)
            kept = call("alerts", "-o", "json", "--store", sensor.store)
            assert f'"pid":{t.pid},' in kept.stdout, "the alert is not in the store"


@test
def full_disk():
    """Output that can't be written is an error, and not a crash."""
    golden = os.path.join(ROOT, "tests/golden/memfd-execveat.rsk")
    with open("/dev/full", "w") as full:
        done = call("replay", "-o", "json", golden, stdout=full)
        equal(done.returncode, IOERR)
        equal(len(done.stderr.splitlines()), 1, "lines on stderr")


@test
def closed_pipe():
    """A reader that leaves ends replay quietly."""
    golden = os.path.join(ROOT, "tests/golden/loss-gap.rsk")
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as out:
        done = call("replay", "-o", "json", golden, stdout=out)
    equal((done.returncode, done.stderr), (OK, ""))


@test
def failed_start():
    """A start that fails half-way leaves nothing behind."""
    top = directory()
    sock = os.path.join(top, "socket")
    done = call("run", "--socket", sock, "--store", "/proc/none/alerts.db")
    assert done.returncode not in (OK, 1) and done.returncode > 0, done.returncode
    lines = [line for line in done.stderr.splitlines() if line.startswith("redshank: error")]
    equal(len(lines), 1, "error lines")
    assert not os.path.exists(sock), "the socket is still there"


if __name__ == "__main__":
    sys.exit(run())
