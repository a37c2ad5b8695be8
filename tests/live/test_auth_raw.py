#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is seen of what programs say of logins, and of libpam's answers: by each way to say it, with
what the kernel knows of who says it; and what must not be seen, passwords before all."""
import ctypes.util
import json
import os
import shutil
import socket
import subprocess
import sys

from sensor import REDSHANK, TRIGGERS, Lines, Sensor, Tail, Trigger, directory, get, start, until
from tap import Skip, equal, run, test

SAY = os.path.join(TRIGGERS, "auth_say")
HOW = ["send", "named", "sendmsg", "pieces", "sendmmsg", "write", "writev"]
COMPAT = ["int80", "socketcall"]
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all"]
NO_AUDIT = ["setpriv", "--inh-caps=-all", "--bounding-set=-audit_write"]
USER_NS = ["unshare", "--user", "--map-root-user"]
LINE = "<38>Nov 22 06:00:00 sshd[1]: Failed password for bob from 192.0.2.1 port 5 ssh2"
AUDIT = 'op=PAM:authentication acct="bob" exe="/usr/sbin/sshd" hostname=? addr=? terminal=ssh res=failed'
PASSWORD = "correct-horse-battery"


class Watch(Sensor):
    """A sensor, and its raw material of logins, which is told to who asks for it."""

    def __init__(self):
        super().__init__()
        self.shown = Tail(self, "--type", "auth_text,pam,rename,exec,exit").out
        Lines.__init__(self, self.shown)


def texts(sensor, pid):
    sensor.settle()
    return sensor.find("auth_text", pid)


def say(sensor, *args, by=(), program=SAY):
    """What is seen of a trigger: it must have said it."""
    try:
        with Trigger(program=[*by, program][0], *(["", *[*by, program][1:], *args]),
                     stderr=subprocess.PIPE) as t:
            pid = t.pid
    except AssertionError as why:
        raise Skip(f"this kernel can't: {why}") from why
    return texts(sensor, pid)


class Log:
    """A system's log, of the test's own."""

    def __init__(self, name="dev-log"):
        self.path = os.path.join(directory(), name)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.chmod(os.path.dirname(self.path), 0o711)
        os.chmod(self.path, 0o666)

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        self.socket.close()


def one(found, **want):
    equal(len(found), 1, f"records: {[get(e, 'event.original') for e in found]}")
    names = {"source": "redshank.auth.source", "number": "redshank.auth.text_type",
             "trust": "redshank.auth.trust", "text": "event.original", "peers": "redshank.auth.peers"}
    for key, value in want.items():
        equal(get(found[0], names[key]), value, key)
    return found[0]


def spelled(how):
    def body(sensor):
        if how in COMPAT and os.uname().machine != "x86_64":
            raise Skip("no 32-bit system calls here")
        one(say(sensor, how, "audit", "1100", AUDIT), source="audit", number=1100, text=AUDIT,
            trust="kernel", peers=0)
        with Log() as path:
            one(say(sensor, how, "log", path, LINE), source="syslog", number=38, text=LINE,
                trust="kernel")
    body.__name__ = how
    body.__doc__ = f"{how}: an audit message and a line for the log come once and whole"
    return test(body)


for spelling in HOW + COMPAT:
    spelled(spelling)


@test
def trust(sensor):
    """Whether the kernel would take the message is told of its sender"""
    for by, want in (NOBODY, "claimed"), (USER_NS, "claimed"), (NO_AUDIT, "root"), ([], "kernel"):
        one(say(sensor, "send", "audit", "1100", AUDIT, by=by), trust=want)
        with Log() as path:
            one(say(sensor, "send", "log", path, LINE, by=by), trust=want)


@test
def opened_by_another(sensor):
    """What root sends through a socket that somebody else opened is a claim of that one's"""
    one(say(sensor, "-n", "send", "audit", "1100", AUDIT), trust="claimed")
    with Log() as path:
        one(say(sensor, "-n", "write", "log", path, LINE), trust="claimed")


@test
def long_text(sensor):
    """A text of more than 2 KiB is cut, and marked"""
    with Log() as path:
        e = one(say(sensor, "send", "log", path, LINE + " " * 100 + "x" * 4000))
        equal(len(get(e, "event.original")), 2048)
        assert "event.original" in get(e, "redshank.truncated", []), e
        whole = one(say(sensor, "send", "log", path, LINE + "x" * (2048 - len(LINE))))
        equal(len(get(whole, "event.original")), 2048)
        assert "event.original" not in get(whole, "redshank.truncated", []), whole


@test
def not_seen(sensor):
    """Key strokes, other messages, facilities, sockets and pipes are not recorded"""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    for number in "1124", "1107", "1130", "1300", "16":
        equal(say(sensor, "send", "audit", number, AUDIT), [], f"audit {number}")
    with Log() as path, Log("other") as other:
        for line in "<134>local0: Failed password", "<0>kernel:", "<38 no", "38> no", "no priority":
            equal(say(sensor, "send", "log", path, line), [], line)
        for how in HOW:
            equal(say(sensor, how, "log", other, LINE), [], f"{how} to another unix socket")
            equal(say(sensor, how, "udp", str(udp.getsockname()[1]), LINE), [], f"{how} by UDP")
    for how in "write", "writev":
        equal(say(sensor, how, "pipe", "-", LINE), [], f"{how} to a pipe")
    udp.close()


def daemon(name, owner=0):
    path = os.path.join(directory(), name)
    shutil.copy(SAY, path)
    os.chmod(os.path.dirname(path), 0o711)
    os.chmod(path, 0o755)
    os.chown(path, owner, owner)
    return path


def stderr_of(sensor, program, how="write", fd="2", by=()):
    read, write = os.pipe()
    child = start([*by, program, how, "fd", fd, "Accepted password for bob from 192.0.2.1 port 5"],
                  stdin=subprocess.DEVNULL, stdout=write, stderr=write)
    os.close(write)
    assert os.read(read, 4096).startswith(b"Accepted"), "it did not say it"
    equal(child.wait(), 0, "exit status")
    os.close(read)
    return texts(sensor, child.pid)


@test
def stderr(sensor):
    """Of standard error only that of SSH daemons which are root's and run as root"""
    for name in "sshd", "sshd-session", "dropbear":
        program = daemon(name)
        for how in "write", "writev":
            one(stderr_of(sensor, program, how), source="stderr", number=0, trust="kernel",
                text="Accepted password for bob from 192.0.2.1 port 5")
        equal(stderr_of(sensor, program, fd="1"), [], "standard output")
        equal(stderr_of(sensor, program, by=NOBODY), [], "not as root")
    equal(stderr_of(sensor, daemon("sshd", 65534)), [], "somebody else's program")
    equal(stderr_of(sensor, daemon("cat")), [], "another program")


CLIENT = """
import socket, struct, sys
def serve(family, address, connect):
    listener = socket.create_server((address, 0), family=family, dualstack_ipv6=family != socket.AF_INET)
    client = socket.create_connection((connect, listener.getsockname()[1]))
    served = listener.accept()[0]
    listener.close()
    return client, served
mode = sys.argv[1]
family = socket.AF_INET if mode in ("v4", "two", "reset", "udp") else socket.AF_INET6
client, served = serve(family, "127.0.0.1" if family == socket.AF_INET else "::",
                       "::1" if mode == "v6" else "127.0.0.1")
name = client.getsockname()
if mode == "two":
    more = serve(family, "127.0.0.1", "127.0.0.1")
    more[0].close()
elif mode == "reset":
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
elif mode == "udp":
    more = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    more.connect(("127.0.0.1", 9))
if mode == "reset":
    client.close()
    try:
        served.recv(1)
    except ConnectionResetError:
        pass
else:
    import os
    keep = client.detach()
    if os.fork():  # the other end is another process's
        os._exit(os.wait()[1] >> 8)
    os.close(keep)
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9)
text = b"op=login res=failed\\0"
s.sendto(struct.pack("=IHHII", 16 + len(text), 1112, 1, 1, 0) + text, (0, 0))
import os
print(os.getpid(), name[0], name[1], os.fstat(served.fileno()).st_ino, flush=True)
"""


@test
def peer(sensor):
    """The address is that of the TCP connection: IPv4, IPv6, IPv4 by IPv6, reset, one of two"""
    for mode, peers in ("v4", 1), ("v6", 1), ("mapped", 1), ("reset", 1), ("two", 2), ("udp", 1):
        out = subprocess.run([sys.executable, "-c", CLIENT, mode], stdout=subprocess.PIPE, text=True,
                             check=True, timeout=60).stdout.split()
        sensor.settle()
        e = one(sensor.find("auth_text", int(out[0])), peers=peers, number=1112)
        ip = out[1].replace("::ffff:", "")
        want = f"[{ip}]:{out[2]}" if ":" in ip else f"{ip}:{out[2]}"
        equal(get(e, "source.address"), want, mode)
        equal(get(e, "redshank.socket.inode"), int(out[3]), mode)
        assert get(e, "destination.address"), mode


PAM_USER = """
import ctypes, os, sys
pam = ctypes.CDLL(%(library)r)
CONV = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p,
                        ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p)
libc = ctypes.CDLL(None)
libc.calloc.restype = libc.strdup.restype = ctypes.c_void_p
class Response(ctypes.Structure):
    _fields_ = [("text", ctypes.c_void_p), ("code", ctypes.c_int)]
@CONV
def answer(n, messages, responses, data):
    memory = libc.calloc(n, ctypes.sizeof(Response))
    array = (Response * n).from_address(memory)
    for i in range(n):
        array[i].text = libc.strdup(password)
    responses[0] = memory
    return 0
class Conv(ctypes.Structure):
    _fields_ = [("function", CONV), ("data", ctypes.c_void_p)]
handle = ctypes.c_void_p()
print("mapped", flush=True)
password = sys.stdin.readline().strip().encode()
conv = Conv(answer, None)
assert not pam.pam_start(%(service)r.encode(), None, ctypes.byref(conv), ctypes.byref(handle))
for item, value in (2, b"bob\\nof \\xff"), (3, b"pts/77"), (4, b"host.example"), (8, b"alice"):
    assert not pam.pam_set_item(handle, item, value)
ret = [f(handle, 0) for f in (pam.pam_authenticate, pam.pam_acct_mgmt, pam.pam_open_session,
                              pam.pam_close_session, pam.pam_chauthtok)]
pam.pam_end(handle, 0)
print(os.getpid(), *ret, flush=True)
"""
OPS = ["authenticate", "acct_mgmt", "open_session", "close_session", "chauthtok"]


def libpam():
    name = ctypes.util.find_library("pam")
    if not name:
        raise Skip("there is no libpam here")
    found = subprocess.run([sys.executable, "-c", f"import ctypes; ctypes.CDLL({name!r}); "
                            "print(next(l.split()[-1] for l in open('/proc/self/maps') "
                            "if '/libpam.so' in l))"], stdout=subprocess.PIPE, text=True, check=True)
    return found.stdout.strip()


def pam(sensor, service, library, by=()):
    """Calls each function by a stack of the test's own; its pid and what the functions returned."""
    stacks = directory()
    with open(os.path.join(stacks, service.lower()), "w") as f:
        f.write("auth required pam_unix.so\naccount required pam_permit.so\n"
                "session required pam_permit.so\npassword required pam_deny.so\n")
    os.chmod(stacks, 0o755)
    code = PAM_USER % {"library": library, "service": service}
    child = start(["unshare", "--mount", "sh", "-c",
                   'mount --bind "$1" /etc/pam.d && shift && exec "$@"', "sh", stacks, *by,
                   sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                  text=True)
    equal(child.stdout.readline(), "mapped\n", "the library is mapped")
    until(lambda: sensor.stats()["source"].get("pam.files", 0), "libpam is watched")
    sensor.sync()
    child.stdin.write(PASSWORD + "\n")
    child.stdin.close()
    pid, *ret = map(int, child.stdout.readline().split())
    child.stdout.close()
    equal(child.wait(), 0, "exit status")
    sensor.settle()
    return pid, ret


def check_pam(sensor, service, library, trust_wanted, by=()):
    pid, ret = pam(sensor, service, library, by)
    found = until(lambda: sensor.find("pam", pid), "pam events", 10)
    equal([get(e, "redshank.pam.op") for e in found], OPS)
    equal([get(e, "redshank.pam.result", 0) for e in found], ret)
    for e in found:
        equal([get(e, f"redshank.pam.{name}") for name in ("service", "rhost", "ruser", "tty")],
              [service.lower(), "host.example", "alice", "pts/77"])
        assert get(e, "redshank.pam.user").startswith("bob"), e
        equal((get(e, "redshank.pam.by_struct"), get(e, "redshank.auth.trust")),
              (True, trust_wanted))
    return ret


@test
def pam_functions(sensor):
    """Each of libpam's functions comes once, with the names that the handle holds"""
    ret = check_pam(sensor, "RS_Test", libpam(), "kernel")
    assert ret[0] and ret[4], f"the stack lets in whom it does not know: {ret}"


@test
def pam_by_nobody(sensor):
    """What anybody's program has libpam answer is a claim"""
    check_pam(sensor, "rs_test", libpam(), "claimed", NOBODY)


@test
def pam_copy(sensor):
    """A copy of libpam, as in a container's image, is found when it is mapped, and let go of"""
    before = sensor.stats()["source"].get("pam.files", 0)
    code = ("import ctypes, sys; ctypes.CDLL(sys.argv[1]); print('mapped', flush=True); "
            "sys.stdin.readline()")
    child = start(["unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs "$1" && cp "$2" "$1/libpam.so.0" '
                   '&& exec "$3" -c "$4" "$1/libpam.so.0"', "sh", directory(), libpam(),
                   sys.executable, code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    equal(child.stdout.readline(), "mapped\n")
    until(lambda: sensor.stats()["source"]["pam.files"] > before, "the copy is watched")
    child.stdin.close()
    child.wait()
    child.stdout.close()
    until(lambda: sensor.stats()["source"]["pam.files"] <= before, "the copy is let go of", 30)


def covered(sensor, name):
    """What status says of a hook."""
    out = subprocess.run([REDSHANK, "status", "-o", "json", "--socket", sensor.socket],
                         stdout=subprocess.PIPE, text=True).stdout
    return next(h for h in json.loads(out)["coverage"] if name in (h.get("event"), h.get("fact")))


@test
def coverage(sensor):
    """What is seen is told: by status, and by probe of the kernel's audit and of the log"""
    for name in "auth_text", "auth_stderr", "pam":
        told = covered(sensor, name)
        assert told["wanted"] and (told["covered"] or told["cannot_see"]), told
    found = covered(sensor, "pam")
    assert not found["covered"] or "libpam" in found["why"], found
    probe = subprocess.run([REDSHANK, "probe"], stdout=subprocess.PIPE, text=True).stdout
    for name in "audit", "syslog", "uprobe":
        assert any(line.split()[:1] == [name] for line in probe.splitlines()), f"{name}: {probe}"


@test
def switched_off(_):
    """Switched off, a source is not covered, and status says so"""
    quiet = Sensor(config="kernel:\n  hooks: auth_text=,auth_stderr=,pam=\n")
    told = [covered(quiet, name) for name in ("auth_text", "auth_stderr", "pam")]
    files = quiet.stats()["source"].get("pam.files")
    quiet.stop()
    for h in told:
        equal((h["covered"], "switched off" in h["why"]), (False, True), h)
    equal(files, None, "copies of libpam that are watched")


@test
def no_passwords(sensor):
    """The passwords that were given to libpam are in no output"""
    for where, _, names in os.walk(sensor.dir):
        for name in names:
            path = os.path.join(where, name)
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    assert PASSWORD.encode() not in f.read(), path


if __name__ == "__main__":
    run(Watch())
