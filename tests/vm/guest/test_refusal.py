#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where no sensor is possible: each command says so in one line, with what to change."""
import os
import subprocess
import sys

sys.path.insert(0, "/redshank/tests/live")
from tap import equal, run, test  # noqa: E402

EX_UNAVAILABLE = 69


def refuses(*args, by=(), says=("confidentiality", "boot with lockdown=integrity")):
    done = subprocess.run([*by, os.environ["REDSHANK"], *args], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)
    equal(done.returncode, EX_UNAVAILABLE, f"exit status ({done.stderr})")
    equal(len(done.stderr.splitlines()), 1, f"lines on stderr ({done.stderr})")
    for word in "lockdown", *says:
        assert word in done.stderr, done.stderr
    return done.stdout


@test
def sensor():
    """redshank run does not start, in one line that says what to change"""
    equal(refuses("run", "--socket", "/run/s", "--store", "/run/store"), "")
    equal(os.path.exists("/run/s") or os.path.exists("/run/store"), False, "files left")


@test
def tail():
    """redshank tail neither"""
    equal(refuses("tail", "--alone"), "")


@test
def record():
    """redshank record neither, and makes no file"""
    equal(refuses("record", "/run/recording"), "")
    equal(os.path.exists("/run/recording"), False, "a file left")


@test
def probe():
    """redshank probe says so in its report and in its exit status"""
    assert '"usable":false' in refuses("probe", "-o", "json")


@test
def unmounted():
    """Where securityfs does not say so, the kernel is asked"""
    by = ["unshare", "-m", "sh", "-c", 'umount /sys/kernel/security && exec "$@"', "sh"]
    for args in (["run", "--socket", "/run/s", "--store", "/run/store"], ["tail", "--alone"],
                 ["probe", "-o", "json"]):
        refuses(*args, by=by)


if __name__ == "__main__":
    sys.exit(run())
