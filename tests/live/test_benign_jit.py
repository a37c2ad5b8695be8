#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compilers at run time, interpreters and emulators: code without a file behind it is their trade."""
from benign import main, quiet

NODE = {"node": "nodejs"}
PYTHON = {"python3": "python3"}

quiet("node", "node with a compiled loop and WebAssembly", """
cat >hot.js <<'END'
function hot(n) { let s = 0; for (let i = 0; i < n; i++) s += Math.sqrt(i ^ s); return s; }
for (let i = 0; i < 300; i++) hot(1e4);
const code = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 5,
                           1, 1, 102, 0, 0, 10, 6, 1, 4, 0, 65, 42, 11);
const instance = new WebAssembly.Instance(new WebAssembly.Module(code));
for (let i = 0; i < 1e5; i++) instance.exports.f();
END
node hot.js
""", NODE)

quiet("node_programs", "node that starts programs and listens", """
cat >serve.js <<'END'
const { exec, execFileSync, fork, spawn } = require('child_process');
if (process.argv[2]) process.exit(0);
execFileSync('/bin/true');
exec('ls | wc -l', () => spawn('/bin/sh', ['-c', 'exit 0']).on('exit', () => fork(__filename, ['x'])));
const server = require('http').createServer((q, r) => r.end('x')).listen(0, '127.0.0.1', () =>
  require('http').get({ port: server.address().port, agent: false }, r => r.resume().on('end', () => server.close())));
END
node serve.js
""", NODE)

quiet("node_threads", "node with worker threads and a regular expression's own code", """
cat >work.js <<'END'
const { Worker, isMainThread } = require('worker_threads');
if (isMainThread) for (let i = 0; i < 4; i++) new Worker(__filename);
else for (let i = 0; i < 2e4; i++) /^(a|b)*c?d+$/.test('ababab' + i);
END
node work.js
""", NODE)

quiet("node_text", "node with code as argument and from a pipe", """
node -e 'let s = 0; for (let i = 0; i < 1e6; i++) s += i; console.log(s)'
node -p 'process.version'
echo 'console.log(6 * 7)' | node
echo 'console.log(6 * 7)' | node -
""", NODE)

quiet("java", "a Java virtual machine that compiles what it runs", """
java -version
keytool -genkeypair -keystore store -storepass password -alias a -dname CN=a -keyalg RSA -keysize 2048
keytool -list -keystore store -storepass password
""", {"java": "default-jre-headless", "keytool": "default-jre-headless"})

quiet("java_source", "a Java program with threads, sockets and processes", """
cat >Hot.java <<'END'
public class Hot {
	static long hot(int n) { long s = 0; for (int i = 0; i < n; i++) s += i * 31 ^ s; return s; }
	public static void main(String[] a) throws Exception {
		Thread[] t = new Thread[4];
		for (int i = 0; i < 4; i++) (t[i] = new Thread(() -> { for (int k = 0; k < 2000; k++) hot(1000); })).start();
		for (Thread each : t) each.join();
		try (var s = new java.net.ServerSocket(0); var c = new java.net.Socket("127.0.0.1", s.getLocalPort())) {
			s.accept().close();
		}
		new ProcessBuilder("/bin/sh", "-c", "exit 0").start().waitFor();
	}
}
END
java Hot.java
javac Hot.java
java -cp . Hot
""", {"java": "default-jre-headless", "javac": "default-jdk-headless"})

quiet("luajit", "LuaJIT with traces, callbacks and programs", """
cat >hot.lua <<'END'
local ffi = require('ffi')
ffi.cdef 'void qsort(void *, size_t, size_t, int (*)(const int *, const int *)); int getpid();'
local s = 0
for i = 1, 1e7 do s = s + i % 7 end
local a = ffi.new('int[5]', 5, 4, 3, 2, 1)
local compare = ffi.cast('int (*)(const int *, const int *)', function(x, y) os.getenv('A') return x[0] - y[0] end)
ffi.C.qsort(a, 5, 4, compare)
for i = 1, 1000 do s = s + ffi.C.getpid() end
assert(os.execute('true') and io.popen('id -u'):read())
END
luajit hot.lua
luajit -e 'for i = 1, 1e6 do end os.execute("true")'
""", {"luajit": "luajit"})

quiet("ctypes", "Python with ctypes callbacks that use sockets and start programs", """
cat >callback.py <<'END'
import ctypes, os, socket, subprocess, threading
libc = ctypes.CDLL(None)
def compare(a, b):
    socket.socketpair()[0].close()
    return a[0] - b[0]
P = ctypes.POINTER(ctypes.c_int)
libc.qsort((ctypes.c_int * 5)(5, 4, 3, 2, 1), 5, 4, ctypes.CFUNCTYPE(ctypes.c_int, P, P)(compare))
def child():
    threading.Thread(target=subprocess.run, args=(["/bin/true"],)).start()
    if os.fork() == 0:
        os.execv("/bin/true", ["true"])
    os.wait()
ctypes.CFUNCTYPE(None)(child)()
END
/usr/bin/python3 callback.py
""", PYTHON)

quiet("cffi", "Python with cffi callbacks", """
/usr/bin/python3 -c 'import cffi' 2>/dev/null || { echo cffi is in the package python3-cffi; exit 77; }
cat >callback.py <<'END'
import cffi, os, subprocess
ffi = cffi.FFI()
ffi.cdef("void qsort(void *, size_t, size_t, int (*)(const void *, const void *)); int getpid();")
libc = ffi.dlopen(None)
@ffi.callback("int(const void *, const void *)")
def compare(a, b):
    subprocess.run(["/bin/true"])
    return ffi.cast("int *", a)[0] - ffi.cast("int *", b)[0]
libc.qsort(ffi.new("int[]", [3, 2, 1]), 3, 4, compare)
END
/usr/bin/python3 callback.py
""", PYTHON)

quiet("multiprocessing", "Python's worker processes and shared memory", """
cat >work.py <<'END'
import multiprocessing as m, os
from multiprocessing import shared_memory
def square(n):
    return n * n
if __name__ == "__main__":
    for how in "fork", "spawn", "forkserver":
        with m.get_context(how).Pool(2) as pool:
            assert pool.map(square, [1, 2, 3]) == [1, 4, 9]
            pool.close()
            pool.join()
    memory = shared_memory.SharedMemory(create=True, size=4096)
    memory.buf[0] = 1
    memory.close()
    memory.unlink()
    with open(os.memfd_create("cache"), "wb") as f:
        f.write(b"x" * 100000)
END
/usr/bin/python3 work.py
""", PYTHON)

quiet("python_text", "Python with code as argument, from a pipe and from a here-document", """
/usr/bin/python3 -c 'import json, sys; print(json.dumps(sys.version_info[:2]))'
echo 'print(6 * 7)' | /usr/bin/python3
echo '{"a": 1}' | /usr/bin/python3 -m json.tool
/usr/bin/python3 - <<'END'
import subprocess
print(subprocess.run(["uname", "-r"], capture_output=True).stdout)
END
""", PYTHON)

quiet("pcre", "grep and git with compiled regular expressions", """
seq 20000 >numbers
grep -cP '^(1|2)*3?4+$' numbers
git init -q . && git add numbers
git grep -cP '^(1|2)*3?4+$' numbers
""", {"grep": "grep", "git": "git"})

quiet("php", "PHP with compiled expressions and programs", r"""
cat >page.php <<'END'
<?php
for ($i = 0, $s = 0; $i < 1000000; $i++) $s += $i % 7;
for ($i = 0; $i < 1000; $i++) preg_match('/^(a|b)*c?d+$/', "abab$i");
system('true'); echo shell_exec('uname -r');
END
php -d opcache.enable_cli=1 -d opcache.jit=tracing -d opcache.jit_buffer_size=16M page.php
php -r 'echo PHP_VERSION;'
echo '<?php echo 6 * 7;' | php
""", {"php": "php-cli"})

quiet("ruby", "Ruby with its compiler, programs and closures", """
cat >hot.rb <<'END'
require 'socket'
s = 0
1_000_000.times { |i| s += i % 7 }
system('true') and `uname -r`
server = TCPServer.new('127.0.0.1', 0)
TCPSocket.new('127.0.0.1', server.addr[1]).close
fork { exit! }
Process.wait
END
ruby hot.rb
ruby --yjit hot.rb || ruby --jit hot.rb
ruby -e 'puts RUBY_VERSION'
echo 'puts 6 * 7' | ruby
""", {"ruby": "ruby"})

quiet("perl", "Perl with code as argument and from a pipe", """
perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0) && system("true") == 0 or exit 1'
echo 'print 6 * 7' | perl
perl -ne 'print if /root/' /etc/passwd
""", {"perl": "perl"})

quiet("valgrind", "valgrind, which loads and translates a program itself", """
valgrind -q /bin/true
valgrind -q --trace-children=yes /bin/sh -c 'ls / | wc -l; exec /bin/true'
""", {"valgrind": "valgrind"})

quiet("qemu", "QEMU's user mode, which loads and translates a program itself", """
qemu-x86_64-static /bin/true
qemu-x86_64-static /bin/sh -c 'echo $(ls / | wc -l)'
""", {"qemu-x86_64-static": "qemu-user-static"})

quiet("redis", "a database with scripts in Lua, start to stop", """
redis-server --port 0 --unixsocket "$T/redis" --daemonize yes --pidfile "$T/pid" --dir "$T" --save ''
until redis-cli -s "$T/redis" ping; do :; done
redis-cli -s "$T/redis" eval 'return redis.call("incr", "a")' 0
redis-cli -s "$T/redis" shutdown nosave
""", {"redis-server": "redis-server", "redis-cli": "redis-tools"})

quiet("postgres", "a database server with shared memory and its compiler", """
PATH=$PATH:$(echo /usr/lib/postgresql/*/bin)
install -d -o nobody pg
cat >serve <<'END'
initdb -A trust -N --no-instructions pg >/dev/null
pg_ctl -w -D pg -l pg/log -o "-k $T/pg -c listen_addresses= -c jit=on -c jit_above_cost=0" start
psql -h "$T/pg" postgres -Atc 'create table t as select generate_series(1, 1000) a; select sum(a) from t'
pg_ctl -w -D pg -m fast stop
END
setpriv --reuid=nobody --regid=nogroup --clear-groups sh -e serve
""", {"postgres": "postgresql", "psql": "postgresql-client"})

if __name__ == "__main__":
    main()
