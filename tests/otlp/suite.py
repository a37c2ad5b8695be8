# SPDX-License-Identifier: Apache-2.0
"""The OTLP/HTTP sender against a server that misbehaves on purpose. Prints TAP."""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback

from protoc import ALERT, REQUEST, attributes, decode
from server import Server

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DRIVER = os.path.join(os.environ.get("OUT", os.path.join(ROOT, "build")), "tests/otlp/otlp_driver")
VERSION = open(os.path.join(ROOT, "VERSION")).read().strip()
ENV = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}


class Skip(Exception):
    pass


class Result:
    def __init__(self, run):
        lines = run.stdout.splitlines()
        self.log = [line[5:] for line in lines if line.startswith("log: ")]
        self.text = run.stdout
        self.code = run.returncode
        for line in lines:
            name, eq, number = line.partition("=")
            if eq and number.isdigit() and name.isidentifier():
                setattr(self, name, int(number))


def driver(*args, code=0):
    run = subprocess.run([DRIVER, *map(str, args)], capture_output=True, text=True, env=ENV,
                         stdin=subprocess.DEVNULL, timeout=60)
    assert run.returncode == code, f"{args}: exit {run.returncode}\n{run.stdout}{run.stderr}"
    return Result(run)


class Case:
    """One test's directory, with a store in it."""

    def __init__(self, directory):
        self.dir = directory
        self.store = self.path("s/alerts.db")

    def path(self, name):
        return os.path.join(self.dir, name)

    def fill(self, n, *more):
        driver("fill", self.store, n, *more)

    def send(self, server, want, run_ms=30000, close_ms=1000, code=0, **options):
        url = server if isinstance(server, str) else server.url
        return driver("send", self.store, url, want, run_ms, close_ms,
                      *(f"{k}={v}" for k, v in options.items()), code=code)

    def write(self, name, text, mode=0o600):
        with open(self.path(name), "w", newline="") as f:
            f.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)


def equal(a, b):
    assert a == b, f"{a!r} is not {b!r}"


def records(request):
    resource_logs, = decode(request.body, REQUEST)["resource_logs"]
    scope_logs, = resource_logs["scope_logs"]
    return scope_logs["log_records"]


def sequences(requests):
    """The sequence numbers of the alerts in the requests."""
    return [attributes(r)["redshank.alert.sequence"] for q in requests for r in records(q)]


# --- what is sent ---

def test_request_headers(t):
    t.fill(3)
    with Server("ok") as s:
        r = t.send(s, 3)
    q, = s.requests
    equal((q.method, q.path, q.version), ("POST", "/v1/logs", "HTTP/1.1"))
    equal(q.headers["Content-Type"], "application/x-protobuf")
    equal(q.headers["Content-Encoding"], "gzip")
    equal(q.headers["User-Agent"], f"redshank/{VERSION}")
    equal((q.headers["Expect"], q.headers["Transfer-Encoding"]), (None, None))
    assert len(q.packed) < len(q.body), "compressed"
    equal((r.sent, r.requests, r.retries, r.dropped, r.http_errors), (3, 1, 0, 0, 0))
    equal(r.log, [])


def test_request_decoded_by_protoc(t):
    t.fill(2)
    with Server("ok") as s:
        t.send(s, 2)
    request = decode(s.requests[0].body, REQUEST)
    resource_logs, = request["resource_logs"]
    resource = attributes(resource_logs["resource"][0])
    equal(resource, {
        "service.name": b"redshank", "service.version": VERSION.encode(), "os.type": b"linux",
        "service.instance.id": b"4a52bdb7-a6a4-4ea0-9f66-9a4b4d0c0ffe", "host.name": b"testhost",
        "host.id": b"0123456789abcdef0123456789abcdef", "host.arch": b"amd64"})
    assert resource_logs["schema_url"][0].startswith(b"https://opentelemetry.io/schemas/")
    scope_logs, = resource_logs["scope_logs"]
    equal(scope_logs["scope"][0]["name"], [b"redshank"])
    first, second = scope_logs["log_records"]
    equal(first["time_unix_nano"], ["1700000005000000000"])
    now = time.time_ns()
    assert now - 60e9 < int(first["observed_time_unix_nano"][0]) <= now
    equal(first["severity_number"], ["SEVERITY_NUMBER_ERROR2"])
    equal(first["severity_text"], [b"high"])
    equal(first["event_name"], [b"redshank.alert"])
    equal(first["body"], [{"string_value": ["Ran \ufffd from memory, number 1".encode()]}])
    assert "trace_id" not in first and "span_id" not in first
    a = attributes(first)
    equal(a["log.record.uid"], b"00000000-0000-8000-8000-000000000001")
    equal(a["redshank.alert.sequence"], 1)
    equal(a["security_rule.name"], b"Sample")
    equal(a["threat.technique.id"], [b"T1620", b"T1059"])
    equal(a["threat.tactic.name"], [b"Defense Evasion", b"Execution"])
    equal(a["process.pid"], 4242)
    equal(a["process.parent_pid"], 1234)
    equal(a["process.user.id"], 1000)
    equal(a["process.executable.path"], "/memfd:b\ufffdd (deleted)".encode())
    equal(a["process.command_args"], ["b\ufffdd".encode(), b"", b"--flag"])
    equal(a["process.args_count"], 3)
    equal(a["process.creation.time"], b"2023-11-14T22:13:24.000000000Z")
    assert len(a["container.id"]) == 64
    equal(a["redshank.process.ancestors"], [b"1234 /usr/bin/bash", b"1 (init)"])
    equal(a["redshank.evidence.redshank.exe.origin"], b"memfd")
    equal(attributes(second)["redshank.alert.sequence"], 2)


def test_alert_inside_decoded_by_protoc(t):
    t.fill(1)
    with Server("ok") as s:
        t.send(s, 1)
    record, = records(s.requests[0])
    alert = decode(attributes(record)["redshank.alert"], ALERT)
    equal(alert["id"], [b"00000000-0000-8000-8000-000000000001"])
    equal(alert["severity"], ["SEVERITY_HIGH"])
    p, = alert["process"]
    equal(p["executable"], ["/memfd:b\ufffdd (deleted)".encode()])
    equal(p["executable_raw"], [b"/memfd:b\xffd (deleted)"])
    equal(p["working_directory_raw"], [b"/tmp/\xc3\xa9\xed\xa0\x80"])
    equal(p["args"], ["b\ufffdd".encode(), b"", b"--flag"])
    equal(p["args_raw"], [b"b\xffd", b"", b"--flag"])
    assert "name_raw" not in p
    bash, init = alert["ancestors"]
    equal(bash["args_raw"], [b"bash", b"-c", b"\xfe"])
    assert "executable_raw" not in bash and "exit_unix_nano" in init
    event = {a["key"][0]: a for a in alert["event"][0]["attributes"]}
    equal(event[b"process.executable"]["raw"], [b"/memfd:b\xffd (deleted)"])
    equal(event[b"process.args"]["raw"], [b"b\xffd\0\0--flag"])


def test_batches_over_one_connection(t):
    t.fill(1100)
    with Server("ok") as s:
        r = t.send(s, 1100)
    equal([len(records(q)) for q in s.requests], [512, 512, 76])
    equal(len({q.client for q in s.requests}), 1)
    equal(r.sent, 1100)
    assert all(len(q.body) <= 4 << 20 for q in s.requests)


def test_cursor_survives_restart(t):
    t.fill(2)
    with Server("ok") as s:
        t.send(s, 2)
        t.fill(1)
        t.send(s, 1)
        r = t.send(s, 1, run_ms=300)
    equal((r.requests, r.lag), (0, 0))
    equal(sequences(s.requests), [1, 2, 1])


def test_one_resource_per_request(t):
    t.fill(2)
    t.fill(2, 1, "renamed")
    with Server("ok") as s:
        t.send(s, 4)
    names = [attributes(decode(q.body, REQUEST)["resource_logs"][0]["resource"][0])["host.name"]
             for q in s.requests]
    equal(names, [b"testhost", b"renamed"])


def test_new_alerts_are_sent_at_once(t):
    with Server("ok") as s:
        r = t.send(s, 3, live=3)
    equal(r.sent, 3)
    assert r.run_ms < 2500, f"took {r.run_ms} ms for 3 alerts in 900 ms"


def test_own_path_and_query_are_kept(t):
    t.fill(1)
    with Server("ok") as s:
        t.send(s.url + "/otlp/x?tenant=1", 1)
    equal(s.requests[0].path, "/otlp/x?tenant=1")


# --- heartbeats ---

def names(requests):
    """The event names of the records in the requests."""
    return [r["event_name"][0] for q in requests for r in records(q)]


def test_heartbeat_decoded_by_protoc(t):
    t.fill(0)
    with Server("ok") as s:
        r = t.send(s, 1, beats=1)
    equal((r.heartbeats, r.heartbeats_lost, r.requests, r.sent), (1, 0, 1, 0))
    record, = records(s.requests[0])
    equal(record["event_name"], [b"redshank.heartbeat"])
    equal(record["severity_number"], ["SEVERITY_NUMBER_INFO"])
    told = attributes(record)
    equal(told["agent.version"], VERSION.encode())
    equal(told["redshank.heartbeat.interval"], 60)
    equal(told["redshank.heartbeat.hooks"],
          [b"exec=tp_btf", b"script=none", b"rename=unwanted", b"proc=iter"])
    equal(told["redshank.heartbeat.not_seen"], [b"script"])


def test_heartbeats_wait_for_alerts(t):
    t.fill(1100)
    with Server("503", "503", "ok") as s:
        r = t.send(s, 1103, beats=3)
    equal((r.sent, r.heartbeats, r.heartbeats_lost, r.dropped), (1100, 1, 2, 0))
    told = names(s.requests)
    equal(told.count(b"redshank.heartbeat"), 1)
    equal(told[-1], b"redshank.heartbeat")
    equal(attributes(records(s.requests[-1])[0])["redshank.seq"], 3)  # the latest


def test_heartbeat_is_tried_once(t):
    t.fill(0)
    for answer in "503", "500", "drop":
        with Server(answer) as s:
            r = t.send(s, 1, beats=1, run_ms=5000)
        equal((r.heartbeats, r.heartbeats_lost, r.requests, r.retries), (0, 1, 1, 0))


def test_heartbeats_can_be_left_out(t):
    t.fill(1)
    with Server("ok") as s:
        r = t.send(s, 1, beats=2, noheartbeat=1)
    equal((r.sent, r.heartbeats, r.heartbeats_lost, r.requests), (1, 0, 0, 1))


# --- what an answer means ---

def test_empty_answer_is_success(t):
    t.fill(1)
    with Server("empty") as s:
        equal(t.send(s, 1).sent, 1)


def test_partial_success_is_not_retried(t):
    t.fill(3)
    with Server("partial") as s:
        r = t.send(s, 3)
        equal(t.send(s, 1, run_ms=200).requests, 0)
    equal((r.sent, r.rejected, r.retries, r.requests), (2, 1, 0, 1))
    equal(r.log, ["otlp: the server rejected 1 of 3 alerts: one\\x1b is bad"])


def test_warning_is_logged(t):
    t.fill(1)
    with Server("warning") as s:
        r = t.send(s, 1)
    equal((r.sent, r.rejected), (1, 0))
    equal(r.log, ["otlp: the server warns: be careful"])


def test_answer_that_is_not_otlp(t):
    t.fill(1)
    with Server("html") as s:
        r = t.send(s, 1)
    equal((r.sent, r.dropped, r.requests), (1, 0, 1))
    assert "not OTLP" in r.log[0], r.log


def retried(t, answers, least, most):
    t.fill(2)
    with Server(*answers, "ok") as s:
        r = t.send(s, 2, run_ms=15000)
    equal((r.sent, r.dropped, r.retries), (2, 0, len(answers)))
    equal(sequences(s.requests[-1:]), [1, 2])
    gaps = [b.time - a.time for a, b in zip(s.requests, s.requests[1:])]
    assert least <= gaps[0] <= most, f"waited {gaps} s"
    assert r.log[-1].startswith("otlp: the server takes alerts again"), r.log
    return r, gaps


def test_429_with_retry_after(t):
    r, _ = retried(t, ["after:2"], 2.0, 2.6)
    equal(r.log[0], "otlp: HTTP status 429: slow down; trying again")


def test_503_with_retry_after_as_a_date(t):
    retried(t, ["after-date"], 0.9, 2.6)  # a date has whole seconds


def test_backoff_doubles_and_logs_once(t):
    r, gaps = retried(t, ["503", "503"], 0.5, 1.3)
    assert 1.0 <= gaps[1] <= 2.3, gaps
    equal(len(r.log), 2)


def test_502_and_504_are_retried(t):
    retried(t, ["502", "504"], 0.5, 1.3)


def test_dropped_connection_is_retried(t):
    retried(t, ["drop"], 0.5, 1.3)


def test_half_an_answer_is_retried(t):
    retried(t, ["half"], 0.5, 1.3)


def test_timeout_is_retried(t):
    t.fill(1)
    with Server("slow", "ok") as s:
        r = t.send(s, 1, timeout=300)
    equal((r.sent, r.retries), (1, 1))
    assert "imed out" in r.log[0], r.log


def not_retried(t, answer, http_errors=1):
    t.fill(1)
    with Server(answer) as s:
        r = t.send(s, 1)
        equal(t.send(s, 1, run_ms=200).requests, 0)
    equal((r.sent, r.dropped, r.retries, r.requests, r.http_errors), (0, 1, 0, 1, http_errors))
    equal(len(r.log), 1)
    return s, r


def test_400_drops_one_alert(t):
    _, r = not_retried(t, "400")
    equal(r.log, ["otlp: 1 alert dropped (still in the store): HTTP status 400: because"])


def test_401_404_500_501_drop(t):
    for answer in "401", "404", "500", "501":
        t.store = t.path(f"{answer}/alerts.db")
        not_retried(t, answer)


def test_redirect_is_not_followed(t):
    s, _ = not_retried(t, "redirect")
    equal([q.path for q in s.requests], ["/v1/logs"])


def test_endless_answer_is_cut_off(t):
    _, r = not_retried(t, "huge")
    assert "longer than 4 MiB" in r.log[0], r.log


def test_400_drops_a_batch_and_no_more(t):
    t.fill(4)
    with Server("400", "ok") as s:
        r = t.send(s, 4)
        t.fill(1, 5)
        equal(t.send(s, 1).sent, 1)
    equal([sequences([q]) for q in s.requests], [[1, 2, 3, 4], [5]])
    equal((r.sent, r.dropped, r.retries), (0, 4, 0))


def test_413_is_split(t):
    t.fill(4)
    with Server("413", "ok") as s:
        r = t.send(s, 4)
    equal([len(records(q)) for q in s.requests], [4, 2, 2])
    equal((r.sent, r.dropped), (4, 0))


def test_refusing_server_does_not_flood_the_log(t):
    t.fill(100)
    with Server("400") as s:
        r = t.send(s, 100)
    equal((r.sent, r.dropped), (0, 100))
    equal(len(r.log), 1)


def test_crash_between_halves_sends_nothing_twice(t):
    t.fill(4)
    with Server("413", "ok", "503") as s:  # the second half never works
        r = t.send(s, 4, run_ms=400, close_ms=300)
        equal(r.sent, 2)
        s.script = ["ok"]
        s.requests.clear()
        t.send(s, 2)
        equal(sequences(s.requests), [3, 4])


# --- the end ---

def test_close_interrupts_a_transfer(t):
    t.fill(1)
    with Server("slow") as s:
        r = t.send(s, 1, run_ms=300, close_ms=400)
    assert 250 <= r.close_ms <= 2000, f"close took {r.close_ms} ms"  # the answer takes 20 s
    with Server("ok") as s2:
        equal(t.send(s2, 1).sent, 1)  # another port, another endpoint: with a cursor of its own


def test_close_makes_a_last_attempt(t):
    t.fill(1)
    with Server("after:3600", "ok") as s:
        r = t.send(s, 1, run_ms=300, close_ms=2000)
        equal(len(s.requests), 2)
        assert r.close_ms < 1000, f"close took {r.close_ms} ms"
        equal(t.send(s, 1, run_ms=200).requests, 0)


def test_close_gives_up_on_a_failing_server(t):
    t.fill(1)
    with Server("503") as s:
        r = t.send(s, 1, run_ms=200, close_ms=2000)
        equal(len(s.requests), 2)
        assert r.close_ms < 1000, f"close took {r.close_ms} ms"
        s.script = ["ok"]
        equal(t.send(s, 1).sent, 1)


def test_close_sends_what_waits(t):
    t.fill(1100)
    with Server("ok") as s:
        t.send(s, 0, run_ms=0, close_ms=5000)
    equal(sequences(s.requests), list(range(1, 1101)))


def test_nobody_listens(t):
    t.fill(2)
    with socket.socket() as listener:  # bound, so that nobody else gets the port; not listening
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        r = t.send(url, 2, run_ms=300, close_ms=1000)
    equal((r.sent, r.dropped, r.lag), (0, 0, 2))
    assert r.close_ms < 500, f"close took {r.close_ms} ms"
    equal(len(r.log), 1)


# --- configuration ---

def test_headers_file(t):
    t.fill(1)
    headers = t.write("headers", "# a comment\n\nAuthorization: Bearer abc.def\nX-Scope-OrgID:7\n")
    with Server("ok") as s:
        t.send(s, 1, headers=headers)
    equal(s.requests[0].headers["Authorization"], "Bearer abc.def")
    equal(s.requests[0].headers["X-Scope-OrgID"], "7")


def test_headers_file_refused(t):
    t.fill(1)
    bad = {"open": ("A: b\n", 0o644), "group": ("A: b\n", 0o640), "cr": ("A: b\r\nC: d\n", 0o600),
           "nul": ("A: b\0c\n", 0o600), "plain": ("Bearer hunter2\n", 0o600),
           "space": ("A : b\n", 0o600), "type": ("content-TYPE: text/plain\n", 0o600),
           "empty": ("A: \n", 0o600), "long": ("A: " + "b" * 20000, 0o600)}
    with Server("ok") as s:
        for name, (text, mode) in bad.items():
            r = t.send(s, 1, code=1, headers=t.write(name, text, mode))
            assert r.text.startswith("error: ") and name in r.text, f"{name}: {r.text}"
            assert "hunter2" not in r.text, "what is in the file is not shown"
        r = t.send(s, 1, code=1, headers=t.path("missing"))
        os.mkfifo(t.path("fifo"), 0o600)
        t.send(s, 1, code=1, headers=t.path("fifo"))
    equal(s.requests, [])


def test_urls(t):
    for url in "http://h:4318", "https://h", "HTTP://h/v1/logs", "http://[::1]:4318/x?y=1":
        driver("check", url)
    for url in ("", "h:4318", "localhost", "ftp://h/", "file:///etc/passwd", "http://", "http:///x",
                "http:h", "http://h:0", "http://h:65536", "http://h:x", "http://h/#f",
                "http://u:secret@h/", "http://u@h/", "http://h/\n", "http://h /",
                "http://h/" + "x" * 3000):
        r = driver("check", url, code=1)
        assert r.text.startswith("error: ") and r.text.count("\n") == 1, r.text
        assert "secret" not in r.text


def test_tls_is_verified(t):
    if not shutil.which("openssl"):
        raise Skip("no openssl to make a certificate")
    key, cert, both = t.path("key"), t.path("cert"), t.path("both")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=test",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True, stdin=subprocess.DEVNULL)
    with open(both, "w") as f:
        f.write(open(key).read() + open(cert).read())
    t.fill(1)
    with Server("ok", cert=both) as s:
        r = t.send(s, 1, run_ms=300)
        equal((r.sent, r.dropped, len(s.requests)), (0, 0, 0))
        assert "certificate" in r.log[0], r.log
        equal(t.send(s, 1, ca=cert).sent, 1)


def main():
    tests = [(name, f) for name, f in globals().items() if name.startswith("test_")]
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    for number, (name, f) in enumerate(tests, 1):
        title = name.removeprefix("test_").replace("_", " ")
        directory = tempfile.mkdtemp(prefix="redshank-otlp.")
        try:
            f(Case(directory))
            print(f"ok {number} - {title}", flush=True)
        except Skip as why:
            print(f"ok {number} - {title} # SKIP {why}", flush=True)
        except Exception:
            failed += 1
            for line in traceback.format_exc(-2).splitlines():
                print("#", line)
            print(f"not ok {number} - {title}", flush=True)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
