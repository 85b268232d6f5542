#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`geoloom runs pause`, `resume` and `cancel`, what becomes of runs, and two processes on one run.

    run_control_test.py GEOLOOM [--store folder|s3] [--only TEST]...
"""
import sys
import threading

import documents
import scenes
from control_flow_test import PATIENT, SIZE, TILE, TILES, answering, held_scenes, hold_pixels
from program import kill, main, wait_until
from stores import KINDS, digests, environment_of, store_of
from workers import enveloped, worker

QUICK = ("--control-interval", 0.05)


def document_of(bench, tile=TILE):
    return bench.document(documents.colours(tile=tile))


class Started:
    """A run under way, with what it says so far."""

    def __init__(self, bench, *arguments):
        self.bench = bench
        self.err = open(bench.folder / f"stderr-{threading.get_native_id()}-{id(self)}", "w+", encoding="utf-8")
        self.process = bench.start("run", *arguments, environment=PATIENT, stderr=self.err)

    def said(self):
        with open(self.err.name, encoding="utf-8") as file:
            return file.read()

    def wait_for(self, words):
        return wait_until(lambda: words in self.said(), self.process)

    def finish(self):
        outcome = self.bench.finish(self.process)
        outcome.err = self.said()
        return outcome


def the_run(bench, store):
    return bench.call("runs", "list", "--store", store.url, "--json").json()[-1]


def states(bench, store, run):
    shown = bench.call("runs", "show", run, "--store", store.url, "--json").json()
    return [execution["state"] for execution in shown["executions"]]


def one_item_under_way(bench, server, store, *more):
    """A run whose first item is held by the server."""
    hold_pixels(server)
    held = server.held
    run = Started(bench, document_of(bench), "--json", "-p", "scenes=list.txt", "-p", f"results={store.url}", "--threads", 1, *QUICK, *more)
    bench.expect(wait_until(lambda: server.held > held, run.process), "an item is under way", run.said())
    return run


def a_run_is_paused_and_resumed(bench):
    store = store_of(bench)
    with held_scenes(bench) as server:
        started = one_item_under_way(bench, server, store)
        run = the_run(bench, store)["run"]
        bench.expect_equal(the_run(bench, store)["state"], "under way", "its state")
        asked = bench.call("runs", "pause", run, "--store", store.url, "--reason", "a full disk")
        bench.expect_equal((asked.code, "under way, to be paused" in asked.out), (0, True), "it is asked")
        started.wait_for("paused by ")
        bench.expect_equal(started.process.poll(), None, "what is under way is waited for")
        server.release()
        outcome = started.finish()
        composite = outcome.steps()["composite"]
        bench.expect_equal((outcome.code, outcome.json()["ending"]), (11, "paused"), "it ends as paused")
        bench.expect_equal((composite["done"], composite["failed"], composite["not_started"]), (1, 0, TILES - 1), "the item under way is made")
        bench.expect("a full disk" in outcome.err and f"geoloom runs resume {run} --store {store.url}" in outcome.err, "why, and how to go on", outcome.err)
        arguments = ("-p", "scenes=list.txt", "-p", f"results={store.url}")
        for command in (("run", document_of(bench), *arguments), ("runs", "retry", run, "--store", store.url)):
            again = bench.call(*command)
            bench.expect(again.code == 11 and "nothing was started" in again.err and "runs resume" in again.err, "it stays paused", again)
        bench.expect_equal(the_run(bench, store)["state"], "paused", "its state")
        resumed = bench.call("runs", "resume", run, "--store", store.url, "--json")
        bench.expect_equal((resumed.code, resumed.steps()["composite"]["done"]), (0, TILES - 1), "it goes on")
        bench.expect_equal(states(bench, store, run), ["paused", "done"], "its history")
        shown = bench.call("runs", "show", run, "--store", store.url).out
        for words in ("execution 1 by ", "threads, build ", "paused: paused by ", "a full disk", "execution 2"):
            bench.expect(words in shown, words, shown)


def a_run_is_cancelled(bench):
    """Also what is under way: nobody answers its requests."""
    store = store_of(bench)
    with held_scenes(bench) as server:
        started = one_item_under_way(bench, server, store)
        run = the_run(bench, store)["run"]
        asked = bench.call("runs", "cancel", run, "--store", store.url, "--json").json()
        bench.expect("cancelled by " in asked["text"], "who asked", asked)
        outcome = started.finish()
        composite = outcome.steps()["composite"]
        bench.expect_equal((outcome.code, outcome.json()["ending"]), (13, "cancelled"), "it ends as cancelled")
        bench.expect_equal((composite["done"], composite["failed"], composite["not_started"]), (0, 0, TILES), "no attempt counts")
        server.release()
        again = bench.call("run", document_of(bench), "-p", "scenes=list.txt", "-p", f"results={store.url}", "--json")
        bench.expect_equal((again.code, again.json()["ending"]), (13, "cancelled"), "it stays cancelled")
        resumed = bench.call("runs", "resume", run, "--store", store.url, "--json")
        bench.expect_equal((resumed.code, resumed.steps()["composite"]["done"]), (0, TILES), "until it is resumed")
        bench.expect_equal(states(bench, store, run), ["cancelled", "done"], "its history")


def cancelled_during_a_gather(bench):
    """Whenever the map notices: it is there as a whole, or not at all."""
    store, clean = store_of(bench), store_of(bench, "clean")
    scenes.colour_series(bench.folder / "scenes", 2, (1024, 1024))
    bench.run(document_of(bench, 256), "-p", f"results={clean.url}")
    started = Started(bench, document_of(bench, 256), "--json", "-p", f"results={store.url}", *QUICK)
    started.wait_for("map: 1 item")
    run = the_run(bench, store)["run"]
    bench.call("runs", "cancel", run, "--store", store.url)
    outcome = started.finish()
    made = outcome.steps()["map"]["done"]
    bench.expect(outcome.code in (0, 13) and made in (0, 1) and outcome.steps()["map"]["failed"] == 0, "cancelled, or done before", outcome)
    resumed = bench.call("runs", "resume", run, "--store", store.url)
    bench.expect_equal(resumed.code, 0, "it is resumed")
    bench.expect_equal(digests(store), digests(clean), "the same files")


def a_process_that_died(bench):
    store = store_of(bench)
    with held_scenes(bench) as server:
        started = one_item_under_way(bench, server, store)
        run = the_run(bench, store)["run"]
        bench.expect_equal(states(bench, store, run), ["under way"], "it lives")
        kill(started.process)
        bench.expect_equal(the_run(bench, store)["state"], "ended without a word", "it died")
        server.release()
        bench.run(document_of(bench), "-p", "scenes=list.txt", "-p", f"results={store.url}")
    bench.expect_equal(states(bench, store, run), ["ended without a word", "done"], "another one did it")


def two_processes_on_one_run(bench):
    store, clean = store_of(bench), store_of(bench, "clean")
    with held_scenes(bench) as server:
        bench.run(document_of(bench), "-p", "scenes=list.txt", "-p", f"results={clean.url}")
        first = one_item_under_way(bench, server, store)
        held = server.held
        hold_pixels(server)
        second = Started(bench, document_of(bench), "--json", "-p", "scenes=list.txt", "-p", f"results={store.url}", "--threads", 1)
        wait_until(lambda: server.held > held, second.process)
        run = the_run(bench, store)["run"]
        bench.expect_equal(states(bench, store, run), ["under way"] * 2, "both carry it out")
        server.release()
        bench.expect_equal([first.finish().code, second.finish().code], [0, 0], "both finish")
    bench.expect_equal(states(bench, store, run), ["done"] * 2, "both are done")
    bench.expect_equal(digests(store), digests(clean), "the files of one")
    bench.expect_equal(bench.call("runs", "missing", run, "--store", store.url).code, 0, "nothing is missing")


def requests_under_way_are_waited_for(bench):
    """By HTTP: what workers were sent they finish, and no further request is made."""
    scenes.colour_series(bench.folder / "scenes", 2, SIZE)
    store, arrived, release = store_of(bench), threading.Semaphore(0), threading.Event()

    def slow(_):
        arrived.release()
        release.wait(60)
        return 500, {}

    with answering(slow) as url:
        started = Started(bench, document_of(bench), "--json", "-p", f"results={store.url}", "--via", url, "--in-flight", 2, *QUICK)
        arrived.acquire()
        arrived.acquire()
        bench.call("runs", "pause", the_run(bench, store)["run"], "--store", store.url)
        started.wait_for("paused by ")
        release.set()
        outcome = started.finish()
        bench.expect_equal(outcome.code, 11, "paused")
        bench.expect(not arrived.acquire(blocking=False), "no further request is made")


def workers_start_nothing_of_a_run_that_is_held(bench):
    """Whoever sends: a sender is told to come back, a queue is done with it."""
    scenes.colour_series(bench.folder / "scenes", 2, SIZE)
    (bench.folder / "out").mkdir()
    bench.call("run", document_of(bench), "-p", f"results={bench.folder / 'out'}", "--only", "map", "-q")
    store = bench.folder / "out"
    run = bench.call("runs", "list", "--store", store, "--json").json()[-1]["run"]
    task = {"geoloom_task": 1, "store": str(store), "run": run, "step": "composite", "item": "0_0", "attempt": 1}
    # One worker for each: one looks again after two seconds only.
    for verb, state in (("pause", "paused"), ("cancel", "cancelled"), ("resume", None)):
        if state:
            bench.call("runs", verb, run, "--store", store)
        else:
            for name in (store / "runs" / run / "control").iterdir():
                name.unlink()
        with worker(bench, "--read", bench.folder / "scenes", "--write", store, "--memory", "300M") as made:
            answer = made.send("/tasks", task)
            bench.expect_equal(answer.status, 503 if state else 204, f"a task after {verb}")
            if not state:
                continue
            bench.expect(state in answer.body and "retry-after" in answer.headers, "why, and when to come back", answer)
            bench.expect_equal(made.send("/tasks", enveloped(task)).status, 204, "a delivery is settled")
            bench.expect(any(line.get("outcome") == state for line in made.lines()), "the journal tells", made.lines())
            bench.expect(not list((store / "layers").glob("composite/*.tif")), "nothing is made")
    bench.expect_equal(len(list((store / "layers").glob("composite/*.tif"))), 1, "then it is made")


TESTS = [a_run_is_paused_and_resumed, a_run_is_cancelled, cancelled_during_a_gather, a_process_that_died, two_processes_on_one_run,
         requests_under_way_are_waited_for, workers_start_nothing_of_a_run_that_is_held]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__, KINDS, environment_of=environment_of))
