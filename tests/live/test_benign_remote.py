#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Work that arrives over the network: logins by ssh on a private port of loopback, with keys and
a server of the test's own, and what tools send through them; relays and listeners."""
import os
import pwd
import socket
import subprocess

from benign import Tree, main, nothing_left, place, quiet, require
from sensor import PATIENCE, until
from tap import test

SSH = {"ssh": "openssh-client", "ssh-keygen": "openssh-client", "sshd": "openssh-server"}

SERVER = """
Port {port}
ListenAddress 127.0.0.1
HostKey {where}/host
AuthorizedKeysFile {where}/key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
Subsystem sftp internal-sftp
"""
CLIENT = """
Host there
	HostName 127.0.0.1
	Port {port}
	User {user}
	IdentityFile {where}/key
	UserKnownHostsFile {where}/known
	StrictHostKeyChecking accept-new
	LogLevel ERROR
"""
# The server's mount namespace, where root's home is the test's.
INSIDE = """
mount -t tmpfs none /run && mkdir -m 755 /run/sshd && mount --bind home /root &&
	exec /usr/sbin/sshd -D -e -f server
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def over_ssh(name, does, script, needs):
    """The script's $ssh leads to a server whose sessions are judged with it."""
    def body(sensor):
        require({**SSH, **needs})
        where, env = place()
        env["ssh"] = f"ssh -F {where}/client"
        port, tree = free_port(), Tree(sensor)
        values = {"port": port, "where": where, "user": pwd.getpwuid(os.getuid()).pw_name}
        for file, text in {"server": SERVER.format(**values), "client": CLIENT.format(**values),
                           "job": script}.items():
            with open(os.path.join(where, file), "w") as f:
                f.write(text)
        for key in "host", "key":
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{where}/{key}"],
                           check=True)
        with nothing_left(), open(os.path.join(where, "log"), "wb") as log:
            options = {"cwd": where, "env": env, "stdin": subprocess.DEVNULL, "stdout": log,
                       "stderr": log}
            server = tree.start(["unshare", "-m", "sh", "-c", INSIDE], **options)
            try:
                until(lambda: answers(port), "sshd answers")
                status = tree.start(["/bin/sh", "-e", "job"], **options).wait(PATIENCE)
            finally:
                server.terminate()
                server.wait(PATIENCE)
        with open(log.name, errors="replace") as f:
            assert status == 0, f"it ended with {status}:\n{f.read()[-4000:]}"
        tree.judge({"ssh", "sshd", *needs})

    body.__name__ = name
    body.__doc__ = f"{does}: nothing above low"
    return test(body)


over_ssh("ssh_command", "a login with a command, with a terminal, with text for a shell", """
$ssh there 'uname -r; id; ls / | wc -l'
$ssh -tt there 'ls /; exit 0'
echo 'ls / | wc -l' | $ssh there sh
echo 'ls / | wc -l' | $ssh there 'bash -s' one
""", {})

over_ssh("ssh_files", "files copied by scp, sftp, rsync and git", """
seq 1000 >file
scp -q -F client file there:scp
scp -q -O -F client file there:scp.old
echo 'put file sftp' | sftp -q -F client -b - there
rsync -a -e "$ssh" file there:rsync
$ssh there 'git init -q --bare r.git'
git init -q a && cd a && git -c user.name=A -c user.email=a@example.org commit -q --allow-empty -m 1
GIT_SSH_COMMAND=$ssh git push -q there:r.git HEAD:refs/heads/main
""", {"rsync": "rsync", "git": "git"})

over_ssh("ansible", "a management tool: Python sent into a login, files, a module run", """
$ssh there '/bin/sh -c "echo ~ && sleep 0"'
$ssh there '/bin/sh -c "( umask 77 && mkdir -p .ansible/tmp/ansible-1 ) && sleep 0"'
echo 'import json, os; print(json.dumps(list(os.uname())))' >module.py
$ssh there '/usr/bin/python3 && sleep 0' <module.py
scp -q -F client module.py there:.ansible/tmp/ansible-1/AnsiballZ_setup.py
$ssh -tt there '/bin/sh -c "chmod u+x .ansible/tmp/ansible-1 .ansible/tmp/ansible-1/AnsiballZ_setup.py && sleep 0"'
$ssh -tt there '/bin/sh -c "/usr/bin/python3 .ansible/tmp/ansible-1/AnsiballZ_setup.py && sleep 0"'
$ssh there '/bin/sh -c "rm -f -r .ansible/tmp/ansible-1/ > /dev/null 2>&1 && sleep 0"'
""", {"python3": "python3"})

over_ssh("remote_editor", "an editor's server, bootstrapped by a script into a login", """
cat >bootstrap <<'END'
set -e
dir=$HOME/.editor-server/bin/0123abcd
mkdir -p "$dir" && cd "$dir"
printf '#!/bin/sh\\nexec node "$(dirname "$0")/server.js" "$@"\\n' >server.sh
cat >server.js <<'JS'
const net = require('net'), { spawn } = require('child_process');
const s = net.createServer().listen(0, '127.0.0.1', () => {
  console.log('listening on ' + s.address().port);
  spawn('/bin/sh', ['-c', 'ps -ax -o pid=,ppid=,command= | wc -l']).on('exit', () => s.close());
});
JS
tar -czf server.tar.gz server.sh server.js && rm server.sh server.js
tar -xzf server.tar.gz --no-same-owner && chmod +x server.sh
uname -m; id -u; cat /etc/os-release | grep ^ID=
nohup ./server.sh --host=127.0.0.1 >log 2>&1 </dev/null &
until grep -q listening log; do sleep 0.05; done
cat log
wait
END
$ssh -T there sh <bootstrap
$ssh -T there 'bash --login -c bash' <bootstrap
""", {"node": "nodejs"})

over_ssh("runner", "a build runner, which writes steps to files and runs them", """
cat >steps <<'END'
set -e
mkdir -p runner/_work/_temp && cd runner/_work
for step in 'git init -q src' 'cd src && echo "int main(void){return 0;}" >a.c && cc -o a a.c && ./a' \\
	'cd src && tar -czf ../a.tar.gz a && sha256sum ../a.tar.gz' 'curl -fsS "file://$PWD/a.tar.gz" -o b.tar.gz'; do
	file=_temp/$(cat /proc/sys/kernel/random/uuid).sh
	echo "$step" >$file
	bash --noprofile --norc -e -o pipefail $file
	rm $file
done
END
scp -q -F client steps there:run.sh
$ssh there 'nohup sh run.sh </dev/null >log 2>&1; cat log; rm run.sh'
""", {"cc": "gcc", "git": "git", "curl": "curl"})

over_ssh("forwarding", "ports forwarded through a login", """
$ssh -o ExitOnForwardFailure=yes -L "$T/forward:127.0.0.1:$(sed -n 's/Port //p' server)" there 'sleep 0'
$ssh -o ProxyCommand="$ssh -W 127.0.0.1:%p there" there true
""", {})

PORT = """
port() { /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
"""

quiet("tls", "a server and a client of openssl", PORT + """
openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -subj /CN=localhost -days 1
port=$(port)
openssl s_server -accept 127.0.0.1:$port -cert cert -key key -www & server=$!
until openssl s_client -connect 127.0.0.1:$port </dev/null; do kill -0 $server; done
printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -quiet -no_ign_eof -connect 127.0.0.1:$port
kill $server
""", {"openssl": "openssl", "python3": "python3"})

quiet("netcat", "netcat that listens and one that sends", PORT + """
port=$(port)
nc -l 127.0.0.1 $port >got & server=$!
until echo text | nc -N 127.0.0.1 $port; do kill -0 $server; done
wait $server
grep text got
nc -z 127.0.0.1 $port || true
""", {"nc": "netcat-openbsd", "python3": "python3"})

quiet("socat", "socat between a socket and a file", """
socat -u UNIX-LISTEN:s OPEN:got,creat,append & server=$!
until echo text | socat -u - UNIX-CONNECT:s; do kill -0 $server; done
wait $server
grep text got
socat -u EXEC:'ls /' - | wc -l
""", {"socat": "socat"})

if __name__ == "__main__":
    main()
