#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A pretended pool of instances that take one request each, as a serverless platform runs a worker.

It stands for the platform in front of the worker: at most `instances` requests are under way, and
what comes above that is answered 429 at once, as Cloud Run does at its maximum of instances. Requests
are handed to one real worker, or, without one, take `seconds` and are answered 204.

    instance_pool.py --instances N [--worker http://127.0.0.1:8080] [--seconds S] [--port N]
"""
import argparse
import collections
import http.client
import random
import signal
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PASSED_ON = ("content-type", "authorization")


class InstancePool:
    def __init__(self, instances, worker=None, seconds=0.1, spread=0.3, port=0, seed=1, retry_after=None):
        self.instances, self.worker, self.seconds, self.spread = instances, worker, seconds, spread
        self.retry_after = retry_after
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.busy = self.most_busy = 0
        self.statuses = collections.Counter()
        handler = type("Bound", (Handler,), {"pool": self})
        self.server = Server(("127.0.0.1", port), handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def take(self):
        with self.lock:
            if self.busy >= self.instances:
                return False
            self.busy += 1
            self.most_busy = max(self.most_busy, self.busy)
            return True

    def release(self):
        with self.lock:
            self.busy -= 1

    def work(self, method, path, body, headers):
        if not self.worker:
            with self.lock:
                factor = self.random.uniform(1 - self.spread, 1 + self.spread)
            time.sleep(self.seconds * factor)
            return 204, b"", {}
        target = urllib.parse.urlsplit(self.worker)
        connection = http.client.HTTPConnection(target.hostname, target.port, timeout=600)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read(), dict(response.getheaders())
        except (OSError, http.client.HTTPException):
            return 502, b"", {}
        finally:
            connection.close()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Clients that are killed leave broken connections; that is what they are for."""

    request_queue_size = 512


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pool = None

    def log_message(self, *_):
        pass

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.pool.take():
            headers = {} if self.pool.retry_after is None else {"Retry-After": str(self.pool.retry_after)}
            return self.send(429, b"Rate exceeded.", headers)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() in PASSED_ON}
            status, text, told = self.pool.work(self.command, self.path, body, headers)
        finally:
            self.pool.release()
        self.send(status, text, {n: v for n, v in told.items() if n.lower() in ("content-type", "retry-after")})

    do_GET = do_POST = answer

    def send(self, status, body, headers):
        with self.pool.lock:
            self.pool.statuses[status] += 1
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, required=True)
    parser.add_argument("--worker")
    parser.add_argument("--seconds", type=float, default=0.1)
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    with InstancePool(arguments.instances, arguments.worker, arguments.seconds, port=arguments.port) as pool:
        print(pool.url, flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
