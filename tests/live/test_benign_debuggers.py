#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Debuggers, tracers and profilers: who reaches into processes for a living."""
from benign import main, quiet

GDB = {"gdb": "gdb"}
STRACE = {"strace": "strace"}

quiet("gdb", "gdb with breakpoints, calls and changed memory in its own child", """
gdb -nx -batch -ex 'set breakpoint pending on' -ex 'break getppid' -ex run -ex 'info registers rip' -ex 'call (int)getpid()' \\
	-ex 'set var $rax = 1' -ex continue --args sh -c 'exit 0'
gdb -nx -batch -ex 'set follow-fork-mode child' -ex run --args sh -c '/bin/true; exit 0'
""", GDB)

quiet("gdb_terminal", "gdb attached to a process of the same user, at a terminal", """
sh -c 'while :; do sleep 0.1; done' &
gdb -nx -batch -p $! -ex 'break wait4' -ex continue -ex backtrace -ex 'set var $rbx = 1'
kill $!
""", GDB, keys=b"")

quiet("strace", "strace of a shell and what it starts", """
strace -f -o log sh -c 'ls / | wc -l; exec /bin/true'
strace -c -f -o log sh -c 'exit 0'
""", STRACE)

quiet("strace_attached", "strace attached to a running process", """
sleep 60 &
strace -o log -p $! &
tracer=$!
until grep -q '^TracerPid:.*[1-9]' /proc/$(pgrep -P $$ -x sleep)/status; do :; done
kill $tracer
wait $tracer || true
pkill -P $$ -x sleep
""", {**STRACE, "pgrep": "procps"})

quiet("ltrace", "ltrace, which sets breakpoints in its own child", """
ltrace -f -o log sh -c '/bin/true; exit 0'
""", {"ltrace": "ltrace"})

quiet("perf", "perf that counts, samples and reports", """
perf stat -o counts -e task-clock sh -c 'exit 0'
perf record -q -e cpu-clock -g -o data sh -c 'ls /usr/bin | wc -l'
perf report -i data --stdio
perf script -i data
""", {"perf": "linux-perf"})

quiet("python_trace", "a program's own tracing of itself", """
/usr/bin/python3 -m trace --count -C counts /usr/lib/python3*/this.py
/usr/bin/python3 -X faulthandler -c 'import faulthandler, signal, os
faulthandler.register(signal.SIGUSR1)
os.kill(os.getpid(), signal.SIGUSR1)'
""", {"python3": "python3"})

if __name__ == "__main__":
    main()
