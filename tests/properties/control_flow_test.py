#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""When work stops, waits and goes on: the breaker, failure budgets, gathers with gaps, deadlines, waiting for files and people.

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
from stores import FolderStore, receipts
from workers import worker

sys.path.insert(0, str(ROOT / "tests" / "servers"))
from file_server import FileServer  # noqa: E402
from pubsub_server import PubSubServer  # noqa: E402

SIZE, TILE = (256, 256), 16
TILES = 256
ONE_AT_A_TIME = ("--threads", 1)


def drawn(bench, step="", **options):
    """Many small tiles; `step` holds further keys of the composite's step."""
    scenes.colour_series(bench.folder / "scenes", 3, SIZE, block=16)
    return edited(bench, step, **options)


def edited(bench, step="", name="workflow.yaml", gather="", **options):
    """`gather` holds further keys of the map's step."""
    text = documents.colours(tile=TILE, **options).replace("  map:\n", f"  map:\n{gather}")
    return bench.document(text.replace("    over: tiles\n", f"    over: tiles\n{step}", 1), name)


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
                      f"geoloom runs resume {run} --store out"):
            bench.expect(words in outcome.err, words, outcome.err)
        why = bench.call("runs", "why", run, "--store", "out", "--json").json()
        bench.expect_equal([len(cause["items"]) for cause in why if cause["cause"] == "corrupt"], [20], "one cause")
        bench.expect_equal([attempt["state"] for attempt in attempts(bench, run)].count("failed"), 20, "no attempt is spent in vain")
        again = bench.run(document, *ONE_AT_A_TIME, expect=11)
        bench.expect_equal(again.steps()["composite"]["failed"], 20, "it is paused again while the cause is there")
    going_on = bench.call("runs", "resume", run, "--store", "out", "--json")
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


OTHER = """  other:
    over: tiles
    do:
      - load: {scenes: scenes/scene_20180103.tif, bands: [red]}
      - reduce: {stat: [max]}
      - save: {layer: other}
"""


def a_budget_ends_a_step(bench):
    drawn(bench)
    with damaged(bench):
        for budget, failures in (("10", 11), ("5 %", 13), ("0", 1)):
            document = edited(bench, f"    breaker: off\n    max_failed: {budget}\n", more=OTHER)
            outcome = bench.run(document, *ONE_AT_A_TIME, "-p", f"results=out{failures}", expect=3)
            steps = outcome.steps()
            bench.expect_equal(steps["composite"]["failed"], failures, f"one more than {budget}")
            bench.expect(steps["composite"]["not_started"] > 20, "the rest is not started", steps)
            bench.expect_equal((steps["map"]["failed"], steps["map"]["not_started"]), (0, 1), "nor what reads its layer")
            bench.expect_equal(steps["other"]["done"], TILES, "another step is carried out")
            bench.expect(f"more than {budget} of its items failed" in steps["composite"]["ended_early"], "it says why", outcome)
            bench.expect("'composite', whose layer 'composite' it reads" in steps["map"]["ended_early"], "and of the map too", outcome)
        enough = bench.run(edited(bench, "    breaker: off\n    max_failed: 256\n"), "-p", "results=enough", expect=3)
        bench.expect_equal(enough.steps()["composite"]["not_started"], 0, "a budget that suffices")


def map_is_valid(bench, row):
    return scenes.read_masked(bench.folder / "out" / "map.tif")[1][0][row].any()


def a_gather_does_without_some(bench):
    """Half of the tiles are missing."""
    drawn(bench)

    def document(min_ok):
        return edited(bench, "    breaker: off\n", gather=f"    min_ok: {min_ok}\n" if min_ok else "")

    with damaged(bench):
        strict = bench.run(document("0.99"), expect=3)
        bench.expect(strict.steps()["map"]["failed"] == 1 and "`min_ok` wants 254 of 256" in strict.err, "too few", strict)
        done = strict.steps()["composite"]["done"]
        for min_ok in ("20 %", done):
            lax = bench.run(document(min_ok), expect=3)
            bench.expect_equal(lax.steps()["map"]["failed"], 0, "enough are there")
            told = f"{TILES - done} of {TILES} items of layer 'composite' are missing: "
            bench.expect(any(note.startswith(told) and "made without them" in note for note in lax.json()["notes"]), "it says so", lax)
        bench.expect(map_is_valid(bench, 8) and not map_is_valid(bench, -8), "half of the map")
        missing = bench.call("runs", "missing", lax.json()["run"], "--store", "out", "--json").json()
        bench.expect_equal({entry["step"] for entry in missing}, {"composite"}, "the map is not missing")
        notes = [note for record in receipts(FolderStore(bench.folder / "out")) if record["step"] == "map" for note in record["notes"]]
        bench.expect(any(told in note for note in notes), "the receipt tells of it", notes)
        for demanding in ("0.99", ""):
            outcome = bench.run(document(demanding), expect=3)
            bench.expect_equal(outcome.steps()["map"]["failed"], 1, f"that map is not enough for min_ok: {demanding or 'nothing'}")
    whole = bench.run(document("20 %"))
    bench.expect_equal(whole.steps()["map"]["done"], 1, "it is made again when the missing ones come")
    bench.expect(map_is_valid(bench, -8), "the whole map")
    bench.expect_equal(whole.json()["notes"], [], "nothing is missing")
    again = bench.run(document(""))
    bench.expect_equal(again.steps()["map"]["unchanged"], 1, "a whole map is what it is, with min_ok and without")
    refused = bench.call("run", edited(bench, "    min_ok: 3\n"))
    bench.expect(refused.code == 2 and "gathers no layer" in refused.err, "a step that gathers nothing", refused)


# Held requests would be waited for all day.
PATIENT = {"GDAL_HTTP_TIMEOUT": "100000", "GDAL_HTTP_LOW_SPEED_TIME": "100000"}


@contextlib.contextmanager
def held_scenes(bench):
    """A list of scenes on a server, see hold_pixels()."""
    names = [path.name for path in scenes.colour_series(bench.folder / "served", 3, SIZE, cog=True)]
    with FileServer(bench.folder / "served") as server:
        (bench.folder / "list.txt").write_text("".join(f"{server.url}/{name}\n" for name in names))
        yield server


def hold_pixels(server):
    """Of one scene, from now on; the first request is for its header."""
    server.set_faults([{"path": "*scene_20180108.tif", "fault": "hold", "skip": 1}])


def deadlines_end_what_is_under_way(bench):
    with held_scenes(bench) as server:
        hold_pixels(server)
        arguments = ("-p", "scenes=list.txt")
        of_step = bench.run(edited(bench, "    deadline: 700 ms\n"), *arguments, environment=PATIENT, expect=14)
        steps = of_step.steps()
        bench.expect_equal((steps["composite"]["failed"], steps["composite"]["not_started"]), (0, TILES), "no attempt is counted")
        bench.expect("its deadline of 700 ms passed" in of_step.err, "it says so", of_step)
        bench.expect_equal((of_step.json()["ending"], steps["map"]["not_started"]), ("past_deadline", 1), "the map is not started")
        text = documents.colours(tile=TILE)
        hold_pixels(server)
        of_run = bench.run(bench.document(text + "deadline: 700 ms\n"), *arguments, environment=PATIENT, expect=14)
        bench.expect("the run's deadline of 700 ms passed" in of_run.err, "that of the run", of_run)
        server.release()
        bench.run(bench.document(text + "deadline: 1 d\n"), *arguments)
    for wrong in ("2", "soon"):
        refused = bench.call("run", bench.document(text + f"deadline: {wrong}\n"), "-p", "scenes=served")
        bench.expect(refused.code == 2 and "deadline must be a time with its unit" in refused.err, wrong, refused)


WAITING = """  final:
    waits_for: %s
    do:
      - mosaic: {layer: composite, as: final}
  last:
    do: [{quicklook: {layer: final}}]
"""


def small(bench, wait, store):
    scenes.colour_series(bench.folder / "scenes", 2, (64, 64))
    text = documents.colours(tile=32, more=WAITING % wait)
    return bench.document(text.replace("default: out", f"default: {store}"), f"{store}.yaml")


def expect_waiting(bench, outcome):
    steps = outcome.steps()
    bench.expect_equal((outcome.code, outcome.json()["ending"]), (12, "waiting"), "it ends as waiting")
    made = {name: step["done"] + step["unchanged"] for name, step in steps.items()}
    bench.expect_equal(made, {"composite": 4, "map": 1, "final": 0, "last": 0}, "all else is carried out")
    bench.expect_equal([steps[name]["not_started"] for name in ("final", "last")], [1, 1], "what waits is not started")


def a_step_waits_for_a_person(bench):
    document = small(bench, "{person: look at map.tif}", "out")
    for _ in range(2):
        outcome = bench.run(document, expect=12)
        run = outcome.json()["run"]
        expect_waiting(bench, outcome)
        bench.expect(f"look at map.tif. To approve: geoloom runs approve {run} final --store out" in outcome.err, "what to do", outcome)
    bench.expect_equal(bench.call("runs", "list", "--store", "out", "--json").json()[-1]["state"], "waiting", "its state")
    sent = bench.call("dispatch", document, "--to", "http://127.0.0.1:9", "--step", "final")
    bench.expect(sent.code == 12 and "waits for a person" in sent.err, "nor is it sent to workers", sent)
    for step in ("composite", "finale"):
        wrong = bench.call("runs", "approve", run, step, "--store", "out")
        bench.expect(wrong.code == 2 and "waits for a person" in wrong.err and "final" in wrong.err, "another step", wrong)
    approved = bench.call("runs", "approve", run, "final", "--store", "out", "--note", "no clouds")
    bench.expect(approved.code == 0 and "is approved by" in approved.out, "approved", approved)
    going_on = bench.run(document)
    bench.expect_equal([going_on.steps()[name]["done"] for name in ("final", "last")], [1, 1], "it goes on")
    shown = bench.call("runs", "show", run, "--store", "out")
    bench.expect("step final approved by" in shown.out and "no clouds" in shown.out, "it is kept", shown)
    again = bench.run(small(bench, "{person: look at it once more}", "out"))
    bench.expect_equal(again.json()["ending"], "done", "what is made waits for nothing")


def a_step_waits_for_a_file(bench):
    document = small(bench, "{file: season/done.txt}", "out")
    outcome = bench.run(document, expect=12)
    expect_waiting(bench, outcome)
    bench.expect("it waits for the file season/done.txt" in outcome.err, "for which", outcome)
    refused = bench.call("runs", "approve", outcome.json()["run"], "final", "--store", "out")
    bench.expect(refused.code == 2, "nobody can approve that", refused)
    (bench.folder / "season").mkdir()
    (bench.folder / "season" / "done.txt").write_text("")
    bench.run(document)
    with FileServer(bench.folder / "season") as server:
        away = small(bench, f"{{file: {server.url}/gone.txt}}", "away")
        expect_waiting(bench, bench.run(away, expect=12))
        bench.run(small(bench, f"{{file: {server.url}/done.txt}}", "away"))


MEASURED = """  final:
    waits_for: {person: look at map.tif}
    do: [{statistics: {layer: composite, as: measured}}]
  last:
    when: $final.measured.valid_share >= 0
    do: [{mosaic: {layer: composite, as: last}}]
"""


def so_does_what_refers_to_it(bench):
    """By its condition, not by a layer."""
    scenes.colour_series(bench.folder / "scenes", 2, (64, 64))
    document = bench.document(documents.colours(tile=32, more=MEASURED))
    outcome = bench.run(document, expect=12)
    expect_waiting(bench, outcome)
    bench.call("runs", "approve", outcome.json()["run"], "final", "--store", "out")
    bench.expect_equal(bench.run(document).steps()["last"]["done"], 1, "it is carried out then")


TESTS = [so_does_what_refers_to_it, a_step_waits_for_a_person, a_step_waits_for_a_file, a_budget_ends_a_step, a_gather_does_without_some, deadlines_end_what_is_under_way, one_cause_pauses_the_step, the_breaker_can_be_set, workers_that_fail_alike, a_queue_whose_items_fail_alike]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
