#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# rename events on this kernel: every way to change a thread's name comes, and exec's own does not.
set -u
: "${REDSHANK:=build/redshank}"

if [ "$(id -u)" != 0 ]; then
	echo "1..0 # SKIP needs root"
	exit 0
fi
echo 1..7
dir=$(mktemp -d) || exit 1
events=$dir/events
tail=
cleanup() {
	[ -z "$tail" ] || kill "$tail" 2>/dev/null
	wait
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

n=0
# check NAME JQ-CONDITION: is there an event for which it is true?
check() {
	n=$((n + 1))
	if jq -se "any(.[]; $2)" "$events" >/dev/null; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		sed 's/^/# /' "$events" | cut -c1-300 | tail -n 20
	fi
}

# Renames a shell of its own again and again until an event tells of it: all before it was seen.
marker() {
	i=0
	until grep -q "\"new\":\"$1\"" "$events"; do
		i=$((i + 1))
		[ $i -lt 100 ] || return 1
		sh -c "echo $1 >/proc/\$\$/comm"
		sleep 0.1
	done
}

"$REDSHANK" tail --alone -o json --type rename --duration 60 >"$events" &
tail=$!
if ! marker rs-begin; then
	echo "Bail out! no rename event within 10 s"
	exit 1
fi

python3 - "$dir" <<'END'
import ctypes, os, sys, threading

libc = ctypes.CDLL(None)
PR_SET_NAME = 15

def set_name(name):
    libc.prctl(PR_SET_NAME, name, 0, 0, 0)

def say(what, number):
    with open(os.path.join(sys.argv[1], what), "w") as f:
        f.write(str(number))

say("pid", os.getpid())
set_name(b"rs-before")
set_name(b"[kworker/0:9]")

def thread():
    say("tid", threading.get_native_id())
    set_name(b"rs-thread")
    named.set()
    done.wait()

named, done = threading.Event(), threading.Event()
t = threading.Thread(target=thread)
t.start()
named.wait()
with open(f"/proc/self/task/{t.native_id}/comm", "w") as f:
    f.write("rs-name-that-is-far-too-long")
done.set()
t.join()
END
# The shell executes another program under its own pid, which is a rename in the kernel.
sh -c 'echo $$ >"$0/exec-pid"; exec true' "$dir"
marker rs-end || true

pid=$(cat "$dir/pid") tid=$(cat "$dir/tid")
check "prctl(PR_SET_NAME): name before and after" \
	".process.pid == $pid and .process.thread.id == $pid and
	 .redshank.rename.old == \"rs-before\" and .redshank.rename.new == \"[kworker/0:9]\""
check "process.name is the name from now on" \
	".process.pid == $pid and .redshank.rename.new == \"[kworker/0:9]\" and
	 .process.name == \"[kworker/0:9]\""
check "the program behind the name is still known" \
	".process.pid == $pid and .redshank.rename.new == \"[kworker/0:9]\" and
	 (.process.executable | contains(\"python\"))"
check "a thread's name: process.thread.id says whose" \
	".process.pid == $pid and .process.thread.id == $tid and .redshank.rename.new == \"rs-thread\""
check "by /proc, from another thread, cut at 15 bytes" \
	".process.pid == $pid and .process.thread.id == $tid and
	 .redshank.rename.old == \"rs-thread\" and .redshank.rename.new == \"rs-name-that-is\""
check "ECS: category process, type change" \
	".event.action == \"rename\" and .event.category == [\"process\"] and .event.type == [\"change\"]"
n=$((n + 1))
if jq -se "any(.[]; .process.pid == $(cat "$dir/exec-pid"))" "$events" >/dev/null; then
	echo "not ok $n - a rename by exec is left to the exec event"
else
	echo "ok $n - a rename by exec is left to the exec event"
fi
