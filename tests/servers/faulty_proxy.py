# SPDX-License-Identifier: Apache-2.0
"""A proxy on loopback before an object store, which does to requests what bad days do."""
import contextlib
import http.client
import http.server
import threading
import time

ERRORS = {
    "SlowDown": (503, "Please reduce your request rate."),
    "AccessDenied": (403, "Access Denied"),
    "RequestTimeTooSkewed": (403, "The difference between the request time and the current time is too large."),
    "ExpiredToken": (400, "The provided token has expired."),
    "InternalError": (500, "We encountered an internal error. Please try again."),
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.server.fault(self) or ""
        with self.server.lock:
            self.server.requests.append((self.command, self.path, fault))
        if fault in ERRORS:
            return self.refuse(fault)
        if fault == "stall":
            time.sleep(self.server.stall_seconds)
            self.close_connection = True
            return None
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=60)
        with contextlib.closing(upstream):
            upstream.request(self.command, self.path, body, {k: v for k, v in self.headers.items() if k.lower() != "connection"})
            return self.answer(upstream.getresponse(), fault)

    def answer(self, response, fault):
        data = response.read()
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        length = response.headers.get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or len(data))
        self.end_headers()
        if fault == "cut":
            data = data[:len(data) // 2]
            self.close_connection = True
        if self.command != "HEAD":
            self.wfile.write(data)

    def refuse(self, code):
        status, message = ERRORS[code]
        data = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", len(data))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def handle_one_request(self):
        with contextlib.suppress(ConnectionError):
            super().handle_one_request()

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = forward  # noqa: N815


class FaultyProxy(http.server.ThreadingHTTPServer):
    """`fault(request)` names a key of ERRORS, "cut", "stall", or nothing."""
    daemon_threads = True

    def __init__(self, upstream, fault=lambda request: None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream, self.fault = upstream, fault
        self.stall_seconds = 30
        self.requests, self.lock = [], threading.Lock()

    def faults(self):
        with self.lock:
            return [fault for _, _, fault in self.requests if fault]

    @property
    def address(self):
        return f"127.0.0.1:{self.server_address[1]}"


@contextlib.contextmanager
def before(upstream, fault):
    proxy = FaultyProxy(upstream, fault)
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
