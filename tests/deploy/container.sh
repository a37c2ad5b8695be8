#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The DaemonSet's container, run on this machine by runc. OUT: the build directory.
here=$(dirname "$0")
PYTHONPATH="$here/../live" exec python3 -B "$here/test_container.py"
