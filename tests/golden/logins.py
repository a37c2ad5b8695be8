# SPDX-License-Identifier: Apache-2.0
"""Logins by real daemons, so that what is made of their reports is tested without root: short forms of
tests/live/test_auth_*.py. What is recorded is the daemon and what it starts, not who connects to it."""
import functools
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../live"))

import test_auth_forged as forged  # noqa: E402
import test_auth_other as other  # noqa: E402
import test_auth_pam as pam  # noqa: E402
import test_auth_ssh as ssh  # noqa: E402
from auth_world import World  # noqa: E402


@functools.cache
def world():
    made = World()
    ssh.world = pam.world = other.world = forged.world = made
    return made


def daemon(module, name, port, *cases):
    """What a daemon says while these cases are acted, one after the other."""
    module.ports = {name: port}
    for case in cases:
        case.__wrapped__()
    return world().daemons[port].pid


def forger(name, *words):
    world()
    return forged.forge(name, *words).pid


SCENARIOS = {  # name: function that acts it and returns the pid of its first process
    "login-ssh": lambda: daemon(
        ssh, "pam", world().sshd(), ssh.wrong, ssh.right, ssh.unknown_user, ssh.publickey_fourth,
        ssh.publickey_refused, ssh.wrong_then_right, ssh.expired_account, ssh.disconnect, ssh.ipv6),
    "login-ssh-kbdint": lambda: daemon(
        ssh, "kbdint", world().sshd(KbdInteractiveAuthentication="yes", PasswordAuthentication="no"),
        ssh.kbdint_wrong, ssh.kbdint_right, ssh.kbdint_unknown_user),
    "login-ssh-plain": lambda: daemon(
        ssh, "plain", world().sshd(UsePAM="no"), ssh.without_pam_wrong, ssh.without_pam_right),
    "login-ssh-stderr": lambda: daemon(
        ssh, "stderr", world().sshd(log="stderr"), ssh.stderr_wrong, ssh.stderr_right),
    "login-ssh-names": lambda: daemon(forged, "sshd", world().sshd(), *forged.OF_NAMES),
    "login-dropbear": lambda: daemon(
        other, "dropbear", world().dropbear(), other.dropbear_wrong, other.dropbear_unknown_user,
        other.dropbear_right, other.dropbear_key_refused),
    "login-vsftpd": lambda: daemon(
        other, "vsftpd", world().ftpd("vsftpd"), other.vsftpd_wrong, other.vsftpd_right),
    "login-su": lambda: world() and pam.su_wrong.__wrapped__().pid,
    "login-sudo": lambda: world() and pam.sudo_wrong_then_right.__wrapped__().pid,
    "login-login": lambda: world() and pam.login_unknown_user.__wrapped__().pid,
    "login-forged": lambda: forger("audit", *forged.LOGIN, forged.syslog(forged.ACCEPTED)),
}
