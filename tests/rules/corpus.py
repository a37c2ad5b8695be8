#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every rule that SigmaHQ publishes must load.

The checkout is $REDSHANK_SIGMAHQ or "sigma" beside this repository; without one all is skipped.
"""
import collections
import os
import re
import sys

from common import ROOT, Ran, Tap

# Directories of rules that are meant to be used.
SETS = ("rules", "rules-emerging-threats", "rules-threat-hunting", "rules-compliance", "rules-dfir")
PLACEHOLDERS = "rules-placeholder"
SECONDS, MEMORY_MAX = 30, 1 << 30


def checkout():
    path = os.environ.get("REDSHANK_SIGMAHQ") or os.path.join(os.path.dirname(ROOT), "sigma")
    return path if os.path.isdir(os.path.join(path, "rules", "linux")) else None


def rule_count(path):
    return sum(len([f for f in files if f.endswith((".yml", ".yaml"))])
               for _, _, files in os.walk(path))


def errors_of(ran):
    return re.findall(r"^.*: error: .*$", ran.err + ran.out, re.M)


def undefined(error):
    """A placeholder that users have to define: what the rule says is right."""
    return re.search(r"placeholder %.+%", error)


def check(tap, path, name, allowed=lambda error: False):
    count = rule_count(path)
    ran = Ran("rules", "check", path)
    errors = [e for e in errors_of(ran) if not allowed(e)]
    problem = None
    if ran.rc < 0:
        problem = f"killed by signal {-ran.rc}"
    elif errors:
        kinds = collections.Counter(e.rsplit(": error: ", 1)[1][:60] for e in errors)
        problem = "\n".join([f"{len(errors)} errors; the commonest: {kinds.most_common(5)}",
                             *errors[:40]])
    elif ran.seconds > SECONDS:
        problem = f"took {ran.seconds:.1f} s"
    elif ran.bytes > MEMORY_MAX:
        problem = f"took {ran.bytes >> 20} MiB"
    tap.result(f"{name}: {count} files load", problem)
    print(f"#: {name}: {count} files in {ran.seconds:.2f} s and {ran.bytes >> 20} MiB")
    return ran


def main():
    tap = Tap()
    root = checkout()
    if root is None:
        print("1..0 # SKIP no SigmaHQ checkout: set REDSHANK_SIGMAHQ or clone it to ../sigma")
        return 0
    check(tap, os.path.join(root, "rules", "linux"), "rules/linux")
    for name in SETS:
        path = os.path.join(root, name)
        if rule_count(path):
            check(tap, path, name, undefined)
    path = os.path.join(root, PLACEHOLDERS)
    if rule_count(path):
        ran = check(tap, path, PLACEHOLDERS, undefined)
        tap.result(f"{PLACEHOLDERS}: undefined placeholders are refused",
                   None if errors_of(ran) else "no error about a placeholder")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
