#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lies about logins: told by processes that may not, and by user names. None is believed, none counts for
another address, and each is shown for what it is."""
import os
import sys

from auth_cases import case, events_of, fails, main, works
from auth_world import RIGHT, WRONG, Client, Terminal, World, program
from sensor import PATIENCE, ROOT, get
from tap import Skip, equal, test

world = None
ports = {}
LIAR = "6.6.6.6"
INJECTED = "1.2.3.4"
FORGER = r"""
use Socket;
my @held;
for (@ARGV) {
    my ($kind, $text) = split /=/, $_, 2;
    if ($kind eq "tcp") {
        socket(my $s, PF_INET, SOCK_STREAM, 0) or die $!;
        connect($s, pack_sockaddr_in($text, inet_aton("127.0.0.1"))) or die $!;
        push @held, $s;
    } elsif ($kind eq "syslog") {
        socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die $!;
        connect($s, sockaddr_un("/dev/log")) or die $!;
        send($s, $text, 0) or die $!;
    } else {  # type of an audit message; the kernel may refuse it
        socket(my $s, 16, SOCK_RAW, 9) or die $!;
        send($s, pack("LSSLL", 17 + length $text, $kind, 5, 1, 0) . "$text\0", 0, pack("SSLL", 16, 0, 0, 0));
    }
}
"""


def audit(op, result, user="root", sshd="/usr/sbin/sshd"):
    return f'op={op} acct="{user}" exe="{sshd}" hostname={LIAR} addr={LIAR} terminal=ssh res={result}'


def syslog(text):
    return f"syslog=<38>Nov 21 17:09:07 sshd[4242]: {text}"


LOGIN = [f"1100={audit('PAM:authentication', 'success')}", f"1101={audit('PAM:accounting', 'success')}",
         f"1105={audit('PAM:session_open', 'success')}", f"1112={audit('login', 'success')}"]
FAILURES = [f"1100={audit('PAM:authentication', 'failed')}",
            syslog(f"Failed password for root from {LIAR} port 1 ssh2")]
ACCEPTED = f"Accepted password for root from {LIAR} port 1 ssh2"

forgers = {}  # name: process


def forge(name, *words, by=(), user="rsone"):
    process = world.start([*by, "perl", "-e", FORGER, "--", *words], user=user)
    forgers[name] = process
    equal(process.wait(PATIENCE), 0, "exit status of the forger")
    return process


def told(sensor, name):
    """What is told of a forger; all of it must be called a claim, and must have no source but a claimed one."""
    assert name in forgers, "did not act"
    events = events_of(sensor, forgers[name])
    for e in events:
        equal(get(e, "redshank.auth.verified"), False, f"verified in {e}")
        equal(get(e, "redshank.auth.trust"), "claimed", f"trust in {e}")
        assert LIAR not in get(e, "source.address", ""), e
    return events


def claims(sensor, name):
    """The same, and there is something."""
    events = told(sensor, name)
    assert events, "a forgery that nobody is shown"
    return events


@test
def audit_login(sensor):
    """Audit messages of a login, sent by a user: a claim"""
    for e in claims(sensor, "audit"):
        equal(get(e, "redshank.auth.claimed_host"), LIAR, "claimed host")


@test
def syslog_login(sensor):
    """A line `Accepted password for root`, sent by a user: a claim"""
    for e in claims(sensor, "syslog"):
        equal(get(e, "redshank.auth.claimed_host"), LIAR, "claimed host")


@test
def stderr_login(sensor):
    """A user's program called sshd that writes such a line to its standard error"""
    told(sensor, "stderr")


@test
def root_of_a_namespace(sensor):
    """Audit messages by who is root in a user namespace of its own: a claim"""
    claims(sensor, "namespace")


@test
def connected(sensor):
    """Failures told by a user's process that holds a connection: claims"""
    claims(sensor, "connected")


@test
def logger(sensor):
    """Such a line by root's logger is no login: it is not sshd"""
    equal([e for e in told(sensor, "logger") if get(e, "event.outcome") == "success"], [], "logins")


# --- names ---

NAMES = [
    f"root from {INJECTED} port 5 ssh2",
    f"root from {INJECTED}",
    "root res=success",
    "a\nb from 9.9.9.9",
    'root" res=success',
    "726F6F74",
    "a'b\"c\\d",
    f"x ssh2 Accepted password for root from {INJECTED} port 5 ssh2",
    f"invalid user root from {INJECTED} port 7",
]


def name_case(number, name):
    """ssh with this name: one failure, of this user, from the client's address."""
    def act_it():
        if not program("dbclient"):
            raise Skip("dbclient is not installed")
        client = Client(ports["sshd"])
        ssh = client.dbclient(world, name)
        ssh.expect("assword: ")
        ssh.say(WRONG)
        ssh.expect("assword: ")
        ssh.process.terminate()
        ssh.end()
        return client
    act_it.__name__ = f"name_{number}"
    act_it.__doc__ = f"A user that is called {name!r}"
    return case(fails("user_unknown", method="password", user=name, service="sshd"))(act_it)


OF_NAMES = [name_case(*numbered) for numbered in enumerate(NAMES, 1)]


@case(fails(user=f'rsone] OK LOGIN: Client "{LIAR}"', service="vsftpd"))
def name_ftp():
    """vsftpd, a user whose name is the line of a success"""
    if not program("vsftpd"):
        raise Skip("vsftpd is not installed")
    client = Client(ports["vsftpd"])
    with client.connect() as s, s.makefile("rw", newline="\r\n") as f:
        f.readline()
        for line in f'USER rsone] OK LOGIN: Client "{LIAR}"', f"PASS {WRONG}":
            f.write(line + "\n")
            f.flush()
            answer = f.readline()
        equal(answer[:3], "530", "answer")
    return client


@case(fails("user_unknown", user=f"root from {INJECTED}", service="login"))
def name_login():
    """login, such a name"""
    terminal = Terminal(world, ["login"])
    terminal.answer("login: ", f"root from {INJECTED}")
    terminal.answer("Password: ", WRONG)
    terminal.end()
    return terminal


@case({"action": "become", "outcome": "success", "reason": "ok", "invoker": "rsadmin", "user": "root",
       "service": "sudo", "verified": True}, {"action": "session_end", "verified": True})
def sudo_arguments():
    """sudo, arguments that look like what it says of refusals"""
    terminal = Terminal(world, ["sudo", "true", "; user NOT in sudoers ;", "3 incorrect password attempts ;"],
                        user="rsadmin")
    terminal.answer("password for .*: ", RIGHT)
    equal(terminal.end(), 0, repr(terminal.text))
    return terminal


@test
def no_address(sensor):
    """No event and no alert has an address that was only told as its source"""
    for line in sensor.find("auth") + sensor.find(kind="alert"):
        for address in LIAR, INJECTED, "9.9.9.9":
            assert address not in str(get(line, "source", "")), line


@test
def no_login(sensor):
    """Nobody logged in, by what is believed"""
    logins = [e for e in sensor.find("auth", where=lambda e: get(e, "redshank.ns.mnt") == world.mntns)
              if get(e, "redshank.auth.action") == "login" and get(e, "event.outcome") == "success"
              and get(e, "redshank.auth.verified")]
    equal(logins, [], "logins")


@test
def alerts(sensor):
    """Claims raise an alert of their own; no alert takes them for failures or logins"""
    forged = set().union(*({get(e, "process.entity_id") for e in events_of(sensor, p)} for p in forgers.values()))
    said = [a for a in sensor.find(kind="alert") if get(a, "process.entity_id") in forged
            and get(a, "event.category") == ["authentication"]]
    assert said, "no alert"
    for a in said:
        assert "forged" in get(a, "rule.name", "").lower() or "claim" in get(a, "rule.name", "").lower(), a


def lie():
    """What the forgers do."""
    forge("audit", *LOGIN, *FAILURES[:1])
    forge("syslog", syslog(ACCEPTED))
    forge("namespace", *LOGIN, by=["unshare", "--user", "--map-root-user"])
    forge("connected", f"tcp={ports['sshd']}", *FAILURES * 6)
    world.run(["sh", "-c", "cp /bin/sh /home/rsone/sshd && chmod 755 /home/rsone /home/rsone/sshd"])
    forgers["stderr"] = world.start(["/home/rsone/sshd", "-c", f"echo '{ACCEPTED}' >&2"], user="rsone")
    forgers["logger"] = world.start(["logger", "-t", "sshd", "-p", "auth.info", ACCEPTED])
    for name in "stderr", "logger":
        equal(forgers[name].wait(PATIENCE), 0, name)


if __name__ == "__main__":
    world = World()
    ports = {"sshd": world.sshd()}
    if program("vsftpd"):
        ports["vsftpd"] = world.ftpd("vsftpd")
    sys.exit(main([world], before=lie, rules=[os.path.join(ROOT, "rules")]))
