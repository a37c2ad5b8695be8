# SPDX-License-Identifier: Apache-2.0
"""Messages decoded by protoc, the C++ implementation of protobuf: not by what encoded them.

A message is a dict of field name to list of values; strings and bytes are bytes, the rest is text.
protoc refuses a whole message if one string in it is not UTF-8.
"""
import os
import re
import subprocess

PROTO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../proto")
REQUEST = ("opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest",
           "opentelemetry/proto/collector/logs/v1/logs_service.proto")
ALERT = "redshank.v1.Alert", "redshank.proto"
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b'"': b'"', b"'": b"'", b"\\": b"\\"}


def unquote(text):
    def one(m):
        c = m[1]
        return ESCAPES[c] if c in ESCAPES else bytes([int(c, 8)])
    return re.sub(rb"\\([0-7]{1,3}|.)", one, text.encode()[1:-1], flags=re.S)


def parse(lines):
    message = {}
    for line in lines:
        line = line.strip()
        if line == "}":
            break
        if line.endswith(" {"):
            name, value = line[:-2], parse(lines)
        else:
            name, value = line.split(": ", 1)
            value = unquote(value) if value.startswith('"') else value
        message.setdefault(name, []).append(value)
    return message


def decode(data, kind):
    message, file = kind
    run = subprocess.run(["protoc", f"-I{PROTO}", f"--decode={message}", file], input=data,
                         capture_output=True, timeout=30)
    # A string that is not UTF-8 is an error of the C++ library, on stderr.
    if run.returncode or run.stderr:
        raise AssertionError(f"protoc: {run.stderr.decode(errors='replace').strip()}")
    return parse(iter(run.stdout.decode().splitlines()))


def value(any_value):
    """An AnyValue as a Python value."""
    (kind, [v]), = any_value.items()
    if kind == "array_value":
        return [value(x) for x in v.get("values", [])]
    return int(v) if kind == "int_value" else v


def attributes(message):
    pairs = [(kv["key"][0].decode(), value(kv["value"][0])) for kv in message["attributes"]]
    assert len(dict(pairs)) == len(pairs), "keys are unique"
    return dict(pairs)
