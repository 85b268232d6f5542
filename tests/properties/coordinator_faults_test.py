#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What happens to who carries a run out: documents that are edited, clocks that jump, `finally` that hangs, lost records.

    coordinator_faults_test.py GEOLOOM [--only TEST]...

Nothing here waits for time to pass: runs are held by a server, and a clock is told what time it is.
"""
import glob
import http.server
import shutil
import sys
import threading

import documents
import scenes
from held_series import TILE, HeldSeries
from program import kill, main, skip, wait_until
from stores import FolderStore, digests, receipts

DAY_S = 86400


def fingerprints_twice(store):
    """Items that were made although a receipt told of them."""
    seen, twice = set(), []
    for receipt in receipts(store):
        if receipt["fingerprint"] in seen:
            twice.append(f"{receipt['step']}/{receipt['item']}")
        seen.add(receipt["fingerprint"])
    return twice


def undisturbed(bench, series):
    """The bytes that must come out, from the files themselves: addresses are no part of them."""
    bench.run(series.document, "-p", "scenes=scenes", "-p", "results=undisturbed")
    return digests(FolderStore(bench.folder / "undisturbed"))


def pixels(files):
    return sorted(files.values())


def edited_while_it_runs(bench):
    """The run is what it was when it was started; the edited document is another one, and takes over what is the same."""
    out = FolderStore(bench.folder / "out")
    with HeldSeries(bench, items=3) as series:
        process = series.start("--json")
        text = documents.colours(tile=TILE)
        bench.document(text.replace("median_rgb: {}", "no_such_op: {}"))
        series.server.release()
        outcome = bench.finish(process)
        bench.expect_equal(outcome.code, 0, f"it ends as it began ({outcome.err})")
        run = outcome.json()["run"]
        bench.expect_equal(bench.call("runs", "missing", run).code, 0, "nothing is missing")
        retried = bench.call("runs", "retry", run, "--json")
        bench.expect(retried.code == 0 and all(step["done"] == 0 for step in retried.json()["steps"]), "nor is there anything to do", retried)
        before = digests(out)
        bench.document(text.replace("mosaic: {layer: composite, as: map}", "mosaic: {layer: composite, as: other}")
                       .replace("quicklook: {layer: map}", "quicklook: {layer: other}"))
        again = series.run()
        bench.expect_equal(again.steps()["composite"]["done"], 0, "what was edited does not touch the composite")
        bench.expect(before.items() <= digests(out).items(), "what was made stays")
        bench.expect(again.json()["run"] != run, "it is another run")


def killed_again_and_again(bench):
    """Each time in the middle of an item, by a server that holds it; and once more with a receipt half written."""
    out = FolderStore(bench.folder / "out")
    with HeldSeries(bench, items=2) as series:
        kill(series.start())
        made = {receipt["fingerprint"] for receipt in receipts(out)}
        bench.expect(made, "some items were made")
        # A writer that died in the middle of a line.
        (segment,) = [name for name in out.names() if name.startswith("receipts/")]
        out.write(segment, out.read(segment)[:-30])
        kept = {receipt["fingerprint"] for receipt in receipts(out)}
        bench.expect_equal(len(made - kept), 1, "one receipt is torn")
        ended = series.run()
        bench.expect_equal(ended.steps()["composite"]["unchanged"], len(kept), "what has a receipt is not made again")
        bench.expect_equal(fingerprints_twice(out), [], "nothing is made twice")
        wanted = undisturbed(bench, series)
        bench.expect_equal(len(wanted), len(digests(out)), "all files")


class FakeClock:
    """A time that processes take for that of the clock, and that can be set while they run."""

    def __init__(self, bench):
        libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        if not libraries:
            skip("libfaketime is absent; setup/install.sh test installs it")
        self.file = bench.folder / "clock"
        self.set("+0d")
        # Deadlines and waits go by another clock, which does not jump.
        self.environment = {"LD_PRELOAD": libraries[0], "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
                            "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def set(self, offset):
        self.file.write_text(offset + "\n")


def clocks_that_jump(bench):
    """Back by a year in the middle of a run, and forth by two: the same bytes, and nothing is made twice."""
    clock = FakeClock(bench)
    out = FolderStore(bench.folder / "out")
    with HeldSeries(bench, items=3) as series:
        process = series.start("--json", environment=clock.environment)
        before = {receipt["fingerprint"] for receipt in receipts(out)}
        clock.set("-400d")
        # A few more items by the clock of the year before.
        series.server.set_faults([{"path": f"*{name}", "fault": "hold", "skip": 3} for name in series.server.stats.paths])
        held = series.server.held
        series.server.release_held()
        bench.expect(wait_until(lambda: series.server.held > held, process), "it goes on")
        kill(process)
        times = sorted(receipt["finished"] for receipt in receipts(out))
        bench.expect(times[0][:4] != times[-1][:4], "receipts tell of two years", times)
        series.server.set_faults([])
        series.server.release()
        kept = len(receipts(out))
        clock.set("+400d")
        patient = {"GDAL_HTTP_TIMEOUT": "100000", **clock.environment}
        ended = bench.run(series.document, "-p", f"scenes={series.list}", environment=patient)
        bench.expect_equal(ended.steps()["composite"]["unchanged"], kept, "receipts of any time count")
        bench.expect_equal(fingerprints_twice(out), [], "nothing is made twice")
        shown = bench.call("runs", "show", ended.json()["run"], "--json").json()
        bench.expect_equal([each["state"] for each in shown["executions"]][-1], "done", "the last execution is the last")
        bench.expect_equal(len(bench.call("runs", "logs", "--json").out.splitlines()), len(receipts(out)), "each attempt is in the log")
        clock.set("-800d")
        again = bench.run(series.document, "-p", f"scenes={series.list}", environment=patient)
        bench.expect_equal(sum(step["done"] for step in again.steps().values()), 0, "then there is nothing to do, at any time")
        bench.expect_equal(len(undisturbed(bench, series)), len(digests(out)), "all files")


class Deaf(http.server.BaseHTTPRequestHandler):
    """Takes a request and never answers."""

    def log_message(self, *arguments):
        pass

    def do_POST(self):  # noqa: N802
        self.server.asked.set()
        self.server.let_go.wait()


def finally_that_hangs(bench):
    """It has a time of its own; the result is there, the exit code is that of the run, and the log tells."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Deaf)
    server.daemon_threads = True
    server.asked, server.let_go = threading.Event(), threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    scenes.colour_series(bench.folder / "scenes", 2, (128, 128))
    ending = "finally:\n  timeout: 300 ms\n  do: [{notify: {webhook: {secret: HOOK}}}, {notify: {webhook: {secret: HOOK}, on: [done]}}]\nsecrets: [HOOK]\n"
    outcome = bench.run(bench.document(documents.colours(more=ending)),
                        environment={"GEOLOOM_SECRET_HOOK": f"http://127.0.0.1:{server.server_address[1]}/"})
    bench.expect(server.asked.is_set(), "it was asked")
    bench.expect_equal(len(outcome.json()["closing_failures"]), 2, "both are told")
    bench.expect_equal(outcome.json()["ending"], "done", "the run is done")
    bench.expect("finally/notify" in bench.call("runs", "logs").out, "the log tells")
    server.let_go.set()
    server.shutdown()
    server.server_close()


def records_that_are_lost(bench):
    """The index, the log of attempts and that of executions are of use, but nothing depends on them."""
    scenes.colour_series(bench.folder / "scenes", 2, (128, 128))
    document = bench.document(documents.colours())
    run = bench.run(document).json()["run"]
    wanted = bench.call("runs", "show", run, "--json").json()
    files = digests(FolderStore(bench.folder / "out"))
    shutil.rmtree(bench.folder / "cache")
    bench.expect_equal(bench.call("runs", "show", run, "--json").json(), wanted, "an index that is lost is made again")
    for folder in ("attempts", "executions"):
        for path in (bench.folder / "out" / "runs" / run / folder).glob("*.seg"):
            path.write_bytes(b"\0rubbish\n" * 9)
    for command in (("show", run), ("list",), ("logs", run), ("why", run), ("missing", run), ("report", run)):
        outcome = bench.call("runs", *command)
        bench.expect(outcome.code == 0 and "defect" not in outcome.err, f"runs {command[0]}", outcome)
    again = bench.run(document)
    bench.expect_equal(sum(step["done"] for step in again.steps().values()), 0, "nothing is made again")
    bench.expect_equal(digests(FolderStore(bench.folder / "out")), files, "the same bytes")


if __name__ == "__main__":
    sys.exit(main([edited_while_it_runs, killed_again_and_again, clocks_that_jump, finally_that_hangs, records_that_are_lost], __doc__))
