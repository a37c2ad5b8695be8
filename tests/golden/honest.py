# SPDX-License-Identifier: Apache-2.0
"""Scenarios of honest programs that only look like an attack, recorded for the default pack: short
forms of tests/live/test_benign_*.py, one for each kind. What is built for one is built before it
starts, so it is not in the recording."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../live"))

from sensor import directory  # noqa: E402
from test_benign_containers import ROOTFS  # noqa: E402
from test_benign_packages import PACKAGE  # noqa: E402

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

NODE = """\
let s = 0;
for (let i = 0; i < 1e6; i++) s += Math.sqrt(i);
require('child_process').execFileSync('/bin/true');
require('net').createServer().listen(0, '127.0.0.1', function () { this.close(); });
"""
LUAJIT = "local s = 0 for i = 1, 1e6 do s = s + i end os.execute('true')"
CFFI = """
import cffi, os
ffi = cffi.FFI()
ffi.cdef("void qsort(void *, size_t, size_t, int (*)(const void *, const void *));")
@ffi.callback("int(const void *, const void *)")
def compare(a, b):
    os.system("true")
    return 0
ffi.dlopen(None).qsort(ffi.new("int[]", [2, 1]), 2, 4, compare)
"""
UPGRADE = """
mount --bind opt /opt
/opt/service/bin/service "$T/said" & service=$!
until grep -q 1 said; do :; done
: >said
dpkg --admindir="$T/db" --log=log -i 2.deb
kill -HUP $service
until [ -s said ]; do :; done
kill $service
wait $service || true
"""
TMUX = "tmux -S s new-session -d cat && tmux -S s kill-server"
BUILD = """
echo 'int main(void) { return 0; }' >conftest.c
cc -o conftest conftest.c && ./conftest
git add conftest.c
git -c user.name=A -c user.email=a@example.org commit -qm 1
"""


def built(script):
    """A directory, and the environment there, where the script was run."""
    where = directory()
    env = {"PATH": PATH, "HOME": where, "T": where, "LANG": "C"}
    subprocess.run(["/bin/sh", "-ec", script], cwd=where, env=env, check=True,
                   stdout=subprocess.DEVNULL)
    return where, {"cwd": where, "env": env}


def in_place(prepare, argv):
    """argv, run where the script prepare has been."""
    def act(run):
        where, options = built(prepare)
        return run(argv, **options), where
    return act


def plain(*argv):
    return in_place("", argv)


def text_file(name, text):
    return f"cat >{name} <<'TEXT'\n{text}TEXT\n"


SCENARIOS = {  # name: function that is given how to run something; the first pid, and where it was
    "honest-node": in_place(text_file("hot.js", NODE), ["node", "hot.js"]),
    "honest-java": plain("java", "-version"),
    "honest-luajit": plain("luajit", "-e", LUAJIT),
    "honest-cffi": plain("/usr/bin/python3", "-c", CFFI),
    "honest-gdb": plain("gdb", "-nx", "-batch", "-ex", "starti", "-ex", "break *$pc+2", "-ex",
                        "continue", "/bin/true"),
    "honest-strace": plain("strace", "-f", "-o", "/dev/null", "/bin/sh", "-c", "/bin/true; exit 0"),
    "honest-upgrade": in_place(
        PACKAGE + "dpkg --root= --admindir=$T/db --instdir=$T --force-script-chrootless -i 1.deb\n" +
        text_file("upgrade", UPGRADE), ["unshare", "-m", "sh", "-e", "upgrade"]),
    "honest-runc": in_place(
        ROOTFS + "cd bundle && runc spec\n"
        "sed -i 's/\"terminal\": true/\"terminal\": false/; s/\"sh\"/\"true\"/' config.json\n",
        ["runc", "--root", "state", "run", "-b", "bundle", "honest"]),
    "honest-tmux": plain("/bin/sh", "-c", TMUX),
    "honest-build": in_place("git init -q .\nprintf '#!/bin/sh\\ntrue\\n' >.git/hooks/pre-commit\n"
                             "chmod +x .git/hooks/pre-commit\n" + text_file("build", BUILD),
                             ["/bin/sh", "-e", "build"]),
}
