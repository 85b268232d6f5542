#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Incremental runs: what a new, an excluded or a changed scene, a threshold, a file or a lost object touches is made again, that
and nothing else, and is told with its reason before it is made.

    explain_test.py GEOLOOM [--only TEST]...
"""
import csv
import json
import sys

import scenes
from program import main

SIZE = (256, 256)
LEFT_TILES = 8  # of 16, that a scene over the left half touches
DOCUMENT = """geoloom: 1
name: incremental
params: {limit: 100, scenes: scenes}
store: out
area: {same_grid_as: grid.tif, tiles: 64 px}
sources: {archive: {scenes: scenes/items.json, exclude: bad.csv}}
steps:
  composite:
    over: tiles
    do:
      - load: {source: archive, bands: [red]}
      - reduce: median
      - save: {layer: composite}
  classes:
    over: tiles
    do:
      - load: {layer: composite}
      - reclass: {rules: [{from: 0, to: $limit, value: 1}, {from: $limit, value: 2}]}
      - save: {layer: classes}
  map: {do: [{mosaic: {layer: classes, as: map}}]}
"""


def feature(name, number, width):
    west, north = 3.0, 45.15  # the usual grid begins there, as near as an item's outline need be
    east = west + width * 10 / 78847.0
    item = scenes.item_of(name, scenes.day(number), {"data": {
        "href": f"./{name}.tif", "type": "image/tiff; application=geotiff", "roles": ["data"], "eo:bands": [{"name": "B04", "common_name": "red"}]}})
    box = [west - 0.0005, north - 0.1, east + 0.0005, north + 0.01]
    item["bbox"] = box
    item["geometry"]["coordinates"] = [[[box[0], box[1]], [box[2], box[1]], [box[2], box[3]], [box[0], box[3]], [box[0], box[1]]]]
    return item


class Archive:
    """Scenes over all of the area, or over its left half, in a list of items."""

    def __init__(self, bench):
        self.folder, self.items = bench.folder / "scenes", {}
        scenes.write_raster(bench.folder / "grid.tif", scenes.reflectance_pixels(0, SIZE, bands=1))
        (bench.folder / "bad.csv").write_text("id,reason\n")
        for number in range(3):
            self.add(f"whole_{number}", number)

    def add(self, name, number, width=SIZE[0], seed=2):
        scenes.write_raster(self.folder / f"{name}.tif", scenes.reflectance_pixels(number, (width, SIZE[1]), bands=1, seed=seed), names=("B04",), nodata=0)
        self.items[name] = feature(name, number, width)
        self.write()

    def remove(self, name):
        del self.items[name]
        self.write()

    def write(self):
        (self.folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": list(self.items.values())}))


def counts(outcome):
    return {name: (step["done"], step["unchanged"]) for name, step in outcome.steps().items()}


def told(outcome):
    """What a run said before it made things again, by step."""
    lines = [line.removeprefix("made again: ") for line in outcome.err.splitlines() if line.startswith("made again: ")]
    return {line.split(": ", 1)[0]: line.split(": ", 1)[1] for line in lines}


def expect_told(bench, outcome, step, said):
    return bench.expect(told(outcome).get(step, "").startswith(said), f"{step}: {said}", f"told {told(outcome)}")


def begun(bench):
    archive = Archive(bench)
    document = bench.document(DOCUMENT)
    plan = bench.call("plan", document, "--explain")
    bench.expect("composite: 0 of 16 items unchanged\ncomposite: 16 of 16 items: never made before" in plan.out, "nothing was made", plan)
    bench.expect(not (bench.folder / "out").exists(), "a plan makes no store")
    first = bench.run(document)
    bench.expect_equal(counts(first), {"composite": (16, 0), "classes": (16, 0), "map": (1, 0)}, "all is made")
    bench.expect_equal(told(first), {}, "of what was never made nothing is told")
    second = bench.run(document)
    bench.expect_equal((counts(second), told(second)), ({"composite": (0, 16), "classes": (0, 16), "map": (0, 1)}, {}), "nothing to do, nothing told")
    return archive, document


def a_new_scene(bench):
    archive, document = begun(bench)
    archive.add("left_9", 9, width=SIZE[0] // 2)
    plan = bench.call("plan", document, "--explain")
    for line in ("composite: 8 of 16 items unchanged", "composite: 8 of 16 items: 1 scene more (left_9)",
                 "classes: 8 of 16 items: composite is to be made first", "map: 1 of 1 item: classes is to be made first"):
        bench.expect(line in plan.out.splitlines(), line, plan)
    outcome = bench.run(document)
    bench.expect_equal(counts(outcome)["composite"], (LEFT_TILES, LEFT_TILES), "the tiles it touches")
    expect_told(bench, outcome, "composite", "8 of 16 items: 1 scene more (left_9)")
    expect_told(bench, outcome, "classes", "8 of 16 items: composite has other pixels")
    expect_told(bench, outcome, "map", "1 of 1 item: classes has other pixels")
    order = outcome.err.index("made again: composite"), outcome.err.index("composite: 16/16")
    bench.expect(order[0] < order[1], "told before it is done")
    archive.remove("left_9")
    again = bench.call("plan", document, "--explain")
    bench.expect("composite: 16 of 16 items unchanged" in again.out, "as it was before: nothing is to be made", again)


def an_excluded_scene(bench):
    archive, document = begun(bench)
    archive.add("left_9", 9, width=SIZE[0] // 2)
    bench.run(document)
    archive.add("whole_4", 4)
    bench.run(document)
    with open(bench.folder / "bad.csv", "a", newline="") as table:
        csv.writer(table).writerow(["left_9", "haze, much of it"])
    item = bench.call("plan", document, "--explain-item", "0_0")
    bench.expect("composite: scene excluded: left_9: haze, much of it" in item.out, "one item in detail", item)
    outcome = bench.run(document)
    bench.expect_equal(counts(outcome)["composite"], (LEFT_TILES, LEFT_TILES), "the tiles it touched")
    expect_told(bench, outcome, "composite", "8 of 16 items: 1 scene excluded (left_9: haze, much of it)")


def a_removed_and_a_changed_scene(bench):
    archive, document = begun(bench)
    archive.remove("whole_1")
    archive.add("whole_5", 5)
    outcome = bench.run(document)
    expect_told(bench, outcome, "composite", "16 of 16 items: 1 scene more (whole_5); 1 scene fewer (whole_1)")
    archive.items["whole_2"]["properties"]["updated"] = "2026-01-01T00:00:00Z"
    archive.write()
    outcome = bench.run(document)
    bench.expect_equal(counts(outcome)["composite"], (16, 0), "another version of a scene")
    expect_told(bench, outcome, "composite", "16 of 16 items: 1 scene with another size, time or version (")


def a_threshold(bench):
    _, document = begun(bench)
    plan = bench.call("plan", document, "-p", "limit=3000", "--explain", "--json").json()["explanation"]
    bench.expect_equal([(step["step"], step["unchanged"]) for step in plan], [("composite", 16), ("classes", 0), ("map", 0)], "as JSON")
    reason = plan[1]["reasons"][0]
    bench.expect_equal((reason["items"], reason["made_before"], len(reason["examples"])), (16, True, 16), "a group")
    outcome = bench.run(document, "-p", "limit=3000", "--explain")
    bench.expect_equal(counts(outcome), {"composite": (0, 16), "classes": (16, 0), "map": (1, 0)}, "its step, and what reads it")
    expect_told(bench, outcome, "classes", "16 of 16 items: reclass.rules[0].to: 100")
    bench.expect("reclass.rules[1].from: 100" in told(outcome)["classes"] and "-> 3000" in told(outcome)["classes"], "both places, old and new", outcome)
    bench.expect("classes: 0 of 16 items unchanged" in outcome.err, "--explain of run tells all before it starts", outcome)
    back = bench.run(document)
    bench.expect_equal((counts(back)["classes"], told(back)), ((0, 16), {}), "and back")


def other_ops_and_grid(bench):
    _, document = begun(bench)
    other = bench.document(DOCUMENT.replace("- reduce: median", "- reduce: {stat: max}"), "max.yaml")
    outcome = bench.run(other)
    expect_told(bench, outcome, "composite", '16 of 16 items: reduce.stat[0]: "median" -> "max"')
    shorter = bench.document(DOCUMENT.replace("      - reclass: {rules: [{from: 0, to: $limit, value: 1}, {from: $limit, value: 2}]}\n", ""), "shorter.yaml")
    outcome = bench.run(shorter)
    expect_told(bench, outcome, "classes", "16 of 16 items: other ops: load > reclass > save -> load > save")
    window = bench.document(DOCUMENT.replace("tiles: 64 px", "window: [0, 0, 96, 256], tiles: 64 px"), "window.yaml")
    outcome = bench.run(window)
    bench.expect("another grid: " in told(outcome).get("composite", ""), "narrower tiles", outcome)


def lost_objects(bench):
    _, document = begun(bench)
    for path in list((bench.folder / "out/layers/composite").glob("*.tif"))[:3]:
        path.unlink()
    outcome = bench.run(document)
    bench.expect_equal(counts(outcome), {"composite": (3, 13), "classes": (0, 16), "map": (0, 1)}, "those, and no more")
    expect_told(bench, outcome, "composite", "3 of 16 items: its files are gone from the store")


def results_that_get_old(bench):
    _, document = begun(bench)
    aging = bench.document(DOCUMENT.replace("  classes:\n    over: tiles", "  classes:\n    over: tiles\n    cache: false"), "aging.yaml")
    bench.run(aging)
    plan = bench.call("plan", aging, "--explain")
    bench.expect("classes: 16 of 16 items: cache: false" in plan.out, "why", plan)
    outcome = bench.run(aging)
    expect_told(bench, outcome, "classes", "16 of 16 items: cache: false")
    bench.expect_equal(counts(outcome)["map"], (0, 1), "equal pixels are no change")
    bench.expect("classes" in bench.call("plan", document, "--explain-item", "64_0").out, "one item")
    unknown = bench.call("plan", document, "--explain-item", "64_1")
    bench.expect(unknown.code == 2 and "no step has an item '64_1'" in unknown.err, "an item that is none", unknown)


def a_run_that_was_cleaned(bench):
    """What is known of receipts whose run is gone."""
    archive, document = begun(bench)
    for record in (bench.folder / "out/runs").glob("*/run.json"):
        record.unlink()
    archive.add("whole_7", 7)
    outcome = bench.run(document)
    bench.expect_equal(counts(outcome)["composite"], (16, 0), "made again")
    bench.expect("of which no more is known" in told(outcome)["composite"], "and told as far as it is known", outcome)


if __name__ == "__main__":
    sys.exit(main([a_new_scene, an_excluded_scene, a_removed_and_a_changed_scene, a_threshold, other_ops_and_grid, lost_objects,
                   results_that_get_old, a_run_that_was_cleaned], __doc__))
