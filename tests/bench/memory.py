#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the memory hooks cost those who call mmap, mprotect, socket, and those who do not.

usage: tests/bench/memory.py [--out DIR] [--rounds N] [--seconds S]

In turns: without a sensor, with one whose memory hooks are off, with one that has them. Figures are
CPU ns of an operation and the medians of the rounds' differences and ratios.
"""
import argparse
import glob
import os
import signal
import statistics
import subprocess
import tempfile
import time

OFF = "".join(f"{hook}=," for hook in ("map_mmap", "map_prot", "anon_prog", "anon_fork", "anon_net"))


def measure(args):
    library = glob.glob("/lib/*-linux-gnu/libz.so.1")[0]
    out = subprocess.run([os.path.join(args.out, "tests/bench/memops"), str(args.seconds), library],
                         check=True, stdout=subprocess.PIPE, text=True).stdout
    return {name: float(ns) for ns, name in (line.split("\t") for line in out.splitlines())}


def with_sensor(args, folder, hooks):
    config = os.path.join(folder, "redshank.yaml")
    with open(config, "w") as f:
        f.write(f'kernel:\n  hooks: "{hooks.rstrip(",")}"\n' if hooks else "")
    socket = os.path.join(folder, "s")
    sensor = subprocess.Popen(
        [os.path.join(args.out, "redshank"), "run", "-o", "none", "-c", config, "--rules", "",
         "--socket", socket, "--store", os.path.join(folder, "alerts.db")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not os.path.exists(socket):
        if sensor.poll() is not None:
            raise SystemExit("the sensor did not start (root?)")
        time.sleep(0.05)
    time.sleep(0.5)
    figures = measure(args)
    sensor.send_signal(signal.SIGTERM)
    sensor.wait(10)
    return figures


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--out", default="build")
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--seconds", type=float, default=0.5)
    args = p.parse_args()
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(args.rounds):
            rounds.append((measure(args), with_sensor(args, folder, OFF),
                           with_sensor(args, folder, "")))
    print("| operation | without a sensor, ns | hooks off | hooks on | on / without |\n"
          "|---|---|---|---|---|")
    for name in rounds[0][0]:
        base = statistics.median(r[0][name] for r in rounds)
        off, on = (statistics.median(r[i][name] - r[0][name] for r in rounds) for i in (1, 2))
        ratio = statistics.median(r[2][name] / r[0][name] for r in rounds)
        print(f"| {name} | {base:.0f} | {off:+.0f} | {on:+.0f} | {ratio:.2f} |")


main()
