#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Conditions, outputs and what follows a run: steps that are not wanted are skipped and nobody misses them, outputs
tell what was measured, and `finally` hears the truth about how a run ended and cannot change it.

    conditions_test.py GEOLOOM [--only TEST]...
"""
import http.server
import json
import pathlib
import signal
import sys
import threading

import numpy

import documents
import scenes
from held_series import TILE, HeldSeries
from program import main

DOCUMENT = """geoloom: 1
name: control
params:
  limit: {{type: number, default: 0.5}}
  publish: {{type: boolean, default: true}}
  twice: {{type: number, default: "= $limit * 2"}}
secrets: [HOOK]
store: out
area: {{same_grid_as: scenes, tiles: 64 px}}
steps:
  composite:
    over: tiles
    do:
      - load: {{scenes: scenes, bands: [red, green, blue], reject: {{any_band_in: [0, 255]}}}}
      - median_rgb: {{}}
      - save: composite
  quality:
    do: [{{statistics: {{layer: composite, as: measured}}}}]
  map:
    when: {when}
    do: [{{mosaic: {{layer: composite, as: map}}}}]
  look:
    do: [{{quicklook: {{layer: map, as: look}}}}]
{more}"""
OUTPUTS = """outputs:
  share: $quality.measured.valid_share
  good: = $quality.measured.valid_share > $limit
  red: $quality.measured.red.mean
  map: $map.map
  tiles: $composite.composite
  made: $composite.items.done
  map_state: $map.state
  twice: $twice
"""
FINALLY = """finally:
  timeout: 20 s
  do:
    - notify: {webhook: {secret: HOOK}}
"""


def document(bench, when="$publish and $quality.measured.valid_share > $limit", more="", name="workflow.yaml"):
    return bench.document(DOCUMENT.format(when=when, more=more), name)


def series(bench):
    scenes.colour_series(bench.folder / "scenes", 4, (160, 96))


def measured(bench):
    """What NumPy says of the tiles."""
    values, valid = [], []
    for path in sorted((bench.folder / "out/layers/composite").glob("*.tif")):
        pixels, mask = scenes.read_masked(path)
        values.append(pixels[0][mask[0]].astype(numpy.float64))
        valid.append(mask.ravel())
    return numpy.concatenate(values), numpy.concatenate(valid)


def outputs(bench):
    series(bench)
    outcome = bench.run(document(bench, more=OUTPUTS))
    got = outcome.json()["outputs"]
    red, valid = measured(bench)
    bench.expect_equal(got["share"], valid.mean(), "share of valid values")
    bench.expect(abs(got["red"] - red.mean()) < 1e-9, "mean of red", (got["red"], red.mean()))
    bench.expect_equal(got["good"], bool(valid.mean() > 0.5), "an expression")
    bench.expect(pathlib.Path(bench.folder, got["map"]).exists(), "the map's address", got["map"])
    bench.expect(got["tiles"].endswith("out/layers/composite/items.json"), "the tiles' list", got["tiles"])
    bench.expect_equal(got["made"], 6, "items of a step")
    bench.expect_equal(got["map_state"], "done", "state of a step")
    bench.expect_equal(got["twice"], 1.0, "a default that is an expression")
    told = json.loads((bench.folder / "out/measured.json").read_text())
    bench.expect_equal(told["scalars"]["valid_share"], got["share"], "the file of what was measured")
    bench.expect_equal(bench.run(document(bench, more=OUTPUTS)).json()["outputs"], got, "again, from receipts alone")


def skipped(bench):
    series(bench)
    path = document(bench, more=OUTPUTS)
    outcome = bench.run(path, "-p", "publish=false")
    steps = outcome.steps()
    bench.expect("condition is false" in steps["map"]["skipped"], "the step is skipped", steps["map"])
    bench.expect("step 'map', which is skipped" in steps["look"]["skipped"], "and who reads its layer", steps["look"])
    bench.expect_equal(steps["map"]["not_started"], 0, "its items are not missed")
    got = outcome.json()["outputs"]
    bench.expect_equal((got["map"], got["map_state"]), (None, "skipped"), "its outputs are absent")
    bench.expect(not (bench.folder / "out/map.tif").exists(), "nothing was made")
    missing = bench.call("runs", "missing", "--store", "out")
    bench.expect_equal((missing.code, missing.out), (0, ""), "nothing is missing")
    bench.expect("skipped: its condition is false" in bench.call("runs", "show", "--store", "out").out, "runs show tells")
    made = bench.run(path, "-p", "limit=0.999")
    bench.expect("condition is false" in made.steps()["map"]["skipped"], "by what was measured", made)
    made = bench.run(path)
    bench.expect_equal(made.steps()["map"]["done"], 1, "made when it is wanted")
    bench.expect_equal(made.steps()["composite"]["unchanged"], 6, "what was there is kept")


def absent(bench):
    """What refers to a skipped step is skipped too, unless it says what to take instead."""
    series(bench)
    lines = """  after:
    when: {when}
    do: [{{quicklook: {{layer: composite, as: after}}}}]
"""
    skipping = document(bench, when="false", more=lines.format(when="$look.look == 'x'"))
    outcome = bench.run(skipping)
    bench.expect("absent" in outcome.steps()["after"]["skipped"], "absent: skipped", outcome)
    named = document(bench, when="false", more=lines.format(when="($look.look ?? 'none') == 'none'"))
    bench.expect_equal(bench.run(named).steps()["after"]["done"], 1, "with a value for want of it")
    state = document(bench, when="false", more=lines.format(when="$map.state == 'skipped'"))
    bench.expect_equal(bench.run(state).steps()["after"]["unchanged"], 1, "a state is never absent")


def undecided(bench):
    """A step whose condition needs what failed is neither made nor skipped."""
    series(bench)
    victim = sorted((bench.folder / "scenes").glob("*.tif"))[1]
    victim.write_bytes(victim.read_bytes()[:3000])
    outcome = bench.run(document(bench), expect=3)
    steps = outcome.steps()
    bench.expect(steps["composite"]["failed"] > 0, "an item failed", steps)
    bench.expect_equal((steps["map"]["skipped"], steps["map"]["not_started"]), ("", 1), "not started, not skipped")
    bench.expect("is not complete" in outcome.err, "and it says why", outcome.err)


def wrong(bench):
    series(bench)
    for when, says in [("$quality.measured.valid_shar > 1", "valid_share"), ("$quality.measured.valid_share", "not true or false"),
                       ("$quality.measured.valid_share > 'much'", "compares a number with a text"), ("$nobody.x", "unknown reference"),
                       ("$map.state == 'done'", "refers to the step itself"), ("$look.state == 'done'", "waits for itself"),
                       ("$composite.items.made > 1", "has no 'made'"), ("$limit =", "compares nothing"), ("$publish.x", "has no parts")]:
        outcome = bench.call("validate", document(bench, when=when))
        if outcome.code == 0:  # types are known when layers are
            outcome = bench.call("plan", document(bench, when=when))
        bench.expect(outcome.code == 2 and says in outcome.err and "workflow.yaml:" in outcome.err, when, outcome)
    for more, says in [("outputs: {a: b}", "refers to nothing"), ("outputs: {a: $b.c}", "unknown reference"), ("outputs: {a: $map.nothing}", "has no 'nothing'"),
                       ("finally: []", "list of ops"), ("finally: [{quicklook: {layer: map}}]", "makes results"),
                       ("finally: [{notify: {webhook: {secret: OTHER}}}]", "not declared"), ("finally: {timeout: soon, do: [{notify: {webhook: \"http://a\"}}]}", "timeout")]:
        outcome = bench.call("plan", document(bench, more=more))
        bench.expect(outcome.code == 2 and says in outcome.err, more, outcome)
    step = bench.call("plan", document(bench, more="  told:\n    do: [{notify: {webhook: \"http://a\"}}]\n"))
    bench.expect(step.code == 2 and "stands under `finally`" in step.err, "notify in a step", step)


class Hook:
    """A real server that keeps what it is sent; `status` of its answers."""

    def __init__(self, status=200):
        self.bodies, self.status = [], status
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                hook.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(hook.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.environment = {"GEOLOOM_SECRET_HOOK": f"http://127.0.0.1:{self.server.server_port}/s3cr3t"}


def told(bench):
    series(bench)
    hook = Hook()
    path = document(bench, more=OUTPUTS + FINALLY)
    outcome = bench.run(path, environment=hook.environment)
    bench.expect_equal(len(hook.bodies), 1, "told once")
    body = hook.bodies[0]
    bench.expect_equal((body["state"], body["document"]), ("done", "control"), "done")
    bench.expect_equal(body["outputs"], outcome.json()["outputs"], "with the outputs")
    bench.expect_equal({step["name"]: step["done"] for step in body["steps"]}, {"composite": 6, "quality": 1, "map": 1, "look": 1}, "with counts")
    victim = sorted((bench.folder / "scenes").glob("*.tif"))[1]
    victim.write_bytes(victim.read_bytes()[:3000])
    bench.run(path, environment=hook.environment, expect=3)
    body = hook.bodies[-1]
    bench.expect_equal(body["state"], "failed", "failed")
    bench.expect(body["failures"] and body["failures"][0]["example"].startswith("composite/"), "with the failures", body["failures"])
    bench.expect("corrupt" in body["text"], "in words", body["text"])
    everything = "".join(file.read_text(errors="replace") for file in (bench.folder / "out").rglob("*") if file.is_file())
    bench.expect("s3cr3t" not in everything + outcome.err + outcome.out, "the address stands nowhere")


def cannot_change_the_result(bench):
    series(bench)
    refusing = Hook(status=403)
    path = document(bench, more=FINALLY)
    outcome = bench.run(path, environment=refusing.environment)
    bench.expect("answered 403" in outcome.json()["closing_failures"][0], "it says so", outcome)
    bench.expect("the results are not affected" in outcome.err, "as a warning", outcome.err)
    logs = bench.call("runs", "logs", "--store", "out").out
    bench.expect("finally/notify" in logs and "denied" in logs, "it is in the log", logs)
    without = bench.run(path)
    bench.expect("HOOK" in without.err, "a secret that is not there", without.err)


def interrupted(bench):
    hook = Hook()
    text = documents.colours(tile=TILE, more="secrets: [HOOK]\n" + FINALLY)
    with HeldSeries(bench, document=text) as series:
        process = series.start("--json", environment=hook.environment)
        process.send_signal(signal.SIGINT)
        outcome = bench.finish(process)
    bench.expect_equal(outcome.code, 130, "interrupted")
    bench.expect_equal([body["state"] for body in hook.bodies], ["interrupted"], "told so")
    bench.expect(hook.bodies[0]["steps"][0]["not_started"] > 0, "with what was not started", hook.bodies)


if __name__ == "__main__":
    sys.exit(main([outputs, skipped, absent, undecided, wrong, told, cannot_change_the_result, interrupted], __doc__))
