#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""When work stops, waits and goes on: the breaker.

    control_flow_test.py GEOLOOM [--only TEST]...
"""
import contextlib
import http.server
import json
import os
import sys
import threading

import documents
import scenes
from program import ROOT, main
from workers import worker

sys.path.insert(0, str(ROOT / "tests" / "servers"))
from pubsub_server import PubSubServer  # noqa: E402

SIZE, TILE = (256, 256), 16
TILES = 256
ONE_AT_A_TIME = ("--threads", 1)


def drawn(bench, step="", **options):
    """Many small tiles; `step` holds further keys of the composite's step."""
    scenes.colour_series(bench.folder / "scenes", 3, SIZE, block=16)
    return edited(bench, step, **options)


def edited(bench, step="", name="workflow.yaml", **options):
    text = documents.colours(tile=TILE, **options)
    return bench.document(text.replace("    over: tiles\n", f"    over: tiles\n{step}"), name)


@contextlib.contextmanager
def damaged(bench):
    """A scene whose lower half is lost; afterwards it is as it was."""
    path = bench.folder / "scenes" / "scene_20180108.tif"
    content, status = path.read_bytes(), path.stat()
    path.write_bytes(content[:len(content) // 2] + bytes(len(content) - len(content) // 2))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    yield
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def attempts(bench, run):
    return [json.loads(line) for line in bench.call("runs", "logs", run, "--store", "out", "--json").out.splitlines()]


def one_cause_pauses_the_step(bench):
    document = drawn(bench)
    with damaged(bench):
        outcome = bench.run(document, *ONE_AT_A_TIME, expect=11)
        composite = outcome.steps()["composite"]
        bench.expect_equal((composite["failed"], composite["done"] + 20 + composite["not_started"]), (20, TILES), "twenty in a row")
        bench.expect(composite["done"] > 20 and composite["not_started"] > 20, "the rest is left alone", composite)
        bench.expect_equal(outcome.steps()["map"]["not_started"], 1, "no other step is started")
        told, run = outcome.json(), outcome.json()["run"]
        bench.expect_equal(told["ending"], "paused", "it ends as paused")
        for words in ("one cause took 20 items since 20", "corrupt", f"{composite['done']} of {TILES} items of 'composite'",
                      f"geoloom runs retry {run} --store out"):
            bench.expect(words in outcome.err, words, outcome.err)
        why = bench.call("runs", "why", run, "--store", "out", "--json").json()
        bench.expect_equal([len(cause["items"]) for cause in why if cause["cause"] == "corrupt"], [20], "one cause")
        bench.expect_equal([attempt["state"] for attempt in attempts(bench, run)].count("failed"), 20, "no attempt is spent in vain")
        again = bench.run(document, *ONE_AT_A_TIME, expect=11)
        bench.expect_equal(again.steps()["composite"]["failed"], 20, "it is paused again while the cause is there")
    going_on = bench.call("runs", "retry", run, "--store", "out", "--json")
    bench.expect_equal((going_on.code, going_on.json()["ending"]), (0, "done"), "it goes on with the command that it told")
    bench.expect_equal(going_on.steps()["composite"]["done"], TILES - composite["done"], "with what was missing")


def the_breaker_can_be_set(bench):
    drawn(bench)
    with damaged(bench):
        quick = bench.run(edited(bench, "    breaker: {in_a_row: 3}\n"), *ONE_AT_A_TIME, "-p", "results=quick", expect=11)
        bench.expect_equal(quick.steps()["composite"]["failed"], 3, "three in a row")
        off = bench.run(edited(bench, "    breaker: off\n"), *ONE_AT_A_TIME, "-p", "results=off", expect=3)
        composite = off.steps()["composite"]
        bench.expect(composite["failed"] > 50 and composite["not_started"] == 0, "every item is tried", composite)
        refused = bench.call("run", edited(bench, "    breaker: {in_a_row: 0}\n"))
        bench.expect(refused.code == 2 and "breaker.in_a_row" in refused.err, "a breaker that makes no sense", refused)


@contextlib.contextmanager
def answering(handler):
    """A worker of a few lines: handler(task) gives (status, body)."""
    class Bound(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_POST(self):
            status, body = handler(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bound)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def workers_that_fail_alike(bench):
    """Every second item waits ten minutes for its next attempt: a paused run does not wait for it."""
    document = drawn(bench, "    retry: {attempts: 2, first: 10 min, jitter: false}\n")
    sent = []

    def answer(task):
        sent.append((task["item"], task["attempt"]))
        if len(sent) % 2:
            return 500, {"error": {"code": "unavailable", "message": f"{task['item']} is not at home"}}
        return 422, {"error": {"code": "corrupt", "message": f"{task['item']} is torn", "place": f"scene {task['item']}x"}}

    with answering(answer) as url:
        outcome = bench.run(document, "--via", url, "--in-flight", 1, expect=11)
    bench.expect_equal((len(sent), {attempt for _, attempt in sent}), (40, {1}), "nothing is sent after the twentieth")
    composite = outcome.steps()["composite"]
    bench.expect_equal((composite["failed"], composite["not_started"]), (20, TILES - 20), "what waits was not started")


def a_queue_whose_items_fail_alike(bench):
    """Through Pub/Sub the log of attempts alone tells what fails: a queue delivers again and again."""
    document = drawn(bench)
    (bench.folder / "out").mkdir()
    with damaged(bench), PubSubServer(speed=50) as queue, worker(
            bench, "--read", bench.folder / "scenes", "--write", bench.folder / "out", "--memory", "400M", "--queue", 300) as made:
        environment = {"PUBSUB_EMULATOR_HOST": queue.host}
        topic = "pubsub://project/tasks"
        up = bench.call("up", topic, "--push", f"http://127.0.0.1:{made.port}/tasks", environment=environment)
        bench.expect_equal(up.code, 0, "a queue")
        outcome = bench.run(document, "--via", topic, "--poll", 0.1, environment=environment, expect=11)
    bench.expect("one cause took" in outcome.err and "corrupt" in outcome.err, "paused by what the worker logged", outcome)


TESTS = [one_cause_pauses_the_step, the_breaker_can_be_set, workers_that_fail_alike, a_queue_whose_items_fail_alike]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
