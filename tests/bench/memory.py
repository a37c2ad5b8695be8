#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the hooks cost those who call mmap, mprotect, socket, open, and those who do not.

usage: tests/bench/memory.py [--out DIR] [--rounds N] [--seconds S]

In turns: without a sensor, with one whose memory hooks are off, with one that has them; of
operations the CPU ns, of programs the CPU time; medians of the rounds' differences and ratios. Then
each of the sensor's programs by the kernel's own statistics, which add 20 to 40 ns to a run.
"""
import argparse
import glob
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../live"))
sys.dont_write_bytecode = True
from sensor import bpf_held_by  # noqa: E402

HOOKS = "map_mmap", "map_prot", "anon_prog", "anon_fork", "anon_net", "anon_start"
OFF = ",".join(f"{hook}=" for hook in HOOKS)
STATS = "/proc/sys/kernel/bpf_stats_enabled"
PROGRAMS = {
    "cc of a small program": ["cc", "-O2", "-x", "c", "tests/bench/memops.c", "-o", "/dev/null"],
    "node -e 0": ["node", "-e", "0"],
    "java -version": ["java", "-version"],
    "python3 -c 'import ssl'": ["python3", "-c", "import ssl"],
    "100 times /bin/true": ["sh", "-c", "i=0; while [ $i -lt 100 ]; do /bin/true; i=$((i+1)); done"],
}


def operations(args, *name):
    library = glob.glob("/lib/*-linux-gnu/libz.so.1")[0]
    out = subprocess.run([os.path.join(args.out, "tests/bench/memops"), str(args.seconds), library,
                          *name], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {name: float(ns) for ns, name in (line.split("\t") for line in out.splitlines())}


def cpu_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(args):
    """CPU ns of each operation and program."""
    figures = operations(args)
    for name, argv in PROGRAMS.items():
        if shutil.which(argv[0]):
            begin = cpu_of_children()
            subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            figures[name] = (cpu_of_children() - begin) * 1e9
    return figures


class Sensor:
    def __init__(self, args, folder, hooks):
        config = os.path.join(folder, "redshank.yaml")
        with open(config, "w") as f:
            f.write(f'kernel:\n  hooks: "{hooks}"\n' if hooks else "")
        socket = os.path.join(folder, "s")
        self.process = subprocess.Popen(
            [os.path.join(args.out, "redshank"), "run", "-o", "none", "-c", config, "--rules", "",
             "--socket", socket, "--store", os.path.join(folder, "alerts.db")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not os.path.exists(socket):
            if self.process.poll() is not None:
                raise SystemExit("the sensor did not start (root?)")
            time.sleep(0.05)
        time.sleep(0.5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)

    def programs(self):
        """(runs, ns) of each program that it has in the kernel."""
        mine = {number for kind, number in bpf_held_by(self.process.pid) if kind == "prog"}
        out = subprocess.run(["bpftool", "prog", "show", "--json"], check=True,
                             stdout=subprocess.PIPE, env=dict(
                                 os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")).stdout
        return {p["name"]: (p.get("run_cnt", 0), p.get("run_time_ns", 0)) for p in json.loads(out)
                if p["id"] in mine}


def in_kernel(args, folder, names):
    with open(STATS) as f:
        old = f.read()
    print("\n| what | program | runs | ns per run |\n|---|---|---|---|")
    try:
        with open(STATS, "w") as f:
            f.write("1")
        with Sensor(args, folder, "") as sensor:
            for name in names:
                before = sensor.programs()
                if name in PROGRAMS:
                    subprocess.run(PROGRAMS[name], check=True, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
                else:
                    operations(args, name)
                for program, (runs, ns) in sorted(sensor.programs().items()):
                    n = runs - before[program][0]
                    if n > 1000 * args.seconds or (name in PROGRAMS and n):
                        print(f"| {name} | {program} | {n} "
                              f"| {(ns - before[program][1]) / n:.0f} |")
    finally:
        with open(STATS, "w") as f:
            f.write(old)


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--out", default="build")
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--seconds", type=float, default=0.5)
    args = p.parse_args()
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(args.rounds):
            figures = [measure(args)]
            for hooks in OFF, "":
                with Sensor(args, folder, hooks):
                    figures.append(measure(args))
            rounds.append(figures)
        print("| what | without a sensor, ns | hooks off | hooks on | on / without | on / off |\n"
              "|---|---|---|---|---|---|")
        median = statistics.median
        for name in rounds[0][0]:
            base = median(r[0][name] for r in rounds)
            off, on = (median(r[i][name] - r[0][name] for r in rounds) for i in (1, 2))
            print(f"| {name} | {base:.0f} | {off:+.0f} | {on:+.0f} "
                  f"| {median(r[2][name] / r[0][name] for r in rounds):.2f} "
                  f"| {median(r[2][name] / r[1][name] for r in rounds):.2f} |")
        in_kernel(args, folder, list(rounds[0][0]))


main()
