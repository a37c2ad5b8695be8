#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a recording small and says nothing of the machine that it was made on.

usage: trim.py [--map OLD=NEW]... --shell PID --pid PID... IN OUT

Keeps the host record, the gap records, and the records of the given processes and of all that they
started. --shell is the process that started them; it becomes a login shell whose parent is pid 1,
and nothing stays of what it really was. --map replaces a prefix of paths and arguments.

The layout of records is read from bpf/abi/*.def, so there is nothing here to keep up to date.
"""
import argparse
import os
import re
import struct
import sys

ABI = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bpf/abi")
MAGIC = b"redshank-rec-01\n"
WIRE = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "s32": "i", "str": "HH", "comm": "16s"}
ALIGN = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "s32": 4, "str": 2, "comm": 1}

HOST = {
    "boot_id": b"01234567-89ab-4cde-8f01-23456789abcd",
    "machine_id": b"0123456789abcdef0123456789abcdef",
    "hostname": b"host",
    "kernel": b"6.18.0",
}
CLOCK_OFFSET = 1785542400 * 10**9  # the machine was started on 2026-08-01
CGROUP = b"/user.slice"
SHELL = {"exe": b"/usr/bin/bash", "args": b"-bash\0", "cwd": b"/root", "name": b"bash"}
INIT = {"exe": b"/usr/lib/systemd/systemd", "args": b"/sbin/init\0", "cwd": b"/", "name": b"systemd"}


def read_abi(name):
    with open(os.path.join(ABI, name)) as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    return text.replace("\\\n", " ")


def layouts():
    """{event id: (key, [(member, wire type, offset)], size)}, as the C compiler lays them out."""
    header = re.findall(r"^H\((\w+), (\w+),", read_abi("header.def"), re.M)
    text = read_abi("events.def")
    macros = dict(re.findall(r"^#define (\w+_FIELDS)\(ev\)(.*)$", text, re.M))
    found = {}
    for number, key, body in re.findall(r"^EVENT\((\d+), (\w+),(.*?)^END\(", text, re.M | re.S):
        body = re.sub(r"(\w+_FIELDS)\(\w+\)", lambda m: macros[m[1]], body)
        fields, at = [], 0
        for wire, member in header + re.findall(r"F\(\w+, (\w+), (\w+),", body):
            at += -at % ALIGN[wire]
            fields.append((member, wire, at))
            at += struct.calcsize("<" + WIRE[wire])
        found[int(number)] = (key, fields, at + -at % 8)
    return found


LAYOUTS = layouts()


class Record:
    """Members as attributes: numbers, and bytes for what is text."""

    def __init__(self, raw):
        kind, = struct.unpack_from("<H", raw, 4)
        self.key, self.fields, size = LAYOUTS[kind]
        fixed, = struct.unpack_from("<H", raw, 6)
        assert fixed == size, f"a {self.key} record of {fixed} fixed bytes, not {size}"
        for member, wire, at in self.fields:
            value = struct.unpack_from("<" + WIRE[wire], raw, at)
            if wire == "str":
                value = raw[value[0]:value[0] + value[1]]
            elif wire == "comm":
                value = value[0].split(b"\0")[0]
            else:
                value = value[0]
            setattr(self, member, value)

    def pack(self):
        size = LAYOUTS[self.type][2]
        out = bytearray(size)
        for member, wire, at in self.fields:
            value = getattr(self, member)
            if wire == "str":
                struct.pack_into("<HH", out, at, len(out) if value else 0, len(value))
                out += value
            else:
                struct.pack_into("<" + WIRE[wire], out, at, value)
        out += bytes(-len(out) % 8)
        struct.pack_into("<I", out, 0, len(out))
        return bytes(out)

    def copy(self):
        return Record(self.pack())


def read(path):
    with open(path, "rb") as f:
        data = f.read()
    assert data.startswith(MAGIC), f"{path}: not a recording"
    at, records = len(MAGIC), []
    while at < len(data):
        length, = struct.unpack_from("<I", data, at)
        records.append(Record(data[at:at + length]))
        at += length
    return records


def write(path, records):
    with open(path, "wb") as f:
        f.write(MAGIC)
        for record in records:
            f.write(record.pack())


def neutral_host(record):
    for member, value in HOST.items():
        setattr(record, member, value)
    record.unix_offset = CLOCK_OFFSET


def become(record, what, pid, parent):
    """Turns an inventory record into that of another process."""
    for member, value in what.items():
        setattr(record, member, value)
    record.pid = record.tid = record.vpid = record.sid = record.pgid = pid
    record.args_size = len(record.args)
    record.cgpath, record.env, record.tty = CGROUP, b"", b""
    record.ppid, record.parent_start = (parent.pid, parent.start) if parent else (0, 0)


def neutral(record, maps, shell, real_name):
    """Takes the machine's own names out of a record of the scenario."""
    if record.name == real_name:  # a child that has not executed anything yet
        record.name = SHELL["name"]
    for member in "sid", "pgid":
        if getattr(record, member, 0) == getattr(shell, member):
            setattr(record, member, shell.pid)
    for member, wire, _ in record.fields:
        if wire != "str":
            continue
        value = getattr(record, member)
        for old, new in maps:
            value = re.sub(rb"(^|\0|(?<=[= ]))" + re.escape(old), rb"\1" + new, value)
        if member == "cgpath" and value == shell.cgpath:
            value = CGROUP
        setattr(record, member, value)


def trim(records, shell_pid, pids, maps):
    kept = set(pids)
    out = []
    shell = next(r for r in records if r.key == "proc" and r.pid == shell_pid)
    for record in records:
        if record.key == "host":
            if out:
                continue  # the clock was set meanwhile
            neutral_host(record)
            init = shell.copy()
            init.start //= 1000
            become(init, INIT, 1, None)
            our_shell = shell.copy()
            become(our_shell, SHELL, shell.pid, init)
            out += [record, init, our_shell]
        elif record.key == "gap":
            out.append(record)
        elif record.key == "fork" and record.ppid in kept or record.pid in kept:
            kept.add(record.pid)
            neutral(record, maps, shell, shell.name)
            out.append(record)
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--map", action="append", default=[], metavar="OLD=NEW")
    p.add_argument("--shell", type=int, required=True, metavar="PID")
    p.add_argument("--pid", type=int, nargs="+", required=True)
    p.add_argument("input")
    p.add_argument("output")
    a = p.parse_args()
    maps = [tuple(os.fsencode(m).split(b"=", 1)) for m in a.map]
    write(a.output, trim(read(a.input), a.shell, a.pid, maps))


if __name__ == "__main__":
    sys.exit(main())
