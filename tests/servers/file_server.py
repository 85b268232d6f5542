#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Serves a folder over HTTP on this machine, as far away and as badly as it is told to.

    file_server.py FOLDER [--port 0] [--latency-ms 50] [--bytes-per-second N] [--fault 'GLOB FAULT [KEY=VALUE]...']...

HTTP/1.1 with persistent connections, HEAD, GET, single byte ranges and entity tags. The latency is waited for
before every answer, and once more before the first of a connection, which in a network takes a round trip to
set up. Prints the address it listens on and serves until it is ended.

Faults are given by switch, or as JSON by PUT /_faults (which replaces those there were):

    [{"path": "*.tif", "fault": "status", "status": 503, "retry_after": 1, "skip": 2, "times": 1}]

A fault strikes requests for paths that match, after `skip` of them, `times` often (for ever without it):

    status      answers with `status`, and Retry-After where `retry_after` (s) is given
    cut         ends the connection in the middle of the body
    stall       sends half of the body, then nothing for `seconds`
    hold        answers when it is released (in Python: `FileServer.release`)
    slow        sends `bytes_per_second`
    wrong_range says and sends another range than was asked for
    whole       answers 200 with the whole file, as servers without ranges do
    changed     the file is another one from now on: `other`, a path, with another entity tag
    chunked     sends the body in chunks, without a length
    gzip        sends the body compressed, though nobody asked for that

GET /_stats tells, in JSON, requests, bytes of bodies, connections, and requests and bytes by path; DELETE /_stats
begins anew. Requests for paths that begin with "_" are not counted.
"""
import argparse
import dataclasses
import email.utils
import fnmatch
import gzip
import hashlib
import http.server
import json
import os
import pathlib
import re
import socket
import sys
import threading
import time
import urllib.parse

PIECE = 1 << 16


@dataclasses.dataclass
class Fault:
    path: str
    fault: str
    status: int = 500
    retry_after: float | None = None
    skip: int = 0
    times: int | None = None
    seconds: float = 3600
    bytes_per_second: float = 100
    other: str = ""
    seen: int = 0

    FAULTS = ("status", "cut", "stall", "hold", "slow", "wrong_range", "whole", "changed", "chunked", "gzip")

    def __post_init__(self):
        if self.fault not in self.FAULTS:
            raise ValueError(f"no fault '{self.fault}'; known: {', '.join(self.FAULTS)}")

    def strikes(self, path):
        if not fnmatch.fnmatchcase(path, self.path):
            return False
        self.seen += 1
        return self.seen > self.skip and (self.times is None or self.seen <= self.skip + self.times)


def fault_of_switch(text):
    """'*.tif status status=503 times=2'"""
    path, fault, *settings = text.split()
    values = {}
    for key, value in (setting.split("=", 1) for setting in settings):
        values[key] = value if key == "other" else float(value) if key in ("seconds", "bytes_per_second", "retry_after") else int(value)
    return Fault(path, fault, **values)


class Stats:
    def __init__(self):
        self.requests = self.bytes = self.connections = self.heads = self.at_once = self.most_at_once = 0
        self.paths = {}

    def as_json(self):
        keys = ("requests", "heads", "bytes", "connections", "most_at_once", "paths")
        return json.dumps({key: getattr(self, key) for key in keys}).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "file_server"
    wbufsize = 1 << 18
    fresh = True

    def setup(self):
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.server.lock:
            self.server.stats.connections += 1

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(body=True)

    def do_HEAD(self):
        self.answer(body=False)

    def do_PUT(self):
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/_faults":
            return self.send_text(405, b"")
        try:
            self.server.set_faults(json.loads(sent))
        except (ValueError, TypeError) as error:
            return self.send_text(400, str(error).encode())
        return self.send_text(204, b"")

    def do_DELETE(self):
        if self.path == "/_stats":
            self.server.forget()
        return self.send_text(204 if self.path == "/_stats" else 405, b"")

    def send_text(self, status, text, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text if self.command != "HEAD" else b"")

    def answer(self, body):
        server = self.server
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path).lstrip("/")
        if path == "_stats":
            with server.lock:
                text = server.stats.as_json()
            return self.send_text(200, text, [("Content-Type", "application/json")])
        fault = server.begin(path, self.command)
        try:
            latency = server.latency_s * (2 if self.fresh else 1)
            self.fresh = False
            if latency:
                self.wfile.flush()
                time.sleep(latency)
            self.answer_file(path, body, fault)
            self.wfile.flush()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            server.end()
        return None

    def answer_file(self, path, body, fault):
        kind = fault.fault if fault else ""
        if kind == "hold":
            self.server.hold()
        if kind == "status":
            retry = [("Retry-After", f"{fault.retry_after:g}")] if fault.retry_after is not None else []
            return self.send_text(fault.status, b"refused by the test server\n", retry)
        file = self.server.file_of(fault.other if kind == "changed" else path)
        if file is None or not file.is_file():
            return self.send_text(404, b"no such file\n")
        size = file.stat().st_size
        first, count, status = self.asked(size, kind)
        if status == 416:
            return self.send_text(416, b"", [("Content-Range", f"bytes */{size}")])
        said = first + PIECE if kind == "wrong_range" else first
        self.send_response(status)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", self.etag(file, kind))
        self.send_header("Last-Modified", email.utils.formatdate(file.stat().st_mtime, usegmt=True))
        self.send_header("Content-Type", "application/octet-stream")
        if status == 206:
            self.send_header("Content-Range", f"bytes {said}-{said + count - 1}/{size}")
        return self.send_body(file, said % max(1, size), count, body, fault)

    def asked(self, size, kind):
        """First byte, number of bytes, status."""
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if kind == "whole" or not match or match.group(1) == match.group(2) == "":
            return 0, size, 200
        if match.group(1) == "":
            count = min(size, int(match.group(2)))
            return size - count, count, 206
        first = int(match.group(1))
        last = min(size - 1, int(match.group(2)) if match.group(2) else size - 1)
        return (0, 0, 416) if first > last else (first, last - first + 1, 206)

    @staticmethod
    def etag(file, kind):
        status = file.stat()
        return '"' + hashlib.sha256(f"{file} {status.st_size} {status.st_mtime_ns} {kind == 'changed'}".encode()).hexdigest()[:16] + '"'

    def send_body(self, file, first, count, body, fault):
        kind = fault.fault if fault else ""
        with open(file, "rb") as source:
            source.seek(first)
            content = source.read(count) if body else b""
        content += b"\0" * (count - len(content)) if body else b""
        if kind == "gzip":
            content = gzip.compress(content, 1)
            count = len(content) if body else count
            self.send_header("Content-Encoding", "gzip")
        if kind == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(count))
        self.end_headers()
        if not body:
            return
        if kind in ("cut", "stall"):
            content = content[:len(content) // 2]
        for at in range(0, len(content), PIECE):
            self.send_piece(content[at:at + PIECE], fault)
        if kind == "chunked":
            self.wfile.write(b"0\r\n\r\n")
        if kind in ("cut", "stall"):
            self.wfile.flush()
            self.close_connection = True
        if kind == "stall":
            self.server.ended.wait(fault.seconds)

    def send_piece(self, piece, fault):
        kind = fault.fault if fault else ""
        self.server.count(self.path, len(piece))
        if kind == "slow":
            for at in range(len(piece)):
                self.wfile.write(piece[at:at + 1])
                self.wfile.flush()
                if self.server.ended.wait(1 / fault.bytes_per_second):
                    return
            return
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if kind == "chunked" else piece)
        if self.server.bytes_per_second:
            self.wfile.flush()
            time.sleep(len(piece) / self.server.bytes_per_second)


class FileServer(http.server.ThreadingHTTPServer):
    """Serves while it is a context; `url` is its address, without a slash at the end."""
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, folder, *, port=0, latency_ms=0.0, bytes_per_second=0, faults=()):
        super().__init__(("127.0.0.1", port), Handler)
        self.folder = pathlib.Path(folder).resolve()
        self.latency_s, self.bytes_per_second = latency_ms / 1000, bytes_per_second
        self.lock, self.ended, self.released = threading.Lock(), threading.Event(), threading.Event()
        self.faults, self.stats, self.held = list(faults), Stats(), 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.thread = None

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.release()
        self.shutdown()
        self.server_close()
        self.thread.join()

    def handle_error(self, request, client_address):
        """A client that goes away is none of this server's errors."""

    def set_faults(self, faults):
        """Of dictionaries, as in JSON."""
        made = [Fault(**fault) for fault in faults]
        with self.lock:
            self.faults = made

    def hold(self):
        with self.lock:
            self.held += 1
            released = self.released
        released.wait()

    def release(self):
        """Lets the requests go that are held, and all that come."""
        self.released.set()

    def release_held(self):
        """Lets the requests go that are held; those that come are held anew."""
        with self.lock:
            released, self.released = self.released, threading.Event()
        released.set()

    def forget(self):
        with self.lock:
            at_once, self.stats = self.stats.at_once, Stats()
            self.stats.at_once = at_once

    def begin(self, path, command):
        with self.lock:
            stats = self.stats
            stats.requests += 1
            stats.heads += command == "HEAD"
            stats.at_once += 1
            stats.most_at_once = max(stats.most_at_once, stats.at_once)
            of_path = stats.paths.setdefault(path, {"requests": 0, "bytes": 0})
            of_path["requests"] += 1
            struck = [fault for fault in self.faults if fault.strikes(path)]
            return struck[0] if struck else None

    def end(self):
        with self.lock:
            self.stats.at_once -= 1

    def count(self, target, size):
        path = urllib.parse.unquote(urllib.parse.urlsplit(target).path).lstrip("/")
        with self.lock:
            self.stats.bytes += size
            self.stats.paths.setdefault(path, {"requests": 0, "bytes": 0})["bytes"] += size

    def file_of(self, path):
        file = (self.folder / path).resolve()
        return file if file.is_relative_to(self.folder) else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--bytes-per-second", type=float, default=0, help="of each connection; 0: as fast as it goes")
    parser.add_argument("--fault", action="append", default=[], type=fault_of_switch)
    arguments = parser.parse_args()
    with FileServer(arguments.folder, port=arguments.port, latency_ms=arguments.latency_ms,
                    bytes_per_second=arguments.bytes_per_second, faults=arguments.fault) as server:
        print(server.url, flush=True)
        try:
            server.thread.join()
        except KeyboardInterrupt:
            pass
    return 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
