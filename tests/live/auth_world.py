# SPDX-License-Identifier: Apache-2.0
"""A small machine of the tests' own, to log in to: its users, passwords, PAM stacks and log are those of a
private mount namespace, its daemons listen on free loopback ports. Nothing of it stays on the host, and
nothing of the host's /etc, /home, /root, /run and /var/log is changed. The sensor runs outside of it.

As a program: makes the namespace's mounts, then keeps its /dev/log (unshare -m auth_world.py DIR).
"""
import atexit
import contextlib
import glob
import itertools
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading

from sensor import PATIENCE, directory, start, until

DAEMONS = "/usr/local/lib/redshank-test-daemons"  # of deploy/deps
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENV = {"PATH": PATH, "HOME": "/root", "LANG": "C", "TERM": "dumb"}
HIDDEN = "home", "root", "run", "var/log", "var/lib/sudo"  # directories that are empty here
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0),
           "ptmx": (5, 2)}

RIGHT = "Rs.right-Horse7!"  # of each user
WRONG = "Rs.wrong-Badger3?"
CHANGED = "Rs.later-Donkey9+"
PASSWORDS = RIGHT, WRONG, CHANGED
HASH = ("$6$rounds=1000$redshanktest$6EYJvY5e6F3fZMVuPwuZnjtDkeIXTx6FYJTNDumDcR.nn3uFiGJ6gY4LuLz/p/"
        "QCkjRvH7MysC8r/9D7.Rc0n1")
USERS = {  # name: (uid, what /etc/shadow says of its age)
    "rsone": (64201, "19000:0:99999:7:::"),
    "rstwo": (64202, "19000:0:99999:7:::"),
    "rsadmin": (64203, "19000:0:99999:7:::"),  # a sudoer
    "rslock": (64204, "19000:0:99999:7:::"),  # locked after two failures
    "rsnew": (64207, "19000:0:99999:7:::"),  # changes the password
    "rsgone": (64205, "19000:0:99999:7::19001:"),  # account expired
    "rsmust": (64206, "0:0:99999:7:::"),  # has to change the password
}
FAILURES = 2  # that rslock has

AUTH = f"""
auth [success=1 default=ignore] pam_succeed_if.so quiet user != rslock
auth requisite pam_faillock.so preauth nodelay deny={FAILURES}
auth [success=3 default=ignore] pam_unix.so nodelay
auth [success=1 default=ignore] pam_succeed_if.so quiet user != rslock
auth [default=die] pam_faillock.so authfail nodelay deny={FAILURES}
auth requisite pam_deny.so
auth required pam_permit.so
account required pam_unix.so
"""
SESSION = "session required pam_unix.so\n"
STACKS = {
    "sshd": AUTH + "session required pam_loginuid.so\n" + SESSION,
    "login": AUTH + "session required pam_loginuid.so\n" + SESSION,
    "su": "auth sufficient pam_rootok.so\n" + AUTH + SESSION,
    "sudo": AUTH + SESSION,
    "passwd": "password required pam_unix.so sha512 rounds=1000\n",
    "vsftpd": AUTH,
    "proftpd": AUTH + SESSION,
    "rs-own": "auth required pam_unix.so nodelay\naccount required pam_unix.so\n" + SESSION,
    "rs-denied": "auth required pam_deny.so\n",
    "other": "auth required pam_deny.so\naccount required pam_deny.so\n",
}
LOGIN_DEFS = """LOGIN_RETRIES 1
LOGIN_TIMEOUT 60
MAIL_DIR /var/mail
LOG_UNKFAIL_ENAB no
SYSLOG_SU_ENAB yes
UID_MIN 1000
ENCRYPT_METHOD SHA512
"""
SUDOERS = """Defaults !lecture, passwd_tries=3, timestamp_timeout=0, !mail_badpass, !mail_no_user
root ALL=(ALL:ALL) ALL
rsadmin ALL=(ALL:ALL) ALL
"""
VSFTPD = """listen=YES
listen_address=127.0.0.1
listen_port={port}
background=NO
anonymous_enable=NO
local_enable=YES
pam_service_name=vsftpd
secure_chroot_dir=/run/empty
delay_failed_login=0
syslog_enable=YES
seccomp_sandbox=NO
"""
PROFTPD = """ServerName test
ServerType standalone
DefaultAddress 127.0.0.1
Port {port}
UseIPv6 off
SocketBindTight on
User nobody
Group nogroup
AuthOrder mod_auth_pam.c* mod_auth_unix.c
AuthPAMConfig proftpd
UseReverseDNS off
RequireValidShell off
WtmpLog none
TransferLog none
PidFile /run/proftpd.pid
ScoreboardFile /run/proftpd.score
DelayEngine off
ControlsEngine off
"""


def program(name):
    """The path of a daemon, and what its environment needs; None if it is not here."""
    if found := shutil.which(name, path=PATH):
        return found, {}
    found = os.path.join(DAEMONS, "usr/sbin", name)
    libraries = [d for d in (*glob.glob(DAEMONS + "/usr/lib/*-linux-*"), *glob.glob(DAEMONS + "/lib/*-linux-*"))]
    return (found, {"LD_LIBRARY_PATH": ":".join(libraries)}) if os.access(found, os.X_OK) else None


def free_port(address="127.0.0.1"):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as s:
        s.bind((address, 0))
        return s.getsockname()[1]


class World:
    def __init__(self, log="/dev/log"):
        """log: where programs find a system's log; another name, and they find none."""
        self.dir = directory()
        self.holder = start(["unshare", "--mount", "--propagation", "private", sys.executable, "-B",
                             os.path.abspath(__file__), self.dir, log],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b"ready\n", "no world"
        self.daemons = {}  # port: process
        self.ns = os.readlink(f"/proc/{self.holder.pid}/ns/mnt")
        atexit.register(self.end)

    @property
    def mntns(self):
        """As events tell it (redshank.ns.mnt)."""
        return int(re.search(r"\d+", self.ns)[0])

    def inside(self, argv):
        return ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", *argv]

    def start(self, argv, user=None, env=None, by=(), **options):
        """A process of the world; it keeps the pid."""
        if user:
            uid = str(USERS[user][0])
            argv = ["setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", *argv]
        return start(self.inside([*by, *argv]), env={**ENV, **(env or {})}, **{"cwd": "/", **options})

    def run(self, argv, **options):
        """Output of a process that must succeed."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options}
        child = self.start(argv, **options)
        out, _ = child.communicate(timeout=PATIENCE)
        assert child.returncode == 0, f"{argv}: {child.returncode}: {out}"
        return out

    def write(self, path, text):
        self.run(["sh", "-c", f"cat >{path}"], stdin=None if text is None else _pipe(text))

    def log(self):
        """The datagrams that the world's log got."""
        with open(os.path.join(self.dir, "log"), "rb") as f:
            return f.read().decode(errors="backslashreplace").split("\0")[:-1]

    def logged(self, pattern):
        """Waits for a line of the log."""
        return until(lambda: [x for x in self.log() if re.search(pattern, x)], f"log line {pattern!r}")

    def daemon(self, argv, *addresses, **options):
        """Starts one that listens at the addresses, [(host, port)]."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **options}
        child = self.start(argv, **options)

        def listens():
            assert child.poll() is None, f"{argv} ended with {child.returncode}"
            return all(listening(*a) for a in addresses)

        until(listens, f"{argv[0]} listens")
        self.daemons[addresses[0][1]] = child

    def sshd(self, log="syslog", **settings):
        """The port of an sshd; its log: syslog or stderr."""
        port = free_port()
        settings = {"Port": port, "HostKey": "/etc/ssh/rs_key", "PidFile": "none", "UsePAM": "yes",
                    "PasswordAuthentication": "yes", "KbdInteractiveAuthentication": "no", "UseDNS": "no",
                    "PermitRootLogin": "yes", "AuthorizedKeysFile": "/etc/ssh/keys/%u", "StrictModes": "no",
                    "PrintMotd": "no", "PrintLastLog": "no", "MaxStartups": "100", "LoginGraceTime": "60",
                    **settings}
        config = f"/etc/ssh/rs_{port}"
        text = "ListenAddress 127.0.0.1\nListenAddress ::1\n" + "".join(f"{k} {v}\n" for k, v in settings.items())
        self.write(config, text)
        path, env = program("sshd")
        argv = [path, "-D", "-f", config, *(["-e"] if log == "stderr" else [])]
        with open(os.path.join(self.dir, f"sshd-{port}"), "wb") as stderr:
            self.daemon(argv, ("127.0.0.1", port), ("::1", port), env=env, stderr=stderr)
        return port

    def dropbear(self):
        port = free_port()
        self.daemon(["dropbear", "-F", "-R", "-p", f"127.0.0.1:{port}", "-r", "/etc/ssh/rs_dropbear"],
                    ("127.0.0.1", port))
        return port

    def ftpd(self, name):
        """The port of vsftpd or proftpd."""
        port = free_port()
        path, env = program(name)
        config = f"/etc/rs_{name}"
        self.write(config, {"vsftpd": VSFTPD, "proftpd": PROFTPD}[name].format(port=port))
        if name == "vsftpd":
            self.daemon([path, config], ("127.0.0.1", port), env=env)
        else:  # in the foreground it would not log to the system's log
            self.run([path, "-c", config], env=env, stdout=subprocess.DEVNULL)
            until(lambda: listening("127.0.0.1", port), "proftpd listens")
        return port

    def processes(self):
        """Pids of all that run in it."""
        found = []
        for path in glob.glob("/proc/[0-9]*/ns/mnt"):
            with contextlib.suppress(OSError):
                if os.readlink(path) == self.ns:
                    found.append(int(path.split("/")[2]))
        return found

    def end(self):
        """Ends all of its processes, and the world with the last of them."""
        while pids := self.processes():
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.holder.wait()


def _pipe(text):
    """A descriptor to read a short text from."""
    ours, theirs = os.pipe()
    os.write(theirs, text.encode())
    os.close(theirs)
    return ours


def listening(host, port):
    """Does a process listen there? Asked without connecting, which a daemon would report."""
    if ":" in host:
        table, local = "/proc/net/tcp6", "00000000000000000000000001000000"
    else:
        table, local = "/proc/net/tcp", "0100007F"
    if sys.byteorder == "big":
        local = "00000000000000000000000000000001" if ":" in host else "7F000001"
    with open(table) as f:
        return any(row.split()[1] == f"{local}:{port:04X}" and row.split()[3] == "0A" for row in list(f)[1:])


class Terminal:
    """A process at a terminal of its own, and who sits there."""

    def __init__(self, world, argv, **options):
        self.ours, theirs = os.openpty()
        self.name = os.ttyname(theirs)
        os.chmod(self.name, 0o666)
        self.text, self.at = "", 0
        self.process = world.start(argv, by=["setsid", "--ctty"], stdin=theirs, stdout=theirs, stderr=theirs,
                                   **options)
        os.close(theirs)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    @property
    def pid(self):
        return self.process.pid

    def __str__(self):
        return f"pid {self.pid} ({self.process.args[-1]})"

    def read(self):
        with contextlib.suppress(OSError):
            while data := os.read(self.ours, 4096):
                self.text += data.decode(errors="replace")

    def expect(self, pattern):
        def found():
            match = re.search(pattern, self.text[self.at:])
            if match:
                self.at += match.end()
            else:
                assert self.reader.is_alive(), f"no {pattern!r} in {self.text!r}"
            return match

        return until(found, f"{pattern!r} at the terminal")

    def say(self, line):
        os.write(self.ours, line.encode() + b"\n")

    def answer(self, prompt, *lines):
        """One line for each time that it asks."""
        for line in lines:
            self.expect(prompt)
            self.say(line)

    def end(self):
        """Its exit status."""
        status = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        os.close(self.ours)
        return status


class Client:
    """A connection that is relayed, so that its address is known beforehand: the last byte of 127.0.9.x tells
    scenarios apart, and no daemon of others is reached from there."""
    numbers = itertools.count(1)

    def __init__(self, port, host="127.0.0.1", ip=None):
        self.host, self.port = host, port
        self.ip = ip or ("::1" if ":" in host else f"127.0.9.{next(Client.numbers)}")
        self.source = free_port(self.ip)

    @property
    def address(self):
        """As events tell it."""
        return f"[{self.ip}]:{self.source}" if ":" in self.ip else f"{self.ip}:{self.source}"

    def __str__(self):
        return self.address

    def relay(self):
        kind, to, of = ("TCP6", f"[{self.host}]", "[::1]") if ":" in self.host else ("TCP4", self.host, self.ip)
        return f"socat - {kind}:{to}:{self.port},bind={of}:{self.source},reuseaddr"

    def ssh(self, world, user, *command, extra=(), **settings):
        """ssh at a terminal."""
        settings = {"ProxyCommand": self.relay(), "UserKnownHostsFile": "/dev/null", "StrictHostKeyChecking": "no",
                    "LogLevel": "ERROR", "PreferredAuthentications": "password", "IdentityAgent": "none",
                    "NumberOfPasswordPrompts": 1, **settings}
        options = [x for key, value in settings.items() for x in ("-o", f"{key}={value}")]
        return Terminal(world, ["ssh", "-F", "none", *options, *extra, "-l", user, "here", *command])

    def dbclient(self, world, user):
        """dropbear's client, which takes any name."""
        return Terminal(world, ["dbclient", "-y", "-J", self.relay(), "-l", user, "here", "true"])

    def connect(self):
        """A plain connection."""
        return socket.create_connection((self.host, self.port), PATIENCE, (self.ip, self.source))


def mount(*args):
    subprocess.run(["mount", *args], check=True)


def make(world):
    """The namespace's own files, on a tmpfs at the path world."""
    os.mkdir(world)
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", world)
    subprocess.run(["cp", "-a", "/etc", world + "/etc"], check=True)  # owners too
    for name, more in ("passwd", "{0}:x:{1}:{1}::/home/{0}:/bin/sh"), ("group", "{0}:x:{1}:"):
        with open(f"{world}/etc/{name}", "a") as f:
            f.writelines(more.format(user, uid) + "\n" for user, (uid, _) in USERS.items())
            if name == "passwd" and not re.search("^sshd:", open("/etc/passwd").read(), re.M):
                f.write("sshd:x:64200:65534::/run/sshd:/usr/sbin/nologin\n")
    with open("/etc/shadow") as f:
        others = [line for line in f if not line.startswith("root:")]
    with open(f"{world}/etc/shadow", "w") as f:
        f.writelines([*others, *(f"{user}:{HASH}:{age}\n" for user, (_, age) in USERS.items()),
                      f"root:{HASH}:19000:0:99999:7:::\n"])
    shutil.rmtree(world + "/etc/pam.d")
    os.mkdir(world + "/etc/pam.d")
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(world + "/etc/sudoers.d")
    for name, text in {"login.defs": LOGIN_DEFS, "sudoers": SUDOERS, "ssh/sshrc": None, "nologin": None,
                       **{"pam.d/" + service: stack for service, stack in STACKS.items()}}.items():
        path = f"{world}/etc/{name}"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        if text is not None:
            with open(path, "w") as f:
                f.write(text)
            os.chmod(path, 0o440 if name == "sudoers" else 0o644)
    mount("--bind", world + "/etc", "/etc")
    for name in HIDDEN:
        if os.path.isdir("/" + name):
            os.makedirs(f"{world}/{name}")
            mount("--bind", f"{world}/{name}", "/" + name)
    for user, (uid, _) in USERS.items():
        os.mkdir(f"/home/{user}", 0o700)
        os.chown(f"/home/{user}", uid, uid)
    for name in "sshd", "empty", "faillock", "sudo":
        os.mkdir(f"/run/{name}", 0o711)
    for name in "/run/utmp", "/var/log/wtmp", "/var/log/btmp", "/var/log/lastlog":
        os.close(os.open(name, os.O_CREAT, 0o600))


def make_dev(world):
    dev = world + "/dev"
    os.mkdir(dev)
    for name, number in DEVICES.items():
        os.mknod(f"{dev}/{name}", 0o666 | stat.S_IFCHR, os.makedev(*number))
        os.chmod(f"{dev}/{name}", 0o666)
    for name in "pts", "shm":
        os.mkdir(f"{dev}/{name}")
        mount("--bind", "/dev/" + name, f"{dev}/{name}")
    for name, target in ("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2"):
        os.symlink(f"/proc/self/fd{target}", f"{dev}/{name}")
    mount("--rbind", dev, "/dev")


def make_keys():
    os.makedirs("/etc/ssh/keys", exist_ok=True)
    os.mkdir("/etc/ssh/mine", 0o755)
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    for name in "rs_key", "mine/good", "mine/bad1", "mine/bad2", "mine/bad3":
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", "/etc/ssh/" + name], **quiet)
    shutil.copy("/etc/ssh/mine/good.pub", "/etc/ssh/keys/rsone")
    if shutil.which("dropbearkey", path=PATH):
        subprocess.run(["dropbearkey", "-t", "ed25519", "-f", "/etc/ssh/rs_dropbear"], **quiet)
        os.mkdir("/home/rsone/.ssh", 0o700)
        shutil.copy("/etc/ssh/mine/good.pub", "/home/rsone/.ssh/authorized_keys")
        for path in "/home/rsone/.ssh", "/home/rsone/.ssh/authorized_keys":
            os.chown(path, USERS["rsone"][0], USERS["rsone"][0])


def hold(place, log):
    """Is there until standard input ends, and keeps what is logged."""
    lines = os.open(os.path.join(place, "log"), os.O_CREAT | os.O_WRONLY, 0o600)
    make(os.path.join(place, "world"))
    make_dev(os.path.join(place, "world"))
    make_keys()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(log)
        os.chmod(log, 0o666)
        print("ready", flush=True)
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
        while True:
            os.write(lines, s.recv(65536).rstrip(b"\0") + b"\0")


if __name__ == "__main__":
    hold(*sys.argv[1:])
