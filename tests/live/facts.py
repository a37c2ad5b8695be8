# SPDX-License-Identifier: Apache-2.0
"""What /proc and stat(2) say of a process, compared with what an event says of it."""
import base64
import os
import subprocess

from sensor import TRIGGERS, Trigger, get
from tap import equal

UNSET = 2**32 - 1
CGROUPS = "/sys/fs/cgroup/unified" if os.path.isdir("/sys/fs/cgroup/unified") else "/sys/fs/cgroup"
FACTS = os.path.join(TRIGGERS, "exec_facts")
CAPS = ["CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
        "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
        "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE",
        "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME",
        "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
        "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ",
        "PERFMON", "BPF", "CHECKPOINT_RESTORE"]


def read(path, default=None):
    try:
        with open(path, "rb") as f:
            return f.read()
    except FileNotFoundError:
        return default


def status(pid):
    lines = read(f"/proc/{pid}/status").decode().splitlines()
    return {key: value.split() for key, _, value in (line.partition(":") for line in lines)}


def caps(mask):
    return [f"CAP_{name}" for bit, name in enumerate(CAPS) if int(mask, 16) >> bit & 1]


def raw(event, name):
    """The bytes of a text field, also where they are not UTF-8."""
    odd = get(event, "redshank.raw") or {}
    return base64.b64decode(odd[name]) if name in odd else get(event, name).encode()


def check_ids(event, pid):
    s = status(pid)
    equal(get(event, "process.pid"), pid)
    equal(get(event, "process.thread.id"), pid)
    equal(get(event, "process.parent.pid"), int(s["PPid"][0]), "parent")
    equal(get(event, "process.vpid"), int(s["NSpid"][-1]), "pid in its namespace")
    equal([get(event, f"process.{which}.id") for which in ("real_user", "user", "saved_user")],
          s["Uid"][:3], "real, effective, saved uid")
    equal([get(event, f"process.{which}.id") for which in ("real_group", "group", "saved_group")],
          s["Gid"][:3], "real, effective, saved gid")
    equal(get(event, "process.thread.capabilities.effective", []), caps(s["CapEff"][0]))
    equal(get(event, "process.thread.capabilities.permitted", []), caps(s["CapPrm"][0]))
    equal(get(event, "redshank.capabilities.inheritable", []), caps(s["CapInh"][0]))
    for name, file in ("uid", "loginuid"), ("session", "sessionid"):
        value = int(read(f"/proc/{pid}/{file}", b"%d" % UNSET))
        equal(get(event, f"redshank.login.{name}"), None if value == UNSET else value, file)


def check_place(event, pid):
    for name in "pid", "mnt", "net", "uts", "ipc", "cgroup", "user":
        link = os.readlink(f"/proc/{pid}/ns/{name}")
        equal(get(event, f"redshank.ns.{name}"), int(link.split("[")[1][:-1]), f"{name} namespace")
    stat = read(f"/proc/{pid}/stat").decode().rsplit(")", 1)[1].split()
    equal(get(event, "process.group_leader.pid"), int(stat[2]), "process group")
    equal(get(event, "process.session_leader.pid"), int(stat[3]), "session")
    groups = dict(line.split(":", 2)[::2] if line.startswith("0:") else line.split(":", 2)[1:]
                  for line in read(f"/proc/{pid}/cgroup").decode().splitlines())
    equal(get(event, "redshank.cgroup.id"), os.stat(CGROUPS + groups["0"]).st_ino, "cgroup id")
    path = groups["0"] if groups["0"] != "/" else groups.get("memory", groups.get("pids"))
    equal(get(event, "redshank.cgroup.path"), path, "cgroup path")
    # Seconds since boot at 10 ms; the event has it as wall-clock time.
    ticks = int(stat[19])
    boot = next(int(line.split()[1]) for line in read("/proc/stat").decode().splitlines()
                if line.startswith("btime"))
    begin = subprocess.run(["date", "-d", get(event, "process.start"), "+%s.%N"],
                           capture_output=True, text=True, check=True)
    assert abs(float(begin.stdout) - boot - ticks / os.sysconf("SC_CLK_TCK")) < 1.5, "start time"


def check_exe(event, pid):
    st = os.stat(f"/proc/{pid}/exe")
    equal(raw(event, "process.executable"), os.readlink(os.fsencode(f"/proc/{pid}/exe")))
    equal(raw(event, "process.working_directory"), os.readlink(os.fsencode(f"/proc/{pid}/cwd")))
    exe = get(event, "redshank.exe")
    equal(exe["inode"], st.st_ino)
    equal(exe["dev"], f"{os.major(st.st_dev)}:{os.minor(st.st_dev)}")
    equal(exe["nlink"], st.st_nlink)
    equal(exe["size"], st.st_size)
    equal(exe["mode"], f"{st.st_mode & 0o7777:04o}")
    equal((exe["uid"], exe["gid"]), (str(st.st_uid), str(st.st_gid)))
    args = read(f"/proc/{pid}/cmdline")
    equal(get(event, "redshank.args.size"), len(args), "bytes of argv")
    if "process.args" not in (get(event, "redshank.truncated") or []):
        kept = base64.b64decode(get(event, "redshank.raw", {})["process.args"]) if "process.args" \
            in get(event, "redshank.raw", {}) else "\0".join(get(event, "process.args")).encode()
        equal(kept.rstrip(b"\0"), args.rstrip(b"\0"), "argv")


def check_all(event, pid):
    check_ids(event, pid)
    check_place(event, pid)
    check_exe(event, pid)


def stay(*args, code="0", **options):
    """exec_facts as its own child would like to be: any argument, any environment."""
    options.setdefault("program", FACTS)
    return Trigger("exec_facts", "stay", code, *args, **options)
