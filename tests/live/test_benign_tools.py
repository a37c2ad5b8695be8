#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Development and administration: builds, version control, editors, terminals, agents, archives."""
from benign import main, quiet

GIT = {"git": "git"}
CC = {"cc": "gcc", "make": "make"}

IDENTITY = """
git config --global user.name A && git config --global user.email a@example.org
git config --global init.defaultBranch main
"""

quiet("git", "git with hooks, an editor and a rebase", IDENTITY + """
git init -q a && cd a
for hook in pre-commit commit-msg post-commit; do
	printf '#!/bin/sh\\necho $0 | wc -c\\n' >.git/hooks/$hook && chmod +x .git/hooks/$hook
done
for i in 1 2 3; do echo $i >>f && git add f && git commit -qm $i; done
GIT_EDITOR='sed -i s/3/4/' git commit --amend
GIT_SEQUENCE_EDITOR=true git rebase -i HEAD~2
git log -p --stat | cat
git gc -q
""", GIT)

quiet("git_clone", "git that clones, fetches and updates a submodule", IDENTITY + """
git init -q a && (cd a && echo 1 >f && git add f && git commit -qm 1)
git clone -q "file://$T/a" b
git -C b -c protocol.file.allow=always submodule add -q "file://$T/a" sub
git -C b commit -qm sub
git -C b fetch -q && git -C b submodule -q update --init
""", GIT)

CONFIGURE = r"""
cat >configure <<'END'
#!/bin/sh
for name in getpid memfd_create no_such_function; do
	cat >conftest.c <<EOF
char $name(void);
int main(void) { return $name() == -1; }
EOF
	cc -fno-builtin -o conftest conftest.c 2>/dev/null && ./conftest && echo "have $name"
	rm -f conftest conftest.c
done
cat >Makefile <<EOF
all: a b libc.so
	./a && ./b
a b: %: %.c
	cc -O2 -o \$@ \$<
libc.so: a.c
	cc -shared -fPIC -o \$@ \$<
EOF
END
chmod +x configure
echo 'int main(void) { return 0; }' | tee a.c >b.c
./configure
make -j4
"""

quiet("build", "configure and make in a temporary directory", CONFIGURE, CC)

quiet("build_in_memory", "the same on a tmpfs", """
mkdir fs
unshare -m sh -e <<'END'
mount -t tmpfs build fs
cd fs
""" + CONFIGURE.replace("END", "STOP") + """
END
""", {**CC, "unshare": "util-linux"})

quiet("build_from_pipe", "a compiler that reads a pipe", """
echo 'int main(void) { return 0; }' | cc -pipe -x c -o a - && ./a
""", {"cc": "gcc"})

quiet("build_with_trampolines", "nested functions on an executable stack, and a library that wants one, and ldd", """
cat >nested.c <<'END'
#include <stdlib.h>
#include <unistd.h>
int main(void)
{
	int a[] = { 3, 2, 1 }, calls = 0;
	int compare(const void *x, const void *y) { calls++; return *(int *)x - *(int *)y; }
	qsort(a, 3, sizeof(*a), compare);
	return calls == 0 || (fork() == 0 && execl("/bin/true", "true", NULL));
}
END
cc -z execstack -o nested nested.c && ./nested
cc -z execstack -shared -fPIC -o libnested.so nested.c
ldd ./libnested.so nested
/usr/bin/python3 -c 'import ctypes, os; ctypes.CDLL("./libnested.so"); os.system("true")'
""", {"cc": "gcc", "python3": "python3", "ldd": "libc-bin"})

quiet("preload", "libraries preloaded by tools that do so for their work", """
stdbuf -oL ls / | wc -l
if command -v fakeroot; then fakeroot sh -c 'touch f; chown nobody f; tar -cf f.tar f'; fi
cat >hook.c <<'END'
int hook;
END
cc -fsanitize=address -o hook -x c - <<'END'
int main(void) { return 0; }
END
./hook
""", {"stdbuf": "coreutils", "cc": "gcc"})

quiet("installer", "an archive that unpacks itself, runs its set-up, and is deleted while that runs", r"""
mkdir payload && printf '#!/bin/sh\nrm -rf "$1"\nls / | wc -l\n./daemon 0.1 &\nrm -f daemon\nwait\n' >payload/setup
cp /bin/sleep payload/daemon && chmod +x payload/setup
cat >installer.run <<'END'
#!/bin/sh
dir=$(mktemp -d)
tail -n +5 "$0" | tar -xz -C "$dir" && cd "$dir" && ./setup "$dir/x"; rm -rf "$dir"
exit 0
END
tar -cz -C payload . >>installer.run
TMPDIR=$T sh installer.run
""", {"tar": "tar"})

quiet("chroot", "a root directory of its own, entered by chroot", """
mkdir -p root/bin root/proc && cp "$(command -v busybox)" root/bin/
for name in sh ls wc id true; do ln -s busybox root/bin/$name; done
unshare -m sh -e <<'END'
mount -t proc proc root/proc
chroot root /bin/sh -c 'ls / | wc -l; id; exec true'
END
""", {"busybox": "busybox-static", "chroot": "coreutils", "unshare": "util-linux"})

quiet("as_user", "a user's work: a build, node, Python, gdb and strace", """
install -d -o 54321 work && cd work
cat >job <<'END'
export HOME=$PWD
echo 'int main(void) { return 0; }' >a.c && cc -o a a.c && ./a
if command -v node; then node -e 'for (let i = 0; i < 1e6; i++);'; fi
/usr/bin/python3 -c 'import ctypes; ctypes.CFUNCTYPE(None)(lambda: None)()'
if command -v gdb; then gdb -nx -batch -ex starti -ex 'break *$pc+2' -ex continue ./a; fi
if command -v strace; then strace -f -o log sh -c './a; exit 0'; fi
END
setpriv --reuid=54321 --regid=54321 --clear-groups sh -e job
""", {"setpriv": "util-linux", "cc": "gcc", "python3": "python3"})

quiet("sandbox", "a sandbox of namespaces that a user makes", """
install -d -o nobody work && cd work
setpriv --reuid=nobody --regid=nogroup --clear-groups bwrap --ro-bind / / --dev /dev --proc /proc \
	--tmpfs /tmp --unshare-all sh -c 'ls / | wc -l; id; exec true'
""", {"bwrap": "bubblewrap", "setpriv": "util-linux"})

quiet("vim", "vim at a terminal, with a filter and a shell command", """
vim -u NONE -n f
grep -q x f
""", {"vim": "vim"}, keys=b"ix\x1b:r !date\r:%!sort\r:wq\r")

quiet("shell_terminal", "an interactive shell at a terminal", """
bash --norc -i
""", {"bash": "bash"}, keys=b"cd /; ls | wc -l; id; uname -a; ps aux | head -3; df / | cat\n"
                              b"(sleep 0 & wait); cat <<< here; exit 0\n")

quiet("tmux", "tmux: a server, windows, keys, the end", """
export TMUX_TMPDIR=$T
tmux new-session -d -s a 'cat'
tmux new-window -t a 'bash --norc'
tmux send-keys -t a 'echo done >done' Enter
until [ -e done ]; do :; done
tmux kill-server
""", {"tmux": "tmux"})

quiet("screen", "screen: a detached session and its end", """
export SCREENDIR=$T/screens && mkdir -m 700 screens
screen -dmS a sh -c 'echo done >done; exec cat'
until [ -e done ]; do :; done
screen -S a -X quit
""", {"screen": "screen"})

quiet("agents", "ssh-agent and gpg-agent with keys", """
ssh-agent sh -ec 'ssh-keygen -q -t ed25519 -N "" -f key; ssh-add -q key; ssh-add -l'
mkdir -m 700 gpg && export GNUPGHOME=$T/gpg
gpg --batch --passphrase '' --quick-generate-key a@example.org ed25519 sign never
echo text | gpg --batch --clear-sign >signed && gpg --verify signed
gpgconf --kill all
""", {"ssh-agent": "openssh-client", "gpg": "gpg", "gpg-agent": "gpg-agent"})

quiet("archives", "archives packed and unpacked", """
cp -r /etc/default d
tar -czf d.tar.gz d && tar -C home -xzf d.tar.gz
tar -cf - d | (cd home && tar -xf -)
zip -qr d.zip d && unzip -qo d.zip -d home
find d -type f | xargs -P 4 -n 1 gzip -kf
find d -name '*.gz' -exec sh -c 'zcat "$1" | sha256sum' - {} ';'
echo text | base64 | base64 -d
""", {"tar": "tar", "zip": "zip", "unzip": "unzip", "xargs": "findutils"})

quiet("busybox", "busybox as shell and as many programs", """
busybox sh -c 'for i in 1 2 3; do busybox ls / | busybox wc -l; done; exec busybox true'
ln -s "$(command -v busybox)" vi && ln -s "$(command -v busybox)" cat && ./cat job
echo 'echo $0' | busybox ash
""", {"busybox": "busybox-static"})

quiet("shell_text", "shells fed by pipes, here-documents and arguments", """
echo 'echo $1' | sh -s -- one
sh <<'END'
echo two
END
bash -c 'cat <<< three; source <(echo echo four); while read -r l; do :; done < <(ls /)'
printf 'ls / | wc -l\\n' | tee script | bash
awk 'BEGIN { "uname -r" | getline r; print r; system("true") }'
""", {"bash": "bash"})

quiet("script", "a session recorded by script", """
script -qec 'ls / | wc -l' log
""", {"script": "bsdutils"})

quiet("watchdog", "a watchdog that asks and starts a service again", """
cat >watch.sh <<'END'
for i in 1 2 3 4 5; do
	ps -eo pid,comm | grep -v grep | grep -c sleep || true
	cat /proc/loadavg /proc/meminfo >state
	(sleep 0.01 &) && (pgrep -f watch.sh || true)
done
END
sh -s <watch.sh
timeout 5 sh watch.sh
nohup setsid sh watch.sh
""", {"pgrep": "procps", "setsid": "util-linux"})

quiet("su", "su and sudo to another user", """
su -s /bin/sh nobody -c id
su - root -c id
if command -v sudo; then sudo -n -u nobody id; sudo -n sh -c 'id -u'; fi
setpriv --reuid=nobody --regid=nogroup --clear-groups id
""", {"su": "util-linux", "setpriv": "util-linux"})

quiet("reexec", "a program that executes a sealed copy of itself from memory", """
$BUILD/tests/trigger/reexec_sealed honest </dev/null
""", {})

quiet("dbus", "a message bus that starts a service", """
mkdir -p share/dbus-1/services
cat >share/dbus-1/services/org.example.A.service <<'END'
[D-BUS Service]
Name=org.example.A
Exec=/bin/false
END
XDG_DATA_HOME=$T/share dbus-run-session -- dbus-send --session --print-reply \\
	--dest=org.freedesktop.DBus / org.freedesktop.DBus.ListNames
XDG_DATA_HOME=$T/share dbus-run-session -- dbus-send --session --print-reply \\
	--dest=org.example.A / org.example.A.Call || true
""", {"dbus-daemon": "dbus-daemon", "dbus-run-session": "dbus-daemon"})

if __name__ == "__main__":
    main()
