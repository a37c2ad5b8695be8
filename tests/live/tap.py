# SPDX-License-Identifier: Apache-2.0
"""Tests as functions, results as TAP. A test's name is the first line of its docstring."""
import sys
import traceback

_tests = []


class Skip(Exception):
    """This machine can't show it; the argument says why."""


def test(function):
    _tests.append(function)
    return function


def equal(got, want, what=""):
    assert got == want, f"{what or 'value'}: got {got!r}, expected {want!r}"


def run(*args):
    """Runs the tests, in the order in which they were defined, each with args; not those of another
    suite that was only imported from."""
    only = sys.argv[1:]
    chosen = [t for t in _tests
              if not t.__module__.startswith("test_") and (not only or t.__name__ in only)]
    failures = 0
    print(f"1..{len(chosen)}", flush=True)
    for number, function in enumerate(chosen, 1):
        name = f"{number} - {function.__doc__.splitlines()[0].rstrip('.')}"
        try:
            function(*args)
        except Skip as why:
            print(f"ok {name} # SKIP {why}", flush=True)
        except Exception:  # the next test is still worth running
            failures += 1
            print(f"not ok {name}")
            for line in traceback.format_exc().splitlines():
                print("#", line[:2000], flush=True)
        else:
            print(f"ok {name}", flush=True)
    return 1 if failures else 0
