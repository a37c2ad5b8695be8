#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Forwarding alerts by OTLP/HTTP to a server of the test's own. OUT: the build directory.
exec python3 -B "$(dirname "$0")/suite.py"
