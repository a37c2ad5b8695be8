#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packages that are built, fetched, installed and upgraded under running programs, and the jobs that
maintain what is installed. Everything in a directory bound over /opt, in a mount namespace of the
test's own, with a package database of its own: the machine's is not touched."""
from benign import main, quiet

DPKG = {"dpkg": "dpkg", "dpkg-deb": "dpkg", "cc": "gcc", "unshare": "util-linux"}
PYTHON = {"python3": "python3"}

# Makes $T/VERSION.deb of a service that starts itself again by /proc/self/exe when it gets SIGHUP.
PACKAGE = r"""
cat >service.c <<'END'
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
static void again(int signal) { (void)signal; }
int main(int argc, char **argv)
{
	sigset_t set;
	FILE *f = fopen(argv[1], "w");
	signal(SIGHUP, again);
	fprintf(f, "%d\n", VERSION);
	fclose(f);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigemptyset(&set);
	sigsuspend(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	execl(argc > 2 ? argv[2] : "/proc/self/exe", "service", argv[1], argc > 3 ? argv[3] : NULL, NULL);
	return 1;
}
END
for version in 1 2; do
	mkdir -p p$version/DEBIAN p$version/opt/service/bin p$version/opt/service/lib
	cc -DVERSION=$version -o p$version/opt/service/bin/service service.c
	cc -DVERSION=$version -shared -fPIC -o p$version/opt/service/lib/libservice.so service.c
	printf 'Package: service\nVersion: %s\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: a\n' \
		$version >p$version/DEBIAN/control
	for when in preinst postinst prerm postrm; do
		printf '#!/bin/sh\nset -e\necho %s "$@" | wc -c\nldconfig -C %s/cache -N -X\nid -u nobody\n' $when $T \
			>p$version/DEBIAN/$when
		chmod 755 p$version/DEBIAN/$when
	done
	printf '#!/usr/bin/perl\nsystem("true"); print "config\n";\n' >p$version/DEBIAN/config
	chmod 755 p$version/DEBIAN/config
	dpkg-deb --root-owner-group -b p$version $version.deb
done
mkdir -p opt db/info db/updates db/triggers apt/lists/partial apt/cache/archives/partial
touch db/status db/available
"""
# Runs the rest of the script where /opt is the test's own. The daemons that it starts end with it.
INSIDE = """
unshare -m sh -e <<'STOP'
mount --bind opt /opt
dpkg="dpkg --admindir=$T/db --log=$T/log.dpkg"
apt="apt-get -qq -y -o Dir::State=$T/apt -o Dir::State::status=$T/db/status -o Dir::Cache=$T/apt/cache
	-o Dir::Log=$T/apt -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=/dev/null
	-o Dir::Etc::parts=/dev/null -o DPkg::Options::=--admindir=$T/db -o Debug::NoLocking=1
	-o APT::Sandbox::User=root -o DPkg::Post-Invoke::= -o DPkg::Pre-Install-Pkgs::="
"""

quiet("upgrade", "apt that upgrades a running program, which then starts itself again", PACKAGE + INSIDE + """
$apt install "$T/1.deb"
/opt/service/bin/service "$T/said" & service=$!
until grep -q 1 said; do :; done
: >said
$apt install "$T/2.deb"
kill -HUP $service  # what is deleted now
until grep -q 1 said; do :; done
kill $service
wait $service || true
/opt/service/bin/service "$T/said" /opt/service/bin/service & service=$!
until grep -q 2 said; do :; done
: >said
$dpkg -i 1.deb
kill -HUP $service  # what is under that name now
until grep -q 1 said; do :; done
kill $service
wait $service || true
$apt purge service
STOP
""", {**DPKG, "apt-get": "apt"})

quiet("upgrade_library", "a library upgraded under a program that has it loaded", PACKAGE + INSIDE + """
$dpkg -i 1.deb
cat >user.py <<'END'
import ctypes, subprocess, sys
first = ctypes.CDLL("/opt/service/lib/libservice.so")
subprocess.run(sys.argv[1:], check=True)
ctypes.CDLL("/opt/service/lib/libservice.so")
END
/usr/bin/python3 user.py $dpkg -i "$T/2.deb"
$dpkg --purge service
STOP
""", {**DPKG, **PYTHON})

quiet("download", "a package fetched over loopback, checked and installed", PACKAGE + """
cat >serve.py <<'END'
import http.server, os, sys
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
with open("port.new", "w") as f:
    f.write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
END
/usr/bin/python3 serve.py & server=$!
until [ -e port ]; do :; done
mkdir new
curl -fsS -o new/1.deb "http://127.0.0.1:$(cat port)/1.deb"
wget -q -O new/2.deb "http://127.0.0.1:$(cat port)/2.deb"
kill $server
sha256sum new/*.deb >sums && sha256sum -c sums
""" + INSIDE + """
$dpkg -i new/1.deb && $dpkg -i new/2.deb && $dpkg --purge service
STOP
""", {**DPKG, **PYTHON, "curl": "curl", "wget": "wget"})

quiet("pip", "a wheel built, installed and run in a virtual environment", r"""
/usr/bin/python3 -m venv --without-pip env
mkdir -p src/a
echo 'def main(): print(__name__)' >src/a/__init__.py
cat >wheel.py <<'END'
import zipfile
with zipfile.ZipFile("a-1-py3-none-any.whl", "w") as z:
    z.write("src/a/__init__.py", "a/__init__.py")
    z.writestr("a-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: a\nVersion: 1\n")
    z.writestr("a-1.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: a\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    z.writestr("a-1.dist-info/entry_points.txt", "[console_scripts]\na = a:main\n")
    z.writestr("a-1.dist-info/RECORD", "")
END
/usr/bin/python3 wheel.py
/usr/bin/pip3 --python env/bin/python install -q --no-index --no-cache-dir --disable-pip-version-check *.whl
env/bin/a
""", {**PYTHON, "pip3": "python3-pip"})

quiet("npm", "a package packed and installed by npm, with its scripts", """
mkdir a b
cat >a/package.json <<'END'
{"name": "a", "version": "1.0.0", "bin": "a.js", "scripts": {"prepack": "true", "postinstall": "node a.js"}}
END
printf '#!/usr/bin/env node\\nconsole.log(require("os").cpus().length)\\n' >a/a.js
(cd a && npm pack --silent --pack-destination ..)
cd b && npm init -y >/dev/null
npm install --silent --offline --no-audit --no-fund ../a-1.0.0.tgz
npx --no-install a
""", {"npm": "npm", "node": "nodejs"})

quiet("alternatives", "alternatives, the cache of libraries, a locale, the index of manuals", """
mkdir alternatives admin locale
update-alternatives --altdir "$T/alternatives" --admindir "$T/admin" --log log.alternatives \\
	--install "$T/editor" editor /bin/true 1
ldconfig -C "$T/cache"
localedef -c -i C -f UTF-8 "$T/locale/C.utf8" || localedef -c -i POSIX -f UTF-8 "$T/locale/C.utf8"
mkdir -p man/man1 && echo '.TH a 1' >man/man1/a.1 && mandb -q -u man
""", {"update-alternatives": "dpkg", "localedef": "libc-bin", "mandb": "man-db"})

quiet("nightly", "the jobs of the night, as cron starts them", """
mkdir jobs logs
seq 1000 >logs/a.log
cat >rotate.conf <<END
$T/logs/*.log {
	su root root
	rotate 2
	compress
	sharedscripts
	postrotate
		pkill -HUP -x no_such_daemon || true
	endscript
}
END
printf '#!/bin/sh\\nlogrotate -f -s %s/state %s/rotate.conf\\n' "$T" "$T" >jobs/logrotate
printf '#!/bin/sh\\nfind %s -name "*.tmp" -mtime +7 -delete; df -P / | awk "NR > 1 { print \\$5 }"\\n' "$T" >jobs/clean
printf '#!/bin/sh\\ntar -czf %s/backup.tar.gz -C %s logs && sha256sum %s/backup.tar.gz\\n' "$T" "$T" "$T" >jobs/backup
printf '#!/bin/sh\\ndpkg --get-selections | sort >%s/selections\\n' "$T" >jobs/dpkg
chmod 755 jobs/*
sh -c 'run-parts --report "$T/jobs"'
""", {"logrotate": "logrotate", "run-parts": "debianutils"})

quiet("cron", "cron with jobs of root and of a user", r"""
mkdir cron.d spool run
cat >cron.d/jobs <<END
SHELL=/bin/sh
PATH=$PATH
@reboot root cd $T && ls / | wc -l >one.new && mv one.new one
@reboot root cd $T && test -x /usr/sbin/anacron || run-parts --report $T/spool && touch two
END
unshare -m sh -e <<'STOP'
mount --bind run /run
mount --bind spool /var/spool/cron
mount --bind cron.d /etc/cron.d
mount --bind /dev/null /etc/crontab
cron -f & cron=$!
until [ -e one ] && [ -e two ]; do kill -0 $cron; sleep 0.05; done
kill $cron
STOP
""", {"cron": "cron", "unshare": "util-linux"})

if __name__ == "__main__":
    main()
