#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs what the kernel's command line asks for (redshank.suites=PATH,…; PATH may be "probe"), and says line by line:

@vm@ probe JSON             what `redshank probe` sees; for the suites also in $REDSHANK_PROBE
@vm@ suite NAME             what it prints follows, as TAP
@vm@ done STATUS SECONDS    its exit status, or "timeout"
"""
import os
import subprocess
import sys
import time

LIMIT = 600  # seconds for one suite
REDSHANK = os.environ["REDSHANK"]


def asked_for():
    with open("/proc/cmdline") as f:
        words = dict(word.partition("=")[::2] for word in f.read().split())
    return words["redshank.suites"].split(",")


def run(path):
    print(f"@vm@ suite {os.path.basename(path).removeprefix('test_').removesuffix('.py')}", flush=True)
    start = time.monotonic()
    with open("/tmp/stderr", "w+", errors="replace") as stderr:
        try:
            status = subprocess.run([sys.executable, path], stdin=subprocess.DEVNULL, stderr=stderr,
                                    timeout=LIMIT).returncode
        except subprocess.TimeoutExpired:
            status = "timeout"
        stderr.seek(0)
        for line in stderr.readlines()[-40:]:
            print("# stderr:", line.rstrip()[:400])
    print(f"@vm@ done {status} {time.monotonic() - start:.1f}", flush=True)


def probe():
    said = subprocess.run([REDSHANK, "probe", "-o", "json"], capture_output=True, text=True).stdout
    print("@vm@ probe", said.strip(), flush=True)
    os.environ["REDSHANK_PROBE"] = "/run/probe.json"
    with open(os.environ["REDSHANK_PROBE"], "w") as f:
        f.write(said)


def main():
    for path in asked_for():
        if path == "probe":
            probe()
        else:
            run(path)


if __name__ == "__main__":
    main()
