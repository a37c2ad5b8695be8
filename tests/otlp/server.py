# SPDX-License-Identifier: Apache-2.0
"""An OTLP/HTTP server on loopback that answers as a test tells it and remembers what it was sent.

A script is a list of answers; the last one is repeated. See Handler.answer() for what there is.
"""
import email.utils
import http.server
import ssl
import threading
import time
import zlib

OK = b"\n\0"  # ExportLogsServiceResponse{partial_success{}}, as the Collector says it
BODY_MAX = 64 << 20


def field(number, data):
    """A length-delimited field in protobuf's wire format, shorter than 128 bytes."""
    return bytes([number << 3 | 2, len(data)]) + data


def status(message):
    """google.rpc.Status"""
    return b"\x08\x03" + field(2, message)


def partial(rejected, message):
    return field(1, bytes([8, rejected]) + field(2, message))


class Request:
    def __init__(self, handler, body):
        self.method, self.path = handler.command, handler.path
        self.version = handler.request_version
        self.headers = handler.headers
        self.client = handler.client_address
        self.time = time.monotonic()
        self.body = body  # decompressed
        self.packed = handler.packed


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    wbufsize = -1  # headers and body in one segment

    def log_message(self, *args):
        pass

    def read_body(self):
        length = int(self.headers.get("Content-Length", 0))
        self.packed = self.rfile.read(min(length, BODY_MAX))
        if self.headers.get("Content-Encoding") != "gzip":
            return self.packed
        gz = zlib.decompressobj(16 + zlib.MAX_WBITS)
        return gz.decompress(self.packed, BODY_MAX)

    def reply(self, code, body=b"", **headers):
        self.send_response(code)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        request = Request(self, self.read_body())
        try:
            self.answer(self.server.next_answer(request), request)
        except OSError:  # the client went away
            self.close_connection = True

    do_GET = do_POST

    def answer(self, what, request):
        if what == "ok":
            self.reply(200, OK)
        elif what == "empty":
            self.reply(200)
        elif what == "partial":
            self.reply(200, partial(1, b"one\x1b is bad"))
        elif what == "warning":
            self.reply(200, partial(0, b"be careful"))
        elif what == "html":
            self.reply(200, b"<html>login</html>")
        elif what == "drop":
            self.close_connection = True
        elif what == "half":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\n")
            self.wfile.flush()
            self.close_connection = True
        elif what == "slow":
            self.server.stopped.wait(20)
            self.close_connection = True
        elif what == "huge":
            self.reply(200, bytes(5 << 20))
        elif what == "redirect":
            self.reply(307, Location=f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        elif what == "after-date":
            self.reply(503, status(b"later"),
                       Retry_After=email.utils.formatdate(time.time() + 2, usegmt=True))
        elif what.startswith("after:"):
            self.reply(429, status(b"slow down"), Retry_After=what.split(":")[1])
        else:
            self.reply(int(what), status(b"because"))


class Server(http.server.ThreadingHTTPServer):
    """Use as a context manager."""
    daemon_threads = True

    def __init__(self, *script, cert=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.script, self.requests = list(script), []
        self.lock, self.stopped = threading.Lock(), threading.Event()
        self.scheme = "http"
        if cert:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert)
            self.socket = context.wrap_socket(self.socket, server_side=True,
                                              do_handshake_on_connect=False)
            self.scheme = "https"
        self.url = f"{self.scheme}://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        pass

    def next_answer(self, request):
        with self.lock:
            self.requests.append(request)
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *exc):
        self.stopped.set()
        self.shutdown()
        self.server_close()
