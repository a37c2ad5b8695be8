#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs what the kernel's command line (redshank.expect=) asks for, and says so line by line:

@@ probe JSON               what `redshank probe` sees
@@ suite NAME               what it prints follows, as TAP
@@ done STATUS SECONDS      its exit status, or "timeout"
"""
import glob
import os
import subprocess
import sys
import time

LIMIT = 240  # seconds for one suite
REDSHANK = os.environ["REDSHANK"]


def expected():
    with open("/proc/cmdline") as f:
        for word in f.read().split():
            if word.startswith("redshank.expect="):
                return word.partition("=")[2]
    return "live"


def run(path):
    name = os.path.basename(path).removeprefix("test_").removesuffix(".py")
    print(f"@@ suite {name}", flush=True)
    start = time.monotonic()
    with open(f"/tmp/{name}.stderr", "w+", errors="replace") as stderr:
        try:
            status = subprocess.run([sys.executable, path], stdin=subprocess.DEVNULL, stderr=stderr,
                                    timeout=LIMIT).returncode
        except subprocess.TimeoutExpired:
            status = "timeout"
        stderr.seek(0)
        for line in stderr.readlines()[-40:]:
            print("# stderr:", line.rstrip()[:400])
    print(f"@@ done {status} {time.monotonic() - start:.1f}", flush=True)


def main():
    probe = subprocess.run([REDSHANK, "probe", "-o", "json"], capture_output=True, text=True)
    print("@@ probe", probe.stdout.strip(), flush=True)
    if expected() == "refusal":
        run("guest/refusal.py")
    else:
        for path in sorted(glob.glob("tests/live/test_*.py")):
            run(path)


if __name__ == "__main__":
    main()
