# SPDX-License-Identifier: Apache-2.0
"""Runs whose items are made by push workers: directly over HTTP, and through Pub/Sub.

    dispatch_test.py build/release/geoloom [--only TEST]... [--long]
"""
import contextlib
import http.server
import json
import pathlib
import signal
import sys
import threading
import time

import documents
import scenes
from program import kill, main, wait_until
from stores import FolderStore, digests
from workers import worker

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "servers"))
from instance_pool import InstancePool  # noqa: E402
from pubsub_server import PubSubServer  # noqa: E402

SIZE, TILE = (256, 256), 64
TILES = 16
SECRET = "a-secret-of-tests-0123456789"
TOPIC = "pubsub://project/tasks"


def drawn(bench, size=SIZE, count=5):
    scenes.colour_series(bench.folder / "scenes", count, size)
    return bench.document(documents.colours())


def serving(bench, *more, store="out", **options):
    (bench.folder / store).mkdir(exist_ok=True)
    return worker(bench, "--read", bench.folder / "scenes", "--write", bench.folder / store, "--memory", "400M",
                  "--tasks", 2, *more, **options)


def results(bench, store):
    """The bytes of all files of a store but records, which hold times."""
    return {name: digest for name, digest in digests(FolderStore(bench.folder / store)).items()
            if name.endswith((".tif", ".png"))}


@contextlib.contextmanager
def answering(handler):
    """A worker of a few lines: handler(task, headers) gives (status, headers, body)."""
    class Bound(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_POST(self):
            task = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told = handler(task, self.headers)
            if told is None:  # drops the connection
                self.close_connection = True
                return
            status, headers, body = told
            data = json.dumps(body).encode() if body is not None else b""
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data if status != 204 else b"")

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bound)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def workers_make_the_same_bytes(bench):
    """Two workers, a secret, all steps; and a second time nothing is sent."""
    document = drawn(bench)
    bench.run(document, "-p", "results=here")
    secret = {"GEOLOOM_TOKEN": SECRET}
    with serving(bench, environment=secret) as first, serving(bench, environment=secret) as second:
        via = f"http://127.0.0.1:{first.port},http://127.0.0.1:{second.port}"
        outcome = bench.run(document, "--via", via, environment=secret)
        steps = outcome.steps()
        bench.expect_equal((steps["composite"]["done"], steps["map"]["done"]), (TILES, 1), "all items are made")
        made = [sum(line.get("text") != "ready" and line.get("item") is not None for line in w.lines()) for w in (first, second)]
        bench.expect(all(made), "both workers work", made)
        again = bench.run(document, "--via", via, environment=secret)
        bench.expect_equal([s["unchanged"] for s in again.json()["steps"]], [TILES, 1], "nothing is made again")
        refused = bench.call("run", bench.document(documents.colours(tile=128), "other.yaml"), "--via", via, "--json",
                             environment={"GEOLOOM_TOKEN": SECRET + "x"})
        bench.expect_equal(refused.code, 8, "a wrong token is denied")
        bench.expect(SECRET not in refused.err + refused.out + outcome.err + outcome.out, "no secret is printed")
    here = results(bench, "here")
    bench.expect_equal(len(here), TILES + 4, "files of the run in one process")
    bench.expect_equal(results(bench, "out").items() & here.items(), here.items(), "the bytes are those of one process")
    log = bench.call("runs", "logs", outcome.json()["run"], "--store", "out", "--json").out
    states = [json.loads(line)["state"] for line in log.splitlines()]
    bench.expect_equal(states, ["done"] * (TILES + 1), "each item is made once")


def one_some_named_or_all_items(bench):
    document = drawn(bench)
    with serving(bench) as made:
        to = ("--to", f"http://127.0.0.1:{made.port}", "--json")
        dry = bench.call("dispatch", document, *to, "--dry-run").json()
        bench.expect_equal((dry["step"], dry["tasks"], len(dry["windows"])), ("composite", TILES, TILES), "dry run")
        bench.expect_equal(dry["windows"][0], {"item": "0_0", "window": [0, 0, 64, 64]}, "windows")
        bench.expect(dry["bytes_to_read"] > 0, "bytes", dry)
        bench.expect_equal(results(bench, "out"), {}, "a dry run makes nothing")
        one = bench.call("dispatch", document, *to, "--limit", 1)
        bench.expect_equal((one.code, one.json()["done"], one.json()["missing"]), (0, 1, TILES - 1), "one")
        named = bench.call("dispatch", document, *to, "--items", "0_0,64_128,192_192").json()
        bench.expect_equal((named["tasks"], named["done"], named["missing"]), (2, 2, TILES - 3), "named, without what is there")
        wrong = bench.call("dispatch", document, *to, "--items", "65_0")
        bench.expect(wrong.code == 2 and "no item '65_0'" in wrong.err, "an item that is none", wrong)
        asked = bench.call("dispatch", document, *to, "--ask-above", 12)
        bench.expect(asked.code == 2 and "13 tasks" in asked.err and "--yes" in asked.err, "it asks", asked)
        cost = bench.call("dispatch", document, *to, "--ask-above", 12, "--yes", "--cost-per-task", 0.5)
        bench.expect_equal((cost.code, cost.json()["missing"]), (0, 0), "all that are left")
        following = bench.call("dispatch", document, *to)
        bench.expect_equal((following.json()["step"], following.json()["done"]), ("map", 1), "the next step")
        bench.expect((bench.folder / "out" / "map.tif").exists(), "the map is published")
        asked = bench.call("run", bench.document(documents.colours(tile=32), "b.yaml"), "--via", to[1], "--ask-above", 3)
        bench.expect(asked.code == 2 and "65 tasks" in asked.err, "run asks too", asked)


def refusals_cost_no_attempt(bench):
    """Single-request instances that refuse most of what comes; one attempt would not survive that."""
    document = drawn(bench)
    with serving(bench) as made, InstancePool(1, f"http://127.0.0.1:{made.port}") as pool:
        outcome = bench.run(document, "--via", pool.url, "--attempts", 1, "--in-flight", 16)
        bench.expect_equal(outcome.steps()["composite"]["done"], TILES, "every tile is made")
        bench.expect(pool.statuses[429] > 0, "some were refused", pool.statuses)
        bench.expect_equal(pool.statuses[204], TILES + 1, "none was made twice")


def answers_decide_what_follows(bench):
    document = drawn(bench)
    seen = {}

    def answer(task, _):
        seen.setdefault(task["item"], []).append(task["attempt"])
        return answers.get(task["item"], answers["else"])(task)

    broken = {"error": {"code": "corrupt", "message": "a torn block", "place": "scene x", "hint": "fetch it again"}}
    answers = {"0_0": lambda _: (422, {}, broken), "64_0": lambda _: (400, {}, None), "128_0": lambda _: (500, {}, None),
               "192_0": lambda _: None, "0_64": lambda _: (503, {"Retry-After": "0"}, None), "else": lambda _: (422, {}, broken)}
    answers["0_64"] = lambda task: (503, {"Retry-After": "0"}, None) if len(seen["0_64"]) < 8 else (422, {}, broken)
    with answering(answer) as url:
        outcome = bench.call("run", document, "--via", url, "--json", "--attempts", 3, "--only", "composite")
    bench.expect_equal(outcome.code, 3, "items failed")
    bench.expect_equal(seen["0_0"], [1], "what cannot succeed is sent once")
    bench.expect_equal(seen["64_0"], [1], "nor a task that is not understood")
    bench.expect_equal(seen["128_0"], [1, 2, 3], "a failure is tried again")
    # libcurl itself sends once more what was lost on a connection that was in use before.
    bench.expect_equal(sorted(set(seen["192_0"])), [1, 2, 3], "so is a broken connection")
    bench.expect_equal(seen["0_64"], [1] * 8, "a refusal costs no attempt")
    bench.expect("a torn block" in outcome.err, "the worker's words are told", outcome)
    why = bench.call("runs", "why", "--store", "out").out
    bench.expect("192_0" in why and "unavailable" in why, "attempts that no worker could log are logged", why)


def a_worker_is_believed_with_a_receipt_only(bench):
    """Answers 204 and does nothing, or writes to another store."""
    document, sent = drawn(bench), []
    with answering(lambda task, _: sent.append(task["item"]) or (204, {}, None)) as url:
        outcome = bench.call("run", document, "--via", url, "--json")
    bench.expect_equal(outcome.code, 3, "nothing is complete")
    bench.expect_equal(len(sent), 2 * (TILES + 1), "each is sent once more")
    bench.expect("another store" in outcome.err, "the reason is told", outcome)
    bench.expect_equal(outcome.steps()["composite"]["failed"], TILES, "all failed")


def nobody_answers(bench):
    document = drawn(bench)
    outcome = bench.call("run", document, "--via", "http://127.0.0.1:9", "--json", "--attempts", 2, "--only", "composite")
    bench.expect(outcome.code == 3 and "takes no connection" in outcome.err, "no worker", outcome)
    for wrong in ("ftp://x", "worker:8080", "http://u:p@host", "pubsub://p", "http://a,pubsub://project/topic"):
        outcome = bench.call("run", document, "--via", wrong)
        bench.expect(outcome.code == 2 and "p@" not in outcome.err, wrong, outcome)
    outcome = bench.call("run", document, "--via", "http://worker.example.org", environment={"GEOLOOM_TOKEN": SECRET})
    bench.expect(outcome.code == 2 and "readable" in outcome.err, "a token does not travel readable", outcome)


def killed_at_any_time(bench):
    """kill -9 of the dispatcher, then of a worker; the same command goes on."""
    document = drawn(bench)
    with serving(bench) as made:
        via = ("--via", f"http://127.0.0.1:{made.port}", "--in-flight", 2)
        process = bench.start("run", document, *via)
        if wait_until(lambda: (bench.folder / "out" / "receipts").exists(), process):
            kill(process)
        pushed = bench.run(document, *via)
        done = pushed.steps()["composite"]
        bench.expect_equal(done["done"] + done["unchanged"], TILES, "it goes on")
    document = bench.document(documents.colours(tile=32), "small.yaml")
    with serving(bench) as survivor:
        with contextlib.suppress(AssertionError), serving(bench) as victim:
            process = bench.start("run", document, "--json", "--via",
                                  f"http://127.0.0.1:{victim.port},http://127.0.0.1:{survivor.port}")
            wait_until(lambda: len(victim.lines()) > 6, process)
            kill(victim.process)
            outcome = bench.finish(process)
            bench.expect_equal(outcome.code, 0, "the other worker does all")
    missing = bench.call("runs", "missing", "--store", "out")
    bench.expect_equal(missing.code, 0, "nothing is missing")


def ctrl_c_drains(bench):
    document, started, release = drawn(bench), threading.Semaphore(0), threading.Event()

    def slow(_, __):
        started.release()
        release.wait(30)
        return 500, {}, None

    with answering(slow) as url:
        process = bench.start("run", document, "--via", url, "--in-flight", 2)
        started.acquire()
        started.acquire()
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        bench.expect_equal(process.poll(), None, "requests under way are waited for")
        release.set()
        outcome = bench.finish(process, 30)
        bench.expect_equal(outcome.code, 130, "then it ends")
        bench.expect(not started.acquire(blocking=False), "no further request is made")


# -- through Pub/Sub ----------------------------------------------------------------------------


def emulator(queue):
    return {"PUBSUB_EMULATOR_HOST": queue.host}


def set_up(bench, queue, endpoint, **subscription):
    from http.client import HTTPConnection
    for path, body in [("topics/tasks", {}), ("topics/dead", {}), ("subscriptions/dead", {"topic": "projects/project/topics/dead"}),
                       ("subscriptions/push", {"topic": "projects/project/topics/tasks", "ackDeadlineSeconds": 60,
                                               "pushConfig": {"pushEndpoint": endpoint}, **subscription})]:
        connection = HTTPConnection(queue.host)
        connection.request("PUT", f"/v1/projects/project/{path}", json.dumps(body))
        bench.expect_equal(connection.getresponse().status, 200, path)
        connection.close()


def dead_letters(attempts):
    return {"deadLetterPolicy": {"deadLetterTopic": "projects/project/topics/dead", "maxDeliveryAttempts": attempts}}


def a_run_through_pubsub(bench):
    """Published in one batch, pushed to the worker, some twice; the receipts tell when it is done."""
    document = drawn(bench)
    with PubSubServer(duplicates=0.5, seed=7) as queue, serving(bench, "--queue", 64) as made:
        set_up(bench, queue, f"http://127.0.0.1:{made.port}/tasks", **dead_letters(20))
        queue.fail_publishes = 2
        outcome = bench.run(document, "--via", TOPIC, "--poll", 0.2, environment=emulator(queue))
        bench.expect_equal([s["done"] for s in outcome.json()["steps"]], [TILES, 1], "all is made")
        time.sleep(0.5)
        messages = [m for m in queue.statistics()["messages"].values()]
        bench.expect_equal(len(messages), TILES + 1, "one message per item")
        bench.expect(any(len(m["statuses"]) > 1 for m in messages), "some came twice")
        bench.expect_equal({m["state"] for m in messages}, {"acknowledged"}, "all are acknowledged")
        run = outcome.json()["run"]
        bench.expect_equal({m["attributes"]["deduplication"] for m in messages} & {f"{run}/composite/0_0", f"{run}/map/all"},
                           {f"{run}/composite/0_0", f"{run}/map/all"}, "de-duplication ids")
        again = bench.run(document, "--via", TOPIC, environment=emulator(queue))
        bench.expect_equal(again.steps()["composite"]["unchanged"], TILES, "nothing is published again")
        absent = bench.call("dispatch", document, "--to", "pubsub://project/absent", "--step", "map", environment=emulator(queue))
        bench.expect_equal(absent.code, 0, "nothing is left to publish")
    bench.run(document, "-p", "results=here")
    bench.expect_equal(results(bench, "out").items() & results(bench, "here").items(), results(bench, "here").items(), "same bytes")


def what_nobody_makes_is_missing(bench):
    """A worker that always fails: dead letters, and a run that says so."""
    document = drawn(bench)
    with PubSubServer(speed=50) as queue, answering(lambda *_: (500, {}, None)) as url:
        set_up(bench, queue, url, **dead_letters(5))
        published = bench.call("dispatch", document, "--to", TOPIC, "--json", environment=emulator(queue))
        bench.expect_equal((published.code, published.json()["published"], published.json()["missing"]), (0, TILES, TILES), "published")
        outcome = bench.call("dispatch", document, "--to", TOPIC, "--limit", 2, "--wait", "--patience", 1, "--poll", 0.1, "--json",
                             environment=emulator(queue))
        bench.expect_equal((outcome.code, outcome.json()["failed"]), (3, 2), "no receipt came")
        bench.expect("geoloom dead list" in outcome.err, "where to look", outcome)
        wait_until(lambda: queue.states("projects/project/topics/tasks") == {"dead": TILES + 2})
        bench.expect_equal(queue.states("projects/project/topics/dead"), {"waiting": TILES + 2}, "dead letters wait")


def a_storm_loses_no_tile(bench):
    """Three instances that refuse at once what they cannot take: with back-off and twenty attempts, as `up` sets
    them, nothing ends as a dead letter."""
    document = drawn(bench)
    with PubSubServer(speed=20) as queue, serving(bench) as made, InstancePool(3, f"http://127.0.0.1:{made.port}") as pool:
        set_up(bench, queue, pool.url + "/tasks", retryPolicy={"minimumBackoff": "10s", "maximumBackoff": "600s"}, **dead_letters(20))
        outcome = bench.run(document, "--via", TOPIC, "--poll", 0.2, "--only", "composite", environment=emulator(queue))
        bench.expect_equal(outcome.steps()["composite"]["done"], TILES, "with the recommended settings none is lost")
        bench.expect(pool.statuses[429] > 0, "there were refusals", pool.statuses)
        bench.expect_equal(queue.states("projects/project/topics/dead"), {}, "no dead letter")


def dead_letters_are_read(bench):
    """up, a run whose worker is broken, doctor, dead list, replay to a topic and to a worker, drop, down."""
    document = drawn(bench)
    with PubSubServer(speed=50) as queue, answering(lambda *_: (500, {}, None)) as broken, serving(bench) as made:
        surroundings = {"environment": emulator(queue)}
        dry = bench.call("up", TOPIC, "--push", broken + "/tasks", "--dry-run", "--json", **surroundings)
        bench.expect_equal([r["action"] for r in dry.json()], ["would be made"] * 4, "a dry run")
        for wanted in ("made", "is there"):
            up = bench.call("up", TOPIC, "--push", broken + "/tasks", "--attempts", 5, "--json", **surroundings)
            bench.expect_equal([r["action"] for r in up.json()], [wanted] * 4, wanted)
        bench.call("dispatch", document, "--to", TOPIC, "--limit", 5, **surroundings)
        wait_until(lambda: queue.states("projects/project/topics/tasks") == {"dead": 5})
        dead = ("--from", "pubsub://project/tasks-dead")
        for _ in range(2):
            told = bench.call("dead", "list", *dead, "--json", **surroundings).json()
            bench.expect_equal(len(told), 5, "all are told, and stay")
        bench.expect_equal({(d["step"], d["deliveries"]) for d in told}, {("composite", "5")}, "which, and how often tried")
        bench.expect("no attempt is logged" in told[0]["reason"], "why", told[0])
        sent = bench.call("dead", "replay", *dead, "--to", f"http://127.0.0.1:{made.port}", "--limit", 2, **surroundings)
        bench.expect(sent.code == 0 and "2 of 2" in sent.err, "two are made by a worker", sent)
        sent = bench.call("dead", "replay", *dead, "--to", TOPIC, "--limit", 1, "--json", **surroundings)
        bench.expect_equal(sent.json(), {"found": 1, "replayed": 1}, "one is published again")
        wait_until(lambda: queue.states("projects/project/topics/tasks") == {"dead": 6})
        shown = bench.call("dead", "drop", *dead, **surroundings)
        bench.expect("3 dead letters would be dropped" in shown.err, "a dry run", shown)
        bench.call("dead", "drop", *dead, "--yes", **surroundings)
        left = bench.call("dead", "list", *dead, "--json", **surroundings)
        bench.expect_equal(left.json(), [], "none is left")
        missing = bench.call("runs", "missing", "--store", "out", "--json").json()
        bench.expect_equal(sum(m["step"] == "composite" for m in missing), TILES - 2, "the replayed ones are made")
        shown = bench.call("down", TOPIC, "--json", **surroundings)
        bench.expect_equal([r["action"] for r in shown.json()], ["would go"] * 4, "down is dry at first")
        gone = bench.call("down", TOPIC, "--yes", "--json", **surroundings)
        bench.expect_equal([r["action"] for r in gone.json()], ["removed"] * 4, "down")
        bench.expect_equal(queue.statistics()["topics"] + queue.statistics()["subscriptions"], [], "nothing is left")


def down_leaves_what_others_made(bench):
    with PubSubServer() as queue:
        set_up(bench, queue, "http://127.0.0.1:9/")
        kept = bench.call("down", TOPIC, "--yes", "--json", environment=emulator(queue))
        bench.expect_equal([r["action"] for r in kept.json()], ["not ours, stays"], "the topic of that name")
        bench.expect_equal(len(queue.statistics()["topics"]), 2, "all is there")


def the_doctor_compares_settings(bench):
    with PubSubServer() as queue, serving(bench) as made:
        surroundings = {"environment": emulator(queue)}
        set_up(bench, queue, "http://127.0.0.1:9/", deadLetterPolicy={
            "deadLetterTopic": "projects/project/topics/nobody-reads", "maxDeliveryAttempts": 5})
        load = ("--task-seconds", 90, "--tasks", 121, "--instances", 50)
        sick = bench.call("doctor", "--pubsub", "pubsub://project/push", *load, "--json", **surroundings)
        bench.expect_equal(sick.code, 3, "tiles would be lost")
        told = " ".join(f["what"] for f in sick.json()["findings"])
        for words in ("90 s, and is delivered again after 60 s", "no retry policy", "71 of 121 tasks", "does not exist", "not signed"):
            bench.expect(words in told, words, told)
        bench.call("up", "pubsub://project/good", "--push", f"http://127.0.0.1:{made.port}/tasks", "--push-account", "a@b.c", **surroundings)
        well = bench.call("doctor", "--pubsub", "pubsub://project/good-push", "--worker", f"http://127.0.0.1:{made.port}", *load,
                          "--platform-timeout", 3600, **surroundings)
        bench.expect(well.code == 0 and "fit together" in well.out, "what `up` makes fits", well)
        gone = bench.call("doctor", "--worker", "http://127.0.0.1:9")
        bench.expect(gone.code == 3 and "takes no connection" in gone.out, "a worker that is not there", gone)
        absent = bench.call("doctor", "--pubsub", "pubsub://project/absent", **surroundings)
        bench.expect_equal(absent.code, 5, "no such subscription")


TESTS = [workers_make_the_same_bytes, one_some_named_or_all_items, refusals_cost_no_attempt, answers_decide_what_follows,
         a_worker_is_believed_with_a_receipt_only, nobody_answers, killed_at_any_time, ctrl_c_drains, a_run_through_pubsub,
         what_nobody_makes_is_missing, a_storm_loses_no_tile,
         dead_letters_are_read, down_leaves_what_others_made, the_doctor_compares_settings]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
