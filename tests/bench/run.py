#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the sensor costs: program starts without it and with it, in turns.

usage: tests/bench/run.py [--out DIR] [--rounds N] [--seconds S]

Each round measures a window without the sensor and, just after it, one with it; the figure is the
median of the rounds' ratios, because these machines are noisy. Beside it: CPU of the sensor per
event, kernel time per program run (BPF statistics), memory, and whether anything was lost, for a
sensor that drops looks cheap.
"""
import argparse
import json
import os
import signal
import statistics
import subprocess
import tempfile
import time

STATS = "/proc/sys/kernel/bpf_stats_enabled"


def spawn(program, seconds):
    n, wall, cpu = subprocess.run([program, str(seconds)], check=True, stdout=subprocess.PIPE,
                                  text=True).stdout.split()
    return int(n), float(wall), float(cpu)


class Sensor:
    def __init__(self, program, folder, output):
        self.socket = os.path.join(folder, "s")
        self.program = program
        self.out = open(os.path.join(folder, "out"), "w")
        started = time.monotonic()
        self.proc = subprocess.Popen(
            [program, "run", "-o", output, "--socket", self.socket, "--store",
             os.path.join(folder, "alerts.db")], stdout=self.out, stderr=subprocess.DEVNULL)
        while self.stats() is None:
            if self.proc.poll() is not None or time.monotonic() - started > 30:
                raise SystemExit("the sensor did not start (root?)")
            time.sleep(0.02)
        self.ready = time.monotonic() - started

    def stats(self):
        r = subprocess.run([self.program, "stats", "-o", "json", "--socket", self.socket],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return json.loads(r.stdout) if r.returncode == 0 else None

    def cpu(self):
        with open("/proc/%d/stat" % self.proc.pid) as f:
            parts = f.read().rsplit(")", 1)[1].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")

    def rss_kib(self):
        with open("/proc/%d/status" % self.proc.pid) as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))

    def stop(self):
        self.proc.send_signal(signal.SIGTERM)
        self.proc.wait(10)
        self.out.close()


def programs():
    out = subprocess.run(["bpftool", "prog", "show", "--json"], check=True, stdout=subprocess.PIPE,
                         env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")).stdout
    return [(p["name"], p["run_time_ns"], p["run_cnt"]) for p in json.loads(out)
            if "__" in p.get("name", "") and p.get("run_cnt")]


def measure(args, output, folder):
    load = os.path.join(args.out, "tests/bench/spawn")
    sensor_program = os.path.join(args.out, "redshank")
    wall, cpu, per_event, base = [], [], [], []
    lost = seen = generated = rss = 0
    ready = []
    for _ in range(args.rounds):
        _, w0, c0 = spawn(load, args.seconds)
        sensor = Sensor(sensor_program, folder, output)
        before, t0 = sensor.stats()["source"]["records"], sensor.cpu()
        n, w1, c1 = spawn(load, args.seconds)
        time.sleep(0.3)
        st, t1 = sensor.stats(), sensor.cpu()
        seen += st["source"]["records"] - before
        generated += 3 * n
        lost += st["source"]["lost"]
        rss = max(rss, sensor.rss_kib())
        sensor.stop()
        ready.append(sensor.ready)
        base.append(c0)
        wall.append(w1 / w0)
        cpu.append(c1 / c0)
        per_event.append((t1 - t0) / (3 * n) * 1e6)
    med = statistics.median
    print("| %s | %.2f | %.0f | %.2f / %.2f | %.2f / %.2f | %.1f | %.1f | %.0f %% | %d |" % (
        output, med(ready), med(base) / 1000, med(cpu), min(cpu), med(wall), min(wall),
        med(per_event), rss / 1024, 100 * min(1, seen / generated), lost))


def in_kernel(args, folder):
    with open(STATS) as f:
        old = f.read()
    try:
        with open(STATS, "w") as f:
            f.write("1")
        sensor = Sensor(os.path.join(args.out, "redshank"), folder, "none")
        spawn(os.path.join(args.out, "tests/bench/spawn"), args.seconds)
        rows = programs()
        sensor.stop()
    finally:
        with open(STATS, "w") as f:
            f.write(old)
    print("\n| program | runs | ns per run |\n|---|---|---|")
    for name, ns, runs in sorted(rows):
        print("| %s | %d | %.0f |" % (name, runs, ns / runs))


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--out", default="build")
    p.add_argument("--rounds", type=int, default=11)
    p.add_argument("--seconds", type=float, default=2)
    args = p.parse_args()
    print("| output | start, s | base µs CPU | CPU median / best | wall median / best "
          "| sensor µs per event | peak MiB | seen | lost |\n|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for output in "none", "json", "text":
            measure(args, output, folder)
        in_kernel(args, folder)


main()
