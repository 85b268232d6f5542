#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Items that are made again though nothing that their identity knows has changed: `cache: false` and `max_age`.

    caching_test.py GEOLOOM [--only TEST]...
"""
import os
import sys
import time

import scenes
from program import main

LOAD = "load: {scenes: scenes, bands: [red, green, blue], reject: {any_band_in: [0, 255]}}"
TILES = 4


def document(bench, keys, more=""):
    if not (bench.folder / "scenes").exists():
        scenes.colour_series(bench.folder / "scenes", 3, (128, 128))
    return bench.document(f"""geoloom: 1
name: aging
store: out
area: {{same_grid_as: scenes, tiles: 64 px}}
steps:
  composite:
    over: tiles
    {keys}
    do: [{{{LOAD}}}, {{reduce: median}}, {{save: composite}}]
  map: {{do: [{{mosaic: {{layer: composite, as: map}}}}]}}
{more}""")


def counts(outcome):
    return {name: (step["done"], step["unchanged"]) for name, step in outcome.steps().items()}


def made_by(bench):
    """The number of items that each run made, oldest first."""
    return [run["made"] for run in bench.call("runs", "list", "--store", "out", "--json").json()]


def without_cache(bench):
    workflow = document(bench, "cache: false")
    first = bench.run(workflow)
    plan = bench.call("plan", workflow, "--json").json()["steps"]
    bench.expect_equal([step["made"] for step in plan], [0, 0], "a plan counts what would count")
    second = bench.run(workflow)
    bench.expect(first.json()["run"] < second.json()["run"], "another run", second.json()["run"])
    bench.expect_equal(counts(second), {"composite": (TILES, 0), "map": (0, 1)}, "made again; what is made of the same pixels is not")
    bench.expect_equal(made_by(bench), [TILES + 1, TILES], "each run made its own")
    for run in (first, second):
        missing = bench.call("runs", "missing", run.json()["run"], "--store", "out", "--json")
        bench.expect_equal((missing.code, missing.json()), (0, []), "what a later run made counts for the earlier")
    retried = bench.call("runs", "retry", first.json()["run"], "--store", "out", "--json")
    bench.expect_equal(counts(retried)["composite"], (0, TILES), "an earlier run that is gone on with makes nothing")


def a_run_that_goes_on(bench):
    workflow = document(bench, "cache: false", "  last:\n    waits_for: {file: ready}\n    do: [{quicklook: {layer: map}}]\n")
    first = bench.run(workflow, expect=12)
    bench.expect_equal(counts(first)["composite"], (TILES, 0), "made")
    (bench.folder / "ready").write_text("yes")
    second = bench.run(workflow)
    bench.expect_equal(second.json()["run"], first.json()["run"], "it is the same run")
    bench.expect_equal(counts(second)["composite"], (0, TILES), "so nothing is made again")
    third = bench.run(workflow)
    bench.expect_equal(counts(third)["composite"], (TILES, 0), "it was complete: this is a new run")


def at_an_age(bench):
    workflow = document(bench, "max_age: 1 s")
    first = bench.run(workflow)
    time.sleep(2.1)
    second = bench.run(workflow)
    bench.expect_equal(counts(second), {"composite": (TILES, 0), "map": (0, 1)}, "older than a second")
    week = document(bench, "max_age: 1 w")
    third = bench.run(week)
    bench.expect_equal(counts(third), {"composite": (0, TILES), "map": (0, 1)}, "younger than a week")
    plain = bench.run(document(bench, ""))
    bench.expect_equal(counts(plain)["composite"], (0, TILES), "the identity is the same")
    bench.expect(first.json()["run"] < second.json()["run"], "runs sort", second)


def other_pixels(bench):
    """The newest wins where pixels differ, which without the key would be an error."""
    workflow = document(bench, "cache: false")
    scene = bench.folder / "scenes" / "scene_20180103.tif"
    scenes.write_raster(scene, scenes.colour_pixels(0, (128, 128)), colour=True, compress="NONE")
    bench.run(workflow)
    before = (bench.folder / "out/map.tif").read_bytes()
    status = scene.stat()
    scenes.write_raster(scene, scenes.colour_pixels(55, (128, 128)), colour=True, compress="NONE")
    bench.expect_equal(scene.stat().st_size, status.st_size, "uncompressed scenes have one size")
    os.utime(scene, ns=(status.st_atime_ns, status.st_mtime_ns))
    second = bench.run(workflow)
    bench.expect_equal(counts(second), {"composite": (TILES, 0), "map": (1, 0)}, "the map is made of other pixels")
    bench.expect((bench.folder / "out/map.tif").read_bytes() != before, "it is another map")


def wrong(bench):
    for keys, says in [("cache: no", "cache"), ("cache: 3 d", "cache"), ("max_age: 7", "a time with its unit"), ("max_age: 0 d", "max_age"),
                       ("cache: true\n    max_age: 1 d", "either 'cache' or 'max_age'")]:
        outcome = bench.call("validate", document(bench, keys))
        bench.expect(outcome.code == 2 and says in outcome.err, keys, outcome)


if __name__ == "__main__":
    sys.exit(main([without_cache, a_run_that_goes_on, at_an_age, other_pixels, wrong], __doc__))
