# SPDX-License-Identifier: Apache-2.0
"""A push worker under test, and clients of it that are not ours (Python's own HTTP client)."""
import base64
import contextlib
import http.client
import json
import socket
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, {name.lower(): value for name, value in headers}, body

    def error(self):
        return json.loads(self.body)["error"]

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


class Worker:
    def __init__(self, bench, process, port, log):
        self.bench, self.process, self.port, self.log = bench, process, port, log

    def send(self, path, payload=None, *, raw=None, headers=None, method="POST", timeout=120):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        body = raw if raw is not None else json.dumps(payload).encode()
        connection.request(method, path, body=body if method == "POST" else None, headers=headers or {})
        answer = connection.getresponse()
        got = Answer(answer.status, answer.getheaders(), answer.read().decode())
        connection.close()
        return got

    def get(self, path):
        return self.send(path, method="GET")

    def lines(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def enveloped(payload, spelling="camel", attempt=None, identifier="1"):
    """As Pub/Sub pushes it."""
    data = base64.b64encode(json.dumps(payload).encode()).decode()
    message = {"data": data, "attributes": {"a": "b"}}
    message["messageId" if spelling == "camel" else "message_id"] = identifier
    message["publishTime" if spelling == "camel" else "publish_time"] = "2031-01-01T00:00:00Z"
    envelope = {"message": message, "subscription": "projects/p/subscriptions/s"}
    if attempt is not None:
        envelope["deliveryAttempt"] = attempt
    return envelope


@contextlib.contextmanager
def worker(bench, *arguments, environment=None, wait=True):
    """`geoloom serve` on a port of its own; ends with SIGTERM, which must be clean."""
    port = free_port()
    log = bench.folder / f"worker-{port}.log"
    with open(log, "w") as stream:
        process = bench.start("serve", "--port", port, *arguments, environment=environment, stderr=stream)
    started = Worker(bench, process, port, log)
    try:
        if wait:
            wait_until_ready(started)
        yield started
        if process.poll() is None:
            process.terminate()
            bench.expect_equal(process.wait(60), 0, "the worker ends cleanly")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def wait_until_ready(started, seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if started.process.poll() is not None:
            raise AssertionError(f"the worker ended: {started.log.read_text()}")
        with contextlib.suppress(OSError):
            if started.get("/readyz").status == 200:
                return
        time.sleep(0.02)
    raise AssertionError("the worker is not ready")
