#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Daemons that do without PAM or without audit (dropbear, busybox), file servers, and a machine without a log."""
import glob
import os
import subprocess
import sys

from auth_cases import act, case, ends, fails, unclaimed, works
from auth_world import PASSWORDS, RIGHT, WRONG, Client, Terminal, World, program
from sensor import PATIENCE, REDSHANK, ROOT, Sensor, directory, get, start, until
from tap import Skip, equal, run, test

world = silent = None  # silent: no /dev/log there
ports = {}


def password(daemon, user, word, status=0, where=None):
    client = Client(ports[daemon])
    ssh = client.ssh(where or world, user, "true")
    ssh.answer("assword: ", word)
    equal(ssh.end(), status, repr(ssh.text))
    return client


def needs(name):
    if not program(name):
        raise Skip(f"{name} is not installed")


# --- dropbear ---

DROPBEAR = {"service": "dropbear", "method": "password"}


@case(fails(user="rsone", **DROPBEAR))
def dropbear_wrong():
    """dropbear, wrong password"""
    needs("dropbear")
    return password("dropbear", "rsone", WRONG, 255)


@case(fails("user_unknown", service="dropbear"))
def dropbear_unknown_user():
    """dropbear, a user that does not exist: it does not say who; the address is the socket's"""
    needs("dropbear")
    return password("dropbear", "nosuch77", WRONG, 255)


@case(works(user="rsone", **DROPBEAR), ends(user="rsone", service="dropbear"))
def dropbear_right():
    """dropbear, right password, and logout"""
    needs("dropbear")
    return password("dropbear", "rsone", RIGHT)


def dropbear_key(name, status=0):
    needs("dropbear")
    client = Client(ports["dropbear"])
    ssh = client.ssh(world, "rsone", "true", PreferredAuthentications="publickey", IdentitiesOnly="yes",
                     BatchMode="yes", extra=["-i", "/etc/ssh/mine/" + name])
    equal(ssh.end(), status, repr(ssh.text))
    return client


@case(works(user="rsone", service="dropbear", method="publickey"), ends(user="rsone", service="dropbear"))
def dropbear_publickey():
    """dropbear, a public key"""
    return dropbear_key("good")


@case(fails("disconnected_before_auth", outcome="unknown", service="dropbear"))
def dropbear_key_refused():
    """dropbear, a key that is not accepted: it only says that the client went"""
    return dropbear_key("bad1", 255)


# --- busybox ---

def busybox(argv, *answers, user=None):
    """The applet argv[0], set-uid where others than root use it. It may want to go on: it ends with its terminal."""
    needs("busybox")
    terminal = Terminal(world, [f"/run/busybox/{argv[0]}", *argv[1:]], user=user)
    for prompt, line in answers:
        terminal.answer(prompt, line)
    return terminal


@case(fails(user="rsone", service="login"))
def busybox_login_wrong():
    """busybox login, wrong password"""
    terminal = busybox(["login"], ("login: ", "rsone"), ("Password: ", WRONG))
    terminal.expect("Login incorrect")
    terminal.process.kill()
    terminal.end()
    return terminal


@case({"action": "become", "outcome": "failure", "reason": "bad_credentials", "user": "rstwo", "invoker": "rsone",
       "service": "su", "verified": True})
def busybox_su_wrong():
    """busybox su, wrong password"""
    terminal = busybox(["su", "rstwo", "-c", "true"], ("Password: ", WRONG), user="rsone")
    equal(terminal.end(), 1, repr(terminal.text))
    return terminal


@case({"action": "become", "outcome": "success", "reason": "ok", "user": "rstwo", "invoker": "rsone", "service": "su",
       "verified": True})
def busybox_su_right():
    """busybox su, right password"""
    terminal = busybox(["su", "rstwo", "-c", "true"], ("Password: ", RIGHT), user="rsone")
    equal(terminal.end(), 0, repr(terminal.text))
    return terminal


# --- file servers ---

def ftp(daemon, user, word, code):
    """Logs in and out again."""
    needs(daemon)
    client = Client(ports[daemon])
    with client.connect() as s, s.makefile("rw", newline="\r\n") as f:
        def answer(line):
            f.write(line + "\n")
            f.flush()
            return f.readline()

        f.readline()
        answer(f"USER {user}")
        equal(answer(f"PASS {word}")[:3], code, f"answer of {daemon}")
        answer("QUIT")
    return client


@case(fails(user="rsone", service="vsftpd"))
def vsftpd_wrong():
    """vsftpd, wrong password"""
    return ftp("vsftpd", "rsone", WRONG, "530")


@case(fails("user_unknown", user="nosuch77", service="vsftpd"))
def vsftpd_unknown_user():
    """vsftpd, a user that does not exist: PAM's line says so"""
    return ftp("vsftpd", "nosuch77", WRONG, "530")


@case(works(user="rsone", service="vsftpd"))
def vsftpd_right():
    """vsftpd, right password"""
    return ftp("vsftpd", "rsone", RIGHT, "230")


@case(fails(user="rsone", service="proftpd"))
def proftpd_wrong():
    """proftpd, wrong password"""
    return ftp("proftpd", "rsone", WRONG, "530")


@case(fails("user_unknown", user="nosuch77", service="proftpd"))
def proftpd_unknown_user():
    """proftpd, a user that does not exist: it does not ask PAM, its log says so"""
    return ftp("proftpd", "nosuch77", WRONG, "530")


@case(works(user="rsone", service="proftpd"), ends(user="rsone", service="proftpd"))
def proftpd_right():
    """proftpd, right password, and its session's end"""
    return ftp("proftpd", "rsone", RIGHT, "230")


# --- a machine without a log ---

@case(fails(user="rsone", service="sshd"))
def without_log_wrong():
    """sshd where there is no /dev/log, wrong password"""
    return password("silent", "rsone", WRONG, 255, silent)


@case(works(user="rsone", service="sshd"), ends(user="rsone", service="sshd"))
def without_log_right():
    """sshd where there is no /dev/log, right password, and logout"""
    return password("silent", "rsone", RIGHT, where=silent)


@test
def nothing_else(sensor):
    """No other event came of these daemons"""
    equal(unclaimed(sensor, world, silent), [], "events of no case")


@test
def no_secrets(sensor):
    """No password that was typed is in an output, a recording, a store or a log of the sensor"""
    for client in clients:
        client.terminate()
        client.wait(PATIENCE)
    equal(sensor.stop()[0], 0, "exit status")
    files = [path for top in (sensor.dir, outputs) for path in glob.glob(top + "/*") if os.path.isfile(path)]
    assert len(files) >= len(clients) + 3, f"only {files}"
    for path in files:
        with open(path, "rb") as f:
            data = f.read()
        assert data or "stderr" in path, f"{path} is empty"
        found = [word for word in PASSWORDS if word.encode() in data or word.encode("utf-16-le") in data]
        equal(found, [], f"passwords in {os.path.basename(path)}")
    with open(os.path.join(outputs, "recording"), "rb") as f:
        assert b"Bad password attempt for 'rsone'" in f.read(), "nothing of these logins was recorded"


def client(name, *args):
    """redshank ARGS, its output in a file of this name."""
    with open(os.path.join(outputs, name), "wb") as f:
        return start([REDSHANK, *args], stdin=subprocess.DEVNULL, stdout=f, stderr=subprocess.STDOUT)


def make_busybox(where):
    where.run(["sh", "-c", "mkdir -p /run/busybox && cp $(command -v busybox) /run/busybox/busybox && cd /run/busybox"
               " && chmod 4755 busybox && ln -s busybox login && ln -s busybox su"])


def make_ports(where):
    found = {name: where.ftpd(name) for name in ("vsftpd", "proftpd") if program(name)}
    return {**found, "dropbear": where.dropbear()} if program("dropbear") else found


if __name__ == "__main__":
    world, silent = World(), World(log="/dev/none")
    make_busybox(world)
    ports = {"silent": silent.sshd(), **make_ports(world)}
    outputs = directory()
    sensor = Sensor(rules=[os.path.join(ROOT, "rules")])
    recording = os.path.join(outputs, "recording")
    of = "--socket", sensor.socket
    clients = [client("record", "record", recording), client("tail", "tail", "--type", "auth,auth_text,pam", *of),
               client("json", "tail", "-o", "json", "--type", "auth,auth_text,pam", *of)]
    until(lambda: os.path.exists(recording) and os.path.getsize(recording) > 1000, "recording")
    act(sensor)
    status = run(sensor)
    world.end()
    silent.end()
    sys.exit(status)
