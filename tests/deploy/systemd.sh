#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The shipped unit, run by a systemd of its own. OUT: the build directory.
here=$(dirname "$0")
PYTHONPATH="$here/../live" exec python3 -B "$here/test_systemd.py"
