#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Logins by OpenSSH: each attempt is one event, with the address of the client's real socket."""
import sys

from auth_cases import InSession, case, ends, fails, main, unclaimed, works
from auth_world import RIGHT, WRONG, Client, World
from tap import equal, test

KEYS = "/etc/ssh/mine/"
world = None
ports = {}  # name: where an sshd of these settings listens


def password(sshd, user, *words, command=("true",), status=None, host="127.0.0.1", **settings):
    """Logs in with the passwords, one after the other; status: of ssh."""
    client = Client(ports[sshd], host)
    ssh = client.ssh(world, user, *command, NumberOfPasswordPrompts=len(words), **settings)
    ssh.answer("[Pp]assword: ", *words)
    code = ssh.end()
    equal(code, 255 if words[-1] == WRONG and status is None else status or 0, repr(ssh.text))
    return client


def key(sshd, user, *names, status=0, **settings):
    """Offers these keys in turn."""
    client = Client(ports[sshd])
    files = " ".join(f"-i {KEYS}{name}" for name in names).split()
    ssh = client.ssh(world, user, "true", PreferredAuthentications="publickey", IdentitiesOnly="yes",
                     BatchMode="yes", extra=files, **settings)
    equal(ssh.end(), status, repr(ssh.text))
    return client


KBDINT = {"PreferredAuthentications": "keyboard-interactive"}
ONE = {"user": "rsone", "service": "sshd"}


@case(fails(method="password", **ONE))
def wrong():
    """Wrong password: one failure"""
    return password("pam", "rsone", WRONG)


@case(works(method="password", **ONE), ends(**ONE))
def right():
    """Right password, and logout: one login, one end"""
    return password("pam", "rsone", RIGHT)


@case(works(method="password", **ONE), ends(**ONE))
def right_terminal():
    """The same with a terminal"""
    return password("pam", "rsone", RIGHT, RequestTTY="force")


@case(works(method="password", user="root", service="sshd"), ends(user="root", service="sshd"))
def root():
    """root by password"""
    return password("pam", "root", RIGHT)


@case(fails("user_unknown", method="password", user="nosuch77", service="sshd"))
def unknown_user():
    """A user that does not exist: one failure, with the name that was tried"""
    return password("pam", "nosuch77", WRONG)


@case(fails(method="keyboard_interactive", **ONE))
def kbdint_wrong():
    """Keyboard-interactive, wrong password"""
    return password("kbdint", "rsone", WRONG, **KBDINT)


@case(works(method="keyboard_interactive", **ONE), ends(**ONE))
def kbdint_right():
    """Keyboard-interactive, right password"""
    return password("kbdint", "rsone", RIGHT, **KBDINT)


@case(fails("user_unknown", method="keyboard_interactive", user="nosuch78", service="sshd"))
def kbdint_unknown_user():
    """Keyboard-interactive, a user that does not exist"""
    return password("kbdint", "nosuch78", WRONG, **KBDINT)


@case(works(method="publickey", **ONE), ends(**ONE))
def publickey():
    """A public key"""
    return key("pam", "rsone", "good")


@case(works(method="publickey", **ONE), ends(**ONE))
def publickey_fourth():
    """An agent's three other keys, then the right one: no failure"""
    return key("pam", "rsone", "bad1", "bad2", "bad3", "good")


@case(fails("key_not_accepted", method="publickey", keys=3, **ONE))
def publickey_refused():
    """Three keys, none accepted: one failure"""
    return key("pam", "rsone", "bad1", "bad2", "bad3", status=255)


@case(fails(method="password", **ONE), works(method="password", **ONE), ends(**ONE))
def wrong_then_right():
    """A wrong password and the right one in one connection"""
    return password("pam", "rsone", WRONG, RIGHT)


@case(*[fails(method="password", **ONE)] * 6)
def six_tries():
    """Six tries in one connection are six failures"""
    return password("pam", "rsone", *[WRONG] * 6)


@case(fails("disconnected_before_auth", outcome="unknown", **ONE))
def gave_up():
    """A client that names a user and goes: nobody knows what it wanted"""
    client = Client(ports["pam"])
    ssh = client.ssh(world, "rsone", "true", PreferredAuthentications="hostbased")
    equal(ssh.end(), 255, repr(ssh.text))
    return client


@case()
def disconnect():
    """A client that goes before it names a user is no attempt"""
    client = Client(ports["pam"])
    with client.connect() as s:
        s.sendall(b"SSH-2.0-probe\r\n")
        s.recv(64)
    return client


@case()
def scan():
    """A port scan is no attempt"""
    client = Client(ports["pam"])
    client.connect().close()
    return client


@case(fails("account_expired_or_locked", user="rsgone", service="sshd"))
def expired_account():
    """The right password of an account that expired"""
    return password("pam", "rsgone", RIGHT, status=255)


@case(works("password_expired_must_change", method="password", user="rsmust", service="sshd"),
      ends(user="rsmust", service="sshd"), {"action": "password_change", "outcome": "failure", "of": 1})
def expired_password():
    """A password that has to be changed: the login is accepted"""
    client = Client(ports["pam"])
    ssh = client.ssh(world, "rsmust", RequestTTY="force")
    ssh.answer("assword: ", RIGHT)
    ssh.expect("(?i)current password")
    ssh.process.terminate()
    ssh.end()
    return [client, InSession(client)]


LOCK = {"user": "rslock", "service": "sshd"}


@case(fails(of=0, **LOCK), fails(of=1, **LOCK), {"action": "account_lock", "user": "rslock", "of": 1},
      fails(of=2, **LOCK))
def locked():
    """An account that faillock locks: two failures, the lock; from then on PAM calls any password wrong"""
    clients = [password("pam", "rslock", word, status=255) for word in (WRONG, WRONG, RIGHT)]
    return clients


@case(fails(method="password", **ONE))
def without_pam_wrong():
    """UsePAM no, wrong password"""
    return password("plain", "rsone", WRONG)


@case(works(method="password", **ONE), ends(**ONE))
def without_pam_right():
    """UsePAM no, right password"""
    return password("plain", "rsone", RIGHT)


@case(fails("user_unknown", method="password", user="nosuch79", service="sshd"))
def without_pam_unknown_user():
    """UsePAM no, a user that does not exist"""
    return password("plain", "nosuch79", WRONG)


@case(fails(method="password", **ONE))
def stderr_wrong():
    """sshd -e, wrong password"""
    return password("stderr", "rsone", WRONG)


@case(works(method="password", **ONE), ends(**ONE))
def stderr_right():
    """sshd -e, right password"""
    return password("stderr", "rsone", RIGHT)


@case(fails(method="password", **ONE))
def host_names():
    """UseDNS yes: the address is the socket's, whatever name it resolves to"""
    return password("dns", "rsone", WRONG)


@case(fails(method="password", **ONE), works(method="password", **ONE), ends(**ONE))
def ipv6():
    """IPv6"""
    return password("pam", "rsone", WRONG, RIGHT, host="::1")


@case(fails(of=0, method="password", **ONE), fails(of=1, method="password", user="rstwo"),
      works(of=0, method="password", **ONE), ends(of=0, **ONE), fails(of=1, method="password", user="rstwo"))
def two_at_once():
    """Two clients that try in turn are kept apart"""
    clients = [Client(ports["pam"]) for _ in "12"]
    tries = [c.ssh(world, user, "true", NumberOfPasswordPrompts=2)
             for c, user in zip(clients, ("rsone", "rstwo"))]
    for one, two in (WRONG, WRONG), (RIGHT, WRONG):
        for ssh, word in zip(tries, (one, two)):
            ssh.expect("assword: ")
            ssh.say(word)
    for ssh in tries:
        ssh.end()
    return clients


@case(works(of=0, method="password", **ONE), ends(of=0, **ONE),
      {"action": "become", "outcome": "failure", "reason": "bad_credentials", "user": "rstwo", "invoker": "rsone",
       "service": "su", "verified": True, "of": 1})
def su_in_session():
    """su in a session: where the session was logged in to from is told with it"""
    client = Client(ports["pam"])
    ssh = client.ssh(world, "rsone", "su rstwo -c true", RequestTTY="force")
    ssh.answer("assword: ", RIGHT, WRONG)
    equal(ssh.end(), 1, repr(ssh.text))
    return [client, InSession(client)]


@test
def nothing_else(sensor):
    """No other event came of these connections"""
    equal([e for e in unclaimed(sensor, world)], [], "events of no case")


def make_ports(where):
    return {"pam": where.sshd(), "plain": where.sshd(UsePAM="no"), "dns": where.sshd(UseDNS="yes"),
            "kbdint": where.sshd(KbdInteractiveAuthentication="yes", PasswordAuthentication="no"),
            "stderr": where.sshd(log="stderr")}


if __name__ == "__main__":
    world = World()
    ports = make_ports(world)
    sys.exit(main([world]))
