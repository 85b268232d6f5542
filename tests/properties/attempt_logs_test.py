#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What attempts are told while they go on is kept with them: requests sent again, messages of libraries, scenes left out.

    attempt_logs_test.py GEOLOOM [--only TEST]...
"""
import json
import pathlib
import sys

from osgeo import gdal

import documents
import scenes
from program import ROOT, main

sys.path.insert(0, str(ROOT / "tests" / "servers"))
from file_server import FileServer  # noqa: E402

QUICK = {"GDAL_HTTP_RETRY_DELAY": "0.01", "GDAL_HTTP_MAX_RETRY": "1"}
SECRET = "sig-open-sesame-42"
TOLERATE = "load: {scenes: $scenes, bands: [red, green, blue], reject: {any_band_in: [0, 255]}, tolerate: {scenes: 1}}"


def logged(bench, *arguments):
    return [json.loads(line) for line in bench.call("runs", "logs", *arguments, "--json").out.splitlines()]


def texts(attempt):
    return [message["text"] for message in attempt.get("log", {"messages": []})["messages"]]


def files_of(folder):
    return "".join(file.read_text(errors="replace") for file in pathlib.Path(folder).rglob("*") if file.is_file())


def served(bench, count=3):
    return [path.name for path in scenes.colour_series(bench.folder / "served", count, (512, 512), cog=True)]


def requests_that_are_sent_again(bench):
    """Under an address that gives access: who reads the log learns of the wait, not of the key."""
    names = served(bench)
    with FileServer(bench.folder / "served") as server:
        (bench.folder / "list.txt").write_text("".join(f"{server.url}/{name}?sig={SECRET}\n" for name in names))
        quick = "    retry: {attempts: 2, first: 10 ms, longest: 20 ms}\n"
        document = bench.document(documents.colours(tile=512).replace("    over: tiles\n", f"    over: tiles\n{quick}"))
        bench.call("plan", document, "-p", "scenes=list.txt", environment=QUICK)
        planning = server.stats.paths[names[1]]["requests"]
        # Once what is planned is known: both requests of the first attempt, and the first one of the second.
        server.set_faults([{"path": f"*{names[1]}*", "fault": "status", "status": 500, "skip": planning, "times": 3}])
        outcome = bench.run(document, "-p", "scenes=list.txt", environment=QUICK)
        attempts = logged(bench, "composite/0_0")
        bench.expect_equal([(each["attempt"], each["state"]) for each in attempts], [(1, "failed"), (2, "done")], "failed once")
        for attempt in attempts:
            told = [text for text in texts(attempt) if "sent again after status 500" in text and names[1] in text]
            bench.expect_equal(len(told), 1, f"attempt {attempt['attempt']} tells what was sent again ({attempt})")
        failed = attempts[0]
        bench.expect(failed["memory_bytes"] > 0 and failed["seconds"]["read"] > 0, "what failed tells memory and time", failed)
        text = bench.call("runs", "logs", "--step", "composite", "--item", "0_0").out
        bench.expect("note after " in text and "sent again after status 500" in text and "memory" in text, "as text", text)
        kept = "".join(files_of(bench.folder / "out" / part) for part in ("receipts", "runs")) + json.dumps(attempts) + text
        record = (bench.folder / "out" / "runs" / outcome.json()["run"] / "run.json").read_text()
        bench.expect(SECRET not in kept.replace(record, ""), "the key is in no log, receipt or report")


def scenes_left_out(bench):
    paths = scenes.colour_series(bench.folder / "scenes", 4, (128, 128))
    whole = paths[1].read_bytes()
    paths[1].write_bytes(whole[:len(whole) // 2])
    document = bench.document(documents.colours(tile=128, load=TOLERATE))
    bench.run(document)
    done = logged(bench, "composite/0_0")[0]
    bench.expect_equal(done["state"], "done", "made without it")
    bench.expect(any("left out" in text and paths[1].stem in text for text in texts(done)), "the log says so", done)
    bench.expect_equal([attempt["step"] for attempt in logged(bench)], ["composite", "map"], "each attempt once")


def failures_are_shown(bench):
    """A scene that ends too early: the libraries' own words, in the log and in the report."""
    path = scenes.colour_series(bench.folder / "drawn", 1, (512, 512))[0]
    image = bench.folder / f"{path.stem}.jp2"
    gdal.Translate(str(image), str(path), format="JP2OpenJPEG", creationOptions=["REVERSIBLE=YES", "QUALITY=100"])
    whole = image.read_bytes()
    image.write_bytes(whole[:len(whole) // 2])
    outcome = bench.run(bench.document(documents.colours(tile=512)), "-p", f"scenes={image}", expect=3)
    run = outcome.json()["run"]
    failed = logged(bench, run, "--failed", "--step", "composite")
    bench.expect(failed and all(each["error"] == "corrupt" for each in failed), "it is corrupt", failed)
    bench.expect_equal(len(logged(bench, "--failed", "--item", "nowhere")), 0, "no such item")
    page = bench.call("runs", "report", run, "--json").json()
    samples = [group["sample"]["log"] for group in page["failures"]]
    bench.expect(all(set(log) == {"messages", "left_out"} for log in samples), "the report has the log of a sample", samples)
    bench.expect(any(text for each in failed for text in texts(each)), "libraries' messages are kept", failed)


if __name__ == "__main__":
    sys.exit(main([requests_that_are_sent_again, scenes_left_out, failures_are_shown], __doc__))
