#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs that ask PAM: su, sudo, login, passwd, and stacks of our own."""
import sys

from auth_cases import case, ends, fails, main, unclaimed, works
from auth_world import CHANGED, RIGHT, WRONG, Terminal, World, program
from tap import Skip, equal, test

world = None


def at_terminal(argv, *answers, user=None, status=0):
    """Answers (prompt, line) one after the other."""
    terminal = Terminal(world, argv, user=user)
    for prompt, line in answers:
        terminal.answer(prompt, line)
    equal(terminal.end(), status, repr(terminal.text))
    return terminal


def su(*words, to="rstwo", user="rsone", status=0):
    return at_terminal(["su", to, "-c", "true"], *[("assword: ", word) for word in words], user=user, status=status)


def sudo(*words, user="rsadmin", status=0, options=()):
    return at_terminal(["sudo", *options, "true"], *[("password for .*: ", word) for word in words], user=user,
                       status=status)


def become(outcome="success", reason="ok", **fields):
    return {"action": "become", "outcome": outcome, "reason": reason, "verified": True, **fields}


SU = {"user": "rstwo", "service": "su"}
BY_SU = {"invoker": "rsone", **SU}


@case(become("failure", "bad_credentials", **BY_SU))
def su_wrong():
    """su, wrong password"""
    return su(WRONG, status=1)


@case(become(**BY_SU), ends(**SU))
def su_right():
    """su, right password, and its end"""
    return su(RIGHT)


@case()
def su_unknown_user():
    """su to nobody that exists: no program asks, nothing is to be seen"""
    return su(to="nosuch77", status=1)


@case()
def su_of_root():
    """root's su asks for nothing: no attempt"""
    return su(user=None)


@case(*[become("failure", "bad_credentials", invoker="rsadmin", service="sudo")] * 3)
def sudo_wrong():
    """sudo, three wrong passwords: three failures"""
    return sudo(WRONG, WRONG, WRONG, status=1)


@case(become(invoker="rsadmin", user="root", service="sudo"), ends(user="root", service="sudo"))
def sudo_right():
    """sudo, right password"""
    return sudo(RIGHT)


@case(become("failure", "bad_credentials", invoker="rsadmin", service="sudo"),
      become(invoker="rsadmin", user="root", service="sudo"), ends(user="root", service="sudo"))
def sudo_wrong_then_right():
    """sudo, a wrong password and the right one"""
    return sudo(WRONG, RIGHT)


@case({"action": "command_refused", "outcome": "failure", "reason": "cred_insufficient", "invoker": "rsadmin",
       "service": "sudo", "verified": True})
def sudo_without_asking():
    """sudo -n where a password is needed"""
    return sudo(options=["-n"], status=1)


@case({"action": "command_refused", "outcome": "failure", "reason": "not_in_sudoers", "invoker": "rsone",
       "service": "sudo", "verified": True})
def sudo_not_allowed():
    """sudo by who is not in sudoers, with the right password"""
    return sudo(RIGHT, user="rsone", status=1)


def login(name, *words):
    return at_terminal(["login"], ("login: ", name), *words)


@case(fails(user="rsone", service="login"))
def login_wrong():
    """login, wrong password"""
    return login("rsone", ("Password: ", WRONG))


@case(works(user="rsone", service="login"), ends(user="rsone", service="login"))
def login_right():
    """login, right password, and logout"""
    return login("rsone", ("Password: ", RIGHT), (r"\$ ", "exit"))


@case(fails("user_unknown", user="nosuch77", service="login"))
def login_unknown_user():
    """login, a user that does not exist"""
    return login("nosuch77", ("Password: ", WRONG))


def password_change(outcome, reason):
    return {"action": "password_change", "outcome": outcome, "reason": reason, "user": "rsnew", "verified": True}


@case(password_change("failure", "bad_credentials"))
def passwd_wrong():
    """passwd, wrong old password"""
    return at_terminal(["passwd"], ("Current password: ", WRONG), user="rsnew", status=10)


@case(password_change("success", "ok"))
def passwd_right():
    """passwd, the password is changed"""
    return at_terminal(["passwd"], ("Current password: ", RIGHT), ("New password: ", CHANGED),
                       ("Retype new password: ", CHANGED), user="rsnew")


def pamtester(service, user, *words, of=None, status=0, operations=("authenticate",)):
    if not program("pamtester"):
        raise Skip("pamtester is not installed")
    return at_terminal(["pamtester", service, user, *operations], *[("Password: ", w) for w in words], user=of,
                       status=status)


def asks(outcome="success", reason="ok", **fields):
    return {"action": "authenticate", "outcome": outcome, "reason": reason, "service": "rs-own", "user": "rsone",
            "verified": True, **fields}


@case(asks("failure", "bad_credentials"))
def own_wrong():
    """A stack of our own, wrong password"""
    return pamtester("rs-own", "rsone", WRONG, status=1)


@case(asks())
def own_right():
    """A stack of our own, right password and nothing more"""
    return pamtester("rs-own", "rsone", RIGHT)


@case(asks("failure", "user_unknown", user="nosuch77"))
def own_unknown_user():
    """A stack of our own, a user that does not exist: by the name that was tried"""
    return pamtester("rs-own", "nosuch77", WRONG, status=1)


@case(works(user="rsone", service="rs-own"), ends(user="rsone", service="rs-own"))
def own_session():
    """A stack of our own, with a session"""
    return pamtester("rs-own", "rsone", RIGHT,
                     operations=["authenticate", "acct_mgmt", "open_session", "close_session"])


@case({**asks("failure", "bad_credentials"), "service": "rs-denied"})
def own_denied():
    """A stack that refuses everybody"""
    return pamtester("rs-denied", "rsone", status=1)


@case(asks("failure", "bad_credentials", verified=False))
def unprivileged_wrong():
    """A program of the user asks, as screen lockers do: wrong password, one failure, not verified"""
    return pamtester("rs-own", "rsone", WRONG, of="rsone", status=1)


@case(asks(verified=False))
def unprivileged_right():
    """The same with the right password"""
    return pamtester("rs-own", "rsone", RIGHT, of="rsone")


@test
def nothing_else(sensor):
    """No other event came of these programs"""
    equal(unclaimed(sensor, world), [], "events of no case")


if __name__ == "__main__":
    world = World()
    sys.exit(main([world]))
